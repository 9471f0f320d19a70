// A = Uᵀ·D⁻¹·U in float64, D = diag(U), over some rows and columns of a symmetric A of a few dozen rows: Cholesky's factor without its
// roots. What a caller reads stands in src/multiloss/solve/cholesky.ts.
//
// U stands by rows that are 8 numbers longer than A's, 1/Uᵢᵢ for Uᵢᵢ, and anything before the diagonal's block of four. Rows and columns
// are dealt with four at once: the last ones are filled up by those of the unit matrix.

/** A few roundings of a float64: what a pivot leaves beside the smallest before it. */
const ROUNDING: f64 = 1e-15;

@inline export function at(p: usize, i: i32): f64 {
  return load<f64>(p + (<usize>i << 3));
}

@inline export function put(p: usize, i: i32, v: f64): void {
  store<f64>(p + (<usize>i << 3), v);
}

@inline export function place(set: usize, i: i32): i32 {
  return load<i32>(set + (<usize>i << 2));
}

/** Bytes from a row of U to the next one. */
@inline function rowOf(stride: i32): usize {
  return <usize>(stride + 8) << 3;
}

/** k, filled up. */
@inline function whole(k: i32): i32 {
  return (k + 3) & ~3;
}

@inline function less(y: v128, f: v128, x: v128): v128 {
  return f64x2.sub(y, f64x2.mul(f, x));
}

/** y ← y − f·x over n numbers and, for an odd n, one more. */
@inline export function take(f: f64, x: usize, y: usize, n: i32): void {
  const share = f64x2.splat(f);
  for (const end = y + (<usize>n << 3); y < end; x += 16, y += 16) v128.store(y, less(v128.load(y), share, v128.load(x)));
}

/** y ← y − e·a − f·b − g·c − h·d, numbers from byte `from` to `end`. */
export function takeFour(y: usize, e: f64, a: usize, f: f64, b: usize, g: f64, c: usize, h: f64, d: usize, from: usize, end: usize): void {
  const es = f64x2.splat(e), fs = f64x2.splat(f), gs = f64x2.splat(g), hs = f64x2.splat(h);
  for (let j = from; j < end; j += 16) {
    v128.store(y + j, less(less(less(less(v128.load(y + j), es, v128.load(a + j)), fs, v128.load(b + j)), gs, v128.load(c + j)), hs, v128.load(d + j)));
  }
}

let smallest: f64 = 1;

/** 1/pivot; 0 where it is below `least` of what stood there, or below what rounding makes of that after the smallest pivot before. */
function inverse(pivot: f64, own: f64, least: f64): f64 {
  if (!(pivot > max(least, least < ROUNDING ? 0 : ROUNDING / smallest) * own)) return 0;
  smallest = min(smallest, pivot / own);
  return 1 / pivot;
}

/** U from what stands of A at `u`. False where rows are dependent. */
function eliminate(u: usize, x: usize, k: i32, wide: usize, least: f64): bool {
  const end = <usize>k << 3;
  for (let i = 0, own = u; i < k; i++, own += wide + 8) store<f64>(x + (<usize>i << 3), load<f64>(own));
  smallest = 1;
  for (let i = 0, p = u; i < k; i += 4, p += wide << 2, x += 32) {
    const q = p + wide, r = q + wide, s = r + wide, j = <usize>i << 3, p0 = p + j, q0 = q + j, r0 = r + j, s0 = s + j;
    const e = inverse(load<f64>(p0), load<f64>(x), least), a1 = load<f64>(p0, 8), a2 = load<f64>(p0, 16), a3 = load<f64>(p0, 24);
    const e1 = a1 * e, e2 = a2 * e, e3 = a3 * e;
    const f = inverse(load<f64>(q0, 8) - e1 * a1, load<f64>(x, 8), least), b2 = load<f64>(q0, 16) - e1 * a2, b3 = load<f64>(q0, 24) - e1 * a3;
    const f2 = b2 * f, f3 = b3 * f;
    const g = inverse(load<f64>(r0, 16) - e2 * a2 - f2 * b2, load<f64>(x, 16), least), c3 = load<f64>(r0, 24) - e2 * a3 - f2 * b3;
    const g3 = c3 * g, h = inverse(load<f64>(s0, 24) - e3 * a3 - f3 * b3 - g3 * c3, load<f64>(x, 24), least);
    if (e == 0 || f == 0 || g == 0 || h == 0) return false;
    store<f64>(p0, e);
    store<f64>(q0, f, 8);
    store<f64>(q0, b2, 16);
    store<f64>(q0, b3, 24);
    store<f64>(r0, g, 16);
    store<f64>(r0, c3, 24);
    store<f64>(s0, h, 24);
    const se1 = f64x2.splat(e1), se2 = f64x2.splat(e2), se3 = f64x2.splat(e3), sf2 = f64x2.splat(f2), sf3 = f64x2.splat(f3), sg3 = f64x2.splat(g3);
    for (let t = j + 32; t < end; t += 16) {
      const a = v128.load(p + t), b = less(v128.load(q + t), se1, a), c = less(less(v128.load(r + t), se2, a), sf2, b);
      v128.store(q + t, b);
      v128.store(r + t, c);
      v128.store(s + t, less(less(less(v128.load(s + t), se3, a), sf3, b), sg3, c));
    }
    for (let own = j + 32, to = p + (wide << 2); own < end; own += 8, to += wide) {
      takeFour(to, e * load<f64>(p + own), p, f * load<f64>(q + own), q, g * load<f64>(r + own), r, h * load<f64>(s + own), s, own & ~15, end);
    }
  }
  return true;
}

