// The library's layers as PyTorch's: what their constructors take there. Classes that are not here are written as classes of their own, from their ops.
import * as nn from '../api/nn.ts';
import type { Module } from '../module/module.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { settingsOf } from './graph.ts';
import { keywords, literal } from './python.ts';

interface Layer {
  /** Arguments that every instance is given, in order. */
  readonly positional?: (m: Fields, s: Readonly<Record<string, unknown>>) => readonly unknown[];
  /** Settings that are passed on by name where the layer has them. */
  readonly named?: readonly string[];
  /** Further ones. */
  readonly more?: (m: Fields, s: Readonly<Record<string, unknown>>) => Record<string, unknown>;
  /** How many tensors (or lists of them) forward takes, default 1. What stands behind them is named. */
  readonly inputs?: number;
}

type Fields = Readonly<Record<string, Tensor | null | undefined>>;

const size = (t: Tensor | null | undefined, dim: number): number => t?.sizes[dim] as number;
const groupsOf = (s: Readonly<Record<string, unknown>>): number => (s.groups as number | undefined) ?? 1;
const unlessSo = (value: boolean, usual: boolean): boolean | undefined => (value === usual ? undefined : value);
const biasOf = (m: Fields): { bias: boolean | undefined } => ({ bias: unlessSo(!!m.bias, true) });

const conv: Layer = {
  positional: (m, s) => [size(m.weight, 1) * groupsOf(s), size(m.weight, 0), (m.weight as Tensor).sizes.slice(2)],
  named: ['stride', 'padding', 'dilation', 'groups'],
  more: (m, s) => ({ ...biasOf(m), paddingMode: s.paddingMode === 'zeros' ? undefined : s.paddingMode }),
};
const convTranspose: Layer = {
  positional: (m, s) => [size(m.weight, 0), size(m.weight, 1) * groupsOf(s), (m.weight as Tensor).sizes.slice(2)],
  named: ['stride', 'padding', 'outputPadding', 'groups', 'dilation'],
  more: biasOf,
};
const pool: Layer = { positional: (_, s) => [s.kernelSize], named: ['stride', 'padding', 'dilation', 'ceilMode', 'countIncludePad', 'divisorOverride'] };
const adaptive: Layer = { positional: (_, s) => [s.outputSize] };
const batchNorm: Layer = {
  positional: (m) => [(m.weight ?? m.runningMean)?.sizes[0]],
  named: ['eps', 'momentum'],
  more: (m) => ({ affine: unlessSo(!!m.weight, true), trackRunningStats: unlessSo(!!m.runningMean, true) }),
};
const instanceNorm: Layer = { ...batchNorm, more: (m) => ({ affine: unlessSo(!!m.weight, false), trackRunningStats: unlessSo(!!m.runningMean, false) }) };
const recurrent: Layer = {
  positional: (_, s) => [s.inputSize, s.hiddenSize],
  more: (_, s) => {
    const usual: Record<string, unknown> = { numLayers: 1, bias: true, batchFirst: false, dropout: 0, bidirectional: false, projSize: 0, nonlinearity: 'tanh' };
    return Object.fromEntries(Object.entries(usual).flatMap(([key, v]) => (s[key] === undefined || s[key] === v ? [] : [[key, s[key]]])));
  },
  inputs: 2,
};
const cell: Layer = {
  positional: (m) => [size(m.weightIh, 1), size(m.weightHh, 1)],
  more: (m, s) => ({ bias: unlessSo(!!m.biasIh, true), nonlinearity: s.nonlinearity }),
  inputs: 2,
};
const dropout: Layer = { named: ['p'] };
const pads: Layer = { positional: (_, s) => [s.pads] };
const constantPads: Layer = { positional: (_, s) => [s.pads, s.value] };
const byDim: Layer = { named: ['dim'] };
const none: Layer = {};

