// The team of threads by itself, in fresh processes: what goes wrong while an engine compiles shows in the first job only.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** One product by two threads: how many of its elements were not written when it was said to be done. */
const first = `
  const { Worker } = require('node:worker_threads');
  const module = new WebAssembly.Module(require('node:fs').readFileSync(process.argv[1]));
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 16384, shared: true });
  const wasm = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const [control, mine, scratch] = [192, wasm.scratchBytes(), wasm.scratchBytes()].map((bytes) => wasm.alloc(bytes));
  wasm.useScratch(mine);
  new Uint8Array(memory.buffer, control, 192).fill(0);
  const source = \`
    const { workerData: { module, memory, control, scratch }, parentPort } = require('node:worker_threads');
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    exports.useScratch(scratch);
    exports.joinTeam(control, 2, 1, 1);
    parentPort.postMessage('ready');
    exports.work();
  \`;
  const worker = new Worker(source, { eval: true, workerData: { module, memory, control, scratch } });
  worker.unref();
  worker.once('message', () => {
    wasm.joinTeam(control, 2, 0, 1);
    const [m, n, k] = [64, 256, 784];
    const [a, b, c] = [m * k, n * k, m * n].map((size) => wasm.alloc(4 * size));
    new Float32Array(memory.buffer, a, m * k).fill(1);
    new Float32Array(memory.buffer, b, n * k).fill(1);
    const result = new Float32Array(memory.buffer, c, m * n).fill(-1);
    wasm.matmul(m, n, k, a, k, 1, b, 1, k, c, n, 0, 0);
    console.log(result.reduce((wrong, x) => wrong + Number(x !== k), 0));
  });
`;
const wasm = fileURLToPath(new URL('../../build/kernels.threads.wasm', import.meta.url));

test('the first product of a process is done when it returns, whatever the engine compiles meanwhile', () => {
  for (let i = 0; i < 30; i++) {
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', first, wasm], { encoding: 'utf8', timeout: 20_000 });
    assert.is(stdout.trim(), '0', stderr);
  }
});

test.run();
