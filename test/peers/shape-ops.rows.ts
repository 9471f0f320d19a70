// PyTorch's test_shape_ops and test_tensor_creation_ops: copies in another shape or order, joins, triangles, and tensors from numbers.
import * as g from 'gradloom';
import { cat, diag, eye, flip, full, lerp, linspace, ones, roll, stack, type Tensor, tensor, trace, tril, triu, zeros } from 'gradloom';
import { B, differing, I, L, type Row, row, t, text, valueAndGradient } from './row.ts';

const F = g.nn.functional;
const X = [[1, 2, 3], [4, 5, 6]]; // biome-ignore format: a matrix
type Moved = readonly [py: string, js: (x: Tensor) => Tensor];

/** Each of float32, int32 and bool, also through a transpose, and the gradient. */
const moved: readonly Moved[] = [
  ['x.flip(0)', (x) => x.flip(0)],
  ['x.flip(0, -1)', (x) => x.flip(0, -1)],
  ['x.flip([1])', (x) => flip(x, [1])],
  ['x.flip(())', (x) => x.flip([])],
  ['x.roll(1)', (x) => x.roll(1)],
  ['x.roll(-4)', (x) => roll(x, -4)],
  ['x.roll(1, 1)', (x) => x.roll(1, 1)],
  ['x.roll((1, -1), (0, 1))', (x) => x.roll([1, -1], [0, 1])],
  ['x.roll((1, 1), (1, 1))', (x) => x.roll([1, 1], [1, 1])],
  ['x.repeat(2, 1)', (x) => x.repeat(2, 1)],
  ['x.repeat(2, 1, 2)', (x) => x.repeat([2, 1, 2])],
  ['x.repeat(0, 2)', (x) => x.repeat(0, 2)],
  ['x.tile(2)', (x) => x.tile(2)],
  ['x.tile((2, 1, 1))', (x) => x.tile([2, 1, 1])],
  ['x.tril()', (x) => x.tril()],
  ['x.tril(1)', (x) => tril(x, 1)],
  ['x.tril(-1)', (x) => x.tril(-1)],
  ['x.tril(-9)', (x) => x.tril(-9)],
  ['x.triu()', (x) => x.triu()],
  ['x.triu(2)', (x) => triu(x, 2)],
  ['x.triu(-9)', (x) => x.triu(-9)],
  ['x.diag()', (x) => diag(x)],
  ['x.diag(1)', (x) => x.diag(1)],
  ['x[0].diag(-1)', (x) => x.select(0, 0).diag(-1)],
  ['x.diag_embed()', (x) => x.diagEmbed()],
  ['x.diag_embed(1, 0, 2)', (x) => x.diagEmbed(1, 0, 2)],
  ['torch.cat([x, x.flip(0)], 1)', (x) => cat([x, x.flip(0)], 1)],
  ['torch.cat([x, x[:0], x[:1]])', (x) => cat([x, x.slice(0, 0, 0), x.slice(0, 0, 1)])],
  ['torch.stack([x, x], -1)', (x) => stack([x, x], -1)],
  ['torch.stack([x[0], x[1]], 1)', (x) => stack([x.select(0, 0), x.select(0, 1)], 1)],
  ['x.masked_fill(x > 2, 0)', (x) => x.maskedFill(x.gt(2), 0)],
  ['x.clone()', (x) => x.clone()],
];
const kinds = { t, I, B } as const;
const everyType = moved.flatMap(([py, js]) =>
  (['t', 'I', 'B'] as const).map((kind) =>
    row(`${py} of ${kind}, straight and transposed`, `f = lambda x: ${py}; a = ${kind}(${text(X)}); [f(a), f(a.t())]`, () => [js(kinds[kind](X)), js(kinds[kind](X).t())]),
  ),
);
const gradients = moved.map(([py, js]) => valueAndGradient(`${py}: gradient`, py, js, X));

