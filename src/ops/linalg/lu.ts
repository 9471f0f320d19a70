// Determinants, inverses and systems of equations, by Gaussian elimination with row pivots (Golub & Van Loan, 3.4).
import { assertArity, FLAG, type Kinds, ofOne, optionsOf } from '../../tensor/check.ts';
import { logarithm } from '../../tensor/elementary.ts';
import { GradloomError, shapeError } from '../../tensor/errors.ts';
import { apply, everyInput, type Op } from '../../tensor/op.ts';
import { sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { mul } from '../binary.ts';
import { assertFloat } from '../convert.ts';
import { matmul } from '../matmul.ts';
import { reshape, select, squeeze, unsqueeze } from '../movement.ts';
import { neg } from '../unary.ts';
import { assertSquare, batchOf, eachItem, mT, sidesOf, singular, times, together, turned, which } from './matrices.ts';
import { decompose } from './svd-core.ts';

interface Factors {
  /** L below the diagonal (1 on it), U on and above. */
  readonly lu: Float64Array;
  /** Which row of the matrix stands where. */
  readonly rows: Int32Array;
  /** The sign of that order. */
  readonly sign: number;
}

function factor(a: Float64Array, n: number): Factors {
  const lu = a.slice();
  const rows = Int32Array.from({ length: n }, (_, i) => i);
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(lu[i * n + k] as number) > Math.abs(lu[best * n + k] as number)) best = i;
    if (best !== k) {
      sign = -sign;
      [rows[k], rows[best]] = [rows[best] as number, rows[k] as number];
      for (let j = 0; j < n; j++) [lu[k * n + j], lu[best * n + j]] = [lu[best * n + j] as number, lu[k * n + j] as number];
    }
    const pivot = lu[k * n + k] as number;
    if (pivot === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const f = (lu[i * n + k] as number) / pivot;
      lu[i * n + k] = f;
      if (f !== 0) for (let j = k + 1; j < n; j++) lu[i * n + j] = (lu[i * n + j] as number) - f * (lu[k * n + j] as number);
    }
  }
  return { lu, rows, sign };
}

/** @internal A⁻¹·B for B [n · k]; null where A is singular. */
export function solved(a: Float64Array, b: Float64Array, n: number, k: number): Float64Array | null {
  const { lu, rows } = factor(a, n);
  const x = new Float64Array(n * k);
  for (let i = 0; i < n; i++) {
    if (lu[i * n + i] === 0) return null;
    for (let c = 0; c < k; c++) {
      let sum = b[(rows[i] as number) * k + c] as number;
      for (let j = 0; j < i; j++) sum -= (lu[i * n + j] as number) * (x[j * k + c] as number);
      x[i * k + c] = sum;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = 0; c < k; c++) {
      let sum = x[i * k + c] as number;
      for (let j = i + 1; j < n; j++) sum -= (lu[i * n + j] as number) * (x[j * k + c] as number);
      x[i * k + c] = sum / (lu[i * n + i] as number);
    }
  }
  return x;
}

/** @internal The determinant. */
export function determinant(a: Float64Array, n: number): number {
  const { lu, sign } = factor(a, n);
  let product = sign;
  for (let i = 0; i < n; i++) product *= lu[i * n + i] as number;
  return product;
}

const identity = (n: number): Float64Array => Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));

/** dy for each matrix, beside matrices. */
const perMatrix = (dy: Tensor): Tensor => reshape(dy, [...dy.sizes, 1, 1]);

/** The determinant's gradient, also where it is 0: Σ over minors. From A = U·S·Vᵀ it is det(U)·det(V)·U·(Π of the other s)·Vᵀ. */
const cofactorOp: Op<void> = {
  name: 'det',
  forward: (y, [a]) => {
    const [n] = sidesOf(y);
    eachItem(y, [a as Tensor], [n * n, n * n], ([m], out) => out.set(minors(m as Float64Array, n, (s, i) => productBut(s, i))));
  },
  saves: everyInput,
  backward: (dy, node) => [apply(cofactorGradOp, together('det', node.input(0), dy), undefined)],
  batched: 'same',
};

