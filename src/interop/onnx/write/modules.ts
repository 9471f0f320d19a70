// Layers as nodes of ONNX: one row for each class that has an operator. A row that does not fit a call gives null; then its ops are written.
import * as act from '../../../nn/activations.ts';
import { AdaptiveAvgPool1d, AdaptiveAvgPool2d, AvgPool1d, AvgPool2d } from '../../../nn/avgpool.ts';
import { BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d } from '../../../nn/batchnorm.ts';
import { LocalResponseNorm } from '../../../nn/bilinear.ts';
import { Conv2d, MaxPool2d } from '../../../nn/conv.ts';
import { Conv1d, MaxPool1d } from '../../../nn/conv1d.ts';
import { AdaptiveAvgPool3d, AvgPool3d, Conv3d, MaxPool3d } from '../../../nn/conv3d.ts';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from '../../../nn/convtranspose.ts';
import { Dropout } from '../../../nn/dropout.ts';
import { Embedding } from '../../../nn/embedding.ts';
import { LayerNorm } from '../../../nn/norm.ts';
import { Fold, PixelShuffle, Upsample, UpsamplingBilinear2d, UpsamplingNearest2d } from '../../../nn/pictures.ts';
import * as piece from '../../../nn/piecewise.ts';
import { AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d } from '../../../nn/pools.ts';
import { GRU, LSTM, RNN } from '../../../nn/recurrent.ts';
import * as smooth from '../../../nn/smooth.ts';
import { type Attribute, float } from '../emitter.ts';
import type { Size } from '../sizes.ts';
import { recurrentLayer } from './recurrent.ts';
import type { LayerCall, LayerRow } from './row.ts';

const one =
  (op: string, attributes: (set: LayerCall['set']) => Readonly<Record<string, Attribute>> = () => ({})): LayerRow =>
  (e, { x, set }) => [e.node(op, [x], attributes(set))];

/** A number for each direction. */
const each = (value: number | readonly number[] | null | undefined, n: number, usual: number): number[] =>
  Array.isArray(value) ? [...value] : new Array<number>(n).fill((value as number | null | undefined) ?? usual);
const twice = (list: readonly number[]): number[] => [...list, ...list];

const convolution =
  (n: number): LayerRow =>
  (e, { x, shape, set, state, call }) => {
    const weight = state('weight');
    if (!weight || shape.length !== n + 2 || (set.paddingMode ?? 'zeros') !== 'zeros') return null;
    const kernel = (call.module as unknown as { weight: { shape: number[] } }).weight.shape.slice(2);
    const [strides, dilations] = [each(set.stride, n, 1), each(set.dilation, n, 1)];
    const all = kernel.map((k, i) => (dilations[i] as number) * (k - 1));
    const pads =
      set.padding === 'same' ? [...all.map((p) => Math.floor(p / 2)), ...all.map((p) => Math.ceil(p / 2))] : twice(each(set.padding === 'valid' ? 0 : set.padding, n, 0));
    const bias = state('bias');
    return [e.node('Conv', bias ? [x, weight, bias] : [x, weight], { kernel_shape: kernel, strides, pads, dilations, group: set.groups ?? 1 })];
  };

const transposed =
  (n: number): LayerRow =>
  (e, { x, shape, set, state, call }) => {
    const weight = state('weight');
    if (!weight || shape.length !== n + 2 || (call.inputs[1] ?? null) !== null) return null;
    const kernel = (call.module as unknown as { weight: { shape: number[] } }).weight.shape.slice(2);
    const bias = state('bias');
    const more = each(set.outputPadding, n, 0);
    return [
      e.node('ConvTranspose', bias ? [x, weight, bias] : [x, weight], {
        kernel_shape: kernel,
        strides: each(set.stride, n, 1),
        pads: twice(each(set.padding, n, 0)),
        dilations: each(set.dilation, n, 1),
        group: set.groups ?? 1,
        output_padding: more.some((p) => p > 0) ? more : undefined,
      }),
    ];
  };

const maxPooling =
  (n: number): LayerRow =>
  (e, { x, shape, set }) => {
    // Settings of the call for indices have another output.
    if (set.withIndices || shape.length !== n + 2) return null;
    const kernel = each(set.kernelSize, n, 1);
    const windows = {
      kernel_shape: kernel,
      strides: set.stride == null ? kernel : each(set.stride, n, 1),
      pads: twice(each(set.padding, n, 0)),
      dilations: each(set.dilation, n, 1),
    };
    return [e.node('MaxPool', [x], { ...windows, ceil_mode: Number(set.ceilMode ?? false) })];
  };

