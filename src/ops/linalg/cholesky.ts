// Cholesky's factor, and systems of triangular matrices.
import { assertArity, FLAG, type Kinds, optionsOf } from '../../tensor/check.ts';
import { GradloomError, shapeError } from '../../tensor/errors.ts';
import { apply, type Op } from '../../tensor/op.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { add, mul, sub } from '../binary.ts';
import { matmul } from '../matmul.ts';
import { neg } from '../unary.ts';
import { diagEmbed, diagonal, tril, triu } from '../triangle.ts';
import { assertMatrices, assertSquare, eachItem, mT, sidesOf, singular, together, which } from './matrices.ts';

/** @internal The lower triangle with its diagonal halved. */
export function halved(x: Tensor): Tensor {
  return sub(tril(x), mul(diagEmbed(diagonal(x, { dim1: -2, dim2: -1 })), 0.5));
}

const choleskyOp: Op<void> = {
  name: 'cholesky',
  forward: (y, [a]) => {
    const [n] = sidesOf(y);
    eachItem(y, [a as Tensor], [n * n, n * n], ([item], l, at) => {
      const m = item as Float64Array;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) {
          let sum = m[i * n + j] as number;
          for (let k = 0; k < j; k++) sum -= (l[i * n + k] as number) * (l[j * n + k] as number);
          if (i === j && !(sum > 0))
            throw new GradloomError('VALUE', 'cholesky', `${which(y, 2, at)} is not positive definite: its leading part of size ${i + 1} is not. Add to its diagonal.`);
          l[i * n + j] = i === j ? Math.sqrt(sum) : sum / (l[j * n + j] as number);
        }
      }
    });
  },
  savesOutput: true,
  backward: (dy, node) => {
    const l = node.output;
    const left = triangular(mT(l), halved(matmul(mT(l), dy)), true, false);
    const s = mT(triangular(mT(l), mT(left), true, false)); // L⁻ᵀ·Φ·L⁻¹
    return [mul(add(s, mT(s)), 0.5)];
  },
  batched: 'same',
};

/** Options of `cholesky`. */
export interface CholeskyOptions {
  /** Whether the upper factor is given, of which a = uᵀ·u; not by default. */
  upper?: boolean;
}

const CHOLESKY: Kinds<CholeskyOptions> = { upper: FLAG };

/**
 * The lower triangular l with a = l·lᵀ of each symmetric positive definite matrix [..., n, n]; only its lower triangle is read.
 * @throws VALUE where a matrix is not positive definite
 */
export function cholesky(a: Tensor, options?: CholeskyOptions): Tensor {
  assertArity('cholesky', arguments.length, 2);
  const { upper = false } = optionsOf('cholesky', options, CHOLESKY);
  assertSquare('cholesky', a);
  const l = apply(choleskyOp, [a], undefined);
  return upper ? mT(l) : l;
}

interface Triangle {
  upper: boolean;
  unit: boolean;
}

const triangularOp: Op<Triangle> = {
  name: 'solveTriangular',
  shape: ([, b]) => (b as Tensor).sizes,
  forward: (y, [a, b], { upper, unit }) => {
    const [n, k] = sidesOf(y);
    eachItem(y, [a as Tensor, b as Tensor], [n * n, n * k, n * k], ([t, right], x, at) => {
      const [m, r] = [t as Float64Array, right as Float64Array];
      for (let step = 0; step < n; step++) {
        const i = upper ? n - 1 - step : step;
        const pivot = unit ? 1 : (m[i * n + i] as number);
        if (pivot === 0) throw singular('solveTriangular', which(y, 2, at));
        for (let c = 0; c < k; c++) {
          let sum = r[i * k + c] as number;
          for (let done = 0; done < step; done++) {
            const j = upper ? n - 1 - done : done;
            sum -= (m[i * n + j] as number) * (x[j * k + c] as number);
          }
          x[i * k + c] = sum / pivot;
        }
      }
    });
  },
  saves: () => [true, false],
  savesOutput: true,
  backward: (dy, node) => {
    const { upper, unit } = node.attrs;
    const db = triangular(mT(node.input(0)), dy, !upper, unit);
    if (!node.needs[0]) return [null, db];
    const da = neg(matmul(db, mT(node.output)));
    return [upper ? triu(da, unit ? 1 : 0) : tril(da, unit ? -1 : 0), db];
  },
  batched: 'same',
};

/** @internal The x of a·x = b for triangular a. */
export function triangular(a: Tensor, b: Tensor, upper: boolean, unit: boolean): Tensor {
  return apply(triangularOp, together('solveTriangular', a, b), { upper, unit });
}

/** Options of `solveTriangular`. */
export interface TriangularOptions {
  /** Whether the upper triangle of a counts, or the lower one. */
  upper: boolean;
  /** Whether a stands on the left, a·x = b, as by default, or on the right, x·a = b. */
  left?: boolean;
  /** Whether a's diagonal counts as ones, whatever stands there; not by default. */
  unitriangular?: boolean;
}

const TRIANGULAR: Kinds<TriangularOptions> = { upper: FLAG, left: FLAG, unitriangular: FLAG };

/**
 * The x of a·x = b for triangular a [..., n, n], of which only that triangle is read, and b [..., n, k]. Batches broadcast.
 * @throws VALUE where a's diagonal holds a 0
 */
export function solveTriangular(a: Tensor, b: Tensor, options: TriangularOptions): Tensor {
  const op = 'solveTriangular';
  assertArity(op, arguments.length, 3);
  const { upper, left = true, unitriangular = false } = optionsOf(op, options, TRIANGULAR);
  if (upper === undefined) throw new GradloomError('VALUE', op, 'the option upper is missing. Write { upper: true } or { upper: false }.');
  assertSquare(op, a, 'a');
  assertMatrices(op, b, 'b');
  if (b.sizes.at(left ? -2 : -1) !== a.sizes.at(-1)) throw shapeError(op, 'sizes of a and b differ', [a.sizes, b.sizes], 'b has one row for each row of a.');
  return left ? triangular(a, b, upper, unitriangular) : mT(triangular(mT(a), mT(b), !upper, unitriangular));
}

/** The x of a·x = b, given Cholesky's factor l of a = l·lᵀ (or u of uᵀ·u where `upper`): b [..., n, k], l [..., n, n]. Batches broadcast. */
export function choleskySolve(b: Tensor, l: Tensor, options?: CholeskyOptions): Tensor {
  const op = 'choleskySolve';
  assertArity(op, arguments.length, 3);
  const { upper = false } = optionsOf(op, options, CHOLESKY);
  assertMatrices(op, b, 'b');
  assertSquare(op, l, 'l');
  if (b.sizes.at(-2) !== l.sizes.at(-1)) throw shapeError(op, 'sizes of b and l differ', [b.sizes, l.sizes], 'b has one row for each row of l.');
  const lower = upper ? mT(l) : l;
  return triangular(mT(lower), triangular(lower, b, false, false), true, false);
}
