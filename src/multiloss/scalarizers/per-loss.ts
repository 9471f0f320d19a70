// What scalarizers share: the losses as one vector, and numbers of the host that stand beside them.
import { reshape, stack } from '../../ops/movement.ts';
import { float32View } from '../../runtime/memory.ts';
import { GradloomError } from '../../tensor/errors.ts';
import { settle } from '../../tensor/pending.ts';
import { recording } from '../../tensor/recording.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';

/** @internal Host numbers in memory, at an address of their own: a captured step reads there what they are by then. */
export class HostVector {
  private place: Tensor | null = null;

  /** A tensor [n] of the numbers; computed and written anew at each replay of a captured step. */
  tensor(numbers: () => ArrayLike<number>): Tensor {
    const first = numbers();
    if (this.place?.size !== first.length) this.place = empty([first.length], 'float32', null);
    const place = this.place;
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

/** @internal Throws where a loss lies below (`allowZero`), or not above 0. A captured step cannot look: there it gives NaN. */
export function requirePositive(op: string, losses: readonly Tensor[], names: readonly string[], allowZero: boolean, remedy: string): void {
  if (recording()) return;
  losses.forEach((loss, i) => {
    const value = loss.item();
    if (value < 0 || (value === 0 && !allowZero)) throw new GradloomError('VALUE', op, `the loss '${names[i]}' is ${value}; it must be ${allowZero ? '≥' : '>'} 0. ${remedy}`);
  });
}
