// One row per op feeds every check: value, gradient, second gradient, odd sizes, views, empty input.
import * as g from 'gradloom';
import type { Tensor } from 'gradloom';
import { arrayCases } from './arrays.cases.ts';
import { type Case, cycle, index, mask, pair, rows, shares, weights } from './case.ts';
import { imageCases } from './images.cases.ts';
import { indexCases } from './indexing.cases.ts';
import { layerCases } from './layers.cases.ts';
import { lossCases } from './losses.cases.ts';
import { mathCases } from './math.cases.ts';

/** erf in float64 by its series: exact to 1e-15 for |x| ≤ 3. */
function erf(x: number): number {
  let sum = x;
  for (let k = 1, term = x; k < 80; k++) {
    term *= (-x * x) / k;
    sum += term / (2 * k + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const elementwise: Case[] = [
  { name: 'neg', run: g.neg, reference: (x) => -x, linear: true },
  { name: 'abs', run: g.abs, reference: Math.abs, kinks: [0] },
  { name: 'sqrt', run: g.sqrt, reference: Math.sqrt, domain: [0.3, 3] },
  { name: 'rsqrt', run: g.rsqrt, reference: (x) => 1 / Math.sqrt(x), domain: [0.5, 3] },
  { name: 'reciprocal', run: g.reciprocal, reference: (x) => 1 / x, domain: [0.5, 3] },
  { name: 'square', run: g.square, reference: (x) => x * x },
  { name: 'exp', run: g.exp, reference: Math.exp },
  { name: 'expm1', run: g.expm1, reference: Math.expm1 },
  { name: 'log', run: g.log, reference: Math.log, domain: [0.3, 3] },
  { name: 'log1p', run: g.log1p, reference: Math.log1p, domain: [-0.6, 3] },
  { name: 'sin', run: g.sin, reference: Math.sin },
  { name: 'cos', run: g.cos, reference: Math.cos },
  { name: 'tanh', run: g.tanh, reference: Math.tanh },
  { name: 'sigmoid', run: g.sigmoid, reference: sigmoid },
  { name: 'erf', run: g.erf, reference: erf },
  { name: 'relu', run: g.relu, reference: (x) => Math.max(x, 0), kinks: [0], linear: true },
  { name: 'gelu', run: (x) => g.gelu(x), reference: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)) },
  { name: 'gelu tanh', run: (x) => g.gelu(x, { approximate: 'tanh' }), reference: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))) },
  { name: 'silu', run: g.silu, reference: (x) => x * sigmoid(x) },
  { name: 'softplus', run: (x) => g.softplus(x, { beta: 2 }), reference: (x) => Math.log1p(Math.exp(2 * x)) / 2 },
  { name: 'elu', run: (x) => g.elu(x, { alpha: 0.7 }), reference: (x) => (x > 0 ? x : 0.7 * Math.expm1(x)), kinks: [0] },
  { name: 'leakyRelu', run: (x) => g.leakyRelu(x, { negativeSlope: 0.2 }), reference: (x) => (x > 0 ? x : 0.2 * x), kinks: [0], linear: true },
  { name: 'prelu', run: g.prelu, shapes: (n) => [[n], []], kinks: [0] },
  { name: 'clamp between tensors', run: (x, low) => g.clamp(x, { min: low, max: low.add(1) }), shapes: pair, distinct: true, linear: true },
  { name: 'clamp', run: (x) => g.clamp(x, { min: -1, max: 0.5 }), reference: (x) => Math.min(Math.max(x, -1), 0.5), kinks: [-1, 0.5], linear: true },
  { name: 'floor', run: g.floor, reference: Math.floor, kinks: [-2, -1, 0, 1, 2], linear: true },
  { name: 'ceil', run: g.ceil, reference: Math.ceil, kinks: [-2, -1, 0, 1, 2], linear: true },
  { name: 'trunc', run: g.trunc, reference: Math.trunc, kinks: [-2, -1, 0, 1, 2], linear: true },
  { name: 'round', run: (x) => g.round(x), reference: Math.round, kinks: [-1.5, -0.5, 0.5, 1.5], linear: true },
  { name: 'sign', run: g.sign, reference: Math.sign, kinks: [0], linear: true },
  { name: 'pow 3', run: (x) => g.pow(x, 3), reference: (x) => x ** 3 },
  { name: 'pow 2', run: (x) => g.pow(x, 2), reference: (x) => x ** 2 },
  { name: 'pow −1.5', run: (x) => g.pow(x, -1.5), reference: (x) => x ** -1.5, domain: [0.5, 2] },
  { name: 'pow', run: g.pow, shapes: pair, reference: (x, y) => x ** y, domain: [0.5, 2] },
  { name: 'pow of a number', run: (x) => g.pow(1.7, x), reference: (x) => 1.7 ** x },
  { name: 'add', run: (x, y) => g.add(x, y), shapes: pair, reference: (x, y) => x + y, linear: true },
  { name: 'sub', run: (x, y) => g.sub(x, y), shapes: pair, reference: (x, y) => x - y, linear: true },
  { name: 'add alpha', run: (x, y) => g.add(x, y, { alpha: 1.5 }), shapes: pair, reference: (x, y) => x + 1.5 * y, linear: true },
  { name: 'sub alpha', run: (x, y) => g.sub(x, y, { alpha: -0.5 }), shapes: pair, reference: (x, y) => x + 0.5 * y, linear: true },
  { name: 'mul', run: g.mul, shapes: pair, reference: (x, y) => x * y },
  { name: 'div', run: g.div, shapes: pair, reference: (x, y) => x / y, domain: [0.5, 2] },
  { name: 'rdiv', run: (x) => g.div(2, x), reference: (x) => 2 / x, domain: [0.5, 2] },
  { name: 'maximum', run: g.maximum, shapes: pair, reference: Math.max, distinct: true, linear: true },
  { name: 'minimum', run: g.minimum, shapes: pair, reference: Math.min, distinct: true, linear: true },
  { name: 'where', run: (x, y) => g.where(x.detach().gt(0), x, y), shapes: pair, reference: (x, y) => (x > 0 ? x : y), kinks: [0], linear: true },
  { name: 'maskedFill', run: (x) => x.maskedFill(mask(x.size).reshape(x.shape), 2), linear: true },
  {
    name: 'add broadcast',
    run: (x, y) => g.add(x, y),
    shapes: (n) => [
      [3, 1, n],
      [2, 1],
    ],
    linear: true,
  },
  { name: 'mul broadcast', run: g.mul, shapes: (n) => [[2, n, 1], [n]] },
  { name: 'div broadcast', run: g.div, shapes: (n) => [[n], [3, n]], domain: [0.5, 2] },
];

