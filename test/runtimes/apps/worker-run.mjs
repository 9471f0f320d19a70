// The smoke run in a worker, driven by gradloom/worker. Node, Deno, Bun.
import { run } from 'gradloom/worker';

const url = new URL('./worker-job.mjs', import.meta.url);
const worker = typeof Worker === 'function' ? new Worker(url, { type: 'module' }) : new (await import('node:worker_threads')).Worker(url);
const turns = run(worker);
const { value } = await turns.next();
if (value !== 'started') throw new Error(`the worker yielded ${value}`);
console.log(JSON.stringify((await turns.next()).value));
worker.terminate();
