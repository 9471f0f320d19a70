// The projection onto the dual cone of the gradients, { d : J·d ≥ 0 }: the nearest direction that raises no loss
// (Lopez-Paz & Ranzato 2017, arXiv 1706.08840). G is the gradients' Gramian [n · n]; what is projected is Jᵀu, and the
// result is Jᵀv.
import { cosinesOf, times } from './matrix.ts';
import { nonnegative } from './nonnegative.ts';

/**
 * argmin vᵀG·v over v ≥ u. With v = u + z/‖gᵢ‖ it is min ½·zᵀC·z + qᵀz, z ≥ 0, q = C·(‖gᵢ‖·uᵢ): cosines only, so that
 * rows of any lengths are treated alike.
 */
export function project(gramian: Float64Array, u: Float64Array): Float64Array {
  const n = u.length;
  const { norms, cosines } = cosinesOf(gramian, n);
  const lengths = u.map((ui, i) => ui * (norms[i] as number));
  const z = nonnegative(cosines, n, (solve) => solve(times(cosines, lengths, n)));
  return u.map((ui, i) => (z[i] === 0 ? ui : ui + (z[i] as number) / (norms[i] as number)));
}

/** Σ of the projections of each uᵢ·gᵢ alone. */
export function projectEach(gramian: Float64Array, u: Float64Array): Float64Array {
  const n = u.length;
  const { norms, cosines } = cosinesOf(gramian, n);
  const v = u.slice();
  nonnegative(cosines, n, (solve) => {
    for (let row = 0; row < n; row++) {
      const share = (u[row] as number) * (norms[row] as number);
      if (share === 0) continue;
      const z = solve(cosines.subarray(row * n, row * n + n).map((x) => Math.sign(share) * x));
      z.forEach((more, i) => {
        if (more !== 0) v[i] = (v[i] as number) + (more * Math.abs(share)) / (norms[i] as number);
      });
    }
  });
  return v;
}
