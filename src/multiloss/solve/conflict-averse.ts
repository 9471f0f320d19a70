// CAGrad's problem: the hull's point that the average gradient is to be pushed along.
import { factor, solveFactored } from './cholesky.ts';
import { indices, inner, largestDiagonal, quadratic, times, total } from './matrix.ts';
import { minNorm } from './min-norm.ts';

/** Evaluations of the path; 2 to 6 are usual. */
const TURNS = 200;
/** Below this share of the longest gradient's square, a square is rounding. */
const NOTHING = 1e-15;

/**
 * argmin over the simplex of ⟨g_w, g₀⟩ + c·‖g₀‖·‖g_w‖, where g_w = Jᵀw and g₀ is the mean gradient (Liu et al. 2021, arXiv
 * 2110.14048, eq. 4). Returns the weights of the step g₀ + c·‖g₀‖·g_w/‖g_w‖; all 0 where the best g_w is 0, which is Pareto
 * stationary, or shorter than normEps·√trace(G).
 *
 * Where ‖g_w‖ > 0 the optimum is the hull's nearest point to −λ·g₀ for the λ with ‖g_w‖ = λ·c·‖g₀‖. ‖g_w‖/λ falls with λ, and between
 * two λ whose points have the same active rows w is linear in λ: from a λ to where its own rows would have the root (Newton's method,
 * kept in a bracket), until two points have the same rows; then one quadratic equation.
 */
export function conflictAverse(gramian: Float64Array, n: number, c: number, normEps = 0): Float64Array {
  const scale = largestDiagonal(gramian, n);
  if (scale === 0) return new Float64Array(n);
  const g = gramian.map((v) => v / scale);
  const mean = new Float64Array(n).fill(1 / n);
  const b = times(g, mean, n); // ⟨gᵢ, g₀⟩
  const squared = quadratic(g, mean, n); // ‖g₀‖²
  if (squared <= NOTHING) return new Float64Array(n);
  const radius = c * Math.sqrt(squared);
  if (radius === 0) return mean;
  const found = push(g, b, squared, radius, n);
  const length = Math.sqrt(quadratic(g, found, n));
  let trace = 0;
  for (let i = 0; i < n; i++) trace += g[i * n + i] as number;
  if (length * length <= NOTHING || length < normEps * Math.sqrt(trace)) return new Float64Array(n);
  return mean.map((v, i) => v + (radius / length) * (found[i] as number));
}

/** Rows of gᵢ + λ·g₀: their Gramian. */
function shift(g: Float64Array, b: Float64Array, squared: number, lambda: number, n: number): Float64Array {
  const shifted = new Float64Array(n * n);
  const along = b.map((v) => lambda * v + (lambda * lambda * squared) / 2);
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < n; j++, at++) shifted[at] = (g[at] as number) + ((along[i] as number) + (along[j] as number));
  return shifted;
}

/** The hull's nearest point to −λ·g₀, as weights: the shortest point of the hull of gᵢ + λ·g₀. `near`: those of a λ nearby. */
const nearest = (g: Float64Array, b: Float64Array, squared: number, lambda: number, n: number, near: Float64Array): Float64Array =>
  minNorm(shift(g, b, squared, lambda, n), n, near);

const sameSupport = (v: Float64Array, w: Float64Array): boolean => v.every((x, i) => x > 0 === (w[i] as number) > 0);

