// The one wasm instance of this process: made at first use from what the entry registered, or before by `init`.
import { assertWasm, refusal, runtimeError } from './compile.ts';
import { GradloomError } from './errors.ts';
import { compileSource, type WasmSource } from './source.ts';
import type { Kernel } from './kernel-names.ts';

/** The wasm's exports: every parameter and result is one 32-bit word. */
export type Kernels = Record<Kernel, (...words: number[]) => number> & { memory: WebAssembly.Memory };

/** Builds beyond the ordinary one. */
export interface Builds {
  /** The build with relaxed SIMD. */
  relaxed(): Promise<WebAssembly.Module>;
  /** The build for shared memory, and how to start a thread on it. */
  threads: {
    load(): Promise<WebAssembly.Module>;
    /** Starts a thread that joins the team; resolves when it is ready. */
    spawn(job: ThreadJob): Promise<Thread>;
  };
}

/** What a further thread needs to join. */
export interface ThreadJob {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Addresses of the control block and of this thread's scratch. */
  readonly control: number;
  readonly scratch: number;
  /** Size of the team, and this thread's number in it (the caller is 0). */
  readonly size: number;
  readonly id: number;
}

/** A running thread. */
export interface Thread {
  terminate(): unknown;
}

/** Options of `init`. */
export interface InitOptions {
  /** `gradloom/kernels.wasm` from elsewhere: a compiled module, its bytes, a Response, a URL, or a promise of one. */
  wasm?: WasmSource | PromiseLike<WasmSource>;
  /**
   * 'relaxed' lets products and sums round once (fused multiply-add): faster, but not the same bits on every machine.
   */
  simd?: 'fixed' | 'relaxed';
  /** How many threads products, convolutions and attention use where they are large, the caller included. The same bits as alone. `close()` ends them. */
  threads?: number;
}

let load: (() => WebAssembly.Module) | undefined;
let added: Partial<Builds> = {};
let kernels: Kernels | undefined;
let team: Thread[] = [];
/** Whether `init` is at work. */
let starting = false;

/** Says where the ordinary wasm comes from, synchronously. The first call wins: an application has one instance. */
export function setSource(given: () => WebAssembly.Module): void {
  load ??= given;
}

/** Adds builds that the program brings. */
export function addBuilds(more: Partial<Builds>): void {
  added = { ...added, ...more };
}

function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): Kernels {
  try {
    return new WebAssembly.Instance(module, imports).exports as unknown as Kernels;
  } catch (cause) {
    if (cause instanceof WebAssembly.CompileError) throw refusal(cause); // WebKit heeds a page's policy here
    if (!(cause instanceof RangeError)) throw cause;
    throw runtimeError('gradloom', 'this runtime refused the first 2 MB of WebAssembly memory. Give the process more (ulimit -v), or close other instances.', cause);
  }
}

/** An instance that is ready to work, not yet the one of this process. */
function boot(module: WebAssembly.Module, imports: WebAssembly.Imports = {}): Kernels {
  const made = instantiate(module, imports);
  if (!made.useScratch) throw new GradloomError('FORMAT', 'init', "the module is not gradloom's. Pass gradloom/kernels.wasm of this version.");
  made.useScratch(made.alloc(made.scratchBytes()));
  return made;
}

/** The instance's exports, compiled and instantiated on the first call. */
export function instance(): Kernels {
  if (kernels) return kernels;
  assertWasm();
  if (!load) throw runtimeError('gradloom', "no entry registered the wasm. Import 'gradloom' (or 'gradloom/lean') as well: gradloom/nn, optim and multiloss bring none.");
  kernels = boot(load());
  return kernels;
}

/**
 * Makes an instance that was worth waiting for the one of this process, unless a tensor has been made in another one
 * meanwhile.
 */
function adopt(made: Kernels): void {
  if (kernels) throw runtimeError('init', 'a tensor was made while init was at work, and lives on in the ordinary build. Await init before the first tensor.');
  kernels = made;
}

function refuse(message: string): never {
  throw new GradloomError('VALUE', 'init', message);
}