const LAYERS: Readonly<Record<string, Layer>> = {
  Linear: { positional: (_, s) => [s.inFeatures, s.outFeatures], more: biasOf },
  Bilinear: { positional: (m) => [size(m.weight, 1), size(m.weight, 2), size(m.weight, 0)], more: biasOf, inputs: 2 },
  Conv1d: conv,
  Conv2d: conv,
  Conv3d: conv,
  ConvTranspose1d: convTranspose,
  ConvTranspose2d: convTranspose,
  ConvTranspose3d: convTranspose,
  MaxPool1d: pool,
  MaxPool2d: pool,
  MaxPool3d: pool,
  AvgPool1d: pool,
  AvgPool2d: pool,
  AvgPool3d: pool,
  AdaptiveAvgPool1d: adaptive,
  AdaptiveAvgPool2d: adaptive,
  AdaptiveAvgPool3d: adaptive,
  AdaptiveMaxPool1d: adaptive,
  AdaptiveMaxPool2d: adaptive,
  AdaptiveMaxPool3d: adaptive,
  BatchNorm1d: batchNorm,
  BatchNorm2d: batchNorm,
  BatchNorm3d: batchNorm,
  InstanceNorm1d: instanceNorm,
  InstanceNorm2d: instanceNorm,
  InstanceNorm3d: instanceNorm,
  GroupNorm: { positional: (m, s) => [s.groups, m.weight?.sizes[0]], named: ['eps'] },
  LayerNorm: {
    positional: (_, s) => [s.normalizedShape],
    named: ['eps'],
    more: (m) => ({ elementwiseAffine: unlessSo(!!m.weight, true), bias: m.weight ? unlessSo(!!m.bias, true) : undefined }),
  },
  RMSNorm: { positional: (_, s) => [s.normalizedShape], named: ['eps'], more: (m) => ({ elementwiseAffine: unlessSo(!!m.weight, true) }) },
  Embedding: { positional: (_, s) => [s.numEmbeddings, s.embeddingDim], named: ['paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq'] },
  Dropout: dropout,
  Dropout1d: dropout,
  Dropout2d: dropout,
  Dropout3d: dropout,
  RNN: recurrent,
  LSTM: recurrent,
  GRU: recurrent,
  RNNCell: cell,
  LSTMCell: cell,
  GRUCell: cell,
  MultiheadAttention: {
    positional: (_, s) => [s.embedDim, s.numHeads],
    named: ['batchFirst'],
    more: (m, s) => ({
      dropout: s.dropout || undefined,
      bias: unlessSo(!!m.inProjBias, true),
      addBiasKv: unlessSo(!!m.biasK, false),
      addZeroAttn: unlessSo(s.addZeroAttn as boolean, false),
      kdim: s.kdim === s.embedDim ? undefined : s.kdim,
      vdim: s.vdim === s.embedDim ? undefined : s.vdim,
    }),
    inputs: 3,
  },
  ReLU: none,
  Tanh: none,
  Sigmoid: none,
  SiLU: none,
  Identity: none,
  LogSigmoid: none,
  Mish: none,
  SELU: none,
  Softsign: none,
  Tanhshrink: none,
  Hardsigmoid: none,
  Hardswish: none,
  ReLU6: none,
  GELU: { named: ['approximate'] },
  LeakyReLU: { named: ['negativeSlope'] },
  ELU: { named: ['alpha'] },
  CELU: { named: ['alpha'] },
  Softplus: { named: ['beta', 'threshold'] },
  Hardtanh: { named: ['minVal', 'maxVal'] },
  Hardshrink: { named: ['lambd'] },
  Softshrink: { named: ['lambd'] },
  Threshold: { positional: (_, s) => [s.at, s.value] },
  PReLU: { positional: (m) => [size(m.weight, 0)] },
  GLU: byDim,
  Softmax: byDim,
  LogSoftmax: byDim,
  Softmin: byDim,
  Softmax2d: none,
  Flatten: { named: ['startDim', 'endDim'] },
  Unflatten: { positional: (_, s) => [s.dim, s.sizes] },
  PixelShuffle: { positional: (_, s) => [s.upscaleFactor] },
  PixelUnshuffle: { positional: (_, s) => [s.downscaleFactor] },
  ChannelShuffle: { positional: (_, s) => [s.groups] },
  Upsample: { named: ['size', 'scaleFactor', 'mode', 'alignCorners'] },
  UpsamplingNearest2d: { named: ['size', 'scaleFactor'] },
  UpsamplingBilinear2d: { named: ['size', 'scaleFactor'] },
  LocalResponseNorm: { positional: (_, s) => [s.size], named: ['alpha', 'beta', 'k'] },
  Unfold: { positional: (_, s) => [s.kernelSize], named: ['dilation', 'padding', 'stride'] },
  Fold: { positional: (_, s) => [s.outputSize, s.kernelSize], named: ['dilation', 'padding', 'stride'] },
  ...Object.fromEntries(
    [1, 2, 3].flatMap((d) => [...['ZeroPad', 'ReflectionPad', 'ReplicationPad', 'CircularPad'].map((p) => [`${p}${d}d`, pads]), [`ConstantPad${d}d`, constantPads]]),
  ),
};

