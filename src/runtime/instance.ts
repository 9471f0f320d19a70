// The one wasm instance of this process: made at first use, by the loader that the entry registered.
import { instantiateSync } from '@assemblyscript/loader';
import type { Kernel } from './kernel-names.ts';

/** The wasm's exports: every parameter and result is one 32-bit word. */
export type Kernels = Record<Kernel, (...words: number[]) => number> & { memory: WebAssembly.Memory };

let load: (() => WebAssembly.Module) | undefined;
let kernels: Kernels | undefined;

/** Says where the wasm comes from. The first call wins: an application has one instance. */
export function setLoader(loader: () => WebAssembly.Module): void {
  load ??= loader;
}

/** The instance's exports, compiled and instantiated on the first call. */
export function instance(): Kernels {
  if (kernels) return kernels;
  if (!load) throw new Error("gradloom: no entry registered the wasm. Import from 'gradloom', not from a file inside it.");
  kernels = instantiateSync<Record<string, unknown>>(load(), {}).exports as unknown as Kernels;
  return kernels;
}
