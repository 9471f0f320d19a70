// PyTorch's test_sort_and_select: sort, argsort, topk, max, min, argmax, argmin.
import { argsort, type Tensor, sort, topk, zeros } from 'gradloom';
import { B, I, L, type Row, row, t, text, valueAndGradient } from './row.ts';

const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
const DATA = [[[3, 1, 2], [9, -4, 0]], [[5, 5, -1], [2, 8, 7]]]; // biome-ignore format: matrices
/** What values and indices come as on both sides. */
const both = ({ values, indices }: { values: Tensor; indices: Tensor }): unknown => [values, indices];

/** Along every dimension, both ways. */
const along = [0, 1, 2, -1, -3].flatMap((dim) =>
  [false, true].flatMap((on) => {
    const flag = on ? 'True' : 'False';
    return [
      row(`sort along ${dim}, descending ${on}`, `tuple(t(${text(DATA)}).sort(dim=${dim}, descending=${flag}, stable=True))`, () => both(t(DATA).sort(dim, on))),
      row(`argsort along ${dim}, descending ${on}`, `t(${text(DATA)}).argsort(dim=${dim}, descending=${flag}, stable=True)`, () => t(DATA).argsort({ dim, descending: on })),
      row(`sort of int32 along ${dim}, descending ${on}`, `tuple(I(${text(DATA)}).sort(dim=${dim}, descending=${flag}, stable=True))`, () => both(I(DATA).sort(dim, on))),
      row(`max along ${dim}, kept ${on}`, `tuple(t(${text(DATA)}).max(${dim}, ${flag}))`, () => both(t(DATA).max(dim, on))),
      row(`min along ${dim}, kept ${on}`, `tuple(t(${text(DATA)}).min(${dim}, ${flag}))`, () => both(t(DATA).min(dim, on))),
      row(`topk of 1 along ${dim}, largest ${on}`, `tuple(t(${text(DATA)}).topk(1, ${dim}, ${flag}))`, () => both(t(DATA).topk(1, dim, on))),
      row(`topk of 2 along ${dim}, largest ${on}: values`, `t(${text(DATA)}).topk(2, ${dim}, ${flag}).values`, () => t(DATA).topk(2, dim, on).values),
    ];
  }),
);

