// DB-MTL and MoCo: methods on running means of every loss's gradient. They hold m copies of the parameters.
import { add, mul, sub } from '../../ops/binary.ts';
import { copy_ } from '../../ops/inplace.ts';
import { mm } from '../../ops/matmul.ts';
import { reshape, t } from '../../ops/movement.ts';
import { exponential, power } from '../../tensor/elementary.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Aggregator, Stats } from '../method.ts';
import { checkNumber, checkSameLosses } from '../checks.ts';
import { times } from '../solve/matrix.ts';
import { combined, lengths, Memory, vector } from './rows.ts';

/** What is added to losses and lengths before dividing by them. */
const EPSILON = 1e-8;

/** Each row times its number: [m, n] · [m]. */
function scaled(rows: Tensor, numbers: Float64Array): Tensor {
  return mul(rows, reshape(vector(numbers), [numbers.length, 1]));
}

/** a + s·(b − a). */
function towards(a: Tensor, b: Tensor, s: number): Tensor {
  return add(a, mul(sub(b, a), s));
}

/** Options of DBMTL. */
export interface DBMTLOptions {
  /** β: decay of the running mean of the gradients; 0.9 unless said. */
  beta?: number;
  /** σ: β is divided by step^σ; 0 unless said. */
  sigma?: number;
}

/**
 * Gradients of ln loss, averaged over time, all stretched to the longest one's length, then added (Lin et al. 2023, arXiv 2308.12029).
 * A loss that is not positive counts as 0 under the logarithm.
 */
export class DBMTL implements Aggregator {
  readonly name = 'DBMTL';
  readonly needs = 'jacobian';
  private readonly beta: number;
  private readonly sigma: number;
  private readonly means = new Memory('DBMTL');
  private step = 0;

  constructor(options: DBMTLOptions = {}) {
    this.beta = options.beta ?? 0.9;
    this.sigma = options.sigma ?? 0;
    checkNumber(this.name, 'beta', this.beta, 0, 1);
    checkNumber(this.name, 'sigma', this.sigma, 0);
  }

  directions(rows: readonly Tensor[], { losses }: Stats): Tensor[] {
    const means = this.means.of(rows);
    this.step++;
    const beta = this.beta / power(this.step, this.sigma);
    const ofLogarithm = losses.map((v) => 1 / (Math.max(v, 0) + EPSILON));
    rows.forEach((r, p) => {
      const mean = means[p] as Tensor;
      copy_(mean, towards(scaled(r, ofLogarithm), mean, beta));
    });
    const sizes = lengths(means, losses.length);
    const longest = sizes.reduce((a, b) => Math.max(a, b), 0);
    const stretch = vector(sizes.map((v) => longest / (v + EPSILON)));
    return means.map((mean) => combined(stretch, mean));
  }

  stateDict(): Record<string, unknown> {
    return { step: this.step, means: this.means.toJSON() };
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.step = (state.step as number | undefined) ?? 0;
    this.means.load(state.means);
  }

  reset(): void {
    this.loadStateDict({});
  }
}

/** Options of MoCo. */
export interface MoCoOptions {
  /** Step size of the gradients' running means, divided by √step; 0.5 unless said. */
  beta?: number;
  /** Step size of the weights, divided by √step; 0.1 unless said. */
  gamma?: number;
  /** Added to the Gramian's diagonal; 0 unless said. */
  rho?: number;
}

/**
 * MGDA against noise: each gradient's direction, times its loss, is followed by a running mean yᵢ, and the weights λ walk down λᵀ(Y·Yᵀ)λ
 * by softmax steps (Fernando et al. 2023, arXiv 2210.12624).
 */
export class MoCo implements Aggregator {
  readonly name = 'MoCo';
  readonly needs = 'jacobian';
  private readonly options: Required<MoCoOptions>;
  private readonly means = new Memory('MoCo');
  private lambda: Float64Array = new Float64Array(0);
  private step = 0;

  constructor(options: MoCoOptions = {}) {
    this.options = { beta: 0.5, gamma: 0.1, rho: 0, ...options };
    checkNumber(this.name, 'beta', this.options.beta, 0, 1);
    checkNumber(this.name, 'gamma', this.options.gamma, 0);
    checkNumber(this.name, 'rho', this.options.rho, 0);
  }

  directions(rows: readonly Tensor[], { losses }: Stats): Tensor[] {
    const m = losses.length;
    const means = this.means.of(rows);
    if (this.lambda.length === 0) this.lambda = new Float64Array(m).fill(1 / m);
    checkSameLosses(this.name, this.lambda.length, m);
    this.step++;
    const root = Math.sqrt(this.step);
    const unit = lengths(rows, m).map((v, i) => (losses[i] as number) / (v + EPSILON));
    rows.forEach((r, p) => {
      const mean = means[p] as Tensor;
      copy_(mean, towards(mean, scaled(r, unit), this.options.beta / root));
    });
    const gramian = new Float64Array(m * m);
    for (const mean of means) {
      mm(mean, t(mean))
        .data()
        .forEach((v, at) => {
          gramian[at] = (gramian[at] as number) + v;
        });
    }
    const slope = times(gramian, this.lambda, m);
    this.lambda = softmaxOf(this.lambda.map((v, i) => v - (this.options.gamma / root) * ((slope[i] as number) + this.options.rho * v)));
    const w = vector(this.lambda);
    return means.map((mean) => combined(w, mean));
  }

  stateDict(): Record<string, unknown> {
    return { step: this.step, lambda: [...this.lambda], means: this.means.toJSON() };
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.step = (state.step as number | undefined) ?? 0;
    this.lambda = Float64Array.from((state.lambda as number[] | undefined) ?? []);
    this.means.load(state.means);
  }

  reset(): void {
    this.loadStateDict({});
  }
}

/** e^x / Σ e^x. */
function softmaxOf(x: Float64Array): Float64Array {
  const largest = x.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const e = x.map((v) => exponential(v - largest));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}
