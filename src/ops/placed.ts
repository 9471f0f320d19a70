// Parts put back where views show them, turns by right angles, and the places of triangles.
import { assertArity, assertSameType, assertTensor, assertWhole, type Kinds, ofOne, optionsBy, valueText } from '../tensor/check.ts';
import { viewOf } from '../tensor/dtype.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { MOST_SIZE, normalizeDim, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { flip } from './arrange.ts';
import { computed } from './create.ts';
import { write } from './inplace.ts';
import { clone, selectAs, sliceAs, transpose } from './movement.ts';
import { diagonal, type DiagonalOptions } from './triangle.ts';

/** A copy of x with `source` in the part that a view of it shows. */
function placed(op: string, x: Tensor, source: Tensor, view: (x: Tensor) => Tensor): Tensor {
  assertTensor(op, x);
  assertTensor(op, source, 'the source');
  assertSameType(op, x, source);
  const y = clone(x);
  const part = view(y);
  if (!sameShape(part.sizes, source.sizes)) throw shapeError(op, 'the source does not fit its place', [part.sizes, source.sizes], 'They must be equal.');
  write(op, part, clone(source), true);
  return y;
}

/** x with `source` at one index of a dimension. A copy. */
export function selectScatter(x: Tensor, source: Tensor, dim: number, index: number): Tensor {
  const op = 'selectScatter';
  assertArity(op, arguments.length, 4);
  return placed(op, x, source, (y) => selectAs(op, y, dim, index, false));
}

/** x with `source` at start, start + step, … below `end` along a dimension, as `slice` takes them. A copy. */
export function sliceScatter(x: Tensor, source: Tensor, dim = 0, start = 0, end = MOST_SIZE, step = 1): Tensor {
  const op = 'sliceScatter';
  assertArity(op, arguments.length, 6);
  return placed(op, x, source, (y) => sliceAs(op, y, dim, start, end, step));
}

/** x with `source` on a diagonal, as `diagonal` takes it. A copy. */
export function diagonalScatter(x: Tensor, source: Tensor, ...given: [offset?: number | DiagonalOptions, dim1?: number, dim2?: number]): Tensor {
  return placed('diagonalScatter', x, source, (y) => diagonal(y, ...given));
}

/** x turned by k right angles in the plane of two dimensions (default the first two), from the first to the second. A copy. */
export function rot90(x: Tensor, k = 1, dims: readonly number[] = [0, 1]): Tensor {
  const op = 'rot90';
  assertArity(op, arguments.length, 3);
  assertTensor(op, x);
  assertWhole(op, 'k', k);
  if (!Array.isArray(dims) || dims.length !== 2) throw new GradloomError('DIM', op, `needs two dimensions, got ${valueText(dims)}.`);
  if (x.rank < 2) throw shapeError(op, 'takes at least two dimensions', [x.sizes], 'Use unsqueeze.');
  const [a, b] = dims.map((d) => normalizeDim(op, d, x.rank)) as [number, number];
  if (a === b) throw new GradloomError('DIM', op, `needs two dimensions, got ${valueText(dims)}.`);
  const turns = ((k % 4) + 4) % 4;
  if (turns === 0) return clone(x);
  if (turns === 2) return flip(x, [a, b]);
  return clone(transpose(flip(x, turns === 1 ? b : a), a, b));
}

/** x with its columns, the second dimension, in reverse. A copy. */
export const fliplr: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('fliplr', (x) => {
  if (x.rank < 2) throw shapeError('fliplr', 'takes at least two dimensions', [x.sizes], 'Use flip(0).');
  return flip(x, 1);
});

/** x with its rows, the first dimension, in reverse. A copy. */
export const flipud: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('flipud', (x) => {
  if (x.rank < 1) throw shapeError('flipud', 'takes at least one dimension', [x.sizes], 'Use unsqueeze(0).');
  return flip(x, 0);
});

interface TrianglePlaces {
  /** Which diagonal bounds it: above the main one where > 0; default 0. */
  offset?: number;
}

function trianglePlaces(op: string, rows: number, columns: number, given: readonly unknown[], inside: (i: number, j: number) => boolean): Tensor {
  assertWhole(op, 'rows', rows, 0);
  assertWhole(op, 'columns', columns, 0);
  if (rows * columns > MOST_SIZE) throw new GradloomError('MEMORY', op, `no room for the places of ${rows} × ${columns}.`);
  const kinds: Kinds<TrianglePlaces> = { offset: { what: 'a whole number', test: Number.isSafeInteger } };
  const { offset = 0 } = optionsBy<TrianglePlaces>(op, given, kinds);
  const places: number[] = [];
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) if (inside(i + offset, j)) places.push(i, j);
  const count = places.length / 2;
  return computed(op, `${rows} ${columns} ${offset}`, [2, count], 'int32', false, (y) => {
    const memory = viewOf('int32');
    for (let k = 0, at = y.address / 4; k < count; k++) [memory[at + k], memory[at + count + k]] = [places[2 * k] as number, places[2 * k + 1] as number];
  });
}

/** Rows and columns of the places in the lower triangle of a matrix, in row-major order: int32 [2, count]. trilIndices(rows, columns, offset) or { offset }. */
export function trilIndices(rows: number, columns: number, ...given: [offset?: number | { offset?: number }]): Tensor {
  return trianglePlaces('trilIndices', rows, columns, given, (i, j) => j <= i);
}

/** Rows and columns of the places in the upper triangle, as `trilIndices`. */
export function triuIndices(rows: number, columns: number, ...given: [offset?: number | { offset?: number }]): Tensor {
  return trianglePlaces('triuIndices', rows, columns, given, (i, j) => j >= i);
}