const averagePooling =
  (n: number): LayerRow =>
  (e, { x, shape, set }) => {
    // How a last window that does not fit is counted differs between runtimes: then the ops are written.
    if (shape.length !== n + 2 || (set.divisorOverride ?? null) !== null || set.ceilMode) return null;
    const kernel = each(set.kernelSize, n, 1);
    const windows = { kernel_shape: kernel, strides: set.stride == null ? kernel : each(set.stride, n, 1), pads: twice(each(set.padding, n, 0)) };
    return [e.node('AveragePool', [x], { ...windows, count_include_pad: Number(set.countIncludePad ?? true) })];
  };

/** One window for each output, where they have one size. */
const adaptive =
  (n: number, everywhere: string, pool: string): LayerRow =>
  (e, { x, shape, y, set, what }) => {
    if (set.withIndices || shape.length !== n + 2) return null;
    const [from, to] = [e.fixed(shape.slice(2), what), e.fixed(y.slice(2), what)];
    if (to.every((size) => size === 1)) return [e.node(everywhere, [x])];
    if (from.some((size, i) => size % (to[i] as number) !== 0)) return null;
    const kernel = from.map((size, i) => size / (to[i] as number));
    return [e.node(pool, [x], { kernel_shape: kernel, strides: kernel })];
  };

const batchNorm: LayerRow = (e, { x, call, set, state, shape }) => {
  const [mean, variance] = [state('running_mean'), state('running_var')];
  if (!mean || !variance || shape.length < 2) return null;
  const n = (call.module as unknown as { runningMean: { size: number } }).runningMean.size;
  const vector = (field: string, usual: number): string => state(field) ?? e.constant(new Array<number>(n).fill(usual));
  const { momentum } = call.module as unknown as { momentum: unknown };
  const inputs = [x, vector('weight', 1), vector('bias', 0), mean, variance];
  if (!call.module.training) return [e.node('BatchNormalization', inputs, { epsilon: float(set.eps) })];
  if (typeof momentum !== 'number') return null;
  return e.many('BatchNormalization', inputs, { epsilon: float(set.eps), momentum: float(1 - momentum), training_mode: 1 }, 3).slice(0, 1);
};

const instanceNorm =
  (n: number): LayerRow =>
  (e, { x, shape, set, state, what }) => {
    const tracked = state('running_mean') !== null;
    if (shape.length !== n + 2 || tracked) return null;
    const [c] = e.fixed([shape[1] as Size], what) as [number];
    const vector = (field: string, usual: number): string => state(field) ?? e.constant(new Array<number>(c).fill(usual));
    return [e.node('InstanceNormalization', [x, vector('weight', 1), vector('bias', 0)], { epsilon: float(set.eps) })];
  };

const layerNorm: LayerRow = (e, { x, set, state }) => {
  const [weight, bias] = [state('weight'), state('bias')];
  if (!weight) return null;
  return [e.node('LayerNormalization', bias ? [x, weight, bias] : [x, weight], { axis: -set.normalizedShape.length, epsilon: float(set.eps) })];
};

const resizing: LayerRow = (e, { x, y, set, shape }) => {
  const { mode = 'nearest', alignCorners, scaleFactor, recomputeScaleFactor, antialias } = set;
  const linear = ['linear', 'bilinear', 'trilinear'].includes(mode);
  // Whole factors only: how others are rounded differs between runtimes.
  const n = shape.length - 2;
  const factors = scaleFactor == null ? null : each(scaleFactor, n, 1);
  if (antialias || recomputeScaleFactor || !(linear || mode === 'nearest' || mode === 'bicubic') || factors?.some((f) => !Number.isInteger(f))) return null;
  const places = mode === 'nearest' ? 'asymmetric' : alignCorners ? 'align_corners' : 'half_pixel';
  const attributes = {
    mode: mode === 'nearest' ? 'nearest' : linear ? 'linear' : 'cubic',
    coordinate_transformation_mode: places,
    nearest_mode: mode === 'nearest' ? 'floor' : undefined,
  };
  const cubic = mode === 'bicubic' ? { cubic_coeff_a: float(-0.75) } : {};
  const size = factors ? ['', e.constant([1, 1, ...factors])] : ['', '', e.sizes(y)];
  return [e.node('Resize', [x, ...size], { ...attributes, ...cubic })];
};

const fold: LayerRow = (e, { x, shape, set }) => {
  if (shape.length !== 3) return null;
  const pair = (v: number | readonly number[] | undefined, usual: number): number[] => each(v, 2, usual);
  const attributes = { strides: pair(set.stride, 1), pads: twice(pair(set.padding, 0)), dilations: pair(set.dilation, 1) };
  return [e.node('Col2Im', [x, e.ints(pair(set.outputSize, 1)), e.ints(pair(set.kernelSize, 1))], attributes)];
};

