// PyTorch's test_autograd: gradients at kinks, ends of domains, infinities and NaN, where a mask must choose and not multiply.
import { addcmul, atan2, lerp, logaddexp, maximum, minimum, nanToNum, nn, pow, type Tensor, type TensorData, where } from 'gradloom';
import { DD, I, L, type Row, row, t, text, valueAndGradient } from './row.ts';

const F = nn.functional;
const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];

type Case = readonly [py: string, js: (x: Tensor, ...more: Tensor[]) => Tensor, ...data: TensorData[]];

/** ∞ · 0: what is masked out has gradient 0 although the gradient from behind is infinite. */
const masked: readonly Case[] = [
  ['x.clamp(min=0).sqrt()', (x) => x.clamp({ min: 0 }).sqrt(), [-1, 4]],
  ['x.clamp(max=0).neg().sqrt()', (x) => x.clamp({ max: 0 }).neg().sqrt(), [-4, 3]],
  ['(x * 1).clamp_(min=0).sqrt()', (x) => x.mul(1).clamp_({ min: 0 }).sqrt(), [-2, 9]],
  ['x.relu().sqrt()', (x) => x.relu().sqrt(), [-3, 16]],
  ['(x * 1).zero_().sqrt() + x', (x) => x.mul(1).zero_().sqrt().add(x), [1, 4]],
  ['torch.where(x > 0, x, 0).sqrt()', (x) => where(x.gt(0), x, 0).sqrt(), [-1, 4]],
  ['x.masked_fill(x < 0, 0).sqrt()', (x) => x.maskedFill(x.lt(0), 0).sqrt(), [-1, 4]],
  ['torch.maximum(x, o[0]).sqrt()', (x, y) => maximum(x, y as Tensor).sqrt(), [-1, 4], [0, 1]],
  ['torch.minimum(x, o[0]).sqrt()', (x, y) => minimum(x, y as Tensor).sqrt(), [3, 4], [0, 9]],
  ['F.relu6(x).sqrt()', (x) => F.relu6(x).sqrt(), [-1, 4, 7]],
  ['F.hardtanh(x, 0, 1).sqrt()', (x) => F.hardtanh(x, 0, 1).sqrt(), [-1, 0.25, 3]],
  ['F.hardsigmoid(x).sqrt()', (x) => F.hardsigmoid(x).sqrt(), [-4, 1]],
  ['F.hardswish(x).sqrt()', (x) => F.hardswish(x).sqrt(), [-4, 1]],
  ['F.softshrink(x).sqrt()', (x) => F.softshrink(x).sqrt(), [0.2, 1.5]],
  ['F.hardshrink(x).sqrt()', (x) => F.hardshrink(x).sqrt(), [0.2, 4]],
  ['F.threshold(x, 1, 0).sqrt()', (x) => F.threshold(x, 1, 0).sqrt(), [0.2, 4]],
  ['x.floor().sqrt() + x', (x) => x.floor().sqrt().add(x), [0.5, 4.2]],
  ['x.ceil().sqrt() + x', (x) => x.ceil().sqrt().add(x), [-0.5, 3.2]],
  ['x.trunc().sqrt() + x', (x) => x.trunc().sqrt().add(x), [-0.5, 3.2]],
  ['x.round().sqrt() + x', (x) => x.round().sqrt().add(x), [0.25, 3.2]],
  ['x.sign().sqrt() + x', (x) => x.sign().sqrt().add(x), [0, 3]],
  ['nn.functional.pad(x, (1, 1)).sqrt()', (x) => F.pad(x, [1, 1]).sqrt(), [1, 4]],
  ['x.tril().sqrt()', (x) => x.tril().sqrt(), [[1, 4], [9, 16]]], // biome-ignore format: a matrix
  ['x.triu(1).sqrt()', (x) => x.triu(1).sqrt(), [[1, 4], [9, 16]]], // biome-ignore format: a matrix
  ['torch.nan_to_num(x, 0).sqrt()', (x) => nanToNum(x, 0).sqrt(), [nan, 4]],
];

