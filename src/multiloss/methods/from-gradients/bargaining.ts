// Nash-MTL and FairGrad: weights at which the losses' gains are fairly shared.
import { type Kinds, optionsOf, withDefaults } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { count, range } from '../../checks.ts';
import { Memory } from '../memory.ts';
import { fair } from '../../solve/fair.ts';
import { quadratic } from '../../solve/matrix.ts';
import { WeightingBase } from '../base.ts';

/** Options of FairGrad. */
export interface FairGradOptions {
  /**
   * 1: proportional fairness (Nash); 2: minimum potential delay; → 0: the mean; → ∞: the worst-off loss counts alone.
   * Default 1.
   */
  alpha?: number;
}

const FAIR: Kinds<FairGradOptions> = { alpha: range(0) };

/**
 * α-fair weights: G·w = w^(−1/α) (Ban & Ji 2024, arXiv 2402.15638). α = 0 is the mean. All 0 at Pareto stationary
 * points, also where roundings of a float32 Gramian hide that no direction serves all losses. Solved to the rounding of
 * the equations' terms for α from 0.1 to 5, whatever the gradients' lengths and rank.
 */
export class FairGrad extends WeightingBase {
  readonly name = 'FairGrad';
  private readonly alpha: number;

  constructor(options?: FairGradOptions) {
    super();
    this.alpha = optionsOf('FairGrad', options, FAIR, arguments.length).alpha ?? 1;
  }

  weights({ gramian, names }: Stats): Float64Array {
    const m = names.length;
    return this.alpha === 0 ? new Float64Array(m).fill(1 / m) : fair(gramian, m, this.alpha);
  }
}

/** Options of NashMTL. */
export interface NashMTLOptions {
  /** The longest step ‖Jᵀw‖: a longer one is shortened to it. default 1; 0 leaves it as it is. */
  maxNorm?: number;
  /** Every how many steps weights are computed anew; default 1. In between each loss keeps its own. */
  updateEvery?: number;
}

const NASH: Kinds<NashMTLOptions> = { maxNorm: range(0), updateEvery: count(1) };

/**
 * The Nash bargaining solution: G·w = 1/w (Navon et al. 2022, arXiv 2202.01017), whatever the losses' scales. Solved
 * exactly by damped Newton; the paper's program stops at an approximation. All 0 at Pareto stationary points.
 */
export class NashMTL extends WeightingBase {
  readonly name = 'NashMTL';
  protected override readonly memory = new Memory({ step: 0 }, ['w'], { step: count(0), w: range(0) });
  private readonly options: Required<NashMTLOptions>;

  constructor(options?: NashMTLOptions) {
    super();
    this.options = withDefaults<Required<NashMTLOptions>>('NashMTL', options, NASH, { maxNorm: 1, updateEvery: 1 }, arguments.length);
  }

  weights({ gramian, names }: Stats): Float64Array {
    const { maxNorm, updateEvery } = this.options;
    const { memory } = this;
    const m = names.length;
    let due = memory.own.step % updateEvery === 0;
    const rows = memory.of(names, () => {
      due = true;
      return { w: 0 };
    });
    if (due) {
      fair(gramian, m, 1).forEach((w, i) => {
        (rows[i] as { w: number }).w = w;
      });
    }
    memory.own.step++;
    const latest = Float64Array.from(rows, ({ w }) => w);
    const length = Math.sqrt(quadratic(gramian, latest, m));
    const scale = maxNorm > 0 ? Math.min(maxNorm / length, 1) : 1;
    return latest.map((w) => w * scale);
  }
}
