// Rows of activations, normalisation and pooling beyond those of cases.ts.
import * as g from 'gradloom';
import { type Case, rows } from './case.ts';

const F = g.nn.functional;
const softplus = (x: number): number => Math.log1p(Math.exp(x));

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

export const layerCases: readonly Case[] = [...activations];
