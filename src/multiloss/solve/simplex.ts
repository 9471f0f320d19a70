/**
 * The simplex's (w ≥ 0, Σw = 1) nearest point to v: max(v − θ, 0) with θ from the sorted elements (Held, Wolfe &
 * Crowder 1974).
 */
export function ontoSimplex(v: Float64Array): Float64Array {
  const sorted = v.slice().sort().reverse();
  // Everything relative to the largest, so that far points lose no digits.
  const largest = sorted[0] as number;
  let sum = 0;
  let theta = 0;
  for (let k = 0; k < sorted.length; k++) {
    const x = (sorted[k] as number) - largest;
    sum += x;
    const candidate = (sum - 1) / (k + 1);
    if (x > candidate) theta = candidate;
  }
  return v.map((x) => Math.max(x - largest - theta, 0));
}
