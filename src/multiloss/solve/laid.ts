// How the solvers' kernels have matrices: rows of a multiple of 8 numbers, zeros behind n.
import { call } from '../../runtime/call.ts';
import { float64View } from '../../runtime/memory.ts';

/** Numbers of a row. */
export const rowOf = (n: number): number => (n + 7) & ~7;

/** Numbers of 8 bytes that a `Laid` of n rows draws. */
export const numbersOf = (n: number): number => rowOf(n) * (rowOf(n) + 2);

/** Lays A [n · n] at an address, and zeros behind it up to `end`. */
export function lay(a: Float64Array, n: number, address: number, end: number): void {
  const all = float64View();
  const [row, last] = [rowOf(n), end / 8];
  let to = address / 8;
  if (n === row) {
    all.set(a, to);
    to += a.length;
  } else {
    for (let i = 0, at = 0; i < n; i++) {
      for (let j = 0; j < n; j++) all[to++] = a[at++] as number;
      for (let j = n; j < row; j++) all[to++] = 0;
    }
  }
  for (; to < last; to++) all[to] = 0;
}

/** A symmetric matrix A [n · n], laid once for all that works with it. */
export class Laid {
  readonly a: Float64Array;
  readonly n: number;
  readonly address: number;
  private readonly x: number;

  /** @param address of memory that is lent. */
  constructor(a: Float64Array, n: number, address: number) {
    const row = rowOf(n);
    this.a = a;
    this.n = n;
    this.address = address;
    this.x = address + 8 * row * row;
    lay(a, n, address, this.x + 16 * row);
  }

  /** y ← A·x. */
  times(x: Float64Array, y: Float64Array): void {
    const { n } = this;
    const row = rowOf(n);
    const all = float64View();
    all.set(x, this.x / 8);
    call('multiply', this.address, this.x, this.x + 8 * row, row);
    const from = this.x / 8 + row;
    for (let i = 0; i < n; i++) y[i] = all[from + i] as number;
  }
}
