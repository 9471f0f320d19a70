// Sum and expand, each the other's gradient, and the reductions that have none.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { assertTensor, type Sizes, sizesOf } from '../tensor/check.ts';
import type { DType } from '../tensor/dtype.ts';
import { GradloomError, shapeError, shapeText } from '../tensor/errors.ts';
import { apply, applyView, dense, type Op, type ViewOp } from '../tensor/op.ts';
import { broadcastStrides, normalizeDim, normalizeDims, sameShape, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { permute, reshape } from './movement.ts';

/** Which dimensions to reduce (all unless said), and whether they stay with size 1. */
export interface ReduceOptions {
  dim?: number | readonly number[];
  keepdim?: boolean;
}

/** @internal The shape that remains when `dims` are reduced. */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): number[] {
  return keepdim ? shape.map((n, i) => (dims.includes(i) ? 1 : n)) : shape.filter((_, i) => !dims.includes(i));
}

/** x with `dims` brought together: contiguous [outer, n, inner], of which n is to be folded. */
function blockOver(x: Tensor, dims: readonly number[]): { x: Tensor; outer: number; n: number; inner: number } {
  const first = dims[0] ?? 0;
  const adjacent = dims.every((d, i) => d === first + i);
  const n = dims.reduce((m, d) => m * (x.shape[d] as number), 1);
  if (adjacent) {
    const inner = sizeOf(x.shape.slice(first + dims.length));
    return { x: dense(x), outer: sizeOf(x.shape.slice(0, first)), n, inner };
  }
  const kept = x.shape.map((_, i) => i).filter((i) => !dims.includes(i));
  const moved = permute(x, [...kept, ...dims]);
  return { x: dense(moved), outer: sizeOf(kept.map((i) => x.shape[i] as number)), n, inner: 1 };
}

interface ReduceAttrs {
  dims: readonly number[];
  keepdim: boolean;
}

/** @internal Fills y with a reduction of x. */
export function reduceInto(kernel: Kernel, y: Tensor, x: Tensor, dims: readonly number[], start = 0): void {
  const block = blockOver(x, dims);
  call(kernel, block.x.address, y.address, block.outer, block.n, block.inner, start);
}

const sumOp: Op<ReduceAttrs> = {
  name: 'sum',
  shape: ([x], { dims, keepdim }) => reducedShape((x as Tensor).shape, dims, keepdim),
  dtype: ([x]) => ((x as Tensor).dtype === 'float32' ? 'float32' : 'int32'),
  strided: true,
  forward: (y, [x], { dims }) => reduceInto((x as Tensor).dtype === 'float32' ? 'sum' : 'sumInt', y, x as Tensor, dims),
  backward: (dy, { shapes, attrs }) => {
    const shape = shapes[0] as Shape;
    return [expand(reshape(dy, reducedShape(shape, attrs.dims, true)), shape)];
  },
  batched: (dy, { shapes, attrs }) => {
    const [k, shape] = [dy.shape[0] as number, shapes[0] as Shape];
    return [expand(reshape(dy, [k, ...reducedShape(shape, attrs.dims, true)]), [k, ...shape])];
  },
};

/** Sum over dimensions (all unless said). int32 and bool sum to int32. The order of addition is fixed. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return apply(sumOp, [x], { dims: normalizeDims('sum', options.dim, x.rank), keepdim: options.keepdim ?? false });
}

const expandOp: ViewOp<{ shape: Shape }> = {
  name: 'expand',
  window: (x, { shape }) => ({ shape, strides: broadcastStrides(x.shape, x.strides, shape), offset: x.offset }),
  backward: (dy, { shapes }) => sumTo(dy, shapes[0] as Shape),
  batched: (dy, { shapes }) => {
    const [k, shape] = [dy.shape[0] as number, shapes[0] as Shape];
    return reshape(sumTo(dy, [k, ...new Array<number>(dy.rank - 1 - shape.length).fill(1), ...shape]), [k, ...shape]);
  },
};

/** Stretches dimensions of size 1 (and adds leading ones) to a larger shape, a list or size by size, without copying; −1 keeps a size. A view. */
export function expand(x: Tensor, ...sizes: Sizes): Tensor {
  assertTensor('expand', x);
  const shape = sizesOf('expand', sizes, -1);
  const lead = shape.length - x.rank;
  const resolved = shape.map((n, i) => (n === -1 && i >= lead ? (x.shape[i - lead] as number) : n));
  const fits = lead >= 0 && resolved.every((n, i) => n >= 0 && (i < lead || x.shape[i - lead] === n || x.shape[i - lead] === 1));
  if (!fits) throw shapeError('expand', 'cannot expand', [x.shape, shape], 'Only dimensions of size 1 stretch; new ones go in front.');
  return applyView(expandOp, x, { shape: resolved });
}

