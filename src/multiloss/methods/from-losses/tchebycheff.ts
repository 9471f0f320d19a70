// The largest loss counts most, smoothly.
import { add, div, mul, sub } from '../../../ops/binary.ts';
import { logsumexp } from '../../../ops/moments.ts';
import { sum } from '../../../ops/reduce.ts';
import { log } from '../../../ops/unary.ts';
import { type Kinds, withDefaults } from '../../../tensor/check.ts';
import { GradloomError, valueError } from '../../../tensor/errors.ts';
import { recording, refuseWhileRecording } from '../../../tensor/recording.ts';
import { HostNumbers } from '../../../tensor/host.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import { ScalarizerBase } from '../base.ts';
import { count, each, POSITIVE, type PerLoss, perLoss, range } from '../../checks.ts';
import { Memory } from '../memory.ts';
import { assertEager, assertPositive, vectorOf } from './per-loss.ts';

/** Options of `STCH`. */
export interface STCHOptions<Name extends string = string> {
  /** μ > 0: how smooth; default 1. Towards 0 it becomes the maximum. */
  mu?: number;
  /** λ ≥ 0; default 1/m each. */
  weights?: PerLoss<Name>;
  /** z: the best that each loss can be; default 0. */
  zeroPoint?: PerLoss<Name>;
  /**
   * Steps of Σ ln Lᵢ first, over which each loss's mean is taken (its nadir); after them ln(Lᵢ/nadirᵢ) stands for λᵢ(Lᵢ
   * − zᵢ) and the whole is multiplied by m, as LibMTL does. Losses must be positive then. A loss that comes later has
   * its first value as nadir. Default 0.
   */
  warmupSteps?: number;
}

const OPTIONS: Kinds<STCHOptions> = { mu: POSITIVE, weights: each(0), zeroPoint: each(), warmupSteps: count(0) };

// Keeps ln finite where a loss is 0, as LibMTL does, but within float32's range.
const TINY = 1e-20;

/**
 * μ·ln Σ exp(λᵢ(Lᵢ − zᵢ)/μ), shifted by the largest term so that nothing overflows (smooth Tchebycheff: Lin et al.,
 * ICML 2024, arXiv 2402.19078).
 */
export class STCH<Name extends string = string> extends ScalarizerBase {
  readonly name = 'STCH';
  private readonly options: Readonly<Required<Pick<STCHOptions, 'mu' | 'warmupSteps'>> & STCHOptions>;
  private readonly lambda = new HostNumbers();
  private readonly zero = new HostNumbers();
  /** Steps of the warm-up so far; of each loss its sum over them, and of how many. */
  protected override readonly memory = new Memory({ steps: 0 }, ['sum', 'count'], { steps: count(0), sum: range(0), count: count(0) });

  constructor(options?: STCHOptions<Name>) {
    super();
    this.options = withDefaults<STCH['options']>('STCH', options, OPTIONS, { mu: 1, warmupSteps: 0 }, arguments.length);
    const { weights, zeroPoint, warmupSteps } = this.options;
    if (warmupSteps > 0 && (weights || zeroPoint)) throw valueError(this.name, 'a warm-up finds the scales itself. Leave out weights and zeroPoint, or warmupSteps.');
  }

  /** Refuses losses that its formula cannot take, by name. */
  assert(losses: Float64Array, names: readonly string[]): void {
    if (this.options.warmupSteps > 0) assertPositive(this.name, losses, names, true, 'Shift it, or leave out warmupSteps.');
  }

  combine(losses: readonly Tensor[], names: readonly Name[]): Tensor {
    const { mu, weights, zeroPoint, warmupSteps } = this.options;
    const all = vectorOf(losses);
    if (warmupSteps > 0) return this.afterWarmup(losses, names, all);
    const above = zeroPoint
      ? sub(
          all,
          this.zero.vector(names, () => perLoss(this.name, 'zeroPoint', zeroPoint, names, 0)),
        )
      : all;
    const scaled = weights
      ? mul(
          above,
          this.lambda.vector(names, () => perLoss(this.name, 'weights', weights, names, 0).map((w) => w / mu)),
        )
      : div(above, mu * losses.length);
    return mul(logsumexp(scaled, 0), mu);
  }

  private afterWarmup(losses: readonly Tensor[], names: readonly string[], all: Tensor): Tensor {
    const { mu, warmupSteps } = this.options;
    const { memory } = this;
    assertEager(this, losses, names);
    const rows = memory.of(names, () => ({ sum: 0, count: 0 }));
    const take = (row: { sum: number; count: number }, i: number): void => {
      row.sum += (losses[i] as Tensor).item();
      row.count++;
    };
    if (memory.own.steps < warmupSteps) {
      refuseWhileRecording(this.name, 'the warm-up is not over', `Run ${warmupSteps} plain steps first.`);
      memory.own.steps++;
      rows.forEach(take);
      return sum(log(add(all, TINY)));
    }
    rows.forEach((row, i) => {
      if (row.count === 0) take(row, i);
    });
    recording()?.rely(this.lambda, () => memory.own.steps < warmupSteps);
    const nadir = this.lambda.vector(names, () => {
      if (memory.own.steps < warmupSteps)
        throw new GradloomError('CAPTURE', this.name, 'its warm-up begins anew, and the captured step has none. Call release() on the captured step and run plain steps first.');
      const rows = memory.of(names, () => ({ sum: 0, count: 1 }));
      return Float64Array.from(rows, (row) => Math.max(row.sum / row.count, TINY));
    });
    const terms = div(log(add(div(all, nadir), TINY)), mu);
    return mul(logsumexp(terms, 0), mu * losses.length);
  }
}
