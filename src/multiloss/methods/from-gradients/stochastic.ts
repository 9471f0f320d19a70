// MoDo and SDMGrad: MGDA where gradients are noisy. Their Gramian is that of two independent batches, ⟨gᵢ, g'ⱼ⟩, so
// that its noise has mean 0.
import { type Kinds, withDefaults } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { count, each, POSITIVE, type PerLoss, perLoss, range } from '../../checks.ts';
import { WeightingBase } from '../base.ts';
import { Memory, reshare } from '../memory.ts';
import { ontoSimplex } from '../../solve/simplex.ts';
import { times } from '../../solve/matrix.ts';

/** What both remember: the simplex's point, as a share for each loss. */
abstract class SimplexDescent extends WeightingBase {
  protected override readonly memory = new Memory({}, ['share'], { share: range(0) });

  /** Goes on from the point of the step before, equal shares at first. Returns the new point. */
  protected descend(names: readonly string[], step: (point: Float64Array) => Float64Array): Float64Array {
    const rows = this.memory.of(names, () => ({ share: 1 / names.length }));
    reshare(rows, 'share', 1);
    const point = step(Float64Array.from(rows, ({ share }) => share));
    rows.forEach((row, i) => {
      row.share = point[i] as number;
    });
    return point;
  }
}

/** Options of MoDo. */
export interface MoDoOptions {
  /** Step size of the weights; default 0.1. */
  gamma?: number;
  /** How strongly weights are pulled to equality; default 0.1. */
  rho?: number;
}

const MODO: Kinds<MoDoOptions> = { gamma: POSITIVE, rho: range(0) };

/** λ ← the simplex's nearest point to λ − γ·(A·λ + ρ·λ), one step each (Chen et al. 2023, arXiv 2305.20057). */
export class MoDo extends SimplexDescent {
  readonly name = 'MoDo';
  private readonly options: Required<MoDoOptions>;

  constructor(options?: MoDoOptions) {
    super();
    this.options = withDefaults<Required<MoDoOptions>>('MoDo', options, MODO, { gamma: 0.1, rho: 0.1 }, arguments.length);
  }

  weights({ gramian, names }: Stats): Float64Array {
    const { gamma, rho } = this.options;
    return this.descend(names, (point) => {
      const slope = times(gramian, point, names.length);
      return ontoSimplex(point.map((v, i) => v - gamma * ((slope[i] as number) + rho * v)));
    });
  }
}

/** Options of SDMGrad. */
export interface SDMGradOptions<Name extends string = string> {
  /** How much each loss counts in the direction that the step is kept near; default 1/m each. */
  preference?: PerLoss<Name>;
  /** λ: how near it is kept; default 0.3. */
  lambda?: number;
  /** Step size of the weights; default 10. */
  lr?: number;
  /** Momentum of the weights; default 0.5. */
  momentum?: number;
  /** Steps of the weights for one step of training; default 20. */
  steps?: number;
}

const SDMGRAD: Kinds<SDMGradOptions> = { preference: each(0), lambda: range(0), lr: POSITIVE, momentum: range(0, 1), steps: count(1) };

/**
 * Weights (w + λ·p)/(1 + λ) with w from projected descent on A·(w + λ·p), A divided by the square of its mean length
 * (Xiao, Ban & Ji 2023, arXiv 2305.18409). w goes on from step to step.
 */
export class SDMGrad<Name extends string = string> extends SimplexDescent {
  readonly name = 'SDMGrad';
  private readonly options: Required<Omit<SDMGradOptions, 'preference'>> & Pick<SDMGradOptions, 'preference'>;

  constructor(options?: SDMGradOptions<Name>) {
    super();
    this.options = withDefaults<SDMGrad['options']>('SDMGrad', options, SDMGRAD, { lambda: 0.3, lr: 10, momentum: 0.5, steps: 20 }, arguments.length);
  }

  weights({ gramian, names }: Stats<Name>): Float64Array {
    const m = names.length;
    const { preference, lambda, lr, momentum, steps } = this.options;
    const p = perLoss(this.name, 'preference', preference, names, 1 / m);
    let length = 0;
    // Of two batches ⟨gᵢ, g'ᵢ⟩ may be negative, which says nothing of a length.
    for (let i = 0; i < m; i++) length += Math.sqrt(Math.max(gramian[i * m + i] as number, 0)) / m;
    const a = length > 0 ? gramian.map((v) => v / length / length) : new Float64Array(m * m);
    let moved: Float64Array = new Float64Array(m);
    const descend = (point: Float64Array): Float64Array => {
      const slope = times(
        a,
        point.map((v, i) => v + lambda * (p[i] as number)),
        m,
      );
      moved = moved.map((v, i) => momentum * v + (slope[i] as number));
      return ontoSimplex(point.map((v, i) => v - lr * (moved[i] as number)));
    };
    const w = this.descend(names, (start) => {
      let point = start;
      for (let turn = 0; turn < steps; turn++) point = descend(point);
      return point;
    });
    return w.map((v, i) => (v + lambda * (p[i] as number)) / (1 + lambda));
  }
}
