// The largest loss counts most, smoothly.
import { add, div, mul, sub } from '../../ops/binary.ts';
import { logsumexp } from '../../ops/moments.ts';
import { sum } from '../../ops/reduce.ts';
import { log } from '../../ops/unary.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import { recording, refuseWhileRecording } from '../../tensor/recording.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Stateless } from './stateless.ts';
import { checkPerLoss, type PerLoss, perLoss } from '../checks.ts';
import { HostVector, requirePositive, vectorOf } from './per-loss.ts';

/** Options of `STCH`. */
export interface STCHOptions {
  /** μ > 0: how smooth. 1 unless said; towards 0 it becomes the maximum. */
  mu?: number;
  /** λ ≥ 0; 1/m each unless said. */
  weights?: PerLoss;
  /** z: the best that each loss can be; 0 unless said. */
  zeroPoint?: PerLoss;
  /**
   * Steps of Σ ln Lᵢ first, over which each loss's mean is taken (its nadir); after them ln(Lᵢ/nadirᵢ) stands for λᵢ(Lᵢ − zᵢ) and the whole is
   * multiplied by m, as LibMTL does. Losses must be positive then. 0 unless said.
   */
  warmupSteps?: number;
}

// Keeps ln finite where a loss is 0, as LibMTL does, but within float32's range.
const TINY = 1e-20;

/** μ·ln Σ exp(λᵢ(Lᵢ − zᵢ)/μ), shifted by the largest term so that nothing overflows (smooth Tchebycheff: Lin et al., ICML 2024, arXiv 2402.19078). */
export class STCH extends Stateless {
  readonly name = 'STCH';
  private readonly options: Readonly<Required<Pick<STCHOptions, 'mu' | 'warmupSteps'>> & STCHOptions>;
  private readonly lambda = new HostVector();
  private readonly zero = new HostVector();
  /** Sums of the losses over the warm-up so far, and their count. */
  private sums: number[] = [];
  private steps = 0;

  constructor(options: STCHOptions = {}) {
    super();
    const { mu = 1, weights, zeroPoint, warmupSteps = 0 } = options;
    if (!(mu > 0 && mu < Number.POSITIVE_INFINITY)) throw valueError(this.name, `mu must lie in (0, ∞), got ${mu}.`);
    if (!Number.isInteger(warmupSteps) || warmupSteps < 0) throw valueError(this.name, `warmupSteps must be a whole number ≥ 0, got ${warmupSteps}.`);
    if (weights) {
      checkPerLoss(this.name, 'weights', weights, Number.NEGATIVE_INFINITY);
      if (Object.values(weights).some((w) => w < 0)) throw valueError(this.name, 'weights must be ≥ 0.');
    }
    if (zeroPoint) checkPerLoss(this.name, 'zeroPoint', zeroPoint, Number.NEGATIVE_INFINITY);
    if (warmupSteps > 0 && (weights || zeroPoint)) throw valueError(this.name, 'a warm-up finds the scales itself. Leave out weights and zeroPoint, or warmupSteps.');
    this.options = { ...options, mu, warmupSteps };
  }

  combine(losses: readonly Tensor[], names: readonly string[]): Tensor {
    const { mu, weights, zeroPoint, warmupSteps } = this.options;
    const all = vectorOf(losses);
    if (warmupSteps > 0) return this.afterWarmup(losses, names, all);
    const above = zeroPoint
      ? sub(
          all,
          this.zero.tensor(() => perLoss(this.name, 'zeroPoint', zeroPoint, names, 0)),
        )
      : all;
    const scaled = weights
      ? mul(
          above,
          this.lambda.tensor(() => perLoss(this.name, 'weights', weights, names, 0).map((w) => w / mu)),
        )
      : div(above, mu * losses.length);
    return mul(logsumexp(scaled, 0), mu);
  }

  private afterWarmup(losses: readonly Tensor[], names: readonly string[], all: Tensor): Tensor {
    const { mu, warmupSteps } = this.options;
    requirePositive(this.name, losses, names, true, 'Shift it, or leave out warmupSteps.');
    if (this.steps < warmupSteps) {
      refuseWhileRecording(this.name, 'the warm-up is not over', `Run ${warmupSteps} plain steps first.`);
      this.sums = losses.map((loss, i) => (this.sums[i] ?? 0) + loss.item());
      this.steps++;
      return sum(log(add(all, TINY)));
    }
    if (this.sums.length !== losses.length) throw valueError(this.name, `warmed up with ${this.sums.length} losses, got ${names.join(', ')}. Pass the same, or reset().`);
    recording()?.rely(this.lambda, () => this.sums);
    const nadir = this.lambda.tensor(() => this.sums.map((s) => Math.max(s / this.steps, TINY)));
    const terms = div(log(add(div(all, nadir), TINY)), mu);
    return mul(logsumexp(terms, 0), mu * losses.length);
  }

  override stateDict(): Record<string, unknown> {
    return { steps: this.steps, sums: [...this.sums] };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const { steps, sums } = state as { steps: number; sums: readonly number[] };
    if (!Number.isInteger(steps) || !Array.isArray(sums)) throw new GradloomError('STATE', 'STCH.loadStateDict', 'expected { steps, sums }. Pass what stateDict gave.');
    this.steps = steps;
    this.sums = [...sums];
  }

  override reset(): void {
    this.steps = 0;
    this.sums = [];
  }
}
