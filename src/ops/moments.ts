// Reductions made of sums and products: mean, variance, norms; and the largest and smallest element, with their gradients.
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { apply, detach, everyInput, type Op } from '../tensor/op.ts';
import { normalizeDim, normalizeDims, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, eq, mul, ne, sub, where } from './binary.ts';
import { asFloat, assertFloat } from './convert.ts';
import { gather } from './indexing.ts';
import { reshape, squeeze, unsqueeze } from './movement.ts';
import { argmax, argmin, reducedShape, reduceInto, type ReduceOptions, sum } from './reduce.ts';
import { abs, exp, floor, log, pow, square } from './unary.ts';

const countOver = (x: Tensor, dims: readonly number[]): number => dims.reduce((n, d) => n * (x.shape[d] as number), 1);

/** Mean over dimensions (all unless said); NaN over nothing. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  assertFloat('mean', x);
  return div(sum(x, options), countOver(x, normalizeDims('mean', options.dim, x.rank)));
}

/** Variance over dimensions (all unless said), divided by n − correction (1 unless said). */
export function variance(x: Tensor, options: ReduceOptions & { correction?: number } = {}): Tensor {
  assertFloat('variance', x);
  const { correction = 1, ...rest } = options;
  const n = countOver(x, normalizeDims('variance', options.dim, x.rank));
  const centred = sub(x, mean(x, { dim: options.dim, keepdim: true }));
  return div(sum(square(centred), rest), Math.max(0, n - correction));
}

/** x to a power between 0 and 1, with the gradient 0 at x = 0, where it would be infinite: what norms and deviations of nothing need. */
function root(x: Tensor, exponent = 0.5): Tensor {
  const zero = eq(x, 0);
  return where(zero, x, pow(where(zero, 1, x), exponent));
}

/** Standard deviation: the root of `variance`. Its gradient is 0 where it is 0. */
export function std(x: Tensor, options: ReduceOptions & { correction?: number } = {}): Tensor {
  return root(variance(x, options));
}

/** The p-norm over dimensions (all unless said): (Σ|x|ᵖ)^(1/p); p = 2 unless said, 0 counts what is not 0, ∞ and −∞ give the largest and smallest
 * |x|. The gradient is 0 where the norm is 0. */
export function norm(x: Tensor, options: ReduceOptions & { p?: number } = {}): Tensor {
  const { p = 2, ...rest } = options;
  if (p === 2) return root(sum(square(x), rest));
  if (p === 0) return sum(where(ne(x, 0), 1, floor(asFloat(x))), rest); // 0 where x is, with the gradient 0
  if (p === 1) return sum(abs(x), rest);
  if (p === Number.POSITIVE_INFINITY) return amax(abs(x), rest);
  if (p === Number.NEGATIVE_INFINITY) return amin(abs(x), rest);
  // Elements that are 0 add 0ᵖ and have no gradient, whatever p is.
  const size = abs(x);
  const zero = eq(size, 0);
  return root(sum(where(zero, 0 ** p, pow(where(zero, 1, size), p)), rest), 1 / p);
}

interface ExtremeAttrs {
  dims: readonly number[];
  keepdim: boolean;
}

/** The gradient is shared evenly among equals, as PyTorch's amax does. */
function extremeOp(name: 'amax' | 'amin', kernel: 'maxOver' | 'minOver'): Op<ExtremeAttrs> {
  return {
    name,
    shape: ([x], { dims, keepdim }) => {
      const { shape } = x as Tensor;
      if (dims.some((d) => shape[d] === 0)) throw new GradloomError('SHAPE', name, `nothing to choose from in ${shapeText(shape)}. The reduced dimension must not be empty.`);
      return reducedShape(shape, dims, keepdim);
    },
    strided: true,
    forward: (y, [x], { dims }) => reduceInto((x as Tensor).dtype === 'float32' ? kernel : `${kernel}Int`, y, x as Tensor, dims, kernel === 'maxOver' ? -(2 ** 31) : 2 ** 31 - 1),
    saves: everyInput,
    savesOutput: true,
    backward: (dy, node) => {
      const { dims } = node.attrs;
      const kept = reducedShape(node.shapes[0] as Shape, dims, true);
      const winners = asFloat(eq(node.input(0), reshape(node.output, kept)));
      return [mul(div(reshape(dy, kept), sum(winners, { dim: dims.length > 0 ? dims : undefined, keepdim: true })), winners)];
    },
  };
}

const amaxOp = extremeOp('amax', 'maxOver');
const aminOp = extremeOp('amin', 'minOver');

/** The largest element over dimensions (all unless said); the gradient is shared among equals. */
export function amax(x: Tensor, options: ReduceOptions = {}): Tensor {
  return apply(amaxOp, [x], { dims: normalizeDims('amax', options.dim, x.rank), keepdim: options.keepdim ?? false });
}

/** The smallest element over dimensions (all unless said); the gradient is shared among equals. */
export function amin(x: Tensor, options: ReduceOptions = {}): Tensor {
  return apply(aminOp, [x], { dims: normalizeDims('amin', options.dim, x.rank), keepdim: options.keepdim ?? false });
}

function extremeAt(op: typeof argmax, x: Tensor, dim: number, keepdim: boolean): { values: Tensor; indices: Tensor } {
  if (x.rank === 0) return { values: reshape(x, []), indices: op(x) };
  const at = normalizeDim('max', dim, x.rank);
  const indices = op(x, at, true);
  const values = gather(x, at, indices);
  return keepdim ? { values, indices } : { values: squeeze(values, at), indices: squeeze(indices, at) };
}

/** The largest element along a dimension and where it stands; the gradient goes to that one. Without `dim`: over all, the value only. */
export function max(x: Tensor): Tensor;
export function max(x: Tensor, dim: number, keepdim?: boolean): { values: Tensor; indices: Tensor };
export function max(x: Tensor, dim?: number, keepdim = false): Tensor | { values: Tensor; indices: Tensor } {
  return dim === undefined ? amax(x) : extremeAt(argmax, x, dim, keepdim);
}

/** The smallest element along a dimension and where it stands; the gradient goes to that one. Without `dim`: over all, the value only. */
export function min(x: Tensor): Tensor;
export function min(x: Tensor, dim: number, keepdim?: boolean): { values: Tensor; indices: Tensor };
export function min(x: Tensor, dim?: number, keepdim = false): Tensor | { values: Tensor; indices: Tensor } {
  return dim === undefined ? amin(x) : extremeAt(argmin, x, dim, keepdim);
}

/** ln Σ eˣ over one dimension, shifted by the largest element so that nothing overflows. */
export function logsumexp(x: Tensor, dim: number, keepdim = false): Tensor {
  const row = x.rank === 0 ? unsqueeze(x, 0) : x;
  const at = normalizeDim('logsumexp', dim, row.rank);
  const largest = detach(amax(row, { dim: at, keepdim: true }));
  const shift = where(eq(abs(largest), Number.POSITIVE_INFINITY), 0, largest);
  const total = add(log(sum(exp(sub(row, shift)), { dim: at, keepdim: true })), shift);
  return keepdim && x.rank > 0 ? total : squeeze(total, at);
}
