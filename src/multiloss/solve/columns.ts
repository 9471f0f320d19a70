// min ½·zᵀC·z + qᵀz over z ≥ 0 for the columns of C as q, one after another, where its rows are dependent.
import type { ActiveSet } from './active-set.ts';
import type { Exchange } from './exchange.ts';
import { Parametric } from './parametric.ts';
import { SLACK, type WorkingSet } from './working-set.ts';

/** Where v with C·v = 0 stands for a column whose own element of v is less than this share of the largest, it is solved itself. */
const BALANCED = 1e-2;

/** Roundings of a C that has no negative squares beyond those of float64, where it is applied to a v that it takes to 0. */
const ROUNDED = 1e-11;

/** All are solved from the solution for the columns' sum, which lies between theirs. */
export class Columns {
  private readonly rows: WorkingSet;
  private readonly exchange: Exchange;
  /** v ≥ 1 with C·v = 0, where the sum's solution is one: 0 lies inside the rows' hull. */
  private readonly still: Float64Array | null = null;
  private readonly largest: number = 0;
  private readonly way: Parametric | null = null;
  /** Whether the sum's solution meets every condition, to C's own roundings. */
  readonly settled: boolean;

  /**
   * @param address of memory for `Parametric`. @param careful what finds the sum's solution where no way leads to it.
   */
  constructor(rows: WorkingSet, exchange: Exchange, address: number, careful?: ActiveSet) {
    this.rows = rows;
    this.exchange = exchange;
    const { c, n, inside, laid } = rows;
    // A zero row has no part in the sum.
    const ones = new Float64Array(n);
    for (let i = 0; i < n; i++) ones[i] = c[i * n + i] as number;
    const q = new Float64Array(n);
    laid.times(ones, q);
    const way = new Parametric(rows, address);
    let z: Float64Array = new Float64Array(n);
    let settled = way.solve(q, z) && rows.holds(q, z, SLACK);
    if (!settled && careful) ({ z, settled } = careful.solve(q, z.fill(0), true));
    this.settled = settled;
    if (!settled && !careful) return;
    const v = z.map((zi, i) => zi + (ones[i] as number));
    const y = new Float64Array(n);
    laid.times(v, y);
    const largest = v.reduce((a, b) => Math.max(a, b), 0);
    let [rises, holds, lowest] = [false, true, 0];
    for (let i = 0; i < n; i++) {
      let terms = 0;
      for (let j = 0, at = i * n; j < n; j++, at++) terms += Math.abs((c[at] as number) * (v[j] as number));
      const error = SLACK * terms;
      if ((y[i] as number) > (settled ? error : ROUNDED * terms)) rises = true;
      lowest = Math.min(lowest, (y[i] as number) / (terms || 1));
      if ((inside[i] === 0 && z[i] !== 0) || (inside[i] === 1 && Math.abs(y[i] as number) > error)) holds = false;
    }
    // vᵀC·v ≥ 0: where no element of C·v rises, those below 0 are roundings too.
    if (!holds || lowest < (rises ? -SLACK : -ROUNDED)) return;
    this.settled = true;
    if (!rises) [this.still, this.largest] = [v, largest];
    // Where y is 0 outside, a way from any y > 0 is as good.
    way.rebase(z.map((zi, i) => (inside[i] === 1 ? zi : rises ? (y[i] as number) : 1)));
    this.way = way;
  }

  /** z ← the solution for q = sign·(column `row` of C). @param z zeros. False where it is not found. */
  solve(row: number, sign: number, q: Float64Array, z: Float64Array): boolean {
    const { still, rows, way } = this;
    if (still && sign > 0 && (still[row] as number) >= BALANCED * this.largest) {
      const share = still[row] as number;
      for (let i = 0; i < z.length; i++) z[i] = i === row ? 0 : (still[i] as number) / share;
      return true;
    }
    if (!way?.solveColumn(row, sign, z)) return false;
    return rows.holds(q, z, still ? ROUNDED : SLACK) || this.exchange.solve(q, z, z);
  }
}
