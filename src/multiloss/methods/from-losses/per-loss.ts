// What scalarizers share: the losses as one vector, and numbers of the host that stand beside them.
import { reshape, stack } from '../../../ops/movement.ts';
import { float32View } from '../../../runtime/memory.ts';
import { GradloomError } from '../../../tensor/errors.ts';
import { settle } from '../../../tensor/pending.ts';
import { recording } from '../../../tensor/recording.ts';
import { empty, type Tensor } from '../../../tensor/tensor.ts';
import type { Scalarizer } from '../method.ts';

/** @internal Host numbers in memory, at an address of their own: a captured step reads there what they are by then. */
export class HostVector {
  private readonly places = new Map<number, Tensor>();

  /** A tensor [n] of the numbers; computed and written anew at each replay of a captured step. */
  tensor(numbers: () => ArrayLike<number>): Tensor {
    const first = numbers();
    const place = this.places.get(first.length) ?? empty([first.length], 'float32', null);
    this.places.set(first.length, place);
    const write = (values: ArrayLike<number>): void => float32View().set(values, place.address / 4);
    settle();
    write(first);
    recording()?.repeat(() => write(numbers()));
    return place;
  }
}

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

/** @internal Throws where a loss lies below (`allowZero`), or not above 0. */
export function assertPositive(op: string, losses: Float64Array, names: readonly string[], allowZero: boolean, remedy: string): void {
  losses.forEach((value, i) => {
    if (value < 0 || (value === 0 && !allowZero)) throw new GradloomError('VALUE', op, `the loss '${names[i]}' is ${value}; it must be ${allowZero ? '≥' : '>'} 0. ${remedy}`);
  });
}
