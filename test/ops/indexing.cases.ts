// Rows of what picks, places, counts, orders and arranges elements.
import * as g from 'gradloom';
import type { ScatterReduction, Shape, Tensor } from 'gradloom';
import { type Case, index, mask, once, rows } from './case.ts';

const F = g.nn.functional;
const { slice } = g;
const two = (a: Shape, b: Shape) => (): Shape[] => [a, b];
const bits = (values: boolean[], shape: Shape): Tensor => once(`bits ${values} ${shape}`, () => g.tensor(values).reshape(shape).clone());
const corners = (): Tensor => bits([true, false, false, true, true, false], [2, 3]);

const subscripts: Case[] = [
  { name: 'index a range and a number', run: (x) => x.index(slice(1, null, 2), '...', 0), shapes: (n) => [[3, 2, n]], linear: true },
  { name: 'index rows', run: (x) => x.index(index([2, 0, -1, 2], [2, 2])), shapes: rows, linear: true },
  { name: 'index several, side by side', run: (x) => x.index(slice(), index([1, 0, 1], [3]), index([0, -1], [2, 1])), shapes: (n) => [[2, 2, n]], linear: true },
  { name: 'index several, apart', run: (x) => x.index(index([1, 0, 1], [3]), slice(), null, index([0, -1, 0], [3])), shapes: (n) => [[2, 3, n]], linear: true },
  { name: 'index a mask', run: (x) => x.index(slice(), corners()), shapes: (n) => [[n, 2, 3]], linear: true, dataShape: true },
  { name: 'indexPut', run: (x, v) => g.indexPut(x, [slice(), index([2, 0], [2])], v), shapes: (n) => [[n, 3], [2]], linear: true },
  { name: 'indexPut several, apart', run: (x, v) => g.indexPut(x, [index([1, 0], [2]), slice(), index([0, 0], [2])], v), shapes: (n) => [[2, 3, n], [3]], linear: true },
  { name: 'indexPut accumulate', run: (x, v) => g.indexPut(x, [index([2, 0, 2], [3])], v, { accumulate: true }), shapes: (n) => [[3, n], [n]], linear: true },
  { name: 'indexPut one value by a mask', run: (x, v) => g.indexPut(x, [mask(3)], v), shapes: (n) => [[3, n], []], linear: true },
  { name: 'indexPut in a range', run: (x, v) => g.indexPut(x, [slice(null, null, 2)], v), shapes: (n) => [[3, n], [n]], linear: true },
  { name: 'indexPut by a mask', run: (x, v) => g.indexPut(x, [corners()], v), shapes: (n) => [[2, 3, n], [n]], linear: true, dataShape: true },
];

const picks: Case[] = [
  { name: 'maskedSelect', run: (x) => g.maskedSelect(x, corners()), shapes: (n) => [[n, 2, 3]], linear: true, dataShape: true },
  { name: 'maskedScatter', run: (x, s) => g.maskedScatter(x, corners(), s), shapes: (n) => [[2, 3], [n + 3]], linear: true },
  { name: 'take', run: (x) => g.take(x, index([0, -1, 2, 0], [2, 2])), shapes: rows, linear: true },
  { name: 'takeAlongDim', run: (x) => g.takeAlongDim(x, index([2, 0, -1], [3, 1]), 0), shapes: rows, linear: true },
  { name: 'takeAlongDim flat', run: (x) => g.takeAlongDim(x, index([2, 0, 1], [3])), shapes: rows, linear: true },
  { name: 'put', run: (x, s) => g.put(x, index([0, -1, 1], [3]), s), shapes: (n) => [[3, n], [3]], linear: true },
  { name: 'put accumulate', run: (x, s) => g.put(x, index([0, -1, 0], [3]), s, { accumulate: true }), shapes: (n) => [[3, n], [3]], linear: true },
  {
    name: 'indexCopy',
    run: (x, s) => g.indexCopy(x, 1, index([2, 0], [2]), s),
    shapes: (n) => [
      [n, 3],
      [n, 2],
    ],
    linear: true,
  },
  { name: 'indexFill', run: (x, v) => g.indexFill(x, 0, index([-1, 0, 0], [3]), v), shapes: (n) => [[3, n], []], linear: true },
  { name: 'repeatInterleave', run: (x) => g.repeatInterleave(x, 2, 0), shapes: rows, linear: true },
  { name: 'repeatInterleave each', run: (x) => g.repeatInterleave(x, [2, 0, 1], 0), shapes: rows, linear: true },
  {
    name: 'selectScatter',
    run: (x, s) => g.selectScatter(x, s, 0, -1),
    shapes: (n) => [[3, n], [n]],
    linear: true,
  },
  {
    name: 'sliceScatter',
    run: (x, s) => g.sliceScatter(x, s, 0, 0, 3, 2),
    shapes: (n) => [
      [3, n],
      [2, n],
    ],
    linear: true,
  },
  { name: 'diagonalScatter', run: (x, s) => g.diagonalScatter(x, s, 1), shapes: two([3, 4], [3]), linear: true },
];

