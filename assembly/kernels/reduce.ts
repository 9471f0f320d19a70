// Reductions of x [outer, n, inner] over n into y [outer, inner], in one fixed order whatever the machine.
// inner = 1 folds along rows with several accumulators; inner > 1 folds whole columns, four at a time.
import { loadTail, splat, storeTail, sumLanes } from "../lanes";

// Rows longer than this are summed as a tree of blocks: the error grows with log n, not n.
const BLOCK: i32 = 2048;

/** Σ of one contiguous block: eight vector accumulators. */
function sumBlock(x: usize, n: i32): f32 {
  let a = splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
  for (; n >= 32; n -= 32) {
    a = f32x4.add(a, v128.load(x));
    b = f32x4.add(b, v128.load(x, 16));
    c = f32x4.add(c, v128.load(x, 32));
    d = f32x4.add(d, v128.load(x, 48));
    e = f32x4.add(e, v128.load(x, 64));
    f = f32x4.add(f, v128.load(x, 80));
    g = f32x4.add(g, v128.load(x, 96));
    h = f32x4.add(h, v128.load(x, 112));
    x += 128;
  }
  for (; n >= 4; n -= 4, x += 16) a = f32x4.add(a, v128.load(x));
  if (n > 0) b = f32x4.add(b, loadTail(x, n));
  const left = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  const v = f32x4.add(left, f32x4.add(f32x4.add(e, f), f32x4.add(g, h)));
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** Half of n elements, in whole blocks. */
@inline function halfOf(n: i32): i32 {
  return ((n >> 1) + BLOCK - 1) & ~(BLOCK - 1);
}

/** Σ of n contiguous floats, as a tree over blocks of 2048. */
export function sumRow(x: usize, n: i32): f32 {
  if (n <= BLOCK) return sumBlock(x, n);
  const half = halfOf(n);
  return sumRow(x, half) + sumRow(x + (<usize>half << 2), n - half);
}

/** Σ (x − mean)² of n contiguous floats, as a tree over blocks of 2048. */
export function squaresAround(x: usize, n: i32, mean: f32): f32 {
  if (n > BLOCK) {
    const half = halfOf(n);
    return squaresAround(x, half, mean) + squaresAround(x + (<usize>half << 2), n - half, mean);
  }
  const m = splat(mean);
  let a = splat(0), b = a;
  for (; n >= 8; n -= 8, x += 32) {
    const d = f32x4.sub(v128.load(x), m), e = f32x4.sub(v128.load(x, 16), m);
    a = f32x4.add(a, f32x4.mul(d, d));
    b = f32x4.add(b, f32x4.mul(e, e));
  }
  let total = sumLanes(f32x4.add(a, b));
  for (; n > 0; n--, x += 4) {
    const d = load<f32>(x) - mean;
    total += d * d;
  }
  return total;
}

/** Σ aᵢ·bᵢ of n contiguous floats, as a tree over blocks of 2048. */
export function dotRow(a: usize, b: usize, n: i32): f32 {
  if (n > BLOCK) {
    const half = halfOf(n), bytes = <usize>half << 2;
    return dotRow(a, b, half) + dotRow(a + bytes, b + bytes, n - half);
  }
  let s = splat(0);
  for (; n >= 4; n -= 4, a += 16, b += 16) s = f32x4.add(s, f32x4.mul(v128.load(a), v128.load(b)));
  if (n > 0) s = f32x4.add(s, f32x4.mul(loadTail(a, n), loadTail(b, n)));
  return sumLanes(s);
}

// Columns are summed over so many rows at a time, which are off by at most half as many roundings; the sums of such blocks are added with
// what each addition rounds away (Kahan 1965), so that the bound, 7.6e-6 of Σ|x|, holds for any number of rows.
const ROWS: i32 = 256;

/** What adding v to a sum rounded away, given the sum then and before: to be taken from the next one. 0 where it is no number (infinities). */
@inline function lost(now: v128, before: v128, v: v128): v128 {
  const c = f32x4.sub(f32x4.sub(now, before), v);
  return v128.and(c, f32x4.eq(f32x4.sub(c, c), splat(0)));
}

/** Σ over rows of a [n, inner] plane for columns sixteen and four at a time, over blocks of rows. */
function sumColumns(x: usize, y: usize, n: i32, inner: i32): void {
  const stride = <usize>inner << 2, zero = splat(0);
  let j = inner;
  for (; j >= 16; j -= 16, x += 64, y += 64) {
    let s = zero, t = zero, u = zero, v = zero, cs = zero, ct = zero, cu = zero, cv = zero;
    for (let rows = n, p = x; rows > 0; rows -= ROWS) {
      let a = zero, b = zero, c = zero, d = zero;
      for (let i = min(rows, ROWS); i > 0; i--, p += stride) {
        a = f32x4.add(a, v128.load(p));
        b = f32x4.add(b, v128.load(p, 16));
        c = f32x4.add(c, v128.load(p, 32));
        d = f32x4.add(d, v128.load(p, 48));
      }
      a = f32x4.sub(a, cs);
      b = f32x4.sub(b, ct);
      c = f32x4.sub(c, cu);
      d = f32x4.sub(d, cv);
      const s0 = s, t0 = t, u0 = u, v0 = v;
      s = f32x4.add(s, a);
      t = f32x4.add(t, b);
      u = f32x4.add(u, c);
      v = f32x4.add(v, d);
      cs = lost(s, s0, a);
      ct = lost(t, t0, b);
      cu = lost(u, u0, c);
      cv = lost(v, v0, d);
    }
    v128.store(y, s);
    v128.store(y, t, 16);
    v128.store(y, u, 32);
    v128.store(y, v, 48);
  }
  for (; j > 0; j -= 4, x += 16, y += 16) {
    let s = zero, cs = zero;
    for (let rows = n, p = x; rows > 0; rows -= ROWS) {
      let a = zero, i = min(rows, ROWS);
      if (j >= 4) for (; i > 0; i--, p += stride) a = f32x4.add(a, v128.load(p));
      else for (; i > 0; i--, p += stride) a = f32x4.add(a, loadTail(p, j));
      a = f32x4.sub(a, cs);
      const s0 = s;
      s = f32x4.add(s, a);
      cs = lost(s, s0, a);
    }
    if (j >= 4) v128.store(y, s);
    else storeTail(y, s, j);
  }
}

/** y[o, k] = Σᵢ x[o, i, k]. f32; an empty sum is 0. */
export function sum(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  for (let o = 0; o < outer; o++) {
    if (inner == 1) store<f32>(y, sumRow(x, n));
    else sumColumns(x, y, n, inner);
    x += <usize>(n * inner) << 2;
    y += <usize>inner << 2;
  }
}

/** The plain fold: y[o, k] = x[o, 0, k] ∘ x[o, 1, k] ∘ …, in order, from `start`. 32-bit elements of type T. */
@inline function fold<T, Fn>(x: usize, y: usize, outer: i32, n: i32, inner: i32, start: T): void {
  const fn = changetype<Fn>(0);
  const stride = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < inner; k++) {
      let value = start;
      for (let i = 0, p = x + (<usize>k << 2); i < n; i++, p += stride) value = fn.fold(value, load<T>(p));
      store<T>(y, value);
      y += 4;
    }
    x += stride * <usize>n;
  }
}