type Said = readonly [py: string, js: () => unknown];
const said: readonly Said[] = [
  // Order
  ['tuple(t([2, nan, 1, inf, -inf]).sort())', () => both(t([2, nan, 1, inf, -inf]).sort())],
  ['tuple(t([2, nan, 1, inf, -inf]).sort(descending=True))', () => both(t([2, nan, 1, inf, -inf]).sort(-1, true))],
  ['tuple(t([1, 1, 0, 1, 0]).sort(stable=True))', () => both(t([1, 1, 0, 1, 0]).sort())],
  ['tuple(t([1, 1, 0, 1, 0]).sort(stable=True, descending=True))', () => both(t([1, 1, 0, 1, 0]).sort({ descending: true }))],
  ['tuple(t([0.0, -0.0, 0.0]).sort(stable=True))', () => both(t([0, -0, 0]).sort())],
  ['tuple(I([16777217, 16777216, 16777218]).sort())', () => both(I([16777217, 16777216, 16777218]).sort())],
  ['I([16777217, 16777216, 16777218]).argsort()', () => argsort(I([16777217, 16777216, 16777218]))],
  ['tuple(I([16777217, 16777216, 16777218]).topk(2))', () => both(topk(I([16777217, 16777216, 16777218]), 2))],
  ['tuple(I([-2147483648, 2147483647, 0]).sort(descending=True))', () => both(I([-(2 ** 31), 2 ** 31 - 1, 0]).sort({ descending: true }))],
  ['tuple(I([2147483646, 2147483647, 2147483645]).topk(1, largest=False))', () => both(I([2147483646, 2147483647, 2147483645]).topk(1, { largest: false }))],
  ['tuple(B([True, False, True]).sort(stable=True))', () => both(B([true, false, true]).sort())],
  ['B([True, False, True]).argsort(descending=True, stable=True)', () => B([true, false, true]).argsort(0, true)],
  ['tuple(t([nan, 1, nan, 2]).topk(1))', () => both(t([nan, 1, nan, 2]).topk(1))],
  ['t([nan, 1, inf, 2]).topk(2).values', () => t([nan, 1, inf, 2]).topk(2).values],
  ['tuple(t([nan, 1, -inf, 2]).topk(2, largest=False))', () => both(t([nan, 1, -inf, 2]).topk(2, { largest: false }))],
  ['tuple((torch.arange(1000.) * 7 % 1000).sort())', () => both(t(Array.from({ length: 1000 }, (_, i) => (i * 7) % 1000)).sort())],
  ['(torch.arange(1000.) * 7 % 10).argsort(stable=True)', () => t(Array.from({ length: 1000 }, (_, i) => (i * 7) % 10)).argsort()],
  ['(torch.arange(1000.) * 7 % 10).argsort(stable=True, descending=True)', () => t(Array.from({ length: 1000 }, (_, i) => (i * 7) % 10)).argsort({ descending: true })],
  // Views, rank 0, nothing
  ['tuple(t([[3, 1], [2, 5], [0, 9]]).t().sort())', () => both(t([[3, 1], [2, 5], [0, 9]]).t().sort())], // biome-ignore format: a matrix
  ['tuple(t([3, 9, 1, 8, 2])[::2].sort())', () => both(t([3, 9, 1, 8, 2]).slice(0, undefined, undefined, 2).sort())],
  ['tuple(t([[2, 1]]).expand(3, 2).sort(dim=0, stable=True))', () => both(t([[2, 1]]).expand(3, 2).sort(0))], // biome-ignore format: short
  ['tuple(t(3).sort())', () => both(t(3).sort())],
  ['tuple(I(3).sort(0, True))', () => both(I(3).sort(0, true))],
  ['t(3).argsort(-1)', () => t(3).argsort(-1)],
  ['tuple(t(3).topk(1))', () => both(t(3).topk(1))],
  ['t(3).topk(0).values.shape', () => t(3).topk(0).values.shape],
  ['tuple(t(3).max(0))', () => both(t(3).max(0))],
  ['tuple(t([]).sort())', () => both(t([]).sort())],
  ['tuple(torch.zeros(2, 0).sort(0))[1].shape', () => zeros(2, 0).sort(0).indices.shape],
  ['torch.zeros(0, 3).argsort(1).shape', () => zeros(0, 3).argsort(1).shape],
  ['tuple(t([1, 2]).topk(0))', () => both(t([1, 2]).topk(0))],
  ['torch.zeros(2, 0).topk(0).values.shape', () => zeros(2, 0).topk(0).values.shape],
  // Refused
  ['t([1, 2]).topk(3)', () => t([1, 2]).topk(3)],
  ['t([1, 2]).topk(-1)', () => t([1, 2]).topk(-1)],
  ['t([1, 2]).topk(1, 1)', () => t([1, 2]).topk(1, 1)],
  ['t([1, 2]).sort(1)', () => sort(t([1, 2]), 1)],
  ['t(1).sort(1)', () => t(1).sort(1)],
  ['t(1).topk(2)', () => t(1).topk(2)],
  ['torch.zeros(0).max()', () => zeros(0).max()],
  ['torch.zeros(2, 0).max(1)', () => zeros(2, 0).max(1)],
  ['torch.zeros(2, 0).argmin(1)', () => zeros(2, 0).argmin(1)],
  ['torch.zeros(0).argmax()', () => zeros(0).argmax()],
  ['torch.zeros(2, 0).max(0).values.shape', () => zeros(2, 0).max(0).values.shape],
  ['torch.zeros(2, 0).argmax(0).shape', () => zeros(2, 0).argmax(0).shape],
  // The largest and where it stands
  ['t([1, 3, 3]).argmax()', () => t([1, 3, 3]).argmax()],
  ['t([1, 1, 3]).argmin()', () => t([1, 1, 3]).argmin()],
  ['t([1, nan, 3, nan]).argmax()', () => t([1, nan, 3, nan]).argmax()],
  ['t([1, nan, 3]).argmin()', () => t([1, nan, 3]).argmin()],
  ['tuple(t([[1, nan], [nan, 3]]).max(0))', () => both(t([[1, nan], [nan, 3]]).max(0))], // biome-ignore format: a matrix
  ['tuple(t([[1, nan], [-inf, 3]]).min(1))', () => both(t([[1, nan], [-inf, 3]]).min(1))], // biome-ignore format: a matrix
  ['t([-inf, -inf]).argmax()', () => t([-inf, -inf]).argmax()],
  ['t([inf, inf]).argmin()', () => t([inf, inf]).argmin()],
  ['t([[3, 1], [2, 5]]).argmax(1, True)', () => t([[3, 1], [2, 5]]).argmax(1, true)], // biome-ignore format: a matrix
  ['t([[3, 1], [2, 5]]).argmin(dim=0, keepdim=True)', () => t([[3, 1], [2, 5]]).argmin({ dim: 0, keepdim: true })], // biome-ignore format: a matrix
  ['t([[3, 1], [2, 5]]).t().argmax()', () => t([[3, 1], [2, 5]]).t().argmax()], // biome-ignore format: a matrix
  ['t(5).argmax()', () => t(5).argmax()],
  ['t(5).argmax(0)', () => t(5).argmax(0)],
  ['t([1, 2]).argmax(1)', () => t([1, 2]).argmax(1)],
  ['I([1, 5, 3]).max()', () => I([1, 5, 3]).max()],
  ['I([16777217, 16777216]).min()', () => I([16777217, 16777216]).min()],
  ['I([3, 5, 5]).argmax()', () => I([3, 5, 5]).argmax()],
  ['I([16777216, 16777217]).argmax()', () => I([16777216, 16777217]).argmax()],
  ['tuple(I([[1, 5], [7, 2]]).max(1))', () => both(I([[1, 5], [7, 2]]).max(1))], // biome-ignore format: a matrix
  ['I([-2147483648, 2147483647, -2147483648]).argmin()', () => I([-(2 ** 31), 2 ** 31 - 1, -(2 ** 31)]).argmin()],
  ['tuple(B([[False, True], [True, True]]).max(0))', () => both(B([[false, true], [true, true]]).max(0))], // biome-ignore format: a matrix
  ['B([False, True]).max()', () => B([false, true]).max()],
  ['tuple(I([3, 1, 2]).min(0))', () => both(I([3, 1, 2]).min(0))],
];

