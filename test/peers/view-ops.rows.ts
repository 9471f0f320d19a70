// PyTorch's test_view_ops: what is a view, what it shows, how it lies in memory, and that gradients go through it.
import { arange, asStrided, expand, ones, permute, reshape, squeeze, type Tensor, tensor, transpose, zeros } from 'gradloom';
import { B, I, L, type Row, row, t, text, valueAndGradient } from './row.ts';

const DATA = Array.from({ length: 2 }, (_, i) => Array.from({ length: 3 }, (_, j) => Array.from({ length: 4 }, (_, k) => 12 * i + 4 * j + k)));
const THIN = [[[1], [2], [3]]];
type View = readonly [py: string, js: (x: Tensor) => Tensor, data?: number[][][]];

const views: readonly View[] = [
  ['x.view(6, 4)', (x) => x.view(6, 4)],
  ['x.view(-1)', (x) => x.view(-1)],
  ['x.view(2, -1)', (x) => x.view([2, -1])],
  ['x.view(2, 1, 3, 1, 4)', (x) => x.view(2, 1, 3, 1, 4)],
  ['x.view(2, 3, 2, 2)', (x) => x.view(2, 3, 2, 2)],
  ['x.transpose(0, 2).view(2, 2, 3, 2)', (x) => x.transpose(0, 2).view(2, 2, 3, 2)],
  ['x[:, :, :2].view(2, 3, 2, 1)', (x) => x.slice(2, 0, 2).view(2, 3, 2, 1)],
  ['x[:, :, ::2].view(6, 2)', (x) => x.slice(2, undefined, undefined, 2).view(6, 2)],
  ['x.reshape(4, 6)', (x) => x.reshape(4, 6)],
  ['x.transpose(0, 1).reshape(4, 6)', (x) => x.transpose(0, 1).reshape(4, 6)],
  ['x.permute(2, 0, 1).reshape(-1)', (x) => x.permute(2, 0, 1).reshape(-1)],
  ['x.flatten()', (x) => x.flatten()],
  ['x.flatten(1)', (x) => x.flatten(1)],
  ['x.flatten(0, -2)', (x) => x.flatten(0, -2)],
  ['x.flatten(1, 1)', (x) => x.flatten(1, 1)],
  ['x.transpose(1, 2).flatten(1)', (x) => x.transpose(1, 2).flatten(1)],
  ['x.transpose(0, 1).flatten(2)', (x) => x.transpose(0, 1).flatten(2)],
  ['x.unflatten(2, [2, 2])', (x) => x.unflatten(2, [2, 2])],
  ['x.unflatten(-2, [-1, 1])', (x) => x.unflatten(-2, [-1, 1])],
  ['x.transpose(0, 2)', (x) => x.transpose(0, 2)],
  ['x.transpose(-1, -2)', (x) => x.transpose(-1, -2)],
  ['x.transpose(1, 1)', (x) => transpose(x, 1, 1)],
  ['x.permute(2, 0, 1)', (x) => x.permute(2, 0, 1)],
  ['x.permute(-1, 1, 0)', (x) => permute(x, [-1, 1, 0])],
  ['x[0].t()', (x) => x.select(0, 0).t()],
  ['x[0, 0].t()', (x) => x.select(0, 0).select(0, 0).t()],
  ['x.movedim(0, 2)', (x) => x.movedim(0, 2)],
  ['x.movedim(-1, 0)', (x) => x.movedim(-1, 0)],
  ['x.select(1, 2)', (x) => x.select(1, 2)],
  ['x.select(-1, -1)', (x) => x.select(-1, -1)],
  ['x[1]', (x) => x.select(0, 1)],
  ['x[:, 1:]', (x) => x.slice(1, 1)],
  ['x[:, :, 1:-1]', (x) => x.slice(2, 1, -1)],
  ['x[:, ::2]', (x) => x.slice(1, undefined, undefined, 2)],
  ['x[:, :, 1::3]', (x) => x.slice(2, 1, undefined, 3)],
  ['x[:, -2:]', (x) => x.slice(1, -2)],
  ['x.narrow(2, 1, 2)', (x) => x.narrow(2, 1, 2)],
  ['x.narrow(1, -2, 2)', (x) => x.narrow(1, -2, 2)],
  ['x.narrow(0, 2, 0)', (x) => x.narrow(0, 2, 0)],
  ['x.unsqueeze(1)', (x) => x.unsqueeze(1)],
  ['x.unsqueeze(-1)', (x) => x.unsqueeze(-1)],
  ['x.squeeze()', (x) => x.squeeze(), THIN],
  ['x.squeeze(0)', (x) => x.squeeze(0), THIN],
  ['x.squeeze(1)', (x) => x.squeeze(1), THIN],
  ['x.squeeze((0, 2))', (x) => squeeze(x, [0, 2]), THIN],
  ['x.expand(2, 3, 4)', (x) => expand(x, [2, 3, 4]), THIN],
  ['x.expand(5, -1, -1, 2)', (x) => x.expand(5, -1, -1, 2), THIN],
  ['x.unbind(1)[2]', (x) => x.unbind(1)[2] as Tensor],
  ['x.split(2, 1)[1]', (x) => x.split(2, 1)[1] as Tensor],
  ['x.split([1, 3], 2)[1]', (x) => x.split([1, 3], 2)[1] as Tensor],
  ['x.chunk(2, 2)[0]', (x) => x.chunk(2, 2)[0] as Tensor],
  ['x.chunk(3, 2)[1]', (x) => x.chunk(3, 2)[1] as Tensor],
  ['x.diagonal()', (x) => x.diagonal()],
  ['x.diagonal(1, 1, 2)', (x) => x.diagonal(1, 1, 2)],
  ['x.diagonal(-1, -1, 0)', (x) => x.diagonal(-1, -1, 0)],
  ['x.as_strided((2, 2), (5, 1), 3)', (x) => asStrided(x, [2, 2], [5, 1], 3)],
  ['x.as_strided((3,), (0,))', (x) => x.asStrided([3], [0])],
  ['x.as_strided((), (), 7)', (x) => x.asStrided([], [], 7)],
  ['x.contiguous()', (x) => x.contiguous()],
  ['x.t().contiguous() if x.dim() < 3 else x.transpose(0, 1).contiguous()', (x) => x.transpose(0, 1).contiguous()],
  ['x.detach()', (x) => x.detach()],
  ['x.clone()', (x) => x.clone()],
  ['x.transpose(0, 2).clone().contiguous()', (x) => x.transpose(0, 2).clone()],
  ['x.to(torch.float32)', (x) => x.to('float32')],
];

