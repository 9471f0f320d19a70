// Cloudflare's workerd compiles no bytes: it links the .wasm file as a module.
import wasm from './kernels.wasm';
import { setSource } from '../runtime/instance.ts';

setSource(() => wasm);
export * from '../index.ts';
