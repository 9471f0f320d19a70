// A page without a bundler whose module worker trains: the page finds gradloom/worker by its import map.
import { tensor } from 'gradloom';
import { run } from 'gradloom/worker';

globalThis.gradloomSmoke = async () => {
  if (tensor([1, 2]).sum().item() !== 3) throw new Error('the page itself works no more');
  const worker = new Worker('./native-job.mjs', { type: 'module' });
  const turns = run(worker);
  const { value } = await turns.next();
  if (value !== 'started') throw new Error(`the worker yielded ${value}`);
  const { value: found } = await turns.next();
  worker.terminate();
  return found;
};