/** The derivative of the minors in a direction. */
const cofactorGradOp: Op<void> = {
  name: 'det',
  forward: (y, [a, e]) => {
    const [n] = sidesOf(y);
    eachItem(y, [a as Tensor, e as Tensor], [n * n, n * n, n * n], ([m, direction], out) => {
      out.set(
        minors(
          m as Float64Array,
          n,
          (s, i, j, inner) => {
            if (i !== j) return -(inner(j, i, direction as Float64Array) * productBut(s, i, j));
            let sum = 0;
            for (let k = 0; k < n; k++) if (k !== i) sum += inner(k, k, direction as Float64Array) * productBut(s, i, k);
            return sum;
          },
          true,
        ),
      );
    });
  },
  saves: everyInput,
  backward: (dy, node) => [node.needs[0] ? thirdGradient() : null, node.needs[1] ? apply(cofactorGradOp, together('det', node.input(0), dy), undefined) : null],
};

function thirdGradient(): never {
  throw new GradloomError('GRAPH', 'det', 'has no third gradient. Differentiate slogdet.');
}

function productBut(s: Float64Array, ...left: number[]): number {
  let product = 1;
  for (let k = 0; k < s.length; k++) if (!left.includes(k)) product *= s[k] as number;
  return product;
}

type Inner = (i: number, j: number, e: Float64Array) => number;

/** det(U)·det(V)·U·C·Vᵀ for A = U·S·Vᵀ, C[i][j] by `entry`, on the diagonal alone unless `whole`; `inner` gives (Uᵀ·E·V)[i][j]. */
function minors(a: Float64Array, n: number, entry: (s: Float64Array, i: number, j: number, inner: Inner) => number, whole = false): Float64Array {
  const { u, s, v } = decompose(a, n, n); // rows of u and v are the singular vectors
  const sign = determinant(u, n) * determinant(v, n) < 0 ? -1 : 1;
  const turnedE = new Map<Float64Array, Float64Array>();
  const inner: Inner = (i, j, e) => {
    const seen = turnedE.get(e) ?? times(times(u, e, n, n, n), turned(v, n, n), n, n, n);
    turnedE.set(e, seen);
    return seen[i * n + j] as number;
  };
  const c = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (whole || i === j) c[i * n + j] = sign * entry(s, i, j, inner);
  return times(times(turned(u, n, n), c, n, n, n), v, n, n, n);
}

const detOp: Op<void> = {
  name: 'det',
  shape: ([a]) => batchOf(a as Tensor),
  forward: (y, [a]) => {
    const [n] = sidesOf(a as Tensor);
    eachItem(y, [a as Tensor], [n * n, 1], ([m], out) => out.fill(determinant(m as Float64Array, n)));
  },
  saves: everyInput,
  backward: (dy, node) => [mul(perMatrix(dy), apply(cofactorOp, [node.input(0)], undefined))],
  batched: 'same',
};

/** The determinant of each square matrix: [..., n, n] → [...]. It has a gradient and a second one where it is 0 too. */
export const det: (a: Tensor) => Tensor = /* @__PURE__ */ ofOne('det', (a) => {
  assertSquare('det', a);
  return apply(detOp, [a], undefined);
});

/** Sign and ln |det| side by side, [..., 2]. */
const slogdetOp: Op<void> = {
  name: 'slogdet',
  shape: ([a]) => [...batchOf(a as Tensor), 2],
  forward: (y, [a]) => {
    const [n] = sidesOf(a as Tensor);
    eachItem(y, [a as Tensor], [n * n, 2], ([m], out) => {
      const { lu, sign } = factor(m as Float64Array, n);
      out[0] = sign;
      for (let i = 0; i < n; i++) {
        const pivot = lu[i * n + i] as number;
        out[0] *= Number.isNaN(pivot) ? pivot : pivot < 0 ? -1 : pivot > 0 ? 1 : 0;
        out[1] = (out[1] as number) + logarithm(Math.abs(pivot));
      }
    });
  },
  saves: everyInput,
  backward: (dy, node) => [mul(perMatrix(select(dy, -1, 1)), mT(inv(node.input(0))))],
  batched: 'same',
};

