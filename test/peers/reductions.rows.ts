// PyTorch's test_reductions.
import { all, any, cumprod, cumsum, logsumexp, mean, norm, prod, std, sum, type Tensor, variance, zeros } from 'gradloom';
import { B, differing, I, L, type Row, row, t, text, valueAndGradient } from './row.ts';

const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
const DATA = [[1, -2, 3], [4, 5, -6]]; // biome-ignore format: a matrix
const CUBE = [[[1, 2], [3, 4]], [[5, -6], [7, 8]]]; // biome-ignore format: matrices
type Reduced = (x: Tensor, dim: number, keepdim: boolean) => Tensor;

const names: readonly (readonly [name: string, py: string, js: Reduced])[] = [
  ['sum', 'x.sum(D, K)', (x, dim, keepdim) => x.sum(dim, keepdim)],
  ['mean', 'x.mean(D, K)', (x, dim, keepdim) => x.mean(dim, keepdim)],
  ['amax', 'x.amax(D, K)', (x, dim, keepdim) => x.amax(dim, keepdim)],
  ['amin', 'x.amin(D, K)', (x, dim, keepdim) => x.amin(dim, keepdim)],
  ['logsumexp', 'x.logsumexp(D, K)', (x, dim, keepdim) => x.logsumexp(dim, keepdim)],
  ['argmax', 'x.argmax(D, K)', (x, dim, keepdim) => x.argmax(dim, keepdim)],
  ['argmin', 'x.argmin(D, K)', (x, dim, keepdim) => x.argmin(dim, keepdim)],
  ['prod', 'x.prod(D, K)', (x, dim, keepdim) => x.prod(dim, keepdim)],
  ['variance', 'x.var(D, keepdim=K)', (x, dim, keepdim) => x.variance({ dim, keepdim })],
  ['std', 'x.std(D, keepdim=K)', (x, dim, keepdim) => x.std({ dim, keepdim })],
  ['norm', 'x.norm(2, D, K)', (x, dim, keepdim) => x.norm(2, dim, keepdim)],
  ['norm of p = 3', 'x.norm(3, D, K)', (x, dim, keepdim) => x.norm({ p: 3, dim, keepdim })],
  ['any', '(x > 2).any(D, K)', (x, dim, keepdim) => x.gt(2).any(dim, keepdim)],
  ['all', '(x > 0).all(D, K)', (x, dim, keepdim) => x.gt(0).all(dim, keepdim)],
];

/** Every reduction along each dimension, with and without keeping it; through views; its gradient; of what is empty. */
const alongDims = names.flatMap(([name, py, js]) => {
  const said = (dim: number, keepdim: boolean): string => py.replace('D', `${dim}`).replace('K', keepdim ? 'True' : 'False');
  return [
    ...[0, 1, -1].flatMap((dim) =>
      [false, true].map((keepdim) => row(`${name} along ${dim}${keepdim ? ', kept' : ''}`, `x = t(${text(DATA)}); ${said(dim, keepdim)}`, () => js(t(DATA), dim, keepdim))),
    ),
    row(
      `${name} of a transposed, a narrowed and an expanded tensor`,
      `f = lambda x: ${said(1, false)}; x = t(${text(CUBE)}); [f(x.transpose(0, 2)), f(x[:, :, 1:]), f(x[:, :1].expand(2, 3, 2))]`,
      () => {
        const x = t(CUBE);
        return [x.transpose(0, 2), x.slice(2, 1), x.slice(1, 0, 1).expand(2, 3, 2)].map((v) => js(v, 1, false));
      },
    ),
    row(`${name} of a dimension out of range is refused`, `x = t(${text(DATA)}); ${said(2, false)}`, () => js(t(DATA), 2, false)),
    row(`${name} of nothing, other dimensions empty`, `x = torch.zeros(2, 0); ${said(0, false)}`, () => js(zeros(2, 0), 0, false)),
    row(`${name} of nothing along an empty dimension`, `x = torch.zeros(2, 0); ${said(1, true)}`, () => js(zeros(2, 0), 1, true)),
    row(`${name} of a scalar`, `x = t(3); ${said(-1, false)}`, () => js(t(3), -1, false)),
    row(`${name} with NaN`, `x = t([[1, nan], [3, 4]]); ${said(0, false)}`, () => js(t([[1, nan], [3, 4]]), 0, false)), // biome-ignore format: a matrix
    ...(/arg|any|all/.test(name) ? [] : [valueAndGradient(`${name}: gradient`, said(1, true), (x) => js(x, 1, true), CUBE)]),
  ];
});