const moving: Case[] = [
  { name: 'clone', run: (x) => x.clone(), reference: (x) => x, linear: true },
  { name: 'reshape', run: (x) => x.reshape([-1]), shapes: rows, linear: true },
  { name: 'flatten', run: (x) => x.flatten(), shapes: rows, linear: true },
  { name: 'unflatten', run: (x) => x.unflatten(0, [3, 1]), shapes: rows, linear: true },
  { name: 'squeeze', run: (x) => x.squeeze(), shapes: (n) => [[1, n, 1]], linear: true },
  { name: 'unsqueeze', run: (x) => x.unsqueeze(-2), shapes: rows, linear: true },
  { name: 'permute', run: (x) => x.permute([2, 0, 1]), shapes: (n) => [[2, n, 3]], linear: true },
  { name: 'transpose', run: (x) => x.transpose(0, 1), shapes: rows, linear: true },
  { name: 't', run: (x) => x.t(), shapes: rows, linear: true },
  { name: 'movedim', run: (x) => x.movedim(0, -1), shapes: (n) => [[2, n, 3]], linear: true },
  { name: 'slice', run: (x) => x.slice(0, 1, undefined, 2), shapes: (n) => [[n + 2, 2]], linear: true },
  { name: 'narrow', run: (x) => x.narrow(1, 1, 2), shapes: (n) => [[n, 4]], linear: true },
  { name: 'select', run: (x) => x.select(1, -1), shapes: (n) => [[n, 4]], linear: true },
  { name: 'unbind', run: (x) => g.add(x.unbind(0)[0] as Tensor, (x.unbind(0)[2] as Tensor).square()), shapes: rows },
  { name: 'split', run: (x) => (x.split([1, 2])[1] as Tensor).unbind().reduce((a, b) => a.mul(b)), shapes: rows },
  { name: 'chunk', run: (x) => x.chunk(2, 0)[1] as Tensor, shapes: rows, linear: true },
  {
    name: 'cat',
    run: (x, y) => g.cat([x, y, x], 1),
    shapes: (n) => [
      [2, n],
      [2, 3],
    ],
    linear: true,
  },
  { name: 'stack', run: (x, y) => g.stack([x, y.mul(x)], 1), shapes: pair },
  { name: 'expand', run: (x) => x.expand([4, -1, 3]), shapes: (n) => [[n, 1]], linear: true },
  { name: 'asStrided', run: (x) => g.asStrided(x.contiguous(), [2, 2], [1, 2], 1), shapes: (n) => [[n + 4]], linear: true },
];

