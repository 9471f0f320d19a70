// Reductions made of sums and products: mean, variance, norms; and the largest and smallest element, with their gradients.
import { call } from '../runtime/call.ts';
import { DIMS, FINITE, FLAG, type Kinds, NUMBER, optionsBy, optionsOf, valueText } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { apply, detach, everyInput, type Op } from '../tensor/op.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Node } from '../tensor/tape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { add, div, eq, gt, logicalAnd, logicalOr, lt, mul, ne, sub, where } from './binary.ts';
import { asFloat, assertFloat } from './convert.ts';
import { constant } from './create.ts';
import { formulaOp } from './formula.ts';
import { gather } from './indexing.ts';
import { clone, inShape, squeeze } from './movement.ts';
import {
  argmax,
  argmin,
  blockOver,
  choiceShape,
  oneDim,
  REDUCE,
  type ReduceArgument,
  type ReduceAttrs,
  type ReduceOptions,
  reduceAttrs,
  reducedShape,
  reduceInto,
  sumOver,
} from './reduce.ts';
import { abs, exp, log, pow, square } from './unary.ts';

const countOver = (x: Tensor, dims: readonly number[]): number => dims.reduce((n, d) => n * (x.sizes[d] as number), 1);

/** Mean over dimensions, all by default: mean(x, dim, keepdim) or mean(x, { dim, keepdim }); NaN over nothing. */
export function mean(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  assertFloat('mean', x);
  const { dims, keepdim: kept } = reduceAttrs('mean', x, dim, keepdim, arguments.length);
  return div(sumOver(x, dims, kept), countOver(x, dims));
}

/** x − its mean over dimensions. Twice, since the first mean may be far away and is rounded there. */
function centred(x: Tensor, dims: readonly number[]): Tensor {
  const from = (y: Tensor): Tensor => sub(y, div(sumOver(y, dims, true), countOver(x, dims)));
  return from(from(x));
}

/** Options of `variance` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /** What is taken from the count that sums are divided by; default 1. */
  correction?: number;
}

const VARIANCE: Kinds<VarianceOptions> = { ...REDUCE, correction: FINITE };

/** (x, dim) or (x, { dim, keepdim, correction }), checked. PyTorch's further positions mean different things, so those go by name. */
function varianceAttrs(op: string, x: Tensor, given: ReduceArgument | undefined, more: readonly unknown[]): RootAttrs {
  assertFloat(op, x);
  if (more.length > 0) throw valueError(op, `takes only dim by position, got ${valueText(more[0])} too. Write { dim, keepdim, correction }.`);
  const options: VarianceOptions = typeof given === 'object' && !Array.isArray(given) ? optionsOf(op, given as VarianceOptions, VARIANCE) : { dim: given as number | undefined };
  const attrs = reduceAttrs(op, x, options.dim, options.keepdim);
  return { ...attrs, divisor: Math.max(0, countOver(x, attrs.dims) - (options.correction ?? 1)) };
}

/** Variance over dimensions, all by default, divided by n − correction (default 1): variance(x, dim) or variance(x, { dim, keepdim, correction }). */
export function variance(x: Tensor, dim?: number | readonly number[] | VarianceOptions, ...more: never[]): Tensor {
  const { dims, keepdim, divisor } = varianceAttrs('variance', x, dim, more);
  return div(sumOver(square(centred(x, dims)), dims, keepdim), divisor);
}

interface RootAttrs extends ReduceAttrs {
  divisor: number;
}

/** dy·x/(y·divisor), for one dy or several one behind another. */
function rootGrad(dy: Tensor, node: Node<RootAttrs>): Tensor {
  const { dims, divisor } = node.attrs;
  const [x, y] = [node.input(0), node.output];
  const kept = reducedShape(x.sizes, dims, true);
  const scaled = div(keeping(dy, y, kept), inShape(where(eq(y, 0), 1, y), kept));
  return mul(x, divisor === 1 ? scaled : div(scaled, divisor));
}

