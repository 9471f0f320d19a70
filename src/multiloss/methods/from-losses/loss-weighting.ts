// What weightings from loss values share: memory by the losses' names, and losses that are checked before it changes.
import { assertLosses } from '../../checks.ts';
import { WeightingBase } from '../base.ts';
import type { Stats } from '../method.ts';

/** @internal A weighting that looks at the losses' values. */
export abstract class LossWeighting<Name extends string = string> extends WeightingBase {
  override readonly needs = 'losses';
  /** What is wrong with a negative loss; undefined where nothing is. */
  protected readonly negative: string | undefined;

  /** The step's weights. The losses are finite. */
  protected abstract next(losses: Float64Array, names: readonly string[]): Float64Array;

  weights({ losses, names }: Stats<Name>): Float64Array {
    assertLosses(this.name, losses, names, this.negative);
    return this.next(losses, names);
  }
}

/** @internal What is wrong with negative losses where losses are compared by their ratio. */
export const RATIOS = 'it compares losses by their ratio, so none may be below 0';

/**
 * @internal a/b for b = 0 too: 1 where both are 0, since a loss that stays at 0 has not changed; else more than any
 * other.
 */
export function ratio(a: number, b: number): number {
  return b === 0 ? (a === 0 ? 1 : Number.MAX_VALUE) : a / b;
}