const reducing: Case[] = [
  { name: 'sum', run: (x) => x.sum(), shapes: rows, linear: true },
  { name: 'sum 0', run: (x) => x.sum({ dim: 0 }), shapes: rows, linear: true },
  { name: 'sum −1', run: (x) => x.sum({ dim: -1, keepdim: true }), shapes: rows, linear: true },
  { name: 'sum apart', run: (x) => x.sum({ dim: [0, 2] }), shapes: (n) => [[2, n, 3]], linear: true },
  { name: 'mean', run: (x) => x.mean({ dim: 1 }), shapes: rows, linear: true },
  { name: 'variance', run: (x) => x.variance({ dim: 0 }), shapes: rows },
  { name: 'std', run: (x) => x.std({ dim: 0, correction: 0 }), shapes: rows, distinct: true },
  { name: 'norm', run: (x) => x.norm(), shapes: rows },
  { name: 'norm 1', run: (x) => x.norm({ p: 1, dim: 0 }), shapes: rows, kinks: [0] },
  { name: 'norm 3', run: (x) => x.norm({ p: 3 }), kinks: [0], domain: [0.3, 2] },
  { name: 'norm ∞', run: (x) => x.norm({ p: Number.POSITIVE_INFINITY }), distinct: true, domain: [0.3, 8] },
  { name: 'amax', run: (x) => x.amax({ dim: 1 }), shapes: rows, distinct: true, linear: true },
  { name: 'amin', run: (x) => x.amin(), shapes: rows, distinct: true, linear: true },
  { name: 'max', run: (x) => x.max(0).values, shapes: rows, distinct: true, linear: true },
  { name: 'min', run: (x) => x.min(-1, true).values, shapes: rows, distinct: true, linear: true },
  { name: 'logsumexp', run: (x) => x.logsumexp(1), shapes: rows },
];

const products: Case[] = [
  {
    name: 'mm',
    run: g.mm,
    shapes: (n) => [
      [3, n],
      [n, 2],
    ],
  },
  {
    name: 'mm square',
    run: g.mm,
    shapes: (n) => [
      [n, n],
      [n, n],
    ],
  },
  {
    name: 'matmul batch',
    run: g.matmul,
    shapes: (n) => [
      [2, 1, 3, n],
      [2, n, 2],
    ],
  },
  {
    name: 'matmul rows',
    run: g.matmul,
    shapes: (n) => [
      [2, 3, n],
      [n, 2],
    ],
  },
  { name: 'matmul vectors', run: g.matmul, shapes: (n) => [[n], [n]] },
  { name: 'matmul matrix·vector', run: g.matmul, shapes: (n) => [[3, n], [n]] },
  { name: 'matmul vector·matrix', run: g.matmul, shapes: (n) => [[n], [n, 2]] },
  {
    name: 'bmm',
    run: g.bmm,
    shapes: (n) => [
      [2, 3, n],
      [2, n, 2],
    ],
  },
  { name: 'dot', run: g.dot, shapes: pair },
  { name: 'addmm', run: (c, a, b) => g.addmm(c, a, b, { alpha: 0.5, beta: 2 }), shapes: (n) => [[2], [3, n], [n, 2]] },
  { name: 'linear', run: (x, w, b) => g.nn.functional.linear(x, w, b), shapes: (n) => [[2, 3, n], [2, n], [2]] },
  { name: 'linear no bias', run: (x, w) => g.nn.functional.linear(x, w), shapes: (n) => [[n], [3, n]] },
];

