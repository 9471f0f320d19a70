// Nash-MTL and FairGrad: weights at which the losses' gains are fairly shared.
import type { Stats } from '../method.ts';
import { checkCount, checkNumber, checkSameLosses } from '../checks.ts';
import { fair } from '../solve/fair.ts';
import { quadratic } from '../solve/matrix.ts';
import { Memoryless } from './memoryless.ts';

/** Options of FairGrad. */
export interface FairGradOptions {
  /** 1: proportional fairness (Nash); 2: minimum potential delay; → 0: the mean; → ∞: the worst-off loss counts alone. 1 unless said. */
  alpha?: number;
}

/**
 * α-fair weights: G·w = w^(−1/α) (Ban & Ji 2024, arXiv 2402.15638). α = 0 is the mean. All 0 at Pareto stationary points, also where
 * roundings of a float32 Gramian hide that no direction serves all losses. Solved to the rounding of the equations' terms for α from 0.1
 * to 5, whatever the gradients' lengths and rank.
 */
export class FairGrad extends Memoryless {
  readonly name = 'FairGrad';
  private readonly alpha: number;

  constructor(options: FairGradOptions = {}) {
    super();
    this.alpha = options.alpha ?? 1;
    checkNumber(this.name, 'alpha', this.alpha, 0);
  }

  weights({ gramian, names }: Stats): Float64Array {
    const m = names.length;
    return this.alpha === 0 ? new Float64Array(m).fill(1 / m) : fair(gramian, m, this.alpha);
  }
}

/** Options of NashMTL. */
export interface NashMTLOptions {
  /** The longest step ‖Jᵀw‖: a longer one is shortened to it. 1 unless said; 0 leaves it as it is. */
  maxNorm?: number;
  /** Every how many steps weights are computed anew; 1 unless said. */
  updateEvery?: number;
}

/**
 * The Nash bargaining solution: G·w = 1/w (Navon et al. 2022, arXiv 2202.01017), whatever the losses' scales. Solved exactly by damped
 * Newton; the paper's program stops at an approximation. All 0 at Pareto stationary points.
 */
export class NashMTL extends Memoryless {
  readonly name = 'NashMTL';
  private readonly maxNorm: number;
  private readonly updateEvery: number;
  private step = 0;
  private latest: Float64Array = new Float64Array(0);

  constructor(options: NashMTLOptions = {}) {
    super();
    this.maxNorm = options.maxNorm ?? 1;
    this.updateEvery = options.updateEvery ?? 1;
    checkNumber(this.name, 'maxNorm', this.maxNorm, 0);
    checkCount(this.name, 'updateEvery', this.updateEvery, 1);
  }

  weights({ gramian, names }: Stats): Float64Array {
    const m = names.length;
    if (this.step % this.updateEvery === 0) this.latest = fair(gramian, m, 1);
    checkSameLosses(this.name, this.latest.length, m);
    this.step++;
    const length = Math.sqrt(quadratic(gramian, this.latest, m));
    const scale = this.maxNorm > 0 && length > this.maxNorm ? this.maxNorm / length : 1;
    return this.latest.map((w) => w * scale);
  }

  override stateDict(): Record<string, unknown> {
    return { step: this.step, latest: [...this.latest] };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.step = state.step as number;
    this.latest = Float64Array.from(state.latest as number[]);
  }

  override reset(): void {
    this.step = 0;
    this.latest = new Float64Array(0);
  }
}
