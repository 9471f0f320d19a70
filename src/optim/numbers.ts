// Numbers of a step that is written in ops.
import { select } from '../ops/movement.ts';
import { float32View } from '../runtime/memory.ts';
import { hostStep } from '../tensor/recording.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';

/**
 * Scalars in memory, by name, which the host writes in each step, in replays too. `work` gets the address of `counter`, where there is one.
 */
export function numbersOf<K extends string>(names: readonly K[], counter: Tensor | null, work: (counter: number) => Readonly<Record<K, number>>): Record<K, Tensor> {
  const all = empty([names.length]);
  hostStep(counter ? [all, counter] : [all], ([at = 0, count = 0]) => {
    const values = work(count);
    float32View().set(
      names.map((name) => values[name]),
      at / 4,
    );
  });
  return Object.fromEntries(names.map((name, i) => [name, select(all, 0, i)])) as Record<K, Tensor>;
}
