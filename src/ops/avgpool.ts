// Average pooling. The op and its gradient are linear and each other's transposes, so second gradients need no third.
import { call } from '../runtime/call.ts';
import { assertArity, FLAG, type Kinds, optionsBy, orNull, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, valueError } from '../tensor/errors.ts';
import { apply, type Op } from '../tensor/op.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { assertFloat } from './convert.ts';
import { constantList } from './create.ts';
import { squeeze, unsqueeze } from './movement.ts';
import { assertPooled, PAIR, type Pair, pairOf } from './windows.ts';

/** @internal Windows along one direction: start, end (behind the last) and size of each, the size as it counts in the divisor. */
export type Ranges = readonly (readonly [start: number, end: number, size: number])[];

interface PoolAttrs {
  rows: Ranges;
  columns: Ranges;
  /** Height and width of the image. */
  image: readonly [number, number];
}

const planesOf = (shape: Shape): number => shape.slice(0, -2).reduce((a, b) => a * b, 1);

function run(kernel: 'avgPool2d' | 'avgPool2dGrad', from: Tensor, to: Tensor, { rows, columns, image }: PoolAttrs): void {
  call(kernel, from.address, to.address, constantList(rows.flat()).address, constantList(columns.flat()).address, planesOf(to.sizes), ...image, rows.length, columns.length);
}

const poolOp: Op<PoolAttrs> = {
  name: 'avgPool2d',
  shape: ([x], { rows, columns }) => [...(x as Tensor).sizes.slice(0, -2), rows.length, columns.length],
  forward: (y, [x], attrs) => run('avgPool2d', x as Tensor, y, attrs),
  backward: (dy, node) => [apply(poolGradOp, [dy], node.attrs)],
  batched: 'same',
};

const poolGradOp: Op<PoolAttrs> = {
  name: 'avgPool2dGrad',
  shape: ([dy], { image }) => [...(dy as Tensor).sizes.slice(0, -2), ...image],
  forward: (dx, [dy], attrs) => run('avgPool2dGrad', dy as Tensor, dx, attrs),
  backward: (u, node) => [apply(poolOp, [u], node.attrs)],
  batched: 'same',
};

/** Options of average pooling, with PyTorch's defaults. */
export interface AvgPoolOptions {
  /** Step between windows; default the window's size. */
  stride?: Pair | null;
  /** Zeros around the image, at most half the window; default 0. */
  padding?: Pair;
  /** Whether a last window that does not fit whole counts too. */
  ceilMode?: boolean;
  /** Whether the zeros of the padding count in the divisor; true by default. */
  countIncludePad?: boolean;
  /** What sums are divided by, instead of the window's size. */
  divisorOverride?: number | null;
}

const POOL: Kinds<AvgPoolOptions> = { stride: /* @__PURE__ */ orNull(PAIR), padding: PAIR, ceilMode: FLAG, countIncludePad: FLAG, divisorOverride: /* @__PURE__ */ orNull(WHOLE) };

function assertImage(op: string, x: Tensor): void {
  assertFloat(op, x);
  if (x.rank !== 3 && x.rank !== 4) throw shapeError(op, 'takes images [N, C, H, W] or [C, H, W]', [x.sizes], 'Reshape the input.');
  assertPooled(op, x, 2);
}

/**
 * The average of each window. x [N, C, H, W] or [C, H, W] → [..., OH, OW]. Options may stand behind the window by position: stride, padding,
 * ceilMode, countIncludePad, divisorOverride.
 */
export function avgPool2d(
  x: Tensor,
  kernelSize: Pair,
  ...given: [stride?: Pair | AvgPoolOptions | null, padding?: Pair, ceilMode?: boolean, countIncludePad?: boolean, divisorOverride?: number | null]
): Tensor {
  return average('avgPool2d', x, kernelSize, optionsBy('avgPool2d', given, POOL));
}

/** `avgPool2d` in the name of the function that was called. */
function average(op: string, x: Tensor, kernelSize: Pair, options: AvgPoolOptions): Tensor {
  assertImage(op, x);
  const { ceilMode = false, countIncludePad = true } = options;
  const divisorOverride = options.divisorOverride ?? undefined;
  const kernel = pairOf(op, 'kernelSize', kernelSize, 1);
  const stride = pairOf(op, 'stride', options.stride ?? kernel, 1);
  const padding = pairOf(op, 'padding', options.padding ?? 0, 0);
  if (divisorOverride === 0) throw valueError(op, 'divisorOverride must not be 0.');
  const ranges = (axis: 0 | 1): Ranges => {
    const [k, s, p, size] = [kernel[axis], stride[axis], padding[axis], x.sizes[x.rank - 2 + axis] as number];
    return windowsOver(op, size, k, s, p, ceilMode, countIncludePad, divisorOverride === undefined ? undefined : axis === 0 ? divisorOverride : 1);
  };
  return averaged(x, ranges(0), ranges(1));
}

