// Products, and running sums and products, from their halves: log₂ n ops over the whole tensor, so that gradients are right at zeros too and
// roundings stay few.
import { assertArity, assertTensor, checkArgument, WHOLE } from '../tensor/check.ts';
import { apply, type Op } from '../tensor/op.ts';
import { normalizeDim } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, mul, type Operand } from './binary.ts';
import { full } from './create.ts';
import { cat, clone, flatten, narrow, reshape, squeeze } from './movement.ts';
import { foldInts, oneDim, type ReduceArgument, reducedShape } from './reduce.ts';

/** Of whole numbers, which have no gradient: one after the other. */
function foldOp(op: 'prod' | 'cumsum' | 'cumprod'): Op<readonly number[]> {
  return {
    name: op,
    shape: ([x], dims) => (op === 'prod' ? reducedShape((x as Tensor).sizes, dims, true) : (x as Tensor).sizes),
    dtype: () => 'int32',
    strided: true,
    forward: (y, [x], dims) => foldInts(op, y, x as Tensor, dims),
  };
}

const prodOp = /* @__PURE__ */ foldOp('prod');
const sumsOp = /* @__PURE__ */ foldOp('cumsum');
const productsOp = /* @__PURE__ */ foldOp('cumprod');

/**
 * The product over one dimension, over everything by default, 1 over nothing: prod(x, dim, keepdim) or prod(x, { dim, keepdim }).
 * @throws VALUE where a product of int32 is beyond int32
 */
export function prod(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  const { dim: at, keepdim: kept } = oneDim('prod', x, dim, keepdim, arguments.length);
  if (at === undefined) return kept ? reshape(prod(flatten(x), 0), reducedShape(x.sizes, [...x.sizes.keys()], true)) : prod(flatten(x), 0);
  if (x.rank === 0) return reshape(prod(reshape(x, [1]), 0), []);
  const y = x.dtype === 'float32' ? products(x, at) : apply(prodOp, [x], [at]);
  return kept ? y : squeeze(y, at);
}

/** Products along a dimension, which stays with size 1; memory of their own. */
function products(x: Tensor, at: number): Tensor {
  let y = x;
  const n = x.sizes[at] as number;
  // An empty part of x keeps the graph whole.
  if (n === 0) return cat([full(reducedShape(x.sizes, [at], true), 1), x], at);
  if (n === 1) return clone(x);
  for (let n = y.sizes[at] as number; n > 1; n = y.sizes[at] as number) {
    const half = n >> 1;
    const pairs = mul(narrow(y, at, 0, half), narrow(y, at, half, half));
    y = n % 2 === 0 ? pairs : cat([pairs, narrow(y, at, n - 1, 1)], at);
  }
  return y;
}

/** y[i] = x[0] ∘ … ∘ x[i] along a dimension: each step joins runs of twice the length (Hillis & Steele 1986). */
function scan(ints: Op<readonly number[]>, x: Tensor, dim: number, count: number, join: (a: Operand, b: Operand) => Tensor): Tensor {
  const op = ints.name;
  assertArity(op, count, 2);
  assertTensor(op, x);
  checkArgument(op, 'dim', dim, WHOLE);
  const at = normalizeDim(op, dim, x.rank);
  if (x.dtype !== 'float32') return apply(ints, [x], x.rank === 0 ? [] : [at]);
  let y = x;
  const n = y.sizes[at] ?? 1;
  if (n <= 1) return clone(y);
  for (let step = 1; step < n; step *= 2) y = cat([narrow(y, at, 0, step), join(narrow(y, at, step, n - step), narrow(y, at, 0, n - step))], at);
  return y;
}

/**
 * Running sums along a dimension: y[i] = x[0] + … + x[i].
 * @throws VALUE where a sum of int32 is beyond int32
 */
export function cumsum(x: Tensor, dim: number): Tensor {
  return scan(sumsOp, x, dim, arguments.length, add);
}

/**
 * Running products along a dimension: y[i] = x[0] · … · x[i].
 * @throws VALUE where a product of int32 is beyond int32
 */
export function cumprod(x: Tensor, dim: number): Tensor {
  return scan(productsOp, x, dim, arguments.length, mul);
}