type Said = readonly [py: string, js: () => unknown];
const plain: readonly Said[] = [
  // Tensors from numbers
  ['torch.tensor([0.5, nan], dtype=torch.bool)', () => tensor([0.5, Number.NaN], { dtype: 'bool' })],
  ['torch.tensor([0.0, -0.0, inf], dtype=torch.bool)', () => tensor([0, -0, Number.POSITIVE_INFINITY], { dtype: 'bool' })],
  ['torch.tensor([True, 2.5])', () => tensor([true, 2.5])],
  ['torch.tensor([2.5, False, True])', () => tensor([2.5, false, true])],
  ['torch.tensor([True, False])', () => tensor([true, false])],
  ['torch.tensor([1.9, -1.9], dtype=torch.int32)', () => tensor([1.9, -1.9], { dtype: 'int32' })],
  ['torch.tensor([3000000000], dtype=torch.int32)', () => tensor([3e9], { dtype: 'int32' })],
  ['torch.tensor([nan], dtype=torch.int32)', () => tensor([Number.NaN], { dtype: 'int32' })],
  ['torch.tensor([inf], dtype=torch.int32)', () => tensor([Number.POSITIVE_INFINITY], { dtype: 'int32' })],
  ['torch.full((2,), 3000000000, dtype=torch.int32)', () => full([2], 3e9, { dtype: 'int32' })],
  ['torch.full((2,), -2147483648, dtype=torch.int32)', () => full([2], -(2 ** 31), { dtype: 'int32' })],
  ['torch.tensor([[1, 2], [3]])', () => tensor([[1, 2], [3]])],
  ['torch.tensor([[1], 2])', () => tensor([[1], 2])],
  ['torch.tensor([])', () => tensor([])],
  ['torch.tensor([[], []]).shape', () => tensor([[], []]).shape],
  ['torch.tensor("a")', () => tensor('a' as never)],
  ['torch.tensor(None)', () => tensor(null as never)],
  ['torch.tensor([t(1), t(2)])', () => tensor([t(1), t(2)])],
  ['torch.tensor(np.array([1, 2], dtype=np.int64))', () => tensor(new BigInt64Array([1n, 2n]))],
  ['torch.tensor(np.array([1, 2], dtype=np.int32))', () => tensor(new Int32Array([1, 2]))],
  ['torch.tensor(np.array([-1, 2], dtype=np.int64))[0]', () => tensor(BigInt64Array.from([-1n, 2n])).select(0, 0)],
  ['torch.zeros(2, 0).shape', () => zeros(2, 0).shape],
  ['torch.zeros(-1)', () => zeros(-1)],
  ['torch.zeros(2, dtype=torch.bool)', () => zeros(2, { dtype: 'bool' })],
  ['torch.full((2,), True)', () => full([2], true)],
  ['torch.full((), 2.5)', () => full([], 2.5)],
  ['torch.full((2,), 2.9, dtype=torch.int32)', () => full([2], 2.9, { dtype: 'int32' })],
  ['torch.ones_like(B([True, False]))', () => g.onesLike(B([true, false]))],
  ['torch.zeros_like(I([[1], [2]]))', () => g.zerosLike(I([[1], [2]]))],
  ['torch.full_like(I([1, 2]), 7)', () => g.fullLike(I([1, 2]), 7)],
  ['torch.zeros_like(I([1]), dtype=torch.float32)', () => g.zerosLike(I([1]), { dtype: 'float32' })],
  ['torch.arange(5)', () => g.arange(5)],
  ['torch.arange(1, 2, 0.25)', () => g.arange(1, 2, 0.25)],
  ['torch.arange(5, 0, -2)', () => g.arange(5, 0, -2)],
  ['torch.arange(0)', () => g.arange(0)],
  ['torch.arange(1, 1)', () => g.arange(1, 1)],
  ['torch.arange(3, 1)', () => g.arange(3, 1)],
  ['torch.arange(0, 3, 0)', () => g.arange(0, 3, 0)],
  ['torch.arange(3, dtype=torch.float32)', () => g.arange(3, { dtype: 'float32' })],
  ['torch.linspace(0, 1, 5)', () => linspace(0, 1, 5)],
  ['torch.linspace(3, 3, 2)', () => linspace(3, 3, 2)],
  ['torch.linspace(0, 1, 1)', () => linspace(0, 1, 1)],
  ['torch.linspace(0, 1, 0)', () => linspace(0, 1, 0)],
  ['torch.linspace(0, 1, -1)', () => linspace(0, 1, -1)],
  ['torch.eye(2)', () => eye(2)],
  ['torch.eye(2, 3, dtype=torch.int32)', () => eye(2, 3, { dtype: 'int32' })],
  ['torch.eye(0)', () => eye(0)],
  ['torch.randperm(6).sort().values', () => g.randperm(6).sort().values],
  ['torch.rand(3, dtype=torch.int32)', () => g.rand([3], { dtype: 'int32' })],
  ['torch.rand(2, 3).shape', () => g.rand(2, 3).shape],
  // Joins
  ['torch.cat([t([]), t([[1, 2]])])', () => cat([t([]), t([[1, 2]])])],
  ['torch.cat([t([]), t([])])', () => cat([t([]), t([])])],
  ['torch.cat([])', () => cat([])],
  ['torch.cat([t(1), t(2)])', () => cat([t(1), t(2)])],
  ['torch.cat([t([[1, 2]]), t([[1, 2, 3]])])', () => cat([t([[1, 2]]), t([[1, 2, 3]])])],
  ['torch.cat([t([[1, 2]]), t([1])])', () => cat([t([[1, 2]]), t([1])])],
  ['torch.cat([t([1]), t([2])], 1)', () => cat([t([1]), t([2])], 1)],
  ['torch.cat([torch.zeros(2, 0), torch.ones(2, 2)], -1)', () => cat([zeros(2, 0), ones(2, 2)], -1)],
  ['torch.stack([])', () => stack([])],
  ['torch.stack([t(1), t(2)])', () => stack([t(1), t(2)])],
  ['torch.stack([t([1]), t([1, 2])])', () => stack([t([1]), t([1, 2])])],
  ['torch.stack([t([1]), t([2])], 2)', () => stack([t([1]), t([2])], 2)],
  ['torch.stack([torch.zeros(0)] * 2).shape', () => stack([zeros(0), zeros(0)]).shape],
  // Arguments that mean nothing, rank 0, nothing
  ['t([1]).flip(1)', () => t([1]).flip(1)],
  ['t([1]).flip(0, 0)', () => t([1]).flip(0, 0)],
  ['t(3).flip(())', () => t(3).flip([])],
  ['t(3).roll(1)', () => t(3).roll(1)],
  ['torch.zeros(0, 2).roll(1, 0).shape', () => zeros(0, 2).roll(1, 0).shape],
  ['t([1, 2]).roll((1, 2))', () => t([1, 2]).roll([1, 2])],
  ['t([1, 2]).roll(1, (0, 0))', () => t([1, 2]).roll(1, [0, 0])],
  ['t([[1, 2]]).repeat(2)', () => t([[1, 2]]).repeat(2)],
  ['t([1, 2]).repeat(-1)', () => t([1, 2]).repeat(-1)],
  ['t(3).repeat(2)', () => t(3).repeat(2)],
  ['t(3).repeat(())', () => t(3).repeat([])],
  ['t(3).tile(2, 2)', () => t(3).tile(2, 2)],
  ['t([1, 2]).tril()', () => t([1, 2]).tril()],
  ['torch.zeros(0, 3).tril().shape', () => zeros(0, 3).tril().shape],
  ['torch.ones(2, 3, 3).triu(1)', () => ones(2, 3, 3).triu(1)],
  ['torch.ones(3, 3, dtype=torch.bool).tril()', () => ones(3, 3, { dtype: 'bool' }).tril()],
  ['t([[[1]]]).diag()', () => t([[[1]]]).diag()],
  ['t([[1, 2], [3, 4]]).trace()', () => trace(t([[1, 2], [3, 4]]))], // biome-ignore format: short
  ['I([[1, 2, 9], [3, 4, 9]]).trace()', () => trace(I([[1, 2, 9], [3, 4, 9]]))], // biome-ignore format: short
  ['t([1, 2]).trace()', () => trace(t([1, 2]))],
  ['t([[1, 2]]).diagonal(5)', () => t([[1, 2]]).diagonal(5)],
  ['t([1, 2]).diag_embed(0, 0, 0)', () => t([1, 2]).diagEmbed(0, 0, 0)],
  ['t(1).diag_embed()', () => t(1).diagEmbed()],
  // Products by subscripts
  ['torch.einsum("ii", t([[1, 2], [3, 4]]))', () => g.einsum('ii', t([[1, 2], [3, 4]]))], // biome-ignore format: short
  ['torch.einsum("iii->i", torch.arange(8.).view(2, 2, 2))', () => g.einsum('iii->i', g.arange(8, { dtype: 'float32' }).view(2, 2, 2))],
  ['torch.einsum("iij->ij", torch.arange(8.).view(2, 2, 2))', () => g.einsum('iij->ij', g.arange(8, { dtype: 'float32' }).view(2, 2, 2))],
  ['torch.einsum("ii", t([[1, 2, 3]]))', () => g.einsum('ii', t([[1, 2, 3]]))],
  ['torch.einsum("ij,jk", t([[1, 2]]), t([[3], [4]]))', () => g.einsum('ij,jk', t([[1, 2]]), t([[3], [4]]))],
  ['torch.einsum("ij->ji", t([[1, 2]]))', () => g.einsum('ij->ji', t([[1, 2]]))],
  ['torch.einsum("i,j->ij", t([1, 2]), t([3, 4]))', () => g.einsum('i,j->ij', t([1, 2]), t([3, 4]))],
  ['torch.einsum("bij,bjk->bik", torch.ones(2, 1, 3), torch.ones(2, 3, 1))', () => g.einsum('bij,bjk->bik', ones(2, 1, 3), ones(2, 3, 1))],
  ['torch.einsum("ij->", t([[1, 2], [3, 4]]))', () => g.einsum('ij->', t([[1, 2], [3, 4]]))], // biome-ignore format: short
  ['torch.einsum("...i,i", torch.ones(2, 2, 3), t([1, 2, 3]))', () => g.einsum('...i,i', ones(2, 2, 3), t([1, 2, 3]))],
  ['torch.einsum("ij,jk", t([[1, 2]]), t([[3]]))', () => g.einsum('ij,jk', t([[1, 2]]), t([[3]]))],
  ['torch.einsum("ij,jk", t([[1, 2]]), t([[3], [4], [5]]))', () => g.einsum('ij,jk', t([[1, 2]]), t([[3], [4], [5]]))],
  ['torch.einsum("ij", t([1, 2]))', () => g.einsum('ij', t([1, 2]))],
  ['torch.einsum("i->ii", t([1, 2]))', () => g.einsum('i->ii', t([1, 2]))],
  ['torch.einsum("i->j", t([1, 2]))', () => g.einsum('i->j', t([1, 2]))],
  // Values
  ['torch.lerp(t([1e8, 0]), t([1, 10]), 1.0)', () => lerp(t([1e8, 0]), t([1, 10]), 1)],
  ['torch.lerp(t([1e8, 0]), t([1, 10]), 0.5)', () => lerp(t([1e8, 0]), t([1, 10]), 0.5)],
  ['torch.where(B([True, False]), t([1, 2]), t([[3], [4]]))', () => g.where(B([true, false]), t([1, 2]), t([[3], [4]]))],
  ['torch.where(I([1, 0]).bool(), 1.5, 2.5)', () => g.where(I([1, 0]).bool(), 1.5, 2.5)],
  ['torch.where(t([1, 0]), 1.5, 2.5)', () => g.where(t([1, 0]), 1.5, 2.5)],
  ['F.pad(t([[1, 2]]), (1, 0, 0, 1), value=9)', () => F.pad(t([[1, 2]]), [1, 0, 0, 1], { value: 9 })],
  ['F.pad(t([1, 2, 3]), (-1, -1))', () => F.pad(t([1, 2, 3]), [-1, -1])],
  ['F.pad(t([1, 2, 3]), (-2, -2))', () => F.pad(t([1, 2, 3]), [-2, -2])],
  ['F.pad(t([[1, 2, 3]]), (2, 1), mode="reflect")', () => F.pad(t([[1, 2, 3]]), [2, 1], { mode: 'reflect' })],
  ['F.pad(t([[1, 2, 3]]), (3, 1), mode="reflect")', () => F.pad(t([[1, 2, 3]]), [3, 1], { mode: 'reflect' })],
  ['F.pad(t([[1, 2, 3]]), (2, 1), mode="circular")', () => F.pad(t([[1, 2, 3]]), [2, 1], { mode: 'circular' })],
  ['F.pad(t([1]), (1,))', () => F.pad(t([1]), [1])],
  ['torch.outer(t([1, 2]), t([3, 4, 5]))', () => g.outer(t([1, 2]), t([3, 4, 5]))],
  ['torch.outer(t([[1]]), t([3]))', () => g.outer(t([[1]]), t([3]))],
];

