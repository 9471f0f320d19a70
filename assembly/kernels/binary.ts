// Two inputs, one output, element by element: y = f(a, b). y is contiguous [n0, n1, n2]; a and b are walked with strides in
// elements (a0, a1, a2), (b0, b1, b2), of which the last is 1 (a row) or 0 (one value for the row): that is broadcasting.
// y may be a or b where that one is contiguous.
import { loadTail, mad, splat, storeTail } from "../lanes";
import * as lanes from "../lanes";

/** One contiguous row: y[i] = f(a[i], b[i]). */
@inline function row<Fn>(a: usize, b: usize, y: usize, n: i32): void {
  const fn = changetype<Fn>(0);
  for (; n >= 16; n -= 16) {
    const r0 = fn.lanes(v128.load(a), v128.load(b));
    const r1 = fn.lanes(v128.load(a, 16), v128.load(b, 16));
    const r2 = fn.lanes(v128.load(a, 32), v128.load(b, 32));
    const r3 = fn.lanes(v128.load(a, 48), v128.load(b, 48));
    v128.store(y, r0);
    v128.store(y, r1, 16);
    v128.store(y, r2, 32);
    v128.store(y, r3, 48);
    a += 64;
    b += 64;
    y += 64;
  }
  for (; n >= 4; n -= 4) {
    v128.store(y, fn.lanes(v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
    y += 16;
  }
  if (n > 0) storeTail(y, fn.lanes(loadTail(a, n), loadTail(b, n)), n);
}

/** One row against one value: y[i] = f(a[i], b), or f(a, b[i]) where `first` says that a is the value. */
@inline function rowByValue<Fn>(x: usize, value: v128, first: bool, y: usize, n: i32): void {
  const fn = changetype<Fn>(0);
  for (; n >= 4; n -= 4) {
    const v = v128.load(x);
    v128.store(y, first ? fn.lanes(value, v) : fn.lanes(v, value));
    x += 16;
    y += 16;
  }
  if (n > 0) {
    const v = loadTail(x, n);
    storeTail(y, first ? fn.lanes(value, v) : fn.lanes(v, value), n);
  }
}

/** Rows over two outer dimensions. With `compact`, one loop that asks at each vector: a third of the code, for the rarer functions. */
@inline function zip<Fn>(
  a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32,
  a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32, compact: bool,
): void {
  const fn = changetype<Fn>(0);
  for (let i = 0; i < n0; i++) {
    let p = a + (<usize>(i * a0) << 2);
    let q = b + (<usize>(i * b0) << 2);
    for (let j = n1; j > 0; j--) {
      if (compact || !(a2 | b2)) {
        for (let n = n2, r = p, s = q, d = y; n > 0; n -= 4, r += <usize>a2 << 4, s += <usize>b2 << 4, d += 16) {
          const u = a2 ? (n >= 4 ? v128.load(r) : loadTail(r, n)) : v128.load32_splat(r);
          const v = b2 ? (n >= 4 ? v128.load(s) : loadTail(s, n)) : v128.load32_splat(s);
          const w = fn.lanes(u, v);
          if (n >= 4) v128.store(d, w);
          else storeTail(d, w, n);
        }
      } else if (a2 & b2) row<Fn>(p, q, y, n2);
      else if (a2) rowByValue<Fn>(p, v128.load32_splat(q), false, y, n2);
      else rowByValue<Fn>(q, v128.load32_splat(p), true, y, n2);
      p += <usize>a1 << 2;
      q += <usize>b1 << 2;
      y += <usize>n2 << 2;
    }
  }
}

const ONE: i32 = 1;

@unmanaged class Add { @inline lanes(a: v128, b: v128): v128 { return f32x4.add(a, b); } }
@unmanaged class Sub { @inline lanes(a: v128, b: v128): v128 { return f32x4.sub(a, b); } }
@unmanaged class Mul { @inline lanes(a: v128, b: v128): v128 { return f32x4.mul(a, b); } }
@unmanaged class Div { @inline lanes(a: v128, b: v128): v128 { return f32x4.div(a, b); } }
@unmanaged class Maximum { @inline lanes(a: v128, b: v128): v128 { return f32x4.max(a, b); } }
@unmanaged class Minimum { @inline lanes(a: v128, b: v128): v128 { return f32x4.min(a, b); } }
@unmanaged class Eq { @inline lanes(a: v128, b: v128): v128 { return v128.and(f32x4.eq(a, b), i32x4.splat(ONE)); } }
@unmanaged class Ne { @inline lanes(a: v128, b: v128): v128 { return v128.and(f32x4.ne(a, b), i32x4.splat(ONE)); } }
@unmanaged class Lt { @inline lanes(a: v128, b: v128): v128 { return v128.and(f32x4.lt(a, b), i32x4.splat(ONE)); } }
@unmanaged class Le { @inline lanes(a: v128, b: v128): v128 { return v128.and(f32x4.le(a, b), i32x4.splat(ONE)); } }
@unmanaged class AddInt { @inline lanes(a: v128, b: v128): v128 { return i32x4.add(a, b); } }
@unmanaged class SubInt { @inline lanes(a: v128, b: v128): v128 { return i32x4.sub(a, b); } }
@unmanaged class MulInt { @inline lanes(a: v128, b: v128): v128 { return i32x4.mul(a, b); } }
@unmanaged class MaximumInt { @inline lanes(a: v128, b: v128): v128 { return i32x4.max_s(a, b); } }
@unmanaged class MinimumInt { @inline lanes(a: v128, b: v128): v128 { return i32x4.min_s(a, b); } }
@unmanaged class EqInt { @inline lanes(a: v128, b: v128): v128 { return v128.and(i32x4.eq(a, b), i32x4.splat(ONE)); } }
@unmanaged class NeInt { @inline lanes(a: v128, b: v128): v128 { return v128.and(i32x4.ne(a, b), i32x4.splat(ONE)); } }
@unmanaged class LtInt { @inline lanes(a: v128, b: v128): v128 { return v128.and(i32x4.lt_s(a, b), i32x4.splat(ONE)); } }
@unmanaged class LeInt { @inline lanes(a: v128, b: v128): v128 { return v128.and(i32x4.le_s(a, b), i32x4.splat(ONE)); } }
@unmanaged class And { @inline lanes(a: v128, b: v128): v128 { return v128.and(a, b); } }
@unmanaged class Or { @inline lanes(a: v128, b: v128): v128 { return v128.or(a, b); } }
@unmanaged class Xor { @inline lanes(a: v128, b: v128): v128 { return v128.xor(a, b); } }
@unmanaged class LeakyRelu { @inline lanes(x: v128, slope: v128): v128 {
  return v128.bitselect(f32x4.mul(x, slope), x, f32x4.lt(x, splat(0)));
} }
@unmanaged class ReluGrad { @inline lanes(dy: v128, y: v128): v128 { return v128.andnot(dy, f32x4.le(y, splat(0))); } }
@unmanaged class TanhGrad { @inline lanes(dy: v128, y: v128): v128 {
  return f32x4.mul(dy, f32x4.sub(splat(1), f32x4.mul(y, y)));
} }
@unmanaged class SigmoidGrad { @inline lanes(dy: v128, y: v128): v128 {
  return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(splat(1), y)));
} }
/** Φ(x) = ½(1 + erf(x/√2)), the weight of gelu. */
@inline function normalCdf(x: v128): v128 {
  return f32x4.mul(splat(0.5), f32x4.add(splat(1), lanes.erf(f32x4.mul(x, splat(0.70710678)))));
}
@unmanaged class GeluGrad { @inline lanes(dy: v128, x: v128): v128 {
  const density = f32x4.mul(splat(0.3989422804), lanes.exp(f32x4.mul(f32x4.mul(x, x), splat(-0.5))));
  return f32x4.mul(dy, mad(x, density, normalCdf(x)));
} }
@unmanaged class MulNormalCdf { @inline lanes(a: v128, x: v128): v128 {
  // −∞ · 0 would be NaN; gelu(−∞) is −0.
  const y = f32x4.mul(a, normalCdf(x));
  return v128.andnot(y, f32x4.eq(x, splat(f32.NEGATIVE_INFINITY)));
} }

