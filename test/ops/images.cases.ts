// Rows of pictures and volumes: transposed and three-dimensional convolution, pools, other sizes, columns, places.
import * as g from 'gradloom';
import type { Tensor } from 'gradloom';
import { type Case, index, once } from './case.ts';

const F = g.nn.functional;

const convolutions: Case[] = [
  { name: 'convTranspose1d', run: (x, w, b) => F.convTranspose1d(x, w, b, { stride: 2, outputPadding: 1 }), shapes: (n) => [[2, 2, n], [2, 3, 2], [3]] },
  {
    name: 'convTranspose2d',
    run: (x, w, b) => F.convTranspose2d(x, w, b, { stride: 2 }),
    shapes: (n) => [[2, 2, 2, n], [2, 3, 2, 2], [3]],
  },
  {
    name: 'convTranspose2d all options',
    run: (x, w) => F.convTranspose2d(x, w, null, { stride: [2, 1], padding: [1, 0], outputPadding: [2, 1], groups: 2, dilation: [3, 2] }),
    shapes: (n) => [
      [2, 2, n],
      [2, 1, 2, 2],
    ],
  },
  {
    name: 'convTranspose3d',
    run: (x, w, b) => F.convTranspose3d(x, w, b, { stride: [1, 2, 1], padding: [1, 0, 0], outputPadding: [0, 1, 0], groups: 2, dilation: [2, 1, 1] }),
    shapes: (n) => [[2, 2, 1, n], [2, 1, 2, 1, 2], [2]],
  },
  {
    name: 'conv3d',
    run: (x, w, b) => F.conv3d(x, w, b, { stride: [2, 1, 1], padding: [1, 0, 1], dilation: [1, 1, 2], groups: 2 }),
    shapes: (n) => [[1, 2, 3, 2, n], [2, 1, 2, 2, 2], [2]],
  },
  {
    name: "conv3d 'same'",
    run: (x, w) => F.conv3d(x, w, null, { padding: 'same' }),
    shapes: (n) => [
      [1, 2, 2, n],
      [1, 1, 2, 3, 2],
    ],
  },
];

const pools: Case[] = [
  { name: 'maxPool3d', run: (x) => F.maxPool3d(x, 2, { padding: 1, ceilMode: true }), shapes: (n) => [[1, 3, 2, n]], distinct: true, linear: true },
  { name: 'avgPool3d', run: (x) => F.avgPool3d(x, [2, 1, 2], { padding: [1, 0, 1], countIncludePad: false }), shapes: (n) => [[1, 3, 2, n]], linear: true },
  { name: 'adaptiveAvgPool3d', run: (x) => F.adaptiveAvgPool3d(x, [2, null, 1]), shapes: (n) => [[1, 3, 2, n]], linear: true },
  { name: 'adaptiveMaxPool1d', run: (x) => F.adaptiveMaxPool1d(x, 2), shapes: (n) => [[2, n]], distinct: true, linear: true },
  { name: 'adaptiveMaxPool2d', run: (x) => F.adaptiveMaxPool2d(x, [2, null]), shapes: (n) => [[2, 3, n]], distinct: true, linear: true },
  { name: 'adaptiveMaxPool3d', run: (x) => F.adaptiveMaxPool3d(x, [2, 1, 3]), shapes: (n) => [[1, 3, 2, n]], distinct: true, linear: true },
  { name: 'lpPool1d', run: (x) => F.lpPool1d(x, 3, 2, { ceilMode: true }), shapes: (n) => [[2, n + 1]], domain: [0.5, 2] },
  { name: 'lpPool2d', run: (x) => F.lpPool2d(x, 2, [2, 1]), shapes: (n) => [[2, 2, n]], domain: [0.5, 2] },
  { name: 'lpPool3d', run: (x) => F.lpPool3d(x, 1.5, 2), shapes: (n) => [[1, 2, 2, n + 1]], domain: [0.5, 2] },
  { name: 'maxUnpool1d', run: (x) => F.maxUnpool1d(x, index([1, 2], [1, 2]), 2), shapes: () => [[1, 2]], linear: true },
  { name: 'maxUnpool2d', run: (x) => F.maxUnpool2d(x, index([5, 3], [1, 1, 2]), 2, { outputSize: [2, 5] }), shapes: () => [[1, 1, 2]], linear: true },
  { name: 'maxUnpool3d', run: (x) => F.maxUnpool3d(x, index([5, 9], [1, 1, 1, 2]), 2), shapes: () => [[1, 1, 1, 2]], linear: true },
];

/** Places between the pixels of a 4 × 4 picture, [1, n, 1, directions], that move by less than a pixel. */
const places = (x: Tensor, start: number): Tensor =>
  g.add(
    g.mul(x, 0.09),
    once(`places ${start} ${x.shape}`, () =>
      g.tensor(
        Float32Array.from({ length: x.size }, (_, i) => (((start + i * 5) % 7) - 3) * (2 / 3)),
        { shape: x.shape },
      ),
    ),
  );
const grid = (n: number): number[] => [1, n, 1, 2];

