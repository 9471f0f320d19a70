// Which kernels a convolution and its gradients call: the direct ones (assembly/kernels/convdirect.ts) where they serve and pay, else those
// over a column matrix (assembly/kernels/conv.ts). Sizes alone decide, and not how many images there are.
import { call } from '../runtime/call.ts';
import { withScratch } from '../tensor/scratch.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { geometry, positions, type Windows } from './windows.ts';

type Size = readonly [number, number];

/** A convolution's sizes. */
export interface ConvAttrs {
  windows: Windows;
  groups: number;
  /** [N, C, H, W] and [O, C/groups, KH, KW]. */
  image: Shape;
  weight: Shape;
}

/** @internal [OH, OW]. */
export function outputOf({ image, windows }: ConvAttrs): [number, number] {
  return [Math.floor(positions(image[2] as number, 0, windows)), Math.floor(positions(image[3] as number, 1, windows))];
}

/** The record of a convolution's sizes. */
function recordOf({ image, weight, windows, groups }: ConvAttrs, output: Size): number {
  return geometry(image, weight[0] as number, output, groups, windows);
}

/** Floats of the column matrix [K, OH·OW] of conv.ts, with `more` for each of its rows. */
function columnFloats({ weight }: ConvAttrs, [oh, ow]: Size, more = 0): number {
  return sizeOf(weight.slice(1)) * (oh * ow + more);
}

/**
 * The direct kernels want vertical stride 1 and at least four positions. A 1 × 1 kernel that sees each pixel once has no columns that could
 * be spared.
 */
function servesDirect({ weight, windows: { kernel, stride, padding } }: ConvAttrs, [oh, ow]: Size): boolean {
  const pointwise = kernel[0] * kernel[1] * stride[1] === 1 && padding[0] + padding[1] === 0;
  return stride[0] === 1 && oh * ow >= 4 && !pointwise && sizeOf(weight) > 0;
}

/** Floats of the planes that a direct kernel makes of one image and group, each an odd number of cache lines. */
function planeFloats(channels: number, [oh, ow]: Size, { kernel, dilation }: Windows): number {
  return channels * kernel[1] * 16 * (Math.ceil(((oh + (kernel[0] - 1) * dilation[0]) * ow) / 16) | 1);
}

/** Floats of the scratch that convdirect.ts draws, for dW where `sums`; m: outputs of one group. */
function directFloats(channels: number, m: number, output: Size, windows: Windows, sums = false): number {
  const k = channels * windows.kernel[0] * windows.kernel[1];
  return planeFloats(channels, output, windows) + 8 + k + (sums ? 32 * Math.ceil(m / 4) * Math.ceil(k / 2) : m + 20 + m * k);
}

/** @internal y = conv(x, w) + bias (an address; 0: none). */
export function callConv(y: Tensor, x: Tensor, w: Tensor, bias: number, attrs: ConvAttrs): void {
  const output = outputOf(attrs);
  const record = recordOf(attrs, output);
  if (!servesDirect(attrs, output)) {
    withScratch(columnFloats(attrs, output), (columns) => call('conv2d', x.address, w.address, bias, y.address, columns, record));
    return;
  }
  const [outputs, channels] = attrs.weight as [number, number];
  const floats = directFloats(channels, outputs / attrs.groups, output, attrs.windows);
  withScratch(floats, (scratch) => call('conv2dDirect', x.address, w.address, bias, y.address, scratch, record, 0));
}

/** The windows that go over dy to make dx, where the stride is 1. Their padding may be below 0. */
function mirrored({ kernel, stride, padding, dilation }: Windows): Windows {
  const margin = (axis: 0 | 1): number => dilation[axis] * (kernel[axis] - 1) - padding[axis];
  return { kernel, stride, padding: [margin(0), margin(1)], dilation };
}

/**
 * Whether dx comes faster as a convolution of dy than by columns that are added to the image. Both multiply, the one for each pixel and
 * pair of channels, the other for each position; an element of the columns was measured to cost as much as 8 multiplications,
 * one of the planes as much as 4.
 */
function inputGradPays({ image, weight, groups }: ConvAttrs, [oh, ow]: Size, back: Windows): boolean {
  const [outputs, channels, kh, kw] = weight as [number, number, number, number];
  const [h, w] = image.slice(2) as [number, number];
  const perGroup = outputs / groups;
  const taps = kh * kw;
  const direct = perGroup * taps * 2 * Math.ceil(channels / 2) * h * w + 4 * planeFloats(perGroup, [h, w], back);
  return direct <= (perGroup + 8) * channels * taps * oh * ow;
}

/** @internal dx from dy and w. */
export function callInputGrad(dx: Tensor, dy: Tensor, w: Tensor, attrs: ConvAttrs): void {
  const { image, weight, windows, groups } = attrs;
  const output = outputOf(attrs);
  const back = mirrored(windows);
  if (!servesDirect(attrs, output) || windows.stride[1] !== 1 || !inputGradPays(attrs, output, back)) {
    withScratch(columnFloats(attrs, output), (columns) => call('conv2dInputGrad', dy.address, w.address, dx.address, columns, recordOf(attrs, output)));
    return;
  }
  const [n, channels, height, width] = image as [number, number, number, number];
  const outputs = weight[0] as number;
  const record = geometry([n, outputs, ...output], channels, [height, width], groups, back);
  const floats = directFloats(outputs / groups, channels / groups, [height, width], back);
  withScratch(floats, (scratch) => call('conv2dDirect', dy.address, w.address, 0, dx.address, scratch, record, 1));
}

/**
 * @internal dw from x and dy. The direct way's sums go through memory once for each image, as the columns do on the other: measured, that pays from
 * two positions for each output on.
 */
export function callWeightGrad(dw: Tensor, x: Tensor, dy: Tensor, attrs: ConvAttrs): void {
  const output = outputOf(attrs);
  const [outputs, channels] = attrs.weight as [number, number];
  const perGroup = outputs / attrs.groups;
  const record = recordOf(attrs, output);
  if (servesDirect(attrs, output) && output[0] * output[1] >= 2 * perGroup) {
    const floats = directFloats(channels, perGroup, output, attrs.windows, true);
    withScratch(floats, (scratch) => call('conv2dDirectWeightGrad', x.address, dy.address, dw.address, scratch, record));
  } else withScratch(columnFloats(attrs, output, perGroup), (columns) => call('conv2dWeightGrad', x.address, dy.address, dw.address, columns, record));
}