/** The unit matrix's part in U. */
function fill(u: usize, k: i32, wide: usize): void {
  const n = whole(k);
  for (let j = k; j < n; j++) {
    for (let i = 0, own = u; i < j; i++, own += wide) put(own, j, 0);
    put(u + <usize>j * wide, j, 1);
  }
}

/** U of the set's k rows and columns of A [·, stride]. `more`: what is added to A's diagonal, or 0. False where a row depends on those before. */
export function factor(a: usize, more: usize, set: usize, x: usize, u: usize, k: i32, stride: i32, least: f64): bool {
  const row = <usize>stride << 3, wide = rowOf(stride), n = whole(k);
  for (let i = k; i < n; i++) store<i32>(set + (<usize>i << 2), 0);
  for (let i = 0, to = u; i < n; i += 4, to += wide << 2) {
    const e = a + <usize>place(set, i) * row, f = a + <usize>place(set, i + 1) * row, g = a + <usize>place(set, i + 2) * row, h = a + <usize>place(set, i + 3) * row;
    for (let j = i; j < n; j++) {
      const column = place(set, j), own = to + (<usize>j << 3);
      store<f64>(own, at(e, column));
      store<f64>(own + wide, at(f, column));
      store<f64>(own + (wide << 1), at(g, column));
      store<f64>(own + 3 * wide, at(h, column));
    }
  }
  if (more) for (let i = 0, own = u; i < k; i++, own += wide + 8) store<f64>(own, load<f64>(own) + at(more, place(set, i)));
  fill(u, k, wide);
  return eliminate(u, x, n, wide, least);
}

/** x ← D·U⁻ᵀ·x. */
function forward(u: usize, x: usize, k: i32, stride: i32): void {
  const wide = rowOf(stride), end = <usize>whole(k) << 3;
  for (let i: usize = 0, p = u; i < end; i += 32, p += wide << 2) {
    const q = p + wide, r = q + wide, s = r + wide, own = x + i, v0 = load<f64>(own), e = v0 * load<f64>(p + i);
    const v1 = load<f64>(own, 8) - e * load<f64>(p + i, 8), f = v1 * load<f64>(q + i, 8);
    const v2 = load<f64>(own, 16) - e * load<f64>(p + i, 16) - f * load<f64>(q + i, 16), g = v2 * load<f64>(r + i, 16);
    const v3 = load<f64>(own, 24) - e * load<f64>(p + i, 24) - f * load<f64>(q + i, 24) - g * load<f64>(r + i, 24), h = v3 * load<f64>(s + i, 24);
    store<f64>(own, v1, 8);
    store<f64>(own, v2, 16);
    store<f64>(own, v3, 24);
    takeFour(x, e, p, f, q, g, r, h, s, i + 32, end);
  }
}

