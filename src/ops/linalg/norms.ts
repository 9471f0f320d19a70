// Norms of vectors and matrices, and the cross product, as `torch.linalg` has them.
import { assertArity, DIMS, either, FLAG, type Kind, type Kinds, NUMBER, oneOf, optionsBy, optionsOf, valueText, WHOLE } from '../../tensor/check.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import { normalizeDim } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { assertFloat } from '../convert.ts';
import { amax, amin, norm as elementNorm } from '../moments.ts';
import { flatten, permute, unsqueeze } from '../movement.ts';
import { crossAlong } from '../products.ts';
import { sum } from '../reduce.ts';
import { abs } from '../unary.ts';
import { assertMatrices } from './matrices.ts';
import { svdvals } from './svd.ts';

/** Which norm of a matrix: 'fro' √Σa², 'nuc' Σ of the singular values, ±2 the largest or smallest of them, ±1 sums of columns, ±∞ of rows. */
export type MatrixOrder = 'fro' | 'nuc' | number;

/** Options of `matrixNorm`. */
export interface MatrixNormOptions {
  /** Which norm; default 'fro'. */
  ord?: MatrixOrder;
  /** The two dimensions of the matrices; default the last two. */
  dim?: readonly [number, number];
  /** Whether they stay with size 1; default false. */
  keepdim?: boolean;
}

const ORDER: Kind = /* @__PURE__ */ either(oneOf('fro', 'nuc'), NUMBER);
const MATRIX: Kinds<MatrixNormOptions> = { ord: ORDER, dim: DIMS, keepdim: FLAG };

/** The norm of each matrix: matrixNorm(a, ord, dim, keepdim) or matrixNorm(a, { ord, dim, keepdim }). The gradient is shared among equals. */
export function matrixNorm(a: Tensor, ...given: [ord?: MatrixOrder | MatrixNormOptions, dim?: readonly [number, number], keepdim?: boolean]): Tensor {
  const op = 'matrixNorm';
  assertMatrices(op, a);
  const { ord = 'fro', dim = [-2, -1], keepdim = false } = optionsBy(op, given, MATRIX) as MatrixNormOptions;
  return ofMatrices(op, a, ord, dim, keepdim);
}

function ofMatrices(op: string, a: Tensor, ord: MatrixOrder, dim: readonly number[], keepdim: boolean): Tensor {
  const dims = (Array.isArray(dim) ? dim : [dim]).map((d: number) => normalizeDim(op, d, a.rank));
  const [rows, columns] = dims as [number, number];
  if (dims.length !== 2 || rows === columns) throw new GradloomError('DIM', op, `a matrix has two dimensions, got ${valueText(dim)}. Write [-2, -1].`);
  if (ord === 'fro') return elementNorm(a, { dim: dims, keepdim });
  const size = typeof ord === 'number' ? Math.abs(ord) : ord;
  const choose = (ord as number) < 0 ? amin : amax;
  if (size === 1 || size === Number.POSITIVE_INFINITY) {
    const [along, other] = size === 1 ? [rows, columns] : [columns, rows];
    const sums = sum(abs(a), { dim: along, keepdim });
    return choose(sums, { dim: keepdim || other < along ? other : other - 1, keepdim });
  }
  if (size !== 2 && size !== 'nuc') throw valueError(op, `ord must be 'fro', 'nuc', ±1, ±2 or ±Infinity for a matrix, got ${valueText(ord)}.`);
  const rest = [...a.sizes.keys()].filter((d) => !dims.includes(d));
  const values = svdvals(permute(a, [...rest, rows, columns]));
  const y = ord === 'nuc' ? sum(values, -1) : choose(values, -1);
  return keepdim ? [...dims].sort((p, q) => p - q).reduce((t, d) => unsqueeze(t, d), y) : y;
}

/** Options of `vectorNorm`. */
export interface VectorNormOptions {
  /** The exponent; default 2. */
  ord?: number;
  /** The dimension to reduce, or several; default all. */
  dim?: number | readonly number[];
  /** Whether they stay with size 1; default false. */
  keepdim?: boolean;
}

const VECTOR: Kinds<VectorNormOptions> = { ord: NUMBER, dim: DIMS, keepdim: FLAG };

/** The norm of elements as of one vector: vectorNorm(x, ord, dim, keepdim) or vectorNorm(x, { ord, dim, keepdim }), as `norm` of tensors. */
export function vectorNorm(x: Tensor, ...given: [ord?: number | VectorNormOptions, dim?: number | readonly number[], keepdim?: boolean]): Tensor {
  const { ord, dim, keepdim } = optionsBy('vectorNorm', given, VECTOR);
  return elementNorm(x, { p: ord, dim, keepdim });
}

/** Options of `linalg.norm`. */
export interface LinalgNormOptions {
  /** Which norm; by default the root of the sum of squares of everything. */
  ord?: MatrixOrder;
  /** One dimension of vectors, two of matrices; default all. */
  dim?: number | readonly number[];
  /** Whether they stay with size 1; default false. */
  keepdim?: boolean;
}

const EITHER: Kinds<LinalgNormOptions> = { ord: ORDER, dim: DIMS, keepdim: FLAG };

/** The norm of vectors (one dimension) or matrices (two), or of everything: norm(x, ord, dim, keepdim) or norm(x, { ord, dim, keepdim }). */
export function norm(x: Tensor, ...given: [ord?: MatrixOrder | LinalgNormOptions, dim?: number | readonly number[], keepdim?: boolean]): Tensor {
  const op = 'norm';
  assertFloat(op, x);
  const { ord, dim, keepdim = false } = optionsBy(op, given, EITHER);
  if (ord === undefined) return elementNorm(dim === undefined && !keepdim ? flatten(x) : x, { dim, keepdim });
  const dims = dim === undefined ? [...x.sizes.keys()] : typeof dim === 'number' ? [dim] : dim;
  if (dims.length === 2) return ofMatrices(op, x, ord, dims, keepdim);
  if (dims.length > 2) throw new GradloomError('DIM', op, `ord ${valueText(ord)} needs one or two dimensions, got ${dims.length}. Name them.`);
  if (typeof ord === 'string') throw valueError(op, `ord '${ord}' is a norm of matrices. Name two dimensions.`);
  return elementNorm(x, { p: ord, dim, keepdim });
}

/** Options of `linalg.cross`. */
export interface CrossOptions {
  /** The dimension of size 3; default the last. */
  dim?: number;
}

const CROSS: Kinds<CrossOptions> = { dim: WHOLE };

/** a × b along a dimension of size 3, the last by default. Shapes broadcast. */
export function cross(a: Tensor, b: Tensor, options?: CrossOptions): Tensor {
  assertArity('cross', arguments.length, 3);
  const { dim = -1 } = optionsOf('cross', options, CROSS);
  assertFloat('cross', a);
  return crossAlong('cross', a, b, dim);
}
