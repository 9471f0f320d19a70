import { type Kinds, optionsOf } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { each, type PerLoss, perLoss, range } from '../../checks.ts';
import { solveDefinite } from '../../solve/cholesky.ts';
import { cosinesOf, inner, times, total } from '../../solve/matrix.ts';
import { pseudoSolve } from '../../solve/spectrum.ts';
import { WeightingBase } from '../base.ts';

/** Options of ConFIG. */
export interface ConFIGOptions<Name extends string = string> {
  /** How far the step is to go along each gradient's direction, relative to the others; default 1 each. */
  preference?: PerLoss<Name>;
  /**
   * Eigenvalues of the cosines below m·eps times the largest count as 0; default what the Gramian's precision can tell
   * from 0.
   */
  eps?: number;
}

const OPTIONS: Kinds<ConFIGOptions> = { preference: each(0), eps: range(0, 1) };

/**
 * The direction d̂ with equal cosines to all gradients, as long as the gradients' projections onto it together: g = (Σ
 * ⟨gᵢ, d̂⟩)·d̂, d = U⁺·p, U the unit gradients (Liu, Chu & Thuerey, ICLR 2025, arXiv 2408.11104). Parallel to IMTL-G
 * where gradients are independent. From the Gramian: U⁺ = Uᵀ·C⁺, C the cosines, so weights are C⁺·p over the lengths,
 * times a number.
 */
export class ConFIG<Name extends string = string> extends WeightingBase {
  readonly name = 'ConFIG';
  /** What counts as 0: see its option. */
  readonly eps: number | undefined;
  private readonly preference: PerLoss | undefined;

  constructor(options?: ConFIGOptions<Name>) {
    super();
    const { preference, eps } = optionsOf('ConFIG', options, OPTIONS, arguments.length);
    this.preference = preference;
    this.eps = eps;
  }

  weights({ gramian, names, rank = names.length }: Stats<Name>): Float64Array {
    const m = names.length;
    const { norms, cosines } = cosinesOf(gramian, m);
    const p = perLoss(this.name, 'preference', this.preference, names, 1);
    // An eps above roundings may drop directions of independent rows as well.
    const a = (rank < m || (this.eps ?? 0) > Number.EPSILON ? null : solveDefinite(cosines, p)) ?? pseudoSolve(cosines, p, m, m * (this.eps ?? Number.EPSILON), rank);
    const ca = times(cosines, a, m); // ⟨ĝᵢ, d⟩
    const squared = inner(a, ca); // ‖d‖²
    // Directions that cancel leave rounding: no direction is as good for all.
    if (!(Math.sqrt(squared) > 1e-7 * total(a.map(Math.abs)))) return new Float64Array(m);
    const length = inner(norms, ca) / squared;
    return a.map((v, i) => (norms[i] === 0 ? 0 : (v / (norms[i] as number)) * length));
  }
}
