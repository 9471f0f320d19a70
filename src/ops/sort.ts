// Orders along a dimension. Where elements stand has no gradient; the elements themselves carry theirs.
import { call } from '../runtime/call.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { apply, type Op } from '../tensor/op.ts';
import { normalizeDim } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { asFloat } from './convert.ts';
import { gather } from './indexing.ts';
import { narrow, reshape, transpose } from './movement.ts';

/** Sorts along the last dimension. */
const argsortOp: Op<{ descending: boolean }> = {
  name: 'argsort',
  shape: ([x]) => (x as Tensor).shape,
  dtype: () => 'int32',
  forward: (y, [x], { descending }) => {
    const n = y.shape.at(-1) as number;
    if (y.size > 0) call('argsort', (x as Tensor).address, y.address, empty([n], 'int32').address, y.size / n, n, descending ? 1 : 0);
  },
};

/** Options of `sort` and `argsort`. */
export interface SortOptions {
  /** The dimension to sort along; the last unless said. */
  dim?: number;
  /** Whether the largest come first; false unless said. */
  descending?: boolean;
}

/** Where the elements of the sorted order stand, int32. Equal elements keep their order; NaN counts as the largest. */
export function argsort(x: Tensor, options: SortOptions = {}): Tensor {
  const { dim = -1, descending = false } = options;
  const at = normalizeDim('argsort', dim, x.rank);
  if (x.rank === 0) return reshape(argsort(reshape(x, [1]), { descending }), []);
  const last = x.rank - 1;
  const input = asFloat(x);
  return at === last ? apply(argsortOp, [input], { descending }) : transpose(apply(argsortOp, [transpose(input, at, last)], { descending }), at, last);
}

/** The elements in order along a dimension, and where they stood (int32). Gradients flow to the values. */
export function sort(x: Tensor, options: SortOptions = {}): { values: Tensor; indices: Tensor } {
  const indices = argsort(x, options);
  if (x.rank === 0) return { values: reshape(x, []), indices };
  return { values: gather(x, options.dim ?? -1, indices), indices };
}

/** The k largest elements along a dimension (the last unless said), the largest first, and where they stood; `largest: false`: the smallest. */
export function topk(x: Tensor, k: number, options: { dim?: number; largest?: boolean } = {}): { values: Tensor; indices: Tensor } {
  const { dim = -1, largest = true } = options;
  const at = normalizeDim('topk', dim, x.rank);
  const n = x.shape[at] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > n)
    throw new GradloomError('VALUE', 'topk', `k must be a whole number from 0 to ${n}, dimension ${dim} of ${shapeText(x.shape)}, got ${k}.`);
  const order = argsort(x, { dim, descending: largest });
  if (x.rank === 0) return { values: reshape(x, []), indices: order };
  const indices = narrow(order, at, 0, k);
  return { values: gather(x, at, indices), indices };
}