/** `init`, given options that were checked for their types, and the builds that the entry itself can find. */
export async function start(options: InitOptions, beside: Partial<Builds>): Promise<void> {
  const builds = { ...beside, ...added };
  const { wasm, simd = 'fixed', threads = 1 } = options;
  if (!(threads >= 1 && threads <= 64)) refuse(`takes threads from 1 to 64, got ${threads}.`);
  if ([threads > 1, wasm !== undefined, simd === 'relaxed'].filter(Boolean).length > 1)
    refuse('takes one of threads, wasm and relaxed simd: each is a build. Leave the others out.');
  if (kernels) throw runtimeError('init', 'comes too late, a tensor has been made. Call it first, once.');
  if (starting) throw runtimeError('init', 'is at work already. Call it once, and await it.');
  assertWasm();
  starting = true;
  try {
    if (wasm !== undefined) adopt(boot(await compileSource(await wasm)));
    else if (threads > 1) await startTeam(threads, builds.threads);
    else if (simd === 'fixed') instance();
    else {
      const { relaxed } = builds;
      if (!relaxed) throw runtimeError('init', "this entry carries no relaxed-SIMD build. Add import 'gradloom/relaxed' where wasm may be compiled from bytes, or leave simd out.");
      const made = boot(await relaxed());
      // Engines of 2025 on keep a tall tile's sums in registers, those before do not (V8 12.4: half the speed); what
      // tells them apart is that they have this.
      if ('Float16Array' in globalThis) made.useTallTiles();
      adopt(made);
    }
  } finally {
    starting = false;
  }
}

/** Shared memory of the largest size that the runtime grants: it is reserved, not used. */
function sharedMemory(): WebAssembly.Memory {
  if (typeof SharedArrayBuffer === 'undefined') {
    throw runtimeError(
      'init',
      // WebKitGTK hides it from pages that are isolated too.
      globalThis.crossOriginIsolated
        ? 'this runtime has no shared memory, although the page is isolated. Leave threads out.'
        : "threads need shared memory. Serve the page with 'Cross-Origin-Opener-Policy: same-origin' and 'Cross-Origin-Embedder-Policy: require-corp', or leave threads out.",
    );
  }
  for (const maximum of [65536, 32768, 16384]) {
    try {
      return new WebAssembly.Memory({ initial: 32, maximum, shared: true });
    } catch {}
  }
  throw runtimeError('init', 'the runtime refused to reserve 1 GB of shared memory. Leave threads out.');
}

/** 1 where this thread may wait for memory to change: a page's main thread may not. */
function maySleep(): number {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return 1;
  } catch {
    return 0;
  }
}

async function startTeam(size: number, threads: Builds['threads'] | undefined): Promise<void> {
  if (!threads) throw runtimeError('init', "this entry carries no build for threads. Add import 'gradloom/threads' where there are workers, or leave threads out.");
  const memory = sharedMemory();
  const module = await threads.load();
  const main = boot(module, { env: { memory } });
  const control = main.alloc(192);
  new Uint8Array(memory.buffer, control, 192).fill(0);
  const jobs = Array.from({ length: size - 1 }, (_, i) => ({ module, memory, control, scratch: main.alloc(main.scratchBytes()), size, id: i + 1 }));
  const started: Thread[] = [];
  try {
    for (const job of jobs) {
      started.push(
        await threads.spawn(job).catch((cause: unknown) => {
          const why = cause instanceof Error && cause.message ? `: ${cause.message}` : '';
          throw runtimeError('init', `a thread did not start${why}. In a page, allow workers from blob: URLs (worker-src blob:); where there are none, leave threads out.`, cause);
        }),
      );
    }
    adopt(main);
  } catch (error) {
    for (const thread of started) thread.terminate(); // nobody has used the instance: init may be called anew
    throw error;
  }
  main.joinTeam(control, size, 0, maySleep());
  team = started;
}

/** How many threads work, the caller included. It never grows: `init` comes before the first tensor. */
export const teamSize = (): number => team.length + 1;

/** Ends the threads that `init` started; work goes on alone. Without threads it does nothing. */
export function close(): void {
  if (team.length === 0) return;
  kernels?.dismiss();
  for (const thread of team) thread.terminate();
  team = [];
}
