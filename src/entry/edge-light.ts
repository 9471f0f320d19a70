// Vercel's edge runtime compiles no bytes: its bundler links the .wasm file as a module.
import wasm from './kernels.wasm?module';
import { setSources } from '../runtime/instance.ts';

setSources({ load: () => wasm });
export * from '../index.ts';
