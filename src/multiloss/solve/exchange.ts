// Block principal pivoting for min ½·zᵀC·z + qᵀz over z ≥ 0 (Júdice & Pires 1994): fast where rows are independent. The work is done by
// assembly/kernels/exchange.ts.
import { call } from '../../runtime/call.ts';
import { float64View, int32View } from '../../runtime/memory.ts';
import { type Laid, rowOf } from './laid.ts';

/** Rounds of exchanging every wrong row at once; two or three are usual. */
const ROUNDS = 12;

/** Numbers of 8 bytes that an `Exchange` for n rows draws. */
export const numbersOf = (n: number): number => rowOf(n) * (rowOf(n) + 14);

/** Solutions for one C: neither sure to be found nor able to meet dependent rows. */
export class Exchange {
  private readonly laid: Laid;
  /** Addresses of q and what the kernel works with: z and the set first. */
  private readonly q: number;
  private readonly work: number;

  /** @param address of memory that is lent. */
  constructor(laid: Laid, address: number) {
    const row = rowOf(laid.n);
    this.laid = laid;
    this.q = address;
    this.work = this.q + 8 * row;
    float64View().fill(0, this.q / 8, this.work / 8);
  }

  /**
   * z ← the solution for q, from the rows that Gauss and Seidel's method makes positive. False where it is not found, or is so large that rows
   * may have nothing but roundings of float32 between them where it is to be `modest`.
   */
  sweep(q: Float64Array, z: Float64Array, rounds = ROUNDS, modest = 0): boolean {
    return this.solve(q, z, -1, rounds, modest);
  }

  /** The same from the rows that are positive in `near`. */
  from(near: Float64Array, q: Float64Array, z: Float64Array): boolean {
    const { n } = this.laid;
    const set = int32View().subarray(this.work / 4 + 2 * rowOf(n));
    let count = 0;
    for (let i = 0; i < n; i++) if ((near[i] as number) > 0) set[count++] = i;
    return this.solve(q, z, count, ROUNDS, 0);
  }

  private solve(q: Float64Array, z: Float64Array, count: number, rounds: number, modest: number): boolean {
    const { work } = this;
    const { n, address } = this.laid;
    float64View().set(q, this.q / 8);
    if (call('exchangeRows', address, this.q, work, n, rowOf(n), count, rounds, modest) === 0) return false;
    z.set(float64View().subarray(work / 8, work / 8 + n));
    return true;
  }
}