export const rows: readonly Row[] = [
  ...everyType,
  ...gradients,
  ...plain.map(([py, js]) => row(py, py, js)),
  differing('refused where int32 would wrap', 'torch.arange(2**31, 2**31 + 2, dtype=torch.int32)', 'torch.arange(2**31, 2**31 + 2, dtype=torch.int32)', () =>
    g.arange(2 ** 31, 2 ** 31 + 2),
  ),
  differing('int32 only', 'randperm of floats', 'torch.randperm(3, dtype=torch.float32).sort().values', () => g.randperm(3, { dtype: 'float32' }).sort().values),
  row('clamp without a bound is refused', 't([1]).clamp()', () => t([1]).clamp({})),
  row('a file keeps names with dots apart from nested ones', '{"a": {"b": t([1])}, "a.b": t([2])}', () =>
    g.checkpoint.load(g.checkpoint.save({ a: { b: t([1]) }, 'a.b': t([2]) })),
  ),
  row('three levels too', '{"a.b": {"c": t([1])}, "a": {"b.c": t([2]), "b": {"c": t([3])}}}', () =>
    g.checkpoint.load(g.checkpoint.save({ 'a.b': { c: t([1]) }, a: { 'b.c': t([2]), b: { c: t([3]) } } })),
  ),
  differing('it gives float32', 'one_hot gives int64', 'F.one_hot(I([0, 2]), 3)', () => F.oneHot(I([0, 2]), 3)),
  row('one_hot, as floats', '[F.one_hot(I([[0], [2]]), 3).float(), F.one_hot(I([]), 3).float()]', () => [F.oneHot(I([[0], [2]]), 3), F.oneHot(I([]), 3)]),
  row('cat of a leaf and a constant', 'x = L([1, 2]); (torch.cat([x, t([3])]) * t([1, 2, 3])).sum().backward(); x.grad', () => {
    const x = L([1, 2]);
    cat([x, t([3])]).mul(t([1, 2, 3])).sum().backward(); // biome-ignore format: short
    return x.grad;
  }),
];
