// The thread that makes the calls. What it is at stands in shared memory, so that the main thread sees a call that does not end.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { init } from 'gradloom';
import { Fuzz } from './calls.ts';
import type { Callable } from './surface.ts';

export interface Job {
  readonly surface: readonly Callable[];
  readonly seed: number;
  readonly only: string;
  readonly first: number;
  readonly end: number;
  readonly wasm: Uint8Array;
  /** The number of the call that runs, shared. */
  readonly progress: SharedArrayBuffer;
}

const job = workerData as Job;
const at = new Int32Array(job.progress);
const EVERY = 64;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function main(): Promise<void> {
  await init({ wasm: job.wasm });
  console.warn = () => {};
  const fuzz = new Fuzz(job.surface, job.seed, job.only);
  for (let i = job.first; i < job.end; i++) {
    Atomics.store(at, 0, i);
    for (const finding of await fuzz.run(i)) parentPort?.postMessage({ finding });
    if (i % EVERY === 0) {
      // The collector's callbacks give unscoped tensors back; they need a turn of the event loop.
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  parentPort?.postMessage({ counts: fuzz.counts, size: fuzz.size });
}

process.on('unhandledRejection', () => {}); // a promise that a call left behind; what it rejects with was counted where it was awaited
void main();
