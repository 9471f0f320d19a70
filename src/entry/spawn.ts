// Starting threads: a Worker from text where the runtime has Workers (browsers, Deno, Bun), else Node's.
import type { Thread, ThreadJob } from '../runtime/instance.ts';

/** What a thread does with its job: joins the team, says so, and works until the team ends. */
const JOIN = `({ module, memory, control, scratch, size, id }, ready) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  exports.useScratch(scratch);
  exports.joinTeam(control, size, id, 1);
  ready();
  exports.work();
}`;

interface NodeWorker extends Thread {
  once(event: 'message' | 'error' | 'exit', listener: (value: unknown) => void): void;
  unref(): void;
}
interface NodeThreads {
  Worker: new (source: string, options: { eval: true; execArgv: string[]; workerData: ThreadJob }) => NodeWorker;
}

function spawnInNode(job: ThreadJob, threads: NodeThreads): Promise<Thread> {
  const source = `const { parentPort, workerData } = require('node:worker_threads');\n(${JOIN})(workerData, () => parentPort.postMessage('ready'));`;
  const worker = new threads.Worker(source, { eval: true, execArgv: [], workerData: job });
  worker.unref(); // a program may end without close()
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve(worker));
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`it ended with code ${code}`)));
  });
}

function spawnFromBlob(job: ThreadJob): Promise<Thread> {
  const source = `globalThis.onmessage = ({ data }) => (${JOIN})(data, () => postMessage('ready'));`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  return new Promise<Thread>((resolve, reject) => {
    worker.onmessage = () => resolve(worker);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(job);
  }).finally(() => URL.revokeObjectURL(url));
}

/** Starts a thread; resolves when it has joined. */
export async function spawn(job: ThreadJob): Promise<Thread> {
  if (typeof Worker === 'function') return spawnFromBlob(job);
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const threads = process?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined;
  if (!threads) throw new Error('this runtime has neither Worker nor worker_threads');
  return spawnInNode(job, threads);
}
