// Tensors side by side and apart under NumPy's names; shapes brought to a common one.
import { assertArity, assertTensor, assertTensors, assertWhole, dimensionOf, type Sizes, sizesOf, valueText } from '../tensor/check.ts';
import { promote } from '../tensor/dtype.ts';
import { GradloomError, shapeError, shapeText } from '../tensor/errors.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { broadcastShapes, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { to } from './convert.ts';
import { full } from './create.ts';
import { cat, clone, movedAs, narrowAs, reshape, transpose } from './movement.ts';
import { expand } from './reduce.ts';

/** A list of tensors, or tensors one by one. */
export type TensorList = readonly [readonly Tensor[]] | readonly Tensor[];

/** @internal Tensors that were given as a list or one by one. */
export function listOf(op: string, given: TensorList, least = 0): readonly Tensor[] {
  const list = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
  assertTensors(op, list, 'tensors', least);
  return list;
}

const raise1 = (s: Shape): Shape => (s.length === 0 ? [1] : s);
const raise2 = (s: Shape): Shape => (s.length < 2 ? [1, ...raise1(s)] : s);
const raise3 = (s: Shape): Shape => (s.length < 3 ? [...raise2(s), 1] : s);

/** Each with the dimensions that it lacks, all of the widest type, joined. */
function joined(op: string, count: number, given: readonly Tensor[], raise: (s: Shape) => Shape, dim: (first: Tensor) => number): Tensor {
  assertArity(op, count, 1);
  assertTensors(op, given, 'tensors', 1);
  const dtype = given.reduce((type, x) => promote(type, x.dtype), 'bool' as Tensor['dtype']);
  const raised = given.map((x) => reshape(to(x, dtype), raise(x.sizes)));
  const first = raised[0] as Tensor;
  const at = dim(first);
  const odd = raised.find((x) => x.rank !== first.rank || x.sizes.some((n, i) => i !== at && n !== first.sizes[i]));
  if (odd) throw shapeError(op, `sizes differ outside dimension ${at}`, [first.sizes, odd.sizes], 'They must match there.');
  return cat(raised, at);
}

/** Tensors joined along the second dimension, vectors and scalars along the first. */
export function hstack(tensors: readonly Tensor[]): Tensor {
  return joined('hstack', arguments.length, tensors, raise1, (first) => (first.rank === 1 ? 0 : 1));
}

/** Tensors joined along the first dimension; vectors are rows. */
export function vstack(tensors: readonly Tensor[]): Tensor {
  return joined('vstack', arguments.length, tensors, raise2, () => 0);
}

/** Tensors joined along the third dimension, which matrices and vectors get. */
export function dstack(tensors: readonly Tensor[]): Tensor {
  return joined('dstack', arguments.length, tensors, raise3, () => 2);
}

/** Tensors joined along the second dimension; vectors and scalars are columns. */
export function columnStack(tensors: readonly Tensor[]): Tensor {
  return joined(
    'columnStack',
    arguments.length,
    tensors,
    (s) => (s.length < 2 ? [s[0] ?? 1, 1] : s),
    () => 1,
  );
}

function raised(op: string, given: TensorList | [Tensor], raise: (s: Shape) => Shape): Tensor | Tensor[] {
  const list = listOf(op, given as TensorList).map((x) => reshape(x, raise(x.sizes)));
  return given.length === 1 && !Array.isArray(given[0]) ? (list[0] as Tensor) : list;
}

/** A scalar as a vector of one; others as they are. A view. */
export function atleast1d(x: Tensor): Tensor;
/** The same of several: a list, or one by one. */
export function atleast1d(...tensors: TensorList): Tensor[];
export function atleast1d(...given: TensorList): Tensor | Tensor[] {
  return raised('atleast1d', given, raise1);
}

/** A vector or scalar as one row; others as they are. A view. */
export function atleast2d(x: Tensor): Tensor;
/** The same of several: a list, or one by one. */
export function atleast2d(...tensors: TensorList): Tensor[];
export function atleast2d(...given: TensorList): Tensor | Tensor[] {
  return raised('atleast2d', given, raise2);
}

/** A matrix [n, m] as [n, m, 1], a vector as [1, n, 1]; others as they are. A view. */
export function atleast3d(x: Tensor): Tensor;
/** The same of several: a list, or one by one. */
export function atleast3d(...tensors: TensorList): Tensor[];
export function atleast3d(...given: TensorList): Tensor | Tensor[] {
  return raised('atleast3d', given, raise3);
}

