// PyTorch's test_nn: what each layer gives, the gradients of input and parameters, and its running statistics. Weights are the same on both sides.
import { nn, type Shape, type Tensor, tensor } from 'gradloom';
import { fill, I, keywords, L, py, type Row } from './row.ts';

export const prelude = `
def pattern(shape):
    shape = tuple(shape)
    return torch.tensor([2 * math.cos(0.7 * i + 0.3) for i in range(math.prod(shape))], dtype=torch.float32).reshape(shape)
def through(m, x):
    y = m(x)
    y, *rest = y if isinstance(y, tuple) else (y,)
    if y.requires_grad: (y * pattern(y.shape)).sum().backward()
    return [y, *rest, x.grad, [p.grad for p in m.parameters()], [b.float() for b in m.buffers()]]
def layer(name, shape, *args, train=True, times=1, **options):
    m = fill(getattr(nn, name)(*args, **options)).train(train)
    for _ in range(times - 1): m(pattern(shape) + 1)
    return through(m, pattern(shape).requires_grad_())
def at(name, values, *args, **options): return through(fill(getattr(nn, name)(*args, **options)), L(values))
`;

export const pattern = (shape: Shape): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 2 * Math.cos(0.7 * i + 0.3)),
    { dtype: 'float32', shape },
  );
type Layer = nn.Module & { forward(x: Tensor): Tensor | { values: Tensor; indices: Tensor } };
const classes = nn as unknown as Readonly<Record<string, new (...args: unknown[]) => Layer>>;

function through(m: Layer, x: Tensor): unknown[] {
  const y = m.forward(x);
  const [first, ...rest] = 'values' in y && 'indices' in y ? [y.values, y.indices] : [y as Tensor];
  if (first.requiresGrad) first.mul(pattern(first.shape)).sum().backward();
  return [first, ...rest, x.grad, m.parameters().map((p) => p.grad), [...m.namedBuffers()].map(([, b]) => b.float())];
}
interface How {
  train?: boolean;
  /** How often it is run; the last time counts. */
  times?: number;
  differs?: string;
}
type Args = readonly unknown[];
const isOptions = (v: unknown): v is object => typeof v === 'object' && v !== null && !Array.isArray(v);
/** Arguments as Python takes them: an object at the end is named ones. */
const theirs = (args: Args, more: object = {}): string => {
  const last = args.at(-1);
  const named = isOptions(last) ? { ...last, ...more } : more;
  return [...(isOptions(last) ? args.slice(0, -1) : args).map(py), ...(Object.keys(named).length ? [keywords(named)] : [])].map((s) => `, ${s}`).join('');
};
const layer = (name: string, shape: Shape, args: Args = [], how: How = {}): Row => {
  const { differs, ...rest } = how;
  return {
    differs,
    name: `${name}(${theirs(args).slice(2)}) of ${py(shape)}${Object.entries(rest).map(([k, v]) => `, ${k} ${v}`)}`,
    js: () => {
      const m = fill(new (classes[name] as new (...a: unknown[]) => Layer)(...args)).train(how.train ?? true);
      for (let i = 1; i < (how.times ?? 1); i++) m.forward(pattern(shape).add(1));
      return through(m, pattern(shape).requiresGrad_());
    },
    py: `layer("${name}", ${py(shape)}${theirs(args, rest)})`,
  };
};
const KINKS = [-6, -3, -1, -0.5, 0, 0.5, 1, 3, 6, 7];
const LARGE = [-1e30, -300, -104, -90, -50, -17, -9, -1e-5, -1e-20, 1e-30, 1e-5, 9, 17, 50, 90, 104, 300, 1e30];
const SPECIAL = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN, 1];
/** At the very places where its pieces meet. */
const at = (name: string, args: Args = [], values: readonly number[] = KINKS, where = 'where pieces meet'): Row => ({
  name: `${name}(${theirs(args).slice(2)}) ${where}`,
  js: () => through(fill(new (classes[name] as new (...a: unknown[]) => Layer)(...args)), L(values as number[])),
  py: `at("${name}", ${py(values)}${theirs(args)})`,
});

