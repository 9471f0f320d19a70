// The seam: host and wasm meet in this one function. Tracing, profiling, debug checks and capture are one change each, here.
import { instance, type Kernels } from './instance.ts';
import type { Kernel } from './kernel-names.ts';

let kernels: Kernels | undefined;

/** Sees every call with its words and result, while it is set. */
export type Tracer = (kernel: Kernel, words: readonly number[], result: number) => void;

let tracer: Tracer | null = null;

/** Sets what sees every call; null ends it. */
export function setTracer(next: Tracer | null): void {
  tracer = next;
}

/**
 * Runs one kernel. Every word is an address (bytes), a count or a flag; what changes from step to step lies in memory and goes by
 * address. Words a kernel does not take are ignored. Returns the kernel's result where it has one.
 */
export function call(kernel: Kernel, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0, j = 0, k = 0, l = 0, m = 0, n = 0): number {
  kernels ??= instance();
  const result = kernels[kernel](a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  if (tracer) tracer(kernel, [a, b, c, d, e, f, g, h, i, j, k, l, m, n], result);
  return result;
}