const meetings: Case[] = (['sum', 'mean', 'prod', 'amax', 'amin'] as ScatterReduction[]).flatMap((reduce): Case[] => {
  const rest: Partial<Case> = { distinct: true, linear: reduce !== 'prod', domain: reduce === 'prod' ? [0.5, 2] : [-2, 2] };
  return [
    {
      name: `scatterReduce ${reduce}`,
      run: (x, s) => g.scatterReduce(x, 0, index([2, 0, 2, 1], [2, 2]), s, reduce),
      shapes: (n) => [
        [3, n + 1],
        [2, 2],
      ],
      ...rest,
    },
    {
      name: `scatterReduce ${reduce} without x`,
      run: (x, s) => g.scatterReduce(x, 1, index([2, 2, 0, 0], [2, 2]), s, reduce, { includeSelf: false }),
      shapes: two([2, 3], [2, 2]),
      ...rest,
    },
    ...(reduce === 'sum'
      ? []
      : [
          {
            name: `indexReduce ${reduce}`,
            run: (x: Tensor, s: Tensor) => g.indexReduce(x, 0, index([2, 0, 2], [3]), s, reduce),
            shapes: (n: number) => [
              [3, n],
              [3, n],
            ],
            ...rest,
          },
        ]),
  ];
});

const places: Case[] = [
  { name: 'median', run: (x) => g.median(x), shapes: rows, distinct: true, linear: true },
  { name: 'median 0', run: (x) => g.median(x, 0).values, shapes: rows, distinct: true, linear: true },
  { name: 'nanmedian', run: (x) => g.nanmedian(x, 1, true).values, shapes: rows, distinct: true, linear: true },
  { name: 'mode', run: (x) => g.mode(x, 0).values, shapes: rows, distinct: true, linear: true },
  { name: 'kthvalue', run: (x) => g.kthvalue(x, 2, 0).values, shapes: rows, distinct: true, linear: true },
  { name: 'msort', run: g.msort, shapes: rows, distinct: true, linear: true },
  { name: 'quantile', run: (x) => g.quantile(x, 0.3, 0), shapes: rows, distinct: true, linear: true },
  { name: 'quantile all, midpoint', run: (x) => g.quantile(x, 0.6, { interpolation: 'midpoint' }), shapes: rows, distinct: true, linear: true },
  {
    name: 'nanquantile',
    run: (x) =>
      g.nanquantile(
        x,
        once('q', () => g.tensor([0.1, 0.75])),
        1,
        true,
      ),
    shapes: rows,
    distinct: true,
    linear: true,
  },
  { name: 'cummax', run: (x) => g.cummax(x, 0).values, shapes: rows, distinct: true, linear: true },
  { name: 'cummin', run: (x) => g.cummin(x, 1).values, shapes: rows, distinct: true, linear: true },
  { name: 'aminmax', run: (x) => g.aminmax(x, 0).min.mul(2).add(g.aminmax(x, 0).max), shapes: rows, distinct: true, linear: true },
];

const sums: Case[] = [
  { name: 'logcumsumexp', run: (x) => g.logcumsumexp(x, 0), shapes: (n) => [[n + 2, 2]] },
  {
    name: 'diff',
    run: (x, a) => g.diff(x, { n: 2, dim: 0, append: a }),
    shapes: (n) => [
      [3, n],
      [1, n],
    ],
    linear: true,
  },
  { name: 'trapezoid', run: (y, x) => g.trapezoid(y, x), shapes: (n) => [[2, n + 1], [n + 1]] },
  { name: 'trapezoid even', run: (y) => g.trapezoid(y, { dx: 0.5, dim: 0 }), shapes: rows, linear: true },
  { name: 'cumulativeTrapezoid', run: (y, x) => g.cumulativeTrapezoid(y, { x, dim: 0 }), shapes: (n) => [[3, n], [3]] },
  { name: 'nansum', run: (x) => g.nansum(x, 0), shapes: rows, linear: true },
  { name: 'nanmean', run: (x) => g.nanmean(x, [0, 1], true), shapes: rows, linear: true },
  { name: 'renorm', run: (x) => g.renorm(x, 2, 0, 1), shapes: (n) => [[3, n + 1]], domain: [1, 2] },
  { name: 'cov', run: (x) => g.cov(x), shapes: (n) => [[3, n + 1]] },
  { name: 'cov weighted', run: (x, w) => g.cov(x, { aweights: w, correction: 0 }), shapes: two([2, 4], [4]), domain: [0.5, 2] },
  { name: 'cov weighted, corrected', run: (x, w) => g.cov(x, { aweights: w }), shapes: two([2, 4], [4]), domain: [0.5, 1.5] },
  { name: 'corrcoef', run: (x) => g.corrcoef(x).index(0, 1), shapes: () => [[2, 5]], distinct: true },
  {
    name: 'cdist',
    run: (a, b) => g.cdist(a, b),
    shapes: (n) => [
      [3, n],
      [2, n],
    ],
    distinct: true,
  },
  {
    name: 'cdist 3',
    run: (a, b) => g.cdist(a, b, 3),
    shapes: () => [
      [3, 2],
      [2, 2],
    ],
    distinct: true,
  },
  { name: 'pdist', run: (x) => F.pdist(x), shapes: (n) => [[3, n]], distinct: true },
];

