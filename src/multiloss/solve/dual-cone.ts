// The projection onto the dual cone of the gradients, { d : J·d ≥ 0 }: the nearest direction that raises no loss (Lopez-Paz & Ranzato
// 2017, arXiv 1706.08840). G is the gradients' Gramian [n · n]; what is projected is Jᵀu, and the result is Jᵀv.
import { cosinesOf, times } from './matrix.ts';
import { nonnegative, nonnegativeColumns } from './nonnegative.ts';

/**
 * argmin vᵀG·v over v ≥ u. With v = u + z/‖gᵢ‖ it is min ½·zᵀC·z + qᵀz, z ≥ 0, q = C·(‖gᵢ‖·uᵢ): cosines only, so that rows of any lengths
 * are treated alike.
 */
export function project(gramian: Float64Array, u: Float64Array): Float64Array {
  const n = u.length;
  const { norms, cosines } = cosinesOf(gramian, n);
  const lengths = u.map((ui, i) => ui * (norms[i] as number));
  const unit = lengths.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  if (unit === 0) return u.slice();
  const q = times(
    cosines,
    lengths.map((v) => v / unit),
    n,
  );
  const { z } = nonnegative(cosines, q, { inRange: true });
  return u.map((ui, i) => (z[i] === 0 ? ui : ui + ((z[i] as number) * unit) / (norms[i] as number)));
}

/** Σ of the projections of each uᵢ·gᵢ alone. */
export function projectEach(gramian: Float64Array, u: Float64Array): Float64Array {
  const { norms, cosines } = cosinesOf(gramian, u.length);
  const sum = nonnegativeColumns(
    cosines,
    u.map((ui, i) => ui * (norms[i] as number)),
  );
  return u.map((ui, i) => (sum[i] === 0 ? ui : ui + (sum[i] as number) / (norms[i] as number)));
}