/** What stands for nothing: constructors that hold modules by position or key. */
const CONTAINERS = ['Sequential', 'ModuleList', 'ModuleDict'] as const;

/** The library's classes by themselves: what a bundler makes of their names does not matter. */
const names = /* @__PURE__ */ new Map<unknown, string>(/* @__PURE__ */ Object.entries(nn).map(([name, c]) => [c, name]));
const ownClass = (m: Module): string | undefined => names.get(m.constructor);

/** Which of the library's containers a module is. */
export function containerOf(m: Module): (typeof CONTAINERS)[number] | undefined {
  const name = ownClass(m);
  return CONTAINERS.find((c) => c === name);
}

function layerOf(m: Module): Layer | undefined {
  const name = ownClass(m);
  if (!name || !Object.hasOwn(LAYERS, name) || 'parametrizations' in m) return undefined;
  const s = settingsOf(m);
  // What PyTorch's constructor cannot say: by its ops.
  if (s.withIndices === true || (/Norm/.test(name) && m.constructor !== nn.LayerNorm && (s.weight === null) !== (s.bias === null) && 'bias' in s)) return undefined;
  if (/^(Batch|Instance|Group)Norm/.test(name) && !(m as unknown as Fields).weight && !(m as unknown as Fields).runningMean) return undefined;
  return LAYERS[name];
}

/** Whether PyTorch has the layer. */
export const isLayer = (m: Module): boolean => layerOf(m) !== undefined;

/** How PyTorch makes a layer: `nn.Linear(3, 4)`. Undefined where it has none such. */
export function construct(m: Module): string | undefined {
  const layer = layerOf(m);
  if (!layer) return undefined;
  const { positional, named = [], more } = layer;
  const s = settingsOf(m);
  const given = { ...Object.fromEntries(named.filter((key) => !isUsual(key, s)).map((key) => [key, equal(s[key])])), ...more?.(m as unknown as Fields, s) };
  return `nn.${ownClass(m)}(${[...(positional?.(m as unknown as Fields, s) ?? []).map(shortened), ...keywords(given)].join(', ')})`;
}

/** A list of equal sizes as one. */
const equal = (v: unknown): unknown => (Array.isArray(v) && v.every((n) => n === v[0]) ? v[0] : v);
const shortened = (v: unknown): string => literal(equal(v));

const USUAL: Readonly<Record<string, unknown>> = { eps: 1e-5, momentum: 0.1 };
/** Whether a setting is what PyTorch takes where nothing is said. */
const isUsual = (key: string, s: Readonly<Record<string, unknown>>): boolean =>
  s[key] === undefined || s[key] === null || s[key] === USUAL[key] || (key === 'stride' && 'kernelSize' in s && literal(equal(s.stride)) === literal(equal(s.kernelSize)));

/** How many arguments of a layer's forward are given by position. */
export const positionalInputs = (m: Module): number => layerOf(m)?.inputs ?? 1;
