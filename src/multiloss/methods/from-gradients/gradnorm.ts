import { power } from '../../../tensor/elementary.ts';
import { type Kinds, withDefaults } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { assertLosses, POSITIVE, range } from '../../checks.ts';
import { WeightingBase } from '../base.ts';
import { Memory, reshare } from '../memory.ts';
import { total } from '../../solve/matrix.ts';

/** Options of GradNorm. */
export interface GradNormOptions {
  /** α: how strongly losses that lag behind are pushed; 0 makes all gradients equally long. default 1.5. */
  alpha?: number;
  /** Learning rate of the weights (Adam's, so it is about how much a weight moves in one step); default 0.025. */
  lr?: number;
  /** No weight falls below this, so that no loss is given up; default 0.01. */
  floor?: number;
}

const OPTIONS: Kinds<GradNormOptions> = { alpha: range(0), lr: POSITIVE, floor: range(0, 1) };

/** What there is of each loss: its first value, its weight, Adam's means, and β₁ᵗ and β₂ᵗ over its steps. */
interface Learnt {
  first: number;
  w: number;
  m1: number;
  m2: number;
  decay1: number;
  decay2: number;
}

/** Adam's decays and ε, as usual. */
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/**
 * Weights wᵢ, learned so that ‖wᵢ·gᵢ‖ comes near mean ‖wⱼ·gⱼ‖ · rᵢ^α, where rᵢ is how much of its first value the loss
 * still has, relative to the others (Chen et al. 2018, arXiv 1711.02257). They start at 1 and add up to m. The weights
 * of a step are those that the steps before have learned. A negative loss is refused.
 */
export class GradNorm extends WeightingBase {
  readonly name = 'GradNorm';
  override readonly needs = 'norms';
  protected override readonly memory = new Memory({}, ['first', 'w', 'm1', 'm2', 'decay1', 'decay2'], { w: range(0), m2: range(0), decay1: range(0, 1), decay2: range(0, 1) });
  private readonly options: Required<GradNormOptions>;

  constructor(options?: GradNormOptions) {
    super();
    this.options = withDefaults<Required<GradNormOptions>>('GradNorm', options, OPTIONS, { alpha: 1.5, lr: 0.025, floor: 0.01 }, arguments.length);
  }

  weights({ names, losses, norms }: Stats): Float64Array {
    assertLosses(this.name, losses, names, 'it compares losses with what they were at first, so none may be below 0');
    const rows = this.memory.of(names, (i) => ({ first: losses[i] as number, w: 1, m1: 0, m2: 0, decay1: 1, decay2: 1 }));
    reshare(rows, 'w', rows.length);
    const now = Float64Array.from(rows, ({ w }) => w);
    this.learn(rows, losses, norms, now);
    return now;
  }

  /**
   * One step of Adam on Σ |wᵢ·‖gᵢ‖ − targetᵢ|, the targets held fixed; then the weights are scaled to add up to m
   * again.
   */
  private learn(rows: readonly Learnt[], losses: Float64Array, norms: Float64Array, now: Float64Array): void {
    const { alpha, lr, floor } = this.options;
    const m = rows.length;
    const left = losses.map((v, i) => ((rows[i] as Learnt).first > 0 ? v / (rows[i] as Learnt).first : 1));
    const meanLeft = total(left) / m;
    const lengths = norms.map((v, i) => v * (now[i] as number));
    const mean = total(lengths) / m;
    if (!(mean > 0)) return;
    const w = now.map((v, i) => {
      const row = rows[i] as Learnt;
      row.decay1 *= BETA1;
      row.decay2 *= BETA2;
      const target = mean * (meanLeft > 0 ? power((left[i] as number) / meanLeft, alpha) : 1);
      // The slope over the mean length, so that ε is small beside it whatever the gradients' scale.
      const difference = (lengths[i] as number) - target;
      const slope = (difference > 0 ? 1 : difference < 0 ? -1 : 0) * ((norms[i] as number) / mean);
      row.m1 = BETA1 * row.m1 + (1 - BETA1) * slope;
      row.m2 = BETA2 * row.m2 + (1 - BETA2) * slope * slope;
      const step = row.m1 / (1 - row.decay1) / (Math.sqrt(row.m2 / (1 - row.decay2)) + EPSILON);
      return Math.max(v - lr * step, 0);
    });
    withFloor(w, floor).forEach((v, i) => {
      (rows[i] as Learnt).w = v;
    });
  }
}

/**
 * Scaled to add up to their number, with none below the floor: what is above the floor shares what the floor leaves.
 */
function withFloor(w: Float64Array, floor: number): Float64Array {
  const m = w.length;
  const above = w.map((v) => Math.max(v - floor, 0));
  const sum = total(above);
  return sum > 0 ? above.map((v) => floor + (v / sum) * m * (1 - floor)) : new Float64Array(m).fill(1);
}
