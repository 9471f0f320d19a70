// Rows of the losses beside cross-entropy and its kin, and of the distances that they are made of.
import * as g from 'gradloom';
import type { Shape, Tensor } from 'gradloom';
import { type Case, cycle, index, once, pair, weights } from './case.ts';

const F = g.nn.functional;
const vectors =
  (count: number) =>
  (n: number): Shape[] =>
    Array.from({ length: count }, () => [3, n + 1]);
/** Targets 1 and −1. */
const signs = (n: number): Tensor => once(`signs ${n}`, () => g.tensor(Float32Array.from({ length: n }, (_, i) => (i % 3 === 1 ? -1 : 1))));

export const lossCases: readonly Case[] = [
  {
    name: 'binaryCrossEntropy',
    run: (x, t) => F.binaryCrossEntropy(x, t, { reduction: 'none' }),
    reference: (x, t) => -(t * Math.log(x) + (1 - t) * Math.log(1 - x)),
    shapes: pair,
    domain: [0.15, 0.85],
  },
  {
    name: 'binaryCrossEntropy weighted',
    run: (x, t) => F.binaryCrossEntropy(x, t, { weight: weights(0.5, 2, 1.3) }),
    shapes: () => [
      [4, 3],
      [4, 3],
    ],
    domain: [0.15, 0.85],
  },
  {
    name: 'gaussianNllLoss',
    run: (x, t, v) => F.gaussianNllLoss(x, t, v, { reduction: 'none' }),
    reference: (x, t, v) => 0.5 * (Math.log(v) + (x - t) ** 2 / v),
    shapes: (n) => [[n], [n], [n]],
    domain: [0.5, 2],
  },
  { name: 'gaussianNllLoss full', run: (x, t, v) => F.gaussianNllLoss(x, t, v, { full: true }), shapes: (n) => [[3, n], [3, n], [3]], domain: [0.5, 2] },
  { name: 'poissonNllLoss', run: (x, t) => F.poissonNllLoss(x, t, { reduction: 'none' }), reference: (x, t) => Math.exp(x) - t * x, shapes: pair },
  { name: 'poissonNllLoss of rates', run: (x, t) => F.poissonNllLoss(x, t, { logInput: false, full: true }), shapes: pair, domain: [0.4, 3], kinks: [1] },
  { name: 'tripletMarginLoss', run: (a, p, n) => F.tripletMarginLoss(a, p, n, { margin: 9 }), shapes: vectors(3), distinct: true },
  {
    name: 'tripletMarginLoss swap',
    run: (a, p, n) => F.tripletMarginLoss(a, p, n, { margin: 9, swap: true, p: 3, reduction: 'sum' }),
    shapes: () => [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
    distinct: true,
  },
  { name: 'cosineEmbeddingLoss', run: (a, b) => F.cosineEmbeddingLoss(a, b, signs(3), { margin: -0.9 }), shapes: vectors(2), domain: [0.5, 2] },
  { name: 'marginRankingLoss', run: (a, b) => F.marginRankingLoss(a, b, signs(a.size), { margin: 9 }), shapes: pair, linear: true },
  { name: 'hingeEmbeddingLoss', run: (x) => F.hingeEmbeddingLoss(x, signs(x.size), { margin: 1.25, reduction: 'sum' }), kinks: [1.25], linear: true },
  { name: 'multilabelMarginLoss', run: (x) => F.multilabelMarginLoss(x, index([3, 0, -1, 1, 2, -1, 2, 2], [2, 4])), shapes: () => [[2, 4]], domain: [-0.4, 0.4], linear: true },
  { name: 'ctcLoss', run: (x) => F.ctcLoss(x.logSoftmax(2), index([1, 2, 2, 2], [2, 2]), [4, 4], [1, 2], { reduction: 'sum' }), shapes: () => [[4, 2, 3]] },
  { name: 'ctcLoss list', run: (x) => F.ctcLoss(x.logSoftmax(2), index([1, 0, 1], [3]), [3, 4], [2, 1], { blank: 2 }), shapes: () => [[4, 2, 3]] },
  { name: 'ctcLoss single', run: (x) => F.ctcLoss(x.logSoftmax(1), index([1, 1], [2]), [5], [2]), shapes: () => [[5, 3]] },
  { name: 'softMarginLoss', run: (x) => F.softMarginLoss(x, signs(x.size)) },
  { name: 'multiMarginLoss', run: (x) => F.multiMarginLoss(x, index(cycle(3, 4), [3]), { margin: 9 }), shapes: () => [[3, 4]], linear: true },
  { name: 'multiMarginLoss squared', run: (x) => F.multiMarginLoss(x, index(cycle(3, 4), [3]), { margin: 5, p: 2, weight: weights(0.5, 2, 1, 0.1) }), shapes: () => [[3, 4]] },
  {
    name: 'multilabelSoftMarginLoss',
    run: (x, t) => F.multilabelSoftMarginLoss(x, t.sigmoid(), { weight: weights(0.5, 2, 1) }),
    shapes: () => [
      [4, 3],
      [4, 3],
    ],
  },
  { name: 'cosineSimilarity', run: (a, b) => F.cosineSimilarity(a, b), shapes: vectors(2), domain: [0.5, 2] },
  { name: 'cosineSimilarity broadcast', run: (a, b) => F.cosineSimilarity(a, b, { dim: 0 }), shapes: (n) => [[n, 2], [2]], domain: [0.5, 2] },
  { name: 'pairwiseDistance', run: (a, b) => F.pairwiseDistance(a, b), shapes: vectors(2), distinct: true },
  { name: 'pairwiseDistance 3', run: (a, b) => F.pairwiseDistance(a, b, { p: 3, keepdim: true }), shapes: () => [[2, 3], [3]], distinct: true },
  { name: 'normalize', run: (x) => F.normalize(x), shapes: (n) => [[3, n + 1]], domain: [0.5, 2] },
  { name: 'normalize 1', run: (x) => F.normalize(x, { p: 1, dim: 0 }), shapes: (n) => [[3, n]], domain: [0.5, 2] },
];