function push(g: Float64Array, b: Float64Array, squared: number, radius: number, n: number): Float64Array {
  const length = (w: Float64Array): number => Math.sqrt(quadratic(g, w, n));
  let low = 0;
  let atLow = minNorm(g, n);
  if (length(atLow) ** 2 <= NOTHING) {
    // 0 lies in the hull: near λ = 0 the ratio ‖g_w‖/λ is constant. Where it is not above the radius, g_w = 0 is the optimum.
    low = 1e-5;
    atLow = nearest(g, b, squared, low, n, atLow);
    if (length(atLow) <= low * radius * (1 + 1e-6)) return new Float64Array(n);
  }
  let high = 1 / radius; // no gradient is longer than 1
  let atHigh: Float64Array | null = null;
  let [latest, at] = [low, atLow];
  for (let turn = 0; turn < TURNS; turn++) {
    if (atHigh && sameSupport(atLow, atHigh)) return between(g, low, atLow, high, atHigh, radius, n);
    // Where the latest point's rows would lead to; every third time half the way, so that it ends.
    const aimed = turn % 3 === 2 ? 0 : aim(g, b, squared, radius, latest, at, n);
    const middle = aimed > low && aimed < high ? aimed : low === 0 ? high / 16 : Math.sqrt(low * high);
    if (middle <= low || middle >= high || middle < 1e-280) break;
    const next = nearest(g, b, squared, middle, n, at);
    if (middle === aimed && sameSupport(at, next)) {
      return middle > latest ? between(g, latest, at, middle, next, radius, n) : between(g, middle, next, latest, at, radius, n);
    }
    [latest, at] = [middle, next];
    if (length(at) > middle * radius) [low, atLow] = [middle, at];
    else [high, atHigh] = [middle, at];
    if (high - low <= 1e-15 * high) break;
  }
  return atHigh ?? nearest(g, b, squared, high, n, at);
}

/**
 * The λ with ‖g_w‖ = λ·radius if w went on from its active rows as it does at λ; 0 where they do not say. Its slope there is
 * ẇ = −H⁻¹·b + H⁻¹·1·Σ(H⁻¹·b)/Σ(H⁻¹·1), H the Gramian of gᵢ + λ·g₀ over those rows.
 */
function aim(g: Float64Array, b: Float64Array, squared: number, radius: number, lambda: number, w: Float64Array, n: number): number {
  const set = indices(n).filter((i) => (w[i] as number) > 0);
  const k = set.length;
  const l = new Float64Array(n * n);
  if (!factor(shift(g, b, squared, lambda, n), n, set, k, l)) return 0;
  const x = Float64Array.from(set, (i) => b[i] as number);
  const y = new Float64Array(k).fill(1);
  solveFactored(l, n, k, x);
  solveFactored(l, n, k, y);
  const ratio = total(x) / total(y);
  const slope = new Float64Array(n);
  set.forEach((row, i) => {
    slope[row] = ratio * (y[i] as number) - (x[i] as number);
  });
  const along = times(g, slope, n);
  const a2 = inner(slope, along) - radius * radius;
  const a1 = inner(w, along) - lambda * radius * radius;
  const a0 = quadratic(g, w, n) - (lambda * radius) ** 2;
  const denominator = Math.sqrt(Math.max(a1 * a1 - a2 * a0, 0)) - a1;
  return denominator > 0 ? lambda + a0 / denominator : 0;
}

/** Between two λ with the same active rows: the root of ‖(1 − t)·x + t·y‖² = (λ(t)·radius)², taken from the side of `low`. */
function between(g: Float64Array, low: number, x: Float64Array, high: number, y: Float64Array, radius: number, n: number): Float64Array {
  const d = y.map((v, i) => v - (x[i] as number));
  const gd = times(g, d, n);
  let [dd, dx] = [0, 0];
  for (let i = 0; i < n; i++) {
    dd += (gd[i] as number) * (d[i] as number);
    dx += (gd[i] as number) * (x[i] as number);
  }
  const grow = (high - low) * radius;
  const start = low * radius;
  const a2 = dd - grow * grow;
  const a1 = dx - grow * start;
  const a0 = quadratic(g, x, n) - start * start;
  // a2·t² + 2·a1·t + a0 = 0, positive at 0 and not at 1: the root in between, without cancellation.
  const root = Math.sqrt(Math.max(a1 * a1 - a2 * a0, 0));
  const denominator = -a1 + root;
  let t = denominator > 0 ? a0 / denominator : 0;
  // A λ that was aimed at is off by roundings, on either side.
  if (!(t >= -1e-6 && t <= 1 + 1e-6)) t = a0 <= 0 ? 0 : 1;
  return x.map((v, i) => Math.max(v + t * (d[i] as number), 0));
}
