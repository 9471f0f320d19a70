// PyTorch's test_type_promotion: what type results have, and which conversions are refused. int64 there is int32 here.
import * as g from 'gradloom';
import { add, cat, div, eq, lt, maximum, mul, pow, stack, sub, type Tensor, where } from 'gradloom';
import { B, differing, I, L, type Row, row, t } from './row.ts';

const operandsOf = {
  't([1.5, 0])': () => t([1.5, 0]),
  'I([3, 0])': () => I([3, 0]),
  'B([True, False])': () => B([true, false]),
  't(2.5)': () => t(2.5),
  'I(2)': () => I(2),
  'B(True)': () => B(true),
  '2': () => 2,
  '2.5': () => 2.5,
} as const;
const BOOLS = 'bools count as 0 and 1';
const maybe = (why: string | undefined, name: string, py: string, js: () => unknown): Row => (why ? differing(why, name, py, js) : row(name, py, js));
type Two = (a: Tensor, b: Tensor | number) => Tensor;
const two: readonly (readonly [py: string, js: Two])[] = [
  ['torch.add', add],
  ['torch.sub', sub],
  ['torch.mul', mul],
  ['torch.div', div],
  ['torch.pow', pow],
  ['torch.eq', eq],
  ['torch.lt', lt],
  ['torch.atan2', g.atan2],
  ['torch.maximum', maximum],
  ['torch.logical_and', g.logicalAnd],
];
const names = Object.keys(operandsOf) as (keyof typeof operandsOf)[];
const isNumber = (name: string): boolean => !name.includes('(');
/** What differs is said below, once each. */
const asThere = (op: string, a: string, b: string): boolean => {
  if (isNumber(b) && /maximum|atan2|logical_and/.test(op)) return false;
  if (op === 'torch.sub' && (a.startsWith('B') || b.startsWith('B'))) return false;
  return op !== 'torch.pow' || [a, b].some((x) => x.startsWith('t') || x === '2.5');
};
const pairs = two.flatMap(([op, js]) =>
  names
    .filter((a) => !isNumber(a))
    .flatMap((a) => names.filter((b) => asThere(op, a, b)).map((b) => row(`${op}(${a}, ${b})`, `${op}(${a}, ${b})`, () => js(operandsOf[a]() as Tensor, operandsOf[b]())))),
);
const pairsApart: readonly (readonly [why: string, py: string, js: () => unknown])[] = [
  ['a number stands for a tensor', 'torch.maximum(t([1, 3]), 2)', () => maximum(t([1, 3]), 2)],
  ['a number stands for a tensor', 'torch.atan2(t([1, 3]), 2)', () => g.atan2(t([1, 3]), 2)],
  ['a number stands for a tensor', 'torch.logical_and(I([1, 0]), 2)', () => g.logicalAnd(I([1, 0]), 2)],
  [BOOLS, 'torch.sub(B([True]), B([True]))', () => sub(B([true]), B([true]))],
  [BOOLS, 'torch.sub(I([3]), B([True]))', () => sub(I([3]), B([true]))],
  ['pow gives float32', 'torch.pow(I([50000]), 2)', () => I([50000]).pow(2)],
  ['pow gives float32', 'torch.pow(I([500]), 3)', () => I([500]).pow(3)],
  ['pow gives float32', 'torch.pow(2, I([3, 4]))', () => pow(2, I([3, 4]))],
];