/** The sign of each determinant and ln |det|, which neither overflows nor underflows; −∞ and sign 0 of a singular matrix. [..., n, n] → [...]. */
export function slogdet(a: Tensor): { sign: Tensor; logabsdet: Tensor } {
  assertArity('slogdet', arguments.length, 1);
  assertSquare('slogdet', a);
  const both = apply(slogdetOp, [a], undefined);
  return { sign: select(both, -1, 0), logabsdet: select(both, -1, 1) };
}

const invOp: Op<void> = {
  name: 'inv',
  forward: (y, [a]) => {
    const [n] = sidesOf(y);
    eachItem(y, [a as Tensor], [n * n, n * n], ([m], out, at) => {
      const x = solved(m as Float64Array, identity(n), n, n);
      if (!x) throw singular('inv', which(y, 2, at));
      out.set(x);
    });
  },
  savesOutput: true,
  backward: (dy, node) => {
    const t = mT(node.output);
    return [neg(matmul(matmul(t, dy), t))];
  },
  batched: 'same',
};

/** The inverse of each square matrix. @throws VALUE where one is singular */
export const inv: (a: Tensor) => Tensor = /* @__PURE__ */ ofOne('inv', (a) => {
  assertSquare('inv', a);
  return apply(invOp, [a], undefined);
});

const solveOp: Op<void> = {
  name: 'solve',
  shape: ([, b]) => (b as Tensor).sizes,
  forward: (y, [a, b]) => {
    const [n, k] = sidesOf(y);
    eachItem(y, [a as Tensor, b as Tensor], [n * n, n * k, n * k], ([m, right], out, at) => {
      const x = solved(m as Float64Array, right as Float64Array, n, k);
      if (!x) throw singular('solve', which(y, 2, at));
      out.set(x);
    });
  },
  saves: () => [true, false],
  savesOutput: true,
  backward: (dy, node) => {
    const db = systems('solve', mT(node.input(0)), dy);
    return [node.needs[0] ? neg(matmul(db, mT(node.output))) : null, db];
  },
  batched: 'same',
};

const systems = (op: string, a: Tensor, b: Tensor): Tensor => apply(solveOp, together(op, a, b), undefined);

/** Options of `solve`. */
export interface SolveOptions {
  /** Whether a stands on the left, a·x = b, as by default, or on the right, x·a = b. */
  left?: boolean;
}

const SOLVE: Kinds<SolveOptions> = { left: FLAG };

/**
 * The x of a·x = b for square a [..., n, n] and b [..., n, k], or b [..., n] of one right side each. Batches broadcast.
 * @throws VALUE where a matrix is singular
 */
export function solve(a: Tensor, b: Tensor, options?: SolveOptions): Tensor {
  const op = 'solve';
  assertArity(op, arguments.length, 3);
  const { left = true } = optionsOf(op, options, SOLVE);
  assertSquare(op, a, 'a');
  assertFloat(op, b, 'b');
  const vector = b.rank === 1 || (b.rank === a.rank - 1 && sameShape(b.sizes, a.sizes.slice(0, -1)));
  const right = vector ? unsqueeze(b, -1) : b;
  const [n] = sidesOf(a);
  if (right.rank < 2 || right.sizes.at(left || vector ? -2 : -1) !== n) throw shapeError(op, 'sizes of a and b differ', [a.sizes, b.sizes], 'b has one row for each row of a.');
  if (left) return vector ? squeeze(systems(op, a, right), -1) : systems(op, a, right);
  if (vector) throw shapeError(op, 'left: false takes no vectors', [a.sizes, b.sizes], 'Write b as [..., 1, n].');
  return mT(systems(op, mT(a), mT(right)));
}