/** Values and gradients at special points. */
const special: readonly Case[] = [
  ['torch.atan2(x, o[0])', (x, y) => atan2(x, y as Tensor), [0, 1, -1, 0], [0, 0, 0, -1]],
  ['torch.atan2(o[0], x) * 3', (x, y) => atan2(y as Tensor, x).mul(3), [0, 2], [0, -1]],
  ['x.max()', (x) => x.max(), [1, nan, 3]],
  ['x.min()', (x) => x.min(), [nan, 1, nan]],
  ['x.amax()', (x) => x.amax(), [2, 2, 1]],
  ['x.amin(0)', (x) => x.amin(0), [[1, 2], [1, 0]]], // biome-ignore format: a matrix
  ['x.max(0).values', (x) => x.max(0).values, [2, 2, 1]],
  ['torch.maximum(x, o[0])', (x, y) => maximum(x, y as Tensor), [nan, 1, 2, 3], [1, nan, 2, 1]],
  ['torch.minimum(x, o[0])', (x, y) => minimum(x, y as Tensor), [nan, 1, 2, -inf], [1, nan, 2, inf]],
  ['x.abs()', (x) => x.abs(), [-0, 0, -inf, nan]],
  ['x.relu()', (x) => x.relu(), [0, -0, inf, nan]],
  ['x.sqrt()', (x) => x.sqrt(), [0, 4, inf]],
  ['x.rsqrt()', (x) => x.rsqrt(), [0, 4]],
  ['x.log()', (x) => x.log(), [0, 1, inf]],
  ['x.log1p()', (x) => x.log1p(), [-1, 0, inf]],
  ['x.exp()', (x) => x.exp(), [-inf, 0, 100]],
  ['x.sigmoid()', (x) => x.sigmoid(), [-inf, -200, 200, inf]],
  ['x.tanh()', (x) => x.tanh(), [-inf, -50, 50, inf]],
  ['F.softplus(x)', (x) => F.softplus(x), [-100, 0, 20, 21, 100]],
  ['F.gelu(x)', (x) => F.gelu(x), [-20, 0, 20]],
  ['F.silu(x)', (x) => F.silu(x), [-100, 0, 100]],
  ['F.logsigmoid(x)', (x) => F.logsigmoid(x), [-100, 0, 100]],
  ['F.leaky_relu(x, 0.1)', (x) => F.leakyRelu(x, 0.1), [0, -1, 1]],
  ['F.prelu(x, o[0])', (x, w) => F.prelu(x, w as Tensor), [0, -1, 1], [0.25]],
  ['F.elu(x)', (x) => F.elu(x), [0, -100, 100]],
  ['F.selu(x)', (x) => F.selu(x), [0, -100, 1]],
  ['F.celu(x, 2)', (x) => F.celu(x, 2), [0, -100, 1]],
  ['F.hardtanh(x)', (x) => F.hardtanh(x), [-1, 1, 0]],
  ['F.hardsigmoid(x)', (x) => F.hardsigmoid(x), [-3, 3, 0]],
  ['F.hardswish(x)', (x) => F.hardswish(x), [-3, 3, 0]],
  ['F.softshrink(x, 1)', (x) => F.softshrink(x, 1), [-1, 1, 0]],
  ['F.hardshrink(x, 1)', (x) => F.hardshrink(x, 1), [-1, 1, 2]],
  ['F.threshold(x, 1, 5)', (x) => F.threshold(x, 1, 5), [1, 0, 2]],
  ['x.asin()', (x) => x.asin(), [1, -1, 0]],
  ['x.acos()', (x) => x.acos(), [1, -1, 0]],
  ['x.norm()', (x) => x.norm(), [0, 0]],
  ['x.norm(1)', (x) => x.norm(1), [0, -2]],
  ['x.norm(inf)', (x) => x.norm(inf), [3, -3, 1]],
  ['x.norm(-inf)', (x) => x.norm(-inf), [1, -1, 3]],
  ['x.norm(3)', (x) => x.norm(3), [0, -2, 1]],
  ['x.std()', (x) => x.std(), [2, 2, 2]],
  ['x.std()', (x) => x.std(), [1e20, 2e20, 3e20]],
  ['x.norm()', (x) => x.norm(), [3e30, 4e30]],
  ['x.prod()', (x) => x.prod(), [0, 2, 3]],
  ['x.prod()', (x) => x.prod(), [0, 2, 0]],
  ['x.cumprod(0)', (x) => x.cumprod(0), [2, 0, 3, 0, 4]],
  ['x.logsumexp(0)', (x) => x.logsumexp(0), [-inf, 0, 1]],
  ['x.logsumexp(0)', (x) => x.logsumexp(0), [1e30, 1e30]],
  ['x.softmax(0)', (x) => x.softmax(0), [-inf, 0, 1000]],
  ['x.log_softmax(0)', (x) => x.logSoftmax(0), [-1000, 0, 1000]],
  ['torch.logaddexp(x, o[0])', (x, y) => logaddexp(x, y as Tensor), [0, 1000, -1000], [0, 1000, 0]],
  ['x ** 0', (x) => x.pow(0), [0, 1, -2, inf]],
  ['x ** 1', (x) => x.pow(1), [0, 1, -2, inf]],
  ['x ** 2', (x) => x.pow(2), [0, -2, inf]],
  ['x ** 3', (x) => x.pow(3), [0, -2]],
  ['x ** 0.5', (x) => x.pow(0.5), [0, 4, -1]],
  ['x ** 1.5', (x) => x.pow(1.5), [0, 4]],
  ['x ** -1', (x) => x.pow(-1), [0, -2, inf]],
  ['x ** o[0]', (x, y) => x.pow(y as Tensor), [0, 0, 0, 2, -2], [0, 1, 2, -1, 2]],
  ['1 ** x', (x) => pow(1, x), [nan, inf, -inf, 3]],
  ['0 ** x', (x) => pow(0, x), [0, 1, 2]],
  ['(-1) ** x', (x) => pow(-1, x), [2, 3, 0]],
  [
    '(t([-1, -1]) ** x).detach() * x',
    (x) =>
      pow(t([-1, -1]), x)
        .detach()
        .mul(x),
    [inf, -inf],
  ],
  ['torch.lerp(x, o[0], 1.0)', (x, y) => lerp(x, y as Tensor, 1), [1e8, 3], [1, 5]],
  ['torch.lerp(x, o[0], 0.75)', (x, y) => lerp(x, y as Tensor, 0.75), [1e8, 3], [1, 5]],
  ['torch.lerp(x, o[0], o[1])', (x, y, w) => lerp(x, y as Tensor, w as Tensor), [1e8, 3, 1], [1, 5, 2], [1, 0, 0.25]],
  ['torch.addcmul(x, x, o[0])', (x, y) => addcmul(x, x, y as Tensor), [2, 3], [4, 5]],
  ['x.clamp(o[0])', (x, y) => x.clamp(y as Tensor), [1, 2, 5], [nan, 3, 4]],
  ['x.clamp(max=o[0])', (x, y) => x.clamp({ max: y as Tensor }), [1, nan, 5], [0, 3, nan]],
  ['x.clamp(1, -1)', (x) => x.clamp(1, -1), [-3, 0, 3]],
  ['x.clamp(-1, 1)', (x) => x.clamp(-1, 1), [-3, nan, 0.5, inf]],
  ['x.sinh()', (x) => x.sinh(), [89, -89, 0]],
  ['x.cosh()', (x) => x.cosh(), [89, -89, 0]],
  ['x.tan()', (x) => x.tan(), [0, 1, -1.5]],
  ['x.expm1()', (x) => x.expm1(), [1e-7, -100, 0]],
  ['x.square() / x', (x) => x.square().div(x), [0, 2]],
  ['x.reciprocal()', (x) => x.reciprocal(), [0, inf, -2]],
  ['x.erf()', (x) => x.erf(), [0, 5, -inf]],
  ['x.sign()* x', (x) => x.sign().mul(x), [0, -2, nan]],
  ['F.normalize(x, dim=0)', (x) => F.normalize(x, { dim: 0 }), [0, 0]],
  ['F.cosine_similarity(x, o[0], dim=0)', (x, y) => F.cosineSimilarity(x, y as Tensor, { dim: 0 }), [0, 0], [1, 2]],
  ['F.cross_entropy(x, I([1]))', (x) => F.crossEntropy(x, x.argmax(1)), [[-1000, 1000]]],
];

