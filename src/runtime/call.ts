// The seam: host and wasm meet in this one function. Tracing, profiling, debug checks and capture are one change each,
// here.
import { instance } from './instance.ts';
import type { Kernel } from './kernel-names.ts';

/** Looked up in half the time that an object of so many properties takes. */
let kernels: Map<string, (...words: number[]) => number> | undefined;

/** Host work between kernels: given addresses, it reads and writes memory. */
export type HostWork = (addresses: readonly number[]) => void;

/** Sees every call with its words and result, while it is set. */
export interface Tracer {
  call(kernel: Kernel, words: readonly number[], result: number): void;
  host(work: HostWork, addresses: readonly number[]): void;
}

let tracer: Tracer | null = null;

/** Sets what sees every call; null ends it. What waits is the former's, which is returned. */
export function setTracer(next: Tracer | null): Tracer | null {
  settle();
  const before = tracer;
  tracer = next;
  return before;
}

let waiting: (() => void) | null = null;

/**
 * Lets work wait until anything else happens at the seam: a call, a look at memory, a block given back. Nothing can tell that it has not run,
 * but what the work leaves on the host, which must `settle` before it is read. Null: nothing waits any more.
 */
export function postpone(work: (() => void) | null): void {
  waiting = work;
}

/** Runs what waits. */
export function settle(): void {
  if (waiting === null) return;
  const work = waiting;
  waiting = null;
  work();
}

/** Runs `fn` while what waits goes on waiting: for what concerns nothing of it. */
export function withoutSettling<T>(fn: () => T): T {
  const before = waiting;
  waiting = null;
  try {
    return fn();
  } finally {
    waiting = before;
  }
}

/**
 * Runs one kernel. Every word is an address (bytes), a count or a flag; what changes from step to step lies in memory
 * and goes by address. Words a kernel does not take are ignored. Returns the kernel's result where it has one.
 */
export function call(kernel: Kernel, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0, j = 0, k = 0, l = 0, m = 0, n = 0): number {
  if (waiting !== null) settle();
  kernels ??= new Map(Object.entries(instance() as Record<Kernel, (...words: number[]) => number>));
  const result = (kernels.get(kernel) as (...words: number[]) => number)(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  if (tracer) tracer.call(kernel, [a, b, c, d, e, f, g, h, i, j, k, l, m, n], result);
  return result;
}

/**
 * Runs host work at the seam. A captured step repeats it between its kernel calls, with the addresses that things have
 * by then.
 */
export function callHost(work: HostWork, addresses: readonly number[]): void {
  settle();
  const listening = tracer;
  tracer = null; // what the work itself calls is its own, not the step's
  try {
    work(addresses);
  } finally {
    tracer = listening;
  }
  tracer?.host(work, addresses);
}
