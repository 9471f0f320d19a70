import { exponential } from '../../tensor/elementary.ts';

/** total · e^(xᵢ)/Σ e^(xⱼ), shifted by the largest so that nothing overflows. */
export function softmax(x: ArrayLike<number>, total = 1): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, x[i] as number);
  const y = Float64Array.from(x, (v) => exponential(v === largest ? 0 : v - largest));
  const sum = y.reduce((a, b) => a + b, 0);
  return y.map((v) => (total * v) / sum);
}