const picking: Case[] = [
  {
    name: 'embedding',
    run: (x) => g.nn.functional.embedding(index([2, 0, 2, 3], [2, 2]), x),
    shapes: (n) => [[4, n]],
    linear: true,
  },
  { name: 'indexSelect', run: (x) => x.indexSelect(1, index([2, 0, 2], [3])), shapes: (n) => [[n, 3]], linear: true },
  {
    name: 'indexAdd',
    run: (x, s) => x.indexAdd(0, index([1, 1, 0], [3]), s),
    shapes: (n) => [
      [2, n],
      [3, n],
    ],
    linear: true,
  },
  { name: 'gather', run: (x) => x.gather(1, index([0, 2, 1, 1], [2, 2])), shapes: () => [[3, 3]], linear: true },
  {
    name: 'scatterAdd',
    run: (x, s) => x.scatterAdd(0, index(cycle(s.size, 3), s.shape), s),
    shapes: (n) => [
      [3, n],
      [2, n],
    ],
    linear: true,
  },
];

const soft: Case[] = [
  { name: 'softmax', run: (x) => x.softmax(1), shapes: rows },
  { name: 'softmax 0', run: (x) => x.softmax(0), shapes: rows },
  { name: 'logSoftmax', run: (x) => x.logSoftmax(-1), shapes: rows },
  { name: 'crossEntropy', run: (x) => g.nn.functional.crossEntropy(x, index(cycle(3, x.shape[1] ?? 1), [3])), shapes: rows },
  {
    name: 'crossEntropy all options',
    run: (x) => g.nn.functional.crossEntropy(x, index([0, -1, 1, 0], [4]), { weight: weights(0.5, 2, 1.3), ignoreIndex: -1, labelSmoothing: 0.2, reduction: 'mean' }),
    shapes: () => [[4, 3]],
  },
  { name: 'crossEntropy none', run: (x) => g.nn.functional.crossEntropy(x, index(cycle(6, 4), [2, 3]), { reduction: 'none', labelSmoothing: 0.1 }), shapes: () => [[2, 4, 3]] },
  { name: 'crossEntropy probabilities', run: (x) => g.nn.functional.crossEntropy(x, shares(x.shape), { reduction: 'sum', labelSmoothing: 0.1 }), shapes: rows },
  {
    name: 'crossEntropy soft targets',
    run: (x, t) => g.nn.functional.crossEntropy(x, t, { weight: weights(1, 2, 0.5) }),
    shapes: () => [
      [4, 3],
      [4, 3],
    ],
    domain: [0.1, 1],
  },
  { name: 'mseLoss', run: (x, t) => g.nn.functional.mseLoss(x, t), shapes: pair },
  {
    name: 'mseLoss sum',
    run: (x, t) => g.nn.functional.mseLoss(x, t, { reduction: 'sum' }),
    shapes: (n) => [
      [3, n],
      [3, n],
    ],
  },
  { name: 'mseLoss none', run: (x, t) => g.nn.functional.mseLoss(x, t, { reduction: 'none' }), shapes: pair },
];

