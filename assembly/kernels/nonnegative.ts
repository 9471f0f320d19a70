// min ½·zᵀA·z + qᵀz over z ≥ 0 in float64, by the active-set method of Lawson & Hanson (1974, ch. 23): one row enters at a time, rows that
// reach 0 leave. What a caller reads stands in src/multiloss/solve/nonnegative.ts.

/** Proximal steps after the first, which take the ridge's bias out where rows are far enough from dependent. */
const STEPS = 3;
/** Roundings that an optimality condition may be off by, relative to its terms. */
const SLACK: f64 = 1e-13;

/** Gauss and Seidel's sweeps down and up that choose rows to start from: about half as many enter and leave afterwards. */
const SWEEPS = 4;

let a: usize = 0;
let q: usize = 0;
let z: usize = 0;
let n: i32 = 0;
let row: usize = 0;
/** The rows that may have z > 0, in the order of entering: how many, and how many of them stand in the factor. */
let set: usize = 0;
let count: i32 = 0;
let standing: i32 = 0;
/** 1 for each of these rows. */
let inside: usize = 0;
/** Where the equations of these rows hold, a number for each of them; and Cholesky's factor of A over them, 1/Lᵢᵢ in its diagonal. */
let x: usize = 0;
let l: usize = 0;

@inline function at(p: usize, i: i32): f64 {
  return load<f64>(p + (<usize>i << 3));
}

@inline function put(p: usize, i: i32, v: f64): void {
  store<f64>(p + (<usize>i << 3), v);
}

@inline function member(k: i32): i32 {
  return load<i32>(set + (<usize>k << 2));
}

@inline function mark(i: i32, is: i32): void {
  store<i32>(inside + (<usize>i << 2), is);
}

function dot(u: usize, v: usize, size: i32): f64 {
  let s = f64x2.splat(0), t = s;
  for (const end = u + (<usize>(size & ~3) << 3); u < end; u += 32, v += 32) {
    s = f64x2.add(s, f64x2.mul(v128.load(u), v128.load(v)));
    t = f64x2.add(t, f64x2.mul(v128.load(u, 16), v128.load(v, 16)));
  }
  s = f64x2.add(s, t);
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  for (let i = 0; i < (size & 3); i++) sum += at(u, i) * at(v, i);
  return sum;
}

@inline function keep(i: i32): void {
  store<i32>(set + (<usize>count << 2), i);
  count++;
}

function enter(i: i32): void {
  keep(i);
  mark(i, 1);
}

/** x ← −(A over the set)⁻¹·q. */
function equations(): void {
  for (let i = standing, own = l + <usize>standing * row; i < count; i++, own += row) {
    const from = a + <usize>member(i) * row;
    for (let j = 0, other = l; j < i; j++, other += row) put(own, j, (at(from, member(j)) - dot(own, other, j)) * at(other, j));
    put(own, i, 1 / sqrt(at(from, member(i)) - dot(own, own, i)));
  }
  for (let i = 0, own = l; i < count; i++, own += row) put(x, i, -(at(q, member(i)) + dot(own, x, i)) * at(own, i));
  for (let i = count - 1, own = l + <usize>i * row; i >= 0; i--, own -= row) {
    const v = at(x, i) * at(own, i);
    for (let k = 0; k < i; k++) put(x, k, at(x, k) - v * at(own, k));
    put(x, i, v);
  }
  standing = count;
}

/** How far z may go towards x before a row reaches 0. */
@inline function reach(k: i32): f64 {
  const to = at(x, k), from = at(z, member(k));
  return to > 0 ? 1 : from > 0 ? from / (from - to) : 0;
}

/** Moves z to where the equations of the rows inside hold, leaving rows behind that reach 0. */
function settle(): void {
  for (;;) {
    equations();
    let step: f64 = 1;
    for (let k = 0; k < count; k++) step = min(step, reach(k));
    const before = count;
    count = 0;
    for (let k = 0; k < before; k++) {
      const i = member(k), v = at(z, i);
      if (at(x, k) > 0 || reach(k) > step) {
        put(z, i, v + step * (at(x, k) - v));
        keep(i);
        continue;
      }
      put(z, i, 0);
      mark(i, 0);
      standing = min(standing, count);
    }
    if (count == before) return;
  }
}

/** The row outside that falls steepest at z; −1 where none falls. */
function falling(): i32 {
  let size: f64 = 0, least: f64 = 0, lowest = -1;
  for (let i = 0; i < n; i++) size += at(z, i);
  for (let i = 0, from = a; i < n; i++, from += row) {
    if (load<i32>(inside + (<usize>i << 2))) continue;
    const own = at(q, i), y = own + dot(from, z, n);
    if (y >= least || y >= -SLACK * (size + abs(own))) continue;
    least = y;
    lowest = i;
  }
  return lowest;
}

/** The rows that Gauss and Seidel's method makes positive, from z = 0, which it leaves. */
function sweep(): void {
  for (let turn = 0; turn < 2 * SWEEPS * n; turn++) {
    const k = turn % (2 * n), i = k < n ? k : 2 * n - 1 - k, from = a + <usize>i * row, own = at(from, i);
    put(z, i, max(at(z, i) - (at(q, i) + dot(from, z, n)) / own, 0));
  }
  count = 0;
  for (let i = 0; i < n; i++) if (at(z, i) > 0) keep(i);
  memory.fill(z, 0, row);
}

/**
 * z [stride] ← the least point for A − ridge·I, as near as STEPS proximal steps with that ridge come.
 *
 * matrix: f64 [n, stride], symmetric and positive definite; given: q, f64 [n], overwritten; result: f64 [stride]; work: the ridge, f64, and after 16
 * bytes the set, i32 [stride], of which `start` rows are to start from (< 0: it chooses); then stride · (stride + 2.5) numbers of 8 bytes.
 * @host
 */
export function nonnegative(matrix: usize, given: usize, result: usize, work: usize, size: i32, stride: i32, start: i32): void {
  a = matrix;
  q = given;
  z = result;
  n = size;
  row = <usize>stride << 3;
  const ridge = load<f64>(work);
  set = work + 16;
  inside = set + (row >> 1);
  x = inside + (row >> 1);
  const first = x + row;
  l = first + row;
  memory.copy(first, q, <usize>n << 3);
  memory.fill(z, 0, row);
  memory.fill(inside, 0, row >> 1);
  count = start;
  standing = 0;
  if (count < 0) sweep();
  for (let k = 0; k < count; k++) mark(member(k), 1);
  for (let step = 0; step <= STEPS; step++) {
    for (let entered = -1; ; enter(entered)) {
      settle();
      // What rounding keeps outside.
      if (entered >= 0 && at(z, entered) == 0) break;
      entered = falling();
      if (entered < 0) break;
    }
    for (let i = 0; i < n; i++) put(q, i, at(first, i) - ridge * at(z, i));
  }
}