/** Which steps count: those of dimensions with more than one place. */
const stepsOf = (v: Tensor): number[] => v.strides.filter((_, i) => (v.shape[i] as number) > 1);
const shown = views.map(([py, js, data = DATA]) =>
  row(
    `${py}: values, strides, what a write to it does`,
    `x = t(${text(data)}); v = ${py}; a = [v.clone(), [s for s, n in zip(v.stride(), v.shape) if n > 1], v.is_contiguous()]; v.zero_(); [a, x]`,
    () => {
      const x = t(data);
      const v = js(x);
      const a = [v.clone(), stepsOf(v), v.isContiguous()];
      v.zero_();
      return [a, x];
    },
  ),
);
const through = views.filter(([py]) => !py.includes('detach')).map(([py, js, data = DATA]) => valueAndGradient(`${py}: gradient`, `(${py}) * 2`, (x) => js(x).mul(2), data));

/** What has no view, and arguments that mean none. */
const refused: readonly (readonly [py: string, js: (x: Tensor) => unknown])[] = [
  ['x.view(5, 5)', (x) => x.view(5, 5)],
  ['x.view(-1, -1)', (x) => x.view(-1, -1)],
  ['x.view(-1, 5)', (x) => x.view(-1, 5)],
  ['x.transpose(0, 1).view(-1)', (x) => x.transpose(0, 1).view(-1)],
  ['x[:, :, :3].view(2, 9)', (x) => x.slice(2, 0, 3).view(2, 9)],
  ['x.reshape(7)', (x) => x.reshape(7)],
  ['x.reshape(-2, 12)', (x) => x.reshape(-2, 12)],
  ['x.transpose(0, 3)', (x) => x.transpose(0, 3)],
  ['x.t()', (x) => x.t()],
  ['x.permute(0, 1)', (x) => x.permute(0, 1)],
  ['x.permute(0, 1, 1)', (x) => x.permute(0, 1, 1)],
  ['x.permute(0, 1, 3)', (x) => x.permute(0, 1, 3)],
  ['x.movedim(0, 3)', (x) => x.movedim(0, 3)],
  ['x.select(0, 2)', (x) => x.select(0, 2)],
  ['x.select(0, -3)', (x) => x.select(0, -3)],
  ['x.select(3, 0)', (x) => x.select(3, 0)],
  ['x[:, ::0]', (x) => x.slice(1, 0, 3, 0)],
  ['x[:, ::-1]', (x) => x.slice(1, 0, 3, -1)],
  ['x.narrow(0, 1, 2)', (x) => x.narrow(0, 1, 2)],
  ['x.narrow(0, 3, 0)', (x) => x.narrow(0, 3, 0)],
  ['x.narrow(0, 0, -1)', (x) => x.narrow(0, 0, -1)],
  ['x.unsqueeze(4)', (x) => x.unsqueeze(4)],
  ['x.unsqueeze(-5)', (x) => x.unsqueeze(-5)],
  ['x.squeeze(3)', (x) => x.squeeze(3)],
  ['x.squeeze((0, 0))', (x) => x.squeeze([0, 0])],
  ['x.expand(2, 3)', (x) => x.expand(2, 3)],
  ['x.expand(4, 3, 4)', (x) => x.expand(4, 3, 4)],
  ['x.expand(-1, 2, 3, 4)', (x) => x.expand(-1, 2, 3, 4)],
  ['x.flatten(2, 1)', (x) => x.flatten(2, 1)],
  ['x.flatten(3)', (x) => x.flatten(3)],
  ['x.unflatten(2, [3, 2])', (x) => x.unflatten(2, [3, 2])],
  ['x.split(-1)', (x) => x.split(-1)],
  ['x.split(0)', (x) => x.split(0)],
  ['x.split([1, 2])', (x) => x.split([1, 2])],
  ['x.split([-1, 3])', (x) => x.split([-1, 3])],
  ['x.chunk(0)', (x) => x.chunk(0)],
  ['x.chunk(-1)', (x) => x.chunk(-1)],
  ['x.unbind(3)', (x) => x.unbind(3)],
  ['x.diagonal(0, 1, 1)', (x) => x.diagonal(0, 1, 1)],
  ['x[0, 0].diagonal()', (x) => x.select(0, 0).select(0, 0).diagonal()],
  ['x.as_strided((5, 5), (5, 1))', (x) => x.asStrided([5, 5], [5, 1])],
  ['x.as_strided((2,), (-1,), 3)', (x) => x.asStrided([2], [-1], 3)],
  ['x.as_strided((2, 2), (1,))', (x) => x.asStrided([2, 2], [1])],
];

