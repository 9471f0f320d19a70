// x[…] as Python writes it, read and written. Ranges, numbers and new dimensions are views; indices in several dimensions become one into their product.
import { assertTensor, checkArgument, either, FLAG, isPlainObject, type Kind, type Kinds, NUMBER, optionsOf, orNull, TENSOR, valueText, WHOLE } from '../tensor/check.ts';
import { bitsOf, promote } from '../tensor/dtype.ts';
import { GradloomError, shapeError, shapeText } from '../tensor/errors.ts';
import { apply } from '../tensor/op.ts';
import { recording, refuseWhileRecording } from '../tensor/recording.ts';
import { broadcastShapes, MOST_SIZE, sameShape, type Shape, sizeOf } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, mul, typeOf, where } from './binary.ts';
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

const isPlain = (v: unknown): boolean => (Array.isArray(v) ? v.every(isPlain) : typeof v === 'number' || typeof v === 'boolean');

/** A list as the tensor that it stands for; a boolean as the mask of a dimension that is put in. */
function asTensor(op: string, part: unknown): unknown {
  if (typeof part === 'boolean') return constant(+part, 'bool');
  if (!Array.isArray(part)) return part;
  const flat = part.flat(Number.POSITIVE_INFINITY);
  if (flat.length > 0 && flat.every((v) => typeof v === 'boolean')) return tensor(part, { dtype: 'bool' });
  if (!flat.every(Number.isSafeInteger)) throw new GradloomError('VALUE', op, `a list of indices holds whole numbers or booleans, got ${valueText(part)}.`);
  return recording() && flat.length === part.length ? constantList(flat) : tensor(part, { dtype: 'int32' });
}

/** What ranges, numbers and new dimensions show of x, and the indices that are left. */
function find(op: string, x: Tensor, given: readonly unknown[]): { view: Tensor; picks: Pick[] } {
  const only = given[0];
  const parts = (given.length === 1 && Array.isArray(only) && !isPlain(only) ? only : given).map((part: unknown) => asTensor(op, part));
  const covers = (part: unknown): number => (part instanceof Tensor ? (part.dtype === 'bool' ? part.rank : 1) : typeof part === 'number' || part instanceof Slice ? 1 : 0);
  const rest = parts.reduce((n: number, part: unknown) => n - covers(part), x.rank);
  if (rest < 0 || parts.length === 0)
    throw new GradloomError(
      'INDEX',
      op,
      `${parts.length === 0 ? 'no index' : `indices for ${x.rank - rest} dimensions`} of ${shapeText(x.sizes)}. Give one for each at most, '...' for all.`,
    );
  if (parts.indexOf('...') !== parts.lastIndexOf('...')) throw new GradloomError('INDEX', op, `'...' stands twice. Write slice() for one of them.`);
  const picks: Pick[] = [];
  let view = x;
  let dim = 0;
  for (const part of parts) {
    if (part === '...') dim += rest;
    else if (part === null) view = unsqueeze(view, dim++);
    else if (typeof part === 'number') view = selectAs(op, view, dim, part, false);
    else if (part instanceof Slice) view = sliceAs(op, view, dim++, part.start, part.end, part.step);
    else if (!(part instanceof Tensor) || part.dtype === 'float32')
      throw new GradloomError('DTYPE', op, `an index is a whole number, slice(…), null, '...', an int32 or bool tensor, or a list, got ${valueText(part)}.`);
    else if (part.rank === 0 && part.dtype === 'int32' && !recording()) view = selectAs(op, view, dim, part.item(), false);
    else {
      const mask = part.dtype === 'bool';
      if (mask && part.rank === 0) view = unsqueeze(view, dim);
      const by = mask && part.rank === 0 ? reshape(part, [1]) : part;
      const under = view.sizes.slice(dim, dim + by.rank);
      if (mask && !sameShape(by.sizes, under)) throw shapeError(op, 'the mask does not fit the dimensions that it is for', [by.sizes, under], 'They must be equal.');
      picks.push({ dim, by });
      dim += mask ? by.rank : 1;
    }
  }
  if (picks.length > 1 && picks.some(({ by }) => by.rank === 0)) refuseWhileRecording(op, 'a scalar stands among its index tensors', 'Give it a dimension: unsqueeze(0).');
  return { view, picks };
}

/** Where the indexed dimensions of a view come together, as one of their product's size, and the index into that. */
interface Spot {
  /** The order of the view's dimensions in which they are neighbours. */
  readonly order: readonly number[];
  /** Where they begin there. */
  readonly at: number;
  readonly before: Shape;
  readonly size: number;
  readonly after: Shape;
  readonly index: Tensor;
}

