// Where values stand among sorted ones, and how many there are of each.
import { call } from '../runtime/call.ts';
import { assertTensor, FINITE, FLAG, type Kinds, oneOf, optionsBy, optionsOf, TENSOR, WHOLE, assertWhole } from '../tensor/check.ts';
import { viewOf } from '../tensor/dtype.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { apply, dense, detach, type Op } from '../tensor/op.ts';
import { MOST_SIZE, sameShape, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, eq, ge, le, logicalAnd, mul, type Operand, operands, sub, where } from './binary.ts';
import { asFloat, assertFloat, to } from './convert.ts';
import { constant, full } from './create.ts';
import { checkIndices, indexAdd } from './indexing.ts';
import { amax, amin } from './moments.ts';
import { flatten } from './movement.ts';
import { refuseDataShape } from './nonzero.ts';
import { clamp, floor } from './unary.ts';

const searchOp: Op<{ right: boolean }> = {
  name: 'searchsorted',
  shape: ([, values]) => (values as Tensor).sizes,
  dtype: () => 'int32',
  forward: (y, inputs, { right }) => {
    const [sorted, values, order] = inputs as readonly [Tensor, Tensor, Tensor?];
    const n = sorted.sizes[sorted.rank - 1] as number;
    const rows = sorted.rank === 1 ? 1 : y.size / Math.max(1, y.sizes[y.rank - 1] as number);
    call('searchSorted', sorted.address, order?.address ?? 0, values.address, y.address, rows, n, y.size / Math.max(1, rows), right ? 1 : 0, sorted.dtype === 'float32' ? 0 : 1);
  },
};

/** Options of `searchsorted`. */
export interface SearchOptions {
  /** Whether a value stands behind those that are equal to it; default false. */
  right?: boolean;
  /** 'left' or 'right', for `right`. */
  side?: 'left' | 'right';
  /** The places of the numbers in ascending order, as `argsort` gives them, where they are not sorted themselves: int32. */
  sorter?: Tensor;
}

const SEARCH: Kinds<SearchOptions> = { right: FLAG, side: oneOf('left', 'right'), sorter: TENSOR };

/**
 * Where values would be put in so that numbers stay sorted: int32, in the values' shape. `sorted` is a vector, or [..., n] with a row for each row of the values. A NaN goes to
 * the end. No gradient passes.
 */
export function searchsorted(sorted: Tensor, values: Operand, options?: SearchOptions): Tensor {
  const op = 'searchsorted';
  const { right, side, sorter } = optionsOf(op, options, SEARCH, arguments.length, 3);
  if (right === true && side === 'left') throw valueError(op, "right is true, and side 'left'. Leave one out.");
  assertTensor(op, sorted, 'the sorted tensor');
  return search(op, sorted, values, right === true || side === 'right', sorter);
}

function search(op: string, sorted: Tensor, values: Operand, right: boolean, sorter?: Tensor): Tensor {
  const [a, v] = operands(op, sorted, values);
  if (a.rank === 0) throw shapeError(op, 'the sorted tensor has no dimension', [a.sizes], 'Give a vector, or rows.');
  const lead = (shape: Shape): Shape => shape.slice(0, -1);
  if (a.rank > 1 && !(v.rank === a.rank && sameShape(lead(a.sizes), lead(v.sizes))))
    throw shapeError(op, 'needs as many rows of values as sorted ones', [a.sizes, v.sizes], 'Or give one vector for all.');
  if (!sorter) return apply(searchOp, [a, v], { right });
  if (!sameShape(sorter.sizes, a.sizes)) throw shapeError(op, 'the sorter must have the shape of what it sorts', [a.sizes, sorter.sizes], 'Use argsort.');
  checkIndices(op, sorter, a.sizes[a.rank - 1] as number, null, 'sorter');
  return apply(searchOp, [a, v, sorter], { right });
}

/** Options of `bucketize`. */
export interface BucketizeOptions {
  /** Whether a value that is a boundary belongs to the bucket above; default false. */
  right?: boolean;
}

