// Cloudflare's workerd compiles no bytes: it links the .wasm file as a module.
import wasm from './kernels.wasm';
import { setLoader } from '../runtime/instance.ts';

setLoader(() => wasm);
export * from '../index.ts';
