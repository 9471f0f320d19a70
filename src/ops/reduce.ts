// Sum and expand, each the other's gradient, and the reductions that have none.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import type { DType } from '../tensor/dtype.ts';
import { assertArity, assertTensor, checkArgument, DIMS, FLAG, type Kinds, optionsOf, type Sizes, sizesOf, valueText } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText } from '../tensor/errors.ts';
import { apply, applyView, dense, forEach, type Op, type ViewOp } from '../tensor/op.ts';
import { broadcastStrides, normalizeDims, sameShape, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { to } from './convert.ts';
import { permute, inShape } from './movement.ts';

/** Which dimensions to reduce (all by default), and whether they stay with size 1 (not by default). */
export interface ReduceOptions {
  /** The dimension to reduce, or several; default all. */
  dim?: number | readonly number[];
  /** Whether they stay with size 1; default false. */
  keepdim?: boolean;
}

/** @internal Kinds of `ReduceOptions`. */
export const REDUCE: Kinds<ReduceOptions> = { dim: DIMS, keepdim: FLAG };

/** Dimensions to reduce as PyTorch takes them, by position, or as options. */
export type ReduceArgument = number | readonly number[] | ReduceOptions;

/** @internal What is to be reduced: dimensions in order, and whether they stay. */
export interface ReduceAttrs {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
}

/** @internal The dimensions of (x, dim, keepdim) or (x, { dim, keepdim }), checked. `count`: how many arguments there were. */
export function reduceAttrs(op: string, x: Tensor, given: ReduceArgument | undefined, keepdim: boolean | undefined, count = 0): ReduceAttrs {
  assertArity(op, count, 3);
  assertTensor(op, x);
  if (typeof given === 'number' || given === undefined) {
    if (typeof keepdim !== 'boolean' && keepdim !== undefined) checkArgument(op, 'keepdim', keepdim, FLAG);
    return { dims: normalizeDims(op, given, x.rank), keepdim: keepdim ?? false };
  }
  const options = Array.isArray(given) ? optionsOf(op, { dim: given, keepdim } as ReduceOptions, REDUCE) : optionsOf(op, given as ReduceOptions, REDUCE);
  if (keepdim !== undefined && options === given) throw new GradloomError('VALUE', op, `keepdim stands beside the options, got ${valueText(keepdim)}. Put it into them.`);
  return { dims: normalizeDims(op, options.dim, x.rank), keepdim: options.keepdim ?? false };
}

/** @internal As `reduceAttrs`, for functions that take one dimension, or none. */
export function oneDim(op: string, x: Tensor, given: ReduceArgument | undefined, keepdim: boolean | undefined, count: number): { dim: number | undefined; keepdim: boolean } {
  const { dims, keepdim: kept } = reduceAttrs(op, x, given, keepdim, count);
  const dim = typeof given === 'object' && !Array.isArray(given) ? (given as ReduceOptions).dim : given;
  if (Array.isArray(dim)) throw new GradloomError('DIM', op, `takes one dimension, got ${valueText(dim)}. Call it once for each.`);
  return { dim: dim === undefined ? undefined : (dims[0] ?? 0), keepdim: kept };
}

/** @internal The shape that remains when `dims` are reduced. */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): number[] {
  return keepdim ? shape.map((n, i) => (dims.includes(i) ? 1 : n)) : shape.filter((_, i) => !dims.includes(i));
}

/** @internal x with `dims` brought together: contiguous [outer, n, inner], of which n is to be folded. */
export function blockOver(x: Tensor, dims: readonly number[]): { x: Tensor; outer: number; n: number; inner: number } {
  const first = dims[0] ?? 0;
  const adjacent = dims.every((d, i) => d === first + i);
  const n = dims.reduce((m, d) => m * (x.sizes[d] as number), 1);
  if (adjacent) {
    const inner = sizeOf(x.sizes.slice(first + dims.length));
    return { x: dense(x), outer: sizeOf(x.sizes.slice(0, first)), n, inner };
  }
  const kept = x.sizes.map((_, i) => i).filter((i) => !dims.includes(i));
  const moved = permute(x, [...kept, ...dims]);
  return { x: dense(moved), outer: sizeOf(kept.map((i) => x.sizes[i] as number)), n, inner: 1 };
}

