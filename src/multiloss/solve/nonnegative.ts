// min ½·zᵀC·z + qᵀz over z ≥ 0, C positive semidefinite with a diagonal of ones: what the dual cone and the shortest point of a
// convex hull come down to. Exact: it ends at a set of active rows whose equations hold to rounding, not when a step is small.
import { DEPENDENT, factor, solveFactored } from './cholesky.ts';
import { inner } from './matrix.ts';

/** A solution, or (where `bounded` is false) a direction z ≥ 0 with C·z = 0 along which qᵀz falls for ever. */
export interface Nonnegative {
  readonly z: Float64Array;
  readonly bounded: boolean;
}

/** Roundings that an optimality condition may be off by, relative to the terms that it sums. */
const SLACK = 1e-13;
/** Coefficients of a dependence below this are rounding: a row that depends to 1e-12 of its square does to 1e-6 of its length. */
const FAINT = 1e-6;
/** Rounds of exchanging every wrong row at once before the careful way is taken; two or three are usual. */
const ROUNDS = 12;

/** A solver for many q with one C [n · n]: its memory is shared between them. */
export class NonnegativeSolver {
  private readonly c: Float64Array;
  private readonly n: number;
  private readonly l: Float64Array;
  private readonly set: Int32Array;
  private readonly inside: Uint8Array;
  private readonly x: Float64Array;
  private readonly y: Float64Array;
  private readonly held: Float64Array;
  private readonly outside: Int32Array;
  /** How many rows the set holds. */
  private count = 0;
  /** Whether a solution met dependent rows: the next ones start from the set that it ended at. */
  private warm = false;
  /** Σ|zᵢ| of the latest gradient. */
  private reach = 0;

  constructor(c: Float64Array, n: number) {
    this.c = c;
    this.n = n;
    this.l = new Float64Array(n * n);
    this.set = new Int32Array(n);
    this.inside = new Uint8Array(n);
    this.x = new Float64Array(n);
    this.y = new Float64Array(n);
    this.held = new Float64Array(n);
    this.outside = new Int32Array(n);
  }

  /**
   * @param inRange whether q lies in C's range, so that a direction without end can only be rounding: it is not taken then.
   * @param near positive where a solution nearby is, to start from.
   */
  solve(q: Float64Array, inRange = false, near?: Float64Array): Nonnegative {
    const z = new Float64Array(this.n);
    if (!this.warm && this.exchange(q, z, near)) return { z, bounded: true };
    const found = this.activeSet(q, z.fill(0), inRange);
    this.warm = true;
    return found;
  }

  /** y ← q + C·z over the rows outside, where only the set's first `k` rows have z ≠ 0. Four rows at once. */
  private gradient(q: Float64Array, z: Float64Array, k: number): void {
    const { c, n, y, set, held, outside, inside } = this;
    this.reach = 0;
    for (let j = 0; j < k; j++) {
      const v = z[set[j] as number] as number;
      held[j] = v;
      this.reach += Math.abs(v);
    }
    let m = 0;
    for (let i = 0; i < n; i++) if (inside[i] === 0) outside[m++] = i;
    let at = 0;
    for (; at + 3 < m; at += 4) {
      const i0 = outside[at] as number;
      const i1 = outside[at + 1] as number;
      const i2 = outside[at + 2] as number;
      const i3 = outside[at + 3] as number;
      const c0 = i0 * n;
      const c1 = i1 * n;
      const c2 = i2 * n;
      const c3 = i3 * n;
      let y0 = q[i0] as number;
      let y1 = q[i1] as number;
      let y2 = q[i2] as number;
      let y3 = q[i3] as number;
      for (let j = 0; j < k; j++) {
        const column = set[j] as number;
        const v = held[j] as number;
        y0 += (c[c0 + column] as number) * v;
        y1 += (c[c1 + column] as number) * v;
        y2 += (c[c2 + column] as number) * v;
        y3 += (c[c3 + column] as number) * v;
      }
      y[i0] = y0;
      y[i1] = y1;
      y[i2] = y2;
      y[i3] = y3;
    }
    for (; at < m; at++) {
      const i = outside[at] as number;
      let sum = q[i] as number;
      for (let j = 0; j < k; j++) sum += (c[i * n + (set[j] as number)] as number) * (held[j] as number);
      y[i] = sum;
    }
  }

  /** Whether yᵢ is below 0 by more than the roundings of the terms that it sums. */
  private below(q: Float64Array, z: Float64Array, i: number): boolean {
    const v = this.y[i] as number;
    if (v >= 0) return false;
    let terms = Math.abs(q[i] as number);
    // No cosine is above 1: mostly the sizes of the terms need not be added up.
    if (v < -SLACK * (terms + this.reach)) return true;
    for (let j = 0, at = i * this.n; j < this.n; j++, at++) terms += Math.abs((this.c[at] as number) * (z[j] as number));
    return v < -SLACK * terms;
  }

  /** x ← −C⁻¹·q over the set, whose factor stands in l. */
  private equations(q: Float64Array, k: number): void {
    for (let i = 0; i < k; i++) this.x[i] = -(q[this.set[i] as number] as number);
    solveFactored(this.l, this.n, k, this.x);
  }

