// Pooling of volumes [N, C, D, H, W]: in planes first, then along the depth, where each plane is a row.
import { assertArity, FLAG, type Kinds, optionsBy, orNull, valueText, WHOLE } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { adaptiveWindows, averaged, type Ranges, windowsOver } from './avgpool.ts';
import { add, mul } from './binary.ts';
import { assertFloat } from './convert.ts';
import { arange } from './create.ts';
import { gather } from './indexing.ts';
import { reshape } from './movement.ts';
import { maxPool, type MaxPoolOptions, maxPoolWithIndices } from './pool.ts';
import { assertPooled, eachOf, type Pair, TRIPLE, type Triple } from './windows.ts';

/** Options of `maxPool3d`, with PyTorch's defaults. */
export interface MaxPool3dOptions {
  /** Step between windows; default the window's size. */
  stride?: Triple | null;
  /** −∞ around the volume, at most half the window; default 0. */
  padding?: Triple;
  /** Step between a window's elements; default 1. */
  dilation?: Triple;
  /** Whether a last window that does not fit whole counts too; default false. */
  ceilMode?: boolean;
}

/** Options of `avgPool3d`, with PyTorch's defaults. */
export interface AvgPool3dOptions {
  /** Step between windows; default the window's size. */
  stride?: Triple | null;
  /** Zeros around the volume, at most half the window; default 0. */
  padding?: Triple;
  /** Whether a last window that does not fit whole counts too; default false. */
  ceilMode?: boolean;
  /** Whether the zeros of the padding count in the divisor; default true. */
  countIncludePad?: boolean;
  /** What sums are divided by, instead of the window's size. */
  divisorOverride?: number | null;
}

const STEPS = /* @__PURE__ */ orNull(TRIPLE);
const MAX: Kinds<MaxPool3dOptions> = { stride: STEPS, padding: TRIPLE, dilation: TRIPLE, ceilMode: FLAG };
const AVERAGE: Kinds<AvgPool3dOptions> = { stride: STEPS, padding: TRIPLE, ceilMode: FLAG, countIncludePad: FLAG, divisorOverride: /* @__PURE__ */ orNull(WHOLE) };
type MaxArguments = [stride?: Triple | MaxPool3dOptions | null, padding?: Triple, dilation?: Triple, ceilMode?: boolean];

function assertVolume(op: string, x: Tensor): void {
  assertFloat(op, x);
  if (x.rank !== 4 && x.rank !== 5) throw shapeError(op, 'takes volumes [N, C, D, H, W] or [C, D, H, W]', [x.sizes], 'Reshape the input.');
  assertPooled(op, x, 3);
}

/** [planes, D, rows, columns] of any volume. */
const asPlanes = (x: Tensor): Tensor => reshape(x, [sizeOf(x.sizes.slice(0, -3)), ...x.sizes.slice(-3)]);

/** What `maxPool3d` does in planes, and then along the depth of [planes, D, OH·OW]. */
function stages(op: string, x: Tensor, kernelSize: Triple, options: MaxPool3dOptions): { kernel: readonly number[]; plane: MaxPoolOptions; depth: MaxPoolOptions } {
  assertVolume(op, x);
  const kernel = eachOf(op, 'kernelSize', kernelSize, 3, 1);
  const stride = eachOf(op, 'stride', options.stride ?? kernel, 3, 1);
  const padding = eachOf(op, 'padding', options.padding ?? 0, 3, 0);
  const dilation = eachOf(op, 'dilation', options.dilation ?? 1, 3, 1);
  const { ceilMode } = options;
  const rest = (list: readonly number[]): Pair => list.slice(1) as unknown as Pair;
  return {
    kernel,
    plane: { stride: rest(stride), padding: rest(padding), dilation: rest(dilation), ceilMode },
    depth: { stride: [stride[0] as number, 1], padding: [padding[0] as number, 0], dilation: [dilation[0] as number, 1], ceilMode },
  };
}

/** Windows in planes, and then along the depth; a plane's rows are one there. */
function largest(op: string, x: Tensor, kernelSize: Triple, options: MaxPool3dOptions, withIndices: boolean): { values: Tensor; indices: Tensor | null } {
  const { kernel, plane, depth } = stages(op, x, kernelSize, options);
  const planes = asPlanes(x);
  const [inPlane, along] = [kernel.slice(1) as unknown as Pair, [kernel[0] as number, 1] as const];
  const first = withIndices ? maxPoolWithIndices(op, planes, inPlane, plane) : { values: maxPool(op, planes, inPlane, plane), indices: null };
  const [n, d, oh, ow] = first.values.sizes as [number, number, number, number];
  const deep = reshape(first.values, [n, d, oh * ow]);
  const second = withIndices ? maxPoolWithIndices(op, deep, along, depth) : { values: maxPool(op, deep, along, depth), indices: null };
  const shape = [...x.sizes.slice(0, -3), second.values.sizes[1] as number, oh, ow];
  if (!first.indices || !second.indices) return { values: reshape(second.values, shape), indices: null };
  const area = (x.sizes[x.rank - 1] as number) * (x.sizes[x.rank - 2] as number);
  const places = add(first.indices, reshape(mul(arange(d), area), [d, 1, 1]));
  const flat = reshape(second.indices, [n, sizeOf(second.indices.sizes.slice(1))]);
  return { values: reshape(second.values, shape), indices: reshape(gather(reshape(places, [n, d * oh * ow]), 1, flat), shape) };
}

