// Every loss is to fall at the same rate, told from what the losses were before and after the step.
import { logarithm } from '../../tensor/elementary.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import { checkOption, LossWeighting, softmax } from './loss-weighting.ts';
import { checkPerLoss, type PerLoss, perLoss } from '../checks.ts';

/** Options of `FAMO`. */
export interface FAMOOptions {
  /** Rate of the logits' Adam; 0.025 unless said. */
  lr?: number;
  /** γ: how strongly the logits are drawn to 0; 1e-3 unless said (0 for the paper's toy problem). */
  weightDecay?: number;
  /** b: what each loss cannot fall below; 0 unless said. */
  lowerBounds?: PerLoss;
  /**
   * Where the losses after a step come from. 'update' unless said: you evaluate them on the same batch and call `update`. 'next': those of the
   * next step stand for them, which costs nothing and adds the noise between batches.
   */
  after?: 'update' | 'next';
}

interface State {
  /** w, [m]; the losses' shares are softmax(w). */
  logits: number[];
  /** Adam's two running means and its count of steps. */
  first: number[];
  second: number[];
  steps: number;
  /** Losses of a step whose outcome is not known yet; empty where it is. */
  before: number[];
  /** The losses' names at the latest step. */
  names: string[];
}

const EPS = 1e-8;

/**
 * FAMO (Liu et al., NeurIPS 2023, arXiv 2306.03792): weights zᵢ/(Lᵢ − bᵢ)/c with z = softmax(w), c = Σ zᵢ/(Lᵢ − bᵢ): a convex combination of
 * the losses' gradients. After the step w descends along ∂z/∂wᵀ·δ, δ = ln before − ln after, by Adam.
 */
export class FAMO extends LossWeighting<State> {
  readonly name = 'FAMO';
  private readonly options: Readonly<Required<Omit<FAMOOptions, 'lowerBounds'>> & FAMOOptions>;

  constructor(options: FAMOOptions = {}) {
    super();
    const { lr = 0.025, weightDecay = 1e-3, lowerBounds, after = 'update' } = options;
    checkOption('FAMO', 'lr', lr, 0);
    checkOption('FAMO', 'weightDecay', weightDecay, 0);
    if (lowerBounds) checkPerLoss('FAMO', 'lowerBounds', lowerBounds, Number.NEGATIVE_INFINITY);
    if (after !== 'update' && after !== 'next') throw valueError('FAMO', `after must be 'update' or 'next', got '${after}'.`);
    this.options = { ...options, lr, weightDecay, after };
  }

  protected start(): State {
    return { logits: [], first: [], second: [], steps: 0, before: [], names: [] };
  }

  protected next(losses: Float64Array, names: readonly string[]): Float64Array {
    const above = this.above(losses, names);
    if (this.options.after === 'next') this.learn(above);
    const { state } = this;
    if (state.logits.length === 0) for (const list of [state.logits, state.first, state.second]) list.push(...above.map(() => 0));
    state.before = above;
    state.names = [...names];
    const shares = this.shares().map((z, i) => z / (above[i] as number));
    const total = shares.reduce((a, b) => a + b, 0);
    return shares.map((w) => w / total);
  }

  /** Tells what the losses became by the step, on the same batch and in the same order: the logits learn from it. */
  update(lossesAfter: ArrayLike<number>): void {
    if (this.options.after === 'next') throw valueError('FAMO.update', "takes the next step's losses itself. Leave update out, or { after: 'next' }.");
    const { names, before } = this.state;
    const { length } = before;
    if (length === 0) throw valueError('FAMO.update', 'there was no step since the last update. Call it once after each step.');
    if (lossesAfter.length !== length) throw valueError('FAMO.update', `got ${lossesAfter.length} losses after a step with ${length}. Pass the same.`);
    this.learn(this.above(Float64Array.from(lossesAfter), names));
  }

  /** (1/c)·Σ zᵢ ln(Lᵢ − bᵢ): what the weights are the derivatives of (c held fixed). For the losses of the latest step. */
  objective(): number {
    const { before } = this.state;
    if (before.length === 0) throw valueError('FAMO.objective', 'there was no step since the last update. Call it between the two.');
    const z = this.shares();
    const c = z.reduce((s, share, i) => s + share / (before[i] as number), 0);
    return z.reduce((s, share, i) => s + share * logarithm(before[i] as number), 0) / c;
  }

  private shares(): Float64Array {
    return softmax(this.state.logits);
  }

  /** L − b + ε; throws where a loss lies below its bound. */
  private above(losses: Float64Array, names: readonly string[]): number[] {
    const { lowerBounds } = this.options;
    const bounds = lowerBounds && perLoss('FAMO', 'lowerBounds', lowerBounds, names, 0);
    return Array.from(losses, (loss, i) => {
      const bound = bounds?.[i] ?? 0;
      if (!Number.isFinite(loss)) throw new GradloomError('NONFINITE', 'FAMO', `the loss '${names[i]}' is ${loss}; nothing was learnt from it. Lower the learning rate.`);
      if (loss < bound) throw valueError('FAMO', `the loss '${names[i]}' is ${loss}, below its bound ${bound}. Give lowerBounds that no loss falls below.`);
      return loss - bound + EPS;
    });
  }

  /** One step of Adam on the logits, if the outcome of a step is open. */
  private learn(after: readonly number[]): void {
    const { state } = this;
    const { lr, weightDecay } = this.options;
    if (state.before.length === 0) return;
    const z = this.shares();
    const delta = state.before.map((before, i) => logarithm(before) - logarithm(after[i] as number));
    const expected = delta.reduce((s, d, i) => s + d * (z[i] as number), 0);
    state.steps++;
    const [seen1, seen2] = [1 - wholePower(0.9, state.steps), 1 - wholePower(0.999, state.steps)];
    delta.forEach((d, i) => {
      const gradient = (z[i] as number) * (d - expected) + weightDecay * (state.logits[i] as number);
      const m = 0.9 * (state.first[i] as number) + 0.1 * gradient;
      const v = 0.999 * (state.second[i] as number) + 0.001 * gradient * gradient;
      state.first[i] = m;
      state.second[i] = v;
      state.logits[i] = (state.logits[i] as number) - (lr * (m / seen1)) / (Math.sqrt(v / seen2) + EPS);
    });
    state.before = [];
  }
}

/** xⁿ by squaring: power() multiplies n times. */
function wholePower(x: number, n: number): number {
  let [result, factor] = [1, x];
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}
