// Orders along a dimension. Where elements stand has no gradient; the elements themselves carry theirs.
import { call } from '../runtime/call.ts';
import { assertTensor, FLAG, type Kinds, optionsBy, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { apply, type Op } from '../tensor/op.ts';
import { normalizeDim } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { gather } from './indexing.ts';
import { clone, contiguous, narrow, reshape, transpose } from './movement.ts';

/** Sorts along the last dimension. */
const argsortOp: Op<{ descending: boolean }> = {
  name: 'argsort',
  dtype: () => 'int32',
  forward: (y, [x], { descending }) => {
    const n = y.sizes.at(-1) as number;
    if (y.size > 0) call('argsort', (x as Tensor).address, y.address, empty([n], 'int32').address, y.size / n, n, descending ? 1 : 0, (x as Tensor).dtype === 'float32' ? 0 : 1);
  },
};

/** Options of `sort` and `argsort`. */
export interface SortOptions {
  /** The dimension to sort along; default the last. */
  dim?: number;
  /** Whether the largest come first; not by default. */
  descending?: boolean;
}

const SORT: Kinds<SortOptions> = { dim: WHOLE, descending: FLAG };

/** Where the elements of the order along dimension `at` stand, row-major. */
function orderOf(x: Tensor, at: number, descending: boolean): Tensor {
  if (x.rank === 0) return reshape(apply(argsortOp, [reshape(x, [1])], { descending }), []);
  const last = x.rank - 1;
  return at === last ? apply(argsortOp, [x], { descending }) : contiguous(transpose(apply(argsortOp, [transpose(x, at, last)], { descending }), at, last));
}

/** The elements at `indices` along a dimension. */
const pick = (x: Tensor, at: number, indices: Tensor): Tensor => (x.rank === 0 ? clone(x) : gather(x, at, indices));

/**
 * Where the elements of the sorted order stand, int32: argsort(x, dim, descending) or argsort(x, { dim, descending }). Equal elements keep
 * their order; NaN counts as the largest.
 */
export function argsort(x: Tensor, ...given: [dim?: number | SortOptions, descending?: boolean]): Tensor {
  assertTensor('argsort', x);
  const { dim = -1, descending = false } = optionsBy('argsort', given, SORT);
  return orderOf(x, normalizeDim('argsort', dim, x.rank), descending);
}

/** The elements in order along a dimension, and where they stood (int32), as `argsort`. Gradients flow to the values. */
export function sort(x: Tensor, ...given: [dim?: number | SortOptions, descending?: boolean]): { values: Tensor; indices: Tensor } {
  assertTensor('sort', x);
  const { dim = -1, descending = false } = optionsBy('sort', given, SORT);
  const at = normalizeDim('sort', dim, x.rank);
  const indices = orderOf(x, at, descending);
  return { values: pick(x, at, indices), indices };
}

/** Options of `topk`. */
export interface TopkOptions {
  /** The dimension to look along; default the last. */
  dim?: number;
  /** Whether the largest are meant, as by default, or the smallest. */
  largest?: boolean;
}

const TOPK: Kinds<TopkOptions> = { dim: WHOLE, largest: FLAG };

/**
 * The k largest elements along a dimension, the largest first (or smallest), and where they stood: topk(x, k, dim, largest) or
 * topk(x, k, { dim, largest }).
 */
export function topk(x: Tensor, k: number, ...given: [dim?: number | TopkOptions, largest?: boolean]): { values: Tensor; indices: Tensor } {
  assertTensor('topk', x);
  const { dim = -1, largest = true } = optionsBy('topk', given, TOPK);
  const at = normalizeDim('topk', dim, x.rank);
  const n = x.sizes[at] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > n)
    throw new GradloomError('VALUE', 'topk', `k must be a whole number from 0 to ${n}, dimension ${dim} of ${shapeText(x.sizes)}, got ${valueText(k)}.`);
  const order = orderOf(x, at, largest);
  const indices = x.rank === 0 ? order : contiguous(narrow(order, at, 0, k));
  return { values: pick(x, at, indices), indices };
}
