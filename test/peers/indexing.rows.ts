// PyTorch's test_indexing, as far as slices, narrow, select and indexSelect go: x[1:3] is slice(0, 1, 3), x[2] is select(0, 2), x[[2, 0]] is indexSelect(0, [2, 0]).
import { noGrad, type Tensor, where, zeros } from 'gradloom';
import { B, I, L, type Row, row, t, text, valueAndGradient } from './row.ts';

const V = [10, 11, 12, 13, 14];
const M = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]; // biome-ignore format: a matrix
const bounds = [undefined, -7, -5, -2, 0, 1, 3, 5, 9];
const said = (n: number | undefined): string => (n === undefined ? '' : `${n}`);

/** Every start with every end, and steps. */
const slices = bounds.map((start) =>
  row(`x[${said(start)}:e] for every e`, `x = t(${text(V)}); [x[${said(start)}:e] for e in [None, -7, -5, -2, 0, 1, 3, 5, 9]]`, () =>
    bounds.map((end) => t(V).slice(0, start, end)),
  ),
);
const steps = [1, 2, 3, 4, 5, 7].flatMap((step) =>
  (
    [
      [undefined, undefined],
      [1, undefined],
      [undefined, -1],
      [-3, 5],
    ] as const
  ).map(
    (
      [start, end], // biome-ignore format: pairs
    ) => row(`x[${said(start)}:${said(end)}:${step}]`, `x = t(${text(V)}); x[${said(start)}:${said(end)}:${step}]`, () => t(V).slice(0, start, end, step)),
  ),
);

type Indexed = readonly [py: string, js: (x: Tensor) => Tensor];
/** Values and gradients of a matrix. */
const matrix: readonly Indexed[] = [
  ['x[1]', (x) => x.select(0, 1)],
  ['x[-1]', (x) => x.select(0, -1)],
  ['x[:, 0]', (x) => x.select(1, 0)],
  ['x[2, 1]', (x) => x.select(0, 2).select(0, 1)],
  ['x[-1, -3]', (x) => x.select(0, -1).select(-1, -3)],
  ['x[1:, :2]', (x) => x.slice(0, 1).slice(1, 0, 2)],
  ['x[::2, ::2]', (x) => x.slice(0, 0, 3, 2).slice(1, 0, 3, 2)],
  ['x[1:1]', (x) => x.slice(0, 1, 1)],
  ['x[:, 3:]', (x) => x.slice(1, 3)],
  ['x[None]', (x) => x.unsqueeze(0)],
  ['x[:, None, 1]', (x) => x.unsqueeze(1).select(2, 1)],
  ['x[..., 1]', (x) => x.select(-1, 1)],
  ['x[..., None]', (x) => x.unsqueeze(-1)],
  ['x[[2, 0]]', (x) => x.indexSelect(0, I([2, 0]))],
  ['x[:, [1, 1, 0]]', (x) => x.indexSelect(1, I([1, 1, 0]))],
  ['x[[2, 0]][:, [1, 1]]', (x) => x.indexSelect(0, I([2, 0])).indexSelect(1, I([1, 1]))],
  ['x[[0]]', (x) => x.indexSelect(0, I([0]))],
  ['x[[]]', (x) => x.indexSelect(0, I([]))],
  ['x[I([[1, 0], [2, 2]])]', (x) => x.indexSelect(0, I([1, 0, 2, 2])).unflatten(0, [2, 2])],
  ['x[I([1, 0, 2]), I([2, 2, 0])]', (x) => x.flatten().indexSelect(0, I([5, 2, 6]))],
  ['x.t()[1]', (x) => x.t().select(0, 1)],
  ['x.t()[1:, ::2]', (x) => x.t().slice(0, 1).slice(1, 0, 3, 2)],
  ['x.narrow(0, 1, 2)', (x) => x.narrow(0, 1, 2)],
  ['x.narrow(-1, -2, 1)', (x) => x.narrow(-1, -2, 1)],
  ['x.narrow(1, 3, 0)', (x) => x.narrow(1, 3, 0)],
  ['x[1:][1:][0]', (x) => x.slice(0, 1).slice(0, 1).select(0, 0)],
  ['x[:2] * x[1:]', (x) => x.slice(0, 0, 2).mul(x.slice(0, 1))],
  ['x[0] * x[:, 0]', (x) => x.select(0, 0).mul(x.select(1, 0))],
  ['torch.where(x > 4, x, 0)', (x) => where(x.gt(4), x, 0)],
];
const values = matrix.flatMap(([py, js]) => [
  row(`${py} of int32 and bool`, `f = lambda x: ${py.replace('torch.where(x > 4, x, 0)', 'torch.where(x > 4, x, x)')}; [f(I(${text(M)})), f(B(${text(M)}))]`, () =>
    [I(M), B(M)].map((x) => (py.startsWith('torch.where') ? x : js(x))),
  ),
  valueAndGradient(`${py}: gradient`, py, js, M),
]);

