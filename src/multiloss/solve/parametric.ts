// min ½·zᵀC·z + qᵀz over z ≥ 0 for one q after another, each reached from the same solved one: for C of any rank, as long as solutions
// are unique. From base to goal q moves in a straight line, and wherever a number reaches 0 its row changes sides (Cottle 1972).
// Pivots are assembly/kernels/pivot.ts.
import { call } from '../../runtime/call.ts';
import { float64View, int32View } from '../../runtime/memory.ts';
import { lay, rowOf } from './laid.ts';
import type { WorkingSet } from './working-set.ts';

/** Numbers of 8 bytes that a `Parametric` for n rows draws. */
export const numbersOf = (n: number): number => rowOf(n) * (3 * rowOf(n) + 10);

/**
 * The dictionary of a solved problem: (z over the set; y outside) = M·(y over the set; z outside) + h, M the principal pivotal transform
 * of C. At first no row is inside.
 */
export class Parametric {
  private readonly rows: WorkingSet;
  private readonly row: number;
  /** Addresses of M by columns, h, the rows inside and what the kernel works with, that begins with the goal. */
  private readonly m: number;
  private readonly h: number;
  private readonly inside: number;
  private readonly work: number;

  /** @param address of memory that is lent. */
  constructor(rows: WorkingSet, address: number) {
    const { n, c } = rows;
    const row = rowOf(n);
    this.rows = rows;
    this.row = row;
    this.m = address;
    this.h = address + 8 * row * row;
    this.inside = this.h + 8 * row;
    this.work = this.inside + 8 * row;
    lay(c, n, address, this.work + 8 * row);
    // From z = 0 every way is as good: that of y = 1.
    float64View().fill(1, this.h / 8, this.h / 8 + n);
  }

  /** z ← the solution for q, from z = 0. False, where the way meets dependent rows. */
  solve(q: Float64Array, z: Float64Array): boolean {
    float64View().set(q, this.work / 8);
    return this.follow(z);
  }

  /** Makes the solution in `rows` the one that all are reached from. @param h z over the set and y outside, none below 0 but for roundings. */
  rebase(h: Float64Array): void {
    const { n, inside } = this.rows;
    float64View().set(h, this.h / 8);
    int32View().set(inside, this.inside / 4);
    call('pivotAll', this.m, this.inside, this.work, n, this.row);
    int32View().set(inside, this.inside / 4);
  }

  /** z ← the solution for q = sign·(column `row` of C). False, where the way meets dependent rows. */
  solveColumn(row: number, sign: number, z: Float64Array): boolean {
    const all = float64View();
    const goal = this.work / 8;
    all.fill(0, goal, goal + this.row);
    // q = C·e: z = −e where e's row is inside.
    if (int32View()[this.inside / 4 + row] === 1) all[goal + row] = -sign;
    else for (let i = 0, at = this.m / 8 + row * this.row; i < this.rows.n; i++, at++) all[goal + i] = sign * (all[at] as number);
    return this.follow(z);
  }

  /** To the goal. Its set is then in `rows`. */
  private follow(z: Float64Array): boolean {
    const { rows, work, row } = this;
    const { n, inside, set } = rows;
    if (call('followPath', this.m, this.h, this.inside, work, n, row) < 0) return false;
    const [all, sides] = [float64View(), int32View()];
    rows.count = 0;
    for (let i = 0; i < n; i++) {
      const side = sides[work / 4 + 2 * row + i] as number; // behind the goal
      inside[i] = side;
      z[i] = side === 1 ? Math.max(all[work / 8 + i] as number, 0) : 0;
      if (side === 1) set[rows.count++] = i;
    }
    return true;
  }
}