/** @internal Fills y with a reduction of x. */
export function reduceInto(kernel: Kernel, y: Tensor, x: Tensor, dims: readonly number[], start = 0): void {
  const block = blockOver(x, dims);
  call(kernel, block.x.address, y.address, block.outer, block.n, block.inner, start);
}

/** @internal Fills y with sums or products of whole numbers; `running`: up to each place along `dims`. Throws where one is beyond int32. */
export function foldInts(op: 'sum' | 'prod' | 'cumsum' | 'cumprod', y: Tensor, x: Tensor, dims: readonly number[]): void {
  const block = blockOver(x, dims);
  const fit = call('foldInt', block.x.address, y.address, block.outer, block.n, block.inner, op.endsWith('prod') ? 1 : 0, op.startsWith('cum') ? 1 : 0);
  if (!fit) throw new GradloomError('VALUE', op, `a result of ${x.describe()} is beyond int32, ±2 147 483 647. Convert it with .float().`);
}

const sumOp: Op<ReduceAttrs> = {
  name: 'sum',
  shape: ([x], { dims, keepdim }) => reducedShape((x as Tensor).sizes, dims, keepdim),
  dtype: ([x]) => ((x as Tensor).dtype === 'float32' ? 'float32' : 'int32'),
  strided: true,
  forward: (y, [x], { dims }) => {
    const { dtype } = x as Tensor;
    if (dtype === 'float32') reduceInto('sum', y, x as Tensor, dims);
    else foldInts('sum', y, x as Tensor, dims);
  },
  backward: (dy, { shapes, attrs }) => {
    const shape = shapes[0] as Shape;
    return [stretch(inShape(dy, reducedShape(shape, attrs.dims, true)), shape)];
  },
  batched: (dy, { shapes, attrs }) => {
    const shape = shapes[0] as Shape;
    return [stretch(inShape(dy, forEach(dy, reducedShape(shape, attrs.dims, true))), forEach(dy, shape))];
  },
};

/**
 * Sum over dimensions, all by default: sum(x, dim, keepdim) or sum(x, { dim, keepdim }). int32 and bool sum to int32. The order of addition is
 * fixed.
 * @throws VALUE where a sum of int32 is beyond int32
 */
export function sum(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  return apply(sumOp, [x], reduceAttrs('sum', x, dim, keepdim, arguments.length));
}

/** @internal `sum` over dimensions that are known to be right. */
export const sumOver = (x: Tensor, dims: readonly number[], keepdim = false): Tensor => apply(sumOp, [x], { dims, keepdim });

const expandOp: ViewOp<{ shape: Shape }> = {
  name: 'expand',
  window: (x, { shape }) => ({ shape, strides: broadcastStrides(x.sizes, x.steps, shape), offset: x.offset }),
  backward: (dy, { shapes }) => sumTo(dy, shapes[0] as Shape),
  batched: (dy, { shapes }) => {
    const [k, shape] = [dy.sizes[0] as number, shapes[0] as Shape];
    return inShape(sumTo(dy, [k, ...new Array<number>(dy.rank - 1 - shape.length).fill(1), ...shape]), [k, ...shape]);
  },
};

/** @internal As `expand` for rules, which know that it fits: x itself where it has the shape. */
export function stretch(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.sizes, shape) ? x : applyView(expandOp, x, { shape });
}

