// min ½·zᵀC·z + qᵀz over z ≥ 0, C positive semidefinite with a diagonal of ones: what the dual cone and the shortest point of a
// convex hull come down to. Exact: it ends at a set of active rows whose equations hold to rounding, not when a step is small.
import { ActiveSet, type Nonnegative } from './active-set.ts';
import { Columns } from './columns.ts';
import { exchange, startFrom, sweep } from './exchange.ts';
import { lend, Parametric } from './parametric.ts';
import { WorkingSet } from './working-set.ts';

/** Rounds of exchanging after which columns are left to `Columns`. */
const QUICK = 3;
/** Rows that keep less than this share of their square beside others are left to it too: roundings of float32 may be all they keep. */
const INDEPENDENT = 1e-6;

/** A solver for many q with one C [n · n]: its memory is shared between them. */
export class NonnegativeSolver {
  private readonly n: number;
  private rows: WorkingSet;
  private careful: ActiveSet;
  /** Whether a solution met dependent rows: the next ones take the careful way at once. */
  private dependent = false;
  /** What was added to C's diagonal. */
  private noise = 0;
  private mended = false;
  private columns: Columns | null = null;
  private readonly q: Float64Array;
  private readonly z: Float64Array;

  /** @param l memory of n² numbers that it may use, where there is some. */
  constructor(c: Float64Array, n: number, l?: Float64Array) {
    this.n = n;
    this.rows = new WorkingSet(c, n, l);
    this.careful = new ActiveSet(this.rows);
    this.q = new Float64Array(n);
    this.z = new Float64Array(n);
  }

  /**
   * @param inRange whether q lies in C's range, so that a direction without end can only be rounding: it is not taken then.
   * @param near positive where a solution nearby is, to start from.
   */
  solve(q: Float64Array, inRange = false, near?: Float64Array): Nonnegative {
    const z = new Float64Array(this.n);
    if (!this.dependent) {
      if (near) startFrom(this.rows, q, near);
      else sweep(this.rows, q);
      if (exchange(this.rows, q, z)) return { z, bounded: true, settled: true };
    }
    this.dependent = true;
    const found = this.careful.solve(q, z.fill(0), inRange);
    return found.settled || !inRange || !lend(this.n, (address) => this.mend(address)) ? found : this.careful.solve(q, z.fill(0), inRange);
  }

  /** Hands on z for each column of C as q, times a sign, where that is not 0: for callers that ask for most of them. z stands until the next one. */
  solveColumns(signs: readonly number[], use: (z: Float64Array, row: number) => void): void {
    lend(this.n, (address) => {
      signs.forEach((sign, row) => {
        if (sign !== 0) use(this.solveColumn(row, sign, address), row);
      });
      this.columns = null;
    });
  }

  private solveColumn(row: number, sign: number, address: number): Float64Array {
    const { q, z } = this;
    if (!this.dependent) {
      sweep(this.rows, this.column(row, sign));
      if (exchange(this.rows, q, z, QUICK, INDEPENDENT)) return z;
      this.dependent = true;
    }
    this.columns ??= new Columns(this.rows, this.careful, address, this.noise);
    if (!this.columns.settled && this.mend(address)) this.columns = new Columns(this.rows, this.careful, address, this.noise);
    return this.columns.solve(row, sign, this.column(row, sign), z.fill(0));
  }

  /** q ← sign·(column `row` of C). */
  private column(row: number, sign: number): Float64Array {
    const { n, q } = this;
    const { c } = this.rows;
    for (let i = 0, at = row * n; i < n; i++, at++) q[i] = sign * (c[at] as number);
    return q;
  }

  /**
   * Once, C as rows may have it, where roundings made it one that none have: conditions hold to those roundings then. False where it
   * stays as it is.
   */
  private mend(address: number): boolean {
    const { n } = this;
    if (this.mended) return false;
    this.mended = true;
    this.noise = new Parametric(this.rows, address).noise();
    if (this.noise === 0) return false;
    const c = this.rows.c.slice();
    for (let i = 0; i < n; i++) if (c[i * n + i] !== 0) c[i * n + i] = (c[i * n + i] as number) + this.noise;
    this.rows = new WorkingSet(c, n);
    this.careful = new ActiveSet(this.rows);
    return true;
  }
}
