// Windows that slide along dimensions: as a view, and the sums that bring them back. Images as columns and columns as images (im2col, col2im).
import { assertArity, assertWhole, dimOf, type Kinds, optionsBy } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueText } from '../tensor/errors.ts';
import { call } from '../runtime/call.ts';
import { apply, applyView, copyElements, dense, type Op, type ViewOp, windowOn } from '../tensor/op.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, mul } from './binary.ts';
import { assertFloat } from './convert.ts';
import { arange } from './create.ts';
import { contiguous, narrow, permute, reshape, squeeze, unsqueeze } from './movement.ts';
import { pad } from './pad.ts';
import { sumOver } from './reduce.ts';
import { eachOf, PAIR, type Pair } from './windows.ts';

/** Windows along a dimension: so many of so many elements, `step` from one to the next, `dilation` from element to element. */
interface Slide {
  dim: number;
  count: number;
  size: number;
  step: number;
  dilation: number;
}

const slideOp: ViewOp<Slide> = {
  name: 'unfoldDim',
  window: (x, { dim, count, size, step, dilation }) => ({
    shape: [...x.sizes.map((n, i) => (i === dim ? count : n)), size],
    strides: [...x.steps.map((s, i) => (i === dim ? s * step : s)), (x.steps[dim] ?? 1) * dilation],
    offset: x.offset,
  }),
  backward: (dy, { attrs, shapes }) => back(dy, attrs, shapes[0] as Shape, 0),
  batched: (dy, { attrs, shapes }) => back(dy, attrs, shapes[0] as Shape, 1),
};

/** Windows added back to where they were seen, in a tensor with `more` dimensions before those of `shape`. */
function back(dy: Tensor, slide: Slide, shape: Shape, more: number): Tensor {
  if (shape.length === 0) return sumOver(dy, [more]);
  return apply(gatheredOp, [dy], { ...slide, dim: slide.dim + more, length: shape[slide.dim] as number });
}

interface Gathered extends Slide {
  length: number;
}

const gatheredOp: Op<Gathered> = {
  name: 'unfoldDimBackward',
  shape: ([dy], { dim, length }) => (dy as Tensor).sizes.slice(0, -1).map((n, i) => (i === dim ? length : n)),
  strided: true,
  forward: (y, [dy], attrs) => {
    const { dim, count, size, step, dilation, length } = attrs;
    const from = dy as Tensor;
    call('fill', y.address, y.size, 0);
    if (from.size === 0) return;
    if (step > dilation * (size - 1)) {
      copyElements(from, windowOn(y, slideOp.window(y, attrs)));
      return;
    }
    // [before, count, size, after]: each element with its place, which may come more than once.
    const last = from.rank - 1;
    const order = [...Array(dim + 1).keys(), last, ...Array.from({ length: last - dim - 1 }, (_, i) => dim + 1 + i)];
    const list = dense(windowOn(from, { shape: order.map((d) => from.sizes[d] as number), strides: order.map((d) => from.steps[d] as number), offset: from.offset }));
    const places = noGrad(() => add(mul(reshape(arange(count), [-1, 1]), step), mul(arange(size), dilation)));
    call('indexAdd', list.address, places.address, y.address, sizeOf(y.sizes.slice(0, dim)), length, sizeOf(y.sizes.slice(dim + 1)), count * size);
  },
  backward: (u, { attrs }) => [applyView(slideOp, u, attrs)],
  batched: (u, { attrs }) => [applyView(slideOp, u, { ...attrs, dim: attrs.dim + 1 })],
};

/** @internal Windows along a dimension, which counts them then; their elements stand in a last one. A view. */
export const slide = (x: Tensor, dim: number, size: number, step: number, dilation: number): Tensor =>
  applyView(slideOp, x, { dim, size, step, dilation, count: Math.floor(((x.sizes[dim] as number) - dilation * (size - 1) - 1) / step) + 1 });

/** @internal The transpose of `slide`: the last dimension's elements added up along `dim`, which gets the length. */
export const gathered = (x: Tensor, dim: number, step: number, dilation: number, length: number): Tensor =>
  apply(gatheredOp, [x], { dim, count: x.sizes[dim] as number, size: x.sizes[x.rank - 1] as number, step, dilation, length });

/**
 * Windows of `size` elements along a dimension, one every `step`: PyTorch's `Tensor.unfold`. The dimension then counts the windows, and a
 * last one holds their elements. A view. `nn.functional.unfold` makes columns of images.
 *
 * @throws VALUE where the window is larger than the dimension
 */
export function unfoldDim(x: Tensor, dim: number, size: number, step: number): Tensor {
  const op = 'unfoldDim';
  assertArity(op, arguments.length, 4);
  const at = dimOf(op, x, dim);
  assertWhole(op, 'size', size, 0);
  assertWhole(op, 'step', step, 1);
  const n = x.sizes[at] ?? 1;
  if (size > n) throw new GradloomError('VALUE', op, `a window of ${size} is larger than dimension ${at} of ${shapeText(x.sizes)}. Use a smaller one.`);
  return applyView(slideOp, x, { dim: at, size, step, dilation: 1, count: x.rank === 0 ? 0 : Math.floor((n - size) / step) + 1 });
}