/** Stretches dimensions of size 1 (and adds leading ones) to a larger shape, a list or size by size, without copying; −1 keeps a size. A view. */
export function expand(x: Tensor, ...sizes: Sizes): Tensor {
  assertTensor('expand', x);
  const shape = sizesOf('expand', sizes, -1);
  const lead = shape.length - x.rank;
  const resolved = shape.map((n, i) => (n === -1 && i >= lead ? (x.sizes[i - lead] as number) : n));
  const fits = lead >= 0 && resolved.every((n, i) => n >= 0 && (i < lead || x.sizes[i - lead] === n || x.sizes[i - lead] === 1));
  if (!fits) throw shapeError('expand', 'cannot expand', [x.sizes, shape], 'Only dimensions of size 1 stretch; new ones go in front.');
  return applyView(expandOp, x, { shape: resolved });
}

/** @internal Sums what broadcasting stretched, so that the result has `shape` again: the gradient of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.sizes, shape)) return x;
  const lead = x.rank - shape.length;
  const dims = x.sizes.flatMap((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : []));
  return inShape(sumOver(x, dims.length > 0 ? dims : [0], true), shape);
}

function boolOp(name: string, kernel: Kernel, start: number): Op<ReduceAttrs> {
  return {
    name,
    shape: ([x], { dims, keepdim }) => reducedShape((x as Tensor).sizes, dims, keepdim),
    dtype: () => 'bool',
    strided: true,
    forward: (y, [x], { dims }) => reduceInto(kernel, y, x as Tensor, dims, start),
  };
}

const anyOp = boolOp('any', 'maxOverInt', 0);
const allOp = boolOp('all', 'minOverInt', 1);

function overBools(op: Op<ReduceAttrs>, x: Tensor, dim: ReduceArgument | undefined, keepdim: boolean | undefined, count: number): Tensor {
  const attrs = reduceAttrs(op.name, x, dim, keepdim, count);
  return apply(op, [to(x, 'bool')], attrs);
}

/** Whether any element is true, over dimensions, all by default: any(x, dim, keepdim) or any(x, { dim, keepdim }). Numbers count as true where they are not 0. */
export function any(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  return overBools(anyOp, x, dim, keepdim, arguments.length);
}

/** Whether every element is true, as `any`. */
export function all(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  return overBools(allOp, x, dim, keepdim, arguments.length);
}

/** @internal The shape of what is chosen among elements, of which there must be some. */
export function choiceShape(op: string, { shape }: Tensor, { dims, keepdim }: ReduceAttrs): number[] {
  if (dims.some((d) => shape[d] === 0)) throw new GradloomError('SHAPE', op, `nothing to choose from in ${shapeText(shape)}. The reduced dimension must not be empty.`);
  return reducedShape(shape, dims, keepdim);
}

function argOp(name: 'argmax' | 'argmin'): Op<ReduceAttrs> {
  return {
    name,
    shape: ([x], attrs) => choiceShape(name, x as Tensor, attrs),
    dtype: (): DType => 'int32',
    strided: true,
    forward: (y, [x], { dims }) => reduceInto(name, y, x as Tensor, dims, (x as Tensor).dtype === 'float32' ? 0 : 1),
  };
}

const argmaxOp = argOp('argmax');
const argminOp = argOp('argmin');

function argument(op: Op<ReduceAttrs>, x: Tensor, given: ReduceArgument | undefined, keepdim: boolean | undefined, count: number): Tensor {
  const { dim, keepdim: kept } = oneDim(op.name, x, given, keepdim, count);
  const dims = dim === undefined ? x.sizes.map((_, i) => i) : x.rank === 0 ? [] : [dim];
  return apply(op, [x], { dims, keepdim: kept });
}

/** Index of the largest element along a dimension, or in row-major order over all: argmax(x, dim, keepdim) or argmax(x, { dim, keepdim }). The first of equals. int32. */
export function argmax(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  return argument(argmaxOp, x, dim, keepdim, arguments.length);
}

/** Index of the smallest element, as `argmax`. */
export function argmin(x: Tensor, dim?: ReduceArgument, keepdim?: boolean): Tensor {
  return argument(argminOp, x, dim, keepdim, arguments.length);
}