/** Second derivatives, at kinks too. */
const second: readonly Case[] = [
  ['F.huber_loss(x, x * 0, reduction="none")', (x) => F.huberLoss(x, x.mul(0), { reduction: 'none' }), [0, 0.5, 2]],
  ['F.smooth_l1_loss(x, x * 0, reduction="none")', (x) => F.smoothL1Loss(x, x.mul(0), { reduction: 'none' }), [0, -0.5, -2]],
  ['x.relu() ** 2', (x) => x.relu().pow(2), [-1, 0, 2]],
  ['x.abs() * x', (x) => x.abs().mul(x), [-1, 0, 2]],
  ['x ** 2', (x) => x.pow(2), [0, 3]],
  ['x ** 3', (x) => x.pow(3), [0, -2]],
  ['x ** 2.5', (x) => x.pow(2.5), [0, 4]],
  ['x.sqrt()', (x) => x.sqrt(), [4, 1]],
  ['x.rsqrt()', (x) => x.rsqrt(), [4, 1]],
  ['x.sigmoid()', (x) => x.sigmoid(), [0, 2, -50]],
  ['x.tanh()', (x) => x.tanh(), [0, 2, -50]],
  ['x.exp()', (x) => x.exp(), [0, 2]],
  ['x.log()', (x) => x.log(), [1, 2]],
  ['x.sin()', (x) => x.sin(), [0, 2]],
  ['x.atan()', (x) => x.atan(), [0, 2]],
  ['F.gelu(x)', (x) => F.gelu(x), [0, -1.5, 2]],
  ['F.silu(x)', (x) => F.silu(x), [0, -1.5, 2]],
  ['F.softplus(x)', (x) => F.softplus(x), [0, -1.5, 30]],
  ['F.elu(x)', (x) => F.elu(x), [-1, 2]],
  ['F.hardswish(x)', (x) => F.hardswish(x), [-1, 2, 5]],
  ['F.mish(x)', (x) => F.mish(x), [-1, 0, 2]],
  ['F.leaky_relu(x) * x', (x) => F.leakyRelu(x).mul(x), [-1, 2]],
  ['x.clamp(-1, 1) * x', (x) => x.clamp(-1, 1).mul(x), [-2, 0.5, 3]],
  ['x.erf()', (x) => x.erf(), [0, 1]],
  ['x.asin()', (x) => x.asin(), [0, 0.5]],
  ['x.sinh()', (x) => x.sinh(), [0, 2]],
  ['F.elu(x)', (x) => F.elu(x), [0]],
  ['F.celu(x, 2)', (x) => F.celu(x, 2), [0]],
  ['F.selu(x)', (x) => F.selu(x), [0]],
  ['x ** 0', (x) => x.pow(0), [0, 2]],
  ['x ** 1', (x) => x.pow(1), [0, 2]],
  ['x.asin()', (x) => x.asin(), [1, -1]],
  ['x.acos()', (x) => x.acos(), [1, -1]],
  ['x.norm()', (x) => x.norm(), [0, 0]],
  ['x.std()', (x) => x.std(), [2, 2]],
  ['x.norm(3)', (x) => x.norm(3), [3, 4]],
  ['x.abs()', (x) => x.abs(), [0, 2]],
  ['x.maximum(x * x)', (x) => maximum(x, x.mul(x)), [0, 2, 1]],
];

