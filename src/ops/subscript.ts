// x[…] as Python writes it, read and written. Ranges, numbers and new dimensions are views; indices in several dimensions become one into their product.
import { assertTensor, checkArgument, FLAG, isPlainObject, type Kind, type Kinds, optionsOf, orNull, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText } from '../tensor/errors.ts';
import { apply } from '../tensor/op.ts';
import { recording, refuseWhileRecording } from '../tensor/recording.ts';
import { broadcastShapes, MOST_SIZE, sameShape, type Shape, sizeOf } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, held, mul, type Operand, where } from './binary.ts';
import { constant, constantList, tensor } from './create.ts';
import { assertSource, fromStart, indexAddOp, indexCopyOp, indexSelectAs } from './indexing.ts';
import { write } from './inplace.ts';
import { clone, inShape, inverse, permute, reshape, selectAs, sliceAs, unsqueeze } from './movement.ts';
import { placesOf } from './nonzero.ts';
import { expand } from './reduce.ts';

/** A range of one dimension: what `slice(start, end, step)` makes for `x.index(…)`. */
export class Slice {
  /** The first place; from the end where negative. */
  readonly start: number;
  /** The place that it ends before. */
  readonly end: number;
  /** How far apart places lie, ≥ 1. */
  readonly step: number;

  /** @internal */
  constructor(start: number, end: number, step: number) {
    this.start = start;
    this.end = end;
    this.step = step;
  }
}

/** Whole numbers or booleans, nested. */
export type IndexList = readonly (number | boolean | IndexList)[];
/** One of the things between the brackets of x[…]: a number, a range, `null` (a new dimension), `'...'`, an int32 tensor, a mask, or a list that stands for either. */
export type IndexPart = number | boolean | null | '...' | Slice | Tensor | IndexList;

/** An index of elements, and the first of the dimensions that it is for: a mask has as many as are its own. */
interface Pick {
  readonly dim: number;
  readonly by: Tensor;
}

const isPlain = (v: unknown): boolean => (Array.isArray(v) ? [...v].every(isPlain) : typeof v === 'number' || typeof v === 'boolean');

/** A list as the tensor that it stands for; a boolean as the mask of a dimension that is put in. */
function asTensor(op: string, part: unknown): unknown {
  if (typeof part === 'boolean') return constant(+part, 'bool');
  if (!Array.isArray(part)) return part;
  const flat = part.flat(Number.POSITIVE_INFINITY);
  const masks = typeof flat[0] === 'boolean';
  if (!flat.every((v) => (masks ? typeof v === 'boolean' : Number.isSafeInteger(v)))) throw unfit(op, part);
  return recording() && !masks && flat.length === part.length ? constantList(flat) : tensor(part, { dtype: masks ? 'bool' : 'int32' });
}

const unfit = (op: string, part: unknown): GradloomError =>
  new GradloomError('DTYPE', op, `an index is a whole number, slice(…), null, '...', a tensor of int32 or bool, or a list of such, got ${valueText(part)}.`);

