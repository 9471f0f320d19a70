// Cosines that come from float32 gradients: where rows are dependent, roundings leave a matrix that no rows have.

/** Rows that keep less than this share of their square beside others are taken for dependent, to see what roundings left of them. */
const DEPENDENT = 1e-5;
/** A negative square beyond this is not float64's rounding, which is 1e-16 / DEPENDENT. */
const IMPOSSIBLE = 1e-10;

/**
 * How much C's diagonal must grow for C to be positive semidefinite: 0 where it is, but for roundings of float64. Rows are taken out,
 * the most independent first; of the rest there should be nothing, and its Frobenius norm is at least what is wrong with it.
 */
export function noiseOf(c: Float64Array, n: number): number {
  const a = c.slice();
  const left = Array.from({ length: n }, (_, i) => i).filter((i) => (a[i * n + i] as number) > 0);
  for (;;) {
    let best = 0;
    left.forEach((row, at) => {
      const first = left[best] as number;
      if ((a[row * n + row] as number) > (a[first * n + first] as number)) best = at;
    });
    const p = left[best];
    if (p === undefined || !((a[p * n + p] as number) > DEPENDENT)) break;
    left.splice(best, 1);
    for (const i of left) {
      const f = (a[i * n + p] as number) / (a[p * n + p] as number);
      for (let j = 0, to = i * n, from = p * n; j < n; j++, to++, from++) a[to] = (a[to] as number) - f * (a[from] as number);
    }
  }
  let [least, squares] = [0, 0];
  for (const i of left) {
    least = Math.min(least, a[i * n + i] as number);
    for (const j of left) squares += (a[i * n + j] as number) ** 2;
  }
  return least < -IMPOSSIBLE ? Math.sqrt(squares) : 0;
}
