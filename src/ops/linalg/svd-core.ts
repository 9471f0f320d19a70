// Singular values and vectors of one matrix in float64.
import { turned } from './matrices.ts';

/** A [m · n] = Σ s[k]·uₖ·vₖᵀ, s falling; vectors are the rows of u [k · m] and v [k · n], k = min(m, n). */
export interface Singular {
  readonly u: Float64Array;
  readonly s: Float64Array;
  readonly v: Float64Array;
}

/** @internal One-sided Jacobi (Hestenes 1958; Golub & Van Loan, 8.6.3): columns are turned in pairs until all are at right angles. */
export function decompose(a: Float64Array, m: number, n: number): Singular {
  if (m < n) {
    const { u, s, v } = decompose(turned(a, m, n), n, m);
    return { u: v, s, v: u };
  }
  const w = turned(a, m, n); // n columns of A, as rows
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let still = true;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) if (turnPair(w, v, p, q, m, n)) still = false;
    if (still) break;
  }
  const lengths = Float64Array.from({ length: n }, (_, i) => lengthOf(w, i * m, m));
  const order = [...lengths.keys()].sort((i, j) => (lengths[j] as number) - (lengths[i] as number) || i - j);
  const u = new Float64Array(n * m);
  order.forEach((from, to) => {
    const length = lengths[from] as number;
    if (length > 0) for (let k = 0; k < m; k++) u[to * m + k] = (w[from * m + k] as number) / length;
  });
  const s = Float64Array.from(order, (i) => lengths[i] as number);
  complete(u, s.findLastIndex((x) => x > 0) + 1, n, m);
  const sorted = new Float64Array(n * n);
  order.forEach((from, to) => {
    sorted.set(v.subarray(from * n, from * n + n), to * n);
  });
  return { u, s, v: sorted };
}

function lengthOf(w: Float64Array, from: number, m: number): number {
  let largest = 0;
  for (let k = 0; k < m; k++) largest = Math.max(largest, Math.abs(w[from + k] as number));
  if (largest === 0) return 0;
  let sum = 0;
  for (let k = 0; k < m; k++) sum += ((w[from + k] as number) / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** Turns two columns to right angles; false where they were. */
function turnPair(w: Float64Array, v: Float64Array, p: number, q: number, m: number, n: number): boolean {
  let [pp, qq, pq] = [0, 0, 0];
  for (let k = 0; k < m; k++) {
    const [x, y] = [w[p * m + k] as number, w[q * m + k] as number];
    pp += x * x;
    qq += y * y;
    pq += x * y;
  }
  if (Math.abs(pq) <= 1e-15 * Math.sqrt(pp) * Math.sqrt(qq) || pq === 0) return false;
  const ratio = (qq - pp) / (2 * pq);
  const tangent = Math.abs(ratio) > 1e150 ? 1 / (2 * ratio) : (ratio >= 0 ? 1 : -1) / (Math.abs(ratio) + Math.sqrt(ratio * ratio + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = cosine * tangent;
  for (const [rows, length] of [[w, m] as const, [v, n] as const]) {
    for (let k = 0; k < length; k++) {
      const [x, y] = [rows[p * length + k] as number, rows[q * length + k] as number];
      rows[p * length + k] = cosine * x - sine * y;
      rows[q * length + k] = sine * x + cosine * y;
    }
  }
  return true;
}

/** @internal Rows from `have` to `want` of an orthonormal set [want · m], made of unit vectors (Gram and Schmidt, twice). */
export function complete(rows: Float64Array, have: number, want: number, m: number): void {
  for (let i = have; i < want; i++) {
    // The unit vector of which most is left.
    let [best, most] = [0, -1];
    for (let j = 0; j < m; j++) {
      let left = 1;
      for (let k = 0; k < i; k++) left -= (rows[k * m + j] as number) ** 2;
      if (left > most + 1e-12) [best, most] = [j, left];
    }
    const row = rows.subarray(i * m, i * m + m);
    row.fill(0);
    row[best] = 1;
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < i; k++) {
        let share = 0;
        for (let j = 0; j < m; j++) share += (rows[k * m + j] as number) * (row[j] as number);
        for (let j = 0; j < m; j++) row[j] = (row[j] as number) - share * (rows[k * m + j] as number);
      }
      const length = lengthOf(row, 0, m);
      for (let j = 0; j < m; j++) row[j] = (row[j] as number) / length;
    }
  }
}
