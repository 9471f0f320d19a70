// The one wasm instance of this process: made at first use from what the entry registered, or before by `init`.
import { instantiateSync } from '@assemblyscript/loader';
import type { Kernel } from './kernel-names.ts';

/** The wasm's exports: every parameter and result is one 32-bit word. */
export type Kernels = Record<Kernel, (...words: number[]) => number> & { memory: WebAssembly.Memory };

/** Where an entry gets its wasm from. */
export interface Sources {
  /** The ordinary build, synchronously. */
  load(): WebAssembly.Module;
  /** The build with relaxed SIMD, where the entry has it. */
  relaxed?(): Promise<WebAssembly.Module>;
}

/** Options of `init`. */
export interface InitOptions {
  /** A module compiled elsewhere, from `gradloom/kernels.wasm`. */
  wasm?: WebAssembly.Module | PromiseLike<WebAssembly.Module>;
  /** 'relaxed' lets products and sums round once (fused multiply-add): faster, but not the same bits on every machine. */
  simd?: 'fixed' | 'relaxed';
}

let sources: Sources | undefined;
let kernels: Kernels | undefined;

/** Says where the wasm comes from. The first call wins: an application has one instance. */
export function setSources(given: Sources): void {
  sources ??= given;
}

function boot(module: WebAssembly.Module): Kernels {
  kernels = instantiateSync<Record<string, unknown>>(module, {}).exports as unknown as Kernels;
  return kernels;
}

/** The instance's exports, compiled and instantiated on the first call. */
export function instance(): Kernels {
  if (kernels) return kernels;
  if (!sources) throw new Error("gradloom: no entry registered the wasm. Import from 'gradloom', not from a file inside it.");
  return boot(sources.load());
}

/**
 * Chooses the wasm before the first tensor is made. Optional: without it, the build inside the bundle is compiled at first use.
 * Nothing is loaded that is not asked for.
 */
export async function init(options: InitOptions = {}): Promise<void> {
  const { wasm, simd = 'fixed' } = options;
  if (kernels) throw new Error('gradloom: init comes too late, a tensor has been made. Call it first, once.');
  if (wasm) boot(await wasm);
  else if (simd === 'fixed') instance();
  else if (simd !== 'relaxed') throw new Error(`gradloom: init takes simd 'fixed' or 'relaxed', got '${simd}'.`);
  else if (!sources?.relaxed) throw new Error('gradloom: this entry carries no relaxed-SIMD build. Pass { wasm } with a module of your own, or leave simd out.');
  else boot(await sources.relaxed());
}
