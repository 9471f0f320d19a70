// What methods for min ½·zᵀC·z + qᵀz over z ≥ 0 share: the rows that may have z > 0, their factor, and the gradient.
import { solveFactored } from './cholesky.ts';

/** Roundings that an optimality condition may be off by, relative to the terms that it sums. */
export const SLACK = 1e-13;

/** A set of rows of C [n · n], a positive semidefinite matrix with a diagonal of ones. */
export class WorkingSet {
  readonly c: Float64Array;
  readonly n: number;
  /** The rows of the set, in the order of their factor. */
  readonly set: Int32Array;
  /** How many rows the set holds. */
  count = 0;
  /** 1 for each row of the set. */
  readonly inside: Uint8Array;
  private factor: Float64Array | null = null;
  /** A number per row of the set. */
  readonly x: Float64Array;
  /** q + C·z. */
  readonly y: Float64Array;
  /** Σ|zᵢ| of the latest gradient. */
  private reach = 0;
  private readonly held: Float64Array;

  constructor(c: Float64Array, n: number) {
    this.c = c;
    this.n = n;
    this.set = new Int32Array(n);
    this.inside = new Uint8Array(n);
    this.x = new Float64Array(n);
    this.y = new Float64Array(n);
    this.held = new Float64Array(n);
  }

  /** The factor of C over the set, by rows with stride n: made room for where it is wanted. */
  get l(): Float64Array {
    this.factor ??= new Float64Array(this.n * this.n);
    return this.factor;
  }

  /** x ← −C⁻¹·q over the set, whose factor stands in l. */
  equations(q: Float64Array): void {
    const { set, x, count } = this;
    for (let i = 0; i < count; i++) x[i] = -(q[set[i] as number] as number);
    solveFactored(this.l, this.n, count, x);
  }

  /** y ← q + C·z, where only the set has z ≠ 0. Four rows at once. */
  gradient(q: Float64Array, z: Float64Array): void {
    const { c, n, y, set, held, count } = this;
    this.reach = 0;
    for (let j = 0; j < count; j++) {
      const v = z[set[j] as number] as number;
      held[j] = v;
      this.reach += Math.abs(v);
    }
    let i = 0;
    for (; i + 3 < n; i += 4) {
      const c0 = i * n;
      const c1 = c0 + n;
      const c2 = c1 + n;
      const c3 = c2 + n;
      let y0 = q[i] as number;
      let y1 = q[i + 1] as number;
      let y2 = q[i + 2] as number;
      let y3 = q[i + 3] as number;
      for (let j = 0; j < count; j++) {
        const column = set[j] as number;
        const v = held[j] as number;
        y0 += (c[c0 + column] as number) * v;
        y1 += (c[c1 + column] as number) * v;
        y2 += (c[c2 + column] as number) * v;
        y3 += (c[c3 + column] as number) * v;
      }
      y[i] = y0;
      y[i + 1] = y1;
      y[i + 2] = y2;
      y[i + 3] = y3;
    }
    for (; i < n; i++) {
      let sum = q[i] as number;
      for (let j = 0; j < count; j++) sum += (c[i * n + (set[j] as number)] as number) * (held[j] as number);
      y[i] = sum;
    }
  }

  /** Whether yᵢ of the latest gradient is below 0 by more than the roundings of the terms that it sums. */
  below(q: Float64Array, z: Float64Array, i: number): boolean {
    const v = this.y[i] as number;
    if (v >= 0) return false;
    let terms = Math.abs(q[i] as number);
    // No cosine is above 1: mostly the sizes of the terms need not be added up.
    if (v < -SLACK * (terms + this.reach)) return true;
    for (let j = 0, at = i * this.n; j < this.n; j++, at++) terms += Math.abs((this.c[at] as number) * (z[j] as number));
    return v < -SLACK * terms;
  }

  /** Whether z ≥ 0 meets every condition but for `slack` of its largest: q + C·z is 0 over the set, and nowhere below. */
  holds(q: Float64Array, z: Float64Array, slack: number): boolean {
    const { n, inside, y } = this;
    this.gradient(q, z);
    const error = slack * z.reduce((a, b) => Math.max(a, b), 1);
    for (let i = 0; i < n; i++) {
      const v = y[i] as number;
      // Neither holds of a NaN.
      if (!(v >= -error && (inside[i] === 0 || v <= error))) return false;
    }
    return true;
  }
}