type Said = readonly [py: string, js: () => unknown];
const said: readonly Said[] = [
  ['t([]).sum()', () => t([]).sum()],
  ['t([]).mean()', () => t([]).mean()],
  ['t([]).prod()', () => t([]).prod()],
  ['t([]).norm()', () => t([]).norm()],
  ['t([]).logsumexp(0)', () => t([]).logsumexp(0)],
  ['t([]).var()', () => t([]).variance()],
  ['t([]).amax()', () => t([]).amax()],
  ['B([]).any()', () => B([]).any()],
  ['B([]).all()', () => all(B([]))],
  ['t([3]).var()', () => t([3]).variance()],
  ['t([3]).std(correction=0)', () => t([3]).std({ correction: 0 })],
  ['t([1, 2, 4]).var(correction=2)', () => variance(t([1, 2, 4]), { correction: 2 })],
  ['t([1, 2, 4]).var(correction=3)', () => variance(t([1, 2, 4]), { correction: 3 })],
  ['t([1, 2, 4]).var(correction=5)', () => variance(t([1, 2, 4]), { correction: 5 })],
  ['B([True, True, False]).sum()', () => B([true, true, false]).sum()],
  ['I([1, 2]).sum()', () => I([1, 2]).sum()],
  ['I([3, 4]).prod()', () => I([3, 4]).prod()],
  ['B([True, False]).prod()', () => B([true, false]).prod()],
  ['I([1, 2]).mean()', () => I([1, 2]).mean()],
  ['I([1, 2]).var()', () => I([1, 2]).variance()],
  ['I([1, 2]).norm()', () => I([1, 2]).norm()],
  ['I([1, 2, 3]).cumsum(0)', () => I([1, 2, 3]).cumsum(0)],
  ['B([True, True]).cumsum(0)', () => cumsum(B([true, true]), 0)],
  ['I([2, 3]).cumprod(0)', () => cumprod(I([2, 3]), 0)],
  ['I([5, -7]).amax()', () => I([5, -7]).amax()],
  ['B([False, False]).amax()', () => B([false, false]).amax()],
  ['I([0, 2]).bool().any()', () => I([0, 2]).bool().any()],
  [`t(${text(CUBE)}).sum((0, 2))`, () => t(CUBE).sum([0, 2])],
  [`t(${text(CUBE)}).sum((0, -1), True)`, () => t(CUBE).sum([0, -1], true)],
  [`t(${text(CUBE)}).sum(())`, () => t(CUBE).sum([])],
  [`t(${text(CUBE)}).mean((1, 2))`, () => mean(t(CUBE), { dim: [1, 2] })],
  [`t(${text(CUBE)}).var((0, 1))`, () => t(CUBE).variance([0, 1])],
  [`t(${text(CUBE)}).std((0, 2), keepdim=True)`, () => std(t(CUBE), { dim: [0, 2], keepdim: true })],
  [`t(${text(CUBE)}).amax((0, 2))`, () => t(CUBE).amax([0, 2])],
  [`t(${text(CUBE)}).logsumexp((0, 2))`, () => t(CUBE).logsumexp([0, 2])],
  [`t(${text(CUBE)}).norm(dim=(1, 2))`, () => t(CUBE).norm({ dim: [1, 2] })],
  [`t(${text(CUBE)}).norm(1, (0, 1))`, () => t(CUBE).norm(1, [0, 1])],
  [`t(${text(CUBE)}).sum((0, 0))`, () => t(CUBE).sum([0, 0])],
  [`t(${text(CUBE)}).sum((0, 3))`, () => t(CUBE).sum([0, 3])],
  [`t(${text(CUBE)}).prod((0, 1))`, () => t(CUBE).prod([0, 1])],
  [`t(${text(CUBE)}).sum(1.5)`, () => t(CUBE).sum(1.5)],
  ['t([1, 2]).sum(0, keepdim=3)', () => t([1, 2]).sum(0, 'a' as never)],
  ['t([inf, -inf]).sum()', () => t([inf, -inf]).sum()],
  ['t([1, inf]).mean()', () => t([1, inf]).mean()],
  ['t([1, inf]).var()', () => t([1, inf]).variance()],
  ['t([-inf, -inf]).logsumexp(0)', () => logsumexp(t([-inf, -inf]), 0)],
  ['t([inf, 1]).logsumexp(0)', () => t([inf, 1]).logsumexp(0)],
  ['t([[-inf, 1], [2, inf]]).logsumexp(1)', () => t([[-inf, 1], [2, inf]]).logsumexp(1)], // biome-ignore format: a matrix
  ['torch.zeros(2, 0).logsumexp(1)', () => zeros(2, 0).logsumexp(1)],
  ['torch.zeros(0, 3).logsumexp(0, True)', () => zeros(0, 3).logsumexp(0, true)],
  ['t([3, -4]).norm(inf)', () => norm(t([3, -4]), inf)],
  ['t([3, -4]).norm(-inf)', () => t([3, -4]).norm(-inf)],
  ['t([3, 0, -4]).norm(0)', () => t([3, 0, -4]).norm(0)],
  ['t([3, -4]).norm(0.5)', () => t([3, -4]).norm(0.5)],
  ['t([3, 0]).norm(-1)', () => t([3, 0]).norm(-1)],
  ['t([3, nan]).norm(inf)', () => t([3, nan]).norm(inf)],
  ['t([nan, 1]).amax()', () => t([nan, 1]).amax()],
  ['t([0, -0.0]).prod()', () => t([0, -0]).prod()],
  ['t([1, 2, 3, 4, 5]).cumsum(0)', () => t([1, 2, 3, 4, 5]).cumsum(0)],
  [`t(${text(DATA)}).cumsum(1)`, () => t(DATA).cumsum(1)],
  [`t(${text(DATA)}).cumprod(-2)`, () => t(DATA).cumprod(-2)],
  ['t([1, nan, 3]).cumsum(0)', () => t([1, nan, 3]).cumsum(0)],
  ['t([inf, -inf, 1]).cumsum(0)', () => t([inf, -inf, 1]).cumsum(0)],
  ['t(3).cumsum(0)', () => t(3).cumsum(0)],
  ['t([]).cumprod(0)', () => t([]).cumprod(0)],
  ['t([1]).cumsum(1)', () => t([1]).cumsum(1)],
  ['t([0, 2]).any()', () => any(t([0, 2]))],
  ['t([0, nan]).all()', () => t([0, nan]).all()],
  ['I([[1, 0], [3, 4]]).all(1)', () => I([[1, 0], [3, 4]]).all(1)], // biome-ignore format: a matrix
  ['I([[0, 0], [3, 0]]).any(0, True)', () => I([[0, 0], [3, 0]]).any(0, true)], // biome-ignore format: a matrix
  ['I([16777217, 1]).sum()', () => sum(I([16777217, 1]))],
  ['I([65536, 16384]).prod()', () => prod(I([65536, 16384]))],
  // Long sums: float32 near its end
  ['torch.full((100000,), 0.1).sum()', () => zeros(100000).add(0.1).sum()],
  ['t([1] + [1e-8] * 10000).sum()', () => t([1, ...new Array<number>(10000).fill(1e-8)]).sum()],
  ['t([1e20, 2e20, 3e20]).std()', () => t([1e20, 2e20, 3e20]).std()],
];