/** @internal Windows of k elements along a dimension. `divisor`: in place of what they count. */
export function windowsOver(op: string, size: number, k: number, s: number, p: number, ceilMode: boolean, countIncludePad: boolean, divisor?: number): Ranges {
  if (p > k / 2) throw valueError(op, `padding ${p} is more than half of the window ${k}. Pad less.`);
  const exact = (size + 2 * p - k) / s + 1;
  // A last window must begin inside the image or the padding before it.
  const n = ceilMode ? Math.ceil(exact) - ((Math.ceil(exact) - 1) * s >= size + p ? 1 : 0) : Math.floor(exact);
  if (n < 1) throw new GradloomError('SHAPE', op, `the window of ${k} is larger than the padded dimension of ${size}. Use a smaller one.`);
  return Array.from({ length: n }, (_, i) => {
    const [start, end] = [Math.max(i * s - p, 0), Math.min(i * s - p + k, size)];
    const whole = Math.min(i * s - p + k, size + p) - (i * s - p);
    return [start, end, divisor ?? (countIncludePad ? whole : end - start)] as const;
  });
}

/** @internal Averages over the windows of the last two dimensions. */
export const averaged = (x: Tensor, rows: Ranges, columns: Ranges): Tensor => apply(poolOp, [x], { rows, columns, image: x.sizes.slice(-2) as unknown as [number, number] });

/** Sizes that pooling shall give: one for both directions, or [rows, columns]; null keeps the image's. */
export type OutputSize = number | readonly [number | null, number | null];

/** More windows than this in one direction are a slip. */
const MOST = 2 ** 20;

/**
 * Averages over as many windows as asked for, of nearly equal size: output i covers ⌊i·n/out⌋ … ⌈(i + 1)·n/out⌉. x [N, C, H, W] or
 * [C, H, W] → [..., *outputSize]. Size 1 is the mean of each plane.
 */
export function adaptiveAvgPool2d(x: Tensor, outputSize: OutputSize): Tensor {
  assertArity('adaptiveAvgPool2d', arguments.length, 2);
  return adaptive('adaptiveAvgPool2d', x, outputSize);
}

/** `adaptiveAvgPool2d` in the name of the function that was called. */
function adaptive(op: string, x: Tensor, outputSize: OutputSize): Tensor {
  assertImage(op, x);
  const wanted = Array.isArray(outputSize) ? outputSize : [outputSize, outputSize];
  if (wanted.length !== 2) throw valueError(op, `the output size must be a number or two of them, got ${valueText(outputSize)}.`);
  const ranges = (axis: 0 | 1): Ranges => {
    const size = x.sizes[x.rank - 2 + axis] as number;
    return adaptiveWindows(op, size, wanted[axis] ?? size);
  };
  return averaged(x, ranges(0), ranges(1));
}

/** @internal n windows of nearly equal size over a dimension: the i-th covers ⌊i·size/n⌋ … ⌈(i + 1)·size/n⌉. */
export function adaptiveWindows(op: string, size: number, n: number): Ranges {
  if (!Number.isInteger(n) || n < 1 || n > MOST) throw valueError(op, `the output size must be a whole number from 1 to ${MOST} or null, got ${valueText(n)}.`);
  return Array.from({ length: n }, (_, i) => {
    const [start, end] = [Math.floor((i * size) / n), Math.ceil(((i + 1) * size) / n)];
    return [start, end, end - start] as const;
  });
}

/** Options of `avgPool1d` and `AvgPool1d`, with PyTorch's defaults. */
export interface AvgPool1dOptions {
  /** Step between windows; default the window's length. */
  stride?: number | null;
  /** Zeros on both sides, at most half the window; default 0. */
  padding?: number;
  /** Whether a last window that does not fit whole counts too; default false. */
  ceilMode?: boolean;
  /** Whether the zeros of the padding count in the divisor; default true. */
  countIncludePad?: boolean;
}

const LINE: Kinds<AvgPool1dOptions> = { stride: /* @__PURE__ */ orNull(WHOLE), padding: WHOLE, ceilMode: FLAG, countIncludePad: FLAG };

/** As `avgPool2d` along one direction. x [N, C, L] or [C, L]. */
export function avgPool1d(
  x: Tensor,
  kernelSize: number,
  ...given: [stride?: number | AvgPool1dOptions | null, padding?: number, ceilMode?: boolean, countIncludePad?: boolean]
): Tensor {
  const { stride, padding = 0, ...rest } = optionsBy('avgPool1d', given, LINE);
  assertFloat('avgPool1d', x);
  if (x.rank !== 2 && x.rank !== 3) throw shapeError('avgPool1d', 'takes [N, C, L] or [C, L]', [x.sizes], 'Reshape the input.');
  return squeeze(average('avgPool1d', unsqueeze(x, -2), [1, kernelSize], { stride: [1, stride ?? kernelSize], padding: [0, padding], ...rest }), -2);
}

/** As `adaptiveAvgPool2d` along one direction. x [N, C, L] or [C, L]. */
export function adaptiveAvgPool1d(x: Tensor, outputSize: number): Tensor {
  assertArity('adaptiveAvgPool1d', arguments.length, 2);
  assertFloat('adaptiveAvgPool1d', x);
  if (x.rank !== 2 && x.rank !== 3) throw shapeError('adaptiveAvgPool1d', 'takes [N, C, L] or [C, L]', [x.sizes], 'Reshape the input.');
  return squeeze(adaptive('adaptiveAvgPool1d', unsqueeze(x, -2), [1, outputSize]), -2);
}