/** Sums what broadcasting stretched, so that the result has `shape` again: the gradient of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.rank - shape.length;
  const dims = x.shape.flatMap((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : []));
  return reshape(sum(x, { dim: dims.length > 0 ? dims : [0], keepdim: true }), shape);
}

function boolOp(name: string, kernel: Kernel, start: number): Op<ReduceAttrs> {
  return {
    name,
    shape: ([x], { dims, keepdim }) => reducedShape((x as Tensor).shape, dims, keepdim),
    dtype: () => 'bool',
    strided: true,
    forward: (y, [x], { dims }) => reduceInto(kernel, y, x as Tensor, dims, start),
  };
}

const anyOp = boolOp('any', 'maxOverInt', 0);
const allOp = boolOp('all', 'minOverInt', 1);

function boolInput(op: string, x: Tensor): Tensor {
  if (x.dtype !== 'bool') throw new GradloomError('DTYPE', op, `takes a bool tensor, got ${x.describe()}. Compare first, or convert with .bool().`);
  return x;
}

/** Whether any element is true. bool → bool. */
export function any(x: Tensor, options: ReduceOptions = {}): Tensor {
  return apply(anyOp, [boolInput('any', x)], { dims: normalizeDims('any', options.dim, x.rank), keepdim: options.keepdim ?? false });
}

/** Whether every element is true. bool → bool. */
export function all(x: Tensor, options: ReduceOptions = {}): Tensor {
  return apply(allOp, [boolInput('all', x)], { dims: normalizeDims('all', options.dim, x.rank), keepdim: options.keepdim ?? false });
}

function argOp(name: 'argmax' | 'argmin'): Op<ReduceAttrs> {
  return {
    name,
    shape: ([x], { dims, keepdim }) => {
      const { shape } = x as Tensor;
      if (dims.some((d) => shape[d] === 0)) throw new GradloomError('SHAPE', name, `nothing to choose from in ${shapeText(shape)}. The reduced dimension must not be empty.`);
      return reducedShape(shape, dims, keepdim);
    },
    dtype: (): DType => 'int32',
    strided: true,
    forward: (y, [x], { dims }) => reduceInto(name, y, x as Tensor, dims),
  };
}

const argmaxOp = argOp('argmax');
const argminOp = argOp('argmin');

function argument(op: Op<ReduceAttrs>, x: Tensor, dim: number | undefined, keepdim: boolean): Tensor {
  if (x.dtype !== 'float32') throw new GradloomError('DTYPE', op.name, `takes a float32 tensor, got ${x.describe()}. Convert it with .float().`);
  const dims = dim === undefined ? x.shape.map((_, i) => i) : x.rank === 0 ? [] : [normalizeDim(op.name, dim, x.rank)];
  return apply(op, [x], { dims, keepdim });
}

/** Index of the largest element along a dimension, or in row-major order over all. The first of equals. int32. */
export function argmax(x: Tensor, dim?: number, keepdim = false): Tensor {
  return argument(argmaxOp, x, dim, keepdim);
}

/** Index of the smallest element along a dimension, or in row-major order over all. The first of equals. int32. */
export function argmin(x: Tensor, dim?: number, keepdim = false): Tensor {
  return argument(argminOp, x, dim, keepdim);
}
