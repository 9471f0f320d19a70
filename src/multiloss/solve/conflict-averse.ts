// CAGrad's problem: the hull's point that the average gradient is to be pushed along.
import { largestDiagonal, quadratic, times } from './matrix.ts';
import { minNorm } from './min-norm.ts';

/** Evaluations of the path; 5 to 20 are usual. */
const TURNS = 200;
/** Below this share of the longest gradient's square, a square is rounding. */
const NOTHING = 1e-15;

/**
 * argmin over the simplex of ⟨g_w, g₀⟩ + c·‖g₀‖·‖g_w‖, where g_w = Jᵀw and g₀ is the mean gradient (Liu et al. 2021, arXiv
 * 2110.14048, eq. 4). Returns the weights of the step g₀ + c·‖g₀‖·g_w/‖g_w‖; all 0 where the best g_w is 0, which is Pareto
 * stationary, or shorter than normEps·√trace(G).
 *
 * Where ‖g_w‖ > 0 the optimum is the hull's nearest point to −λ·g₀ for the λ with ‖g_w‖ = λ·c·‖g₀‖. ‖g_w‖/λ falls with λ, and between
 * two λ whose points have the same active rows w is linear in λ: bisection until that holds, then one quadratic equation.
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

/** The hull's nearest point to −λ·g₀, as weights: the shortest point of the hull of gᵢ + λ·g₀. */
function nearest(g: Float64Array, b: Float64Array, squared: number, lambda: number, n: number): Float64Array {
  const shifted = g.map((v, at) => v + lambda * ((b[Math.floor(at / n)] as number) + (b[at % n] as number)) + lambda * lambda * squared);
  return minNorm(shifted, n);
}

const sameSupport = (v: Float64Array, w: Float64Array): boolean => v.every((x, i) => x > 0 === (w[i] as number) > 0);

function push(g: Float64Array, b: Float64Array, squared: number, radius: number, n: number): Float64Array {
  const length = (w: Float64Array): number => Math.sqrt(quadratic(g, w, n));
  let low = 0;
  let atLow = minNorm(g, n);
  if (length(atLow) ** 2 <= NOTHING) {
    // 0 lies in the hull: near λ = 0 the ratio ‖g_w‖/λ is constant. Where it is not above the radius, g_w = 0 is the optimum.
    low = 1e-5;
    atLow = nearest(g, b, squared, low, n);
    if (length(atLow) <= low * radius * (1 + 1e-6)) return new Float64Array(n);
  }
  let high = 1 / radius; // no gradient is longer than 1
  let atHigh = nearest(g, b, squared, high, n);
  for (let turn = 0; turn < TURNS; turn++) {
    if (sameSupport(atLow, atHigh)) return between(g, low, atLow, high, atHigh, radius, n);
    const middle = low === 0 ? high / 16 : Math.sqrt(low * high);
    if (middle <= low || middle >= high || middle < 1e-280) break;
    const at = nearest(g, b, squared, middle, n);
    if (length(at) > middle * radius) [low, atLow] = [middle, at];
    else [high, atHigh] = [middle, at];
    if (high - low <= 1e-15 * high) break;
  }
  return atHigh;
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
  if (!(t >= 0 && t <= 1)) t = a0 <= 0 ? 0 : 1;
  return x.map((v, i) => v + t * (d[i] as number));
}
