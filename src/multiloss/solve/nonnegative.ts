// min ½·zᵀC·z + qᵀz over z ≥ 0, C [n · n] positive semidefinite but for roundings, q in its range: what the dual cone and the shortest point
// of a convex hull come down to.
import { Cholesky } from './cholesky.ts';
import { indices } from './matrix.ts';

/**
 * What is added to the diagonal, so that solutions are unique and no larger than rows need to be told apart: where losses oppose one another exactly, all that
 * float32's rounding leaves of the cone is a sliver 1e-7 wide, to which weights of 1e7 would lead.
 */
const RIDGE = 1e-10;
/** Proximal steps after the first, which take the ridge's bias out where rows are far enough from dependent. */
const STEPS = 3;
/** Roundings that an optimality condition may be off by, relative to its terms. */
const SLACK = 1e-13;

/** Solutions for one C, by the active-set method of Lawson & Hanson (1974, ch. 23): one row enters at a time, rows that reach 0 leave. */
export class Nonnegative {
  private readonly n: number;
  /** C + ridge·I. */
  private readonly a: Float64Array;
  private readonly ridge: number;
  private readonly factor: Cholesky;
  /** The rows that may have z > 0, in the order of entering: how many, and how many of them stand in the factor. */
  private readonly set: Int32Array;
  private count = 0;
  private standing = 0;
  /** Where the equations of these rows hold, a number for each of them. */
  private readonly x: Float64Array;
  private readonly inside: Uint8Array;

  constructor(c: Float64Array, n: number) {
    this.n = n;
    this.a = c.slice();
    this.factor = new Cholesky(this.a, n);
    const all = indices(n);
    for (let ridge = RIDGE; ; ridge *= 10) {
      for (let i = 0; i < n; i++) this.a[i * (n + 1)] = (c[i * (n + 1)] as number) + ridge;
      this.ridge = ridge;
      if (this.factor.factor(all, n)) break;
    }
    this.set = new Int32Array(n);
    this.x = new Float64Array(n);
    this.inside = new Uint8Array(n);
  }

  /** z for q. `near`: positive where a solution nearby is, to start from. */
  solve(q: Float64Array, near?: Float64Array): Float64Array {
    const { n, ridge, inside } = this;
    this.count = 0;
    this.standing = 0;
    inside.fill(0);
    for (let i = 0; i < n; i++) if (near ? (near[i] as number) > 0 : (q[i] as number) < 0) this.enter(i);
    const z = new Float64Array(n);
    const shifted = q.slice();
    for (let step = 0; step <= STEPS; step++) {
      let row = -1;
      do {
        this.settle(shifted, z);
        // What rounding keeps outside.
        if (row >= 0 && z[row] === 0) break;
        row = this.falling(shifted, z);
        if (row >= 0) this.enter(row);
      } while (row >= 0);
      for (let i = 0; i < n; i++) shifted[i] = (q[i] as number) - ridge * (z[i] as number);
    }
    return z;
  }

  private enter(row: number): void {
    this.set[this.count++] = row;
    this.inside[row] = 1;
  }

  /** Moves z to where the equations of the rows inside hold, leaving rows behind that reach 0. */
  private settle(q: Float64Array, z: Float64Array): void {
    const { set, x, inside, factor } = this;
    const reach = (k: number): number => ((x[k] as number) > 0 ? 1 : (z[set[k] as number] as number) / ((z[set[k] as number] as number) - (x[k] as number)) || 0);
    for (;;) {
      const { count } = this;
      factor.factor(set, count, { standing: this.standing });
      for (let k = 0; k < count; k++) x[k] = -(q[set[k] as number] as number);
      factor.solve(x);
      let step = 1;
      for (let k = 0; k < count; k++) step = Math.min(step, reach(k));
      this.standing = count;
      this.count = 0;
      for (let k = 0; k < count; k++) {
        const row = set[k] as number;
        const leaves = (x[k] as number) <= 0 && reach(k) <= step;
        z[row] = leaves ? 0 : (z[row] as number) + step * ((x[k] as number) - (z[row] as number));
        if (leaves) {
          inside[row] = 0;
          this.standing = Math.min(this.standing, this.count);
        } else set[this.count++] = row;
      }
      if (step === 1 && this.count === count) return;
    }
  }

  /** The row outside that falls steepest at z; −1 where none falls. */
  private falling(q: Float64Array, z: Float64Array): number {
    const { n, a, set, count, inside } = this;
    let [size, row, least] = [0, -1, 0];
    for (const v of z) size += v;
    for (let i = 0, from = 0; i < n; i++, from += n) {
      if (inside[i] === 1) continue;
      let y = q[i] as number;
      const rounding = SLACK * (size + Math.abs(y));
      for (let k = 0; k < count; k++) y += (a[from + (set[k] as number)] as number) * (z[set[k] as number] as number);
      if (y < -rounding && y < least) [row, least] = [i, y];
    }
    return row;
  }
}
