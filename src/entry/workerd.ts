// Cloudflare's workerd compiles no bytes: it links the .wasm file as a module.
import wasm from './kernels.wasm';
import { setSources } from '../runtime/instance.ts';

setSources({ load: () => wasm });
export * from '../index.ts';
