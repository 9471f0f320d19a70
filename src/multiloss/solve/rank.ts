// A ≈ L·Lᵀ for a matrix of any rank: what rows that depend on others leave is dropped.
import { cosinesOf } from './matrix.ts';

/** L [n · n] by rows, of which the first `rank` columns are the factor; row i is that of A's row order[i]. */
export interface PivotedCholesky {
  readonly l: Float64Array;
  readonly order: Int32Array;
  readonly rank: number;
}

/**
 * Cholesky's factor with the row that leaves most next (Higham 2002, 10.3): |A − L·Lᵀ| is a few roundings of the rows'
 * lengths. What a row leaves below a `share` of its square is rounding.
 */
export function pivotedCholesky(matrix: Float64Array, n: number, share: number): PivotedCholesky {
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
    swapRows(l, n, k, p);
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
  return { l, order, rank: k };
}

/** Swaps rows and columns k and p > k of a symmetric matrix of which the lower half is stored. */
function swapRows(a: Float64Array, n: number, k: number, p: number): void {
  if (k === p) return;
  for (let j = 0; j < k; j++) swapElements(a, k * n + j, p * n + j);
  swapElements(a, k * n + k, p * n + p);
  for (let i = k + 1; i < p; i++) swapElements(a, i * n + k, p * n + i);
  for (let i = p + 1; i < n; i++) swapElements(a, i * n + k, i * n + p);
}

function swapElements(a: Float64Array, i: number, j: number): void {
  const v = a[i] as number;
  a[i] = a[j] as number;
  a[j] = v;
}

/**
 * How much of the largest eigenvalue of n cosines is rounding where float32 rounded the products (a backward pass:
 * about 7e-8 of ‖gᵢ‖·‖gⱼ‖).
 */
export const roundedProducts = (n: number): number => n * 2 ** -23;
/**
 * The same where float32 rounded the gradients' elements, and their products are exact: of singular values it is
 * n·2⁻²³.
 */
export const roundedElements = (n: number): number => (n * 2 ** -23) ** 2;

/**
 * The Gramian that gradients without roundings have, and their rank, from one whose cosines' eigenvalues below `share`
 * of the largest are rounding: a gradient that leaves no more than that beside others is a combination of these. The
 * Gramian as it is, where none is. Lengths stay.
 */
export function atRank(gramian: Float64Array, n: number, share: number): { gramian: Float64Array; rank: number } {
  const { norms, cosines } = cosinesOf(gramian, n);
  // No eigenvalue is above the largest sum of a row.
  let largest = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += Math.abs(cosines[i * n + j] as number);
    largest = Math.max(largest, sum);
  }
  const { l, order, rank } = pivotedCholesky(cosines, n, share * largest);
  if (rank === norms.reduce((live, v) => (v > 0 ? live + 1 : live), 0)) return { gramian, rank };
  const g = new Float64Array(n * n);
  const inner = (i: number, j: number): number => {
    let sum = 0;
    for (let k = 0; k <= j && k < rank; k++) sum += (l[i * n + k] as number) * (l[j * n + k] as number);
    return sum;
  };
  // What was left out shortened rows by as much.
  const scale = Float64Array.from(order, (row, i) => (norms[row] === 0 ? 0 : (norms[row] as number) / Math.sqrt(inner(i, i))));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const [a, b] = [order[i] as number, order[j] as number];
      g[a * n + b] = inner(i, j) * (scale[i] as number) * (scale[j] as number);
      g[b * n + a] = g[a * n + b] as number;
    }
  }
  return { gramian: g, rank };
}
