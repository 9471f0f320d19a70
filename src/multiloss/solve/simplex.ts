/**
 * The simplex's (w ≥ 0, Σw = 1) nearest point to v: max(v − θ, 0), θ the largest (Σ of the k largest − 1)/k (Held, Wolfe &
 * Crowder 1974).
 */
export function ontoSimplex(v: Float64Array): Float64Array {
  const sorted = v.slice().sort().reverse();
  // Everything relative to the largest, so that far points lose no digits.
  const largest = sorted[0] as number;
  let sum = 0;
  let theta = Number.NEGATIVE_INFINITY;
  sorted.forEach((x, k) => {
    sum += x - largest;
    theta = Math.max(theta, (sum - 1) / (k + 1));
  });
  return v.map((x) => Math.max(x - largest - theta, 0));
}
