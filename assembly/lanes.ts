// Shared SIMD pieces: four float32 lanes at a time. Bounds are against float64, over every finite input that does not overflow,
// checked by test/ops/accuracy.test.ts.

/** Four copies of x. */
@inline export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** a·b + c, rounded twice: the same bits on every machine. The relaxed build lets the machine round once where that is faster. */
@inline export function mad(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** The first n (1 to 3) floats at p, zeros behind. */
@inline export function loadTail(p: usize, n: i32): v128 {
  if (n == 1) return v128.load32_zero(p);
  const v = v128.load64_zero(p);
  return n == 2 ? v : v128.load_lane<f32>(p, v, 2, 8);
}

/** Stores the first n (1 to 3) lanes. */
@inline export function storeTail(p: usize, v: v128, n: i32): void {
  if (n == 1) {
    v128.store_lane<f32>(p, v, 0);
    return;
  }
  v128.store_lane<i64>(p, v, 0);
  if (n == 3) v128.store_lane<f32>(p, v, 2, 8);
}

/** (x0 + x2) + (x1 + x3): one fixed order everywhere. */
@inline export function sumLanes(v: v128): f32 {
  v = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  v = f32x4.add(v, v128.shuffle<f32>(v, v, 1, 0, 3, 2));
  return f32x4.extract_lane(v, 0);
}

/** The largest lane; NaN if any lane is. */
@inline export function maxLanes(v: v128): f32 {
  v = f32x4.max(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  v = f32x4.max(v, v128.shuffle<f32>(v, v, 1, 0, 3, 2));
  return f32x4.extract_lane(v, 0);
}

/** (eʳ − 1 − r)/r² for |r| ≤ ln2/2: Cephes expf. */
@inline function expSeries(r: v128): v128 {
  let p = mad(splat(1.987569150e-4), r, splat(1.3981999507e-3));
  p = mad(p, r, splat(8.3334519073e-3));
  p = mad(p, r, splat(4.1665795894e-2));
  p = mad(p, r, splat(1.6666665459e-1));
  return mad(p, r, splat(5.0000001201e-1));
}

/** eʳ for |r| ≤ ln2/2. */
@inline function expPolynomial(r: v128): v128 {
  return f32x4.add(mad(expSeries(r), f32x4.mul(r, r), r), splat(1));
}

/** x − n·ln2 in two parts (Cody and Waite), n already rounded. */
@inline function reduceLn2(x: v128, n: v128): v128 {
  const r = f32x4.sub(x, f32x4.mul(n, splat(0.693359375)));
  return f32x4.sub(r, f32x4.mul(n, splat(-2.12194440e-4)));
}

// Adding 1.5·2²³ rounds to the nearest integer and leaves it in the low mantissa bits.
const ROUND: f32 = 12582912;
const ROUND_BITS: i32 = 0x4b400000;

/** eˣ, ≤ 1 ulp; subnormals, 0, ±∞ and NaN as IEEE has them. */
@inline export function exp(x0: v128): v128 {
  // pmin and pmax with x first keep NaN; beyond the clamps the result is ∞ or 0 anyway.
  const x = f32x4.pmax(f32x4.pmin(x0, splat(89)), splat(-104));
  const t = mad(x, splat(1.44269504), splat(ROUND));
  const p = expPolynomial(reduceLn2(x, f32x4.sub(t, splat(ROUND))));
  // 2ⁿ in two factors, so that neither leaves the exponent range.
  const n = i32x4.sub(t, i32x4.splat(ROUND_BITS));
  const half = i32x4.shr_s(n, 1);
  const rest = i32x4.sub(n, half);
  const scaled = f32x4.mul(p, i32x4.shl(i32x4.add(half, i32x4.splat(127)), 23));
  return f32x4.mul(scaled, i32x4.shl(i32x4.add(rest, i32x4.splat(127)), 23));
}

/** eˣ for x ≤ 0, flushed to 0 below −87.3 (2⁻¹²⁶): one scaling multiply less; NaN stays NaN. */
@inline export function expNegative(x0: v128): v128 {
  const x = f32x4.pmax(x0, splat(-87.3));
  const t = mad(x, splat(1.44269504), splat(ROUND));
  const p = expPolynomial(reduceLn2(x, f32x4.sub(t, splat(ROUND))));
  const y = f32x4.mul(p, i32x4.shl(i32x4.sub(t, i32x4.splat(ROUND_BITS - 127)), 23));
  return v128.andnot(y, f32x4.lt(x0, splat(-87.3)));
}

/**
 * ln x for positive normal numbers, ≤ 1 ulp (the method of FreeBSD's logf): x = 2ᵏ·(1 + f) with 1 + f in [√½, √2), s = f/(2 + f),
 * ln(1 + f) = f − f²/2 + s·(f²/2 + R(s²)), and k·ln2 in two parts.
 */
@inline function logNormal(x: v128): v128 {
  const ROOT_HALF = 0x3f3504f3;
  const k = i32x4.shr_s(i32x4.sub(x, i32x4.splat(ROOT_HALF)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(k, 23)), splat(1));
  const s = f32x4.div(f, f32x4.add(f, splat(2)));
  const z = f32x4.mul(s, s), w = f32x4.mul(z, z);
  const odd = f32x4.mul(z, mad(w, splat(0.28498787), splat(0.66666663)));
  const r = mad(w, mad(w, splat(0.24279079), splat(0.40000972)), odd);
  const half = f32x4.mul(f32x4.mul(splat(0.5), f), f);
  const n = f32x4.convert_i32x4_s(k);
  const low = mad(n, splat(9.0580006e-6), f32x4.mul(s, f32x4.add(half, r)));
  return mad(n, splat(6.9313812e-1), f32x4.add(f, f32x4.sub(low, half)));
}

/** ln x where some lane is no positive normal number: subnormals, 0 → −∞, ∞ → ∞, below 0 and NaN → NaN. */
function logSpecial(x0: v128): v128 {
  const subnormal = f32x4.lt(x0, splat(1.17549435e-38));
  const x = v128.bitselect(f32x4.mul(x0, splat(8388608)), x0, subnormal); // · 2²³
  let r = f32x4.sub(logNormal(x), v128.and(subnormal, splat(15.942385)));
  r = v128.bitselect(x0, r, f32x4.eq(x0, splat(f32.POSITIVE_INFINITY)));
  r = v128.bitselect(splat(f32.NEGATIVE_INFINITY), r, f32x4.eq(x0, splat(0)));
  return v128.or(r, v128.not(f32x4.ge(x0, splat(0))));
}

/** ln x, ≤ 1 ulp; subnormals, 0 → −∞, ∞ → ∞, below 0 and NaN → NaN. */
@inline export function log(x: v128): v128 {
  // As integers, positive normal numbers lie between the smallest one and infinity.
  const usual = v128.and(i32x4.gt_s(x, i32x4.splat(0x007fffff)), i32x4.lt_s(x, i32x4.splat(0x7f800000)));
  return v128.all_true<i32>(usual) ? logNormal(x) : logSpecial(x);
}

/** ln x of one float. */
@inline export function logOne(x: f32): f32 {
  return f32x4.extract_lane(log(splat(x)), 0);
}

/** tanh x, ≤ 2 ulp: a polynomial below 0.625, (1 − e⁻²ˣ)/(1 + e⁻²ˣ) above (Cephes tanhf); tanh(−0) = −0. */
@inline export function tanh(x: v128): v128 {
  const size = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = mad(splat(-5.70498872745e-3), z, splat(2.06390887954e-2));
  p = mad(p, z, splat(-5.37397155531e-2));
  p = mad(p, z, splat(1.33314422036e-1));
  p = mad(p, z, splat(-3.33332819422e-1));
  // Multiplying z·p by x before adding keeps the sign of zero.
  p = mad(f32x4.mul(p, z), x, x);
  p = v128.or(p, v128.and(x, splat(-0.0)));
  const e = expNegative(f32x4.mul(size, splat(-2)));
  const large = f32x4.div(f32x4.sub(splat(1), e), f32x4.add(splat(1), e));
  const signed = v128.or(large, v128.and(x, splat(-0.0)));
  return v128.bitselect(p, signed, f32x4.lt(size, splat(0.625)));
}

/** 1/(1 + e⁻ˣ), ≤ 3 ulp where it is a normal number. */
@inline export function sigmoid(x: v128): v128 {
  return f32x4.div(splat(1), f32x4.add(splat(1), exp(f32x4.neg(x))));
}

/** erf x, absolute error ≤ 5e-7: a rational function of x² on [−4, 4], ±1 outside (NaN stays NaN). */
@inline export function erf(x0: v128): v128 {
  const x = f32x4.pmax(f32x4.pmin(x0, splat(4)), splat(-4));
  const z = f32x4.mul(x, x);
  let p = mad(z, splat(-2.72614225801306e-10), splat(2.77068142495902e-8));
  p = mad(p, z, splat(-2.10102402082508e-6));
  p = mad(p, z, splat(-5.69250639462346e-5));
  p = mad(p, z, splat(-7.34990630326855e-4));
  p = mad(p, z, splat(-2.95459980854025e-3));
  p = mad(p, z, splat(-1.60960333262415e-2));
  p = f32x4.mul(p, x);
  let q = mad(z, splat(-1.45660718464996e-5), splat(-2.13374055278905e-4));
  q = mad(q, z, splat(-1.68282697438203e-3));
  q = mad(q, z, splat(-7.37332916720468e-3));
  q = mad(q, z, splat(-1.42647390514189e-2));
  return f32x4.div(p, q);
}