const activations: readonly (readonly [name: string, ...args: unknown[]])[] = [
  ['ReLU'],
  ['ReLU6'],
  ['LeakyReLU'],
  ['LeakyReLU', 0.3],
  ['LeakyReLU', -0.5],
  ['PReLU'],
  ['ELU'],
  ['ELU', 0.5],
  ['CELU', 2],
  ['SELU'],
  ['GELU'],
  ['GELU', { approximate: 'tanh' }],
  ['SiLU'],
  ['Mish'],
  ['Sigmoid'],
  ['Tanh'],
  ['Softplus'],
  ['Softplus', { beta: 2, threshold: 5 }],
  ['Softsign'],
  ['Tanhshrink'],
  ['LogSigmoid'],
  ['Hardtanh'],
  ['Hardtanh', -0.5, 3],
  ['Hardsigmoid'],
  ['Hardswish'],
  ['Hardshrink'],
  ['Hardshrink', 1],
  ['Softshrink'],
  ['Softshrink', 3],
  ['Threshold', 0.5, 20],
  ['Threshold', 3, -1],
  ['Softmax', 0],
  ['LogSoftmax', 0],
  ['Softmin', 0],
  ['GLU', 0],
];

/** An embedding's rows and their gradients. */
const embedding = (args: readonly [rows: number, size: number, options?: { paddingIdx: number }], index: readonly number[][]): Row => ({
  name: `Embedding(${theirs(args).slice(2)}) of ${py(index)}`,
  js: () => {
    const m = fill(new nn.Embedding(...args));
    const y = m.forward(I(index as number[][]));
    y.mul(pattern(y.shape)).sum().backward();
    return [y, m.weight.grad];
  },
  py: `m = fill(nn.Embedding(${theirs(args).slice(2)})); y = m(I(${py(index)})); (y * pattern(y.shape)).sum().backward(); return [y, m.weight.grad]`,
});