/** Rows m + i mod 7: variance and mean over a leading dimension, where the mean is far away. Their right values are known in float64. */
const far = (
  [
    [1e6, 1000],
    [1e4, 10000],
    [1e6, 20000],
  ] as const
).flatMap(([m, n]) => {
  const x = (): Tensor => t(Array.from({ length: n }, (_, i) => [m + (i % 7), m + ((i + 3) % 7)]));
  const py = `x = (torch.arange(${n}, dtype=torch.float64) % 7 + ${m}); x = torch.stack([x, (torch.arange(${n}, dtype=torch.float64) + 3) % 7 + ${m}], 1); `;
  return [
    row(`the variance of ${n} rows near ${m}`, `${py}x.var(0)`, () => x().variance(0)),
    row(`their standard deviation, all together`, `${py}x.std()`, () => x().std()),
    row(`their mean`, `${py}x.mean(0)`, () => x().mean(0)),
  ].map((r, i) => ({ ...r, name: i ? `${r.name}: ${n} near ${m}` : r.name }));
});

export const rows: readonly Row[] = [
  ...alongDims,
  ...said.map(([py, js]) => row(py, py, js)),
  ...far,
  row('the gradient of amax is shared between equals', 'x = L([1, 3, 3]); x.amax().backward(); x.grad', () => {
    const x = L([1, 3, 3]);
    x.amax().backward();
    return x.grad;
  }),
  row('that of max() too', 'x = L([1, 3, 3]); x.max().backward(); x.grad', () => {
    const x = L([1, 3, 3]);
    x.max().backward();
    return x.grad;
  }),
  differing('a sum beyond int32 is refused', 'a sum beyond int32', 'I([2147483647, 1]).sum(dtype=torch.int32)', () => I([2147483647, 1]).sum()),
];