/** y = a + b. f32. */
export function add(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Add>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, false); }
/** y = a − b. f32. */
export function sub(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Sub>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, false); }
/** y = a · b. f32. */
export function mul(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Mul>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, false); }
/** y = a / b. f32. */
export function div(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Div>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, false); }
/** y = max(a, b); NaN wins. f32. */
export function maximum(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Maximum>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = min(a, b); NaN wins. f32. */
export function minimum(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Minimum>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a = b. f32 → bool. */
export function eq(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Eq>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a ≠ b. f32 → bool. */
export function ne(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Ne>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a < b. f32 → bool. */
export function lt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Lt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a ≤ b. f32 → bool. */
export function le(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Le>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a + b, wrapping. i32. */
export function addInt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<AddInt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a − b, wrapping. i32. */
export function subInt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<SubInt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a · b, wrapping. i32. */
export function mulInt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<MulInt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = max(a, b). i32, bool. */
export function maximumInt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<MaximumInt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = min(a, b). i32, bool. */
export function minimumInt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<MinimumInt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a = b. i32, bool → bool. */
export function eqInt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<EqInt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a ≠ b. i32, bool → bool. */
export function neInt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<NeInt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a < b. i32 → bool. */
export function ltInt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<LtInt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a ≤ b. i32 → bool. */
export function leInt(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<LeInt>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a ∧ b. bool. */
export function and(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<And>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a ∨ b. bool. */
export function or(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Or>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a ⊕ b. bool. */
export function xor(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<Xor>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = x below 0 times slope b. f32. */
export function leakyRelu(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<LeakyRelu>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = 0 where b ≤ 0, else a: the gradient of relu, b its input or output. f32. */
export function reluGrad(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<ReluGrad>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, false); }
/** y = a·(1 − b²): the gradient of tanh, b its output. f32. */
export function tanhGrad(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<TanhGrad>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, false); }
/** y = a·b·(1 − b): the gradient of sigmoid, b its output. f32. */
export function sigmoidGrad(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<SigmoidGrad>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a·(Φ(b) + b·φ(b)): the gradient of gelu, b its input. f32. */
export function geluGrad(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<GeluGrad>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** y = a·Φ(b), Φ(−∞) = 0 exactly: gelu where a = b. f32. */
export function mulNormalCdf(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void { zip<MulNormalCdf>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true); }
/** aᵇ: 1 for a = 1, and for a = −1 where b is infinite (IEEE 754; JavaScript says NaN). */
@inline function power(a: f32, b: f32): f32 {
  return a == 1 || (a == -1 && abs<f32>(b) == f32.POSITIVE_INFINITY) ? 1 : NativeMathf.pow(a, b);
}

/** y = aᵇ, by musl's powf: 0.52 ulp, IEEE's special cases. f32. */
export function pow(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void {
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      let p = a + (<usize>(i * a0 + j * a1) << 2);
      let q = b + (<usize>(i * b0 + j * b1) << 2);
      for (let k = 0; k < n2; k++) {
        store<f32>(y, power(load<f32>(p), load<f32>(q)));
        p += <usize>a2 << 2;
        q += <usize>b2 << 2;
        y += 4;
      }
    }
  }
}

@unmanaged class Atan2 {
  @inline lanes(y: v128, x: v128): v128 {
    let r = splat(NativeMathf.atan2(f32x4.extract_lane(y, 0), f32x4.extract_lane(x, 0)));
    r = f32x4.replace_lane(r, 1, NativeMathf.atan2(f32x4.extract_lane(y, 1), f32x4.extract_lane(x, 1)));
    r = f32x4.replace_lane(r, 2, NativeMathf.atan2(f32x4.extract_lane(y, 2), f32x4.extract_lane(x, 2)));
    return f32x4.replace_lane(r, 3, NativeMathf.atan2(f32x4.extract_lane(y, 3), f32x4.extract_lane(x, 3)));
  }
}
/** y = the angle of the point (b, a) in (−π, π], by musl's scalar routine. f32. */
export function atan2(a: usize, b: usize, y: usize, n0: i32, n1: i32, n2: i32, a0: i32, a1: i32, a2: i32, b0: i32, b1: i32, b2: i32): void {
  zip<Atan2>(a, b, y, n0, n1, n2, a0, a1, a2, b0, b1, b2, true);
}
