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

/** (eʳ − 1 − r)/r² for |r| ≤ ln2/2: minimax, what it adds to eʳ is off by 3.2e-9 of it. */
@inline function expSeries(r: v128): v128 {
  let p = mad(splat(1.3821169e-3), r, splat(8.3686663e-3));
  p = mad(p, r, splat(4.1668259e-2));
  p = mad(p, r, splat(1.6666521e-1));
  return mad(p, r, splat(4.9999994e-1));
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

/** eˣ for x ≤ 0, flushed to 0 below −87.7: one scaling multiply less; NaN stays NaN. */
@inline export function expNegative(x0: v128): v128 {
  const x = f32x4.pmax(x0, splat(-88));
  // Rounded with 127 more, the low bits are the exponent's: 0 at −88, which makes the factor 0.
  const t = mad(x, splat(1.44269504), splat(ROUND + 127));
  const p = expPolynomial(reduceLn2(x, f32x4.sub(t, splat(ROUND + 127))));
  return f32x4.mul(p, i32x4.shl(t, 23));
}

/**
 * ln x·2⁻ˢʰⁱᶠᵗ (shift where `shifted`) for positive normal numbers, ≤ 1.1 ulp: x = 2ᵏ·(1 + f) with 1 + f in [√½, √2), s = f/(2 + f), z = s²,
 * ln(1 + f) = 2s + s·z·R(z) = f − s·(f − z·R(z)) (FreeBSD's logf); R minimax, relative error 8e-10.
 */
@inline function logShifted(x: v128, shift: v128, shifted: bool): v128 {
  const ROOT_HALF = 0x3f3504f3;
  const over = i32x4.sub(x, i32x4.splat(ROOT_HALF));
  const m = i32x4.sub(x, v128.and(over, i32x4.splat(0xff800000)));
  const f = f32x4.sub(m, splat(1));
  const s = f32x4.div(f, f32x4.add(m, splat(1)));
  const z = f32x4.mul(s, s);
  const r = mad(mad(splat(0.29871863), z, splat(0.39977536)), z, splat(0.66666776));
  let k = i32x4.shr_s(over, 23);
  if (shifted) k = i32x4.sub(k, shift);
  return mad(f32x4.convert_i32x4_s(k), splat(0.69314718), f32x4.sub(f, f32x4.mul(s, f32x4.sub(f, f32x4.mul(z, r)))));
}

/** ln x for positive normal numbers, ≤ 1.1 ulp. */
@inline export function logNormal(x: v128): v128 {
  return logShifted(x, i32x4.splat(0), false);
}

/** ln x where some lane is no positive normal number: subnormals, 0 → −∞, ∞ → ∞, below 0 and NaN → NaN. */
function logSpecial(x0: v128): v128 {
  const subnormal = f32x4.lt(x0, splat(1.17549435e-38));
  const x = v128.bitselect(f32x4.mul(x0, splat(8388608)), x0, subnormal); // · 2²³
  let r = logShifted(x, v128.and(subnormal, i32x4.splat(23)), true);
  r = v128.bitselect(x0, r, f32x4.eq(x0, splat(f32.POSITIVE_INFINITY)));
  r = v128.bitselect(splat(f32.NEGATIVE_INFINITY), r, f32x4.eq(x0, splat(0)));
  return v128.or(r, v128.not(f32x4.ge(x0, splat(0))));
}

/** Whether every lane between the least and the greatest is a positive normal number: as integers, those lie between the smallest and ∞. */
@inline export function allNormal(least: v128, greatest: v128): bool {
  return v128.all_true<i32>(v128.and(i32x4.gt_s(least, i32x4.splat(0x007fffff)), i32x4.lt_s(greatest, i32x4.splat(0x7f800000))));
}

/** ln x, ≤ 1.1 ulp; subnormals, 0 → −∞, ∞ → ∞, below 0 and NaN → NaN. */
@inline export function log(x: v128): v128 {
  return allNormal(x, x) ? logNormal(x) : logSpecial(x);
}

/** ln x of one float. */
@inline export function logOne(x: f32): f32 {
  return f32x4.extract_lane(log(splat(x)), 0);
}

/**
 * tanh x, ≤ 1.5 ulp; tanh(−0) = −0. Below 0.26 x + x³·P(x²), relative error 4e-9; above E/(E + 2) with E = e^2|x| − 1 =
 * 2ⁿ·(eʳ − 1) + 2ⁿ − 1, 2|x| = n·ln 2 + r, relative error of eʳ − 1 1.3e-8 (both minimax), as which 1 is reached at 10.
 */
@inline export function tanh(x: v128): v128 {
  const z = f32x4.mul(x, x);
  const odd = mad(mad(splat(-0.051231254), z, splat(0.13322742)), z, splat(-0.33333215));
  const small = mad(f32x4.mul(odd, z), x, x);
  // pmin with the value first keeps NaN.
  const size = f32x4.pmin(v128.and(x, i32x4.splat(0x7fffffff)), splat(10));
  const t = mad(size, splat(2.88539008), splat(ROUND));
  const r = f32x4.sub(f32x4.add(size, size), f32x4.mul(f32x4.sub(t, splat(ROUND)), splat(0.69314718)));
  let p = mad(splat(1.3946497e-3), r, splat(8.3666109e-3));
  p = mad(p, r, splat(4.166628e-2));
  p = mad(p, r, splat(1.6666543e-1));
  p = mad(p, r, splat(0.5));
  p = mad(p, f32x4.mul(r, r), r);
  // 2ⁿ: the shift leaves n in the exponent's place, over that of 1.
  const power = i32x4.add(i32x4.shl(t, 23), splat(1));
  const e = mad(p, power, f32x4.sub(power, splat(1)));
  const large = f32x4.div(e, f32x4.add(e, splat(2)));
  return v128.or(v128.bitselect(small, large, f32x4.lt(size, splat(0.26))), v128.and(x, splat(-0.0)));
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