const { conv2d, layerNorm, maxPool2d } = g.nn.functional;
const { binaryCrossEntropyWithLogits, huberLoss, klDiv, l1Loss, nllLoss, smoothL1Loss } = g.nn.functional;
const losses: Case[] = [
  { name: 'l1Loss', run: (x, t) => l1Loss(x, t), shapes: pair, distinct: true, linear: true },
  { name: 'smoothL1Loss', run: (x) => smoothL1Loss(x, g.zerosLike(x), { beta: 0.5 }), kinks: [-0.5, 0, 0.5] },
  { name: 'huberLoss', run: (x) => huberLoss(x, g.zerosLike(x), { delta: 0.7, reduction: 'sum' }), kinks: [-0.7, 0, 0.7] },
  { name: 'nllLoss', run: (x) => nllLoss(x, index([2, 0, -1], [3]), { weight: weights(1, 2, 3), ignoreIndex: -1 }), shapes: () => [[3, 3]], linear: true },
  { name: 'nllLoss none', run: (x) => nllLoss(x, index(cycle(6, 4), [2, 3]), { reduction: 'none' }), shapes: () => [[2, 4, 3]], linear: true },
  { name: 'binaryCrossEntropyWithLogits', run: (x, t) => binaryCrossEntropyWithLogits(x, t.sigmoid(), { posWeight: weights(2) }), shapes: pair },
  {
    name: 'klDiv',
    run: (x, t) => klDiv(x.logSoftmax(1), t.softmax(1), { reduction: 'batchmean' }),
    shapes: (n) => [
      [2, n + 1],
      [2, n + 1],
    ],
  },
  { name: 'klDiv of logarithms', run: (x, t) => klDiv(x, t, { logTarget: true }), shapes: pair },
];
const images: Case[] = [
  {
    name: 'layerNorm',
    run: (x, w, b) => layerNorm(x, w.shape, { weight: w, bias: b, eps: 0.1 }),
    shapes: (n) => [
      [2, 3, n],
      [3, n],
      [3, n],
    ],
  },
  { name: 'layerNorm rows', run: (x) => layerNorm(x, [5], { eps: 1e-3 }), shapes: (n) => [[n, 5]] },
  { name: 'conv2d', run: (x, w, b) => conv2d(x, w, b, { padding: 1 }), shapes: (n) => [[2, 2, 3, n + 1], [2, 2, 3, 2], [2]] },
  {
    name: 'conv2d stride, dilation, groups',
    run: (x, w) => conv2d(x, w, null, { stride: [1, 2], padding: [2, 1], dilation: [2, 1], groups: 2 }),
    shapes: (n) => [
      [1, 4, 3, n + 1],
      [2, 2, 2, 3],
    ],
  },
  {
    name: 'conv2d same',
    run: (x, w) => conv2d(x, w, null, { padding: 'same' }),
    shapes: (n) => [
      [1, 3, n],
      [2, 1, 2, 3],
    ],
  },
  {
    name: 'conv2d pointwise',
    run: (x, w) => conv2d(x, w),
    shapes: (n) => [
      [2, 3, n, 2],
      [2, 3, 1, 1],
    ],
  },
  { name: 'maxPool2d', run: (x) => maxPool2d(x, 2, { ceilMode: true, padding: 1 }), shapes: (n) => [[2, 3, n]], distinct: true, linear: true },
  { name: 'maxPool2d 2', run: (x) => maxPool2d(x, 2), shapes: (n) => [[1, 4, 2 * n + 1]], distinct: true, linear: true },
  { name: 'maxPool2d stride, dilation', run: (x) => maxPool2d(x, [2, 1], { stride: 1, dilation: [1, 2] }), shapes: (n) => [[1, 1, 3, n]], distinct: true, linear: true },
];

/** Every differentiable op of the public surface. */
export const cases: readonly Case[] = [
  ...elementwise,
  ...moving,
  ...reducing,
  ...products,
  ...picking,
  ...soft,
  ...losses,
  ...images,
  ...imageCases,
  ...lossCases,
  ...layerCases,
  ...arrayCases,
  ...mathCases,
  ...indexCases,
];
