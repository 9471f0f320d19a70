// What optimizer steps share. Nothing here is called by the host.
import { loadTail, mad, storeTail } from "./lanes";

/** xⁿ by squaring: n whole, the same bits everywhere (no transcendental). */
export function power(x: f64, n: u32): f64 {
  let result: f64 = 1;
  for (; n > 0; n >>= 1, x *= x) if (n & 1) result *= x;
  return result;
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

/** old + share·(x − old): a running mean moves towards x. */
@inline export function towards(old: v128, x: v128, share: v128): v128 {
  return mad(share, f32x4.sub(x, old), old);
}

/** keep·old + (share·x)·x: a running mean of squares. */
@inline export function squares(old: v128, x: v128, keep: v128, share: v128): v128 {
  return mad(f32x4.mul(share, x), x, f32x4.mul(keep, old));
}
