// Block principal pivoting for min ½·zᵀC·z + qᵀz over z ≥ 0 (Júdice & Pires 1994): fast where rows are independent.
import { factor } from './cholesky.ts';
import type { WorkingSet } from './working-set.ts';

/** Rounds of exchanging every wrong row at once; two or three are usual. */
const ROUNDS = 12;

/**
 * From the set in `rows`, rows with a wrong sign change sides together, until none has one. Neither sure to end nor able to meet
 * dependent rows: false then.
 */
export function exchange(rows: WorkingSet, q: Float64Array, z: Float64Array, rounds = ROUNDS, least = 1e-9): boolean {
  const { c, n, l, inside, outside, set, x } = rows;
  let from = 0;
  for (let round = 0; round < rounds; round++) {
    const size = rows.count;
    if (!factor(c, n, set, size, l, least, from)) return false;
    rows.equations(q);
    z.fill(0);
    for (let i = 0; i < size; i++) z[set[i] as number] = x[i] as number;
    rows.gradient(q, z);
    let kept = 0;
    from = size;
    for (let i = 0; i < size; i++) {
      if ((x[i] as number) >= 0) set[kept++] = set[i] as number;
      else if (from === size) from = i;
    }
    let k = kept;
    for (let at = 0; at < rows.others; at++) if (rows.below(q, z, outside[at] as number)) set[k++] = outside[at] as number;
    rows.count = k;
    if (kept === size && k === kept) return true;
    inside.fill(0);
    for (let i = 0; i < k; i++) inside[set[i] as number] = 1;
  }
  return false;
}

/** The rows that are positive in `near`. What falls least is likeliest to leave: it stands last, so that the factor of those before it stays. */
export function startFrom(rows: WorkingSet, q: Float64Array, near: Float64Array): void {
  const { n, inside, set } = rows;
  let k = 0;
  for (let i = 0; i < n; i++) {
    inside[i] = (near[i] as number) > 0 ? 1 : 0;
    if (inside[i] === 0) continue;
    let at = k++;
    for (; at > 0 && (q[set[at - 1] as number] as number) > (q[i] as number); at--) set[at] = set[at - 1] as number;
    set[at] = i;
  }
  rows.count = k;
}

/**
 * The rows that Gauss and Seidel's method makes positive from z = 0, once down and once up. What the way down has summed of the rows
 * before each is what the way up needs of them.
 */
export function sweep(rows: WorkingSet, q: Float64Array): void {
  rows.y.set(q);
  pass(rows, 0, 1);
  pass(rows, rows.n - 1, -1);
}

/** zᵢ ← max(−yᵢ, 0) from row `first` on, downwards (step 1) or upwards (−1), where yᵢ gets what the rows passed before add. Four rows at once. */
function pass(rows: WorkingSet, first: number, step: number): void {
  const { c, n, set, x, y } = rows;
  rows.count = 0;
  let left = n;
  let i = first;
  for (; left > 3; left -= 4, i += 4 * step) {
    const i1 = i + step;
    const i2 = i1 + step;
    const i3 = i2 + step;
    const c0 = i * n;
    const c1 = i1 * n;
    const c2 = i2 * n;
    const c3 = i3 * n;
    let y0 = y[i] as number;
    let y1 = y[i1] as number;
    let y2 = y[i2] as number;
    let y3 = y[i3] as number;
    const k = rows.count;
    for (let j = 0; j < k; j++) {
      const column = set[j] as number;
      const v = x[j] as number;
      y0 += (c[c0 + column] as number) * v;
      y1 += (c[c1 + column] as number) * v;
      y2 += (c[c2 + column] as number) * v;
      y3 += (c[c3 + column] as number) * v;
    }
    const z0 = take(rows, i, y0);
    const z1 = take(rows, i1, y1 + (c[c1 + i] as number) * z0);
    const z2 = take(rows, i2, y2 + (c[c2 + i] as number) * z0 + (c[c2 + i1] as number) * z1);
    take(rows, i3, y3 + (c[c3 + i] as number) * z0 + (c[c3 + i1] as number) * z1 + (c[c3 + i2] as number) * z2);
  }
  for (; left > 0; left--, i += step) {
    let sum = y[i] as number;
    for (let j = 0; j < rows.count; j++) sum += (c[i * n + (set[j] as number)] as number) * (x[j] as number);
    take(rows, i, sum);
  }
}

/** z of a row where its gradient without it is y: what is positive enters. Without a branch that is as often taken as not. */
function take(rows: WorkingSet, i: number, y: number): number {
  const v = y < 0 ? -y : 0;
  const enters = y < 0 ? 1 : 0;
  rows.y[i] = y;
  rows.set[rows.count] = i;
  rows.x[rows.count] = v;
  rows.inside[i] = enters;
  rows.count += enters;
  return v;
}