const arrangements: Case[] = [
  { name: 'rot90', run: (x) => g.rot90(x, 1, [0, 2]), shapes: (n) => [[3, 2, n]], linear: true },
  { name: 'rot90 back', run: (x) => g.rot90(x, -1), shapes: rows, linear: true },
  { name: 'fliplr', run: g.fliplr, shapes: rows, linear: true },
  { name: 'flipud', run: g.flipud, shapes: rows, linear: true },
  {
    name: 'hstack',
    run: (a, b) => g.hstack([a, b]),
    shapes: (n) => [
      [3, n],
      [3, 1],
    ],
    linear: true,
  },
  { name: 'vstack', run: (a, b) => g.vstack([a, b]), shapes: (n) => [[n], [2, n]], linear: true },
  { name: 'dstack', run: (a, b) => g.dstack([a, b]), shapes: rowsTwice, linear: true },
  { name: 'columnStack', run: (a, b) => g.columnStack([a, b]), shapes: (n) => [[3], [3, n]], linear: true },
  { name: 'atleast1d', run: (x) => g.atleast1d(x), shapes: () => [[]], linear: true },
  { name: 'atleast2d', run: (x) => g.atleast2d(x), linear: true },
  { name: 'atleast3d', run: (x) => g.atleast3d(x), shapes: rows, linear: true },
  { name: 'tensorSplit', run: (x) => g.tensorSplit(x, 2)[0] as Tensor, shapes: rows, linear: true },
  { name: 'tensorSplit at', run: (x) => g.tensorSplit(x, [1, -1])[1] as Tensor, shapes: rows, linear: true },
  { name: 'hsplit', run: (x) => g.hsplit(x, [1])[0] as Tensor, shapes: rows, linear: true },
  { name: 'vsplit', run: (x) => g.vsplit(x, 3)[1] as Tensor, shapes: rows, linear: true },
  { name: 'dsplit', run: (x) => g.dsplit(x, 2)[1] as Tensor, shapes: (n) => [[2, n, 4]], linear: true },
  { name: 'broadcastTensors', run: (a, b) => g.broadcastTensors(a, b).reduce((x, y) => x.add(y)), shapes: (n) => [[n], [3, 1]], linear: true },
  { name: 'broadcastTo', run: (x) => g.broadcastTo(x, [2, ...x.shape]), linear: true },
  { name: 'swapaxes', run: (x) => g.swapaxes(x, 0, 1), shapes: rows, linear: true },
  { name: 'moveaxis', run: (x) => g.moveaxis(x, [0, 1], [2, 0]), shapes: (n) => [[2, 3, n]], linear: true },
  { name: 'movedim several', run: (x) => x.movedim([2, 0], [0, 1]), shapes: (n) => [[2, 3, n]], linear: true },
  { name: 'blockDiag', run: (a, b) => g.blockDiag(a, b), shapes: (n) => [[2, 3], [n]], linear: true },
  { name: 'meshgrid', run: (a, b) => g.meshgrid([a, b], { indexing: 'xy' }).reduce((x, y) => x.mul(y)), shapes: (n) => [[n], [2]] },
  { name: 'cartesianProd', run: (a, b) => g.cartesianProd(a, b), shapes: (n) => [[n], [2]], linear: true },
  { name: 'combinations', run: (x) => g.combinations(x, 2, true), linear: true },
  { name: 'vander', run: (x) => g.vander(x, 3) },
];

function rowsTwice(n: number): Shape[] {
  return [
    [3, n],
    [3, n],
  ];
}

export const indexCases: readonly Case[] = [...subscripts, ...picks, ...meetings, ...places, ...sums, ...arrangements];
