// One input, one output, element by element: y[i] = f(x[i]). n elements; y may be x.
import * as lanes from "../lanes";
import { loadTail, splat, storeTail } from "../lanes";

/** Four elements at a time and the tail, through one copy of the formula. The tail goes through the same formula, so no scalar twin can disagree. */
@inline function mapFours<Fn>(x: usize, y: usize, n: i32): void {
  const fn = changetype<Fn>(0);
  for (; n > 0; n -= 4, x += 16, y += 16) {
    const v = fn.lanes(n >= 4 ? v128.load(x) : loadTail(x, n));
    if (n >= 4) v128.store(y, v);
    else storeTail(y, v, n);
  }
}

/** The loop of this room: sixteen at a time, then fours. */
@inline function map<Fn>(x: usize, y: usize, n: i32): void {
  const fn = changetype<Fn>(0); // no object: only selects the method
  for (; n >= 16; n -= 16) {
    const a = fn.lanes(v128.load(x));
    const b = fn.lanes(v128.load(x, 16));
    const c = fn.lanes(v128.load(x, 32));
    const d = fn.lanes(v128.load(x, 48));
    v128.store(y, a);
    v128.store(y, b, 16);
    v128.store(y, c, 32);
    v128.store(y, d, 48);
    x += 64;
    y += 64;
  }
  mapFours<Fn>(x, y, n);
}

@unmanaged class Neg { @inline lanes(x: v128): v128 { return f32x4.neg(x); } }
@unmanaged class Abs { @inline lanes(x: v128): v128 { return f32x4.abs(x); } }
@unmanaged class Sign { @inline lanes(x: v128): v128 {
  const one = v128.or(v128.and(x, splat(-0.0)), splat(1));
  // 0 stays 0 and NaN becomes 0, as in PyTorch.
  return v128.and(one, v128.or(f32x4.gt(x, splat(0)), f32x4.lt(x, splat(0))));
} }
@unmanaged class Sqrt { @inline lanes(x: v128): v128 { return f32x4.sqrt(x); } }
@unmanaged class Rsqrt { @inline lanes(x: v128): v128 { return f32x4.div(splat(1), f32x4.sqrt(x)); } }
@unmanaged class Reciprocal { @inline lanes(x: v128): v128 { return f32x4.div(splat(1), x); } }
@unmanaged class Square { @inline lanes(x: v128): v128 { return f32x4.mul(x, x); } }
@unmanaged class Exp { @inline lanes(x: v128): v128 { return lanes.exp(x); } }
@unmanaged class Log { @inline lanes(x: v128): v128 { return lanes.log(x); } }
@unmanaged class Tanh { @inline lanes(x: v128): v128 { return lanes.tanh(x); } }
@unmanaged class Sigmoid { @inline lanes(x: v128): v128 { return lanes.sigmoid(x); } }
@unmanaged class Erf { @inline lanes(x: v128): v128 { return lanes.erf(x); } }
@unmanaged class Relu { @inline lanes(x: v128): v128 { return f32x4.pmax(x, splat(0)); } }
@unmanaged class Floor { @inline lanes(x: v128): v128 { return f32x4.floor(x); } }
@unmanaged class Ceil { @inline lanes(x: v128): v128 { return f32x4.ceil(x); } }
@unmanaged class Trunc { @inline lanes(x: v128): v128 { return f32x4.trunc(x); } }
@unmanaged class Round { @inline lanes(x: v128): v128 { return f32x4.nearest(x); } }
@unmanaged class Not { @inline lanes(x: v128): v128 { return v128.and(i32x4.eq(x, i32x4.splat(0)), i32x4.splat(1)); } }
@unmanaged class NegInt { @inline lanes(x: v128): v128 { return i32x4.neg(x); } }
@unmanaged class AbsInt { @inline lanes(x: v128): v128 { return i32x4.abs(x); } }
@unmanaged class FloatToInt { @inline lanes(x: v128): v128 { return i32x4.trunc_sat_f32x4_s(x); } }
@unmanaged class IntToFloat { @inline lanes(x: v128): v128 { return f32x4.convert_i32x4_s(x); } }
@unmanaged class FloatToBool { @inline lanes(x: v128): v128 { return v128.and(f32x4.ne(x, splat(0)), i32x4.splat(1)); } }
@unmanaged class IntToBool { @inline lanes(x: v128): v128 { return v128.and(i32x4.ne(x, i32x4.splat(0)), i32x4.splat(1)); } }
/** ln(1 + e^x) = max(x, 0) + ln(1 + e^−|x|); the last term from log1p's correction, absolute error ≤ 1e-7. */
@unmanaged class Softplus { @inline lanes(x: v128): v128 {
  const e = lanes.expNegative(f32x4.neg(f32x4.abs(x)));
  const u = f32x4.add(splat(1), e);
  // ln(1+e) ≈ ln u · e/(u − 1) removes the rounding of u (Goldberg); where u = 1 it is e itself.
  const d = f32x4.sub(u, splat(1));
  const small = f32x4.eq(d, splat(0));
  const l = v128.bitselect(e, f32x4.mul(lanes.log(u), f32x4.div(e, d)), small);
  return f32x4.add(f32x4.pmax(x, splat(0)), l);
} }

