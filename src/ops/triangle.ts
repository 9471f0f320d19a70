// Matrices by their diagonals: triangles, diagonals as vectors, vectors as diagonals.
import { call } from '../runtime/call.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { apply, applyView, copyElements, type Op, type ViewOp } from '../tensor/op.ts';
import { normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { ge, le, sub, where } from './binary.ts';
import { constantList } from './create.ts';
import { narrow, reshape } from './movement.ts';
import { sum } from './reduce.ts';

/** @internal How far right of the diagonal each place of a matrix stands: int32 [rows, columns]. */
export function aside(op: string, x: Tensor): Tensor {
  if (x.rank < 2) throw shapeError(op, 'takes matrices [..., rows, columns]', [x.sizes], 'Reshape the input.');
  const [rows, columns] = x.sizes.slice(-2) as [number, number];
  const places = constantList(Array.from({ length: Math.max(rows, columns) }, (_, i) => i));
  return sub(narrow(places, 0, 0, columns), reshape(narrow(places, 0, 0, rows), [rows, 1]));
}

/** The lower triangle of each matrix, 0 elsewhere; `diagonal` > 0 keeps that many more diagonals above, < 0 drops some. x [..., rows, columns]. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return where(le(aside('tril', x), diagonal), x, 0);
}

/** The upper triangle of each matrix, 0 elsewhere, from the given diagonal on. x [..., rows, columns]. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return where(ge(aside('triu', x), diagonal), x, 0);
}

interface Diagonal {
  offset: number;
  dim1: number;
  dim2: number;
}

/** The window on a diagonal: both dimensions go away, one as long as it comes last. */
function windowOn(x: Tensor, { offset, dim1, dim2 }: Diagonal): { shape: number[]; strides: number[]; offset: number } {
  const [n, m] = [x.sizes[dim1] as number, x.sizes[dim2] as number];
  const [s, t] = [x.steps[dim1] as number, x.steps[dim2] as number];
  const length = Math.max(0, offset >= 0 ? Math.min(n, m - offset) : Math.min(n + offset, m));
  const rest = <T>(list: readonly T[]): T[] => list.filter((_, i) => i !== dim1 && i !== dim2);
  const start = length === 0 ? 0 : offset >= 0 ? offset * t : -offset * s;
  return { shape: [...rest(x.sizes), length], strides: [...rest(x.steps), s + t], offset: x.offset + start };
}

const diagonalOp: ViewOp<Diagonal> = {
  name: 'diagonal',
  window: windowOn,
  backward: (dy, node) => apply(embedOp, [dy], { ...node.attrs, shape: node.shapes[0] as Shape }),
};

/** Zeros of the given shape with dy on the diagonal. */
const embedOp: Op<Diagonal & { shape: Shape }> = {
  name: 'diagEmbed',
  shape: (_, { shape }) => shape,
  strided: true,
  forward: (y, [dy], attrs) => {
    call('fill', y.address, y.size, 0);
    const { shape, strides, offset } = windowOn(y, attrs);
    copyElements(dy as Tensor, new Tensor(y.storage, shape, y.dtype, strides, offset));
  },
  backward: (u, { attrs }) => [applyView(diagonalOp, u, attrs)],
};

function twoDims(op: string, dim1: number, dim2: number, rank: number): { dim1: number; dim2: number } {
  const [a, b] = [normalizeDim(op, dim1, rank), normalizeDim(op, dim2, rank)];
  if (a === b) throw new GradloomError('DIM', op, `needs two dimensions, got ${dim1} twice.`);
  return { dim1: a, dim2: b };
}

/** A diagonal of dimensions dim1 and dim2 as the last dimension; `offset` > 0 lies above the main one. A view. */
export function diagonal(x: Tensor, options: { offset?: number; dim1?: number; dim2?: number } = {}): Tensor {
  const { offset = 0, dim1 = 0, dim2 = 1 } = options;
  if (x.rank < 2) throw shapeError('diagonal', 'takes at least two dimensions', [x.sizes], 'diag() makes a matrix of a vector.');
  return applyView(diagonalOp, x, { offset, ...twoDims('diagonal', dim1, dim2, x.rank) });
}

/** Matrices with the last dimension's elements on a diagonal, 0 elsewhere; they lie along dim1 and dim2 of the result. */
export function diagEmbed(x: Tensor, options: { offset?: number; dim1?: number; dim2?: number } = {}): Tensor {
  const { offset = 0, dim1 = -2, dim2 = -1 } = options;
  const dims = twoDims('diagEmbed', dim1, dim2, x.rank + 1);
  const side = (x.sizes.at(-1) ?? 1) + Math.abs(offset);
  const outer = [...x.sizes.slice(0, -1)];
  const shape = Array.from({ length: x.rank + 1 }, (_, i) => (i === dims.dim1 || i === dims.dim2 ? side : (outer.shift() as number)));
  return apply(embedOp, [x], { offset, ...dims, shape });
}

/** A vector as the diagonal of a square matrix; a matrix's diagonal as a vector. */
export function diag(x: Tensor, offset = 0): Tensor {
  if (x.rank !== 1 && x.rank !== 2) throw shapeError('diag', 'takes a vector or a matrix', [x.sizes], 'Use diagonal() or diagEmbed().');
  return x.rank === 1 ? diagEmbed(x, { offset }) : diagonal(x, { offset });
}

/** The sum of a matrix's diagonal. */
export function trace(x: Tensor): Tensor {
  if (x.rank !== 2) throw shapeError('trace', 'takes a matrix', [x.sizes], 'Use diagonal() and sum().');
  return sum(diagonal(x));
}
