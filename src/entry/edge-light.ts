// Vercel's edge runtime compiles no bytes: its bundler links the .wasm file as a module.
import wasm from './kernels.wasm?module';
import { setLoader } from '../runtime/instance.ts';

setLoader(() => wasm);
export * from '../index.ts';