/** What ranges, numbers and new dimensions show of x, and the indices that are left. */
function find(op: string, x: Tensor, given: readonly unknown[]): { view: Tensor; picks: Pick[] } {
  const only = given[0];
  const parts = (given.length === 1 && Array.isArray(only) && !isPlain(only) ? only : given).map((part: unknown) => asTensor(op, part));
  // How many dimensions each is for.
  const spans = parts.map((part: unknown) =>
    part instanceof Tensor && part.dtype === 'bool' ? part.rank : +(typeof part === 'number' || part instanceof Slice || part instanceof Tensor),
  );
  const rest = spans.reduce((n: number, span: number) => n - span, x.rank);
  if (rest < 0 || parts.length === 0 || parts.indexOf('...') !== parts.lastIndexOf('...'))
    throw new GradloomError('INDEX', op, `${parts.length} indices do not fit ${shapeText(x.sizes)}. Give one for each dimension at most, and '...' once.`);
  const picks: Pick[] = [];
  let view = x;
  let dim = 0;
  for (const [i, part] of parts.entries()) {
    const span = spans[i] as number;
    if (part === '...') dim += rest;
    else if (part === null) view = unsqueeze(view, dim++);
    else if (typeof part === 'number') view = selectAs(op, view, dim, part, false);
    else if (part instanceof Slice) view = sliceAs(op, view, dim++, part.start, part.end, part.step);
    else if (!(part instanceof Tensor) || part.dtype === 'float32') throw unfit(op, part);
    else if (part.rank === 0 && span === 1 && !recording()) view = selectAs(op, view, dim, part.item(), false);
    else {
      const by = span === 0 ? reshape(part, [1]) : part;
      if (span === 0) view = unsqueeze(view, dim);
      const under = view.sizes.slice(dim, dim + by.rank);
      if (part.dtype === 'bool' && !sameShape(by.sizes, under)) throw shapeError(op, 'the mask does not fit its dimensions', [by.sizes, under], 'They must be equal.');
      picks.push({ dim, by });
      dim += span || 1;
    }
  }
  if (picks.length > 1 && picks.some(({ by }) => by.rank === 0)) refuseWhileRecording(op, 'a scalar stands among its index tensors', 'Give it a dimension: unsqueeze(0).');
  return { view, picks };
}

/** The indexed dimensions of a view brought together as one. */
interface Spot {
  readonly block: Tensor;
  /** Where the one stands. */
  readonly at: number;
  /** The index into it, and the shape that it comes in. */
  readonly index: Tensor;
  readonly shape: Shape;
  /** The block's shape with other sizes in the place of the one. */
  readonly around: (sizes: Shape) => Shape;
  /** A block as the view was. */
  readonly back: (block: Tensor) => Tensor;
}

/** Side by side they stay where they are, else they come first (PyTorch's rule). */
function spotOf(op: string, view: Tensor, picks: readonly Pick[]): Spot {
  const sizes = (dims: readonly number[]): number[] => dims.map((d) => view.sizes[d] as number);
  const taken: number[] = [];
  let shape: Shape = [];
  let index: Tensor | undefined;
  for (const { dim, by } of picks) {
    const mask = by.dtype === 'bool';
    const dims = [...view.sizes.keys()].slice(dim, dim + (mask ? by.rank : 1));
    const n = sizeOf(sizes(dims));
    const places = mask ? placesOf(op, by) : fromStart(op, by, n);
    shape = broadcastShapes(op, shape, places.sizes);
    index = index ? add(mul(index, n), places) : places;
    taken.push(...dims);
  }
  const rest = [...view.sizes.keys()].filter((d) => !taken.includes(d));
  const first = taken[0] as number;
  const at = (taken[taken.length - 1] as number) - first === taken.length - 1 ? first : 0;
  const order = [...rest.slice(0, at), ...taken, ...rest.slice(at)];
  const moved = ordered(view, order);
  const around = (middle: Shape): Shape => [...sizes(rest.slice(0, at)), ...middle, ...sizes(rest.slice(at))];
  return {
    block: inShape(moved, around([sizeOf(sizes(taken))])),
    at,
    index: inShape(index as Tensor, [sizeOf(shape)]),
    shape,
    around,
    back: (block) => ordered(inShape(block, moved.sizes), inverse(order)),
  };
}

const ordered = (x: Tensor, order: readonly number[]): Tensor => (order.every((d, i) => d === i) ? x : permute(x, order));

/**
 * x[…] as in Python: numbers, `slice(start, end, step)`, null for a new dimension, `'...'`, int32 tensors and lists (negative ones count from the end), masks and lists of
 * booleans. Several index tensors broadcast; what they pick stands where they do, or first where they stand apart. Without them a view, else a copy; gradients flow to x.
 *
 * @example x.index(0, slice(1, null), '...', tensor([2, 0], { dtype: 'int32' })); // x[0, 1:, ..., [2, 0]]
 * @throws INDEX where an index is out of range, or there are too many; CAPTURE where a mask is given inside `capture`
 */
