// Softmax and what stands on it, over contiguous rows [rows, n]. Every row is shifted by its largest element first, so nothing
// overflows; a row with NaN gives NaN.
import { exp, expNegative, loadTail, logOne, maxLanes, splat, storeTail, sumLanes } from "../lanes";
import { dotRow, sumRow } from "./reduce";

/** All ones in the first n (1 to 3) lanes. */
@inline function tailMask(n: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n));
}

/** The largest of n floats, NaN left out (it comes through in the sum); −∞ where there is none. */
export function maxRow(x: usize, n: i32): f32 {
  let a = splat(f32.NEGATIVE_INFINITY), b = a, c = a, d = a;
  // pmax is one instruction, and with the accumulator first it passes over NaN.
  for (; n >= 16; n -= 16, x += 64) {
    a = f32x4.pmax(a, v128.load(x));
    b = f32x4.pmax(b, v128.load(x, 16));
    c = f32x4.pmax(c, v128.load(x, 32));
    d = f32x4.pmax(d, v128.load(x, 48));
  }
  for (; n >= 4; n -= 4, x += 16) a = f32x4.pmax(a, v128.load(x));
  let m = maxLanes(f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)));
  for (; n > 0; n--, x += 4) {
    const v = load<f32>(x);
    if (v > m) m = v;
  }
  return m;
}

/** y = e^(x − shift), n floats; returns their sum. y may be x. */
export function expRow(x: usize, y: usize, n: i32, shift: f32): f32 {
  const s = splat(shift);
  let a = splat(0), b = a;
  for (; n >= 16; n -= 16, x += 64, y += 64) {
    const e = expNegative(f32x4.sub(v128.load(x), s)), f = expNegative(f32x4.sub(v128.load(x, 16), s));
    const g = expNegative(f32x4.sub(v128.load(x, 32), s)), h = expNegative(f32x4.sub(v128.load(x, 48), s));
    v128.store(y, e);
    v128.store(y, f, 16);
    v128.store(y, g, 32);
    v128.store(y, h, 48);
    a = f32x4.add(a, f32x4.add(e, f));
    b = f32x4.add(b, f32x4.add(g, h));
  }
  for (; n >= 4; n -= 4, x += 16, y += 16) {
    const e = expNegative(f32x4.sub(v128.load(x), s));
    v128.store(y, e);
    a = f32x4.add(a, e);
  }
  if (n > 0) {
    const e = v128.and(expNegative(f32x4.sub(loadTail(x, n), s)), tailMask(n));
    storeTail(y, e, n);
    b = f32x4.add(b, e);
  }
  return sumLanes(f32x4.add(a, b));
}

/**
 * For each of the rows [rows, n]: maxima ← its largest element, y ← e^(x − that), sums ← Σ y. f32; y may be x. Short rows share one
 * loop, which sets up its constants once.
 */
export function expRows(x: usize, y: usize, maxima: usize, sums: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2, rest = n & 3;
  if (n >= 16) {
    for (; rows > 0; rows--, x += row, y += row, maxima += 4, sums += 4) {
      const m = maxRow(x, n);
      store<f32>(maxima, m);
      store<f32>(sums, expRow(x, y, n, m));
    }
    return;
  }
  const whole = <usize>(n - rest) << 2, mask = tailMask(rest), lowest = splat(f32.NEGATIVE_INFINITY);
  for (; rows > 0; rows--, x += row, y += row, maxima += 4, sums += 4) {
    let most = lowest;
    for (let i: usize = 0; i < whole; i += 16) most = f32x4.pmax(most, v128.load(x + i));
    if (rest > 0) most = f32x4.pmax(most, v128.bitselect(loadTail(x + whole, rest), lowest, mask));
    most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
    const shift = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));
    let a = splat(0), b = a;
    for (let i: usize = 0; i < whole; i += 16) {
      const e = expNegative(f32x4.sub(v128.load(x + i), shift));
      v128.store(y + i, e);
      a = f32x4.add(a, e);
    }
    if (rest > 0) {
      b = v128.and(expNegative(f32x4.sub(loadTail(x + whole, rest), shift)), mask);
      storeTail(y + whole, b, rest);
    }
    v128.store_lane<f32>(maxima, shift, 0);
    store<f32>(sums, sumLanes(f32x4.add(a, b)));
  }
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
  if (n > 0) b = f32x4.add(b, v128.and(expNegative(f32x4.sub(loadTail(x, n), s)), tailMask(n)));
  return sumLanes(f32x4.add(a, b));
}

/** y = x · scale, one row. y may be x. */
@inline export function scaledRow(x: usize, y: usize, n: i32, scale: f32): void {
  const s = splat(scale);
  for (; n >= 8; n -= 8, x += 32, y += 32) {
    const a = f32x4.mul(v128.load(x), s), b = f32x4.mul(v128.load(x, 16), s);
    v128.store(y, a);
    v128.store(y, b, 16);
  }
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, f32x4.mul(v128.load(x), s));
  if (n > 0) storeTail(y, f32x4.mul(loadTail(x, n), s), n);
}

/** y = (x − a) − b, one row. y may be x. */
@inline function shiftedRow(x: usize, y: usize, n: i32, a: f32, b: f32): void {
  const s = splat(a), t = splat(b);
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, f32x4.sub(f32x4.sub(v128.load(x), s), t));
  if (n > 0) storeTail(y, f32x4.sub(f32x4.sub(loadTail(x, n), s), t), n);
}

/** y = eˣ/Σeˣ by rows. f32 [rows, n]; y may be x. */
export function softmax(x: usize, y: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, x += row, y += row) {
    const total = expRow(x, y, n, maxRow(x, n));
    scaledRow(y, y, n, <f32>1 / total);
  }
}

/** y = x − ln Σeˣ by rows. f32 [rows, n]; y may be x. */
export function logSoftmax(x: usize, y: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, x += row, y += row) {
    const m = maxRow(x, n);
    // Subtracting the maximum first keeps the digits that a large m would swallow.
    shiftedRow(x, y, n, m, logOne(sumExpRow(x, n, m)));
  }
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