/** Writes that mask: gradients of l through b, whose root is taken behind. */
const parts: readonly (readonly [py: string, js: (b: Tensor) => unknown])[] = [
  ['b[0].zero_()', (b) => b.select(0, 0).zero_()],
  ['b[:1].fill_(0)', (b) => b.slice(0, 0, 1).fill_(0)],
  ['b[0].copy_(t(0))', (b) => b.select(0, 0).copy_(t(0))],
  ['b[1:].mul_(0)', (b) => b.slice(0, 1).mul_(0)],
  ['b.copy_(t([0, 0]))', (b) => b.copy_(t([0, 0]))],
  ['b[:1].clamp_(min=0)', (b) => b.slice(0, 0, 1).clamp_({ min: 0 })],
];
const byWrites = parts.map(([py, js]) =>
  row(`a write chooses: ${py}`, `l = L([-1, 4]); b = l * 1; ${py}; b.sqrt().sum().backward(); l.grad`, () => {
    const l = L([-1, 4]);
    const b = l.mul(1);
    js(b);
    b.sqrt().sum().backward();
    return l.grad;
  }),
);

/** Losses of which every target is ignored. */
const ignored = (['mean', 'sum', 'none'] as const).map((reduction) =>
  row(
    `cross entropy of ignored targets, ${reduction}`,
    `x = L([[1, 2], [3, 4]]); y = F.cross_entropy(x, I([-100, -100]), reduction="${reduction}"); y.sum().backward(); [y, x.grad]`,
    () => {
      const x = L([[1, 2], [3, 4]]); // biome-ignore format: a matrix
      const y = F.crossEntropy(x, I([-100, -100]), { reduction });
      y.sum().backward();
      return [y, x.grad];
    },
  ),
);