export function index(x: Tensor, ...parts: (IndexPart | readonly IndexPart[])[]): Tensor {
  const op = 'index';
  assertTensor(op, x);
  const { view, picks } = find(op, x, parts);
  if (picks.length === 0) return view === x ? reshape(x, x.sizes) : view;
  const { block, at, index, shape, around } = spotOf(op, view, picks);
  return inShape(indexSelectAs(op, block, at, index), around(shape));
}

/** Options of `indexPut`. */
export interface IndexPutOptions {
  /** Whether values are added, those of equal places too; false by default: the last one stays. */
  accumulate?: boolean;
}

const PUT: Kinds<IndexPutOptions> = { accumulate: FLAG };

/** Values put into x, or added, and x. */
function putInto(op: string, x: Tensor, parts: readonly unknown[], given: unknown, accumulate: boolean): Tensor {
  const values = held(op, x, given as Operand);
  assertSource(op, x, values, accumulate);
  const { view, picks } = find(op, x, parts);
  const stretched = (shape: Shape): Tensor => {
    if (!sameShape(broadcastShapes(op, values.sizes, shape), shape))
      throw shapeError(op, 'the values do not fit what is indexed', [values.sizes, shape], 'They must broadcast to it.');
    return expand(values, shape);
  };
  const pick = picks[0];
  if (!pick) write(op, view, accumulate ? add(view, stretched(view.sizes)) : clone(stretched(view.sizes)), !accumulate);
  else if (picks.length === 1 && pick.by.dtype === 'bool' && values.size === 1 && !accumulate) {
    // One value needs no places, so that a captured step can do it.
    const mask = reshape(pick.by, [...pick.by.sizes, ...view.sizes.slice(pick.dim + pick.by.rank).map(() => 1)]);
    write(op, view, where(mask, reshape(values, []), view));
  } else {
    const { block, at, index, shape, around, back } = spotOf(op, view, picks);
    write(op, view, back(apply(accumulate ? indexAddOp : indexCopyOp, [block, index, inShape(stretched(around(shape)), around(index.sizes))], { dim: at })));
  }
  return x;
}

/**
 * x[…] ← values, which broadcast, or += with `{ accumulate: true }`: `x.indexPut_(…, values, options)`, indices as in `index`. Returns x. Gradients flow to the values and to what
 * stays of x. Inside `capture` a mask may be given with a single value.
 *
 * @example x.indexPut_(mask, 0); x.indexPut_(rows, slice(), ones([3]), { accumulate: true });
 */
export function indexPut_(x: Tensor, ...given: (IndexPart | readonly IndexPart[] | IndexPutOptions)[]): Tensor {
  const op = 'indexPut_';
  assertTensor(op, x);
  const named = isPlainObject(given[given.length - 1]);
  const parts = named ? given.slice(0, -1) : given;
  const { accumulate = false } = optionsOf(op, named ? (given[given.length - 1] as IndexPutOptions) : undefined, PUT);
  return putInto(op, x, parts.slice(0, -1), parts[parts.length - 1], accumulate);
}

/** x with values put, or added, where the list of indices says: indexPut(x, [i, j], values, { accumulate }); each as in `index`. */
export function indexPut(x: Tensor, indices: readonly IndexPart[], values: Tensor | number | boolean, options?: IndexPutOptions): Tensor {
  const op = 'indexPut';
  assertTensor(op, x);
  const { accumulate = false } = optionsOf(op, options, PUT, arguments.length, 4);
  if (!Array.isArray(indices)) throw new GradloomError('VALUE', op, `indices are a list, one for each dimension, got ${valueText(indices)}.`);
  return putInto(op, clone(x), indices, values, accumulate);
}

const BOUND: Kind = /* @__PURE__ */ orNull(WHOLE);

/** @internal The range that Python's slice(…) is: one number is the end. */
export function rangeOf(given: readonly unknown[]): Slice {
  const [start, end, step] = given.length === 1 ? [null, given[0], null] : given;
  for (const [name, value] of Object.entries({ start, end, step })) checkArgument('slice', name, value ?? null, BOUND);
  return new Slice((start as number | null) ?? 0, (end as number | null) ?? MOST_SIZE, (step as number | null) ?? 1);
}
