// Block principal pivoting in float64 (Júdice & Pires 1994): min ½·zᵀC·z + qᵀz over z ≥ 0, fast where rows are independent. What a caller
// reads stands in src/multiloss/solve/exchange.ts.
import { take } from "./pivot";

/** Roundings that an optimality condition may be off by, relative to the terms that it sums. */
const SLACK: f64 = 1e-13;
/** A few roundings of a float64: what a pivot leaves beside the smallest before it. */
const ROUNDING: f64 = 1e-15;
/** Rows that keep less than this share of their square beside others are dependent; the second where roundings of float32 may be all they keep. */
const DEPENDENT: f64 = 1e-9, STRICTLY: f64 = 1e-6;

@inline function at(p: usize, i: i32): f64 {
  return load<f64>(p + (<usize>i << 3));
}

@inline function put(p: usize, i: i32, v: f64): void {
  store<f64>(p + (<usize>i << 3), v);
}

@inline function place(set: usize, i: i32): i32 {
  return load<i32>(set + (<usize>i << 2));
}

@inline function add(set: usize, i: i32, row: i32): void {
  store<i32>(set + (<usize>i << 2), row);
}

/**
 * The rows that Gauss and Seidel's method makes positive from z = 0, once down and once up: how many. What the way down has summed of
 * the rows before each is what the way up needs of them.
 */
function sweep(c: usize, q: usize, y: usize, set: usize, n: i32, row: usize): i32 {
  memory.copy(y, q, row);
  for (let i = 0; i < n; i++) {
    const v = at(y, i);
    if (!(v < 0)) continue;
    const from = (i + 1) & ~1, skip = <usize>from << 3;
    take(v, c + <usize>i * row + skip, y + skip, n - from);
    put(y, i, v);
  }
  let count = 0;
  for (let i = n - 1; i >= 0; i--) {
    const v = at(y, i);
    if (!(v < 0)) continue;
    add(set, count++, i);
    take(v, c + <usize>i * row, y, i);
  }
  return count;
}

/** By rows: L of the set's k rows of C = L·Lᵀ, with 1/Lᵢᵢ for Lᵢᵢ, and behind them L⁻¹·(−q). False where they are dependent. column: f64 [stride]. */
function factor(c: usize, q: usize, a: usize, column: usize, set: usize, k: i32, row: usize, least: f64): bool {
  for (let i = 0, to = a; i < k; i++, to += row) {
    const from = c + <usize>place(set, i) * row;
    for (let j = 0; j <= i; j++) put(to, j, at(from, place(set, j)));
  }
  const last = a + <usize>k * row;
  for (let j = 0; j < k; j++) put(last, j, -at(q, place(set, j)));
  let smallest: f64 = 1;
  for (let p = 0, own = a; p < k; p++, own += row) {
    const pivot = at(own, p);
    if (!(pivot > max(least, ROUNDING / smallest))) return false;
    smallest = min(smallest, pivot);
    const inverse = 1 / sqrt<f64>(pivot), from = (p + 1) & ~1, skip = <usize>from << 3;
    put(own, p, inverse);
    for (let i = p + 1, r = own + row; i < k; i++, r += row) put(column, i, at(r, p) * inverse);
    for (let i = p + 1, r = own + row; i <= k; i++, r += row) {
      const f = at(r, p) * inverse;
      take(f, column + skip, r + skip, min(i + 1, k) - from);
      put(r, p, f);
    }
  }
  return true;
}

/**
 * From the set in `work`, or (count < 0) from where a sweep leaves it, rows with a wrong sign change sides together until none has one:
 * at most `rounds` times. Leaves z [stride] at `work`. 0 where it does not end or meets dependent rows.
 *
 * c: f64 [n, stride], stride a multiple of 8, symmetric, its diagonal 1 or 0; q: f64 [stride]; zeros from n on. work: (stride + 6)·stride numbers of
 * 8 bytes, z and then the set, i32.
 */
export function exchangeRows(c: usize, q: usize, work: usize, n: i32, stride: i32, count: i32, rounds: i32, strict: i32): i32 {
  const row = <usize>stride << 3, set = work + row, inside = set + row, y = inside + row, column = y + row, a = column + row + row;
  if (count < 0) count = sweep(c, q, y, set, n, row);
  for (; rounds > 0; rounds--) {
    const k = count, x = a + <usize>k * row;
    if (!factor(c, q, a, column, set, k, row, strict ? STRICTLY : DEPENDENT)) return 0;
    for (let i = k - 1; i >= 0; i--) {
      const r = a + <usize>i * row, v = at(x, i) * at(r, i);
      take(v, r, x, i);
      put(x, i, v);
    }
    memory.fill(work, 0, row);
    memory.fill(inside, 0, row);
    memory.copy(y, q, row);
    let reach: f64 = 0;
    count = 0;
    for (let i = 0; i < k; i++) {
      const v = at(x, i), r = place(set, i);
      put(work, r, v);
      reach += abs(v);
      add(inside, r, 1);
      take(-v, c + <usize>r * row, y, n);
      if (v >= 0) add(set, count++, r);
    }
    const kept = count;
    for (let i = 0; i < n; i++) {
      if (place(inside, i) == 0 && at(y, i) < -SLACK * (reach + abs(at(q, i)))) add(set, count++, i);
    }
    if (kept == k && count == k) return 1;
  }
  return 0;
}
