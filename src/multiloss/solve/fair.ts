// Weights whose losses gain alike: G·w = w^(−1/α), of which α = 1 is the Nash bargaining solution.
import { power } from '../../tensor/elementary.ts';
import { Cholesky } from './cholesky.ts';
import { cosinesOf, indices, times } from './matrix.ts';
import { isStationary } from './min-norm.ts';

/** Newton steps; 5 to 15 are needed, more where roundings of the Gramian hide that there is no solution. */
const MOST_STEPS = 60;
/** Coordinate descent treats a row where one side of its equation is so many times the other. */
const FAR = 2;
/** How often a step is halved, at most; once is rare. */
const HALVINGS = 5;
/** The least share of a weight that a Newton step leaves: the step's lower bound. */
const LEAST_LEFT = 0.01;
/** How often a step is solved for anew, at most, because other rows would fall further than they may. */
const ROUNDS = 6;
/** How nearly the equations must hold, relative to their right-hand sides. */
const EXACT = 1e-13;
/**
 * How much of the terms of an equation its rounding may be, in units of EXACT: where they nearly cancel, its right-hand
 * side is less than that.
 */
const ROUNDING = 0.01;

/** z^(−β), without logarithms where β is what the usual α give. */
function inverse(z: number, beta: number): number {
  if (beta === 1) return 1 / z;
  if (beta === 0.5) return 1 / Math.sqrt(z);
  if (beta === 2) return 1 / (z * z);
  return 1 / power(z, beta);
}

/** s^(1/(1 + β)): what solves z = s·z^(−β). */
function alone(s: number, beta: number): number {
  return beta === 1 ? Math.sqrt(s) : power(s, 1 / (1 + beta));
}

/**
 * The w > 0 with G·w = w^(−1/α): the minimum of ½·wᵀG·w − Σ ∫w^(−1/α), which is convex (Navon et al. 2022, arXiv
 * 2202.01017; Ban & Ji 2024, arXiv 2402.15638), by damped Newton. Rows are scaled to length 1 and each weight to what
 * it would be alone, so gradients of any sizes are as hard as one another. A zero gradient has weight 0. At a Pareto
 * stationary point no finite w exists (weights grow while Jᵀw goes to 0): all 0.
 */
export function fair(gramian: Float64Array, n: number, alpha: number): Float64Array {
  const w = new Float64Array(n);
  const { norms, cosines } = cosinesOf(gramian, n);
  const rows = [...norms.keys()].filter((i) => (norms[i] as number) > 0);
  const k = rows.length;
  if (k === 0) return w;
  const a = new Float64Array(k * k);
  for (let i = 0, at = 0; i < k; i++) for (let j = 0; j < k; j++, at++) a[at] = cosines[(rows[i] as number) * n + (rows[j] as number)] as number;
  if (k > 1 && isStationary(a, k)) return w;
  const beta = 1 / alpha;
  // z = ‖g‖·w, then C·z = ‖g‖^(β − 1)·z^(−β); alone, z would be ‖g‖^((β − 1)/(1 + β)).
  const size = Float64Array.from(rows, (row) => alone(beta === 1 ? 1 : power(norms[row] as number, beta) / (norms[row] as number), beta));
  if (size.some((v) => !(v > 0 && v < Number.POSITIVE_INFINITY))) return w;
  // With z = size·x: (size·C·size)·x = size²·x^(−β).
  for (let i = 0, at = 0; i < k; i++) for (let j = 0; j < k; j++, at++) a[at] = (a[at] as number) * ((size[i] as number) * (size[j] as number));
  const x = new Equations(a, k, beta).solve();
  rows.forEach((row, i) => {
    w[row] = ((x[i] as number) * (size[i] as number)) / (norms[row] as number);
  });
  return w;
}

/** An iterate: weights, A·x, and the right-hand sides, aᵢᵢ·xᵢ^(−β). */
interface Point {
  x: Float64Array<ArrayBuffer>;
  ax: Float64Array<ArrayBuffer>;
  rhs: Float64Array<ArrayBuffer>;
}

/** A·x = aᵢᵢ·xᵢ^(−β), A [k · k]. */
class Equations {
  private readonly a: Float64Array;
  /** |A|, element by element. */
  private readonly sizes: Float64Array;
  private readonly k: number;
  private readonly beta: number;
  private readonly hessian: Cholesky;
  private readonly diagonal: Float64Array;
  // Workspace of a Newton step: which rows are at their lower bound, A·step, the free rows, and their right-hand sides.
  private readonly step: Float64Array;
  private readonly atBound: Uint8Array;
  private readonly aStep: Float64Array<ArrayBuffer>;
  private readonly set: Int32Array;
  private readonly rest: Float64Array;

  constructor(a: Float64Array, k: number, beta: number) {
    this.a = a;
    this.sizes = a.map(Math.abs);
    this.hessian = new Cholesky(a, k);
    this.k = k;
    this.beta = beta;
    this.diagonal = Float64Array.from({ length: k }, (_, i) => a[i * (k + 1)] as number);
    this.step = new Float64Array(k);
    this.atBound = new Uint8Array(k);
    this.aStep = new Float64Array(k);
    this.set = new Int32Array(k);
    this.rest = new Float64Array(k);
  }

