// min ½·zᵀC·z + qᵀz over z ≥ 0 for one q after another, each reached from the same solved one: for C of any rank, as long as solutions
// are unique. From base to goal q moves in a straight line, and wherever a number reaches 0 its row changes sides (Cottle 1972).
import type { WorkingSet } from './working-set.ts';

/** A pivot below this share of a row's square is taken for 0: the row depends on those inside. */
const PIVOT = 1e-9;
/** What is above minus this share of the largest number is not negative. */
const ROUNDING = 1e-12;

/**
 * The dictionary of a solved problem, whose set stands in `rows`: (z over the set; y outside) = M·(y over the set; z outside) + h, M
 * the principal pivotal transform of C. It stays as it is: the few exchanges on the way to a goal are kept as a product.
 */
export class Parametric {
  private readonly n: number;
  /** M by columns. */
  private readonly m: Float64Array;
  /** h of the solved problem. */
  private readonly h: Float64Array;
  /** 1 for each row of its set, and of the set on the way. */
  private readonly base: Uint8Array;
  private readonly side: Uint8Array;
  /** The exchanges: the row, M's column of it then (but for the pivot, which has 1 more), and 1 / pivot. */
  private readonly places: Int32Array;
  private readonly columns: Float64Array;
  private readonly inverses: Float64Array;
  /** h at both ends of the way, under the exchanges so far. */
  private readonly from: Float64Array;
  private readonly to: Float64Array;

  /** @param h z over the set and y outside, none below 0 but for roundings. */
  constructor(rows: WorkingSet, h: Float64Array) {
    const { c, n, inside } = rows;
    this.n = n;
    this.h = h;
    this.base = inside.slice();
    this.side = new Uint8Array(n);
    this.m = dictionary(c, n, inside);
    this.places = new Int32Array(2 * n);
    this.columns = new Float64Array(2 * n * n);
    this.inverses = new Float64Array(2 * n);
    this.from = new Float64Array(n);
    this.to = new Float64Array(n);
  }

  /** Leaves the set of the solution for q = sign·(column `row` of C) in `rows`. False, and `rows` as they are, where the way meets dependent rows. */
  follow(rows: WorkingSet, row: number, sign: number): boolean {
    const { n, base, side, m, from, to, places, columns, inverses } = this;
    side.set(base);
    from.set(this.h);
    // q = C·e: z = −e where e's row is inside.
    if (base[row] === 1) to.fill(0)[row] = -sign;
    else for (let i = 0, at = row * n; i < n; i++, at++) to[i] = sign * (m[at] as number);
    let largest = 1;
    for (const v of to) largest = Math.max(largest, Math.abs(v));
    let place = this.move(0, 0, 0, largest);
    for (let steps = 0; place >= 0; steps++) {
      if (steps === 2 * n) return false;
      const at = steps * n;
      this.column(place, steps);
      const pivot = columns[at + place] as number;
      if (!(pivot > PIVOT)) return false;
      places[steps] = place;
      inverses[steps] = 1 / pivot;
      // x ← x − f·column is then −f in the pivot's place, as it is to be.
      columns[at + place] = pivot + 1;
      side[place] = 1 - (side[place] as number);
      place = this.move(at, (from[place] as number) / pivot, (to[place] as number) / pivot, largest);
    }
    const { inside, set } = rows;
    inside.set(side);
    rows.count = 0;
    for (let i = 0; i < n; i++) if (inside[i] === 1) set[rows.count++] = i;
    return true;
  }

  /**
   * Takes f and g times the column at `at` from both ends. The row whose number is then the first to reach 0 on the way; −1 where all
   * are at least 0 at its end.
   */
  private move(at: number, f: number, g: number, largest: number): number {
    const { n, columns, from, to } = this;
    const nothing = -ROUNDING * largest;
    let first = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      const v = columns[at + i] as number;
      const start = (from[i] as number) - f * v;
      const end = (to[i] as number) - g * v;
      from[i] = start;
      to[i] = end;
      if (end >= nothing) continue;
      const share = start > 0 ? start / (start - end) : 0;
      if (share < least) [least, first] = [share, i];
    }
    return first;
  }

  /** M's column `place` after the exchanges so far, into the columns' place `steps`. Four exchanges at once. */
  private column(place: number, steps: number): void {
    const { n, m, columns, places, inverses } = this;
    const x = steps * n;
    let t = steps;
    while (t > 0 && places[t - 1] !== place) t--;
    if (t === 0) for (let i = 0, at = place * n; i < n; i++, at++) columns[x + i] = m[at] as number;
    else {
      // What the exchange of this very row leaves of its column.
      t--;
      columns.fill(0, x, x + n)[x + place] = -1;
    }
    for (; t + 3 < steps; t += 4) {
      const c0 = t * n;
      const c1 = c0 + n;
      const c2 = c1 + n;
      const c3 = c2 + n;
      const [p1, p2, p3] = [places[t + 1] as number, places[t + 2] as number, places[t + 3] as number];
      const f0 = (columns[x + (places[t] as number)] as number) * (inverses[t] as number);
      const f1 = ((columns[x + p1] as number) - f0 * (columns[c0 + p1] as number)) * (inverses[t + 1] as number);
      const f2 = ((columns[x + p2] as number) - f0 * (columns[c0 + p2] as number) - f1 * (columns[c1 + p2] as number)) * (inverses[t + 2] as number);
      const f3 =
        ((columns[x + p3] as number) - f0 * (columns[c0 + p3] as number) - f1 * (columns[c1 + p3] as number) - f2 * (columns[c2 + p3] as number)) * (inverses[t + 3] as number);
      for (let i = 0; i < n; i++) {
        columns[x + i] =
          (columns[x + i] as number) - f0 * (columns[c0 + i] as number) - f1 * (columns[c1 + i] as number) - f2 * (columns[c2 + i] as number) - f3 * (columns[c3 + i] as number);
      }
    }
    for (; t < steps; t++) {
      const f = (columns[x + (places[t] as number)] as number) * (inverses[t] as number);
      for (let i = 0, at = t * n; i < n; i++, at++) columns[x + i] = (columns[x + i] as number) - f * (columns[at] as number);
    }
  }
}

/** C's principal pivotal transform over the rows inside, by columns: the largest pivots first. */
function dictionary(c: Float64Array, n: number, inside: Uint8Array): Float64Array {
  const m = c.slice();
  const left = inside.slice();
  const column = new Float64Array(n);
  for (;;) {
    let place = -1;
    for (let i = 0; i < n; i++) if (left[i] === 1 && (place < 0 || (m[i * n + i] as number) > (m[place * n + place] as number))) place = i;
    if (place < 0) return m;
    left[place] = 0;
    for (let i = 0, at = place * n; i < n; i++, at++) column[i] = m[at] as number;
    const inverse = 1 / (column[place] as number);
    column[place] = (column[place] as number) + 1;
    m.fill(0, place * n, place * n + n)[place * n + place] = -1;
    for (let j = 0; j < n; j++) {
      const f = (m[j * n + place] as number) * inverse;
      for (let i = 0, at = j * n; i < n; i++, at++) m[at] = (m[at] as number) - f * (column[i] as number);
    }
  }
}
