// Block principal pivoting for min ½·zᵀC·z + qᵀz over z ≥ 0 (Júdice & Pires 1994): fast where rows are independent. The work is done by
// assembly/kernels/exchange.ts.
import { call } from '../../runtime/call.ts';
import { float64View, int32View } from '../../runtime/memory.ts';
import { type Laid, rowOf } from './laid.ts';

/** Numbers of 8 bytes that an `Exchange` for n rows draws. */
export const numbersOf = (n: number): number => rowOf(n) * (rowOf(n) + 16);

/** Solutions for one C: neither sure to be found nor able to meet dependent rows. */
export class Exchange {
  private readonly laid: Laid;
  /** Addresses of shares and a sum, of q and what the kernel works with: z and the set first. */
  private readonly shares: number;
  private readonly sum: number;
  private readonly q: number;
  private readonly work: number;

  /** @param address of memory that is lent. */
  constructor(laid: Laid, address: number) {
    const row = rowOf(laid.n);
    this.laid = laid;
    this.shares = address;
    this.sum = address + 8 * row;
    this.q = this.sum + 8 * row;
    this.work = this.q + 8 * row;
    float64View().fill(0, address / 8, this.work / 8);
  }

  /** z ← the solution for q, from the rows that are positive in `near`, or that Gauss and Seidel's method makes positive. False where it is not found. */
  solve(q: Float64Array, z: Float64Array, near?: Float64Array): boolean {
    const { work } = this;
    const { n, address } = this.laid;
    const set = int32View().subarray(work / 4 + 2 * rowOf(n));
    let count = near ? 0 : -1;
    if (near) for (let i = 0; i < n; i++) if ((near[i] as number) > 0) set[count++] = i;
    float64View().set(q, this.q / 8);
    if (call('exchangeRows', address, this.q, work, n, rowOf(n), count, 0) === 0) return false;
    z.set(float64View().subarray(work / 8, work / 8 + n));
    return true;
  }

  /**
   * sum += |shareᵢ|·(the solution for column i of C as q, times the share's sign) for i from `from` on. The first i for which it is not found,
   * or is so large that rows may have nothing but roundings of float32 between them; n where all are.
   */
  columns(shares: Float64Array, sum: Float64Array, from: number): number {
    const { n, address } = this.laid;
    const all = float64View();
    all.set(shares, this.shares / 8);
    all.set(sum, this.sum / 8);
    const end = call('exchangeColumns', address, this.shares, this.sum, this.q, this.work, n, rowOf(n), from);
    sum.set(all.subarray(this.sum / 8, this.sum / 8 + n));
    return end;
  }
}
