import type { Stats } from '../method.ts';
import { checkNumber } from '../checks.ts';
import { conflictAverse } from '../solve/conflict-averse.ts';
import { Memoryless } from './memoryless.ts';

/** Options of CAGrad. */
export interface CAGradOptions {
  /** How far from the mean gradient the step may be, as a share of that gradient's length. 0 is the mean; from 1 on no loss is raised. 0.5 unless said. */
  c?: number;
  /** The step is 0 where ‖g_w‖, the hull's point that it leans to, is below this share of √trace of the Gramian. TorchJD: 1e-4; 0 unless said. */
  normEps?: number;
}

/**
 * The step within c·‖g₀‖ of the mean gradient g₀ that lowers the worst-off loss most (Liu et al. 2021, arXiv 2110.14048). Not divided
 * by 1 + c or 1 + c², as some programs do. 0 at Pareto stationary points.
 */
export class CAGrad extends Memoryless {
  readonly name = 'CAGrad';
  private readonly c: number;
  private readonly normEps: number;

  constructor(options: CAGradOptions = {}) {
    super();
    this.c = options.c ?? 0.5;
    this.normEps = options.normEps ?? 0;
    checkNumber(this.name, 'c', this.c, 0);
    checkNumber(this.name, 'normEps', this.normEps, 0);
  }

  weights({ gramian, names }: Stats): Float64Array {
    return conflictAverse(gramian, names.length, this.c, this.normEps);
  }
}
