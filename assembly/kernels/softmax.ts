// Softmax and what stands on it, over contiguous rows [rows, n]. Every row is shifted by its largest element first, so nothing
// overflows; a row with NaN gives NaN.
import { exp, expNegative, loadTail, logOne, maxLanes, splat, storeTail, sumLanes } from "../lanes";
import { sumRow } from "./reduce";

/** The largest of n floats; −∞ where n = 0. */
function maxRow(x: usize, n: i32): f32 {
  let a = splat(f32.NEGATIVE_INFINITY), b = a;
  for (; n >= 8; n -= 8, x += 32) {
    a = f32x4.max(a, v128.load(x));
    b = f32x4.max(b, v128.load(x, 16));
  }
  for (; n >= 4; n -= 4, x += 16) a = f32x4.max(a, v128.load(x));
  let m = maxLanes(f32x4.max(a, b));
  for (; n > 0; n--, x += 4) m = max<f32>(m, load<f32>(x));
  return m;
}

/** y = e^(x − shift), n floats; returns their sum. y may be x. */
function expRow(x: usize, y: usize, n: i32, shift: f32): f32 {
  const s = splat(shift);
  let a = splat(0), b = a;
  for (; n >= 8; n -= 8, x += 32, y += 32) {
    const e = expNegative(f32x4.sub(v128.load(x), s));
    const f = expNegative(f32x4.sub(v128.load(x, 16), s));
    v128.store(y, e);
    v128.store(y, f, 16);
    a = f32x4.add(a, e);
    b = f32x4.add(b, f);
  }
  for (; n >= 4; n -= 4, x += 16, y += 16) {
    const e = expNegative(f32x4.sub(v128.load(x), s));
    v128.store(y, e);
    a = f32x4.add(a, e);
  }
  let total = sumLanes(f32x4.add(a, b));
  if (n > 0) {
    const e = expNegative(f32x4.sub(loadTail(x, n), s));
    storeTail(y, e, n);
    for (let i = 0; i < n; i++) total += load<f32>(y + (<usize>i << 2));
  }
  return total;
}

/** Σ e^(x − shift), n floats. */
function sumExpRow(x: usize, n: i32, shift: f32): f32 {
  const s = splat(shift);
  let a = splat(0), b = a;
  for (; n >= 8; n -= 8, x += 32) {
    a = f32x4.add(a, expNegative(f32x4.sub(v128.load(x), s)));
    b = f32x4.add(b, expNegative(f32x4.sub(v128.load(x, 16), s)));
  }
  for (; n >= 4; n -= 4, x += 16) a = f32x4.add(a, expNegative(f32x4.sub(v128.load(x), s)));
  let total = sumLanes(f32x4.add(a, b));
  for (; n > 0; n--, x += 4) total += f32x4.extract_lane(expNegative(splat(load<f32>(x) - shift)), 0);
  return total;
}

/** ln Σ eˣ of a row. All −∞ gives −∞; an ∞ gives ∞. */
export function logSumExpRow(x: usize, n: i32): f32 {
  const m = maxRow(x, n);
  if (m == f32.NEGATIVE_INFINITY || m == f32.POSITIVE_INFINITY) return m;
  return m + logOne(sumExpRow(x, n, m));
}

/** y[i] = x[i] · scale + shift, one row. y may be x. */
@inline function affineRow(x: usize, y: usize, n: i32, scale: f32, shift: f32): void {
  const a = splat(scale), b = splat(shift);
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, f32x4.add(f32x4.mul(v128.load(x), a), b));
  if (n > 0) storeTail(y, f32x4.add(f32x4.mul(loadTail(x, n), a), b), n);
}

/** y = eˣ/Σeˣ by rows. f32 [rows, n]; y may be x. */
export function softmax(x: usize, y: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, x += row, y += row) {
    const total = expRow(x, y, n, maxRow(x, n));
    affineRow(y, y, n, <f32>1 / total, -0.0);
  }
}

/** y = x − ln Σeˣ by rows. f32 [rows, n]; y may be x. */
export function logSoftmax(x: usize, y: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, x += row, y += row) {
    const m = maxRow(x, n);
    // Subtracting the maximum first keeps the digits that a large m would swallow.
    const l = logOne(sumExpRow(x, n, m));
    affineRow(x, y, n, 1, -m);
    affineRow(y, y, n, 1, -l);
  }
}

/** y[r] = ln Σ e^x[r, :]. f32 [rows, n] → [rows]. */
export function logSumExp(x: usize, y: usize, rows: i32, n: i32): void {
  for (; rows > 0; rows--, x += <usize>n << 2, y += 4) store<f32>(y, logSumExpRow(x, n));
}

/** Σ aᵢ·bᵢ of a row. */
function dotRow(a: usize, b: usize, n: i32): f32 {
  let s = splat(0);
  for (; n >= 4; n -= 4, a += 16, b += 16) s = f32x4.add(s, f32x4.mul(v128.load(a), v128.load(b)));
  if (n > 0) s = f32x4.add(s, f32x4.mul(loadTail(a, n), loadTail(b, n)));
  return sumLanes(s);
}

/** dx = y·(dy − Σ dy·y) by rows: the gradient of softmax from its output. f32 [rows, n]. */
export function softmaxGrad(dy: usize, y: usize, dx: usize, rows: i32, n: i32): void {
  for (; rows > 0; rows--) {
    const dot = splat(dotRow(dy, y, n));
    let k = n;
    for (; k >= 4; k -= 4, dy += 16, y += 16, dx += 16) v128.store(dx, f32x4.mul(v128.load(y), f32x4.sub(v128.load(dy), dot)));
    if (k > 0) {
      const tail = <usize>k << 2;
      storeTail(dx, f32x4.mul(loadTail(y, k), f32x4.sub(loadTail(dy, k), dot)), k);
      dy += tail;
      y += tail;
      dx += tail;
    }
  }
}

/** dx = dy − eʸ·Σdy by rows: the gradient of log-softmax from its output. f32 [rows, n]. */
export function logSoftmaxGrad(dy: usize, y: usize, dx: usize, rows: i32, n: i32): void {
  for (; rows > 0; rows--) {
    const total = splat(sumRow(dy, n));
    let k = n;
    for (; k >= 4; k -= 4, dy += 16, y += 16, dx += 16) v128.store(dx, f32x4.sub(v128.load(dy), f32x4.mul(exp(v128.load(y)), total)));
    if (k > 0) {
      const tail = <usize>k << 2;
      storeTail(dx, f32x4.sub(loadTail(dy, k), f32x4.mul(exp(loadTail(y, k)), total)), k);
      dy += tail;
      y += tail;
      dx += tail;
    }
  }
}