/** √(Σx²/divisor) over dimensions, finite wherever it can be. The gradient is 0 where it is 0. */
function rootOp(name: string): Op<RootAttrs> {
  return {
    name,
    shape: ([x], { dims, keepdim }) => reducedShape((x as Tensor).sizes, dims, keepdim),
    strided: true,
    forward: (y, [input], { dims, divisor }) => {
      const { x, outer, n, inner } = blockOver(input as Tensor, dims);
      const squares = empty([x.size]);
      call('square', x.address, squares.address, x.size);
      call('sum', squares.address, y.address, outer, n, inner);
      call('rootSquares', x.address, y.address, outer, n, inner, constant(divisor, 'float32').address);
    },
    saves: everyInput,
    savesOutput: true,
    backward: (dy, node) => [rootGrad(dy, node)],
    batched: (dy, node) => [rootGrad(dy, node)],
  };
}

const stdOp = /* @__PURE__ */ rootOp('std');
const normOp = /* @__PURE__ */ rootOp('norm');

/** Standard deviation, the root of `variance`, finite where that is not: std(x, dim) or std(x, { dim, keepdim, correction }). Its gradient is 0 where it is 0. */
export function std(x: Tensor, dim?: number | readonly number[] | VarianceOptions, ...more: never[]): Tensor {
  const attrs = varianceAttrs('std', x, dim, more);
  return apply(stdOp, [centred(x, attrs.dims)], attrs);
}

/** 1 where x is not 0, else 0. No gradient arrives, but backward may ask for it (PyTorch). */
const nonzeroOp: Op<void> = {
  ...formulaOp<void>(
    'norm',
    (x) => asFloat(ne(x, 0)),
    (dy) => dy,
  ),
  backward: () => [null],
  saves: () => [false],
};

/** Options of `norm`. */
export interface NormOptions extends ReduceOptions {
  /** The exponent; default 2. */
  p?: number;
}

const NORM: Kinds<NormOptions> = { p: NUMBER, dim: DIMS, keepdim: FLAG };

/** x to a power between 0 and 1, with the gradient 0 at x = 0, where it would be infinite. */
function root(x: Tensor, exponent: number): Tensor {
  const zero = eq(x, 0);
  return where(zero, x, pow(where(zero, 1, x), exponent));
}

/**
 * The p-norm over dimensions, all by default, (Σ|x|ᵖ)^(1/p): norm(x, p, dim, keepdim) or norm(x, { p, dim, keepdim }). p = 2 by default, 0
 * counts what is not 0, ∞ and −∞ give the largest and smallest |x|. Finite wherever float32 holds it. The gradient is 0 where the norm is 0.
 */
export function norm(x: Tensor, ...given: [p?: number | NormOptions, dim?: number | readonly number[], keepdim?: boolean]): Tensor {
  assertFloat('norm', x);
  const options = optionsBy('norm', given, NORM);
  const { p = 2 } = options;
  const { dims, keepdim } = reduceAttrs('norm', x, options.dim, options.keepdim);
  if (p === 2) return apply(normOp, [x], { dims, keepdim, divisor: 1 });
  if (p === 0) return sumOver(apply(nonzeroOp, [x], undefined), dims, keepdim);
  const size = abs(x);
  if (p === 1) return sumOver(size, dims, keepdim);
  const isEmpty = countOver(x, dims) === 0;
  // Of nothing there is no norm below 0, which amin says.
  if (Math.abs(p) === Number.POSITIVE_INFINITY || (isEmpty && p < 0)) return apply(p > 0 ? amaxOp : aminOp, [size], { dims, keepdim });
  if (Number.isNaN(p)) throw valueError('norm', 'p is NaN. Give a number, Infinity included.');
  // In units of the largest element, so that powers stay within float32's range.
  const largest = isEmpty ? constant(1, 'float32') : apply(amaxOp, [detach(size)], { dims, keepdim: true });
  const unit = where(logicalAnd(gt(largest, 0), lt(largest, Number.POSITIVE_INFINITY)), largest, 1);
  const scaled = div(size, unit);
  // Elements that are 0 add 0ᵖ and have no gradient, whatever p is.
  const zero = eq(scaled, 0);
  const total = mul(root(sumOver(where(zero, 0 ** p, pow(where(zero, 1, scaled), p)), dims, true), 1 / p), unit);
  return keepdim ? total : inShape(total, reducedShape(x.sizes, dims, false));
}

/** A gradient of dy's, or several one behind another, with dy's reduced dimensions kept. */
const keeping = (dy: Tensor, y: Tensor, kept: Shape): Tensor => inShape(dy, [...dy.sizes.slice(0, dy.rank - y.rank), ...kept]);

