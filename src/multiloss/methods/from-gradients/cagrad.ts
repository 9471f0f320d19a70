import { type Kinds, withDefaults } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { range } from '../../checks.ts';
import { conflictAverse } from '../../solve/conflict-averse.ts';
import { WeightingBase } from '../base.ts';

/** Options of CAGrad. */
export interface CAGradOptions {
  /**
   * How far from the mean gradient the step may be, as a share of that gradient's length. 0 is the mean; from 1 on no
   * loss is raised. Default 0.5.
   */
  c?: number;
  /**
   * The step is 0 where ‖g_w‖, the hull's point that it leans to, is below this share of √trace of the Gramian.
   * TorchJD: 1e-4; default 0.
   */
  normEps?: number;
}

const OPTIONS: Kinds<CAGradOptions> = { c: range(0), normEps: range(0) };

/**
 * The step within c·‖g₀‖ of the mean gradient g₀ that lowers the worst-off loss most (Liu et al. 2021, arXiv
 * 2110.14048). Not divided by 1 + c or 1 + c², as some programs do. At Pareto stationary points it is the mean
 * gradient's projection onto the directions that raise no loss: 0 from c = 1 on.
 */
export class CAGrad extends WeightingBase {
  readonly name = 'CAGrad';
  private readonly options: Required<CAGradOptions>;

  constructor(options?: CAGradOptions) {
    super();
    this.options = withDefaults<Required<CAGradOptions>>('CAGrad', options, OPTIONS, { c: 0.5, normEps: 0 }, arguments.length);
  }

  weights({ gramian, names }: Stats): Float64Array {
    const { c, normEps } = this.options;
    return conflictAverse(gramian, names.length, c, normEps);
  }
}
