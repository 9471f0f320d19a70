// CAGrad's problem: the hull's point that the average gradient is to be pushed along.
import { lend } from '../../tensor/lend.ts';
import { Cholesky, numbersOf } from './cholesky.ts';
import { Laid, numbersOf as laidNumbers } from './laid.ts';
import { project } from './dual-cone.ts';
import { indices, inner, largestDiagonal, quadratic, times, total } from './matrix.ts';
import { minNorm } from './min-norm.ts';

/** Evaluations of the path; 2 to 6 are usual. */
const TURNS = 200;
/** Below this share of what its terms' lengths add up to, squared, the square of a sum is rounding. */
const NOTHING = 1e-15;

/**
 * argmin over the simplex of ⟨g_w, g₀⟩ + c·‖g₀‖·‖g_w‖, where g_w = Jᵀw and g₀ is the mean gradient (Liu et al. 2021, arXiv
 * 2110.14048, eq. 4). Returns the weights of the step g₀ + c·‖g₀‖·g_w/‖g_w‖; all 0 where g_w is shorter than normEps·√trace(G). Where
 * the best g_w is 0, which is Pareto stationary, no direction lowers every loss, and some within c·‖g₀‖ of g₀ raise none: the nearest of them.
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
  if (isNothing(g, mean, n)) return new Float64Array(n);
  const radius = c * Math.sqrt(squared);
  if (radius === 0) return mean;
  const found = lend(2 * (laidNumbers(n) + numbersOf(n)), (address) => push(new Path(g, b, squared, radius, n, address)));
  const length = Math.sqrt(quadratic(g, found, n));
  let trace = 0;
  for (let i = 0; i < n; i++) trace += g[i * n + i] as number;
  if (length < normEps * Math.sqrt(trace)) return new Float64Array(n);
  if (isNothing(g, found, n)) return project(gramian, mean);
  return mean.map((v, i) => v + (radius / length) * (found[i] as number));
}

/** Whether g_w is 0 but for roundings. */
function isNothing(g: Float64Array, w: Float64Array, n: number): boolean {
  let size = 0;
  for (let i = 0; i < n; i++) size += (w[i] as number) * Math.sqrt(g[i * n + i] as number);
  return quadratic(g, w, n) <= NOTHING * size * size;
}

/** The problem along the path of λ. */
class Path {
  readonly n: number;
  readonly g: Float64Array;
  readonly radius: number;
  private readonly b: Float64Array;
  private readonly squared: number;
  /** The Gramian of the rows gᵢ + λ·g₀ for the latest λ. */
  private readonly shifted: Float64Array;
  /** What the hull's shortest point works in. */
  private readonly space: Float64Array;
  private readonly address: number;

  /** @param address of memory for a `Laid` and a `Cholesky`. */
  constructor(g: Float64Array, b: Float64Array, squared: number, radius: number, n: number, address: number) {
    this.n = n;
    this.g = g;
    this.radius = radius;
    this.b = b;
    this.squared = squared;
    this.shifted = new Float64Array(n * n);
    this.space = new Float64Array(n * n);
    this.address = address;
  }

  /** ‖g_w‖. */
  length(w: Float64Array): number {
    return Math.sqrt(quadratic(this.g, w, this.n));
  }

  /** The hull's nearest point to −λ·g₀, as weights: the shortest point of the hull of gᵢ + λ·g₀. `near`: those of a λ nearby. */
  nearest(lambda: number, near?: Float64Array): Float64Array {
    const { n, g, b, squared, shifted } = this;
    const along = b.map((v) => lambda * v + (lambda * lambda * squared) / 2);
    for (let i = 0, at = 0; i < n; i++) {
      const own = along[i] as number;
      for (let j = 0; j < n; j++, at++) shifted[at] = (g[at] as number) + (own + (along[j] as number));
    }
    return minNorm(shifted, n, near, this.space);
  }

