// Block principal pivoting in float64 (Júdice & Pires 1994): min ½·zᵀC·z + qᵀz over z ≥ 0, fast where rows are independent. What a caller
// reads stands in src/multiloss/solve/exchange.ts.
import { at, factor, place, put, solve, take, takeFour } from "./cholesky";

/** Roundings that an optimality condition may be off by, relative to the terms that it sums. */
const SLACK: f64 = 1e-13;
/** A round costs as much as four of them. */
const SWEEPS = 2;
/** Rows that keep less than this share of their square beside others are dependent. */
const DEPENDENT: f64 = 1e-9;
/** Rounds of exchanging every wrong row at once; two or three are usual. Fewer for columns, of which many may meet dependent rows. */
const ROUNDS = 12, QUICK = 5;
/** Σz beyond which rows may have nothing but roundings of float32 between them. */
const LARGE: f64 = 100;

@inline function add(set: usize, i: i32, row: i32): void {
  store<i32>(set + (<usize>i << 2), row);
}

/**
 * The rows that Gauss and Seidel's method makes positive from z = 0, SWEEPS times down and up: how many. y and up: f64 [stride], what is
 * above and below each row's diagonal.
 */
function sweep(c: usize, q: usize, y: usize, up: usize, set: usize, n: i32, row: usize): i32 {
  let count = 0;
  memory.fill(up, 0, row);
  for (let turn = 0; turn < SWEEPS; turn++) {
    memory.copy(y, q, row);
    for (let i = 0; i < n; i++) {
      const v = at(y, i) + at(up, i);
      if (!(v < 0)) continue;
      const from = (i + 1) & ~1, skip = <usize>from << 3, own = at(y, i);
      take(v, c + <usize>i * row + skip, y + skip, n - from);
      put(y, i, own);
    }
    memory.fill(up, 0, row);
    count = 0;
    for (let i = n - 1; i >= 0; i--) {
      const v = at(y, i) + at(up, i);
      if (!(v < 0)) continue;
      add(set, count++, i);
      const own = at(up, i);
      take(v, c + <usize>i * row, up, i);
      put(up, i, own);
    }
  }
  return count;
}

/**
 * From the set in `work`, or (count < 0) from where a sweep leaves it, rows with a wrong sign change sides together until none has one.
 * Leaves z [stride] at `work`. 0 where it does not end, meets dependent rows, or (for a column) ends above LARGE.
 *
 * c: f64 [n, stride], stride a multiple of 8, symmetric, its diagonal 1 or 0; q: f64 [stride]; zeros from n on. work: (stride + 13)·stride numbers of
 * 8 bytes, z and then the set, i32.
 */
export function exchangeRows(c: usize, q: usize, work: usize, n: i32, stride: i32, count: i32, column: i32): i32 {
  const row = <usize>stride << 3, set = work + row, inside = set + row, y = inside + row, x = y + row, u = x + row;
  if (count < 0) count = sweep(c, q, y, x, set, n, row);
  for (let rounds = column ? QUICK : ROUNDS; rounds > 0; rounds--) {
    const k = count;
    if (!factor(c, 0, set, x, u, k, stride, DEPENDENT)) return 0;
    for (let i = 0; i < k; i++) put(x, i, -at(q, place(set, i)));
    solve(u, x, k, stride);
    memory.fill(work, 0, row);
    memory.fill(inside, 0, row);
    memory.copy(y, q, row);
    for (let i = 0; i < k; i += 4) {
      const w = c + <usize>place(set, i) * row, v = c + <usize>place(set, i + 1) * row;
      takeFour(y, -at(x, i), w, -at(x, i + 1), v, -at(x, i + 2), c + <usize>place(set, i + 2) * row, -at(x, i + 3), c + <usize>place(set, i + 3) * row, 0, row);
    }
    let reach: f64 = 0;
    count = 0;
    for (let i = 0; i < k; i++) {
      const v = at(x, i), r = place(set, i);
      put(work, r, v);
      reach += abs(v);
      add(inside, r, 1);
      add(set, count, r);
      count += i32(v >= 0);
    }
    const kept = count;
    for (let i = 0; i < n; i++) {
      add(set, count, i);
      count += i32(place(inside, i) == 0) & i32(at(y, i) < -SLACK * (reach + abs(at(q, i))));
    }
    if (kept == k && count == k) return column && reach > LARGE ? 0 : 1;
  }
  return 0;
}

/**
 * sum += |shareⱼ|·z for each column j of C from `from` on, z the solution for q = that column, its signs changed where the share is below 0.
 * Ends before the first whose solution exchangeRows does not find: its place, or n. shares, sum: f64 [stride]; the rest as there.
 */
export function exchangeColumns(c: usize, shares: usize, sum: usize, q: usize, work: usize, n: i32, stride: i32, from: i32): i32 {
  const row = <usize>stride << 3;
  for (; from < n; from++) {
    const share = at(shares, from);
    if (share == 0) continue;
    memory.fill(q, 0, row);
    take(share > 0 ? -1 : 1, c + <usize>from * row, q, n);
    if (!exchangeRows(c, q, work, n, stride, -1, 1)) break;
    take(-abs(share), work, sum, n);
  }
  return from;
}
