// The shortest vector in the convex hull of the gradients.
import { cosinesOf, quadratic, total } from './matrix.ts';
import { nonnegative } from './nonnegative.ts';

/**
 * argmin wᵀG·w over the simplex (w ≥ 0, Σw = 1): Désidéri 2012. w = v/Σv for the v ≥ 0 that minimises ½·vᵀG·v + ½·t·(Σv
 * − 1)², which in v·‖g‖ has cosines only; t is the square of the shortest gradient. `near`: weights of a hull nearby,
 * to start from.
 */
export function minNorm(gramian: Float64Array, n: number, near?: Float64Array): Float64Array {
  const w = new Float64Array(n);
  const { norms, cosines } = cosinesOf(gramian, n);
  const zero = norms.indexOf(0);
  if (zero >= 0) {
    w[zero] = 1;
    return w;
  }
  const shortest = norms.reduce((a, b) => Math.min(a, b));
  const shares = norms.map((v) => shortest / v);
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < n; j++, at++) cosines[at] = (cosines[at] as number) + (shares[i] as number) * (shares[j] as number);
  const q = shares.map((v) => -v);
  const z = nonnegative(cosines, n, (solve) => solve(q, near));
  for (let i = 0; i < n; i++) w[i] = (z[i] as number) * (shares[i] as number);
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
