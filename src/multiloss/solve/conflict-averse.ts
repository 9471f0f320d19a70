// CAGrad's weights.
import { project } from './dual-cone.ts';
import { inner, largestDiagonal, quadratic, times } from './matrix.ts';
import { minNorm } from './min-norm.ts';
import { rootBelow } from './root.ts';

/**
 * Below this share of what its terms' lengths add up to, squared, the square of a sum is what roundings of the
 * gradients' elements make of 0.
 */
const NOTHING = 1e-11;

/**
 * argmin over the simplex of ⟨g_w, g₀⟩ + c·‖g₀‖·‖g_w‖, where g_w = Jᵀw and g₀ is the mean gradient (Liu et al. 2021,
 * arXiv 2110.14048, eq. 4). Returns the weights of the step g₀ + c·‖g₀‖·g_w/‖g_w‖; all 0 where g_w is shorter than
 * normEps·√trace(G). Where the best g_w is 0, which is Pareto stationary, no direction lowers every loss, and some
 * within c·‖g₀‖ of g₀ raise none: the nearest of them.
 */
export function conflictAverse(gramian: Float64Array, n: number, c: number, normEps = 0): Float64Array {
  const scale = largestDiagonal(gramian, n);
  if (scale === 0) return new Float64Array(n);
  const g = gramian.map((v) => v / scale);
  const lengths = Float64Array.from(gramian.subarray(0, n), (_, i) => Math.sqrt(g[i * (n + 1)] as number));
  const mean = new Float64Array(n).fill(1 / n);
  const size = (w: Float64Array): number => inner(w, lengths);
  const isNothing = (w: Float64Array): boolean => quadratic(g, w, n) <= NOTHING * size(w) ** 2;
  if (isNothing(mean)) return new Float64Array(n);
  const radius = c * Math.sqrt(quadratic(g, mean, n));
  if (radius === 0) return mean;
  const shortest = minNorm(g, n);
  if (isNothing(shortest)) {
    const safe = project(g, mean);
    const apart = safe.map((v, i) => v - (mean[i] as number));
    // But for roundings: at c = 1 it may be as far as that.
    if (quadratic(g, apart, n) <= (1 + 1e-9) * radius * radius) return normEps === 0 ? safe : new Float64Array(n);
  }
  const w = bestOnPath(g, n, mean, radius);
  const length = Math.sqrt(quadratic(g, w, n));
  if (length < normEps * Math.sqrt(lengths.reduce((sum, v) => sum + v * v, 0))) return new Float64Array(n);
  return mean.map((v, i) => v + (radius / length) * (w[i] as number));
}

/**
 * The best w: where ‖g_w‖ > 0, the hull's nearest point to −λ·g₀ for the λ with ‖g_w‖ = λ·radius. ‖g_w‖/λ falls with λ,
 * and is constant at first where the shortest g_w is 0.
 */
function bestOnPath(g: Float64Array, n: number, mean: Float64Array, radius: number): Float64Array {
  const b = times(g, mean, n); // ⟨gᵢ, g₀⟩
  const squared = quadratic(g, mean, n); // ‖g₀‖²
  let w: Float64Array | undefined;
  /** ‖g_w‖ − λ·radius for the shortest point of the hull of gᵢ + λ·g₀, which is left in w. */
  const excess = (lambda: number): number => {
    const shifted = g.map((v, at) => v + lambda * ((b[Math.floor(at / n)] as number) + (b[at % n] as number) + lambda * squared));
    w = minNorm(shifted, n, w);
    return Math.sqrt(quadratic(g, w, n)) - lambda * radius;
  };
  // No gradient is longer than 1.
  rootBelow(2 / radius, excess, 1e-12 * radius);
  return w as Float64Array;
}
