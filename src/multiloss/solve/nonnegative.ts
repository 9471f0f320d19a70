// min ½·zᵀC·z + qᵀz over z ≥ 0, C [n · n] positive semidefinite with a diagonal of ones: what the dual cone and the shortest point of a
// convex hull come down to. Exact: it ends at a set of active rows whose equations hold to rounding, not when a step is small.
import { lend } from '../../tensor/lend.ts';
import { ActiveSet, type Nonnegative } from './active-set.ts';
import { numbersOf as choleskyNumbers } from './cholesky.ts';
import { Columns } from './columns.ts';
import { Exchange, numbersOf as exchangeNumbers } from './exchange.ts';
import { Laid, numbersOf as laidNumbers } from './laid.ts';
import { numbersOf as parametricNumbers } from './parametric.ts';
import { WorkingSet } from './working-set.ts';

/** What is known beforehand. */
export interface NonnegativeOptions {
  /** Whether q lies in C's range, so that a direction without end can only be rounding: it is not taken then. */
  inRange?: boolean;
  /** Positive where a solution nearby is, to start from. */
  near?: Float64Array;
}

/** The solution for one q. */
export function nonnegative(c: Float64Array, q: Float64Array, { inRange = false, near }: NonnegativeOptions = {}): Nonnegative {
  return withSolver(c, q.length, (solver) => solver.solve(q, inRange, near));
}

/** Σ |shareᵢ|·(the solution for column i of C as q, times the share's sign): for callers that ask for most columns. */
export function nonnegativeColumns(c: Float64Array, shares: Float64Array): Float64Array {
  return withSolver(c, shares.length, (solver) => solver.solveColumns(shares));
}

function withSolver<T>(c: Float64Array, n: number, use: (solver: Solver) => T): T {
  return lend(2 * (laidNumbers(n) + exchangeNumbers(n) + parametricNumbers(n) + choleskyNumbers(n)), (address) => use(new Solver(c, n, address)));
}

class Solver {
  private readonly n: number;
  /** Addresses of what an exchange, a path and a factor are worked out in. */
  private readonly quick: number;
  private readonly path: number;
  private readonly factor: number;
  private readonly rows: WorkingSet;
  private readonly exchange: Exchange;
  private columns: Columns | null = null;
  private active: ActiveSet | null = null;
  private readonly q: Float64Array;
  private readonly z: Float64Array;

  constructor(c: Float64Array, n: number, address: number) {
    this.n = n;
    this.quick = address + 8 * laidNumbers(n);
    this.path = this.quick + 8 * exchangeNumbers(n);
    this.factor = this.path + 8 * parametricNumbers(n);
    this.q = new Float64Array(n);
    this.z = new Float64Array(n);
    this.rows = new WorkingSet(new Laid(c, n, address));
    this.exchange = new Exchange(this.rows.laid, this.quick);
  }

  solve(q: Float64Array, inRange: boolean, near?: Float64Array): Nonnegative {
    const z = new Float64Array(this.n);
    if (this.exchange.solve(q, z, near)) return { z, bounded: true, settled: true };
    return this.careful().solve(q, z.fill(0), inRange, near);
  }

  solveColumns(shares: Float64Array): Float64Array {
    const { n } = this;
    const sum = new Float64Array(n);
    for (let row = this.exchange.columns(shares, sum, 0); row < n; row++) {
      const share = shares[row] as number;
      if (share === 0) continue;
      const z = this.solveColumn(row, Math.sign(share));
      for (let i = 0; i < n; i++) sum[i] = (sum[i] as number) + (z[i] as number) * Math.abs(share);
    }
    return sum;
  }

  /** The solution for one column where rows are dependent, which stands until the next one. */
  private solveColumn(row: number, sign: number): Float64Array {
    const { q, z } = this;
    const { c, n } = this.rows;
    for (let i = 0, at = row * n; i < n; i++, at++) q[i] = sign * (c[at] as number);
    this.columns ??= this.columnsOf();
    return this.columns.solve(row, sign, q, z.fill(0)) ? z : this.careful().solve(q, z.fill(0), true).z;
  }

  private columnsOf(): Columns {
    const columns = new Columns(this.rows, this.exchange, this.path);
    return columns.settled ? columns : new Columns(this.rows, this.exchange, this.path, this.careful());
  }

  private careful(): ActiveSet {
    this.active ??= new ActiveSet(this.rows, this.factor);
    return this.active;
  }
}