/** dy where x is the extreme, shared among equals. */
function extremeGrad(dy: Tensor, node: Node<ReduceAttrs>): Tensor {
  const { dims } = node.attrs;
  const [x, y] = [node.input(0), node.output];
  const kept = reducedShape(x.sizes, dims, true);
  const winners = logicalOr(eq(x, inShape(y, kept)), ne(x, x));
  return where(winners, div(keeping(dy, y, kept), sumOver(asFloat(winners), dims, true)), 0);
}

/** The gradient is shared evenly among equals, as PyTorch's amax does; a NaN that won has all of it. */
function extremeOp(name: 'amax' | 'amin', kernel: 'maxOver' | 'minOver'): Op<ReduceAttrs> {
  return {
    name,
    shape: ([x], attrs) => choiceShape(name, x as Tensor, attrs),
    strided: true,
    forward: (y, [x], { dims }) => reduceInto((x as Tensor).dtype === 'float32' ? kernel : `${kernel}Int`, y, x as Tensor, dims, kernel === 'maxOver' ? -(2 ** 31) : 2 ** 31 - 1),
    saves: everyInput,
    savesOutput: true,
    backward: (dy, node) => [extremeGrad(dy, node)],
    batched: (dy, node) => [extremeGrad(dy, node)],
  };
}

const amaxOp = extremeOp('amax', 'maxOver');
const aminOp = extremeOp('amin', 'minOver');

/** The largest element over dimensions, all by default: amax(x, dim, keepdim) or amax(x, { dim, keepdim }). The gradient is shared among equals. */
export function amax(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  return apply(amaxOp, [x], reduceAttrs('amax', x, dim, keepdim, arguments.length));
}

/** The smallest element over dimensions, as `amax`. */
export function amin(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  return apply(aminOp, [x], reduceAttrs('amin', x, dim, keepdim, arguments.length));
}

type Extreme = Tensor | { values: Tensor; indices: Tensor };

function extremeAt(name: 'max' | 'min', x: Tensor, given: ReduceArgument | undefined, keepdim: boolean | undefined, count: number): Extreme {
  const { dim, keepdim: kept } = oneDim(name, x, given, keepdim, count);
  if (dim === undefined) return apply(name === 'max' ? amaxOp : aminOp, [x], { dims: x.sizes.map((_, i) => i), keepdim: kept });
  const index = name === 'max' ? argmax : argmin;
  if (x.rank === 0) return { values: clone(x), indices: index(x) };
  const indices = index(x, dim, true);
  const values = gather(x, dim, indices);
  return kept ? { values, indices } : { values: squeeze(values, dim), indices: squeeze(indices, dim) };
}

/** The largest element over all. Along a dimension with where it stands: max(x, dim, keepdim). */
export function max(x: Tensor): Tensor;
/** The largest element along a dimension and where it stands: max(x, dim, keepdim) or max(x, { dim, keepdim }); the gradient goes to that one. */
export function max(x: Tensor, dim: number | (ReduceOptions & { dim: number }), keepdim?: boolean): { values: Tensor; indices: Tensor };
export function max(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Extreme {
  return extremeAt('max', x, dim, keepdim, arguments.length);
}

/** The smallest element over all. Along a dimension with where it stands: min(x, dim, keepdim). */
export function min(x: Tensor): Tensor;
/** The smallest element along a dimension and where it stands: min(x, dim, keepdim) or min(x, { dim, keepdim }); the gradient goes to that one. */
export function min(x: Tensor, dim: number | (ReduceOptions & { dim: number }), keepdim?: boolean): { values: Tensor; indices: Tensor };
export function min(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Extreme {
  return extremeAt('min', x, dim, keepdim, arguments.length);
}

/** ln Σ eˣ over dimensions, all by default: logsumexp(x, dim, keepdim) or logsumexp(x, { dim, keepdim }). Shifted by the largest element so that nothing overflows; −∞ over nothing. */
export function logsumexp(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  const { dims, keepdim: kept } = reduceAttrs('logsumexp', x, dim, keepdim, arguments.length);
  const input = asFloat(x);
  if (countOver(x, dims) === 0) return log(sumOver(input, dims, kept));
  const largest = apply(amaxOp, [detach(input)], { dims, keepdim: true });
  const shift = where(eq(abs(largest), Number.POSITIVE_INFINITY), 0, largest);
  const total = add(log(sumOver(exp(sub(input, shift)), dims, true)), shift);
  return kept ? total : inShape(total, reducedShape(x.sizes, dims, false));
}
