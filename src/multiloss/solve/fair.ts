// Weights whose losses gain alike: G·w = w^(−1/α), of which α = 1 is the Nash bargaining solution.
import { power } from '../../tensor/elementary.ts';
import { factor, solveFactored } from './cholesky.ts';
import { cosinesOf, indices, times } from './matrix.ts';
import { isStationary } from './min-norm.ts';

/** Newton steps; 5 to 15 are usual. With a small α a weight far below its place grows by the share α in each. */
const STEPS = 3000;
/** Newton steps of a row alone: a start need not be exact. */
const RISE = 6;
/** How often a start goes through all rows. */
const PASSES = 4;
/** A share of a Newton step below which weights that fall far hold back the others. */
const HELD = 0.5;
/** What is left of a weight at least that falls without holding back others. */
const LEFT = 0.01;
/** What dependent rows are kept apart by, as a share of their squares, where nothing else does. */
const APART = 1e-15;
/** How nearly the equations must hold, relative to their right-hand sides. */
const EXACT = 1e-13;

/** z^(−β), without logarithms where β is what the usual α give. */
function inverse(z: number, beta: number): number {
  if (beta === 1) return 1 / z;
  if (beta === 0.5) return 1 / Math.sqrt(z);
  if (beta === 2) return 1 / (z * z);
  return 1 / power(z, beta);
}

/** How much of the terms of an equation its rounding may be, in units of EXACT: where they nearly cancel, its right-hand side is less than that. */
const ROUNDING = 0.01;

/** s^(1/(1 + β)): what solves z = s·z^(−β). */
function alone(s: number, beta: number): number {
  return beta === 1 ? Math.sqrt(s) : power(s, 1 / (1 + beta));
}

/**
 * The w > 0 with G·w = w^(−1/α): the minimum of ½·wᵀG·w − Σ ∫w^(−1/α), which is convex (Navon et al. 2022, arXiv 2202.01017; Ban & Ji
 * 2024, arXiv 2402.15638), by damped Newton. Rows are scaled to length 1 and each weight to what it would be alone, so gradients of
 * any sizes are as hard as one another. A zero gradient has weight 0. At a Pareto stationary point no finite w exists (weights grow
 * while Jᵀw goes to 0): all 0.
 */
export function fair(gramian: Float64Array, n: number, alpha: number): Float64Array {
  const w = new Float64Array(n);
  const { norms, cosines } = cosinesOf(gramian, n);
  const rows = [...norms.keys()].filter((i) => (norms[i] as number) > 0);
  const k = rows.length;
  if (k === 0) return w;
  const c = new Float64Array(k * k);
  rows.forEach((row, i) => {
    rows.forEach((column, j) => {
      c[i * k + j] = cosines[row * n + column] as number;
    });
  });
  if (k > 1 && isStationary(c, k)) return w;
  const beta = 1 / alpha;
  // z = ‖g‖·w, then C·z = ‖g‖^(β − 1)·z^(−β); alone, z would be ‖g‖^((β − 1)/(1 + β)).
  const size = Float64Array.from(rows, (row) => alone(beta === 1 ? 1 : power(norms[row] as number, beta) / (norms[row] as number), beta));
  if (size.some((v) => !(v > 0 && v < Number.POSITIVE_INFINITY))) return w;
  // With z = size·x: (size·C·size)·x = size²·x^(−β).
  const x = newton(c, size, k, beta);
  rows.forEach((row, i) => {
    w[row] = ((x[i] as number) * (size[i] as number)) / (norms[row] as number);
  });
  return w;
}

/**
 * A start: each row's own equation xᵢ + Σⱼ C[i][j]·(sizeⱼ/sizeᵢ)·xⱼ = xᵢ^(−β) given the others, one after another, the largest first and at
 * first without those after it: descent by coordinates. Where sizes lie far apart Newton's steps alone would be many small ones.
 */
function start(c: Float64Array, size: Float64Array, k: number, beta: number): Float64Array<ArrayBuffer> {
  const x = new Float64Array(k);
  const sums = new Float64Array(k);
  const order = indices(k).sort((i, j) => (size[j] as number) - (size[i] as number) || i - j);
  for (let pass = 0; pass < PASSES; pass++) {
    for (const i of order) {
      const s = size[i] as number;
      const given = (sums[i] as number) / s - (x[i] as number);
      // x + given − x^(−β) is concave: from below its root Newton's steps rise to it.
      let v = given > 0 ? inverse(1 + given, 1 / beta) : Math.max(1, -given);
      for (let step = 0; step < RISE; step++) v += (inverse(v, beta) - v - given) / (1 + (beta * inverse(v, beta)) / v);
      if (!(v > 0 && v < Number.POSITIVE_INFINITY)) return x.fill(1);
      const more = (v - (x[i] as number)) * s;
      x[i] = v;
      for (let j = 0, at = i * k; j < k; j++, at++) sums[j] = (sums[j] as number) + more * (c[at] as number);
    }
  }
  return x;
}