  solve(): Float64Array {
    const { k, beta, diagonal } = this;
    const vector = (): Float64Array<ArrayBuffer> => new Float64Array(k);
    let current: Point = { x: vector(), ax: vector(), rhs: vector() };
    let candidate: Point = { x: vector(), ax: vector(), rhs: vector() };
    const [gradient, terms, curvature] = [vector(), vector(), vector()];
    // The largest first: a start goes through them without those that come after.
    const order = indices(k).sort((i, j) => (diagonal[j] as number) - (diagonal[i] as number));
    current.rhs.fill(Number.POSITIVE_INFINITY);
    let best = current.x;
    let bestError = Number.POSITIVE_INFINITY;
    for (let iteration = 0; iteration < MOST_STEPS; iteration++) {
      if (this.descend(current, order) > 0) this.evaluate(current);
      const { x, ax, rhs } = current;
      times(this.sizes, x, k, terms);
      let error = 0;
      for (let i = 0; i < k; i++) {
        const right = rhs[i] as number;
        gradient[i] = right - (ax[i] as number);
        error = Math.max(error, Math.abs(gradient[i] as number) / (right + ROUNDING * (terms[i] as number)));
        curvature[i] = (beta * right) / (x[i] as number);
      }
      if (error < bestError) [best, bestError] = [x.slice(), error];
      if (error < EXACT) break;
      const step = this.newton(current, gradient, curvature);
      let [slope, roundings] = [0, 0];
      for (let i = 0; i < k; i++) {
        slope += (gradient[i] as number) * (step[i] as number);
        roundings += EXACT * ROUNDING * (terms[i] as number) * Math.abs(step[i] as number);
      }
      // Along a convex function a step is good unless the slope at its end is again as steep upwards.
      for (let [halving, reach] = [0, 1]; halving < HALVINGS; halving++, reach /= 2) {
        for (let i = 0; i < k; i++) candidate.x[i] = (x[i] as number) + reach * (step[i] as number);
        this.evaluate(candidate);
        let there = 0;
        for (let i = 0; i < k; i++) there += ((candidate.rhs[i] as number) - (candidate.ax[i] as number)) * (step[i] as number);
        if (there >= -0.25 * slope - roundings) break;
      }
      [current, candidate] = [candidate, current];
    }
    return best;
  }

  /** Computes A·x and the right-hand sides of an iterate whose x is new. */
  private evaluate({ x, ax, rhs }: Point): void {
    times(this.a, x, this.k, ax);
    for (let i = 0; i < this.k; i++) rhs[i] = (this.diagonal[i] as number) * inverse(x[i] as number, this.beta);
  }

  /**
   * Solves the equations that are far from holding roughly for their own weight, given the others, one after another:
   * descent by coordinates. Newton's steps alone would be many where weights are orders of magnitude from the solution.
   * Returns how many rows it moved.
   */
  private descend({ x, ax, rhs }: Point, order: Int32Array): number {
    const { a, k, beta, diagonal } = this;
    let moved = 0;
    for (const i of order) {
      const [gain, right, own] = [ax[i] as number, rhs[i] as number, diagonal[i] as number];
      if (gain < FAR * right && right < FAR * gain) continue;
      const given = gain / own - (x[i] as number);
      // x + given − x^(−β) is concave: from below its root Newton's step rises towards it.
      let v = given > 0 ? inverse(1 + given, 1 / beta) : Math.max(1, -given);
      const p = inverse(v, beta);
      v += (p - v - given) / (1 + (beta * p) / v);
      if (!(v > 0 && v < Number.POSITIVE_INFINITY)) v = x[i] || 1;
      const more = v - (x[i] as number);
      x[i] = v;
      rhs[i] = own * inverse(v, beta);
      for (let j = 0, at = i * k; j < k; j++, at++) ax[j] = (ax[j] as number) + more * (a[at] as number);
      moved++;
    }
    return moved;
  }

  /**
   * Newton's step: the quadratic's minimum over steps that leave LEAST_LEFT of each weight, by an active set (block
   * pivoting): rows at their lower bound are fixed there, the others are solved for again, until no row changes sides.
   * `curvature` is added to A's diagonal, and may be larger afterwards. The result is valid until the next call.
   */
  private newton({ x }: Point, gradient: Float64Array, curvature: Float64Array): Float64Array {
    const { a, k, diagonal, hessian, aStep, step, atBound, set, rest } = this;
    atBound.fill(0);
    for (let round = 0; round < ROUNDS; round++) {
      let count = 0;
      for (let i = 0; i < k; i++) {
        if (atBound[i] === 0) set[count++] = i;
        step[i] = atBound[i] === 0 ? 0 : (LEAST_LEFT - 1) * (x[i] as number);
      }
      times(a, step, k, aStep);
      for (let i = 0; i < count; i++) rest[i] = (gradient[set[i] as number] as number) - (aStep[set[i] as number] as number);
      // Weights may be so large that the curvature of dependent rows is lost in rounding: jitter, which makes the step
      // too short.
      for (let jitter = Number.EPSILON; !hessian.factor(set, count, { diagonal: curvature }) && jitter < 1; jitter *= 10) {
        for (let i = 0; i < k; i++) curvature[i] = (curvature[i] as number) + jitter * (diagonal[i] as number);
      }
      hessian.solve(rest);
      for (let i = 0; i < count; i++) step[set[i] as number] = rest[i] as number;
      times(a, step, k, aStep);
      let changes = 0;
      atBound.forEach((was, i) => {
        const si = step[i] as number;
        const stays = was ? (gradient[i] as number) <= (aStep[i] as number) + (curvature[i] as number) * si : si < (LEAST_LEFT - 1) * (x[i] as number);
        if (stays === !!was) return;
        atBound[i] = stays ? 1 : 0;
        changes++;
      });
      if (changes === 0) break;
    }
    for (let i = 0; i < k; i++) step[i] = Math.max(step[i] as number, (LEAST_LEFT - 1) * (x[i] as number));
    return step;
  }
}