/** Side by side they stay where they are, else they come first (PyTorch's rule). */
function spotOf(op: string, view: Tensor, picks: readonly Pick[]): Spot {
  const spans = picks.map(({ dim, by }) => Array.from({ length: by.dtype === 'bool' ? by.rank : 1 }, (_, i) => dim + i));
  const sizes = (dims: readonly number[]): number[] => dims.map((d) => view.sizes[d] as number);
  const flat = picks.map(({ by }, i) => (by.dtype === 'bool' ? placesOf(op, by) : fromStart(op, by, sizeOf(sizes(spans[i] as number[])))));
  flat.reduce((shape: Shape, t) => broadcastShapes(op, shape, t.sizes), []);
  const index = flat.reduce((sum, t, i) => add(mul(sum, sizeOf(sizes(spans[i] as number[]))), t));
  const taken = spans.flat();
  const rest = [...view.sizes.keys()].filter((d) => !taken.includes(d));
  const [first, last] = [taken[0] as number, taken[taken.length - 1] as number];
  const at = last - first === taken.length - 1 ? first : 0;
  const order = [...rest.slice(0, at), ...taken, ...rest.slice(at)];
  return { order, at, before: sizes(rest.slice(0, at)), size: sizeOf(sizes(taken)), after: sizes(rest.slice(at)), index };
}

const ordered = (x: Tensor, order: readonly number[]): Tensor => (order.every((d, i) => d === i) ? x : permute(x, order));

/**
 * x[…] as in Python: numbers, `slice(start, end, step)`, null for a new dimension, `'...'`, int32 tensors and lists (negative ones count from the end), masks and lists of
 * booleans. Several index tensors broadcast; what they pick stands where they do, or first where they stand apart. Without them a view, else a copy; gradients flow to x.
 *
 * @example x.index(0, slice(1, null), '...', tensor([2, 0], { dtype: 'int32' })); // x[0, 1:, ..., [2, 0]]
 * @throws INDEX where an index is out of range, or there are too many; inside `capture` where a mask is given
 */
export function index(x: Tensor, ...parts: (IndexPart | readonly IndexPart[])[]): Tensor {
  assertTensor('index', x);
  const { view, picks } = find('index', x, parts);
  if (picks.length === 0) return view === x ? reshape(x, x.sizes) : view;
  const { order, at, before, size, after, index } = spotOf('index', view, picks);
  const picked = indexSelectAs('index', inShape(ordered(view, order), [...before, size, ...after]), at, inShape(index, [index.size]));
  return inShape(picked, [...before, ...index.sizes, ...after]);
}

/** Options of `indexPut`. */
export interface IndexPutOptions {
  /** Whether values are added, those of equal places too; false by default: the last one stays. */
  accumulate?: boolean;
}

const PUT: Kinds<IndexPutOptions> = { accumulate: FLAG };
const VALUES: Kind = /* @__PURE__ */ either(TENSOR, NUMBER, FLAG);

/** Values as a tensor of x's type, which must hold them. */
function valuesFor(op: string, x: Tensor, given: unknown, accumulate: boolean): Tensor {
  checkArgument(op, 'the values', given, VALUES);
  const values = typeof given === 'boolean' ? +given : (given as Tensor | number);
  if (typeof values === 'number') {
    const bit = x.dtype === 'bool' && (values === 0 || values === 1);
    if (!bit && promote(typeOf(op, values), x.dtype) !== x.dtype)
      throw new GradloomError('DTYPE', op, `${x.describe()} cannot hold ${valueText(given)}. Convert the tensor first.`);
    bitsOf(values, x.dtype, op);
  }
  const source = typeof values === 'number' ? constant(values, x.dtype) : values;
  assertSource(op, x, source, accumulate);
  return source;
}

/** Values put into x, or added, and x. */
function putInto(op: string, x: Tensor, parts: readonly unknown[], given: unknown, accumulate: boolean): Tensor {
  const values = valuesFor(op, x, given, accumulate);
  const { view, picks } = find(op, x, parts);
  const stretched = (shape: Shape): Tensor => {
    if (!sameShape(broadcastShapes(op, values.sizes, shape), shape))
      throw shapeError(op, 'the values do not fit what is indexed', [values.sizes, shape], 'They must broadcast to it.');
    return expand(values, shape);
  };
  const [{ dim, by } = { dim: 0, by: values }] = picks;
  if (picks.length === 0) write(op, view, accumulate ? add(view, stretched(view.sizes)) : clone(stretched(view.sizes)), !accumulate);
  else if (picks.length === 1 && by.dtype === 'bool' && values.size === 1 && !accumulate) {
    // One value needs no places, so that a captured step can do it.
    const mask = reshape(by, [...by.sizes, ...view.sizes.slice(dim + by.rank).map(() => 1)]);
    write(op, view, where(mask, reshape(values, []), view));
  } else {
    const { order, at, before, size, after, index } = spotOf(op, view, picks);
    const source = inShape(stretched([...before, ...index.sizes, ...after]), [...before, index.size, ...after]);
    const apart = ordered(view, order);
    const done = apply(accumulate ? indexAddOp : indexCopyOp, [inShape(apart, [...before, size, ...after]), inShape(index, [index.size]), source], { dim: at });
    write(op, view, ordered(inShape(done, apart.sizes), inverse(order)));
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
