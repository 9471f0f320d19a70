// What scalarizers share: the losses as one vector, and what they refuse.
import { reshape, stack } from '../../../ops/movement.ts';
import { GradloomError } from '../../../tensor/errors.ts';
import { recording } from '../../../tensor/recording.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Scalarizer } from '../method.ts';

/** @internal The losses as one vector [m], differentiable. */
export function vectorOf(losses: readonly Tensor[]): Tensor {
  return stack(losses.map((loss) => (loss.rank === 0 ? loss : reshape(loss, []))));
}

/** @internal Refuses losses that a method cannot take; a captured step looks at each replay, see Scalarizer.assert. */
export function assertEager(method: Scalarizer, losses: readonly Tensor[], names: readonly string[]): void {
  if (recording()) return;
  const values = Float64Array.from(losses, (loss) => loss.item());
  method.assert?.(values, names);
}

/** @internal Throws where a loss is negative or, without `allowZero`, 0. */
export function assertPositive(op: string, losses: Float64Array, names: readonly string[], allowZero: boolean, remedy: string): void {
  losses.forEach((value, i) => {
    if (value < 0 || (value === 0 && !allowZero)) throw new GradloomError('VALUE', op, `the loss '${names[i]}' is ${value}; it must be ${allowZero ? '≥' : '>'} 0. ${remedy}`);
  });
}
