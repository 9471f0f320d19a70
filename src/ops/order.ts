// What stands at a place of the sorted order: medians, quantiles, the k-th smallest, the most frequent.
import { call } from '../runtime/call.ts';
import { assertArity, assertTensor, checkArgument, either, FLAG, type Kinds, NUMBER, ofOne, oneOf, optionsBy, TENSOR, valueText, WHOLE } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { apply, copyElements, detach, everyInput, type Op } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { normalizeDim, sizeOf } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, div, eq, logicalAnd, logicalOr, maximum, ne, sub, mul, where } from './binary.ts';
import { asFloat, assertFloat, to } from './convert.ts';
import { arange, constant, full } from './create.ts';
import { lerp } from './formulas.ts';
import { gather } from './indexing.ts';
import { cat, flatten, movedim, narrow, reshape, squeeze } from './movement.ts';
import { any, argmax, sum } from './reduce.ts';
import { argsort, sort } from './sort.ts';
import { ceil, floor, isnan, round } from './unary.ts';

/** The elements and where they stand, as `max` along a dimension gives them. */
export interface Chosen {
  /** The elements, to which gradients flow. */
  readonly values: Tensor;
  /** int32. */
  readonly indices: Tensor;
}

/** Options of `kthvalue`, `mode`, `median` and `nanmedian` along a dimension. */
export interface ChosenOptions {
  /** The dimension; default the last. */
  dim?: number;
  /** Whether it stays with size 1; default false. */
  keepdim?: boolean;
}

const CHOSEN: Kinds<ChosenOptions> = { dim: WHOLE, keepdim: FLAG };

/** What stands at one place of the order along a dimension: `place` is a number, or int32 of size 1 there. */
function chosen(op: string, x: Tensor, { dim = -1, keepdim = false }: ChosenOptions, place: (sorted: Tensor, at: number, order: Tensor) => Tensor | number): Chosen {
  assertTensor(op, x);
  const at = normalizeDim(op, dim, x.rank);
  const line = x.rank === 0 ? reshape(x, [1]) : x;
  if (line.sizes[at] === 0) throw shapeError(op, 'nothing to choose from', [x.sizes], 'The dimension must not be empty.');
  const order = argsort(line, at);
  const where = place(gather(detach(line), at, order), at, order);
  const indices = typeof where === 'number' ? narrow(order, at, where, 1) : gather(order, at, where);
  const values = gather(line, at, indices);
  if (keepdim && x.rank > 0) return { values, indices };
  return { values: squeeze(values, at), indices: squeeze(indices, at) };
}

/** The k-th smallest element along a dimension, counted from 1, and where it stands: kthvalue(x, k, dim, keepdim) or kthvalue(x, k, { dim, keepdim }). NaN counts as the largest. */
export function kthvalue(x: Tensor, k: number, ...given: [dim?: number | ChosenOptions, keepdim?: boolean]): Chosen {
  const op = 'kthvalue';
  const options = optionsBy(op, given, CHOSEN);
  assertTensor(op, x);
  const n = x.sizes[normalizeDim(op, options.dim ?? -1, x.rank)] ?? 1;
  if (!Number.isInteger(k) || k < 1 || k > n) throw valueError(op, `k must be a whole number from 1 to ${n}, got ${valueText(k)}.`);
  return chosen(op, x, options, () => k - 1);
}

/** Where along a dimension the median of sorted elements stands: the first NaN where there is one, or, `passing` over them, that of the others. */
function middle(sorted: Tensor, at: number, passing: boolean): Tensor {
  const n = sorted.sizes[at] as number;
  const nans = sum(isnan(sorted), at, true);
  const half = (count: Tensor): Tensor => maximum(to(floor(div(sub(count, 1), 2)), 'int32'), 0);
  const count = sub(n, nans);
  return passing ? half(count) : where(eq(nans, 0), half(count), count);
}

/** The median of all elements: its gradient is shared among those that are equal to it. */
const medianOp: Op<void> = {
  name: 'median',
  shape: () => [],
  forward: (y, [, value]) => copyElements(value as Tensor, y),
  saves: everyInput,
  backward: (dy, node) => {
    const [x, value] = [node.input(0), node.input(1)];
    const wins = logicalOr(eq(x, value), logicalAnd(isnan(x), isnan(value)));
    return [where(wins, div(dy, sum(asFloat(wins))), 0), null];
  },
};

