// A ≈ L·Lᵀ for a matrix of any rank: what rows that depend on others leave is dropped.

const EPS = 2.220446049250313e-16;

/** L [n · n] by rows, of which the first `rank` columns stand; row i is that of A's row order[i]. */
export interface Ranked {
  readonly l: Float64Array;
  readonly order: Int32Array;
  readonly rank: number;
  /** The least that a row left, as a share of its square: well below 0 where no rows have A as their Gramian. */
  readonly least: number;
}

/**
 * Cholesky's factor with the row that leaves most next (Higham 2002, 10.3): |A − L·Lᵀ| is a few roundings of the rows' lengths. What a
 * row leaves below a `share` of its square is rounding.
 */
export function ranked(matrix: Float64Array, n: number, share = n * EPS): Ranked {
  const l = matrix.slice();
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const column = new Float64Array(n);
  const roundings = Float64Array.from(order, (i) => share * (matrix[i * n + i] as number));
  let k = 0;
  for (; k < n; k++) {
    let p = -1;
    for (let i = k; i < n; i++) {
      const left = l[i * n + i] as number;
      if (left > (roundings[order[i] as number] as number) && (p < 0 || left > (l[p * n + p] as number))) p = i;
    }
    if (p < 0) break;
    swap(l, n, k, p);
    [order[k], order[p]] = [order[p] as number, order[k] as number];
    const root = Math.sqrt(l[k * n + k] as number);
    l[k * n + k] = root;
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      const v = (l[row + k] as number) / root;
      l[row + k] = v;
      column[i] = v;
      for (let j = k + 1; j <= i; j++) l[row + j] = (l[row + j] as number) - v * (column[j] as number);
    }
  }
  let left = 0;
  for (let i = k; i < n; i++) {
    const square = matrix[(order[i] as number) * (n + 1)] as number;
    if (square > 0) left = Math.min(left, (l[i * n + i] as number) / square);
  }
  return { l, order, rank: k, least: left };
}

/** Changes row and column k of the symmetric matrix whose lower half stands from there on with p > k. */
function swap(a: Float64Array, n: number, k: number, p: number): void {
  if (k === p) return;
  for (let j = 0; j < k; j++) change(a, k * n + j, p * n + j);
  change(a, k * n + k, p * n + p);
  for (let i = k + 1; i < p; i++) change(a, i * n + k, p * n + i);
  for (let i = p + 1; i < n; i++) change(a, i * n + k, i * n + p);
}

function change(a: Float64Array, i: number, j: number): void {
  const v = a[i] as number;
  a[i] = a[j] as number;
  a[j] = v;
}
