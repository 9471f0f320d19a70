// Rows of activations, normalisation and pooling beyond those of cases.ts.
import * as g from 'gradloom';
import { type Case, rows, weights } from './case.ts';

const F = g.nn.functional;
const softplus = (x: number): number => Math.log1p(Math.exp(x));

const places = g.keep(g.tensor([5, 0, 9], { dtype: 'int32' }));

const activations: Case[] = [
  { name: 'hardtanh', run: (x) => F.hardtanh(x, { minVal: -0.5, maxVal: 1.5 }), reference: (x) => Math.min(Math.max(x, -0.5), 1.5), kinks: [-0.5, 1.5], linear: true },
  { name: 'relu6', run: F.relu6, reference: (x) => Math.min(Math.max(x, 0), 6), kinks: [0, 6], domain: [-3, 9], linear: true },
  { name: 'hardsigmoid', run: F.hardsigmoid, reference: (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1), kinks: [-3, 3], domain: [-5, 5], linear: true },
  { name: 'hardswish', run: F.hardswish, reference: (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1), kinks: [-3, 3], domain: [-5, 5] },
  { name: 'softshrink', run: (x) => F.softshrink(x), reference: (x) => Math.sign(x) * Math.max(Math.abs(x) - 0.5, 0), kinks: [-0.5, 0.5], linear: true },
  { name: 'hardshrink', run: (x) => F.hardshrink(x, { lambd: 0.7 }), reference: (x) => (Math.abs(x) > 0.7 ? x : 0), kinks: [-0.7, 0.7], linear: true },
  { name: 'threshold', run: (x) => F.threshold(x, 0.3, -2), reference: (x) => (x > 0.3 ? x : -2), kinks: [0.3], linear: true },
  { name: 'logsigmoid', run: F.logsigmoid, reference: (x) => -softplus(-x) },
  { name: 'mish', run: F.mish, reference: (x) => x * Math.tanh(softplus(x)) },
  { name: 'selu', run: F.selu, reference: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)), kinks: [0] },
  { name: 'celu', run: (x) => F.celu(x, { alpha: 0.6 }), reference: (x) => (x > 0 ? x : 0.6 * Math.expm1(x / 0.6)), kinks: [0] },
  { name: 'softsign', run: F.softsign, reference: (x) => x / (1 + Math.abs(x)), kinks: [0] },
  { name: 'tanhshrink', run: F.tanhshrink, reference: (x) => x - Math.tanh(x) },
  { name: 'softmin', run: (x) => F.softmin(x, 1), shapes: rows },
  { name: 'glu', run: (x) => F.glu(x), shapes: (n) => [[3, 2 * n]] },
  { name: 'glu 0', run: (x) => F.glu(x, 0), shapes: (n) => [[4, n]] },
];

const norms: Case[] = [
  { name: 'batchNorm', run: (x, w, b) => F.batchNorm(x, null, null, { weight: w, bias: b, training: true, eps: 0.1 }), shapes: (n) => [[2, 3, n], [3], [3]] },
  { name: 'batchNorm rows', run: (x) => F.batchNorm(x, null, null, { training: true, eps: 0.1 }), shapes: (n) => [[n + 2, 3]] },
  { name: 'batchNorm images', run: (x, w) => F.batchNorm(x, null, null, { weight: w, training: true, eps: 0.1 }), shapes: (n) => [[2, 2, 2, n], [2]] },
  {
    name: 'batchNorm running',
    run: (x, w, b) => F.batchNorm(x, weights(0.1, -0.2, 0.3), weights(1, 2, 0.5), { weight: w, bias: b }),
    shapes: (n) => [[2, 3, n], [3], [3]],
  },
  { name: 'instanceNorm', run: (x, w, b) => F.instanceNorm(x, { weight: w, bias: b, eps: 0.1 }), shapes: (n) => [[2, 3, n + 1], [3], [3]] },
  { name: 'groupNorm', run: (x, w, b) => F.groupNorm(x, 2, { weight: w, bias: b, eps: 0.1 }), shapes: (n) => [[2, 4, n], [4], [4]] },
  { name: 'groupNorm rows', run: (x) => F.groupNorm(x, 1, { eps: 0.1 }), shapes: (n) => [[n, 3]] },
  {
    name: 'rmsNorm',
    run: (x, w) => F.rmsNorm(x, w.shape, { weight: w, eps: 0.1 }),
    shapes: (n) => [
      [2, 3, n],
      [3, n],
    ],
  },
];