export const rows: readonly Row[] = [
  ...activations.map(([name, ...args]) => at(name, args)),
  ...activations.map(([name, ...args]) => at(name, args, LARGE, 'of large and small numbers')),
  ...activations.map(([name, ...args]) => at(name, args, name === 'GELU' && args.length === 0 ? SPECIAL.slice(2) : SPECIAL, 'of what is not finite')),
  { ...at('GELU', [], [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY], 'of ±∞'), differs: 'the limits, 0 and ∞; PyTorch gives NaN' },
  layer('Linear', [2, 3], [3, 2]),
  layer('Linear', [3], [3, 2]),
  layer('Linear', [2, 1, 2, 3], [3, 1, { bias: false }]),
  layer('Linear', [0, 3], [3, 2]),
  layer('Identity', [2, 3]),
  layer('Flatten', [2, 3, 2, 2]),
  layer('Flatten', [2, 3, 2, 2], [0, 2]),
  layer('Flatten', [2, 3, 2, 2], [{ startDim: 2 }]),
  layer('Flatten', [0, 3, 2]),
  layer('PReLU', [2, 3, 4], [3]),
  layer('Softmax', [2, 3, 2], [1]),
  layer('LogSoftmax', [2, 3, 2], [-1]),
  layer('Softmin', [2, 3], [1]),
  layer('GLU', [2, 4, 3], [1]),
  layer('GLU', [2, 3, 3], [1]),
  layer('Conv1d', [2, 3, 7], [3, 4, 3]),
  layer('Conv1d', [2, 4, 7], [4, 4, 2, { stride: 2, padding: 1, dilation: 2, groups: 2 }]),
  layer('Conv1d', [3, 5], [3, 2, 1, { bias: false }]),
  layer('Conv1d', [2, 3, 6], [3, 2, 4, { padding: 'same' }]),
  layer('Conv1d', [2, 3, 6], [3, 2, 4, { padding: 'valid' }]),
  layer('Conv1d', [0, 3, 6], [3, 2, 3]),
  layer('Conv1d', [2, 3, 2], [3, 2, 3]),
  layer('Conv1d', [2, 2, 6], [3, 2, 3]),
  layer('Conv1d', [2, 3, 6], [3, 2, 3, { stride: 2, padding: 'same' }]),
  layer('Conv2d', [2, 3, 5, 6], [3, 4, 3]),
  layer('Conv2d', [2, 4, 5, 6], [4, 6, [2, 3], { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 }]),
  layer('Conv2d', [3, 5, 5], [3, 3, 3, { groups: 3, bias: false }]),
  layer('Conv2d', [1, 2, 4, 5], [2, 2, [2, 3], { padding: 'same' }]),
  layer('Conv2d', [1, 2, 4, 5], [2, 2, 3, { padding: 1, paddingMode: 'reflect' }]),
  layer('Conv2d', [1, 2, 4, 5], [2, 2, 3, { padding: [1, 2], paddingMode: 'circular' }]),
  layer('Conv2d', [1, 2, 4, 5], [2, 2, [3, 2], { padding: 'same', paddingMode: 'replicate' }]),
  layer('Conv2d', [0, 2, 4, 4], [2, 2, 3]),
  layer('Conv2d', [1, 2, 2, 2], [2, 2, 3]),
  layer('Conv2d', [1, 2, 2, 2], [2, 3, 2, { groups: 2 }]),
  layer('Conv2d', [2, 2], [2, 2, 1]),
  layer('MaxPool1d', [2, 3, 7], [2]),
  layer('MaxPool1d', [2, 7], [3, { stride: 2, padding: 1, returnIndices: true }]),
  layer('MaxPool1d', [1, 2, 8], [2, { dilation: 2, ceilMode: true, stride: 3 }]),
  layer('MaxPool1d', [1, 2, 8], [2, { padding: 2 }]),
  layer('MaxPool2d', [2, 3, 5, 6], [2]),
  layer('MaxPool2d', [3, 5, 6], [[2, 3], { stride: [1, 2], padding: [1, 0], returnIndices: true }]),
  layer('MaxPool2d', [1, 1, 5, 5], [2, { ceilMode: true }]),
  layer('MaxPool2d', [1, 1, 6, 6], [2, { dilation: 2, stride: 1 }]),
  layer('MaxPool2d', [1, 1, 1, 1], [2]),
  layer('AvgPool1d', [2, 3, 7], [3]),
  layer('AvgPool1d', [2, 7], [2, { stride: 1, padding: 1, countIncludePad: false }]),
  layer('AvgPool1d', [1, 1, 8], [3, { ceilMode: true, padding: 1 }]),
  layer('AvgPool2d', [2, 3, 5, 6], [2]),
  layer('AvgPool2d', [3, 5, 6], [[2, 3], { stride: [1, 2], padding: [1, 1], countIncludePad: false }]),
  layer('AvgPool2d', [1, 1, 5, 5], [2, { ceilMode: true, padding: 1 }]),
  layer('AvgPool2d', [1, 1, 4, 4], [2, { divisorOverride: 3 }]),
  layer('AdaptiveAvgPool1d', [2, 3, 7], [3]),
  layer('AdaptiveAvgPool1d', [3, 2], [5]),
  layer('AdaptiveAvgPool2d', [2, 3, 5, 6], [[2, 4]]),
  layer('AdaptiveAvgPool2d', [3, 5, 6], [1]),
  layer('AdaptiveAvgPool2d', [1, 2, 3, 4], [[null, 2]]),
  layer('ZeroPad1d', [2, 3], [[1, 2]]),
  layer('ZeroPad2d', [1, 2, 3], [[1, 0, 2, -1]]),
  layer('ConstantPad1d', [1, 2, 3], [2, 3.5]),
  layer('ConstantPad2d', [2, 3, 2], [1, -1]),
  layer('ReflectionPad1d', [1, 2, 4], [[3, 1]]),
  layer('ReflectionPad1d', [1, 2, 3], [3]),
  layer('ReflectionPad2d', [1, 3, 4], [[1, 2, 2, 0]]),
  layer('ReplicationPad1d', [2, 3], [[2, 4]]),
  layer('ReplicationPad2d', [1, 1, 2, 3], [2]),
  layer('CircularPad1d', [1, 2, 4], [[1, 3]]),
  layer('CircularPad2d', [1, 1, 3, 3], [[1, 2, 3, 0]]),
  layer('CircularPad1d', [1, 2, 3], [4]),
  layer('BatchNorm1d', [4, 3], [3]),
  layer('BatchNorm1d', [4, 3, 2], [3, { momentum: null }], { times: 3 }),
  layer('BatchNorm1d', [4, 3], [3, { momentum: 0.5, affine: false }], { times: 2 }),
  layer('BatchNorm1d', [4, 3], [3], { train: false }),
  layer('BatchNorm1d', [4, 3], [3, { trackRunningStats: false }], { train: false }),
  layer('BatchNorm1d', [4, 3], [3, { eps: 0.1, momentum: 0 }], { times: 2 }),
  layer('BatchNorm1d', [1, 3], [3]),
  layer('BatchNorm1d', [1, 3], [3], { train: false }),
  layer('BatchNorm1d', [1, 3, 2], [3]),
  layer('BatchNorm1d', [4, 2], [3]),
  layer('BatchNorm1d', [4, 3, 2, 2], [3]),
  layer('BatchNorm2d', [2, 3, 2, 2], [3, { momentum: null }], { times: 4 }),
  layer('BatchNorm2d', [2, 3, 2, 2], [3]),
  layer('BatchNorm2d', [2, 3, 2, 2], [3, { affine: false, trackRunningStats: false }]),
  layer('BatchNorm2d', [3, 2, 2], [3]),
  layer('InstanceNorm1d', [2, 3, 4], [3]),
  layer('InstanceNorm1d', [3, 4], [3, { affine: true }]),
  layer('InstanceNorm1d', [2, 3, 4], [3, { momentum: null, trackRunningStats: true }], { times: 2 }),
  layer('InstanceNorm1d', [2, 3, 1], [3]),
  layer('InstanceNorm2d', [2, 3, 2, 2], [3, { affine: true, trackRunningStats: true }], { times: 2 }),
  layer('InstanceNorm2d', [2, 3, 2, 2], [3, { momentum: null, trackRunningStats: true, affine: true }], { times: 3 }),
  layer('InstanceNorm2d', [2, 3, 2, 2], [3, { trackRunningStats: true }], { train: false }),
  layer('InstanceNorm2d', [3, 2, 2], [3]),
  layer('LayerNorm', [2, 3, 4], [4]),
  layer('LayerNorm', [2, 3, 4], [[3, 4], { eps: 0.1 }]),
  layer('LayerNorm', [3, 4], [[3, 4], { elementwiseAffine: false }]),
  layer('LayerNorm', [2, 4], [4, { bias: false }]),
  layer('LayerNorm', [2, 3], [4]),
  layer('LayerNorm', [0, 4], [4]),
  layer('GroupNorm', [2, 4, 3], [2, 4]),
  layer('GroupNorm', [2, 6], [3, 6, { affine: false, eps: 0.1 }]),
  layer('GroupNorm', [1, 4, 2, 2], [4, 4]),
  layer('GroupNorm', [1, 4], [4, 4]),
  layer('GroupNorm', [1, 3], [3, 3, { affine: false }]),
  layer('GroupNorm', [2, 5, 2], [2, 4]),
  layer('GroupNorm', [2, 4], [3, 4]),
  layer('RMSNorm', [2, 3, 4], [4]),
  layer('RMSNorm', [2, 3, 4], [[3, 4], { eps: 0.1, elementwiseAffine: false }]),
  layer('Dropout', [2, 3], [0.5], { train: false }),
  layer('Dropout', [2, 3], [0]),
  layer('Dropout', [2, 3], [1]),
  layer('Dropout', [2, 3], [1.5]),
  layer('Dropout', [2, 3], [-0.1]),
  layer('Dropout2d', [2, 3, 2, 2], [1]),
  layer('Dropout2d', [2, 3, 2, 2], [0.5], { train: false }),
  embedding(
    [4, 3],
    [
      [0, 3],
      [3, 3],
    ],
  ),
  embedding([4, 3, { paddingIdx: 1 }], [[0, 1, 1, 2]]),
  embedding([4, 2, { paddingIdx: -1 }], [[3, 2, 3]]),
  embedding([4, 2, { paddingIdx: 4 }], [[0]]),
  embedding([4, 2], [[4]]),
  embedding([4, 2], [[-1]]),
  layer('Conv3d', [1, 1, 2, 2, 2], [1, 1, 1]),
  layer('ConvTranspose2d', [1, 1, 2, 2], [1, 1, 2]),
  layer('LSTM', [2, 3], [3, 2]),
  layer('MultiheadAttention', [2, 4], [4, 2]),
  layer('Unflatten', [2, 4], [1, [2, 2]]),
  layer('RReLU', [2, 3], [], { train: false }),
].map((row) => (/^(Conv3d|ConvTranspose|LSTM|Multihead|Unflatten|RReLU)/.test(row.name) ? { ...row, js: null } : row));