const sizes: Case[] = [
  { name: 'interpolate', run: (x) => F.interpolate(x, { size: [3, 5] }), shapes: (n) => [[1, 2, 2, n]], linear: true },
  { name: 'interpolate linear', run: (x) => F.interpolate(x, { scaleFactor: 1.7, mode: 'linear' }), shapes: (n) => [[1, 2, n]], linear: true },
  { name: 'interpolate bilinear', run: (x) => F.interpolate(x, { size: [3, 4], mode: 'bilinear', alignCorners: true }), shapes: (n) => [[1, 2, 2, n]], linear: true },
  { name: 'interpolate bicubic', run: (x) => F.interpolate(x, { size: [3, 4], mode: 'bicubic' }), shapes: (n) => [[1, 2, 2, n]], linear: true },
  { name: 'interpolate antialias', run: (x) => F.interpolate(x, { size: [2, 3], mode: 'bicubic', antialias: true }), shapes: (n) => [[1, 1, 5, n]], linear: true },
  { name: 'interpolate trilinear', run: (x) => F.interpolate(x, { scaleFactor: [2, 1, 1.5], mode: 'trilinear' }), shapes: (n) => [[1, 1, 2, 2, n]], linear: true },
  { name: 'interpolate area', run: (x) => F.interpolate(x, { size: [2, 3], mode: 'area' }), shapes: (n) => [[1, 2, 3, n]], linear: true },
  { name: 'upsampleNearest', run: (x) => F.upsampleNearest(x, { scaleFactor: 2 }), shapes: (n) => [[1, 2, n]], linear: true },
  { name: 'upsampleBilinear', run: (x) => F.upsampleBilinear(x, { size: 4 }), shapes: (n) => [[1, 2, 2, n]], linear: true },
  { name: 'gridSample', run: (x, p) => F.gridSample(x, places(p, 0), { alignCorners: true }), shapes: (n) => [[1, 2, 4, 4], grid(n)] },
  { name: 'gridSample border', run: (x, p) => F.gridSample(x, places(p, 2), { paddingMode: 'border', alignCorners: true }), shapes: (n) => [[1, 2, 4, 4], grid(n)] },
  {
    name: 'gridSample bicubic reflection',
    run: (x, p) => F.gridSample(x, places(p, 4), { mode: 'bicubic', paddingMode: 'reflection', alignCorners: true }),
    shapes: (n) => [[1, 1, 4, 4], grid(n)],
  },
  {
    name: 'gridSample volume',
    run: (x, p) => F.gridSample(x, places(p, 1), { alignCorners: true }),
    shapes: (n) => [
      [1, 1, 4, 4, 4],
      [1, n, 1, 1, 3],
    ],
  },
  { name: 'gridSample nearest', run: (x, p) => F.gridSample(x, places(p, 1), { mode: 'nearest' }), shapes: (n) => [[1, 2, 4, 4], grid(n)], linear: true },
  { name: 'affineGrid', run: (theta) => F.affineGrid(theta, [2, 1, 3, 4]), shapes: () => [[2, 2, 3]], linear: true },
];

const moving: Case[] = [
  { name: 'pixelShuffle', run: (x) => F.pixelShuffle(x, 2), shapes: (n) => [[8, 2, n]], linear: true },
  { name: 'pixelUnshuffle', run: (x) => F.pixelUnshuffle(x, 2), shapes: (n) => [[1, 2, 4, 2 * n]], linear: true },
  { name: 'channelShuffle', run: (x) => F.channelShuffle(x, 2), shapes: (n) => [[1, 6, n]], linear: true },
  { name: 'unfold', run: (x) => F.unfold(x, [2, 1], { dilation: [1, 2], padding: [1, 0], stride: [1, 2] }), shapes: (n) => [[1, 2, 2, n]], linear: true },
  { name: 'fold', run: (x) => F.fold(x, [3, 2], 2, { padding: [1, 0], stride: [2, 1] }), shapes: (n) => [[n, 8, 2]], linear: true },
  { name: 'unfoldDim', run: (x) => g.unfoldDim(x, 1, 2, 1), shapes: (n) => [[2, n + 1, 2]], linear: true },
  { name: 'unfoldDim apart', run: (x) => g.unfoldDim(x, -1, 2, 3), shapes: (n) => [[2, n + 1]], linear: true },
];

const others: Case[] = [
  { name: 'localResponseNorm', run: (x) => F.localResponseNorm(x, 3, { alpha: 0.5, k: 2 }), shapes: (n) => [[1, 4, n]] },
  {
    name: 'bilinear',
    run: (a, b, w, bias) => F.bilinear(a, b, w, bias),
    shapes: (n) => [[2, n], [2, 3], [2, n, 3], [2]],
  },
  { name: 'embeddingBag', run: (w) => F.embeddingBag(index([0, 2, 1, 2], [2, 2]), w), shapes: (n) => [[3, n]], linear: true },
  {
    name: 'embeddingBag sum',
    run: (w, s) => F.embeddingBag(index([0, 2, 1, 2, 2], [5]), w, index([0, 2, 2], [3]), { mode: 'sum', perSampleWeights: s, paddingIdx: 1 }),
    shapes: (n) => [[3, n], [5]],
  },
  {
    name: 'embeddingBag max',
    run: (w) => F.embeddingBag(index([0, 2, 1, 2, 0], [5]), w, index([0, 3, 3, 4], [4]), { mode: 'max' }),
    shapes: (n) => [[3, n]],
    distinct: true,
    linear: true,
  },
];

export const imageCases: readonly Case[] = [...convolutions, ...pools, ...sizes, ...moving, ...others];
