// Vercel's edge runtime compiles no bytes: its bundler links the .wasm file as a module.
import wasm from './kernels.wasm?module';
import { setSource } from '../runtime/instance.ts';

setSource(() => wasm);
export * from '../index.ts';
