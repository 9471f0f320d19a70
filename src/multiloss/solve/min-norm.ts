// The shortest vector in the convex hull of the gradients.
import { cosinesOf, quadratic, total } from './matrix.ts';
import { nonnegative } from './nonnegative.ts';

/**
 * argmin wᵀG·w over the simplex (w ≥ 0, Σw = 1): Désidéri 2012. w = v/Σv for the v ≥ 0 that minimises ½·vᵀG·v + ½·t·(Σv
 * − 1)², which in v·‖g‖ has cosines only; t is the square of the shortest gradient. `near`: weights of a hull nearby,
 * to start from.
 */
export function minNorm(gramian: Float64Array, n: number, near?: Float64Array): Float64Array {
  const { norms, cosines } = cosinesOf(gramian, n);
  const zero = norms.indexOf(0);
  if (zero >= 0) return Float64Array.from(norms, (_, i) => (i === zero ? 1 : 0));
  const shortest = norms.reduce((a, b) => Math.min(a, b));
  const shares = norms.map((v) => shortest / v);
  const bounded = cosines.map((c, at) => c + (shares[Math.floor(at / n)] as number) * (shares[at % n] as number));
  const q = shares.map((v) => -v);
  const z = nonnegative(bounded, n, (solve) => solve(q, near));
  const w = z.map((v, i) => v * (shares[i] as number));
  const sum = total(w);
  return w.map((v) => v / sum);
}

/**
 * Whether 0 is a convex combination of the gradients' directions, but for roundings: no direction lowers every loss
 * (Pareto stationary). Zero gradients are left out.
 */
export function isStationary(cosines: Float64Array, n: number): boolean {
  return quadratic(cosines, minNorm(cosines, n), n) <= 1e-14 * n;
}