const clip =
  (low: (set: LayerCall['set']) => number, high: (set: LayerCall['set']) => number): LayerRow =>
  (e, { x, set }) => [e.node('Clip', [x, e.scalar(low(set)), e.scalar(high(set))])];

const alpha =
  (field: string, usual: number) =>
  (set: LayerCall['set']): { alpha: Attribute } => ({ alpha: float(set[field] ?? usual) });

/** @internal Rows by class. */
export const layerRows: ReadonlyMap<unknown, LayerRow> = new Map<unknown, LayerRow>([
  [AdaptiveAvgPool1d, adaptive(1, 'GlobalAveragePool', 'AveragePool')],
  [AdaptiveAvgPool2d, adaptive(2, 'GlobalAveragePool', 'AveragePool')],
  [AdaptiveAvgPool3d, adaptive(3, 'GlobalAveragePool', 'AveragePool')],
  [AdaptiveMaxPool1d, adaptive(1, 'GlobalMaxPool', 'MaxPool')],
  [AdaptiveMaxPool2d, adaptive(2, 'GlobalMaxPool', 'MaxPool')],
  [AdaptiveMaxPool3d, adaptive(3, 'GlobalMaxPool', 'MaxPool')],
  [AvgPool1d, averagePooling(1)],
  [AvgPool2d, averagePooling(2)],
  [AvgPool3d, averagePooling(3)],
  [BatchNorm1d, batchNorm],
  [BatchNorm2d, batchNorm],
  [BatchNorm3d, batchNorm],
  [smooth.CELU, one('Celu', alpha('alpha', 1))],
  [Conv1d, convolution(1)],
  [Conv2d, convolution(2)],
  [Conv3d, convolution(3)],
  [ConvTranspose1d, transposed(1)],
  [ConvTranspose2d, transposed(2)],
  [ConvTranspose3d, transposed(3)],
  [Dropout, (e, { x, set, call }) => (call.module.training ? e.many('Dropout', [x, e.scalar(set.p ?? 0.5), e.scalar(1, 'bool')], {}, 1) : [x])],
  [act.ELU, one('Elu', alpha('alpha', 1))],
  [
    Embedding,
    (e, { x, set, state }) => {
      const weight = state('weight');
      return weight && !set.maxNorm ? [e.node('Gather', [weight, x], { axis: 0 })] : null;
    },
  ],
  [Fold, fold],
  [GRU, recurrentLayer],
  [piece.Hardshrink, one('Shrink', ({ lambd }) => ({ lambd: float(lambd), bias: float(0) }))],
  [piece.Hardsigmoid, one('HardSigmoid', () => ({ alpha: float(1 / 6), beta: float(0.5) }))],
  [piece.Hardswish, one('HardSwish')],
  [
    piece.Hardtanh,
    clip(
      (set) => set.minVal ?? -1,
      (set) => set.maxVal ?? 1,
    ),
  ],
  [InstanceNorm1d, instanceNorm(1)],
  [InstanceNorm2d, instanceNorm(2)],
  [InstanceNorm3d, instanceNorm(3)],
  [LSTM, recurrentLayer],
  [LayerNorm, layerNorm],
  [act.LeakyReLU, one('LeakyRelu', alpha('negativeSlope', 0.01))],
  [
    LocalResponseNorm,
    (e, { x, set }) =>
      set.size % 2 === 1 ? [e.node('LRN', [x], { size: set.size, alpha: float(set.alpha ?? 1e-4), beta: float(set.beta ?? 0.75), bias: float(set.k ?? 1) })] : null,
  ],
  [act.LogSoftmax, one('LogSoftmax', ({ dim }) => ({ axis: dim }))],
  [MaxPool1d, maxPooling(1)],
  [MaxPool2d, maxPooling(2)],
  [MaxPool3d, maxPooling(3)],
  [smooth.Mish, one('Mish')],
  [PixelShuffle, (e, { x, shape, set }) => (shape.length === 4 ? [e.node('DepthToSpace', [x], { blocksize: set.upscaleFactor, mode: 'CRD' })] : null)],
  [RNN, recurrentLayer],
  [
    piece.ReLU6,
    clip(
      () => 0,
      () => 6,
    ),
  ],
  [smooth.SELU, one('Selu')],
  [act.Softmax, one('Softmax', ({ dim }) => ({ axis: dim }))],
  [act.Softplus, (e, { x, set }) => ((set.beta ?? 1) === 1 && (set.threshold ?? 20) === 20 ? [e.node('Softplus', [x])] : null)],
  [piece.Softshrink, one('Shrink', ({ lambd }) => ({ lambd: float(lambd), bias: float(lambd) }))],
  [smooth.Softsign, one('Softsign')],
  [Upsample, resizing],
  [UpsamplingBilinear2d, resizing],
  [UpsamplingNearest2d, resizing],
]);
