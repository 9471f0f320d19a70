// What methods for min ½·zᵀC·z + qᵀz over z ≥ 0 share: the rows that may have z > 0, and the gradient.
import type { Laid } from './laid.ts';

/** Roundings that an optimality condition may be off by, relative to the terms that it sums. */
export const SLACK = 1e-13;

/** A set of rows of C [n · n], a positive semidefinite matrix with a diagonal of ones. */
export class WorkingSet {
  readonly laid: Laid;
  readonly c: Float64Array;
  readonly n: number;
  /** The rows of the set, in the order of entering. */
  readonly set: Int32Array;
  /** How many rows the set holds. */
  count = 0;
  /** 1 for each row of the set. */
  readonly inside: Uint8Array;
  /** q + C·z. */
  readonly y: Float64Array;
  /** Σ|zᵢ| of the latest gradient. */
  private reach = 0;

  constructor(laid: Laid) {
    const { a, n } = laid;
    this.laid = laid;
    this.c = a;
    this.n = n;
    this.set = new Int32Array(n);
    this.inside = new Uint8Array(n);
    this.y = new Float64Array(n);
  }

  /** y ← q + C·z. */
  gradient(q: Float64Array, z: Float64Array): void {
    const { n, y } = this;
    this.laid.times(z, y);
    this.reach = 0;
    for (let i = 0; i < n; i++) {
      y[i] = (y[i] as number) + (q[i] as number);
      this.reach += Math.abs(z[i] as number);
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
