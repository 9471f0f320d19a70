// What optimizer steps share. Nothing here is called by the host.
import { loadTail, mad, splat, storeTail } from "./lanes";

/** xⁿ by squaring: n whole, the same bits everywhere (no transcendental). */
export function power(x: f64, n: u32): f64 {
  let result: f64 = 1;
  for (; n > 0; n >>= 1, x *= x) if (n & 1) result *= x;
  return result;
}

/** A count of steps as a whole number; 0 where it is none (NaN, negative, beyond 2³²), which would trap. */
@inline export function counted(t: f32): u32 {
  return t >= 0 && t < 4294967296 ? <u32>t : 0;
}

/** x^a for x ≥ 1 as e^(a·ln x), to a few roundings; + − × ÷ only, as src/tensor/elementary.ts, and 7 kB smaller than the library's pow. */
export function powerAboveOne(x: f64, a: f64): f64 {
  let halvings = 0;
  for (; x > Math.SQRT2 && halvings < 1100; halvings++) x *= 0.5; // ends for ∞ as well
  // ln x = 2·artanh s, s ≤ 0.172: thirteen terms reach 1e-18.
  const s = (x - 1) / (x + 1);
  let log: f64 = 0;
  for (let k = 25; k >= 1; k -= 2) log = log * s * s + 1 / <f64>k;
  const y = a * (2 * s * log + <f64>halvings * Math.LN2);
  // e^y = (e^(y/2ⁿ))^(2ⁿ), |y/2ⁿ| ≤ ½: a Taylor series, then squares.
  let n = 0, r = y;
  for (; Math.abs(r) > 0.5 && n < 32; n++) r *= 0.5;
  let sum: f64 = 1;
  for (let i = 16; i >= 1; i--) sum = 1 + sum * r / <f64>i;
  for (; n > 0; n--) sum *= sum;
  return sum;
}

/** g, negated where maximizing, plus λ·p where decay is coupled. */
@inline export function direction(p: v128, g: v128, sign: v128, decay: v128): v128 {
  return mad(decay, p, f32x4.mul(sign, g));
}

/** Four floats at p, or the n that are left with zeros behind. */
@inline export function read(p: usize, n: i32): v128 {
  return n >= 4 ? v128.load(p) : loadTail(p, n);
}

/** Stores four floats, or the n that are left. */
@inline export function write(p: usize, v: v128, n: i32): void {
  if (n >= 4) v128.store(p, v);
  else storeTail(p, v, n);
}

/** The hyper-parameter i as four float32. */
@inline export function option(hyper: usize, i: i32): v128 {
  return f32x4.splat(<f32>load<f64>(hyper + (<usize>i << 3)));
}

/** The smallest normal float. Processors are slow with what is below, and what decays from step to step would end and stay there. */
const NORMAL: f32 = 1.1754943508222875e-38;

/** x, or 0 where that is smaller than normal floats. NaN stays. */
@inline export function flushed(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), splat(NORMAL)));
}

/** old + share·(x − old): a running mean moves towards x. */
@inline export function towards(old: v128, x: v128, share: v128): v128 {
  return flushed(mad(share, f32x4.sub(x, old), old));
}

/** keep·old + (share·x)·x: a running mean of squares. */
@inline export function squares(old: v128, x: v128, keep: v128, share: v128): v128 {
  const y = mad(f32x4.mul(share, x), x, f32x4.mul(keep, old));
  return v128.andnot(y, f32x4.lt(y, splat(NORMAL)));
}
