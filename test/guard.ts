// Loaded before a test file (`npm run test:guard`): the tests run on the build with guards around every block and NaN in free memory
// (assembly/guard.ts). What overwrites a guard ends the test when the block is given back, or the file at its end.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { instance, setSource } from '../src/runtime/instance.ts';

setSource(() => new WebAssembly.Module(readFileSync(fileURLToPath(new URL('../build/kernels.guard.wasm', import.meta.url)))));
process.on('exit', () => {
  const damaged = (instance() as unknown as { checkGuards(): number }).checkGuards() >>> 0;
  if (damaged === 0) return;
  console.error(`memory outside of a block was written to: the guards of the block at ${damaged} are damaged`);
  process.exitCode = 1;
});
