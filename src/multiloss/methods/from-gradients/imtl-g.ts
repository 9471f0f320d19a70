import { type Kinds, optionsOf } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { range } from '../../checks.ts';
import { solveDefinite } from '../../solve/cholesky.ts';
import { cosinesOf, total } from '../../solve/matrix.ts';
import { pseudoSolve } from '../../solve/spectrum.ts';
import { WeightingBase } from '../base.ts';

/** Options of IMTLG. */
export interface IMTLGOptions {
  /**
   * Eigenvalues of the Gramian below m·eps times the largest count as 0; default what its precision can tell from 0.
   */
  eps?: number;
}

const OPTIONS: Kinds<IMTLGOptions> = { eps: range(0, 1) };

/**
 * The step with equal projections onto all gradients' directions, weights adding up to 1 (Liu et al., ICLR 2021,
 * openreview IMPnRXEWpvr). w = G⁺·d / Σ, d = ‖gᵢ‖. All 0 where that sum is 0. Weights may be negative.
 */
export class IMTLG extends WeightingBase {
  readonly name = 'IMTLG';
  /** What counts as 0: see its option. */
  readonly eps: number | undefined;

  constructor(options?: IMTLGOptions) {
    super();
    this.eps = optionsOf('IMTLG', options, OPTIONS, arguments.length).eps;
  }

  weights({ gramian, names, rank = names.length }: Stats): Float64Array {
    const w = this.equalProjections(gramian, names.length, rank);
    const sum = total(w);
    // What is left of terms that cancel is rounding, not a direction.
    if (Math.abs(sum) <= 1e-12 * total(w.map(Math.abs))) return w.fill(0);
    return w.map((v) => v / sum);
  }

  /** G⁺·d up to a factor. Independent rows need cosines only (G⁻¹·d = D⁻¹·C⁻¹·1), whatever their lengths. */
  private equalProjections(gramian: Float64Array, m: number, rank: number): Float64Array {
    const { norms, cosines } = cosinesOf(gramian, m);
    // An eps above roundings may drop directions of independent rows as well.
    const x = rank < m || (this.eps ?? 0) > Number.EPSILON ? null : solveDefinite(cosines, new Float64Array(m).fill(1));
    return x ? x.map((v, i) => v / (norms[i] as number)) : pseudoSolve(gramian, norms, m, m * (this.eps ?? Number.EPSILON), rank);
  }
}
