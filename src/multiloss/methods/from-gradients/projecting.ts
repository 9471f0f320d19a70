// UPGrad and DualProj: gradients projected onto the cone of directions that raise no loss.
import { type Kinds, optionsOf } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { each, type PerLoss, perLoss, range } from '../../checks.ts';
import { project, projectEach } from '../../solve/dual-cone.ts';
import { WeightingBase } from '../base.ts';

/** Options of UPGrad and DualProj. */
export interface ProjectingOptions<Name extends string = string> {
  /** How much each loss counts before projecting: a number per loss, in their order or by name; default 1/m each. */
  preference?: PerLoss<Name>;
  /**
   * Where the Gramian's trace is below this, it counts as 0. TorchJD: 1e-4. Together with `regEps`; without either
   * nothing is regularised.
   */
  normEps?: number;
  /**
   * What is added to the diagonal of Gramian / trace. TorchJD: 1e-4, at which gradients of very different lengths may
   * stay in conflict.
   */
  regEps?: number;
}

const OPTIONS: Kinds<ProjectingOptions> = { preference: each(0), normEps: range(0), regEps: range(0) };

abstract class Projecting extends WeightingBase {
  private readonly options: ProjectingOptions;

  constructor(name: string, options: ProjectingOptions | undefined, count: number) {
    super();
    this.options = { ...optionsOf(name, options, OPTIONS, count) };
  }

  protected preference({ names }: Stats): Float64Array {
    return perLoss(this.name, 'preference', this.options.preference, names, 1 / names.length);
  }

  /** The Gramian; where asked for, Gramian / trace + regEps·I. */
  protected gramian({ gramian, names }: Stats): Float64Array {
    const { normEps, regEps } = this.options;
    const m = names.length;
    if (normEps === undefined && regEps === undefined) return gramian;
    let trace = 0;
    for (let i = 0; i < m; i++) trace += gramian[i * m + i] as number;
    const scaled = trace < (normEps ?? 0) || trace === 0 ? new Float64Array(m * m) : gramian.map((v) => v / trace);
    return scaled.map((v, at) => (at % (m + 1) === 0 ? v + (regEps ?? 0) : v));
  }
}

/**
 * Each gradient is projected onto the cone of directions that raise no loss, and the projections are added: Jacobian
 * descent's UPGrad (Quinton & Rey 2024, arXiv 2406.16232). Raises no loss, to first order, and gives each more where
 * its own gradient is longer. Exact unless `normEps` and `regEps` are given, which reproduce TorchJD's numbers. m
 * quadratic programs of size m.
 */
export class UPGrad<Name extends string = string> extends Projecting {
  readonly name = 'UPGrad';

  constructor(options?: ProjectingOptions<Name>) {
    super('UPGrad', options, arguments.length);
  }

  weights(stats: Stats<Name>): Float64Array {
    return projectEach(this.gramian(stats), this.preference(stats));
  }
}

/**
 * The weighted sum of the gradients, projected onto the cone of directions that raise no loss: GEM's projection
 * (Lopez-Paz & Ranzato 2017, arXiv 1706.08840). One quadratic program of size m. Exact unless `normEps` and `regEps`
 * are given (see UPGrad).
 */
export class DualProj<Name extends string = string> extends Projecting {
  readonly name = 'DualProj';

  constructor(options?: ProjectingOptions<Name>) {
    super('DualProj', options, arguments.length);
  }

  weights(stats: Stats<Name>): Float64Array {
    return project(this.gramian(stats), this.preference(stats));
  }
}
