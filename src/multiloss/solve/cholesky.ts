// Systems of equations over some rows and columns of a positive definite matrix, by Cholesky's factor. The work is done by
// assembly/kernels/cholesky.ts.
import { call } from '../../runtime/call.ts';
import { float64View, int32View } from '../../runtime/memory.ts';
import { lend } from '../../tensor/lend.ts';
import { Laid, numbersOf as laidNumbers, rowOf } from './laid.ts';
import { indices } from './matrix.ts';

/** Rows that are closer to dependent than this (1 − R² of one on the others) count as dependent. Gramians carry roundings of 1e-16. */
export const DEPENDENT = 1e-12;

/** Numbers of 8 bytes that a `Cholesky` for n rows draws. */
export const numbersOf = (n: number): number => rowOf(n) * (rowOf(n) + 11);

/** A factor of A [n · n] over a set of rows. */
export class Cholesky {
  private readonly laid: Laid;
  /** Addresses of what is added to the diagonal, the set and what the kernel works with: x first. */
  private readonly more: number;
  private readonly set: number;
  private readonly work: number;
  /** How many rows of the set stand. */
  size = 0;

  /** @param address of memory that is lent. */
  constructor(laid: Laid, address: number) {
    const row = rowOf(laid.n);
    this.laid = laid;
    this.more = address;
    this.set = this.more + 8 * row;
    this.work = this.set + 8 * row;
  }

  /**
   * The factor of the set's first `size` rows, with `more` [n] added to A's diagonal. False where rows are dependent: a pivot is below `least` of
   * A's diagonal, or below what rounding makes of it after the smallest one before. None stands then.
   */
  factor(set: Int32Array, size: number, least = DEPENDENT, more?: Float64Array): boolean {
    if (more) float64View().set(more, this.more / 8);
    return this.find(set, size, least, 0, more ? this.more : 0);
  }

  /** The same with one row more than stand. Where it depends on them, they stand as before. */
  append(set: Int32Array, least = DEPENDENT): boolean {
    return this.find(set, this.size + 1, least, this.size, 0);
  }

  private find(set: Int32Array, size: number, least: number, standing: number, more: number): boolean {
    const { address, n } = this.laid;
    int32View().set(set.subarray(0, size), this.set / 4);
    const found = call('choleskyRows', address, more, this.set, this.work, size, rowOf(n), least, standing) === 1;
    this.size = found ? size : standing;
    return found;
  }

  /** x ← A⁻¹·x, a number per row of the set, of which x may have more. */
  solve(x: Float64Array): void {
    const { size, work } = this;
    const all = float64View();
    all.set(x, work / 8);
    call('choleskySolve', work, size, rowOf(this.laid.n));
    x.set(all.subarray(work / 8, work / 8 + size));
  }
}

/** Hands on the factor of the whole of A [n · n]; null where its rows are dependent. */
function whole<T>(a: Float64Array, n: number, use: (factor: Cholesky) => T, least?: number): T | null {
  return lend(2 * (laidNumbers(n) + numbersOf(n)), (address) => {
    const cholesky = new Cholesky(new Laid(a, n, address), address + 8 * laidNumbers(n));
    return cholesky.factor(indices(n), n, least) ? use(cholesky) : null;
  });
}

/** A⁻¹·b; null where rows of A are dependent. */
export function solveDefinite(a: Float64Array, b: Float64Array): Float64Array | null {
  const x = b.slice();
  return whole(a, b.length, (factor) => {
    factor.solve(x);
    return x;
  });
}

/** Whether no row of A keeps less than `least` of its square beside others. */
export function isDefinite(a: Float64Array, n: number, least?: number): boolean {
  return whole(a, n, () => true, least) !== null;
}