/** Writes to what a subscript shows: values of the whole, and gradients of what was written and of the rest. */
type Written = readonly [py: string, js: (x: Tensor, v: Tensor) => unknown, v: unknown];
const writes: readonly Written[] = [
  ['x[1] = v', (x, v) => x.select(0, 1).copy_(v), [10, 20, 30]],
  ['x[1] = v[0]', (x, v) => x.select(0, 1).copy_(v.select(0, 0)), [10]],
  ['x[:, 2] = v', (x, v) => x.select(1, 2).copy_(v), [10, 20, 30]],
  ['x[1:, :2] = v', (x, v) => x.slice(0, 1).slice(1, 0, 2).copy_(v), [10, 20]],
  ['x[::2] = v', (x, v) => x.slice(0, 0, 3, 2).copy_(v), [[10, 20, 30]]],
  [
    'x[0, 0] = v[1] * v[0]',
    (x, v) =>
      x
        .select(0, 0)
        .select(0, 0)
        .copy_(v.select(0, 1).mul(v.select(0, 0))),
    [10, 20],
  ],
  ['x[...] = v', (x, v) => x.copy_(v), [10, 20, 30]],
  ['x[1] += v', (x, v) => x.select(0, 1).add_(v), [10, 20, 30]],
  ['x[:, 1] *= v', (x, v) => x.select(1, 1).mul_(v), [10, 20, 30]],
  ['x.t()[0] -= v', (x, v) => x.t().select(0, 0).sub_(v), [10, 20, 30]],
  ['x[2:] /= v', (x, v) => x.slice(0, 2).div_(v), [10, 20, 30]],
  ['x[0] = x[1] + v', (x, v) => x.select(0, 0).copy_(x.select(0, 1).add(v)), [10, 20, 30]],
  ['x[0] = 5; x[0] *= v', (x, v) => x.select(0, 0).fill_(5).mul_(v), [10, 20, 30]],
  ['x[:2] = x[1:].clone(); x[0] += v', (x, v) => [x.slice(0, 0, 2).copy_(x.slice(0, 1).clone()), x.select(0, 0).add_(v)], [10, 20, 30]],
  ['x[1:1] = v', (x, v) => x.slice(0, 1, 1).copy_(v), [10, 20, 30]],
  ['x.diagonal()[:] = v', (x, v) => x.diagonal().copy_(v), [10, 20, 30]],
];
const written = writes.map(([py, js, v]) =>
  row(py, `l, v = L(${text(M)}), L(${text(v)}); x = l * 1; ${py}; x.backward(torch.arange(1., 10).reshape(3, 3)); [x, l.grad, v.grad]`, () => {
    const [l, source] = [L(M), L(v as never)];
    const x = l.mul(1);
    js(x, source);
    x.backward(t([[1, 2, 3], [4, 5, 6], [7, 8, 9]])); // biome-ignore format: a matrix
    return [x, l.grad, source.grad];
  }),
);

const refused: readonly (readonly [py: string, js: () => unknown])[] = [
  ['t([1, 2])[2]', () => t([1, 2]).select(0, 2)],
  ['t([1, 2])[-3]', () => t([1, 2]).select(0, -3)],
  ['t([1, 2])[:, 0]', () => t([1, 2]).select(1, 0)],
  ['t(1)[0]', () => t(1).select(0, 0)],
  ['t([1, 2])[::0]', () => t([1, 2]).slice(0, 0, 2, 0)],
  ['t([1, 2])[::-1]', () => t([1, 2]).slice(0, 1, 0, -1)],
  ['t([1, 2])[[2]]', () => t([1, 2]).indexSelect(0, I([2]))],
  ['t([1, 2])[1.5]', () => t([1, 2]).select(0, 1.5)],
  ['t([1, 2])[0.5:]', () => t([1, 2]).slice(0, 0.5)],
  ['torch.zeros(0)[0]', () => zeros(0).select(0, 0)],
  [
    'x = torch.zeros(3, 2); x[0] = t([1, 2, 3])',
    () =>
      zeros(3, 2)
        .select(0, 0)
        .copy_(t([1, 2, 3])),
  ],
  [
    'x = torch.zeros(3, 2); x[:2] = t([[1], [2], [3]])',
    () =>
      zeros(3, 2)
        .slice(0, 0, 2)
        .copy_(t([[1], [2], [3]])),
  ],
  ['x = L([1, 2]); x[0] = 3', () => L([1, 2]).select(0, 0).fill_(3)],
];

export const rows: readonly Row[] = [
  ...slices,
  ...steps,
  ...values,
  ...written,
  ...refused.map(([py, js]) => row(`${py} is refused`, py, js)),
  row('a leaf is written to in no_grad', 'x = L([1, 2])\nwith torch.no_grad(): x[0] = 5\n[x, x.is_leaf]', () => {
    const x = L([1, 2]);
    noGrad(() => x.select(0, 0).fill_(5));
    return [x, x.isLeaf];
  }),
  row('bool masks pick', 't([1, 2, 3])[B([True, False, True])]', null),
  row('bool masks write', 'x = t([1, 2, 3]); x[B([True, False, True])] = 0; x', () => t([1, 2, 3]).maskedFill(B([true, false, true]), 0)),
  row('nonzero', 't([0, 2, 0, 3]).nonzero()', null),
  row('take_along_dim', 'torch.take_along_dim(t([[3, 1]]), I([[1, 0]]), 1)', () => t([[3, 1]]).gather(1, I([[1, 0]]))),
  row('index_put adds', 't([1, 2, 3]).index_put((I([0, 0, 2]),), t([10, 20, 30]), accumulate=True)', () => t([1, 2, 3]).indexAdd(0, I([0, 0, 2]), t([10, 20, 30]))),
  row('index_fill', 't([1, 2, 3]).index_fill(0, I([0, 2]), -1)', () => t([1, 2, 3]).scatter(0, I([0, 2]), -1)),
  row('a write of int32 to a float, of a float to int32', 'x, y = t([1, 2]), I([1, 2]); x[0] = I(7); y[0] = t(7.9); [x, y]', () => {
    const [x, y] = [t([1, 2]), I([1, 2])];
    x.select(0, 0).copy_(I(7));
    y.select(0, 0).copy_(t(7.9));
    return [x, y];
  }),
];
