import { power } from '../../tensor/elementary.ts';
import type { Stats } from '../method.ts';
import { checkNumber, checkSameLosses } from '../checks.ts';
import { total } from '../solve/matrix.ts';
import { Memoryless } from './memoryless.ts';

/** Options of GradNorm. */
export interface GradNormOptions {
  /** α: how strongly losses that lag behind are pushed; 0 makes all gradients equally long. 1.5 unless said. */
  alpha?: number;
  /** Learning rate of the weights (Adam's, so it is about how much a weight moves in one step); 0.025 unless said. */
  lr?: number;
  /** No weight falls below this, so that no loss is given up; 0.01 unless said. */
  floor?: number;
}

/** Adam's decays and ε, as usual. */
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/**
 * Weights wᵢ, learned so that ‖wᵢ·gᵢ‖ comes near mean ‖wⱼ·gⱼ‖ · rᵢ^α, where rᵢ is how much of its first value the loss still has,
 * relative to the others (Chen et al. 2018, arXiv 1711.02257). They start at 1 and add up to m. The weights of a step are those that
 * the steps before have learned. Losses must not be negative: a negative one counts as 0.
 */
export class GradNorm extends Memoryless {
  readonly name = 'GradNorm';
  override readonly needs = 'norms';
  private readonly options: Required<GradNormOptions>;
  private first: Float64Array = new Float64Array(0);
  private w: Float64Array = new Float64Array(0);
  private m1: Float64Array = new Float64Array(0);
  private m2: Float64Array = new Float64Array(0);
  /** β₁ᵗ and β₂ᵗ. */
  private decays: [number, number] = [1, 1];

  constructor(options: GradNormOptions = {}) {
    super();
    this.options = { alpha: 1.5, lr: 0.025, floor: 0.01, ...options };
    checkNumber(this.name, 'alpha', this.options.alpha, 0);
    checkNumber(this.name, 'lr', this.options.lr, 0, Number.POSITIVE_INFINITY, true);
    checkNumber(this.name, 'floor', this.options.floor, 0, 1);
  }

  weights({ losses, norms }: Stats): Float64Array {
    const m = losses.length;
    if (this.w.length === 0) {
      this.first = losses.slice();
      this.w = new Float64Array(m).fill(1);
      this.m1 = new Float64Array(m);
      this.m2 = new Float64Array(m);
    }
    checkSameLosses(this.name, this.w.length, m);
    const now = this.w.slice();
    // A step without finite numbers teaches nothing.
    if (norms.every(Number.isFinite) && losses.every(Number.isFinite)) this.learn(losses, norms, m);
    return now;
  }

  /** One step of Adam on Σ |wᵢ·‖gᵢ‖ − targetᵢ|, the targets held fixed; then the weights are scaled to add up to m again. */
  private learn(losses: Float64Array, norms: Float64Array, m: number): void {
    const { alpha, lr, floor } = this.options;
    const left = losses.map((v, i) => ((this.first[i] as number) > 0 ? Math.max(v, 0) / (this.first[i] as number) : 1));
    const meanLeft = total(left) / m;
    const lengths = norms.map((v, i) => v * (this.w[i] as number));
    const mean = total(lengths) / m;
    if (!(mean > 0)) return;
    this.decays = [this.decays[0] * BETA1, this.decays[1] * BETA2];
    for (let i = 0; i < m; i++) {
      const target = mean * (meanLeft > 0 ? power((left[i] as number) / meanLeft, alpha) : 1);
      // The slope over the mean length, so that ε is small beside it whatever the gradients' scale.
      const difference = (lengths[i] as number) - target;
      const slope = (difference > 0 ? 1 : difference < 0 ? -1 : 0) * ((norms[i] as number) / mean);
      this.m1[i] = BETA1 * (this.m1[i] as number) + (1 - BETA1) * slope;
      this.m2[i] = BETA2 * (this.m2[i] as number) + (1 - BETA2) * slope * slope;
      const step = (this.m1[i] as number) / (1 - this.decays[0]) / (Math.sqrt((this.m2[i] as number) / (1 - this.decays[1])) + EPSILON);
      this.w[i] = Math.max((this.w[i] as number) - lr * step, 0);
    }
    this.w = withFloor(this.w, floor);
  }

  override stateDict(): Record<string, unknown> {
    return { first: [...this.first], w: [...this.w], m1: [...this.m1], m2: [...this.m2], decays: [...this.decays] };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const list = (name: string): Float64Array => Float64Array.from(state[name] as number[]);
    [this.first, this.w, this.m1, this.m2] = [list('first'), list('w'), list('m1'), list('m2')];
    this.decays = [...(state.decays as [number, number])];
  }

  override reset(): void {
    this.loadStateDict({ first: [], w: [], m1: [], m2: [], decays: [1, 1] });
  }
}

/** Scaled to add up to their number, with none below the floor: what is above the floor shares what the floor leaves. */
function withFloor(w: Float64Array, floor: number): Float64Array {
  const m = w.length;
  const above = w.map((v) => Math.max(v - floor, 0));
  const sum = total(above);
  return sum > 0 ? above.map((v) => floor + (v / sum) * m * (1 - floor)) : new Float64Array(m).fill(1);
}
