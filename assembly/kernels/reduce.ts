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

/** Σ of n contiguous floats, as a tree over blocks of 2048. */
export function sumRow(x: usize, n: i32): f32 {
  if (n <= BLOCK) return sumBlock(x, n);
  const half = ((n >> 1) + BLOCK - 1) & ~(BLOCK - 1);
  return sumRow(x, half) + sumRow(x + (<usize>half << 2), n - half);
}

/** Σ (x − mean)² of n contiguous floats. */
export function squaresAround(x: usize, n: i32, mean: f32): f32 {
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

/** Σ over rows of a [n, inner] plane for columns four at a time, as a tree over blocks of rows. */
function sumColumns(x: usize, y: usize, n: i32, inner: i32): void {
  const stride = <usize>inner << 2;
  let j = inner;
  for (; j >= 16; j -= 16, x += 64, y += 64) {
    let a = splat(0), b = a, c = a, d = a;
    for (let i = 0, p = x; i < n; i++, p += stride) {
      a = f32x4.add(a, v128.load(p));
      b = f32x4.add(b, v128.load(p, 16));
      c = f32x4.add(c, v128.load(p, 32));
      d = f32x4.add(d, v128.load(p, 48));
    }
    v128.store(y, a);
    v128.store(y, b, 16);
    v128.store(y, c, 32);
    v128.store(y, d, 48);
  }
  for (; j >= 4; j -= 4, x += 16, y += 16) {
    let a = splat(0);
    for (let i = 0, p = x; i < n; i++, p += stride) a = f32x4.add(a, v128.load(p));
    v128.store(y, a);
  }
  if (j > 0) {
    let a = splat(0);
    for (let i = 0, p = x; i < n; i++, p += stride) a = f32x4.add(a, loadTail(p, j));
    storeTail(y, a, j);
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

@unmanaged class SumInt { @inline fold(a: i32, b: i32): i32 { return a + b; } }
@unmanaged class Max { @inline fold(a: f32, b: f32): f32 { return max<f32>(a, b); } }
@unmanaged class Min { @inline fold(a: f32, b: f32): f32 { return min<f32>(a, b); } }
@unmanaged class MaxInt { @inline fold(a: i32, b: i32): i32 { return max<i32>(a, b); } }
@unmanaged class MinInt { @inline fold(a: i32, b: i32): i32 { return min<i32>(a, b); } }

/** y[o, k] = Σᵢ x[o, i, k], wrapping. i32; a bool counts as 0 or 1. */
export function sumInt(x: usize, y: usize, outer: i32, n: i32, inner: i32): void { fold<i32, SumInt>(x, y, outer, n, inner, 0); }
/** y[o, k] = maxᵢ x[o, i, k]; NaN wins. f32, n ≥ 1. */
export function maxOver(x: usize, y: usize, outer: i32, n: i32, inner: i32): void { fold<f32, Max>(x, y, outer, n, inner, f32.NEGATIVE_INFINITY); }
/** y[o, k] = minᵢ x[o, i, k]; NaN wins. f32, n ≥ 1. */
export function minOver(x: usize, y: usize, outer: i32, n: i32, inner: i32): void { fold<f32, Min>(x, y, outer, n, inner, f32.POSITIVE_INFINITY); }
/** y[o, k] = maxᵢ x[o, i, k]. i32, n ≥ 1; on bool it is "any" (0 where empty). */
export function maxOverInt(x: usize, y: usize, outer: i32, n: i32, inner: i32, start: i32): void { fold<i32, MaxInt>(x, y, outer, n, inner, start); }
/** y[o, k] = minᵢ x[o, i, k]. i32, n ≥ 1; on bool it is "all" (1 where empty). */
export function minOverInt(x: usize, y: usize, outer: i32, n: i32, inner: i32, start: i32): void { fold<i32, MinInt>(x, y, outer, n, inner, start); }

/** Index of the extreme element: the first of equals; a NaN wins (PyTorch). f32 → i32, n ≥ 1; `sign` 1 for max, −1 for min. */
@inline function arg(x: usize, y: usize, outer: i32, n: i32, inner: i32, sign: f32): void {
  const stride = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < inner; k++) {
      let p = x + (<usize>k << 2);
      let best = sign * load<f32>(p);
      let at = 0;
      for (let i = 1; i < n && best == best; i++) {
        p += stride;
        const v = sign * load<f32>(p);
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

/** y[o, k] = argmaxᵢ x[o, i, k]. f32 → i32, n ≥ 1. */
export function argmax(x: usize, y: usize, outer: i32, n: i32, inner: i32): void { arg(x, y, outer, n, inner, 1); }
/** y[o, k] = argminᵢ x[o, i, k]. f32 → i32, n ≥ 1. */
export function argmin(x: usize, y: usize, outer: i32, n: i32, inner: i32): void { arg(x, y, outer, n, inner, -1); }