const gradients = (
  [
    ['x.sort().values', (x) => x.sort().values, [3, 1, 2]],
    ['x.sort(0, descending=True).values', (x) => x.sort(0, true).values, [[3, 1], [2, 5]]],
    ['x.topk(2).values', (x) => x.topk(2).values, [3, 1, 2, 9]],
    ['x.topk(1, 0, False).values', (x) => x.topk(1, 0, false).values, [[3, 1], [2, 5]]],
    ['x.max(1).values', (x) => x.max(1).values, [[3, 3], [2, 5]]],
    ['x.min(0, True).values', (x) => x.min(0, true).values, [[3, 1], [3, 5]]],
    ['x.sort().values.cumsum(0)', (x) => x.sort().values.cumsum(0), [3, 1, 2]],
    ['x.t().sort(0).values', (x) => x.t().sort(0).values, [[3, 1], [2, 5]]],
    ['x[x.argsort()]', (x) => x.indexSelect(0, x.argsort()), [3, 1, 2]],
    ['x.sort().values * 1', (x) => x.sort().values.mul(1), 4],
  ] as const satisfies readonly (readonly [string, (x: Tensor) => Tensor, unknown])[]
).map(([py, f, data]) => valueAndGradient(`${py}: gradient`, py, f, data as never)); // biome-ignore format: matrices

export const rows: readonly Row[] = [
  ...along,
  ...said.map(([py, js]) => row(py, py, js)),
  ...gradients,
  row('indices have no gradient', 'x = L([2, 1]); v, i = x.sort(); [v.requires_grad, i.requires_grad, x.argmax().requires_grad]', () => {
    const x = L([2, 1]);
    const { values, indices } = x.sort();
    return [values.requiresGrad, indices.requiresGrad, x.argmax().requiresGrad];
  }),
  row('values are no view of the input', 'x = t([1, 2]); v = x.sort().values; v.zero_(); w = x.max(0).values; w.zero_(); x', () => {
    const x = t([1, 2]);
    x.sort().values.zero_();
    x.max(0).values.zero_();
    return x;
  }),
];