@unmanaged class Max { @inline fold(a: f32, b: f32): f32 { return max<f32>(a, b); } }
@unmanaged class Min { @inline fold(a: f32, b: f32): f32 { return min<f32>(a, b); } }
@unmanaged class MaxInt { @inline fold(a: i32, b: i32): i32 { return max<i32>(a, b); } }
@unmanaged class MinInt { @inline fold(a: i32, b: i32): i32 { return min<i32>(a, b); } }

/**
 * y[o, k] = Σᵢ x[o, i, k], or Πᵢ where `product`; with `running`, y [outer, n, inner] has each sum or product up to i. i32; a bool counts as
 * 0 or 1. Returns whether all fit in i32; those that do not end at its bounds.
 */
export function foldInt(x: usize, y: usize, outer: i32, n: i32, inner: i32, product: i32, running: i32): i32 {
  const MOST: i64 = 3 << 30; // beyond i32, and times any i32 still within i64
  const stride = <usize>inner << 2;
  let fit = 1;
  for (let o = 0; o < outer; o++, x += stride * <usize>n, y += running ? stride * <usize>n : stride) {
    for (let k: usize = 0; k < stride; k += 4) {
      let value: i64 = product, q = y + k;
      for (let i = 0, p = x + k; i <= n; i++, p += stride) {
        if (running ? i > 0 : i == n) {
          const kept = max<i64>(min<i64>(value, i32.MAX_VALUE), i32.MIN_VALUE);
          if (kept != value) fit = 0;
          store<i32>(q, <i32>kept);
          q += stride;
        }
        if (i == n) break;
        const v = <i64>load<i32>(p);
        value = product ? max<i64>(min<i64>(value * v, MOST), -MOST) : value + v;
      }
    }
  }
  return fit;
}

