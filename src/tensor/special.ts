// Special functions of float64 numbers on the host, to 1e-13 or so: more than float32 can show. By + − × ÷ and √ only, as elementary.ts.
import { cosPi, exponential, logarithm, wholePower } from './elementary.ts';

/** sin(π·x), exact in what it takes off x: whole numbers give 0. */
export function sinPi(x: number): number {
  if (x < 0) return -sinPi(-x);
  const part = x - 2 * Math.floor(x / 2); // in [0, 2)
  if (part > 1) return -sinPi(part - 1);
  if (part > 0.5) return sinPi(1 - part);
  if (part > 0.25) return cosPi(0.5 - part);
  const z = Math.PI * part;
  let [term, sum] = [z, z];
  for (let k = 1; k <= 9; k++) {
    term *= (-z * z) / (2 * k * (2 * k + 1));
    sum += term;
  }
  return sum;
}

/** cos(π·x) of any x. */
export const cosPiOf = (x: number): number => sinPi(Math.abs(x) - 2 * Math.floor(Math.abs(x) / 2) + 0.5);

/** erfc x = 1 − erf x, with its digits where it is tiny. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2) return 1 - erf(x);
  if (!(x < 30)) return Number.isNaN(x) ? x : 0;
  let fraction = x; // its continued fraction (DLMF 7.9.1), from the inside
  for (let k = 60; k >= 1; k--) fraction = x + k / 2 / fraction;
  return exponential(-x * x) / (fraction * Math.sqrt(Math.PI));
}

/** erf x: a series of positive terms (DLMF 7.6.2). */
export function erf(x: number): number {
  if (!(Math.abs(x) < 2)) return x < 0 ? erfc(-x) - 1 : 1 - erfc(x);
  let [term, sum] = [x, x];
  for (let k = 1; k < 60; k++) {
    term *= (2 * x * x) / (2 * k + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * exponential(-x * x) * sum;
}

/** The x whose erf is y: a rough start (Winitzki 2008), then Newton's steps of third order. ±∞ at ±1, NaN beyond. */
export function erfinv(y: number): number {
  if (!(Math.abs(y) < 1)) return Math.abs(y) === 1 ? y * Number.POSITIVE_INFINITY : Number.NaN;
  if (Math.abs(y) < 1e-4) return (Math.sqrt(Math.PI) / 2) * (y + (Math.PI / 12) * y * y * y);
  const l = logarithm((1 - y) * (1 + y));
  const c = 2 / (Math.PI * 0.147) + l / 2;
  let x = Math.sqrt(Math.max(Math.sqrt(c * c - l / 0.147) - c, 0));
  const rest = 1 - Math.abs(y);
  for (let i = 0; i < 4; i++) {
    const off = ((rest - erfc(x)) * Math.sqrt(Math.PI) * exponential(x * x)) / 2;
    x -= off / (1 + x * off);
  }
  return y < 0 ? -x : x;
}

// Lanczos' sum for g = 7 (as in Numerical Recipes, 6.1; coefficients by Godfrey 2001): 1e-15.
const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905, -0.13857109526572012, 9.984369578019572e-6,
  1.5056327351493116e-7,
];

/** ln |Γ(x)|; ∞ at 0 and negative whole numbers. */
export function lgamma(x: number): number {
  if (!Number.isFinite(x)) return Math.abs(x);
  if (x <= 0 && Number.isInteger(x)) return Number.POSITIVE_INFINITY;
  if (x < 0) return logarithm(Math.PI / Math.abs(x * sinPi(x))) - lgamma(-x);
  if (x < 0.5) return lgamma(x + 1) - logarithm(x);
  const t = x + 6.5;
  let sum = LANCZOS[0] as number;
  for (let i = 1; i < LANCZOS.length; i++) sum += (LANCZOS[i] as number) / (x + i - 1);
  return 0.9189385332046728 + (x - 0.5) * (logarithm(t) - 1) - 7 + logarithm(sum);
}

/** B₂, B₄ … B₂₄. */
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730];

