// Several losses' gradients [m, n] made into one [n], element by element: a few columns at a time, down all rows.
import { loadTail, splat, storeTail } from "../lanes";
import { nextFour, w0, w1, w2, w3 } from "./random";

/** Four columns of a row of which n are left, zeros behind its end. */
function columns(x: usize, n: i32): v128 {
  return n >= 4 ? v128.load(x) : n > 0 ? loadTail(x, n) : splat(0);
}

function put(y: usize, v: v128, n: i32): void {
  if (n >= 4) v128.store(y, v);
  else if (n > 0) storeTail(y, v, n);
}

// Halves of random words below the upper half of 128 as a float: 128 + r·2⁻¹⁶ in each lane.
@inline function lowerHalves(words: v128): v128 {
  return v128.shuffle<i16>(words, i32x4.splat(0x43004300), 0, 8, 1, 9, 2, 10, 3, 11);
}

@inline function upperHalves(words: v128): v128 {
  return v128.shuffle<i16>(words, i32x4.splat(0x43004300), 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Whether the positive part is kept: P = up/(up − down) > u = (r + 1)/(2¹⁶ + 1), given 128 + r·2⁻¹⁶. */
@inline function keepsUp(up: v128, down: v128, r: v128): v128 {
  // (1 − u)·up > −u·down, both times 1 + 2⁻¹⁶: nothing is divided, and nothing overflows.
  return f32x4.gt(f32x4.mul(up, f32x4.sub(splat(129), r)), f32x4.mul(down, f32x4.sub(splat(<f32>127.99998474121094), r)));
}

/** GradDrop of four columns of two rows, without leaks. */
@inline function dropTwo(x: usize, stride: usize, y: usize, r: v128): void {
  const zero = splat(0), g = v128.load(x), h = v128.load(x + stride), d = f32x4.pmin(g, zero), e = f32x4.pmin(h, zero);
  const up = f32x4.add(v128.xor(g, d), v128.xor(h, e)), down = f32x4.add(d, e);
  v128.store(y, v128.bitselect(up, down, keepsUp(up, down, r)));
}

/** GradDrop of eight columns, of which n are left, `whole`: all of them. Rows are `stride` bytes apart; a word of `random` serves two columns. */
@inline function drop(x: usize, stride: usize, leak: usize, y: usize, m: i32, n: i32, whole: bool, random: v128): void {
  const zero = splat(0);
  let up0 = zero, up1 = zero, down0 = zero, down1 = zero;
  for (let i = 0, p = x; i < m; i++, p += stride) {
    const g0 = whole ? v128.load(p) : columns(p, n), g1 = whole ? v128.load(p, 16) : columns(p + 16, n - 4);
    // One of the two parts is 0. A NaN goes down and is kept there, since no comparison holds.
    const d0 = f32x4.pmin(g0, zero), d1 = f32x4.pmin(g1, zero);
    up0 = f32x4.add(up0, v128.xor(g0, d0));
    up1 = f32x4.add(up1, v128.xor(g1, d1));
    down0 = f32x4.add(down0, d0);
    down1 = f32x4.add(down1, d1);
  }
  const keep0 = keepsUp(up0, down0, lowerHalves(random)), keep1 = keepsUp(up1, down1, upperHalves(random));
  let kept0 = v128.bitselect(up0, down0, keep0), kept1 = v128.bitselect(up1, down1, keep1);
  if (leak) {
    for (let i = 0, p = x, q = leak; i < m; i++, p += stride, q += 4) {
      const g0 = whole ? v128.load(p) : columns(p, n), g1 = whole ? v128.load(p, 16) : columns(p + 16, n - 4), share = v128.load32_splat(q);
      kept0 = f32x4.add(kept0, f32x4.mul(v128.bitselect(f32x4.pmin(g0, zero), f32x4.pmax(g0, zero), keep0), share));
      kept1 = f32x4.add(kept1, f32x4.mul(v128.bitselect(f32x4.pmin(g1, zero), f32x4.pmax(g1, zero), keep1), share));
    }
  }
  if (whole) {
    v128.store(y, kept0);
    v128.store(y, kept1, 16);
  } else {
    put(y, kept0, n);
    put(y + 16, kept1, n - 4);
  }
}

/** The last n < 8 columns. */
function dropLast(x: usize, stride: usize, leak: usize, y: usize, m: i32, n: i32, random: v128): void {
  drop(x, stride, leak, y, m, n, false, random);
}

/** GradDrop, eight columns a turn, given the seeds w₀ … w₃. `two`: of two rows without leaks. */
@inline function dropAll(x: usize, leak: usize, y: usize, m: i32, n: i32, two: bool): void {
  const stride = <usize>n << 2;
  // Four streams of xoshiro128+ (Blackman & Vigna 2021), one in each lane.
  let s0 = w0, s1 = w1, s2 = w2, s3 = w3;
  for (; n > 0; n -= 8, x += 32, y += 32) {
    const random = i32x4.add(s0, s3), t = i32x4.shl(s1, 9);
    s2 = v128.xor(s2, s0);
    s3 = v128.xor(s3, s1);
    s1 = v128.xor(s1, s2);
    s0 = v128.xor(s0, s3);
    s2 = v128.xor(s2, t);
    s3 = v128.or(i32x4.shl(s3, 11), i32x4.shr_u(s3, 21));
    if (n < 8) {
      dropLast(x, stride, leak, y, m, n, random);
      return;
    }
    if (two) {
      dropTwo(x, stride, y, lowerHalves(random));
      dropTwo(x + 16, stride, y + 16, upperHalves(random));
    } else drop(x, stride, leak, y, m, 8, true, random);
  }
}

/**
 * GradDrop (Chen et al. 2020, arXiv 2010.06808): P = Σ of the positive g/Σ|g| per column; y = Σ of the positive g where P > u, else of the
 * negative g; what is dropped counts leak[i] times. u is random, r/(2¹⁶ + 1) for r from 1 to 2¹⁶, so that the odds are P to 2⁻¹⁶. x f32 [m, n],
 * leak f32 [m] or 0 where nothing leaks, y f32 [n]; state: a generator's, which moves on by four counters.
 */
export function gradDrop(x: usize, leak: usize, y: usize, m: i32, n: i32, state: usize): void {
  nextFour(state);
  // Over an inner loop V8 keeps the streams in memory: two losses do better without one.
  if (m == 2 && !leak) dropAll(x, 0, y, 2, n, true);
  else dropAll(x, leak, y, m, n, false);
}

/** Σ of four columns without the largest and the smallest of each, NaN where there is one. m ≥ 3. */
@inline function inner(x: usize, stride: usize, m: i32, n: i32, whole: bool): v128 {
  const a = whole ? v128.load(x) : columns(x, n), b = whole ? v128.load(x + stride) : columns(x + stride, n);
  // pmin and pmax of swapped operands give one each, whatever they are.
  let least = f32x4.pmin(a, b), most = f32x4.pmax(b, a), sum = splat(0);
  for (let i = 2, p = x + stride + stride; i < m; i++, p += stride) {
    // Of the extremes so far and one number more, what lies between is neither in the end.
    const g = whole ? v128.load(p) : columns(p, n), larger = f32x4.pmax(g, least);
    least = f32x4.pmin(least, g);
    sum = f32x4.add(sum, f32x4.pmin(larger, most));
    most = f32x4.pmax(most, larger);
  }
  // A NaN among the first two stays there; a later one is in the sum.
  return v128.or(sum, v128.or(f32x4.ne(least, least), f32x4.ne(most, most)));
}

/**
 * Trimmed mean (Yin et al. 2018, arXiv 1803.01498): y = the mean of each column of x without its k largest and its k smallest.
 * x f32 [m, n], y f32 [n], m > 2k; scratch: 16·m bytes.
 */
export function trimmedMean(x: usize, scratch: usize, y: usize, m: i32, n: i32, k: i32): void {
  const stride = <usize>n << 2, share = splat(<f32>1 / <f32>(m - 2 * k));
  if (k == 1) {
    for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, f32x4.mul(inner(x, stride, m, 4, true), share));
    if (n > 0) put(y, f32x4.mul(inner(x, stride, m, n, false), share), n);
    return;
  }
  for (; n > 0; n -= 4, x += 16, y += 16) {
    for (let i = 0, p = x; i < m; i++, p += stride) v128.store(scratch + (<usize>i << 4), columns(p, n));
    // Each turn carries the largest of what is left to its end and the smallest to its start.
    let from = scratch, to = scratch + (<usize>(m - 1) << 4);
    for (let turn = 0; turn < k; turn++, from += 16, to -= 16) {
      for (let p = from; p < to; p += 16) exchange(p, p + 16);
      for (let p = to - 16; p > from; p -= 16) exchange(p - 16, p);
    }
    let sum = splat(0);
    for (let p = from; p <= to; p += 16) sum = f32x4.add(sum, v128.load(p));
    put(y, f32x4.mul(sum, share), n);
  }
}

/** The smaller to p, the larger to q, lane by lane. */
@inline function exchange(p: usize, q: usize): void {
  const a = v128.load(p), b = v128.load(q);
  v128.store(p, f32x4.min(a, b));
  v128.store(q, f32x4.max(a, b));
}