  /**
   * Block principal pivoting (Júdice & Pires 1994): rows with a wrong sign change sides together. Fast, but neither sure to end nor
   * able to meet dependent rows: false then, and the other way is taken.
   */
  private exchange(q: Float64Array, z: Float64Array, near?: Float64Array): boolean {
    const { n, inside, set, x } = this;
    let k = 0;
    for (let i = 0; i < n; i++) {
      inside[i] = (near ? (near[i] as number) > 0 : (q[i] as number) < 0) ? 1 : 0;
      if (inside[i] === 0) continue;
      // What falls least is likeliest to leave again: it stands last, so that the factor of those before it stays.
      let at = k++;
      for (; at > 0 && (q[set[at - 1] as number] as number) > (q[i] as number); at--) set[at] = set[at - 1] as number;
      set[at] = i;
    }
    let from = 0;
    for (let round = 0; round < ROUNDS; round++) {
      if (!factor(this.c, n, set, k, this.l, 1e-9, from)) return false;
      this.equations(q, k);
      z.fill(0);
      for (let i = 0; i < k; i++) z[set[i] as number] = x[i] as number;
      this.gradient(q, z, k);
      let kept = 0;
      from = k;
      for (let i = 0; i < k; i++) {
        if ((x[i] as number) >= 0) set[kept++] = set[i] as number;
        else if (from === k) from = i;
      }
      const wrong = k - kept;
      k = kept;
      for (let i = 0; i < n; i++) if (inside[i] === 0 && this.below(q, z, i)) set[k++] = i;
      if (wrong === 0 && k === kept) return true;
      inside.fill(0);
      for (let i = 0; i < k; i++) inside[set[i] as number] = 1;
    }
    return false;
  }

  /**
   * The active-set method of Lawson & Hanson (1974, ch. 23) on C itself: one row enters at a time, rows that reach 0 leave. A row that
   * depends on those inside enters along the direction that changes nothing but qᵀz, until another one reaches 0. The set stands in the
   * order of entering, so that a row more is a row of the factor more.
   */
  private activeSet(q: Float64Array, z: Float64Array, inRange: boolean): Nonnegative {
    const { c, n, inside, set, x, y, l } = this;
    this.guess(q, z);
    const refused = new Uint8Array(n);
    // A Gramian that is rounded to float32 may have no minimum where its rows say so: what is not below the lowest point so far is not
    // followed, so that it ends.
    let lowest = inner(q, z);
    const best = z.slice();
    for (let turn = 0; turn < 20 * n + 20; turn++) {
      this.gradient(q, z, this.count);
      let enter = -1;
      let worst = 0;
      for (let i = 0; i < n; i++) {
        if (inside[i] === 1 || refused[i] === 1 || (y[i] as number) >= worst || !this.below(q, z, i)) continue;
        worst = y[i] as number;
        enter = i;
      }
      if (enter < 0) break;
      const k = this.count;
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
          return { z: ray, bounded: false };
        }
        for (let i = 0; i < k; i++) z[set[i] as number] = Math.max((z[set[i] as number] as number) + step * (x[i] as number), 0);
        z[enter] = step;
        z[set[leaves] as number] = 0;
        inside[set[leaves] as number] = 0;
      }
      inside[enter] = 1;
      this.count = k + 1;
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
    return { z: best, bounded: true };
  }

  /** A start nearer than 0: independent rows with q < 0, without those that would be negative. Any set whose equations give z ≥ 0 is as good. */
  private guess(q: Float64Array, z: Float64Array): void {
    const { n, inside, set, x } = this;
    if (!this.warm || !factor(this.c, n, set, this.count, this.l, 1e-9)) {
      inside.fill(0);
      this.count = 0;
      for (let i = 0; i < n; i++) {
        if ((q[i] as number) >= 0) continue;
        set[this.count] = i;
        if (!factor(this.c, n, set, this.count + 1, this.l, 1e-6, this.count)) continue;
        inside[i] = 1;
        this.count++;
      }
    }
    for (let before = -1; before !== this.count; ) {
      before = this.count;
      this.equations(q, before);
      for (let i = 0; i < before; i++) if ((x[i] as number) <= 0) inside[set[i] as number] = 0;
      this.tidy();
    }
    for (let i = 0; i < this.count; i++) z[set[i] as number] = x[i] as number;
  }

  /** Takes what is no longer inside out of the set, and makes the factor anew from there on. False where rows are dependent. */
  private tidy(): boolean {
    const { set, inside } = this;
    let kept = 0;
    let first = this.count;
    for (let i = 0; i < this.count; i++) {
      const row = set[i] as number;
      if (inside[row] === 1) set[kept++] = row;
      else first = Math.min(first, i);
    }
    this.count = kept;
    return first >= kept || factor(this.c, this.n, set, kept, this.l, DEPENDENT / 10, first);
  }

  /** Moves z to where the equations of the rows inside hold, leaving rows behind that would fall below 0. False: the row cannot enter. */
  private settle(q: Float64Array, z: Float64Array, entered: number): boolean {
    const { n, inside, set, x } = this;
    let enters = true;
    for (let turn = 0; turn <= n + 1; turn++) {
      if (!this.tidy()) {
        // The others go to where their own equations hold.
        enters = false;
        inside[entered] = 0;
        z[entered] = 0;
        this.tidy();
      }
      const k = this.count;
      this.equations(q, k);
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
