// Weights that look at nothing.
import type { Stats } from '../method.ts';
import { checkPerLoss, type PerLoss, perLoss } from '../options.ts';
import { Memoryless } from './memoryless.ts';

/** Every weight is 1/m: the mean of the losses. */
export class Mean extends Memoryless {
  readonly name = 'Mean';
  override readonly needs = 'losses';

  weights({ names }: Stats): Float64Array {
    return new Float64Array(names.length).fill(1 / names.length);
  }
}

/** Given weights, 1 each unless said: Σ wᵢ·lossᵢ. */
export class Constant extends Memoryless {
  readonly name = 'Constant';
  override readonly needs = 'losses';
  private readonly given: PerLoss | undefined;

  /** @param weights a number per loss, in their order or by name */
  constructor(weights?: PerLoss) {
    super();
    checkPerLoss(this.name, 'weights', weights, Number.NEGATIVE_INFINITY);
    this.given = weights;
  }

  weights({ names }: Stats): Float64Array {
    return perLoss(this.name, 'weights', this.given, names, 1);
  }
}
