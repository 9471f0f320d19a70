// Elementary functions of float64 numbers on the host. What they give reaches tensors, so they use + − × ÷ only: Math.exp, log, cos
// and pow differ between engines in the last digit.

/** cos(π·x) for 0 ≤ x ≤ 1, to 1e-16: a Taylor series on [0, ¼], the rest by symmetry and the double angle. */
export function cosPi(x: number): number {
  if (x > 0.5) return -cosPi(1 - x);
  if (x > 0.25) {
    const half = cosPi(x / 2);
    return 2 * half * half - 1;
  }
  const z = (Math.PI * x) ** 2;
  let term = 1;
  let sum = 1;
  for (let k = 1; k <= 9; k++) {
    term *= -z / ((2 * k - 1) * (2 * k));
    sum += term;
  }
  return sum;
}

/** ln x, to a few roundings: halved into [½, 1), then 2·artanh((x − 1)/(x + 1)) as a series. −∞ at 0, NaN below. */
export function logarithm(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  let [m, halvings] = [x, 0];
  for (; m >= 1; halvings++) m /= 2;
  for (; m < 0.5; halvings--) m *= 2;
  // Around 1 the artanh is the whole answer: no cancellation with a multiple of ln 2.
  if (m < Math.SQRT1_2) {
    m *= 2;
    halvings--;
  }
  const s = (m - 1) / (m + 1);
  let sum = 0;
  for (let k = 41; k >= 1; k -= 2) sum = sum * s * s + 1 / k;
  return 2 * s * sum + halvings * Math.LN2;
}

// ln 2 in two parts: the first has so few digits that its multiples by a whole number below 2¹¹ are exact.
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** eˣ, to a few roundings: x = k·ln 2 + r, a Taylor series of r. 0 and ∞ beyond float64's range. */
export function exponential(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.79) return Number.POSITIVE_INFINITY;
  if (x < -745.2) return 0;
  const k = Math.round(x / Math.LN2);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let i = 14; i >= 1; i--) sum = 1 + (sum * r) / i;
  // In two halves, neither of which leaves float64's range before the product does.
  const half = Math.trunc(k / 2);
  return sum * twoTo(half) * twoTo(k - half);
}

/** 2ⁿ for a whole n. */
function twoTo(n: number): number {
  let [result, factor] = [1, n < 0 ? 0.5 : 2];
  for (let rest = Math.abs(n); rest > 0; rest = Math.trunc(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}

/** base^n for base ≥ 0: a product where n is whole and from 0 to 2¹⁶. */
export function power(base: number, n: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 65536) return base === 0 ? (n < 0 ? Number.POSITIVE_INFINITY : 0) : exponential(n * logarithm(base));
  let result = 1;
  for (let i = 0; i < n; i++) result *= base;
  return result;
}

/** base to a whole n ≥ 0, of either sign. */
export function wholePower(base: number, n: number): number {
  let result = 1;
  for (let [rest, square] = [n, base]; rest > 0; rest = Math.floor(rest / 2), square *= square) if (rest % 2 === 1) result *= square;
  return result;
}