/** Options of `unfold` and `fold`, with PyTorch's defaults. */
export interface UnfoldOptions {
  /** Step between a window's elements; default 1. */
  dilation?: Pair;
  /** Zeros around the image; default 0. */
  padding?: Pair;
  /** Step between windows; default 1. */
  stride?: Pair;
}

const UNFOLD: Kinds<UnfoldOptions> = { dilation: PAIR, padding: PAIR, stride: PAIR };
type UnfoldArguments = [dilation?: Pair | UnfoldOptions, padding?: Pair, stride?: Pair];

interface Grid {
  kernel: readonly [number, number];
  stride: readonly [number, number];
  padding: readonly [number, number];
  dilation: readonly [number, number];
  /** How many windows there are, vertically and horizontally. */
  counts: [number, number];
}

function gridOf(op: string, kernelSize: Pair, image: readonly number[], options: UnfoldOptions): Grid {
  const pair = (name: string, value: Pair, least: number): readonly [number, number] => eachOf(op, name, value, 2, least) as unknown as readonly [number, number];
  const kernel = pair('kernelSize', kernelSize, 1);
  const stride = pair('stride', options.stride ?? 1, 1);
  const padding = pair('padding', options.padding ?? 0, 0);
  const dilation = pair('dilation', options.dilation ?? 1, 1);
  const counts = ([0, 1] as const).map((i) => Math.floor(((image[i] as number) + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1) as [number, number];
  if (counts.some((n) => n < 1)) throw new GradloomError('SHAPE', op, `the window ${shapeText(kernel)} is larger than the padded image ${shapeText(image)}. Use a smaller one.`);
  return { kernel, stride, padding, dilation, counts };
}

/**
 * Each window of an image as a column: im2col. x [N, C, H, W] or [C, H, W] → [N, C·KH·KW, windows]. By position: dilation, padding, stride.
 *
 * @throws SHAPE where the window is larger than the padded image
 */
export function unfold(x: Tensor, kernelSize: Pair, ...given: UnfoldArguments): Tensor {
  const op = 'unfold';
  const options = optionsBy(op, given, UNFOLD);
  assertFloat(op, x);
  if (x.rank === 3) return squeeze(unfold(unsqueeze(x, 0), kernelSize, options), 0);
  if (x.rank !== 4) throw shapeError(op, 'takes images [N, C, H, W] or [C, H, W]', [x.sizes], 'Reshape the input.');
  const [n, c] = x.sizes as [number, number];
  const { kernel, stride, padding, dilation, counts } = gridOf(op, kernelSize, x.sizes.slice(2), options);
  const [top, left] = padding;
  const padded = top + left > 0 ? pad(x, [left, left, top, top]) : x;
  const windows = slide(slide(padded, 2, kernel[0], stride[0], dilation[0]), 3, kernel[1], stride[1], dilation[1]);
  return reshape(permute(windows, [0, 1, 4, 5, 2, 3]), [n, c * kernel[0] * kernel[1], counts[0] * counts[1]]);
}

/**
 * Columns added up to an image: col2im, the transpose of `unfold`. x [N, C·KH·KW, windows] or without N → [N, C, *outputSize]. By position:
 * dilation, padding, stride.
 *
 * @throws SHAPE where there are not as many columns as windows
 */
export function fold(x: Tensor, outputSize: Pair, kernelSize: Pair, ...given: UnfoldArguments): Tensor {
  const op = 'fold';
  const options = optionsBy(op, given, UNFOLD);
  assertFloat(op, x);
  if (x.rank === 2) return squeeze(fold(unsqueeze(x, 0), outputSize, kernelSize, options), 0);
  const [h, w] = eachOf(op, 'outputSize', outputSize, 2, 1) as readonly [number, number];
  const { kernel, stride, padding, dilation, counts } = gridOf(op, kernelSize, [h, w], options);
  const [n, rows, columns] = x.sizes as [number, number, number];
  const area = kernel[0] * kernel[1];
  if (x.rank !== 3 || rows % area !== 0 || columns !== counts[0] * counts[1])
    throw shapeError(op, `takes [N, C·${area}, ${counts[0] * counts[1]}] for windows ${shapeText(kernel)} over ${valueText([h, w])}`, [x.sizes], 'Check the sizes.');
  const windows = permute(reshape(x, [n, rows / area, ...kernel, ...counts]), [0, 1, 4, 5, 2, 3]);
  const [top, left] = padding;
  const image = gathered(gathered(windows, 3, stride[1], dilation[1], w + 2 * left), 2, stride[0], dilation[0], h + 2 * top);
  return top + left > 0 ? contiguous(narrow(narrow(image, 2, top, h), 3, left, w)) : image;
}