const pools: Case[] = [
  { name: 'avgPool2d', run: (x) => F.avgPool2d(x, 2), shapes: (n) => [[2, 3, n + 1]], linear: true },
  {
    name: 'avgPool2d all options',
    run: (x) => F.avgPool2d(x, [3, 2], { stride: [2, 1], padding: 1, ceilMode: true, countIncludePad: false }),
    shapes: (n) => [[2, 1, 3, n]],
    linear: true,
  },
  { name: 'avgPool2d divisor', run: (x) => F.avgPool2d(x, 2, { stride: 1, padding: 1, divisorOverride: 3 }), shapes: (n) => [[1, 2, n]], linear: true },
  { name: 'avgPool1d', run: (x) => F.avgPool1d(x, 2, { padding: 1 }), shapes: (n) => [[2, n + 1]], linear: true },
  { name: 'adaptiveAvgPool2d', run: (x) => F.adaptiveAvgPool2d(x, [2, null]), shapes: (n) => [[2, 3, n]], linear: true },
  { name: 'adaptiveAvgPool2d 1', run: (x) => F.adaptiveAvgPool2d(x, 1), shapes: (n) => [[2, 2, 3, n]], linear: true },
  { name: 'adaptiveAvgPool1d', run: (x) => F.adaptiveAvgPool1d(x, 3), shapes: (n) => [[2, n + 1]], linear: true },
];

const lines: Case[] = [
  { name: 'conv1d', run: (x, w, b) => F.conv1d(x, w, b, { padding: 1, stride: 2 }), shapes: (n) => [[2, 3, n + 1], [2, 3, 2], [2]] },
  {
    name: 'conv1d same, groups',
    run: (x, w) => F.conv1d(x, w, null, { padding: 'same', groups: 2, dilation: 2 }),
    shapes: (n) => [
      [2, n],
      [4, 1, 3],
    ],
  },
  { name: 'maxPool1d', run: (x) => F.maxPool1d(x, 2, { padding: 1 }), shapes: (n) => [[2, n + 1]], distinct: true, linear: true },
  { name: 'rotaryEmbedding', run: (x) => F.rotaryEmbedding(x), shapes: (n) => [[2, n, 4]], linear: true },
  { name: 'rotaryEmbedding halves', run: (x) => F.rotaryEmbedding(x, { interleaved: false, base: 100, positions: places }), shapes: (n) => [[n, 3, 6]], linear: true },
  {
    name: 'scaledDotProductAttention',
    run: (q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal: true }),
    shapes: (n) => [
      [2, 3, n],
      [2, 4, n],
      [2, 4, 2],
    ],
  },
  {
    name: 'scaledDotProductAttention shared heads',
    run: (q, k, v) => F.scaledDotProductAttention(q, k, v, { enableGqa: true }),
    shapes: (n) => [
      [4, 3, n],
      [2, 2, n],
      [1, 2, 2],
    ],
  },
  {
    name: 'scaledDotProductAttention masked',
    run: (q, k, v, m) => F.scaledDotProductAttention(q, k, v, { attnMask: m, scale: 0.5 }),
    shapes: (n) => [
      [3, n],
      [2, n],
      [2, 2],
      [3, 2],
    ],
  },
];

export const layerCases: readonly Case[] = [...activations, ...norms, ...pools, ...lines];
