// What the worker of worker.test.ts serves.
import { memory, ones, steps } from 'gradloom';
import { serve } from 'gradloom/worker';

serve(function* ({ turns, fail }: { turns: number; fail?: boolean }): Generator<unknown, unknown, undefined> {
  if (turns === 0) return memory().live;
  let sum = 0;
  for (const step of steps(turns)) {
    sum += ones([100]).sum().item();
    if (fail && step === 2) throw new RangeError('the job failed');
    if (fail && step === 1 && turns === 2) ones([2, 3]).matmul(ones([2, 3]));
    yield { step, sum, data: Float32Array.of(step) };
  }
  return sum;
});