/** Rank 0 and tensors of nothing. */
const small: readonly (readonly [py: string, js: () => unknown])[] = [
  ['t(3).view(1, 1)', () => t(3).view(1, 1)],
  ['t([3]).view(())', () => t([3]).view([])],
  ['t([[3]]).reshape(())', () => reshape(t([[3]]), [])],
  ['t(3).flatten()', () => t(3).flatten()],
  ['t(3).t()', () => t(3).t()],
  ['t(3).transpose(0, -1)', () => t(3).transpose(0, -1)],
  ['t(3).permute(())', () => t(3).permute([])],
  ['t(3).unsqueeze(-1)', () => t(3).unsqueeze(-1)],
  ['t(3).unsqueeze(1)', () => t(3).unsqueeze(1)],
  ['t(3).squeeze(0)', () => t(3).squeeze(0)],
  ['t(3).expand(2, 2)', () => t(3).expand(2, 2)],
  ['t(3).select(0, 0)', () => t(3).select(0, 0)],
  ['t(3).split(1)', () => t(3).split(1)],
  ['t(3).chunk(1)', () => t(3).chunk(1)],
  ['t(3).narrow(0, 0, 1)', () => t(3).narrow(0, 0, 1)],
  ['t(3).unbind()', () => t(3).unbind()],
  ['t(3)[0:1]', () => t(3).slice(0, 0, 1)],
  ['torch.zeros(3, 0).t().is_contiguous()', () => zeros(3, 0).t().isContiguous()],
  ['torch.zeros(3, 0).t().add_(1)', () => zeros(3, 0).t().add_(1)],
  ['torch.zeros(3, 0).t().view(0, 3, 5).shape', () => zeros(3, 0).t().view(0, 3, 5).shape],
  ['torch.zeros(2, 0, 4).transpose(0, 2).view(-1).shape', () => zeros(2, 0, 4).transpose(0, 2).view(-1).shape],
  ['torch.zeros(0).view(-1, 0)', () => zeros(0).view(-1, 0)],
  ['torch.zeros(0, 2).view(-1, 2).shape', () => zeros(0, 2).view(-1, 2).shape],
  ['torch.zeros(0).chunk(3)', () => zeros(0).chunk(3)],
  ['torch.zeros(0, 2).chunk(2)', () => zeros(0, 2).chunk(2)],
  ['torch.zeros(2, 0).split(1)', () => zeros(2, 0).split(1)],
  ['torch.zeros(0).split(0)', () => zeros(0).split(0)],
  ['torch.zeros(0, 2).unbind(0)', () => zeros(0, 2).unbind(0)],
  ['torch.zeros(1, 0).expand(3, 0).shape', () => zeros(1, 0).expand(3, 0).shape],
  ['torch.zeros(1).expand(0)', () => zeros(1).expand(0)],
  ['torch.zeros(2, 0).flatten()', () => zeros(2, 0).flatten()],
  ['torch.zeros(2, 6)[:, 0:4].view(2, 2, 2).shape', () => zeros(2, 6).slice(1, 0, 4).view(2, 2, 2).shape],
  ['torch.zeros(3, 5)[:, 1:4].view(3, 3, 1).stride()[:2]', () => zeros(3, 5).slice(1, 1, 4).view(3, 3, 1).strides.slice(0, 2)],
  ['[list(c.shape) for c in torch.zeros(5).chunk(4)]', () => zeros(5).chunk(4).map((c) => c.shape)], // biome-ignore format: short
  ['[list(c.shape) for c in torch.zeros(7, 2).split(3)]', () => zeros(7, 2).split(3).map((c) => c.shape)], // biome-ignore format: short
  ['[list(c.shape) for c in torch.zeros(2).split(5)]', () => zeros(2).split(5).map((c) => c.shape)], // biome-ignore format: short
  ['I([[1, 2], [3, 4]]).t()[1]', () => I([[1, 2], [3, 4]]).t().select(0, 1)], // biome-ignore format: short
  [
    'B([[True, False]]).t().flatten()',
    () =>
      B([[true, false]])
        .t()
        .flatten(),
  ],
  ['torch.arange(6)[1::2].view(3, 1)', () => arange(6).slice(0, 1, undefined, 2).view(3, 1)],
];