@inline function sum(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** x ← U⁻¹·x. */
function back(u: usize, x: usize, k: i32, stride: i32): void {
  const wide = rowOf(stride), end = <usize>whole(k) << 3;
  for (let i = end; i > 0; ) {
    i -= 32;
    const p = u + (i >> 3) * wide, q = p + wide, r = q + wide, s = r + wide, own = x + i;
    let a = f64x2.splat(0), b = a, c = a, d = a;
    for (let j = i + 32; j < end; j += 16) {
      const v = v128.load(x + j);
      a = f64x2.add(a, f64x2.mul(v, v128.load(p + j)));
      b = f64x2.add(b, f64x2.mul(v, v128.load(q + j)));
      c = f64x2.add(c, f64x2.mul(v, v128.load(r + j)));
      d = f64x2.add(d, f64x2.mul(v, v128.load(s + j)));
    }
    const x3 = (load<f64>(own, 24) - sum(d)) * load<f64>(s + i, 24);
    const x2 = (load<f64>(own, 16) - sum(c) - x3 * load<f64>(r + i, 24)) * load<f64>(r + i, 16);
    const x1 = (load<f64>(own, 8) - sum(b) - x3 * load<f64>(q + i, 24) - x2 * load<f64>(q + i, 16)) * load<f64>(q + i, 8);
    const x0 = (load<f64>(own) - sum(a) - x3 * load<f64>(p + i, 24) - x2 * load<f64>(p + i, 16) - x1 * load<f64>(p + i, 8)) * load<f64>(p + i);
    v128.store(own, f64x2.replace_lane(f64x2.splat(x0), 1, x1));
    v128.store(own, f64x2.replace_lane(f64x2.splat(x2), 1, x3), 16);
  }
}

/** U of k rows, given that of all but the last, which stands where that one depends on them. */
function append(a: usize, set: usize, x: usize, u: usize, k: i32, stride: i32, least: f64): bool {
  const row = <usize>stride << 3, wide = rowOf(stride), last = k - 1, r = place(set, last), from = a + <usize>r * row;
  memory.fill(x, 0, row);
  for (let j = 0; j < last; j++) put(x, j, at(from, place(set, j)));
  forward(u, x, last, stride);
  fill(u, k, wide);
  let pivot = at(from, r), own = u;
  smallest = 1;
  for (let j = 0; j < last; j++, own += wide) {
    const v = at(x, j), share = at(own, j), s = place(set, j);
    pivot -= v * v * share;
    smallest = min(smallest, 1 / (share * at(a + <usize>s * row, s)));
    put(own, last, v);
  }
  const share = inverse(pivot, at(from, r), least);
  put(own, last, share);
  if (share == 0) fill(u, last, wide);
  return share != 0;
}

/** y ← A·x, a: f64 [stride, stride], a multiple of 8, symmetric; x, y: f64 [stride]. */
export function multiply(a: usize, x: usize, y: usize, stride: i32): void {
  const row = <usize>stride << 3;
  memory.fill(y, 0, row);
  for (const end = x + row; x < end; x += 32, a += row << 2) {
    takeFour(y, -load<f64>(x), a, -load<f64>(x, 8), a + row, -load<f64>(x, 16), a + (row << 1), -load<f64>(x, 24), a + 3 * row, 0, row);
  }
}

/**
 * U of the set's k rows and columns of A. `standing`: how many of them stand already, which helps where it is all but one. 0
 * where rows are dependent: a pivot is below `least` of A's diagonal or below what rounding makes of it after the smallest one before.
 *
 * a: f64 [·, stride], stride a multiple of 8; more: f64 [stride] that is added to A's diagonal, or address 0; set: i32 [stride], filled up with 0; work: x [stride],
 * overwritten, and U [stride, stride + 8].
 */
export function choleskyRows(a: usize, more: usize, set: usize, work: usize, k: i32, stride: i32, least: f64, standing: i32): i32 {
  const u = work + (<usize>stride << 3);
  return (standing > 0 && standing == k - 1 ? append(a, set, work, u, k, stride, least) : factor(a, more, set, work, u, k, stride, least)) ? 1 : 0;
}

/** x ← A⁻¹·x, k numbers. */
export function solve(u: usize, x: usize, k: i32, stride: i32): void {
  for (let i = k; i & 3; i++) put(x, i, 0);
  forward(u, x, k, stride);
  back(u, x, k, stride);
}

/** x ← A⁻¹·x, the first k numbers at `work`, behind which choleskyRows left U. */
export function choleskySolve(work: usize, k: i32, stride: i32): void {
  solve(work + (<usize>stride << 3), work, k, stride);
}