/**
 * y[o, k] = √(Σᵢ x[o, i, k]²/d), where y holds the sums of squares as float32 gives them; those that left its range are taken anew in float64. f32;
 * d: address of the divisor.
 */
export function rootSquares(x: usize, y: usize, outer: i32, n: i32, inner: i32, d: usize): void {
  const stride = <usize>inner << 2, divisor = load<f32>(d);
  for (; outer > 0; outer--, x += stride * <usize>n) {
    for (let k: usize = 0; k < stride; k += 4, y += 4) {
      const squares = load<f32>(y);
      if (squares < 1e-32 || squares == f32.POSITIVE_INFINITY) {
        let total: f64 = 0;
        for (let i = 0, p = x + k; i < n; i++, p += stride) total += <f64>load<f32>(p) * <f64>load<f32>(p);
        store<f32>(y, <f32>sqrt<f64>(total / <f64>divisor));
      } else store<f32>(y, sqrt<f32>(squares / divisor));
    }
  }
}

/** y[o, k] = maxᵢ x[o, i, k]; NaN wins. f32, n ≥ 1. */
export function maxOver(x: usize, y: usize, outer: i32, n: i32, inner: i32): void { fold<f32, Max>(x, y, outer, n, inner, f32.NEGATIVE_INFINITY); }
/** y[o, k] = minᵢ x[o, i, k]; NaN wins. f32, n ≥ 1. */
export function minOver(x: usize, y: usize, outer: i32, n: i32, inner: i32): void { fold<f32, Min>(x, y, outer, n, inner, f32.POSITIVE_INFINITY); }
/** y[o, k] = maxᵢ x[o, i, k]. i32, n ≥ 1; on bool it is "any" (0 where empty). */
export function maxOverInt(x: usize, y: usize, outer: i32, n: i32, inner: i32, start: i32): void { fold<i32, MaxInt>(x, y, outer, n, inner, start); }
/** y[o, k] = minᵢ x[o, i, k]. i32, n ≥ 1; on bool it is "all" (1 where empty). */
export function minOverInt(x: usize, y: usize, outer: i32, n: i32, inner: i32, start: i32): void { fold<i32, MinInt>(x, y, outer, n, inner, start); }

/** An element of either type, exactly. */
@inline function number(p: usize, ints: i32): f64 { return ints ? <f64>load<i32>(p) : <f64>load<f32>(p); }

/** Index of the extreme element: the first of equals; a NaN wins (PyTorch). f32, or i32 where `ints` is not 0 → i32, n ≥ 1; `sign` 1 for max, −1 for min. */
@inline function arg(x: usize, y: usize, outer: i32, n: i32, inner: i32, ints: i32, sign: f64): void {
  const stride = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < inner; k++) {
      let p = x + (<usize>k << 2);
      let best = sign * number(p, ints);
      let at = 0;
      for (let i = 1; i < n && best == best; i++) {
        p += stride;
        const v = sign * number(p, ints);
        if (!(v <= best)) {
          best = v;
          at = i;
        }
      }
      store<i32>(y, at);
      y += 4;
    }
    x += stride * <usize>n;
  }
}

/** y[o, k] = argmaxᵢ x[o, i, k]. f32, or i32 where `ints` is not 0 → i32, n ≥ 1. */
export function argmax(x: usize, y: usize, outer: i32, n: i32, inner: i32, ints: i32): void { arg(x, y, outer, n, inner, ints, 1); }
/** y[o, k] = argminᵢ x[o, i, k], as `argmax`. */
export function argmin(x: usize, y: usize, outer: i32, n: i32, inner: i32, ints: i32): void { arg(x, y, outer, n, inner, ints, -1); }