/**
 * The largest element of each window. x [N, C, D, H, W] or [C, D, H, W] → [..., OD, OH, OW]. The gradient goes to the first of equals.
 * By position: stride, padding, dilation, ceilMode.
 * @throws SHAPE where the window is larger than the padded volume
 */
export function maxPool3d(x: Tensor, kernelSize: Triple, ...given: MaxArguments): Tensor {
  return largest('maxPool3d', x, kernelSize, optionsBy('maxPool3d', given, MAX), false).values;
}

/** As `maxPool3d`, with where each element stood in its volume (row-major, int32). */
export function maxPool3dWithIndices(x: Tensor, kernelSize: Triple, ...given: MaxArguments): { values: Tensor; indices: Tensor } {
  return largest('maxPool3d', x, kernelSize, optionsBy('maxPool3d', given, MAX), true) as { values: Tensor; indices: Tensor };
}

/** Averages over windows in all three directions. */
function averageOver(x: Tensor, [depth, rows, columns]: readonly [Ranges, Ranges, Ranges]): Tensor {
  const planes = averaged(x, rows, columns);
  const area = rows.length * columns.length;
  const each: Ranges = Array.from({ length: area }, (_, i) => [i, i + 1, 1] as const);
  const flat = reshape(planes, [...planes.sizes.slice(0, -2), area]);
  return reshape(averaged(flat, depth, each), [...x.sizes.slice(0, -3), depth.length, rows.length, columns.length]);
}

type AverageArguments = [stride?: Triple | AvgPool3dOptions | null, padding?: Triple, ceilMode?: boolean, countIncludePad?: boolean, divisorOverride?: number | null];

/**
 * The average of each window. x [N, C, D, H, W] or [C, D, H, W] → [..., OD, OH, OW]. By position: stride, padding, ceilMode,
 * countIncludePad, divisorOverride.
 * @throws SHAPE where the window is larger than the padded volume
 */
export function avgPool3d(x: Tensor, kernelSize: Triple, ...given: AverageArguments): Tensor {
  const op = 'avgPool3d';
  const { stride, padding = 0, ceilMode = false, countIncludePad = true, divisorOverride } = optionsBy(op, given, AVERAGE);
  assertVolume(op, x);
  const kernel = eachOf(op, 'kernelSize', kernelSize, 3, 1);
  const steps = eachOf(op, 'stride', stride ?? kernel, 3, 1);
  const margins = eachOf(op, 'padding', padding, 3, 0);
  if (divisorOverride === 0) throw valueError(op, 'divisorOverride must not be 0.');
  const [d, h, w] = kernel.map((k, i): Ranges => {
    const divisor = i === 0 ? (divisorOverride ?? undefined) : divisorOverride ? 1 : undefined;
    return windowsOver(op, x.sizes[x.rank - 3 + i] as number, k, steps[i] as number, margins[i] as number, ceilMode, countIncludePad, divisor);
  }) as [Ranges, Ranges, Ranges];
  return averageOver(x, [d, h, w]);
}

/** Sizes that pooling of volumes shall give: one for all directions, or [depth, rows, columns]; null keeps the volume's. */
export type OutputSize3d = number | readonly [number | null, number | null, number | null];

/** As `adaptiveAvgPool2d`, for volumes. x [N, C, D, H, W] or [C, D, H, W] → [..., *outputSize]. */
export function adaptiveAvgPool3d(x: Tensor, outputSize: OutputSize3d): Tensor {
  const op = 'adaptiveAvgPool3d';
  assertArity(op, arguments.length, 2);
  assertVolume(op, x);
  const wanted = Array.isArray(outputSize) ? (outputSize as readonly (number | null)[]) : [outputSize, outputSize, outputSize];
  if (wanted.length !== 3) throw valueError(op, `the output size must be a number or three of them, got ${valueText(outputSize)}.`);
  const [d, h, w] = [0, 1, 2].map((i) => {
    const size = x.sizes[x.rank - 3 + i] as number;
    return adaptiveWindows(op, size, (wanted[i] ?? size) as number);
  }) as [Ranges, Ranges, Ranges];
  return averageOver(x, [d, h, w]);
}
