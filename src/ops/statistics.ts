// Reductions that pass over NaN or count, covariances, and parts brought to a norm.
import { assertArity, assertTensor, checkArgument, DIMS, dimOf, type Kinds, NUMBER, ofOne, optionsOf, TENSOR, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, valueError } from '../tensor/errors.ts';
import { viewOf } from '../tensor/dtype.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import { hostStep } from '../tensor/recording.ts';
import { normalizeDims, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, gt, mul, ne, sub, where } from './binary.ts';
import { asFloat, assertFloat } from './convert.ts';
import { full } from './create.ts';
import { amax, amin, norm } from './moments.ts';
import { matmul } from './matmul.ts';
import { reshape, t, unsqueeze } from './movement.ts';
import { oneDim, type ReduceArgument, reduceAttrs, sumOver } from './reduce.ts';
import { diagonal } from './triangle.ts';
import { clamp, isnan, logicalNot, sqrt } from './unary.ts';

/** Sum over dimensions, all by default, of what is not NaN: nansum(x, dim, keepdim) or nansum(x, { dim, keepdim }). */
export function nansum(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  const { dims, keepdim: kept } = reduceAttrs('nansum', x, dim, keepdim, arguments.length);
  return sumOver(x.dtype === 'float32' ? where(isnan(x), 0, x) : x, dims, kept);
}

/** Mean over dimensions, all by default, of what is not NaN; NaN where nothing is left: nanmean(x, dim, keepdim) or nanmean(x, { dim, keepdim }). */
export function nanmean(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  assertFloat('nanmean', x);
  const { dims, keepdim: kept } = reduceAttrs('nanmean', x, dim, keepdim, arguments.length);
  const nan = isnan(x);
  return div(sumOver(where(nan, 0, x), dims, kept), sumOver(logicalNot(nan), dims, kept));
}

/** How many elements are not 0, over a dimension or several, all by default: int32. NaN is not 0. */
export function countNonzero(x: Tensor, dim?: number | readonly number[]): Tensor {
  const op = 'countNonzero';
  assertArity(op, arguments.length, 2);
  assertTensor(op, x);
  if (dim !== undefined) checkArgument(op, 'dim', dim, DIMS);
  return sumOver(ne(x, 0), normalizeDims(op, dim, x.rank));
}

/** The smallest and the largest element along a dimension, or of all: aminmax(x, dim, keepdim) or aminmax(x, { dim, keepdim }). The gradients are shared among equals. */
export function aminmax(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): { min: Tensor; max: Tensor } {
  const options = oneDim('aminmax', x, dim, keepdim, arguments.length);
  return { min: amin(x, options), max: amax(x, options) };
}

/** x with the parts along a dimension whose p-norm is above `maxnorm` scaled down to it. */
export function renorm(x: Tensor, p: number, dim: number, maxnorm: number): Tensor {
  const op = 'renorm';
  assertArity(op, arguments.length, 4);
  assertFloat(op, x);
  checkArgument(op, 'p', p, NUMBER);
  checkArgument(op, 'maxnorm', maxnorm, NUMBER);
  if (!(p > 0)) throw valueError(op, `p must be above 0, got ${p}.`);
  if (!(maxnorm >= 0)) throw valueError(op, `maxnorm must be ≥ 0, got ${maxnorm}.`);
  if (x.rank < 2) throw shapeError(op, 'takes at least two dimensions', [x.sizes], 'Use unsqueeze.');
  const at = dimOf(op, x, dim);
  const size = norm(x, { p, dim: [...x.sizes.keys()].filter((d) => d !== at), keepdim: true });
  return mul(x, where(gt(size, maxnorm), div(maxnorm, add(size, 1e-7)), 1));
}

/** Options of `cov`. */
export interface CovOptions {
  /** What is taken from the count that sums are divided by; default 1. */
  correction?: number;
  /** How often each observation counts: int32 [n]. */
  fweights?: Tensor;
  /** How much each observation weighs: [n]. */
  aweights?: Tensor;
}

const COV: Kinds<CovOptions> = { correction: WHOLE, fweights: TENSOR, aweights: TENSOR };

/** Covariances of variables, the rows of x [variables, n], as a matrix; of a vector its variance. */
export function cov(x: Tensor, options?: CovOptions): Tensor {
  const { correction = 1, fweights, aweights } = optionsOf('cov', options, COV, arguments.length, 2);
  return covariance('cov', x, correction, fweights, aweights);
}

/** Σw − correction·Σw·a/Σw, or 0: on the host, in float64, since it may cancel. */
const divisorOp: Op<{ correction: number }> = {
  name: 'cov',
  shape: () => [],
  forward: (y, [w, a], { correction }) => {
    const n = (w as Tensor).size;
    hostStep([y, w as Tensor, a as Tensor], (addresses) => {
      const memory = viewOf('float32');
      const [to, weights, other] = addresses.map((address) => address / 4) as [number, number, number];
      let [sum, product] = [0, 0];
      for (let i = 0; i < n; i++) {
        if ((memory[weights + i] as number) < 0) throw valueError('cov', `weight ${memory[weights + i]} of observation ${i} is negative. Leave the observation out by 0.`);
        sum += memory[weights + i] as number;
        product += (memory[weights + i] as number) * (memory[other + i] as number);
      }
      memory[to] = Math.max(0, sum - (correction * product) / sum);
    });
  },
  saves: everyInput,
  backward: (dy, node) => {
    const [w, a, { correction }] = [node.input(0), node.input(1), node.attrs];
    const total = sumOver(w, [0]);
    const mean = div(sumOver(mul(w, a), [0]), total);
    const each = div(dy, total);
    return [add(dy, mul(each, mul(sub(mean, a), correction))), mul(each, mul(w, -correction))];
  },
};

function covariance(op: string, given: Tensor, correction: number, fweights?: Tensor, aweights?: Tensor): Tensor {
  const x = asFloat(given, op);
  if (x.rank > 2) throw shapeError(op, 'takes a matrix or a vector', [x.sizes], 'Rows are variables.');
  const rows = x.rank === 2 ? x : reshape(x, [1, x.size]);
  const n = rows.sizes[1] as number;
  for (const w of [fweights, aweights]) if (w && !sameShape(w.sizes, [n])) throw shapeError(op, 'weights do not fit the observations', [x.sizes, w.sizes], 'Give one for each.');
  if (fweights?.dtype === 'float32') throw new GradloomError('DTYPE', op, `fweights count observations: whole numbers, got ${fweights.describe()}. Use aweights.`);
  const weights = fweights && aweights ? mul(asFloat(fweights), asFloat(aweights)) : (fweights ?? aweights) && asFloat((fweights ?? aweights) as Tensor);
  const weighed = (y: Tensor): Tensor => (weights ? mul(y, weights) : y);
  const total = weights ? sumOver(weights, [0]) : n;
  const centred = sub(rows, div(sumOver(weighed(rows), [1], true), total));
  const left = weights ? apply(divisorOp, [weights, aweights ? asFloat(aweights) : full([n], 1)], { correction }) : Math.max(0, n - correction);
  const matrix = div(matmul(centred, t(weighed(centred))), left);
  return (rows.sizes[0] as number) === 1 ? reshape(matrix, []) : matrix;
}

/** Correlations of variables, the rows of x [variables, n], as a matrix; of a vector 1. */
export const corrcoef: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('corrcoef', (x) => {
  const c = covariance('corrcoef', x, 1);
  if (c.rank === 0) return div(c, c);
  const spread = sqrt(diagonal(c));
  return clamp(div(div(c, unsqueeze(spread, 1)), spread), { min: -1, max: 1 });
});