const unary: readonly (readonly [py: string, js: (x: Tensor) => unknown])[] = [
  ['x.neg()', (x) => x.neg()],
  ['x.abs()', (x) => x.abs()],
  ['x.sign()', (x) => x.sign()],
  ['x.relu()', (x) => x.relu()],
  ['x.sqrt()', (x) => x.sqrt()],
  ['x.exp()', (x) => x.exp()],
  ['x.square()', (x) => x.square()],
  ['x.floor()', (x) => x.floor()],
  ['x.round()', (x) => x.round()],
  ['x.reciprocal()', (x) => x.reciprocal()],
  ['x.sigmoid()', (x) => x.sigmoid()],
  ['x.sum()', (x) => x.sum()],
  ['x.prod()', (x) => x.prod()],
  ['x.cumsum(0)', (x) => x.cumsum(0)],
  ['x.amax()', (x) => x.amax()],
  ['x.logical_not()', (x) => x.logicalNot()],
  ['x.isnan()', (x) => x.isnan()],
  ['x.clamp(0, 1)', (x) => x.clamp(0, 1)],
  ['x.clamp(max=0.5)', (x) => x.clamp({ max: 0.5 })],
  ['x.softmax(0)', (x) => x.softmax(0)],
  ['x.masked_fill(B([True, False]), 1)', (x) => x.maskedFill(B([true, false]), 1)],
  ['x.masked_fill(B([True, False]), 2.5)', (x) => x.maskedFill(B([true, false]), 2.5)],
  ['x.float()', (x) => x.float()],
  ['x.long()', (x) => x.int()],
  ['x.bool()', (x) => x.bool()],
  ['torch.where(B([True, False]), x, 1)', (x) => where(B([true, false]), x, 1)],
  ['torch.where(B([True, False]), x, 1.5)', (x) => where(B([true, false]), x, 1.5)],
  ['torch.where(B([True, False]), x, I([7, 8]))', (x) => where(B([true, false]), x, I([7, 8]))],
  ['torch.full_like(x, 1)', (x) => g.fullLike(x, 1)],
  ['x.atan()', (x) => x.atan()],
  ['x.isfinite()', (x) => x.isfinite()],
];
/** Why an op of whole numbers differs from PyTorch. */
const whyOne = (py: string, x: string): string | undefined => {
  if (py.includes('softmax')) return 'whole numbers count as floats';
  if (py.includes('masked_fill') && py.includes('2.5')) return 'a value that the type cannot hold is refused';
  return x.startsWith('B') && /neg|abs|relu|floor|round/.test(py) ? BOOLS : undefined;
};
const one = unary.flatMap(([py, js]) =>
  (['I([2, 0])', 'B([True, False])'] as const).map((x) => maybe(whyOne(py, x), `${py} of ${x}`, `x = ${x}; ${py}`, () => js(x.startsWith('I') ? I([2, 0]) : B([true, false])))),
);

/** Whole numbers beyond int32, which int64 holds. */
const beyond: readonly (readonly [py: string, js: () => unknown])[] = [
  ['I([1, 2]).lt(3e9)', () => I([1, 2]).lt(3e9)],
  ['I([1, 2]).gt(-3e9)', () => I([1, 2]).gt(-3e9)],
  ['I([1, 2]).eq(2**32 + 1)', () => I([1, 2]).eq(2 ** 32 + 1)],
  ['I([1, 2]).ne(2**32 + 1)', () => I([1, 2]).ne(2 ** 32 + 1)],
  ['I([1, 2]).le(inf)', () => I([1, 2]).le(Number.POSITIVE_INFINITY)],
  ['I([1, 2]).eq(nan)', () => I([1, 2]).eq(Number.NaN)],
  ['I([1, 2]).add(1e10)', () => I([1, 2]).add(1e10)],
  ['I([1, 2]).mul(2**40 + 0.0)', () => I([1, 2]).mul(2 ** 40)],
  ['I([1, 2]).add(0.5)', () => I([1, 2]).add(0.5)],
  ['I([7, -7]) / 2', () => I([7, -7]).div(2)],
  ['I([16777217]).clamp(min=2)', () => I([16777217]).clamp({ min: 2 })],
  ['I([16777217, 1]).clamp(2, 16777216)', () => I([16777217, 1]).clamp(2, 16777216)],
  ['I([16777217]).amax()', () => I([16777217]).amax()],
  ['I([16777217, 16777216]).eq(16777216)', () => I([16777217, 16777216]).eq(16777216)],
  ['I([16777217, -16777219]).abs()', () => I([16777217, -16777219]).abs()],
  ['torch.maximum(I([16777217]), I([16777216]))', () => maximum(I([16777217]), I([16777216]))],
  ['I([16777217, 2]).sum()', () => I([16777217, 2]).sum()],
  ['I([16777217]).float()', () => I([16777217]).float()],
  ['I([1, 2]) == t([1, 2.5])', () => I([1, 2]).eq(t([1, 2.5]))],
  ['B([True, False]) == I([1, 1])', () => B([true, false]).eq(I([1, 1]))],
];