/** A·x = rightᵢ·xᵢ^(−β), k equations. */
interface Equations {
  readonly a: Float64Array;
  readonly right: Float64Array;
  readonly k: number;
  readonly beta: number;
}

/** What their solution is the lowest point of, ½·xᵀA·x − Σ rightᵢ·∫xᵢ^(−β), given A·x; β ≠ 1. */
function height({ right, k, beta }: Equations, x: Float64Array, ax: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < k; i++) sum += (x[i] as number) * (0.5 * (ax[i] as number) - ((right[i] as number) * inverse(x[i] as number, beta)) / (1 - beta));
  return sum;
}

/**
 * to ← x + t·step, but no weight below LEFT of what it was, for a t above `reach` where that is lower than x. False where it is not: a
 * single weight that is to fall by orders of magnitude then takes many small steps of all. Uses ax, A·x at first, up.
 */
function bend(equations: Equations, x: Float64Array, step: Float64Array, reach: number, to: Float64Array, ax: Float64Array<ArrayBuffer>): boolean {
  const { a, k } = equations;
  const before = height(equations, x, ax);
  for (let t = 1; t > reach; t /= 4) {
    for (let i = 0; i < k; i++) to[i] = Math.max((x[i] as number) + t * (step[i] as number), LEFT * (x[i] as number));
    if (height(equations, to, times(a, to, k, ax)) < before) return true;
  }
  return false;
}

/** x > 0 with Σⱼ C[i][j]·sizeⱼ·xⱼ = sizeᵢ·xᵢ^(−β), row i times sizeᵢ so that the derivative is symmetric. */
function newton(c: Float64Array, size: Float64Array, k: number, beta: number): Float64Array {
  const a = c.map((v, at) => v * (size[Math.floor(at / k)] as number) * (size[at % k] as number));
  const right = size.map((s) => s * s);
  const all = indices(k);
  const h = new Float64Array(k * k);
  const l = new Float64Array(k * k);
  const ax = new Float64Array(k);
  const step = new Float64Array(k);
  let x = start(c, size, k, beta);
  let trial = new Float64Array(k);
  let best = x;
  let bestError = Number.POSITIVE_INFINITY;
  let stuck = 0;
  // How far a step goes that is too short: four times as far as the one before did.
  let stretch = 1;
  for (let turn = 0; turn < STEPS; turn++) {
    times(a, x, k, ax);
    h.set(a);
    let error = 0;
    for (let i = 0; i < k; i++) {
      const xi = x[i] as number;
      const push = (right[i] as number) * inverse(xi, beta);
      step[i] = push - (ax[i] as number);
      let terms = push;
      for (let j = 0; j < k; j++) terms += ROUNDING * Math.abs((a[i * k + j] as number) * (x[j] as number));
      error = Math.max(error, Math.abs(step[i] as number) / terms);
      h[i * k + i] = (h[i * k + i] as number) + (beta * push) / xi;
    }
    stuck = error < 0.9 * bestError ? 0 : stuck + 1;
    if (error < bestError) [best, bestError] = [x.slice(), error];
    // Near the solution only roundings are left to move.
    if (bestError < 1e-9 && stuck >= 2) break;
    if (error < EXACT) break;
    // Weights may be so large that what keeps dependent rows apart is lost beside the roundings of others. A step is then too short.
    let apart = 0;
    while (!factor(h, k, all, k, l, 1e-300) && apart < 1) {
      apart = Math.max(APART, 10 * apart);
      for (let i = 0; i < k; i++) h[i * k + i] = (h[i * k + i] as number) + apart * (right[i] as number);
    }
    const gradient = step.slice();
    solveFactored(l, k, k, step);
    let slope = 0;
    let reach = apart > 0 ? stretch : 1;
    for (let i = 0; i < k; i++) {
      slope += (gradient[i] as number) * (step[i] as number);
      if ((step[i] as number) < 0) reach = Math.min(reach, (-0.9 * (x[i] as number)) / (step[i] as number));
    }
    if (!(slope > 0)) break;
    if (reach < HELD && beta !== 1 && bend({ a, right, k, beta }, x, step, reach, trial, ax)) {
      [x, trial] = [trial, x];
      continue;
    }
    // Along a convex function a step is good unless the slope at its end is again as steep upwards.
    for (let halving = 0; halving < 60; halving++, reach /= 2) {
      for (let i = 0; i < k; i++) trial[i] = (x[i] as number) + reach * (step[i] as number);
      times(a, trial, k, ax);
      let there = 0;
      for (let i = 0; i < k; i++) there += ((right[i] as number) * inverse(trial[i] as number, beta) - (ax[i] as number)) * (step[i] as number);
      if (there >= -0.25 * slope) break;
    }
    stretch = apart > 0 ? 4 * reach : 1;
    [x, trial] = [trial, x];
  }
  return best;
}
