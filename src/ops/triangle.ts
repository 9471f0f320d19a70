// Matrices by their diagonals: triangles, diagonals as vectors, vectors as diagonals.
import { assertArity, assertTensor, assertWhole, type Kinds, ofOne, optionsBy, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { apply, applyView, forEach, intoZeros, type ViewOp } from '../tensor/op.ts';
import { normalizeDim, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ge, le, sub, where } from './binary.ts';
import { constant, constantList } from './create.ts';
import { clone, narrow, reshape } from './movement.ts';
import { sum } from './reduce.ts';

/** @internal How far right of the diagonal each place of a matrix stands: int32 [rows, columns]. */
export function aside(op: string, x: Tensor): Tensor {
  assertTensor(op, x);
  if (x.rank < 2) throw shapeError(op, 'takes matrices [..., rows, columns]', [x.sizes], 'Reshape the input.');
  const [rows, columns] = x.sizes.slice(-2) as [number, number];
  const places = constantList(Array.from({ length: Math.max(rows, columns) }, (_, i) => i));
  return sub(narrow(places, 0, 0, columns), reshape(narrow(places, 0, 0, rows), [rows, 1]));
}

/** A triangle of each matrix: where `keeps` says so of a place and the diagonal. */
function triangle(op: string, x: Tensor, diagonal: number, count: number, keeps: (places: Tensor, diagonal: number) => Tensor): Tensor {
  assertArity(op, count, 2);
  assertWhole(op, 'diagonal', diagonal);
  if (x?.size === 0 && x.rank > 1) return clone(x);
  const places = aside(op, x);
  const most = Math.max(...x.sizes.slice(-2));
  return where(keeps(places, Math.min(Math.max(diagonal, -most), most)), x, constant(0, x.dtype));
}

/** The lower triangle of each matrix, 0 elsewhere; `diagonal` > 0 keeps that many more diagonals above, < 0 drops some. x [..., rows, columns]. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return triangle('tril', x, diagonal, arguments.length, le);
}

/** The upper triangle of each matrix, 0 elsewhere, from the given diagonal on. x [..., rows, columns]. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return triangle('triu', x, diagonal, arguments.length, ge);
}

interface Diagonal {
  offset: number;
  dim1: number;
  dim2: number;
}

/** Both dimensions go away, one as long as the diagonal comes last. */
const diagonalOp: ViewOp<Diagonal> = {
  name: 'diagonal',
  window: (x, { offset, dim1, dim2 }) => {
    const [n, m] = [x.sizes[dim1] as number, x.sizes[dim2] as number];
    const [s, t] = [x.steps[dim1] as number, x.steps[dim2] as number];
    const length = Math.max(0, Math.min(n, m, n + offset, m - offset));
    const rest = (list: readonly number[]): number[] => list.filter((_, i) => i !== dim1 && i !== dim2);
    const start = length === 0 ? 0 : offset >= 0 ? offset * t : -offset * s;
    return { shape: [...rest(x.sizes), length], strides: [...rest(x.steps), s + t], offset: x.offset + start };
  },
  backward: (dy, node) => apply(embedOp, [dy], { ...node.attrs, shape: node.shapes[0] as Shape }),
  batched: (dy, { attrs: { offset, dim1, dim2 }, shapes }) => apply(embedOp, [dy], { offset, dim1: dim1 + 1, dim2: dim2 + 1, shape: forEach(dy, shapes[0]) }),
};

const embedOp = /* @__PURE__ */ intoZeros('diagEmbed', diagonalOp);

function twoDims(op: string, dim1: number, dim2: number, rank: number): { dim1: number; dim2: number } {
  const [a, b] = [normalizeDim(op, dim1, rank), normalizeDim(op, dim2, rank)];
  if (a === b) throw new GradloomError('DIM', op, `needs two dimensions, got ${dim1} twice.`);
  return { dim1: a, dim2: b };
}

/** Which diagonal: `offset` > 0 lies above the main one; the dimensions that it runs along. */
export interface DiagonalOptions {
  /** Which diagonal: above the main one where > 0, below it where < 0; default 0. */
  offset?: number;
  /** The first of the two dimensions that it runs along. */
  dim1?: number;
  /** The second one. */
  dim2?: number;
}

const OPTIONS: Kinds<DiagonalOptions> = { offset: WHOLE, dim1: WHOLE, dim2: WHOLE };

/** A diagonal of dimensions dim1 and dim2 (default 0 and 1) as the last dimension; offset, dim1 and dim2 also by position. A view. */
export function diagonal(x: Tensor, ...given: [offset?: number | DiagonalOptions, dim1?: number, dim2?: number]): Tensor {
  const op = 'diagonal';
  assertTensor(op, x);
  const { offset = 0, dim1 = 0, dim2 = 1 } = optionsBy(op, given, OPTIONS);
  if (x.rank < 2) throw shapeError(op, 'takes at least two dimensions', [x.sizes], 'diag() makes a matrix of a vector.');
  return applyView(diagonalOp, x, { offset, ...twoDims(op, dim1, dim2, x.rank) });
}

/** Matrices with the last dimension's elements on a diagonal, 0 elsewhere; they lie along dim1 and dim2 of the result (default the last two). */
export function diagEmbed(x: Tensor, ...given: [offset?: number | DiagonalOptions, dim1?: number, dim2?: number]): Tensor {
  const op = 'diagEmbed';
  assertTensor(op, x);
  const { offset = 0, dim1 = -2, dim2 = -1 } = optionsBy(op, given, OPTIONS);
  const dims = twoDims(op, dim1, dim2, x.rank + 1);
  if (x.rank === 0) throw shapeError(op, 'takes at least one dimension', [x.sizes], 'Use unsqueeze(0).');
  const side = (x.sizes.at(-1) as number) + Math.abs(offset);
  const outer = [...x.sizes.slice(0, -1)];
  const shape = Array.from({ length: x.rank + 1 }, (_, i) => (i === dims.dim1 || i === dims.dim2 ? side : (outer.shift() as number)));
  return apply(embedOp, [x], { offset, ...dims, shape });
}

/** A vector as the diagonal of a square matrix; a matrix's diagonal as a vector. */
export function diag(x: Tensor, offset = 0): Tensor {
  assertArity('diag', arguments.length, 2);
  assertTensor('diag', x);
  assertWhole('diag', 'offset', offset);
  if (x.rank !== 1 && x.rank !== 2) throw shapeError('diag', 'takes a vector or a matrix', [x.sizes], 'Use diagonal() or diagEmbed().');
  return x.rank === 1 ? diagEmbed(x, { offset }) : diagonal(x, { offset });
}

/** The sum of a matrix's diagonal. */
export const trace: (x: Tensor) => Tensor = ofOne('trace', (x) => {
  if (x.rank !== 2) throw shapeError('trace', 'takes a matrix', [x.sizes], 'Use diagonal() and sum().');
  return sum(diagonal(x));
});