/** Where the answer differs for a reason. */
const reasons: Readonly<Record<string, string>> = {
  'torch.nan_to_num(x, 0).sqrt()': 'its mask chooses too',
  'x.norm()': 'finite wherever float32 holds it',
  'x.logsumexp(0)': 'the gradient is the softmax, also where the largest number swallows the rest',
};
/** Second derivatives at kinks that differ. */
const secondReasons: Readonly<Record<string, string>> = {
  'F.elu(x) at [0]': 'the limit from below',
  'F.celu(x, 2) at [0]': 'the limit from below',
  'F.selu(x) at [0]': 'the limit from below',
  'x.asin() at [1, -1]': 'NaN where it is infinite',
  'x.acos() at [1, -1]': 'NaN where it is infinite',
  'x.norm() at [0, 0]': 'finite',
};
const huge = (data: unknown): boolean => JSON.stringify(data).includes('e+30');
const explained = (r: Row, py: string, data: unknown): Row => {
  const why = reasons[py];
  return why && (!/norm|logsumexp/.test(py) || huge(data)) ? { ...r, differs: why } : r;
};

export const rows: readonly Row[] = [
  ...masked.map(([py, js, ...data]) => explained(valueAndGradient(`a mask chooses: ${py}`, py, js, ...data), py, data)),
  ...special.map(([py, js, ...data]) => explained(valueAndGradient(`${py} at ${data.map(text).join(', ')}`, py, js, ...data), py, data)),
  ...byWrites,
  ...ignored,
  ...second.map(([py, js, data]) => {
    const at = `${py} at ${text(data)}`;
    const r = row(`the second derivative of ${at}`, `DD(lambda x: ${py}, ${text(data)})`, () => DD(js, data as TensorData));
    return secondReasons[at] ? { ...r, differs: secondReasons[at] } : r;
  }),
];
