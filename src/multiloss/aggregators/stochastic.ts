// MoDo and SDMGrad: MGDA where gradients are noisy. Their Gramian is that of two independent batches, ⟨gᵢ, g'ⱼ⟩, so that its noise has
// mean 0.
import type { Stats } from '../method.ts';
import { checkCount, checkNumber, checkPerLoss, checkSameLosses, type PerLoss, perLoss } from '../checks.ts';
import { ontoSimplex } from '../solve/simplex.ts';
import { times } from '../solve/matrix.ts';
import { Memoryless } from './memoryless.ts';

/** What both remember: the simplex's point. */
abstract class Walking extends Memoryless {
  protected point: Float64Array = new Float64Array(0);

  /** Where it stands: equal weights at first. */
  protected start(m: number): void {
    if (this.point.length === 0) this.point = new Float64Array(m).fill(1 / m);
    checkSameLosses(this.name, this.point.length, m);
  }

  override stateDict(): Record<string, unknown> {
    return { point: [...this.point] };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.point = Float64Array.from(state.point as number[]);
  }

  override reset(): void {
    this.point = new Float64Array(0);
  }
}

/** Options of MoDo. */
export interface MoDoOptions {
  /** Step size of the weights; 0.1 unless said. */
  gamma?: number;
  /** How strongly weights are pulled to equality; 0.1 unless said. */
  rho?: number;
}

/** λ ← the simplex's nearest point to λ − γ·(A·λ + ρ·λ), one step each (Chen et al. 2023, arXiv 2305.20057). */
export class MoDo extends Walking {
  readonly name = 'MoDo';
  private readonly gamma: number;
  private readonly rho: number;

  constructor(options: MoDoOptions = {}) {
    super();
    this.gamma = options.gamma ?? 0.1;
    this.rho = options.rho ?? 0.1;
    checkNumber(this.name, 'gamma', this.gamma, 0, Number.POSITIVE_INFINITY, true);
    checkNumber(this.name, 'rho', this.rho, 0);
  }

  weights({ gramian, names }: Stats): Float64Array {
    const m = names.length;
    this.start(m);
    const slope = times(gramian, this.point, m);
    this.point = ontoSimplex(this.point.map((v, i) => v - this.gamma * ((slope[i] as number) + this.rho * v)));
    return this.point.slice();
  }
}

/** Options of SDMGrad. */
export interface SDMGradOptions {
  /** How much each loss counts in the direction that the step is kept near; 1/m each unless said. */
  preference?: PerLoss;
  /** λ: how near it is kept; 0.3 unless said. */
  lambda?: number;
  /** Step size of the weights; 10 unless said. */
  lr?: number;
  /** Momentum of the weights; 0.5 unless said. */
  momentum?: number;
  /** Steps of the weights for one step of training; 20 unless said. */
  steps?: number;
}

/**
 * Weights (w + λ·p)/(1 + λ) with w from projected descent on A·(w + λ·p), A divided by the square of its mean length (Xiao, Ban & Ji
 * 2023, arXiv 2305.18409). w goes on from step to step.
 */
export class SDMGrad extends Walking {
  readonly name = 'SDMGrad';
  private readonly options: Required<Omit<SDMGradOptions, 'preference'>> & Pick<SDMGradOptions, 'preference'>;

  constructor(options: SDMGradOptions = {}) {
    super();
    const o = { lambda: 0.3, lr: 10, momentum: 0.5, steps: 20, ...options };
    checkPerLoss(this.name, 'preference', o.preference);
    checkNumber(this.name, 'lambda', o.lambda, 0);
    checkNumber(this.name, 'lr', o.lr, 0, Number.POSITIVE_INFINITY, true);
    checkNumber(this.name, 'momentum', o.momentum, 0, 1);
    checkCount(this.name, 'steps', o.steps, 1);
    this.options = o;
  }

  weights({ gramian, names }: Stats): Float64Array {
    const m = names.length;
    this.start(m);
    const { preference, lambda, lr, momentum, steps } = this.options;
    const p = perLoss(this.name, 'preference', preference, names, 1 / m);
    let length = 0;
    // Of two batches ⟨gᵢ, g'ᵢ⟩ may be negative, which says nothing of a length.
    for (let i = 0; i < m; i++) length += Math.sqrt(Math.max(gramian[i * m + i] as number, 0)) / m;
    const a = length > 0 ? gramian.map((v) => v / length / length) : new Float64Array(m * m);
    let moved: Float64Array = new Float64Array(m);
    for (let turn = 0; turn < steps; turn++) {
      const slope = times(
        a,
        this.point.map((v, i) => v + lambda * (p[i] as number)),
        m,
      );
      moved = moved.map((v, i) => momentum * v + (slope[i] as number));
      this.point = ontoSimplex(this.point.map((v, i) => v - lr * (moved[i] as number)));
    }
    return this.point.map((v, i) => (v + lambda * (p[i] as number)) / (1 + lambda));
  }
}