/** Where pieces end: in so many of nearly one size, or at the listed places. */
function pieces(op: string, x: Tensor, parts: number | readonly number[] | Tensor, dim: number, even: boolean): Tensor[] {
  const at = dimensionOf(op, x, dim);
  const n = x.sizes[at] as number;
  if (parts instanceof Tensor) refuseWhileRecording(op, 'its places are read from a tensor', 'Give a list.');
  const told = parts instanceof Tensor ? (parts.rank === 0 ? parts.item() : [...parts.data()]) : parts;
  if (!Array.isArray(told)) {
    assertWhole(op, 'the number of pieces', told, 1);
    const count = told as number;
    if (even && n % count !== 0)
      throw new GradloomError('SHAPE', op, `dimension ${at} of ${shapeText(x.sizes)} does not part into ${count} equal pieces. tensorSplit takes any number.`);
    if (count > 2 ** 20) throw new GradloomError('MEMORY', op, `no room for ${count} views, at most 2²⁰. Reshape instead, or take larger pieces.`);
    const size = Math.floor(n / count);
    let start = 0;
    return Array.from({ length: count }, (_, i) => {
      const length = size + (i < n % count ? 1 : 0);
      start += length;
      return narrowAs(op, x, at, start - length, length, true);
    });
  }
  for (let i = 0; i < told.length; i++) assertWhole(op, `places[${i}]`, told[i]);
  const bound = (place: number): number => Math.min(Math.max(place < 0 ? place + n : place, 0), n);
  return [...told, n].map((end, i) => {
    const [from, to] = [i === 0 ? 0 : bound(told[i - 1] as number), i === told.length ? n : bound(end as number)];
    return narrowAs(op, x, at, from, Math.max(0, to - from), true);
  });
}

/** Pieces along a dimension, as views: so many of nearly one size, the first ones longer by one, or those that end at the listed places. */
export function tensorSplit(x: Tensor, parts: number | readonly number[] | Tensor, dim = 0): Tensor[] {
  assertArity('tensorSplit', arguments.length, 3);
  return pieces('tensorSplit', x, parts, dim, false);
}

function splitAt(op: string, x: Tensor, parts: number | readonly number[], count: number, least: number, dim: number): Tensor[] {
  assertArity(op, count, 2);
  assertTensor(op, x);
  if (x.rank < least) throw shapeError(op, `takes at least ${least} dimension${least === 1 ? '' : 's'}`, [x.sizes], 'Use unsqueeze.');
  return pieces(op, x, parts, dim, true);
}

/** Pieces along the second dimension, of a vector along the first: so many equal ones, or those that end at the listed places. Views. */
export function hsplit(x: Tensor, parts: number | readonly number[]): Tensor[] {
  return splitAt('hsplit', x, parts, arguments.length, 1, x?.rank === 1 ? 0 : 1);
}

/** Pieces along the first dimension, as `hsplit`. */
export function vsplit(x: Tensor, parts: number | readonly number[]): Tensor[] {
  return splitAt('vsplit', x, parts, arguments.length, 2, 0);
}

/** Pieces along the third dimension, as `hsplit`. */
export function dsplit(x: Tensor, parts: number | readonly number[]): Tensor[] {
  return splitAt('dsplit', x, parts, arguments.length, 3, 2);
}

/** Tensors, a list or one by one, as views of the shape that all broadcast to. */
export function broadcastTensors(...tensors: TensorList): Tensor[] {
  const list = listOf('broadcastTensors', tensors);
  const shape = list.reduce((s: Shape, x) => broadcastShapes('broadcastTensors', s, x.sizes), []);
  return list.map((x) => expand(x, shape));
}

/** x as a view of a shape that it broadcasts to, given as a list or size by size. */
export function broadcastTo(x: Tensor, ...shape: Sizes): Tensor {
  const op = 'broadcastTo';
  assertTensor(op, x);
  return expand(x, sizesOf(op, shape, -1));
}

/** Two dimensions swapped, as `transpose`. A view. */
export function swapaxes(x: Tensor, axis0: number, axis1: number): Tensor {
  assertArity('swapaxes', arguments.length, 3);
  return transpose(x, axis0, axis1);
}

/** One dimension, or a list of them, moved to other places, as `movedim`. A view. */
export function moveaxis(x: Tensor, from: number | readonly number[], to: number | readonly number[]): Tensor {
  assertArity('moveaxis', arguments.length, 3);
  return movedAs('moveaxis', x, from, to);
}

/** Matrices, a list or one by one, along the diagonal of one, 0 elsewhere. Vectors and scalars are rows. */
export function blockDiag(...tensors: TensorList): Tensor {
  const op = 'blockDiag';
  const list = listOf(op, tensors);
  const dtype = list.reduce((type, x) => promote(type, x.dtype), 'bool' as Tensor['dtype']);
  for (const x of list) if (x.rank > 2) throw shapeError(op, 'takes matrices', [x.sizes], `Got ${valueText(x)}.`);
  if (list.length === 0) return full([1, 0], 0);
  const blocks = list.map((x) => reshape(to(x, dtype), raise2(x.sizes)));
  const width = blocks.reduce((n, b) => n + (b.sizes[1] as number), 0);
  let left = 0;
  const rows = blocks.map((b) => {
    const [n, m] = b.sizes as [number, number];
    left += m;
    const zeros = (k: number): Tensor => full([n, k], 0, { dtype });
    return cat([zeros(left - m), b, zeros(width - left)], 1);
  });
  return rows.length === 1 ? clone(rows[0] as Tensor) : cat(rows, 0);
}
