// Systems of equations over some rows and columns of a positive definite matrix, by Cholesky's factor.
import { indices } from './matrix.ts';

/**
 * Rows that are closer to dependent than this (1 − R² of one on those before) count as dependent. Gramians carry
 * roundings of 1e-16.
 */
const DEPENDENT = 1e-12;

/** L·Lᵀ = A [n · n] over a set of its rows and columns. */
export class Cholesky {
  private readonly a: Float64Array;
  private readonly n: number;
  /** L by rows, 1/Lᵢᵢ in its diagonal. */
  private readonly l: Float64Array;
  private size = 0;

  constructor(a: Float64Array, n: number) {
    this.a = a;
    this.n = n;
    this.l = new Float64Array(n * n);
  }

  /**
   * Factors the set's first `size` rows, of which the first `done` are factored already, with `diagonal` [n] added to
   * A's. False where a pivot is not above `minPivot` of the element that it comes from.
   */
  factor(set: Int32Array, size: number, { minPivot = 0, diagonal, done = 0 }: { minPivot?: number; diagonal?: Float64Array; done?: number } = {}): boolean {
    const { a, n, l } = this;
    this.size = size;
    for (let i = done, row = i * n; i < size; i++, row += n) {
      const from = (set[i] as number) * n;
      for (let j = 0, other = 0; j < i; j++, other += n) {
        let sum = a[from + (set[j] as number)] as number;
        for (let k = 0; k < j; k++) sum -= (l[row + k] as number) * (l[other + k] as number);
        l[row + j] = sum * (l[other + j] as number);
      }
      const own = (a[from + (set[i] as number)] as number) + (diagonal ? (diagonal[set[i] as number] as number) : 0);
      let pivot = own;
      for (let k = 0; k < i; k++) pivot -= (l[row + k] as number) ** 2;
      if (!(pivot > minPivot * own)) return false;
      l[row + i] = 1 / Math.sqrt(pivot);
    }
    return true;
  }

  /** x ← A⁻¹·x, a number per row of the set, of which x may have more. */
  solve(x: Float64Array): void {
    const { n, l, size } = this;
    for (let i = 0, row = 0; i < size; i++, row += n) {
      let sum = x[i] as number;
      for (let k = 0; k < i; k++) sum -= (l[row + k] as number) * (x[k] as number);
      x[i] = sum * (l[row + i] as number);
    }
    for (let i = size - 1, row = i * n; i >= 0; i--, row -= n) {
      const v = (x[i] as number) * (l[row + i] as number);
      x[i] = v;
      for (let k = 0; k < i; k++) x[k] = (x[k] as number) - (l[row + k] as number) * v;
    }
  }
}

/** A⁻¹·b; null where rows of A are dependent. */
export function solveDefinite(a: Float64Array, b: Float64Array): Float64Array | null {
  const n = b.length;
  const [factor, x] = [new Cholesky(a, n), b.slice()];
  if (!factor.factor(indices(n), n, { minPivot: DEPENDENT })) return null;
  factor.solve(x);
  return x;
}
