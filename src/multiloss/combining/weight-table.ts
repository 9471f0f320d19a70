// The step's weights in memory: a list for each group of parameters and each set of losses that meet at some parameter.
import { narrow } from '../../ops/movement.ts';
import { writeFloats } from '../../tensor/host.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';

const keyOf = (group: number, losses: readonly number[]): string => `${group}:${losses.join()}`;

/** Where the host leaves weights, and gradients are combined with them. */
export class WeightTable {
  /** All of them; its address goes to `write`. */
  readonly block: Tensor;
  private readonly sets: readonly (readonly number[])[];
  private readonly starts = new Map<string, number>();
  private readonly groups: number;

  /** @param groups how many groups of parameters. @param sets the losses that meet at each parameter, by position */
  constructor(groups: number, sets: readonly (readonly number[])[]) {
    this.groups = groups;
    this.sets = [...new Map(sets.map((losses) => [losses.join(), losses])).values()];
    let size = 0;
    for (let g = 0; g <= this.mean; g++) {
      for (const losses of this.sets) {
        this.starts.set(keyOf(g, losses), size);
        size += losses.length;
      }
    }
    this.block = empty([Math.max(size, 1)]);
  }

  /** Which list is the groups' mean; the only one where there is one group. */
  get mean(): number {
    return this.groups > 1 ? this.groups : 0;
  }

  /** Writes one group's weights, [m]. @param address where the block lies */
  write(address: number, group: number, weights: Float64Array): void {
    for (const losses of this.sets) {
      writeFloats(
        address + 4 * this.startOf(group, losses),
        losses.map((i) => weights[i] as number),
      );
    }
  }

  /** The weights of some of the losses in a group, [k]. */
  of(group: number, losses: readonly number[]): Tensor {
    return narrow(this.block, 0, this.startOf(group, losses), losses.length);
  }

  private startOf(group: number, losses: readonly number[]): number {
    return this.starts.get(keyOf(group, losses)) as number;
  }
}
