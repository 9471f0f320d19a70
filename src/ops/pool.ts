// Two-dimensional max pooling.
import { call } from '../runtime/call.ts';
import { FLAG, type Kinds, optionsBy, orNull } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueError } from '../tensor/errors.ts';
import { apply, forEach, type Op } from '../tensor/op.ts';
import type { Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { assertFloat } from './convert.ts';
import { gather } from './indexing.ts';
import { flatten, reshape } from './movement.ts';
import { expand } from './reduce.ts';
import { assertPooled, geometry, PAIR, type Pair, pairOf, positions, type Windows } from './windows.ts';

/** Options of max pooling, with PyTorch's defaults. */
export interface MaxPoolOptions {
  /** Step between windows; default the window's size. */
  stride?: Pair | null;
  /** −∞ around the image, at most half the window; default 0. */
  padding?: Pair;
  /** Step between a window's elements; default 1. */
  dilation?: Pair;
  /** Whether a last window that does not fit whole counts too. */
  ceilMode?: boolean;
}

interface PoolAttrs {
  windows: Windows;
  output: readonly [number, number];
}

const planesOf = (shape: Shape): number => shape.slice(0, -2).reduce((a, b) => a * b, 1);
const outputShape = ([x]: readonly Tensor[], { output }: PoolAttrs): Shape => [...(x as Tensor).sizes.slice(0, -2), ...output];

function pool(x: Tensor, y: Tensor, index: Tensor, { windows, output }: PoolAttrs): void {
  const [h, w] = x.sizes.slice(-2) as [number, number];
  call('maxPool2d', x.address, y.address, index.address, geometry([planesOf(x.sizes), 1, h, w], 1, output, 1, windows));
}

const poolOp: Op<PoolAttrs> = {
  name: 'maxPool2d',
  shape: outputShape,
  forward: (y, [x], attrs) => {
    const index = empty(y.sizes, 'int32');
    pool(x as Tensor, y, index, attrs);
    return [index];
  },
  backward: (dy, node) => [apply(poolGradOp, [dy, node.extra(0)], { shape: node.shapes[0] as Shape })],
  batched: (dy, node) => [apply(poolGradOp, [dy, expand(node.extra(0), dy.sizes)], { shape: forEach(dy, node.shapes[0]) })],
};

const poolGradOp: Op<{ shape: Shape }> = {
  name: 'maxPool2dGrad',
  shape: (_, { shape }) => shape,
  forward: (dx, [dy, index]) => {
    const planes = planesOf(dx.sizes);
    call('maxPool2dGrad', (dy as Tensor).address, (index as Tensor).address, dx.address, planes, dx.size / planes, (dy as Tensor).size / planes);
  },
  saves: () => [false, true],
  backward: (u, node) => [reshape(gather(flatten(u, -2), -1, flatten(node.input(1), -2)), node.shapes[0] as Shape), null],
};

const indicesOp: Op<PoolAttrs> = {
  name: 'maxPool2dIndices',
  shape: outputShape,
  dtype: () => 'int32',
  forward: (index, [x], attrs) => pool(x as Tensor, empty(index.sizes), index, attrs),
};

const POOL: Kinds<MaxPoolOptions> = { stride: /* @__PURE__ */ orNull(PAIR), padding: PAIR, dilation: PAIR, ceilMode: FLAG };
type PoolArguments = [stride?: Pair | MaxPoolOptions | null, padding?: Pair, dilation?: Pair, ceilMode?: boolean];

function attrsOf(op: string, x: Tensor, kernelSize: Pair, options: MaxPoolOptions): PoolAttrs {
  assertFloat(op, x);
  if (x.rank !== 3 && x.rank !== 4) throw shapeError(op, 'takes images [N, C, H, W] or [C, H, W]', [x.sizes], 'Reshape the input.');
  assertPooled(op, x, 2);
  const kernel = pairOf(op, 'kernelSize', kernelSize, 1);
  const windows: Windows = {
    kernel,
    stride: pairOf(op, 'stride', options.stride ?? kernel, 1),
    padding: pairOf(op, 'padding', options.padding ?? 0, 0),
    dilation: pairOf(op, 'dilation', options.dilation ?? 1, 1),
  };
  const { padding, stride } = windows;
  if (padding.some((p, i) => p > (kernel[i] as number) / 2)) throw valueError(op, `padding ${padding} is more than half of the window ${kernel}. Pad less.`);
  const output = ([0, 1] as const).map((axis) => {
    const size = x.sizes[x.rank - 2 + axis] as number;
    const exact = positions(size, axis, windows);
    if (!options.ceilMode) return Math.floor(exact);
    // A last window must begin inside the image or the padding before it.
    const n = Math.ceil(exact);
    return (n - 1) * stride[axis] >= size + padding[axis] ? n - 1 : n;
  }) as [number, number];
  if (output.some((n) => n < 1)) throw new GradloomError('SHAPE', op, `the window ${shapeText(kernel)} is larger than the padded image ${shapeText(x.sizes)}. Use a smaller one.`);
  return { windows, output };
}

/**
 * The largest element of each window. x [N, C, H, W] or [C, H, W] → [..., OH, OW]. The gradient goes to the first of equals.
 * Options may stand behind the window by position: stride, padding, dilation, ceilMode.
 * @throws SHAPE where the window is larger than the padded image
 */
export function maxPool2d(x: Tensor, kernelSize: Pair, ...given: PoolArguments): Tensor {
  return maxPool('maxPool2d', x, kernelSize, optionsBy('maxPool2d', given, POOL));
}

/** @internal `maxPool2d` in the name of the function that was called. */
export function maxPool(op: string, x: Tensor, kernelSize: Pair, options: MaxPoolOptions): Tensor {
  return apply(poolOp, [x], attrsOf(op, x, kernelSize, options));
}

/** As `maxPool2d`, with where each element stood in its plane (row-major, int32). */
export function maxPool2dWithIndices(x: Tensor, kernelSize: Pair, ...given: PoolArguments): { values: Tensor; indices: Tensor } {
  return maxPoolWithIndices('maxPool2d', x, kernelSize, optionsBy('maxPool2d', given, POOL));
}

/** @internal `maxPool2dWithIndices` in the name of the function that was called. */
export function maxPoolWithIndices(op: string, x: Tensor, kernelSize: Pair, options: MaxPoolOptions): { values: Tensor; indices: Tensor } {
  const attrs = attrsOf(op, x, kernelSize, options);
  return { values: apply(poolOp, [x], attrs), indices: apply(indicesOp, [x], attrs) };
}
