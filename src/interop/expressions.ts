// The library's ops as expressions of PyTorch, a row each. Whole numbers are int64 there.
import type { Node, Value } from './graph.ts';
import { keywords, literal, number, refuse, tuple } from './python.ts';

/** An op's inputs as Python, and what else its row may look at. */
interface Context {
  readonly args: readonly string[];
  readonly node: Node;
  // biome-ignore lint/suspicious/noExplicitAny: each op's options have a type of their own
  readonly a: any;
}
type Row = (c: Context) => string;

const infix =
  (sign: string): Row =>
  ({ args: [a, b] }) =>
    `${a} ${sign} ${b}`;
const fn =
  (name: string): Row =>
  ({ args }) =>
    `${name}(${args.join(', ')})`;
const prefix =
  (sign: string): Row =>
  ({ args: [a] }) =>
    `${sign}${a}`;
const shapeOf = (shape: readonly number[]): string => tuple(shape.map(String));
/** A number where PyTorch wants a tensor. */
export const asTensor = (text: string): string => (/^-?(\d|float\()/.test(text) ? `torch.tensor(${text})` : text);
const both =
  (name: string): Row =>
  ({ args }) =>
    `${name}(${args.map(asTensor).join(', ')})`;

/** Reduced dimensions and whether they stay; nothing where all go. */
function reduced({ node, a }: Context): string {
  const all = a.dims.length === node.inputs[0]?.shape.length && !a.keepdim;
  const dims = a.dims.length === 1 ? String(a.dims[0]) : shapeOf(a.dims);
  return all ? '' : `${dims}${a.keepdim ? ', keepdim=True' : ''}`;
}
const reduce =
  (name: string): Row =>
  (c) =>
    `${c.args[0]}.${name}(${reduced(c)})`;
/** One dimension, or all. */
const choice =
  (name: string): Row =>
  (c) =>
    c.a.dims.length > 1 && c.a.keepdim
      ? refuse(`${name} over several dimensions that stay`, 'has no counterpart in PyTorch. Reduce one at a time.')
      : `${c.args[0]}.${name}(${reduced(c)})`;
const alongDim =
  (name: string): Row =>
  ({ args: [x, ...rest], a }) =>
    `${x}.${name}(${[a.dim, ...rest.map(asTensor)].join(', ')})`;
const scan =
  (name: string): Row =>
  ({ args: [x], a }) =>
    a.length === 0 ? (x as string) : `${x}.${name}(${a[0]})`;

const finite = (v: number, whole: boolean): string | undefined => (!Number.isFinite(v) || (whole && Math.abs(v) >= 2 ** 31 - 1) ? undefined : number(v));
const TYPES = { float32: 'float', int32: 'long', bool: 'bool' } as const;

/** ops → Python. The receiver of a method is put in brackets by the caller where it must be. */
const ROWS: Readonly<Record<string, Row>> = {
  add: (c) => (c.node.output.dtype === 'bool' ? infix('|')(c) : infix('+')(c)),
  sub: infix('-'),
  mul: infix('*'),
  div: infix('/'),
  pow: ({ args }) => (args.length === 1 ? `torch.sqrt(${args[0]})` : `torch.pow(${args[0]}, ${args[1]})`),
  eq: infix('=='),
  ne: infix('!='),
  lt: infix('<'),
  le: infix('<='),
  logicalAnd: infix('&'),
  logicalOr: infix('|'),
  logicalXor: infix('^'),
  logicalNot: prefix('~'),
  neg: prefix('-'),
  maximum: both('torch.maximum'),
  minimum: both('torch.minimum'),
  ...Object.fromEntries('atan2 copysign fmax fmin fmod hypot remainder xlogy'.split(' ').map((name) => [name, both(`torch.${name}`)])),
  floorDivide: both('torch.floor_divide'),
  xlog1py: both('torch.special.xlog1py'),
  where: ({ args: [c, a, b] }) => `torch.where(${c}, ${/^-?\d/.test(a as string) && /^-?\d/.test(b as string) ? asTensor(a as string) : a}, ${b})`,
  ...Object.fromEntries(
    'abs sign square sqrt rsqrt reciprocal exp expm1 log log1p sin cos tan tanh sigmoid relu floor ceil trunc round erf erfc erfinv asin acos atan sinh cosh asinh acosh atanh log2 log10 exp2 lgamma digamma i0 logit'
      .split(' ')
      .map((name) => [name, fn(`torch.${name}`)]),
  ),
  sinc: ({ args: [x], a }) => (a.n === 0 ? `torch.sinc(${x})` : refuse('a derivative of sinc', 'has no counterpart in PyTorch.')),
  softplus: ({ args: [x] }) => `F.softplus(${x})`,
  gelu: fn('F.gelu'),
  leakyRelu: ({ args: [x, slope] }) => (/^-?\d/.test(slope as string) ? `F.leaky_relu(${x}, ${slope})` : `torch.where(${x} > 0, ${x}, ${slope} * ${x})`),
  hardtanh: ({ args: [x], a }) => `F.hardtanh(${x}, ${number(a.min)}, ${number(a.max)})`,
  softshrink: ({ args: [x], a }) => `F.softshrink(${x}, ${number(a.lambd)})`,
  clamp: ({ args: [x], a, node }) => {
    const whole = node.output.dtype !== 'float32';
    const bounds = { min: finite(a.min, whole), max: finite(a.max, whole) };
    return `torch.clamp(${[x, ...Object.entries(bounds).flatMap(([key, v]) => (v === undefined ? [] : [`${key}=${v}`]))].join(', ')})`;
  },
  matmul: infix('@'),
  bmm: infix('@'),
  hardsigmoid: fn('F.hardsigmoid'),
  hardswish: fn('F.hardswish'),
  linear: fn('F.linear'),
  conv2d: ({ args, a }) => {
    const { stride, padding, dilation } = a.windows;
    return `F.conv2d(${[...args, ...(args.length === 2 ? ['None'] : []), literal([...stride]), literal([...padding]), literal([...dilation]), String(a.groups)].join(', ')})`;
  },
  conv2dInputGrad: ({ args: [dy, w], a }) => {
    const { stride, padding, dilation } = a.windows;
    return `torch.nn.grad.conv2d_input(${[shapeOf(a.image), w, dy, literal([...stride]), literal([...padding]), literal([...dilation]), String(a.groups)].join(', ')})`;
  },
  maxPool2d: ({ args: [x], a, node }) => {
    const { kernel, stride, padding, dilation } = a.windows;
    const [h, w] = (node.inputs[0] as Value).shape.slice(-2) as [number, number];
    const floor = [h, w].map((n, i) => Math.floor((n + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1);
    const ceil = floor.some((n, i) => n !== a.output[i]);
    return `F.max_pool2d(${[x, ...[kernel, stride, padding, dilation].map((v) => literal([...v])), ...(ceil ? ['ceil_mode=True'] : [])].join(', ')})`;
  },
  avgPool2d: ({ args: [x], a, node }) => {
    // Windows that split each direction evenly, as adaptive pooling's do.
    const even = (ranges: readonly (readonly [number, number, number])[], n: number): boolean =>
      ranges.every(([from, to, by], i) => from === Math.floor((i * n) / ranges.length) && to === Math.ceil(((i + 1) * n) / ranges.length) && by === to - from);
    const [h, w] = (node.inputs[0] as Value).shape.slice(-2) as [number, number];
    if (even(a.rows, h) && even(a.columns, w)) return `F.adaptive_avg_pool2d(${x}, (${a.rows.length}, ${a.columns.length}))`;
    return refuse('avgPool2d called as a function, with windows that overlap or leave a rest,', 'cannot be written from its op. Use the layer nn.AvgPool2d.');
  },
  sum: reduce('sum'),
  amax: reduce('amax'),
  amin: reduce('amin'),
  any: reduce('any'),
  all: reduce('all'),
  argmax: choice('argmax'),
  argmin: choice('argmin'),
  prod: ({ args: [x], a }) => `${x}.prod(${a[0]}, keepdim=True)`,
  cumsum: scan('cumsum'),
  cumprod: scan('cumprod'),
  norm: (c) =>
    c.a.divisor === 1
      ? `torch.linalg.vector_norm(${[c.args[0], ...(reduced(c) ? [`dim=${reduced(c)}`] : [])].join(', ')})`
      : refuse('a norm with a divisor', 'has no counterpart in PyTorch.'),
  std: (c) => `torch.linalg.vector_norm(${[c.args[0], ...(reduced(c) ? [`dim=${reduced(c)}`] : [])].join(', ')}) / ${number(Math.sqrt(c.a.divisor))}`,
  view: ({ args: [x], node }) => `${x}.reshape(${shapeOf(node.output.shape)})`,
  permute: ({ args: [x], a }) => `${x}.permute(${shapeOf(a.dims)})`,
  expand: ({ args: [x], node }) => `${x}.expand(${shapeOf(node.output.shape)})`,
  slice: ({ args: [x], a }) =>
    a.step === 1 ? `${x}.narrow(${a.dim}, ${a.start}, ${a.count})` : `${x}[${':, '.repeat(a.dim)}${a.start}:${a.start + (a.count - 1) * a.step + 1}:${a.step}]`,
  select: ({ args: [x], a }) => `${x}.select(${a.dim}, ${a.index})`,
  unfoldDim: ({ args: [x], a }) => (a.dilation === 1 ? `${x}.unfold(${a.dim}, ${a.size}, ${a.step})` : refuse('unfoldDim with dilation', 'has no counterpart in PyTorch.')),
  diagonal: ({ args: [x], a }) => `${x}.diagonal(${a.offset}, ${a.dim1}, ${a.dim2})`,
  diagEmbed: ({ args: [x], a }) => `torch.diag_embed(${x}, ${a.offset}, ${a.dim1}, ${a.dim2})`,
  scaleGrad: ({ args: [x], a }) => `${number(a.scale)} * ${x} + (${x} - ${number(a.scale)} * ${x}).detach()`,
  weighGrad: ({ args: [x, w] }) => `${w} * ${x} + (${x} - ${w} * ${x}).detach()`,
  detach: ({ args: [x] }) => `${x}.detach()`,
  copy_: ({ args: [x, v] }) => `${x}.copy_(${asTensor(v as string)})`,
  clone: ({ args: [x] }) => `${asTensor(x as string)}.clone()`,
  to: ({ args: [x], a }) => `${x}.${TYPES[a.dtype as keyof typeof TYPES]}()`,
  cat: ({ args, a }) => `torch.cat([${args.join(', ')}], ${a.dim})`,
  flip: ({ args: [x], a }) => `${x}.flip(${shapeOf(a.dims)})`,
  pad: ({ args: [x], a }) => `F.pad(${x}, ${shapeOf([...a.margins].reverse().flat())}, value=${number(a.value)})`,
  indexSelect: ({ args: [x, i], a, node }) =>
    node.inputs[1]?.shape.length === 1
      ? `${x}.index_select(${a.dim}, ${i})`
      : refuse('indexSelect by an index of several dimensions', 'cannot be written. Use nn.Embedding, or flatten the index.'),
  indexAdd: alongDim('index_add'),
  indexCopy: alongDim('index_copy'),
  gather: alongDim('gather'),
  scatter: alongDim('scatter'),
  scatterAdd: alongDim('scatter_add'),
  argsort: ({ args: [x], a }) => `${x}.argsort(dim=-1, descending=${literal(a.descending)}, stable=True)`,
  softmax: ({ args: [x] }) => `F.softmax(${x}, -1)`,
  logSoftmax: ({ args: [x] }) => `F.log_softmax(${x}, -1)`,
  layerNorm: ({ args: [x], a }) => `F.layer_norm(${x}, ${x}.shape[-1:], eps=${number(a.eps)})`,
  batchNorm: ({ args: [x], a }) => `F.batch_norm(${x}, None, None, training=True, eps=${number(a.eps)})`,
  crossEntropy: ({ args: [x, t, w], a }) =>
    `F.cross_entropy(${[x, t, ...keywords({ weight: w && { code: w }, ignoreIndex: a.ignoreIndex === -100 ? undefined : a.ignoreIndex, reduction: a.reduction === 'mean' ? undefined : a.reduction, labelSmoothing: a.labelSmoothing || undefined })].join(', ')})`,
  mseLoss: ({ args, a }) => `F.mse_loss(${args.join(', ')}${a.mean ? '' : ", reduction='sum'"})`,
  huberLoss: ({ args: [e], a }) => `F.huber_loss(${e}, torch.zeros_like(${e}), reduction='none', delta=${number(a.delta)})`,
  smoothL1Loss: ({ args: [e], a }) => `F.smooth_l1_loss(${e}, torch.zeros_like(${e}), reduction='none', beta=${number(a.beta)})`,
  binaryCrossEntropy: ({ args }) => `F.binary_cross_entropy(${args.join(', ')}, reduction='none')`,
};

/** Ops whose first input may be a number in PyTorch too. */
const TAKES_NUMBERS = /^(add|sub|mul|div|eq|ne|lt|le|where|pow|copy_)$/;

/** An op that has ended up as a product with a number of elements: sum(x) / n. */
export function meanOf(node: Node): { of: Value; sum: Node } | undefined {
  const [top, n] = node.inputs;
  const sum = top?.node;
  if (node.op !== 'div' || sum?.op !== 'sum' || sum.output.dtype !== 'float32' || n?.kind !== 'constant' || n.shape.length > 0) return undefined;
  const x = sum.inputs[0] as Value;
  const count = (sum.attrs as { dims: number[] }).dims.reduce((m, d) => m * (x.shape[d] as number), 1);
  return n.data?.[0] === count ? { of: x, sum } : undefined;
}

/** A node as an expression of its inputs. */
export function expressionOf(node: Node, args: readonly string[]): string {
  const row = Object.hasOwn(ROWS, node.op) ? ROWS[node.op] : undefined;
  if (!row)
    return refuse(
      `the op '${node.op}'${node.call ? ` in ${node.call.path || node.call.className}` : ''}`,
      'has no counterpart that is written to PyTorch. Use a layer of nn, or write it with other ops.',
    );
  const [first = '', ...rest] = args;
  return row({ args: TAKES_NUMBERS.test(node.op) ? args : [asTensor(first), ...rest], node, a: node.attrs });
}

/** `x.mean(…)` for a sum that is divided by its count. */
export const meanExpression = (sum: Node, x: string): string => `${x}.mean(${reduced({ args: [x], node: sum, a: sum.attrs })})`;

/** Whether a constant's value goes into the program as a number. */
export const isScalar = (v: Value): boolean => v.kind === 'constant' && v.shape.length === 0 && (v.origin?.kind === 'outside' || v.origin?.kind === 'literal');
