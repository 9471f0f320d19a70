// The shortest vector in the convex hull of the gradients.
import { cosinesOf, times, inner } from './matrix.ts';
import { nonnegative } from './nonnegative.ts';

/**
 * argmin wᵀG·w over the simplex (w ≥ 0, Σw = 1): Désidéri 2012; exact, as Wolfe's method (1976) is. w = v/Σv for the v ≥ 0 that
 * minimises ½·vᵀG·v − Σv, which in v·‖g‖ has cosines only; where that falls for ever, 0 lies in the hull and its direction is w. `near`:
 * weights of a hull nearby, to start from; `space`: n² numbers to work in, where there are some.
 */
export function minNorm(gramian: Float64Array, n: number, near?: Float64Array, space?: Float64Array): Float64Array {
  const w = new Float64Array(n);
  const { norms, cosines } = cosinesOf(gramian, n, space);
  const zero = norms.indexOf(0);
  if (zero >= 0) {
    w[zero] = 1;
    return w;
  }
  let shortest = norms[0] as number;
  for (const v of norms) shortest = Math.min(shortest, v);
  const { z } = nonnegative(
    cosines,
    norms.map((v) => -shortest / v),
    near ? { near } : {},
  );
  let sum = 0;
  for (let i = 0; i < n; i++) {
    w[i] = (z[i] as number) * (shortest / (norms[i] as number));
    sum += w[i] as number;
  }
  for (let i = 0; i < n; i++) w[i] = (w[i] as number) / sum;
  return w;
}

/**
 * Whether 0 is a convex combination of the gradients' directions, but for roundings: no direction lowers every loss (Pareto stationary).
 * Zero gradients are left out.
 */
export function isStationary(cosines: Float64Array, n: number): boolean {
  const q = new Float64Array(n);
  for (let i = 0; i < n; i++) q[i] = (cosines[i * n + i] as number) > 0 ? -1 : 0;
  const { z, bounded } = nonnegative(cosines, q);
  if (!bounded) return true;
  let sum = 0;
  for (const v of z) sum += v;
  return inner(z, times(cosines, z, n)) <= 1e-14 * n * sum * sum;
}
