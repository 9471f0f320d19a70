// min ½·zᵀC·z + qᵀz over z ≥ 0, C [n · n] positive semidefinite but for roundings, q in its range: what the dual cone
// and the shortest point of a convex hull come down to. The work is done by assembly/kernels/nonnegative.ts.
import { call } from '../../runtime/call.ts';
import { float64View, int32View } from '../../runtime/memory.ts';
import { withScratch } from '../../tensor/scratch.ts';
import { Cholesky } from './cholesky.ts';
import { indices } from './matrix.ts';

/**
 * The jitter on the diagonal. It makes solutions unique, and bounds them where losses oppose one another exactly: there
 * rounding to float32 leaves of the cone a sliver 1e-7 wide, into which weights of 1e7 would lead.
 */
const RIDGE = 1e-10;

/** z for q. `warmStart`: a solution nearby, whose positive elements are the first active set. */
export type Solve = (q: Float64Array, warmStart?: Float64Array) => Float64Array;

/** Calls `use` with a solver for one C and any q, in a scratch buffer of that call. */
export function nonnegative<T>(c: Float64Array, n: number, use: (solve: Solve) => T): T {
  // Where gradients are NaN or infinite no ridge makes a factor: nor are there weights.
  if (!c.every(Number.isFinite)) return use(() => new Float64Array(n).fill(Number.NaN));
  const ridged = c.slice();
  const [factor, all] = [new Cholesky(ridged, n), indices(n)];
  let ridge = RIDGE / 10;
  do {
    ridge *= 10;
    for (const i of all) ridged[i * (n + 1)] = (c[i * (n + 1)] as number) + ridge;
  } while (!factor.factor(all, n));
  const stride = (n + 3) & ~3;
  // Words of 4 bytes for A, its factor, and six numbers for each row.
  return withScratch(4 * (stride + 3) ** 2, (a) => {
    const q = a + 8 * stride * stride;
    const z = q + 8 * stride;
    const work = z + 8 * stride;
    const memory = float64View();
    for (const i of all) memory.set(ridged.subarray(i * n, i * n + n), a / 8 + i * stride);
    memory[work / 8] = ridge;
    return use((given, warmStart) => {
      const set = work / 4 + 4;
      let count = warmStart ? 0 : -1;
      if (warmStart) for (const i of all) if ((warmStart[i] as number) > 0) int32View()[set + count++] = i;
      float64View().set(given, q / 8);
      call('nonnegative', a, q, z, work, n, stride, count);
      return float64View().slice(z / 8, z / 8 + n);
    });
  });
}
