// How the solvers' kernels have matrices: rows of a multiple of 8 numbers, zeros behind n.
import { float64View } from '../../runtime/memory.ts';

/** Numbers of a row. */
export const rowOf = (n: number): number => (n + 7) & ~7;

/** Lays C [n · n] at an address, and zeros behind it up to `end`. */
export function lay(c: Float64Array, n: number, address: number, end: number): void {
  const all = float64View();
  all.fill(0, address / 8, end / 8);
  for (let i = 0; i < n; i++) all.set(c.subarray(i * n, i * n + n), address / 8 + i * rowOf(n));
}