function medianOf(op: string, x: Tensor, given: readonly unknown[], passing: boolean): Tensor | Chosen {
  assertTensor(op, x);
  const options = optionsBy<ChosenOptions>(op, given, CHOSEN);
  const place = (sorted: Tensor, at: number): Tensor => middle(sorted, at, passing);
  if (options.dim !== undefined) return chosen(op, x, options, place);
  if (x.size === 0 && x.dtype === 'float32') return add(sum(x), Number.NaN);
  const { values } = chosen(op, detach(flatten(x)), {}, place);
  return apply(medianOp, [x, values], undefined);
}

/** The median of all elements, the lower one of two; NaN where one is. The gradient is shared among those that are equal to it. */
export function median(x: Tensor): Tensor;
/** The median along a dimension, the lower one of two, and where it stands: median(x, dim, keepdim) or median(x, { dim, keepdim }). */
export function median(x: Tensor, dim: number | (ChosenOptions & { dim: number }), keepdim?: boolean): Chosen;
export function median(x: Tensor, ...given: [dim?: number | ChosenOptions, keepdim?: boolean]): Tensor | Chosen {
  return medianOf('median', x, given, false);
}

/** The median of all elements that are not NaN. */
export function nanmedian(x: Tensor): Tensor;
/** The median along a dimension of what is not NaN, and where it stands: nanmedian(x, dim, keepdim) or nanmedian(x, { dim, keepdim }). */
export function nanmedian(x: Tensor, dim: number | (ChosenOptions & { dim: number }), keepdim?: boolean): Chosen;
export function nanmedian(x: Tensor, ...given: [dim?: number | ChosenOptions, keepdim?: boolean]): Tensor | Chosen {
  return medianOf('nanmedian', x, given, true);
}

const runningOp: Op<{ dim: number; largest: boolean }> = {
  name: 'runningExtreme',
  dtype: () => 'int32',
  forward: (y, [input], { dim, largest }) => {
    const x = input as Tensor;
    call('runningExtreme', x.address, y.address, sizeOf(x.sizes.slice(0, dim)), x.sizes[dim] ?? 1, sizeOf(x.sizes.slice(dim + 1)), largest ? 1 : 0, x.dtype === 'float32' ? 0 : 1);
  },
};

/** The element that stands most often along a dimension, the smallest of several, and where it stands last: mode(x, dim, keepdim) or mode(x, { dim, keepdim }). */
export function mode(x: Tensor, ...given: [dim?: number | ChosenOptions, keepdim?: boolean]): Chosen {
  const op = 'mode';
  assertTensor(op, x);
  return chosen(op, x, optionsBy(op, given, CHOSEN), (sorted, at) => {
    const n = sorted.sizes[at] as number;
    if (n === 1) return 0;
    // How long the run of equals is that ends at each place: the first of the longest.
    const begins = ne(narrow(sorted, at, 1, n - 1), narrow(sorted, at, 0, n - 1));
    const first = full(
      sorted.sizes.map((m, i) => (i === at ? 1 : m)),
      true,
    );
    const starts = apply(runningOp, [cat([first, begins], at)], { dim: at, largest: true });
    const ends = reshape(
      arange(n),
      sorted.sizes.map((m, i) => (i === at ? m : 1)),
    );
    return argmax(sub(ends, starts), at, true);
  });
}

function extremes(op: string, x: Tensor, dim: number, count: number, largest: boolean): Chosen {
  assertArity(op, count, 2);
  assertTensor(op, x);
  checkArgument(op, 'dim', dim, WHOLE);
  const at = normalizeDim(op, dim, x.rank);
  const line = x.rank === 0 ? reshape(x, [1]) : x;
  const indices = apply(runningOp, [line], { dim: at, largest });
  return { values: reshape(gather(line, at, indices), x.sizes), indices: reshape(indices, x.sizes) };
}

/** The largest element so far along a dimension, and where it stands, the last of equals; NaN from the first one on. */
export function cummax(x: Tensor, dim: number): Chosen {
  return extremes('cummax', x, dim, arguments.length, true);
}

/** The smallest element so far along a dimension, and where it stands, as `cummax`. */
export function cummin(x: Tensor, dim: number): Chosen {
  return extremes('cummin', x, dim, arguments.length, false);
}

