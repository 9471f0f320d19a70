// What the worker of worker.test.ts serves.
import { memory, ones, steps } from 'gradloom';
import { serve } from 'gradloom/worker';

/** What a job yields or throws that cannot be sent as it is. */
const awkward: Record<string, () => unknown> = {
  'a function': () => () => 1,
  'a tensor': () => ({ loss: ones([2]) }),
  'a plain object thrown': () => {
    throw { reason: 'no data', at: 3 };
  },
  'text thrown': () => {
    throw 'no data';
  },
  'nothing thrown': () => {
    throw undefined;
  },
  'an error with a cause': () => {
    throw new Error('outer', { cause: () => 1 });
  },
  exit: () => process.exit(3),
};

serve(function* ({ turns, fail, awkwardly }: { turns: number; fail?: boolean; awkwardly?: string }): Generator<unknown, unknown, undefined> {
  if (awkwardly) {
    for (const _ of steps(3)) {
      ones([1000]);
      yield awkward[awkwardly]?.();
    }
  }
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