/** y = −x. f32. */
export function neg(x: usize, y: usize, n: i32): void { map<Neg>(x, y, n); }
/** y = |x|. f32. */
export function abs(x: usize, y: usize, n: i32): void { map<Abs>(x, y, n); }
/** y = −1, 0 or 1; NaN gives 0. f32. */
export function sign(x: usize, y: usize, n: i32): void { map<Sign>(x, y, n); }
/** y = √x, exact. f32. */
export function sqrt(x: usize, y: usize, n: i32): void { map<Sqrt>(x, y, n); }
/** y = 1/√x. f32. */
export function rsqrt(x: usize, y: usize, n: i32): void { map<Rsqrt>(x, y, n); }
/** y = 1/x, exact. f32. */
export function reciprocal(x: usize, y: usize, n: i32): void { map<Reciprocal>(x, y, n); }
/** y = x². f32. */
export function square(x: usize, y: usize, n: i32): void { map<Square>(x, y, n); }
/** y = eˣ. f32. */
export function exp(x: usize, y: usize, n: i32): void { map<Exp>(x, y, n); }
/** Any numbers. */
function logs(x: usize, y: usize, n: i32): void { mapFours<Log>(x, y, n); }
/** y = ln x. f32. Asks once for sixteen elements whether all are positive normal numbers. */
export function log(x: usize, y: usize, n: i32): void {
  for (; n >= 16; n -= 16, x += 64, y += 64) {
    const a = v128.load(x), b = v128.load(x, 16), c = v128.load(x, 32), d = v128.load(x, 48);
    const least = i32x4.min_s(i32x4.min_s(a, b), i32x4.min_s(c, d)), greatest = i32x4.max_s(i32x4.max_s(a, b), i32x4.max_s(c, d));
    if (lanes.allNormal(least, greatest)) {
      v128.store(y, lanes.logNormal(a));
      v128.store(y, lanes.logNormal(b), 16);
      v128.store(y, lanes.logNormal(c), 32);
      v128.store(y, lanes.logNormal(d), 48);
    } else logs(x, y, 16);
  }
  logs(x, y, n);
}
/** y = tanh x. f32. */
export function tanh(x: usize, y: usize, n: i32): void { map<Tanh>(x, y, n); }
/** y = 1/(1 + e⁻ˣ). f32. */
export function sigmoid(x: usize, y: usize, n: i32): void { map<Sigmoid>(x, y, n); }
/** y = ln(1 + eˣ). f32. */
export function softplus(x: usize, y: usize, n: i32): void { mapFours<Softplus>(x, y, n); }
/** y = erf x, absolute error ≤ 5e-7. f32. */
export function erf(x: usize, y: usize, n: i32): void { mapFours<Erf>(x, y, n); }
/** y = max(x, 0); NaN stays. f32. */
export function relu(x: usize, y: usize, n: i32): void { map<Relu>(x, y, n); }
/** y = ⌊x⌋. f32. */
export function floor(x: usize, y: usize, n: i32): void { map<Floor>(x, y, n); }
/** y = ⌈x⌉. f32. */
export function ceil(x: usize, y: usize, n: i32): void { map<Ceil>(x, y, n); }
/** y = x without its fraction. f32. */
export function trunc(x: usize, y: usize, n: i32): void { map<Trunc>(x, y, n); }
/** y = the nearest integer, ties to even. f32. */
export function round(x: usize, y: usize, n: i32): void { map<Round>(x, y, n); }
/** y = 1 where x is 0, else 0. bool. */
export function not(x: usize, y: usize, n: i32): void { map<Not>(x, y, n); }
/** y = −x. i32. */
export function negInt(x: usize, y: usize, n: i32): void { map<NegInt>(x, y, n); }
/** y = |x|. i32. */
export function absInt(x: usize, y: usize, n: i32): void { map<AbsInt>(x, y, n); }
/** f32 → i32, towards zero, saturating; NaN gives 0. */
export function floatToInt(x: usize, y: usize, n: i32): void { map<FloatToInt>(x, y, n); }
/** i32 or bool → f32. */
export function intToFloat(x: usize, y: usize, n: i32): void { map<IntToFloat>(x, y, n); }
/** f32 → bool: x ≠ 0. */
export function floatToBool(x: usize, y: usize, n: i32): void { map<FloatToBool>(x, y, n); }
/** i32 → bool: x ≠ 0. */
export function intToBool(x: usize, y: usize, n: i32): void { map<IntToBool>(x, y, n); }

/** y = sin x, by musl's scalar routine: right for every finite x. f32. */
export function sin(x: usize, y: usize, n: i32): void {
  for (; n > 0; n--, x += 4, y += 4) store<f32>(y, NativeMathf.sin(load<f32>(x)));
}
/** y = cos x, as sin. f32. */
export function cos(x: usize, y: usize, n: i32): void {
  for (; n > 0; n--, x += 4, y += 4) store<f32>(y, NativeMathf.cos(load<f32>(x)));
}
/** y = ln(1 + x), accurate near 0. f32. */
export function log1p(x: usize, y: usize, n: i32): void {
  for (; n > 0; n--, x += 4, y += 4) store<f32>(y, NativeMathf.log1p(load<f32>(x)));
}
/** y = eˣ − 1, accurate near 0. f32. */
export function expm1(x: usize, y: usize, n: i32): void {
  for (; n > 0; n--, x += 4, y += 4) store<f32>(y, NativeMathf.expm1(load<f32>(x)));
}
