// Matrices by their diagonals: triangles, diagonals as vectors, vectors as diagonals.
import { call } from '../runtime/call.ts';
import { assertArity, assertTensor, assertWhole, type Kinds, optionsOf, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, valueText } from '../tensor/errors.ts';
import { apply, applyView, copyElements, type Op, type ViewOp } from '../tensor/op.ts';
import { normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
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
function triangle(op: string, x: Tensor, diagonal: number, keeps: (places: Tensor, diagonal: number) => Tensor): Tensor {
  assertWhole(op, 'diagonal', diagonal);
  if (x?.size === 0 && x.rank > 1) return clone(x);
  const places = aside(op, x);
  const most = Math.max(...x.sizes.slice(-2));
  return where(keeps(places, Math.min(Math.max(diagonal, -most), most)), x, constant(0, x.dtype));
}

/** The lower triangle of each matrix, 0 elsewhere; `diagonal` > 0 keeps that many more diagonals above, < 0 drops some. x [..., rows, columns]. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  assertArity('tril', arguments.length, 2);
  return triangle('tril', x, diagonal, le);
}

/** The upper triangle of each matrix, 0 elsewhere, from the given diagonal on. x [..., rows, columns]. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  assertArity('triu', arguments.length, 2);
  return triangle('triu', x, diagonal, ge);
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

/** The options, also where they come by position as in PyTorch: offset, dim1, dim2. */
function diagonalOf(op: string, given: number | DiagonalOptions | undefined, dim1: number | undefined, dim2: number | undefined): DiagonalOptions {
  if (typeof given === 'object' && (dim1 !== undefined || dim2 !== undefined))
    throw new GradloomError('VALUE', op, `takes options or dimensions by position, got ${valueText(given)} and ${valueText(dim1 ?? dim2)}.`);
  return optionsOf(op, typeof given === 'number' || given === undefined ? { offset: given, dim1, dim2 } : given, OPTIONS);
}

/** A diagonal of dimensions dim1 and dim2 (default 0 and 1) as the last dimension; offset, dim1 and dim2 also by position. A view. */
export function diagonal(x: Tensor, options?: number | DiagonalOptions, dim1?: number, dim2?: number): Tensor {
  assertArity('diagonal', arguments.length, 4);
  const op = 'diagonal';
  assertTensor(op, x);
  const given = diagonalOf(op, options, dim1, dim2);
  if (x.rank < 2) throw shapeError(op, 'takes at least two dimensions', [x.sizes], 'diag() makes a matrix of a vector.');
  return applyView(diagonalOp, x, { offset: given.offset ?? 0, ...twoDims(op, given.dim1 ?? 0, given.dim2 ?? 1, x.rank) });
}

/** Matrices with the last dimension's elements on a diagonal, 0 elsewhere; they lie along dim1 and dim2 of the result (default the last two). */
export function diagEmbed(x: Tensor, options?: number | DiagonalOptions, dim1?: number, dim2?: number): Tensor {
  assertArity('diagEmbed', arguments.length, 4);
  const op = 'diagEmbed';
  assertTensor(op, x);
  const given = diagonalOf(op, options, dim1, dim2);
  const offset = given.offset ?? 0;
  const dims = twoDims(op, given.dim1 ?? -2, given.dim2 ?? -1, x.rank + 1);
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
export function trace(x: Tensor): Tensor {
  assertArity('trace', arguments, 1);
  assertTensor('trace', x);
  if (x.rank !== 2) throw shapeError('trace', 'takes a matrix', [x.sizes], 'Use diagonal() and sum().');
  return sum(diagonal(x));
}
