// The projection onto the dual cone of the gradients: the nearest direction that raises no loss.
import { type Cosines, cosinesOf } from './matrix.ts';
import { nonnegative, nonnegativeColumns } from './nonnegative.ts';

/** Projections that share their gradients, given by their Gramian [n · n]. */
export class DualCone {
  private readonly n: number;
  private readonly rows: Cosines;

  constructor(gramian: Float64Array, n: number) {
    this.n = n;
    this.rows = cosinesOf(gramian, n);
  }

  /**
   * argmin vᵀG·v over v ≥ u: Jᵀv is the projection of Jᵀu onto { d : J·d ≥ 0 } (Lopez-Paz & Ranzato 2017, arXiv 1706.08840). With
   * v = u + z/‖gᵢ‖ it is min ½·zᵀC·z + qᵀz, z ≥ 0, q = C·(‖gᵢ‖·uᵢ): cosines only, so that rows of any lengths are treated alike.
   */
  project(u: Float64Array): Float64Array {
    const { n } = this;
    const { norms, cosines } = this.rows;
    let unit = 0;
    for (let i = 0; i < n; i++) unit = Math.max(unit, Math.abs((u[i] as number) * (norms[i] as number)));
    if (unit === 0) return u.slice();
    const q = new Float64Array(n);
    for (let j = 0; j < n; j++) {
      const p = ((u[j] as number) * (norms[j] as number)) / unit;
      if (p === 0) continue;
      for (let i = 0; i < n; i++) q[i] = (q[i] as number) + (cosines[i * n + j] as number) * p;
    }
    const { z } = nonnegative(cosines, q, { inRange: true });
    return u.map((ui, i) => (z[i] === 0 ? ui : ui + ((z[i] as number) * unit) / (norms[i] as number)));
  }

  /** Σ of the projections of each uᵢ·gᵢ alone, as weights. */
  projectEach(u: Float64Array): Float64Array {
    const { norms, cosines } = this.rows;
    const units = Array.from(u, (uj, j) => uj * (norms[j] as number));
    const sum = new Float64Array(u.length);
    nonnegativeColumns(cosines, units.map(Math.sign), (z, j) => {
      const unit = Math.abs(units[j] as number);
      for (let i = 0; i < z.length; i++) sum[i] = (sum[i] as number) + (z[i] as number) * unit;
    });
    return u.map((ui, i) => (sum[i] === 0 ? ui : ui + (sum[i] as number) / (norms[i] as number)));
  }
}