export const rows: readonly Row[] = [
  ...shown,
  ...through,
  ...refused.map(([py, js]) => row(`${py} is refused`, `x = t(${text(DATA)}); ${py}`, () => js(t(DATA)))),
  ...small.map(([py, js]) => row(py, py, js)),
  row('a view keeps the base when the name goes', 'v = (t([1, 2, 3]) * 2)[1:]; v', () => t([1, 2, 3]).mul(2).slice(0, 1)),
  row('a view of a view writes to the base', 'x = torch.zeros(3, 4); x.t()[1:3][:, ::2].fill_(5); x', () => {
    const x = zeros(3, 4);
    x.t().slice(0, 1, 3).slice(1, undefined, undefined, 2).fill_(5);
    return x;
  }),
  row('overlapping views see each other', 'x = t([1, 2, 3]); a, b = x[:2], x[1:]; a.mul_(10); b.add_(1); [x, a, b]', () => {
    const x = t([1, 2, 3]);
    const [a, b] = [x.slice(0, 0, 2), x.slice(0, 1)];
    a.mul_(10);
    b.add_(1);
    return [x, a, b];
  }),
  row('contiguous of what is contiguous is itself', 'x = t([1, 2]); [x.contiguous() is x, x.view(2) is x, x.to(torch.float32) is x]', () => {
    const x = t([1, 2]);
    return [x.contiguous() === x, x.view(2) === x, x.to('float32') === x];
  }),
  row('flatten of a vector, expand to its own shape', 'x = t([1, 2]); [x.flatten() is x, x.expand(2) is x]', () => {
    const x = t([1, 2]);
    return [x.flatten() === x, x.expand(2) === x];
  }),
  row('a write to a view of an expanded source copies nothing back', 'x = torch.ones(1, 2); y = x.expand(3, 2).contiguous(); y.zero_(); x', () => {
    const x = ones(1, 2);
    x.expand(3, 2).contiguous().zero_();
    return x;
  }),
  row('as_strided of a leaf, its gradient', 'x = L([1, 2, 3, 4]); x.as_strided((2, 2), (1, 2)).mul(t([[1, 2], [3, 4]])).sum().backward(); x.grad', () => {
    const x = L([1, 2, 3, 4]);
    x.asStrided([2, 2], [1, 2]).mul(tensor([[1, 2], [3, 4]])).sum().backward(); // biome-ignore format: a matrix
    return x.grad;
  }),
  row('views of one element are contiguous', '[torch.ones(1, 5)[:, 2:3].is_contiguous(), torch.ones(5, 1).t().is_contiguous(), torch.ones(2, 3).t()[:1].is_contiguous()]', () => [
    ones(1, 5).slice(1, 2, 3).isContiguous(),
    ones(5, 1).t().isContiguous(),
    ones(2, 3).t().slice(0, 0, 1).isContiguous(),
  ]),
];
