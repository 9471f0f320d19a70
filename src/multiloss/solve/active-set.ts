// The active-set method for min ½·zᵀC·z + qᵀz over z ≥ 0: whatever C's rank.
import { Cholesky, DEPENDENT } from './cholesky.ts';
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
  /** That of the rows in the set. */
  private readonly factor: Cholesky;
  /** A number per row of the set. */
  private readonly x: Float64Array;
  /** Whether a solution stands in the set: the next one starts from it. */
  private warm = false;

  /** @param address of memory for a `Cholesky`. */
  constructor(rows: WorkingSet, address: number) {
    this.rows = rows;
    this.factor = new Cholesky(rows.laid, address);
    this.x = new Float64Array(rows.n);
  }

  /** @param z zeros, to hold the set's latest point. `inRange`, `near`: see NonnegativeOptions. */
  solve(q: Float64Array, z: Float64Array, inRange: boolean, near?: Float64Array): Nonnegative {
    const { rows, factor, x } = this;
    const { c, n, inside, set, y } = rows;
    if (near) this.start(near);
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
      if (!factor.append(set)) {
        // Along (x, 1) the quadratic is flat and the gradient is y < 0: as far as the first row that reaches 0.
        for (let i = 0; i < k; i++) x[i] = -(c[(set[i] as number) * n + enter] as number);
        factor.solve(x);
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

  /** Takes the rows of a solution nearby for the set. */
  private start(near: Float64Array): void {
    const { rows } = this;
    const { n, inside, set } = rows;
    rows.count = 0;
    for (let i = 0; i < n; i++) {
      inside[i] = (near[i] as number) > 0 ? 1 : 0;
      if (inside[i] === 1) set[rows.count++] = i;
    }
    this.warm = true;
  }

  /** A start nearer than 0: independent rows with q < 0, without those that would be negative. Any set whose equations give z ≥ 0 is as good. */
  private guess(q: Float64Array, z: Float64Array): void {
    const { rows, factor, x } = this;
    const { n, inside, set } = rows;
    if (!this.warm || !factor.factor(set, rows.count, 1e-9)) {
      inside.fill(0);
      rows.count = 0;
      for (let i = 0; i < n; i++) {
        if ((q[i] as number) >= 0) continue;
        set[rows.count] = i;
        if (!factor.append(set, 1e-6)) continue;
        inside[i] = 1;
        rows.count++;
      }
    }
    for (let before = -1; before !== rows.count; ) {
      before = rows.count;
      this.equations(q);
      for (let i = 0; i < before; i++) if ((x[i] as number) <= 0) inside[set[i] as number] = 0;
      this.tidy();
    }
    for (let i = 0; i < rows.count; i++) z[set[i] as number] = x[i] as number;
  }

  /** x ← −C⁻¹·q over the set. */
  private equations(q: Float64Array): void {
    const { set, count } = this.rows;
    for (let i = 0; i < count; i++) this.x[i] = -(q[set[i] as number] as number);
    this.factor.solve(this.x);
  }

  /** Takes what is no longer inside out of the set, and makes the factor anew then. False where rows are dependent. */
  private tidy(): boolean {
    const { rows } = this;
    const { set, inside } = rows;
    let kept = 0;
    for (let i = 0; i < rows.count; i++) {
      const row = set[i] as number;
      if (inside[row] === 1) set[kept++] = row;
    }
    const same = kept === rows.count && kept === this.factor.size;
    rows.count = kept;
    return same || this.factor.factor(set, kept, DEPENDENT / 10);
  }

  /** Moves z to where the equations of the rows inside hold, leaving rows behind that would fall below 0. False: the row cannot enter. */
  private settle(q: Float64Array, z: Float64Array, entered: number): boolean {
    const { rows, x } = this;
    const { n, inside, set } = rows;
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
      this.equations(q);
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