const BUCKET: Kinds<BucketizeOptions> = { right: FLAG };

/** The bucket of each value between ascending boundaries, a vector: int32, 0 below the first. A value that is a boundary belongs to the bucket below, unless `right`. */
export function bucketize(values: Operand, boundaries: Tensor, options?: BucketizeOptions): Tensor {
  const op = 'bucketize';
  const { right = false } = optionsOf(op, options, BUCKET, arguments.length, 3);
  assertTensor(op, boundaries, 'boundaries');
  if (boundaries.rank !== 1) throw shapeError(op, 'boundaries are a vector', [boundaries.sizes], 'Flatten them.');
  return search(op, boundaries, values, right);
}

/** Options of `bincount`. */
export interface BincountOptions {
  /** What each element counts; default 1 each. The result is float32 then. */
  weights?: Tensor;
  /** The least length of the result; default 0. */
  minlength?: number;
}

const BINCOUNT: Kinds<BincountOptions> = { weights: TENSOR, minlength: WHOLE };

/** How often each of 0, 1, … stands in a vector of int32, or the sums of weights there: bincount(x, weights, minlength) or bincount(x, { … }). Not inside `capture`. */
export function bincount(x: Tensor, ...given: [weights?: Tensor | BincountOptions, minlength?: number]): Tensor {
  const op = 'bincount';
  assertTensor(op, x);
  const { weights, minlength = 0 } = optionsBy(op, given, BINCOUNT);
  assertWhole(op, 'minlength', minlength, 0);
  refuseDataShape(op, 'Call it outside, or use oneHot, which knows the number of classes.');
  if (x.rank !== 1) throw shapeError(op, 'takes a vector', [x.sizes], 'Flatten it.');
  if (weights && !sameShape(weights.sizes, x.sizes)) throw shapeError(op, 'weights and values must be as many', [x.sizes, weights.sizes], 'Give one for each.');
  checkIndices(op, x, MOST_SIZE, null, 'value');
  const list = dense(x);
  const memory = viewOf('int32');
  let length = minlength;
  for (let i = 0, at = list.address / 4; i < x.size; i++) length = Math.max(length, (memory[at + i] as number) + 1);
  const each = weights ? detach(asFloat(weights)) : full([x.size], 1, { dtype: 'int32' });
  return indexAdd(full([length], 0, { dtype: each.dtype }), 0, x, each);
}

/** Options of `histc`. */
export interface HistcOptions {
  /** How many bins; default 100. */
  bins?: number;
  /** Where the first one begins. */
  min?: number;
  /** Where the last one ends. Where both are equal, as by default, x says. */
  max?: number;
}

const HISTC: Kinds<HistcOptions> = { bins: WHOLE, min: FINITE, max: FINITE };

/** How many elements lie in each of equal bins: float32 [bins]. What lies outside, and NaN, is not counted: histc(x, bins, min, max) or histc(x, { … }). No gradient passes. */
export function histc(x: Tensor, ...given: [bins?: number | HistcOptions, min?: number, max?: number]): Tensor {
  const op = 'histc';
  assertFloat(op, x);
  const { bins = 100, min = 0, max = 0 } = optionsBy(op, given, HISTC);
  assertWhole(op, 'bins', bins, 1);
  if (min > max) throw valueError(op, `min ${min} lies above max ${max}. Swap them.`);
  const list = detach(flatten(x));
  const [a, b] = min === max && x.size > 0 ? [amin(list), amax(list)] : [constant(min, 'float32'), constant(max, 'float32')];
  const apart = eq(a, b);
  const [low, high] = [where(apart, sub(a, 1), a), where(apart, add(b, 1), b)];
  const inside = logicalAnd(ge(list, low), le(list, high));
  const bin = clamp(floor(div(mul(sub(where(inside, list, low), low), bins), sub(high, low))), { max: bins - 1 });
  return indexAdd(full([bins], 0), 0, to(bin, 'int32'), asFloat(inside));
}
