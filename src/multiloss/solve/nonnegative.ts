// min ½·zᵀC·z + qᵀz over z ≥ 0, C positive semidefinite with a diagonal of ones: what the dual cone and the shortest point of a
// convex hull come down to. Exact: it ends at a set of active rows whose equations hold to rounding, not when a step is small.
import { lend } from '../../tensor/lend.ts';
import { ActiveSet, type Nonnegative } from './active-set.ts';
import { Columns } from './columns.ts';
import { Exchange, numbersOf as exchangeNumbers } from './exchange.ts';
import { numbersOf, Parametric } from './parametric.ts';
import { WorkingSet } from './working-set.ts';

/** Rounds of exchanging after which columns are left to `Columns`. */
const QUICK = 5;

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
  private exchange: Exchange | null = null;
  private columns: Columns | null = null;
  private readonly q: Float64Array;
  private readonly z: Float64Array;

  constructor(c: Float64Array, n: number) {
    this.n = n;
    this.rows = new WorkingSet(c, n);
    this.careful = new ActiveSet(this.rows);
    this.q = new Float64Array(n);
    this.z = new Float64Array(n);
  }

  /**
   * @param inRange whether q lies in C's range, so that a direction without end can only be rounding: it is not taken then.
   * @param near positive where a solution nearby is, to start from.
   */
  solve(q: Float64Array, inRange = false, near?: Float64Array): Nonnegative {
    const { n } = this;
    const z = new Float64Array(n);
    const quick = (address: number): boolean => {
      const exchange = new Exchange(this.rows.c, n, address);
      return near ? exchange.from(near, q, z) : exchange.sweep(q, z);
    };
    if (!this.dependent && lend(2 * exchangeNumbers(n), quick)) return { z, bounded: true, settled: true };
    this.dependent = true;
    const found = this.careful.solve(q, z.fill(0), inRange);
    return found.settled || !inRange || !lend(2 * numbersOf(n), (address) => this.mend(address)) ? found : this.careful.solve(q, z.fill(0), inRange);
  }

  /** Hands on z for each column of C as q, times a sign, where that is not 0: for callers that ask for most of them. z stands until the next one. */
  solveColumns(signs: readonly number[], use: (z: Float64Array, row: number) => void): void {
    // What is left of an earlier call has lost its memory.
    this.exchange = null;
    this.columns = null;
    lend(2 * (exchangeNumbers(this.n) + numbersOf(this.n)), (address) => {
      signs.forEach((sign, row) => {
        if (sign !== 0) use(this.solveColumn(row, sign, address), row);
      });
    });
  }

  private solveColumn(row: number, sign: number, address: number): Float64Array {
    const { n, z } = this;
    this.exchange ??= new Exchange(this.rows.c, n, address);
    if (!this.dependent) {
      if (this.exchange.sweep(this.column(row, sign), z, { rounds: QUICK, strict: true })) return z;
      this.dependent = true;
    }
    const behind = address + 8 * exchangeNumbers(n);
    this.columns ??= new Columns(this.rows, this.exchange, this.careful, behind, this.noise);
    if (!this.columns.settled && this.mend(behind)) {
      this.exchange = new Exchange(this.rows.c, n, address);
      this.columns = new Columns(this.rows, this.exchange, this.careful, behind, this.noise);
    }
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
