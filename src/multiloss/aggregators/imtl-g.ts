import type { Stats } from '../method.ts';
import { solveDefinite } from '../solve/cholesky.ts';
import { cosinesOf, total } from '../solve/matrix.ts';
import { pseudoSolve } from '../solve/spectrum.ts';
import { Memoryless } from './memoryless.ts';

/**
 * The step with equal projections onto all gradients' directions, weights adding up to 1 (Liu et al., ICLR 2021, openreview
 * IMPnRXEWpvr). w = G⁺·d / Σ, d = ‖gᵢ‖. All 0 where that sum is 0. Weights may be negative.
 */
export class IMTLG extends Memoryless {
  readonly name = 'IMTLG';

  weights({ gramian, names }: Stats): Float64Array {
    const m = names.length;
    const { norms, cosines } = cosinesOf(gramian, m);
    const w = equalProjections(gramian, norms, cosines, m);
    const sum = total(w);
    let size = 0;
    for (const v of w) size += Math.abs(v);
    // What is left of terms that cancel is rounding, not a direction.
    if (size === 0 || Math.abs(sum) <= 1e-12 * size) return new Float64Array(m);
    return w.map((v) => v / sum);
  }
}

/** G⁺·d up to a factor. Independent rows need cosines only (G⁻¹·d = D⁻¹·C⁻¹·1), whatever their lengths. */
function equalProjections(gramian: Float64Array, norms: Float64Array, cosines: Float64Array, m: number): Float64Array {
  let longest = 0;
  for (const v of norms) longest = Math.max(longest, v);
  if (longest === 0) return new Float64Array(m);
  const x = norms.includes(0) ? null : solveDefinite(cosines, new Float64Array(m).fill(1));
  if (x) {
    let shortest = longest;
    for (const v of norms) shortest = Math.min(shortest, v);
    return x.map((v, i) => (v * shortest) / (norms[i] as number));
  }
  const square = longest * longest;
  return pseudoSolve(
    gramian.map((v) => v / square),
    norms.map((v) => v / longest),
    m,
  );
}