/** ψ(x) = d ln Γ(x)/dx: −∞ at 0 (∞ at −0), NaN at negative whole numbers. */
export function digamma(x: number): number {
  if (x === 0) return -1 / x;
  if (x === Number.POSITIVE_INFINITY) return x;
  if (x < 0) return Number.isInteger(x) || x === Number.NEGATIVE_INFINITY ? Number.NaN : digamma(1 - x) - (Math.PI * cosPiOf(x)) / sinPi(x);
  let [a, sum] = [x, 0];
  for (; a < 12; a++) sum -= 1 / a;
  let power = 1;
  for (let k = 0; k < 8; k++) {
    power /= a * a;
    sum -= ((BERNOULLI[k] as number) * power) / (2 * k + 2);
  }
  return sum + logarithm(a) - 0.5 / a;
}

/** ζ(s, x) = Σ (x + k)⁻ˢ over k ≥ 0, s whole and > 1, by Euler and Maclaurin; ∞ at 0 and negative whole numbers. */
export function zeta(s: number, x: number): number {
  if (x === Number.POSITIVE_INFINITY) return 0;
  if (x <= 0) {
    if (Number.isInteger(x)) return Number.POSITIVE_INFINITY;
    if (!Number.isFinite(x)) return Number.NaN;
    if (x > -1) return 1 / wholePower(x, s) + zeta(s, x + 1);
    // Terms left of 0 are those of another ζ, turned round.
    const part = x - Math.floor(x);
    const left = zeta(s, 1 - part) - zeta(s, 1 - x);
    return zeta(s, part) + (s % 2 === 0 ? left : -left);
  }
  let [a, sum] = [x, 0];
  for (; a < 12 + s; a++) sum += 1 / wholePower(a, s);
  const last = 1 / wholePower(a, s);
  sum += (last * a) / (s - 1) + last / 2;
  let term = (last * s) / a / 2;
  for (let k = 0; k < BERNOULLI.length; k++) {
    sum += (BERNOULLI[k] as number) * term;
    term *= ((s + 2 * k + 1) * (s + 2 * k + 2)) / (a * a * (2 * k + 3) * (2 * k + 4));
  }
  return sum;
}

/** ψ⁽ⁿ⁾(x), the n-th derivative of ψ. */
export function polygamma(n: number, x: number): number {
  if (n === 0) return digamma(x);
  let factorial = n % 2 === 0 ? -1 : 1;
  for (let k = 2; k <= n; k++) factorial *= k;
  return factorial * zeta(n + 1, x);
}

/** The modified Bessel functions I₀ and I₁: their series, or that of e⁻ˣ·√(2πx)·Iₙ far out (DLMF 10.25.2, 10.40.1). */
export function bessel(order: 0 | 1, x: number): number {
  const size = Math.abs(x);
  const sign = order === 1 && x < 0 ? -1 : 1;
  if (size === Number.POSITIVE_INFINITY) return sign * size;
  if (size > 25) {
    let [term, sum] = [1, 1];
    for (let k = 1; k < 25; k++) {
      term *= -(4 * order - (2 * k - 1) ** 2) / (8 * size * k);
      sum += term;
    }
    return sign * (exponential(size) / Math.sqrt(2 * Math.PI * size)) * sum;
  }
  let [term, sum] = order === 1 ? [size / 2, size / 2] : [1, 1];
  for (let k = 1; k < 80; k++) {
    term *= (size * size) / (4 * k * (k + order));
    sum += term;
  }
  return sign * sum;
}

/** The n-th derivative of sin(πx)/(πx). */
export function sinc(n: number, x: number): number {
  const u = Math.PI * x;
  if (Math.abs(u) < n + 2) {
    // Σ (−1)ᵏ u²ᵏ/(2k + 1)!, differentiated term by term.
    let sum = 0;
    let scale = 1;
    for (let power = 0; power < n + 40; power++) {
      if (power > 0) scale /= power; // 1/power!
      if (power % 2 !== 0 || power < n) continue;
      let factor = (power % 4 === 0 ? scale : -scale) / (power + 1);
      for (let i = 0; i < n; i++) factor *= power - i;
      sum += factor * wholePower(u, power - n);
    }
    return sum * wholePower(Math.PI, n);
  }
  if (!Number.isFinite(u)) return Number.isNaN(u) ? u : 0;
  // u·s⁽ᵏ⁾ + k·s⁽ᵏ⁻¹⁾ is the k-th derivative of sin u.
  const turns = [sinPi(x), cosPiOf(x)];
  let value = 0;
  for (let k = 0; k <= n; k++) value = ((k % 4 < 2 ? 1 : -1) * (turns[k % 2] as number) - k * value) / u;
  return value * wholePower(Math.PI, n);
}