export const rows: readonly Row[] = [
  ...pairs,
  ...pairsApart.map(([why, py, js]) => differing(why, py, py, js)),
  ...one,
  ...beyond.map(([py, js]) => row(py, py, js)),
  // In place: what the target cannot hold
  ...(
    [
      ['I([1]).add_(t([1]))', () => I([1]).add_(t([1]))],
      ['I([1]).sub_(1.5)', () => I([1]).sub_(1.5)],
      ['I([2]).mul_(B([True]))', () => I([2]).mul_(B([true]))],
      ['B([True]).add_(I([1]))', () => B([true]).add_(I([1]))],
      ['B([True]).mul_(B([False]))', () => B([true]).mul_(B([false]))],
      ['I([3]).div_(2)', () => I([3]).div_(2)],
      ['I([3]).clamp_(0.5, 1.5)', () => I([3]).clamp_(0.5, 1.5)],
      ['I([3]).clamp_(0, 2)', () => I([3]).clamp_(0, 2)],
      ['I([3]).fill_(2.9)', () => I([3]).fill_(2.9)],
      ['I([3]).fill_(True)', () => I([3]).fill_(true)],
      ['B([False]).fill_(2)', () => B([false]).fill_(2)],
      ['t([1]).mul_(I([3]))', () => t([1]).mul_(I([3]))],
      ['t([1]).add_(B([True]))', () => t([1]).add_(B([true]))],
      ['I([1, 2]).copy_(t([2.9, -2.9]))', () => I([1, 2]).copy_(t([2.9, -2.9]))],
      ['B([False, True]).copy_(t([0.5, 0]))', () => B([false, true]).copy_(t([0.5, 0]))],
    ] as const
  ).map(([py, js]) => row(py, py, js)),
  // Conversions and gradients
  row('no gradient passes int32', 'x = L([2.5]); (x.long() + x).sum().backward(); x.grad', () => {
    const x = L([2.5]);
    x.int().add(x).sum().backward();
    return x.grad;
  }),
  row('a gradient is float32 also where the other is int32', 'x = L([2.5, 1]); (x * I([3, 4]) + B([True, False])).sum().backward(); x.grad', () => {
    const x = L([2.5, 1]);
    x.mul(I([3, 4])).add(B([true, false])).sum().backward(); // biome-ignore format: short
    return x.grad;
  }),
  row('division of leaves by int32', 'x = L([3, 1]); (x / I([2, 4]) + I([1, 1]) / x).sum().backward(); x.grad', () => {
    const x = L([3, 1]);
    x.div(I([2, 4])).add(I([1, 1]).div(x)).sum().backward(); // biome-ignore format: short
    return x.grad;
  }),
  row('floats lose their fraction towards zero', 't([1.9, -1.9, 0.5]).long()', () => t([1.9, -1.9, 0.5]).int()),
  row('NaN and infinity are true', 't([nan, inf, -inf, 0]).bool()', () => t([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]).bool()),
  row('bool of fractions', '[t([0.1, 0, -0.0]).bool(), I([5, 0]).bool()]', () => [t([0.1, 0, -0]).bool(), I([5, 0]).bool()]),
  differing('types are converted by hand', 'cat promotes', 'torch.cat([I([1]), t([2.5])])', () => cat([I([1]), t([2.5])])),
  differing('types are converted by hand', 'stack promotes', 'torch.stack([I(1), t(2.5)])', () => stack([I(1), t(2.5)])),
];