/** The elements in ascending order along the first dimension. */
export const msort: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('msort', (x) => sort(x, 0).values);

/** Options of `quantile` and `nanquantile`. */
export interface QuantileOptions {
  /** The dimension; default the elements of all. */
  dim?: number;
  /** Whether it stays with size 1; default false. */
  keepdim?: boolean;
  /** What is given between two elements; default 'linear'. */
  interpolation?: 'linear' | 'lower' | 'higher' | 'nearest' | 'midpoint';
}

const QUANTILE: Kinds<QuantileOptions> = { dim: WHOLE, keepdim: FLAG, interpolation: /* @__PURE__ */ oneOf('linear', 'lower', 'higher', 'nearest', 'midpoint') };

function quantileOf(op: string, x: Tensor, q: number | Tensor, given: readonly unknown[], passing: boolean): Tensor {
  assertFloat(op, x);
  checkArgument(op, 'q', q, either(NUMBER, TENSOR));
  const { dim, keepdim = false, interpolation = 'linear' } = optionsBy<QuantileOptions>(op, given, QUANTILE);
  if (q instanceof Tensor) {
    assertFloat(op, q, 'q');
    if (q.rank > 1) throw shapeError(op, 'q is a number or a vector', [q.sizes], 'Flatten it.');
  }
  const shares = typeof q === 'number' ? [q] : recording() ? [] : q.data();
  for (const share of shares) if (!(share >= 0 && share <= 1)) throw valueError(op, `q must lie in [0, 1], got ${share}.`);
  if (x.size === 0) throw shapeError(op, 'there is nothing in x', [x.sizes], 'It must not be empty.');
  const at = dim === undefined ? 0 : normalizeDim(op, dim, x.rank);
  const line = dim === undefined || x.rank === 0 ? flatten(x) : movedim(x, at, -1);
  const last = line.rank - 1;
  const n = line.sizes[last] as number;
  const sorted = sort(line, last).values;
  const nans = isnan(detach(line));
  // How many places from the first: of what is no NaN, or, where there is a NaN, all of them.
  const ranks = ((): Tensor => {
    if (passing) return mul(maximum(sub(n - 1, asFloat(sum(nans, last, true))), 0), q);
    const whole = typeof q === 'number' ? constant(q * (n - 1), 'float32') : mul(q, n - 1);
    return where(any(nans, last, true), n - 1, whole);
  })();
  const pick = (places: Tensor): Tensor => gather(sorted, last, to(places, 'int32'));
  const values = ((): Tensor => {
    if (interpolation === 'lower') return pick(floor(ranks));
    if (interpolation === 'higher') return pick(ceil(ranks));
    if (interpolation === 'nearest') return pick(round(ranks));
    const below = floor(ranks);
    return lerp(pick(below), pick(ceil(ranks)), interpolation === 'midpoint' ? 0.5 : sub(ranks, below));
  })();
  // [..., q]: each q comes first, and x's dimension stays or goes.
  const several = q instanceof Tensor && q.rank === 1;
  const lone = dim === undefined || x.rank === 0;
  const front = movedim(values, last, 0);
  const rest = lone ? x.sizes.map(() => 1) : x.sizes.map((m, i) => (i === normalizeDim(op, dim, x.rank) ? 1 : m));
  const shape = keepdim ? rest : lone ? [] : rest.filter((_, i) => i !== normalizeDim(op, dim, x.rank));
  return reshape(front, several ? [q.size, ...shape] : shape);
}

/**
 * The value below which a share q of the elements lies, along a dimension or of all: quantile(x, q, dim, keepdim) or quantile(x, q, { dim, keepdim, interpolation }). q: a number,
 * or a tensor; a vector puts a dimension in front. NaN where one is.
 */
export function quantile(x: Tensor, q: number | Tensor, ...given: [dim?: number | QuantileOptions, keepdim?: boolean | QuantileOptions, options?: QuantileOptions]): Tensor {
  return quantileOf('quantile', x, q, given, false);
}

/** As `quantile`, of what is not NaN. */
export function nanquantile(x: Tensor, q: number | Tensor, ...given: [dim?: number | QuantileOptions, keepdim?: boolean | QuantileOptions, options?: QuantileOptions]): Tensor {
  return quantileOf('nanquantile', x, q, given, true);
}