  /**
   * The λ with ‖g_w‖ = λ·radius if w went on from its active rows as it does at the latest λ, of which it is; 0 where they do not say.
   * Its slope there is ẇ = −H⁻¹·b + H⁻¹·1·Σ(H⁻¹·b)/Σ(H⁻¹·1), H the shifted Gramian over those rows.
   */
  aim(lambda: number, w: Float64Array): number {
    const { n, g, b, radius, shifted } = this;
    const set = indices(n).filter((i) => (w[i] as number) > 0);
    const k = set.length;
    const factor = new Cholesky(new Laid(shifted, n, this.address), this.address + 8 * laidNumbers(n));
    if (!factor.factor(set, k)) return 0;
    const x = Float64Array.from(set, (i) => b[i] as number);
    const y = new Float64Array(k).fill(1);
    factor.solve(x);
    factor.solve(y);
    const ratio = total(x) / total(y);
    const slope = new Float64Array(n);
    for (let i = 0; i < k; i++) slope[set[i] as number] = ratio * (y[i] as number) - (x[i] as number);
    const along = times(g, slope, n);
    const a2 = inner(slope, along) - radius * radius;
    const a1 = inner(w, along) - lambda * radius * radius;
    const a0 = quadratic(g, w, n) - (lambda * radius) ** 2;
    const denominator = Math.sqrt(Math.max(a1 * a1 - a2 * a0, 0)) - a1;
    return denominator > 0 ? lambda + a0 / denominator : 0;
  }

  /** Between two λ with the same active rows: the root of ‖(1 − t)·x + t·y‖² = (λ(t)·radius)², taken from the side of `low`. */
  between(low: number, x: Float64Array, high: number, y: Float64Array): Float64Array {
    const { n, g, radius } = this;
    const d = y.map((v, i) => v - (x[i] as number));
    const gd = times(g, d, n);
    const grow = (high - low) * radius;
    const start = low * radius;
    const a2 = inner(gd, d) - grow * grow;
    const a1 = inner(gd, x) - grow * start;
    const a0 = quadratic(g, x, n) - start * start;
    // a2·t² + 2·a1·t + a0 = 0, positive at 0 and not at 1: the root in between, without cancellation.
    const root = Math.sqrt(Math.max(a1 * a1 - a2 * a0, 0));
    const denominator = -a1 + root;
    let t = denominator > 0 ? a0 / denominator : 0;
    // A λ that was aimed at is off by roundings, on either side.
    if (!(t >= -1e-6 && t <= 1 + 1e-6)) t = a0 <= 0 ? 0 : 1;
    return x.map((v, i) => Math.max(v + t * (d[i] as number), 0));
  }
}

const sameSupport = (v: Float64Array, w: Float64Array): boolean => v.every((x, i) => x > 0 === (w[i] as number) > 0);

/** The point of the path with ‖g_w‖ = λ·radius. */
function push(path: Path): Float64Array {
  const { n, radius } = path;
  let low = 0;
  let atLow = path.nearest(0);
  let above = path.length(atLow); // ‖g_w‖ − λ·radius at low; below: at high
  if (isNothing(path.g, atLow, n)) {
    // 0 lies in the hull: near λ = 0 the ratio ‖g_w‖/λ is constant. Where it is not above the radius, g_w = 0 is the optimum.
    low = 1e-5;
    atLow = path.nearest(low, atLow);
    above = path.length(atLow) - low * radius;
    if (above <= low * radius * 1e-6) return new Float64Array(n);
  }
  let high = 2 / radius; // no gradient is longer than 1
  let atHigh: Float64Array | null = null;
  let below = -1;
  let [latest, at] = [low, atLow];
  for (let turn = 0; turn < TURNS; turn++) {
    if (atHigh && sameSupport(atLow, atHigh)) return path.between(low, atLow, high, atHigh);
    // Where the latest point's rows would lead to, or a straight line between both ends; now and then half the way, so that it ends.
    const halve = turn % 8 === 7;
    const aimed = halve ? 0 : path.aim(latest, at);
    const onLine: number = atHigh && !halve && high < 16 * low ? low + ((high - low) * above) / (above - below) : 0;
    const half = low === 0 ? high / 32 : Math.sqrt(low * high);
    const middle: number = [aimed, onLine].find((v) => v > low && v < high) ?? half;
    if (middle <= low || middle >= high || middle < 1e-280) break;
    const next = path.nearest(middle, at);
    if (middle === aimed && sameSupport(at, next)) {
      return middle > latest ? path.between(latest, at, middle, next) : path.between(middle, next, latest, at);
    }
    [latest, at] = [middle, next];
    const rest = path.length(at) - middle * radius;
    if (rest > 0) [low, atLow, above] = [middle, at, rest];
    else [high, atHigh, below] = [middle, at, rest];
    if (high - low <= 1e-15 * high) break;
  }
  return atHigh ?? path.nearest(high, at);
}
