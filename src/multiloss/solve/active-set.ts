// The active-set method for min ½·zᵀC·z + qᵀz over z ≥ 0: whatever C's rank.
import { DEPENDENT, factor, solveFactored } from './cholesky.ts';
import { inner } from './matrix.ts';
import { SLACK, type WorkingSet } from './working-set.ts';

/** Coefficients of a dependence below this are rounding: a row that depends to 1e-12 of its square does to 1e-6 of its length. */
const FAINT = 1e-6;

/** A solution, or (where `bounded` is false) a direction z ≥ 0 with C·z = 0 along which qᵀz falls for ever. */
export interface Nonnegative {
  readonly z: Float64Array;
  readonly bounded: boolean;
  /** Whether every condition holds; roundings of C may be such that no z meets all. */
  readonly settled: boolean;
}

/**
 * Lawson & Hanson (1974, ch. 23), on C itself: one row enters at a time, rows that reach 0 leave. A row that depends on those inside
 * enters along the direction that changes nothing but qᵀz, until another one reaches 0. The set stands in the order of entering, so
 * that a row more is a row of the factor more.
 */
export class ActiveSet {
  private readonly rows: WorkingSet;
  /** Whether a solution stands in the set: the next one starts from it. */
  private warm = false;

  constructor(rows: WorkingSet) {
    this.rows = rows;
  }

  /** @param z zeros, to hold the set's latest point. `inRange`: see NonnegativeSolver. */
  solve(q: Float64Array, z: Float64Array, inRange: boolean): Nonnegative {
    const { rows } = this;
    const { c, n, l, inside, set, x, y } = rows;
    this.guess(q, z);
    const refused = new Uint8Array(n);
    // A Gramian that is rounded to float32 may have no minimum where its rows say so: what is not below the lowest point so far is not
    // followed, so that it ends.
    let lowest = inner(q, z);
    const best = z.slice();
    for (let turn = 0; turn < 20 * n + 20; turn++) {
      rows.gradient(q, z);
      let enter = -1;
      let worst = 0;
      for (let i = 0; i < n; i++) {
        if (inside[i] === 1 || refused[i] === 1 || (y[i] as number) >= worst || !rows.below(q, z, i)) continue;
        worst = y[i] as number;
        enter = i;
      }
      if (enter < 0) break;
      const k = rows.count;
      set[k] = enter;
      if (!factor(c, n, set, k + 1, l, DEPENDENT, k)) {
        // Along (x, 1) the quadratic is flat and the gradient is y < 0: as far as the first row that reaches 0.
        for (let i = 0; i < k; i++) x[i] = -(c[(set[i] as number) * n + enter] as number);
        solveFactored(l, n, k, x);
        let step = Number.POSITIVE_INFINITY;
        let leaves = -1;
        for (let i = 0; i < k; i++) {
          if ((x[i] as number) >= -FAINT) continue;
          const reach = -(z[set[i] as number] as number) / (x[i] as number);
          if (reach < step) [step, leaves] = [reach, i];
        }
        if (leaves < 0 && inRange) {
          refused[enter] = 1;
          continue;
        }
        if (leaves < 0) {
          const ray = new Float64Array(n);
          for (let i = 0; i < k; i++) ray[set[i] as number] = Math.max(x[i] as number, 0);
          ray[enter] = 1;
          return { z: ray, bounded: false, settled: true };
        }
        for (let i = 0; i < k; i++) z[set[i] as number] = Math.max((z[set[i] as number] as number) + step * (x[i] as number), 0);
        z[enter] = step;
        z[set[leaves] as number] = 0;
        inside[set[leaves] as number] = 0;
      }
      inside[enter] = 1;
      rows.count = k + 1;
      const enters = this.settle(q, z, enter) && z[enter] !== 0;
      // Where the equations of the rows inside hold, the quadratic is ½·qᵀz.
      const height = inner(q, z);
      if (height < lowest) {
        lowest = height;
        best.set(z);
        refused.fill(0);
      } else refused[enter] = 1;
      if (!enters) refused[enter] = 1;
    }
    this.warm = true;
    return { z: best, bounded: true, settled: refused.indexOf(1) < 0 };
  }

  /** A start nearer than 0: independent rows with q < 0, without those that would be negative. Any set whose equations give z ≥ 0 is as good. */
  private guess(q: Float64Array, z: Float64Array): void {
    const { rows } = this;
    const { c, n, l, inside, set, x } = rows;
    if (!this.warm || !factor(c, n, set, rows.count, l, 1e-9)) {
      inside.fill(0);
      rows.count = 0;
      for (let i = 0; i < n; i++) {
        if ((q[i] as number) >= 0) continue;
        set[rows.count] = i;
        if (!factor(c, n, set, rows.count + 1, l, 1e-6, rows.count)) continue;
        inside[i] = 1;
        rows.count++;
      }
    }
    for (let before = -1; before !== rows.count; ) {
      before = rows.count;
      rows.equations(q);
      for (let i = 0; i < before; i++) if ((x[i] as number) <= 0) inside[set[i] as number] = 0;
      this.tidy();
    }
    for (let i = 0; i < rows.count; i++) z[set[i] as number] = x[i] as number;
  }

  /** Takes what is no longer inside out of the set, and makes the factor anew from there on. False where rows are dependent. */
  private tidy(): boolean {
    const { rows } = this;
    const { set, inside } = rows;
    let kept = 0;
    let first = rows.count;
    for (let i = 0; i < rows.count; i++) {
      const row = set[i] as number;
      if (inside[row] === 1) set[kept++] = row;
      else first = Math.min(first, i);
    }
    rows.count = kept;
    return first >= kept || factor(rows.c, rows.n, set, kept, rows.l, DEPENDENT / 10, first);
  }

  /** Moves z to where the equations of the rows inside hold, leaving rows behind that would fall below 0. False: the row cannot enter. */
  private settle(q: Float64Array, z: Float64Array, entered: number): boolean {
    const { rows } = this;
    const { n, inside, set, x } = rows;
    let enters = true;
    for (let turn = 0; turn <= n + 1; turn++) {
      if (!this.tidy()) {
        // The others go to where their own equations hold.
        enters = false;
        inside[entered] = 0;
        z[entered] = 0;
        this.tidy();
      }
      const k = rows.count;
      rows.equations(q);
      let step = 1;
      for (let i = 0; i < k; i++) {
        const [from, to] = [z[set[i] as number] as number, x[i] as number];
        if (to <= 0) step = from - to > 0 ? Math.min(step, from / (from - to)) : 0;
      }
      for (let i = 0; i < k; i++) {
        const row = set[i] as number;
        const to = x[i] as number;
        const from = z[row] as number;
        z[row] = step === 1 ? to : from + step * (to - from);
        if (to <= 0 && (step === 1 || (z[row] as number) <= SLACK * Math.abs(from) || z[row] === 0)) {
          z[row] = 0;
          inside[row] = 0;
        }
      }
      if (step === 1) {
        this.tidy();
        return enters;
      }
    }
    return enters;
  }
}
