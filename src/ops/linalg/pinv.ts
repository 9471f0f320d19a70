// Least squares: pseudo-inverses, solutions and ranks, by singular values.
import { assertArity, either, FLAG, type Kinds, NUMBER, optionsOf, TENSOR } from '../../tensor/check.ts';
import { shapeError } from '../../tensor/errors.ts';
import { apply, detach, type Op } from '../../tensor/op.ts';
import { broadcastShapes, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { add, sub } from '../binary.ts';
import { asFloat, assertFloat, to } from '../convert.ts';
import { constant, zeros } from '../create.ts';
import { matmul } from '../matmul.ts';
import { squeeze, unsqueeze } from '../movement.ts';
import { expand, sum } from '../reduce.ts';
import { abs, neg, square } from '../unary.ts';
import { eigvalsh } from './eigh.ts';
import { assertFinite, assertMatrices, assertSquare, batchOf, eachItem, mT, sidesOf, together, which } from './matrices.ts';
import { svdvals } from './svd.ts';
import { decompose, type Singular } from './svd-core.ts';

/** Which singular values count as 0. */
export interface RankOptions {
  /** Those up to this; default 0. A tensor has one for each matrix; shapes broadcast. */
  atol?: number | Tensor;
  /** Those up to this share of the largest; default max(m, n)·2⁻²³, or 0 where `atol` is above 0. A tensor as for `atol`. */
  rtol?: number | Tensor;
  /** Whether the matrices are symmetric; not by default. The lower triangle is read then. */
  hermitian?: boolean;
}

const TOLERANCE = /* @__PURE__ */ either(NUMBER, TENSOR);
const RANK: Kinds<RankOptions> = { atol: TOLERANCE, rtol: TOLERANCE, hermitian: FLAG };

interface Bounds {
  readonly atol: number;
  /** NaN stands for the default. */
  readonly rtol: number;
  /** The default. */
  readonly share: number;
}

function boundsOf(a: Tensor, { atol, rtol }: { atol?: number | Tensor; rtol?: number | Tensor }): Bounds {
  return { atol: typeof atol === 'number' ? atol : 0, rtol: typeof rtol === 'number' ? rtol : Number.NaN, share: Math.max(...sidesOf(a)) * 2 ** -23 };
}

/** What counts as 0 beside the largest; `own`: the tolerances of one matrix, where there are tensors of them. */
function bound(largest: number, bounds: Bounds, own: readonly Float64Array[] = []): number {
  const [[atol], [rtol]] = own.length > 0 ? (own as unknown as [[number], [number]]) : [[bounds.atol], [bounds.rtol]];
  return Math.max(atol, (Number.isNaN(rtol) ? (atol > 0 ? 0 : bounds.share) : rtol) * largest);
}

/** Tolerances as inputs of an op where either is a tensor, one for each matrix of the batch that all broadcast to; else none. */
function tolerances(op: string, a: Tensor, { atol = 0, rtol = Number.NaN }: RankOptions): { batch: readonly number[]; given: readonly Tensor[] } {
  const batch = batchOf(a);
  if (typeof atol === 'number' && typeof rtol === 'number') return { batch, given: [] };
  const each = [atol, rtol].map((t) => (typeof t === 'number' ? constant(t, 'float32') : detach(asFloat(t, op))));
  const whole = each.reduce((shape: readonly number[], t) => broadcastShapes(op, shape, t.sizes), batch);
  return { batch: whole, given: each.map((t) => expand(t, whole)) };
}

/** Σ vₖ·(uₖᵀ·B)/s[k] over the values that count, for B [m · c]. */
function least({ u, s, v }: Singular, b: Float64Array, m: number, n: number, c: number, limit: number): Float64Array {
  const x = new Float64Array(n * c);
  s.forEach((value, k) => {
    if (!(value > limit)) return;
    for (let j = 0; j < c; j++) {
      let share = 0;
      for (let i = 0; i < m; i++) share += (u[k * m + i] as number) * (b[i * c + j] as number);
      share /= value;
      for (let i = 0; i < n; i++) x[i * c + j] = (x[i * c + j] as number) + (v[k * n + i] as number) * share;
    }
  });
  return x;
}

const pinvOp: Op<Bounds> = {
  name: 'pinv',
  shape: ([a]) => [...batchOf(a as Tensor), ...sidesOf(a as Tensor).reverse()],
  forward: (y, [a, ...given], bounds) => {
    const [m, n] = sidesOf(a as Tensor);
    const identity = Float64Array.from({ length: m * m }, (_, i) => (i % (m + 1) === 0 ? 1 : 0));
    eachItem(y, [a as Tensor, ...given], [m * n, ...given.map(() => 1), n * m], ([item, ...own], out, at) => {
      assertFinite('pinv', item as Float64Array, which(y, 2, at));
      const parts = decompose(item as Float64Array, m, n);
      out.set(least(parts, identity, m, n, m, bound(parts.s[0] ?? 0, bounds, own)));
    });
  },
  saves: () => [true, false, false],
  savesOutput: true,
  backward: (dy, node) => [pinvGrad(dy, node.input(0), node.output), ...node.shapes.slice(1).map(() => null)],
  batched: 'same',
};

/** A's gradient from that of P = A⁺, where the rank stays (Golub & Pereyra 1973). */
function pinvGrad(dp: Tensor, a: Tensor, p: Tensor): Tensor {
  const [m, n] = sidesOf(a);
  const [g, pt] = [mT(dp), mT(p)];
  const rest = neg(matmul(matmul(pt, dp), pt));
  if (m <= n) {
    const k = matmul(g, p);
    const kp = matmul(k, pt);
    return add(add(rest, sub(kp, matmul(matmul(a, p), kp))), matmul(matmul(pt, p), sub(g, matmul(k, a))));
  }
  const k = matmul(p, g);
  const pk = matmul(pt, k);
  return add(add(rest, matmul(matmul(sub(g, matmul(a, k)), p), pt)), sub(pk, matmul(matmul(pk, p), a)));
}

/**
 * The pseudo-inverse of each matrix (Moore & Penrose), [..., m, n] → [..., n, m]. The gradient supposes that the rank does not change.
 * @throws NONFINITE for NaN and infinities
 */
export function pinv(a: Tensor, options?: RankOptions): Tensor {
  assertArity('pinv', arguments.length, 2);
  const given = optionsOf('pinv', options, RANK);
  (given.hermitian ? assertSquare : assertMatrices)('pinv', a);
  const { batch, given: own } = tolerances('pinv', a, given);
  return apply(pinvOp, [expand(a, [...batch, ...sidesOf(a)]), ...own], boundsOf(a, given));
}

/** The number of singular values that count, int32: [..., m, n] → [...]. */
export function matrixRank(a: Tensor, options?: RankOptions): Tensor {
  assertArity('matrixRank', arguments.length, 2);
  const given = optionsOf('matrixRank', options, RANK);
  (given.hermitian ? assertSquare : assertMatrices)('matrixRank', a);
  const s = given.hermitian ? abs(eigvalsh(detach(a))) : svdvals(detach(a));
  const { batch, given: own } = tolerances('matrixRank', a, given);
  return rankOf(expand(s, [...batch, s.sizes.at(-1) as number]), boundsOf(a, given), own);
}

const rankOp: Op<Bounds> = {
  name: 'matrixRank',
  shape: ([s]) => (s as Tensor).sizes.slice(0, -1),
  forward: (y, [s, ...given], bounds) => {
    const k = (s as Tensor).sizes.at(-1) as number;
    eachItem(y, [s as Tensor, ...given], [k, ...given.map(() => 1), 1], ([values, ...own], out) => {
      const limit = bound(
        (values as Float64Array).reduce((a, b) => Math.max(a, b), 0),
        bounds,
        own,
      );
      out.fill((values as Float64Array).filter((v) => v > limit).length);
    });
  },
};

const rankOf = (s: Tensor, bounds: Bounds, own: readonly Tensor[] = []): Tensor => to(apply(rankOp, [detach(s), ...own], bounds), 'int32');

const lstsqOp: Op<Bounds> = {
  name: 'lstsq',
  shape: ([a, b]) => [...batchOf(b as Tensor), (a as Tensor).sizes.at(-1) as number, (b as Tensor).sizes.at(-1) as number],
  forward: (y, [a, b], bounds) => {
    const [m, n] = sidesOf(a as Tensor);
    const c = (b as Tensor).sizes.at(-1) as number;
    eachItem(y, [a as Tensor, b as Tensor], [m * n, m * c, n * c], ([item, right], out, at) => {
      assertFinite('lstsq', item as Float64Array, which(y, 2, at));
      const parts = decompose(item as Float64Array, m, n);
      out.set(least(parts, right as Float64Array, m, n, c, bound(parts.s[0] ?? 0, bounds)));
    });
  },
  saves: () => [true, true],
  backward: (dy, node) => {
    const [a, b] = [node.input(0), node.input(1)];
    const p = apply(pinvOp, [a], node.attrs);
    return [node.needs[0] ? pinvGrad(matmul(dy, mT(b)), a, p) : null, node.needs[1] ? matmul(mT(p), dy) : null];
  },
  batched: 'same',
};

/** Options of `lstsq`. */
export interface LstsqOptions {
  /** Singular values up to this share of the largest count as 0; default max(m, n)·2⁻²³. */
  rcond?: number;
}

const LSTSQ: Kinds<LstsqOptions> = { rcond: NUMBER };

/** What `lstsq` finds. */
export interface LeastSquares {
  /** The x of least ‖a·x − b‖, and of those the shortest: [..., n, k]. */
  readonly solution: Tensor;
  /** ‖a·x − b‖² of each right side, [..., k], where m > n and every a has full rank; else empty. */
  readonly residuals: Tensor;
  /** How many singular values counted, int32. */
  readonly rank: Tensor;
  /** a's singular values. */
  readonly singularValues: Tensor;
}

/** Least squares for a [..., m, n] and b [..., m, k] (or [..., m]) of any rank. Batches broadcast. */
export function lstsq(a: Tensor, b: Tensor, options?: LstsqOptions): LeastSquares {
  const op = 'lstsq';
  assertArity(op, arguments.length, 3);
  const { rcond } = optionsOf(op, options, LSTSQ);
  assertMatrices(op, a, 'a');
  assertFloat(op, b, 'b');
  const vector = b.rank === a.rank - 1 && sameShape(b.sizes, a.sizes.slice(0, -1));
  const right = vector ? unsqueeze(b, -1) : b;
  if (right.rank < 2 || right.sizes.at(-2) !== a.sizes.at(-2)) throw shapeError(op, 'a and b have not as many rows', [a.sizes, b.sizes], 'b has one row for each row of a.');
  const [m, n] = sidesOf(a);
  const bounds = boundsOf(a, { rtol: rcond });
  const [x, y] = together(op, a, right);
  const solution = apply(lstsqOp, [x, y], bounds);
  const singularValues = svdvals(detach(a));
  const rank = rankOf(singularValues, bounds);
  const off = m > n ? sum(square(sub(matmul(x, solution), y)), -2) : zeros([0]);
  return { solution: vector ? squeeze(solution, -1) : solution, residuals: vector && m > n ? squeeze(off, -1) : off, rank, singularValues };
}
