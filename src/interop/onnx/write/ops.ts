// Ops as nodes of ONNX: one row for each op of the library that has an operator, or a few.
import { shapeError, valueError } from '../../../tensor/errors.ts';
import type { DType } from '../../../tensor/dtype.ts';
import type { Value } from '../../graph.ts';
import { type Emitter, float, TYPE } from '../emitter.ts';
import { notByBatch, PerBatch, type Size } from '../sizes.ts';
import { lossRows } from './losses.ts';
import type { OpRow } from './row.ts';
import { attentionNode, recurrenceNode } from './sequences.ts';

const one =
  (op: string): OpRow =>
  (e, x) =>
    e.node(op, x);

const reducing =
  (op: string): OpRow =>
  (e, x, { attrs: { dims, keepdim } }) =>
    dims.length === 0 ? e.node('Identity', x) : e.node(op, [x[0] as string, e.ints(dims)], { keepdims: Number(keepdim) });

/** √(Σx²/divisor). */
const root: OpRow = (e, x, { attrs: { dims, keepdim, divisor } }) => {
  const squares = e.node('ReduceSumSquare', [x[0] as string, e.ints(dims)], { keepdims: Number(keepdim) });
  return e.node('Sqrt', [divisor === 1 ? squares : e.node('Div', [squares, e.scalar(divisor)])]);
};

const chosen =
  (op: string): OpRow =>
  (e, x, { inputs, attrs: { dims, keepdim } }) => {
    const rank = (inputs[0] as Value).shape.length;
    // Over all dimensions the place counts in row-major order.
    const flat = dims.length !== 1 ? e.node('Reshape', [x[0] as string, e.ints([-1])]) : (x[0] as string);
    const at = e.int32(e.node(op, [flat], { axis: dims.length === 1 ? dims[0] : 0, keepdims: dims.length === 1 ? Number(keepdim) : 0 }));
    return dims.length !== 1 && keepdim ? e.node('Reshape', [at, e.ints(new Array<number>(rank).fill(1))]) : at;
  };

const overBools =
  (op: string): OpRow =>
  (e, x, { attrs: { dims, keepdim } }) => {
    const numbers = e.node('Cast', x, { to: TYPE.int32 });
    return e.node('Cast', [e.node(op, [numbers, e.ints(dims)], { keepdims: Number(keepdim) })], { to: TYPE.bool });
  };

const windowAttributes = ({
  kernel,
  stride,
  padding,
  dilation,
}: Record<'kernel' | 'stride' | 'padding' | 'dilation', number[]>): Record<'kernel_shape' | 'strides' | 'pads' | 'dilations', number[]> => ({
  kernel_shape: [...kernel],
  strides: [...stride],
  pads: [...padding, ...padding],
  dilations: [...dilation],
});

const convolution: OpRow = (e, x, { attrs: { windows, groups } }) => e.node('Conv', x, { ...windowAttributes(windows), group: groups });

/** A convolution's gradient towards its image: the transposed one. What the image has beyond the windows is output padding. */
const transposed: OpRow = (e, x, { inputs, attrs: { windows, groups, image }, what }) => {
  const sizes = e.fixed(e.shape(inputs[0] as Value).slice(2), what);
  const target = e.fixed(image.slice(2), what);
  const { kernel, stride, padding, dilation } = windows;
  const more = target.map((n, i) => n - ((sizes[i] as number) - 1) * stride[i] - dilation[i] * (kernel[i] - 1) - 1 + 2 * padding[i]);
  return e.node('ConvTranspose', x, { ...windowAttributes(windows), group: groups, ...(more.some((n) => n !== 0) && { output_padding: more }) });
};

const maxPooling: OpRow = (e, x, { inputs, attrs: { windows, output }, what }) => {
  const image = e.fixed(e.shape(inputs[0] as Value).slice(-2), what);
  const { kernel, stride, padding, dilation } = windows;
  const floor = image.map((n, i) => Math.floor((n + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1);
  const attributes = { ...windowAttributes(windows), ceil_mode: Number(floor.join() !== output.join()) };
  return fourDimensional(e, x[0] as string, inputs[0] as Value, (y) => e.node('MaxPool', [y], attributes), output);
};

/** For operators that want a batch: [C, H, W] as one picture. */
function fourDimensional(e: Emitter, x: string, v: Value, f: (x: string) => string, output: readonly number[]): string {
  if (v.shape.length === 4) return f(x);
  const y = f(e.node('Unsqueeze', [x, e.ints([0])]));
  return e.node('Reshape', [y, e.reshaping([...e.shape(v).slice(0, -2), ...output])]);
}

/** Averages over windows of any form are linear along each direction: rows · x · columnsᵀ. */
const averagePooling: OpRow = (e, x, { attrs: { rows, columns, image } }) => {
  const matrix = (ranges: readonly (readonly [number, number, number])[], size: number): number[] =>
    ranges.flatMap(([start, end, count]) => Array.from({ length: size }, (_, i) => (i >= start && i < end ? 1 / count : 0)));
  const [h, w] = image;
  const right = matrix(columns, w);
  const flipped = Array.from({ length: right.length }, (_, i) => right[(i % columns.length) * w + Math.floor(i / columns.length)] as number);
  const across =
    columns.length === w && w === 1 && columns[0][2] === 1 ? (x[0] as string) : e.node('MatMul', [x[0] as string, e.constant(flipped, 'float32', [w, columns.length])]);
  return rows.length === h && h === 1 && rows[0][2] === 1 ? across : e.node('MatMul', [e.constant(matrix(rows, h), 'float32', [rows.length, h]), across]);
};

/** [N, C, L] to mean 0 and variance 1 over the given dimensions. */
const standardized = (e: Emitter, x: string, dims: readonly number[], eps: number): string => {
  const centred = e.node('Sub', [x, e.node('ReduceMean', [x, e.ints(dims)], { keepdims: 1 })]);
  const variance = e.node('ReduceMean', [e.node('Mul', [centred, centred]), e.ints(dims)], { keepdims: 1 });
  return e.node('Div', [centred, e.node('Sqrt', [e.node('Add', [variance, e.scalar(eps)])])]);
};

const lastSize = (e: Emitter, v: Value, what: string): number => e.fixed(e.shape(v).slice(-1), what)[0] as number;

const linear: OpRow = (e, x, { inputs }) => {
  const [input, weight, bias] = x as [string, string, string | undefined];
  if ((inputs[0] as Value).shape.length === 2) return e.node('Gemm', bias ? [input, weight, bias] : [input, weight], { transB: 1 });
  const y = e.node('MatMul', [input, e.node('Transpose', [weight], { perm: [1, 0] })]);
  return bias ? e.node('Add', [y, bias]) : y;
};

/** a + b·n, of sizes that may go with the batch. */
function plus(a: Size, b: Size, n: number, what: string): Size {
  if (typeof a === 'number' && typeof b === 'number') return a + b * n;
  if (a instanceof PerBatch && b instanceof PerBatch) return new PerBatch(a.per + b.per * n);
  if (a === 0 && b instanceof PerBatch) return new PerBatch(b.per * n);
  throw notByBatch(what, 'a slice of some per sample and some more');
}

const slicing: OpRow = (e, x, { attrs: { dim, start, step, count }, inputs, what }) => {
  const size = e.shape(inputs[0] as Value)[dim] as Size;
  // All of a dimension that goes with the batch.
  if (typeof count !== 'number' && start === 0 && step === 1 && typeof size !== 'number' && size.per === count.per) return e.node('Identity', x);
  return e.node('Slice', [x[0] as string, e.sizes([start]), e.sizes([plus(start, count, step, what)]), e.ints([dim]), e.ints([step])]);
};

/** Windows along a dimension become one of their own, last. */
const sliding: OpRow = (e, x, { attrs: { dim, count, size, step, dilation }, inputs, what }) => {
  const [n] = e.fixed([count], what) as [number];
  const places = Array.from({ length: n * size }, (_, i) => Math.floor(i / size) * step + (i % size) * dilation);
  const y = e.node('Gather', [x[0] as string, e.constant(places, 'int32', [n, size])], { axis: dim });
  const rank = (inputs[0] as Value).shape.length;
  const order = Array.from({ length: rank + 1 }, (_, i) => i).filter((i) => i !== dim + 1);
  return e.node('Transpose', [y], { perm: [...order, dim + 1] });
};

const padded: OpRow = (e, x, { attrs: { margins, value }, inputs }) => {
  const sides = [0, 1].flatMap((side) => margins.map((m: number[]) => m[side] as number));
  return e.node('Pad', [x[0] as string, e.ints(sides), e.scalar(value, (inputs[0] as Value).dtype)]);
};

/** Of a matrix. */
const diagonal: OpRow = (e, x, { inputs, attrs: { offset, dim1, dim2 }, what }) => {
  const shape = e.fixed(e.shape(inputs[0] as Value), what);
  if (shape.length !== 2 || dim1 !== 0 || dim2 !== 1) throw shapeError('toOnnx', `${what}: only the diagonal of a matrix is offered`, [shape], 'Select it otherwise.');
  const [n, m] = shape as [number, number];
  const length = Math.max(0, Math.min(n, m, n + offset, m - offset));
  const first = offset < 0 ? -offset * m : offset;
  const places = Array.from({ length }, (_, i) => first + i * (m + 1));
  return e.node('Gather', [e.node('Reshape', [x[0] as string, e.ints([n * m])]), e.constant(places, 'int32')], { axis: 0 });
};

const clipped =
  (low: string, high: string): OpRow =>
  (e, x, { attrs, inputs }) => {
    const { dtype } = inputs[0] as Value;
    const bound = (v: number): string => (Number.isFinite(v) ? e.scalar(v, dtype) : '');
    const bounds = [bound(attrs[low]), bound(attrs[high])];
    while (bounds.at(-1) === '') bounds.pop();
    return e.node('Clip', [x[0] as string, ...bounds]);
  };

const scattered =
  (reduction?: string): OpRow =>
  (e, x, { attrs: { dim } }) =>
    e.node('ScatterElements', x, { axis: dim, reduction });

/** Beyond every dimension: the start, seen from the end. */
const LARGEST = 2 ** 31 - 1;

const truncated = (e: Emitter, x: string): string => e.node('Mul', [e.node('Sign', [x]), e.node('Floor', [e.node('Abs', [x])])]);

/** What is written for floats, but not for whole numbers. */
const floatsOnly =
  (row: OpRow): OpRow =>
  (e, x, node) => {
    if (node.output.dtype !== 'float32') throw valueError('toOnnx', `${node.what}: of whole numbers this is not written. Convert with .float().`);
    return row(e, x, node);
  };

const logTo =
  (base: number): OpRow =>
  (e, x) =>
    e.node('Div', [e.node('Log', x), e.scalar(Math.log(base))]);

/** @internal Rows by the op's name. */
export const opRows: Readonly<Record<string, OpRow>> = {
  ...lossRows,
  abs: one('Abs'),
  acos: one('Acos'),
  acosh: one('Acosh'),
  // Of bools, whether either is true.
  add: (e, x, { output }) => e.node(output.dtype === 'bool' ? 'Or' : 'Add', x),
  all: overBools('ReduceMin'),
  amax: reducing('ReduceMax'),
  amin: reducing('ReduceMin'),
  any: overBools('ReduceMax'),
  argmax: chosen('ArgMax'),
  argmin: chosen('ArgMin'),
  argsort: (e, x, { attrs, inputs, what }) => {
    const n = lastSize(e, inputs[0] as Value, what);
    const [, at] = e.many('TopK', [x[0] as string, e.ints([n])], { axis: -1, largest: Number(attrs.descending), sorted: 1 }, 2) as [string, string];
    return e.int32(at);
  },
  asin: one('Asin'),
  asinh: one('Asinh'),
  atan: one('Atan'),
  atanh: one('Atanh'),
  attention: attentionNode,
  avgPool2d: averagePooling,
  batchNorm: (e, x, { attrs }) => standardized(e, x[0] as string, [0, 2], attrs.eps),
  bmm: one('MatMul'),
  cat: (e, x, { attrs }) => e.node('Concat', x, { axis: attrs.dim }),
  ceil: one('Ceil'),
  clamp: clipped('min', 'max'),
  clone: one('Identity'),
  conv2d: convolution,
  conv2dInputGrad: transposed,
  cos: one('Cos'),
  cosh: one('Cosh'),
  // Of whole numbers; floats are added up by other ops.
  cumsum: (e, x, { attrs, inputs }) =>
    e.node('CumSum', [(inputs[0] as Value).dtype === 'bool' ? e.node('Cast', x, { to: TYPE.int32 }) : (x[0] as string), e.scalar(attrs[0] ?? 0, 'int32')]),
  detach: one('Identity'),
  diagonal,
  div: (e, x) => e.node('Div', x),
  // Of whole numbers ONNX cuts off.
  divide: (e, x, { output }) => (output.dtype === 'int32' ? e.node('Div', x) : truncated(e, e.node('Div', x))),
  eq: one('Equal'),
  erf: one('Erf'),
  exp: one('Exp'),
  exp2: (e, x) => e.node('Pow', [e.scalar(2), x[0] as string]),
  expand: (e, x, { attrs }) => e.node('Expand', [x[0] as string, e.sizes(attrs.shape)]),
  expm1: (e, x) => e.node('Sub', [e.node('Exp', x), e.scalar(1)]),
  flip: (e, x, { attrs: { dims } }) => {
    const every = (n: number): string => e.ints(dims.map(() => n));
    return e.node('Slice', [x[0] as string, every(-1), every(-LARGEST), e.ints(dims), every(-1)]);
  },
  floor: one('Floor'),
  floorDivide: floatsOnly((e, x) => e.node('Floor', [e.node('Div', x)])),
  fmod: (e, x) => e.node('Mod', x, { fmod: 1 }),
  gather: (e, x, { attrs }) => e.node('GatherElements', x, { axis: attrs.dim }),
  gelu: (e, x) => {
    const cdf = e.node('Add', [e.node('Erf', [e.node('Mul', [x[0] as string, e.scalar(Math.SQRT1_2)])]), e.scalar(1)]);
    return e.node('Mul', [e.node('Mul', [x[0] as string, cdf]), e.scalar(0.5)]);
  },
  hardsigmoid: (e, x) => e.node('HardSigmoid', x, { alpha: float(1 / 6), beta: float(0.5) }),
  hardswish: one('HardSwish'),
  hardtanh: clipped('min', 'max'),
  indexAdd: (e, x, { attrs: { dim }, inputs }) => {
    const source = inputs[2] as Value;
    const places = e.node('Reshape', [x[1] as string, e.ints(source.shape.map((_, i) => (i === dim ? -1 : 1)))]);
    return e.node('ScatterElements', [x[0] as string, e.node('Expand', [places, e.sizes(e.shape(source))]), x[2] as string], { axis: dim, reduction: 'add' });
  },
  indexSelect: (e, x, { attrs }) => e.node('Gather', x, { axis: attrs.dim }),
  layerNorm: (e, x, { inputs, attrs, what }) => {
    const n = lastSize(e, inputs[0] as Value, what);
    return e.node('LayerNormalization', [x[0] as string, e.constant(new Array<number>(n).fill(1))], { axis: -1, epsilon: float(attrs.eps) });
  },
  le: one('LessOrEqual'),
  leakyRelu: one('PRelu'),
  linear,
  log: one('Log'),
  log10: logTo(10),
  log1p: (e, x) => e.node('Log', [e.node('Add', [x[0] as string, e.scalar(1)])]),
  log2: logTo(2),
  logSoftmax: (e, x) => e.node('LogSoftmax', x, { axis: -1 }),
  logicalAnd: one('And'),
  logicalNot: one('Not'),
  logicalOr: one('Or'),
  logicalXor: one('Xor'),
  lt: one('Less'),
  matmul: one('MatMul'),
  maximum: one('Max'),
  maxPool2d: maxPooling,
  minimum: one('Min'),
  mul: (e, x, { output }) => e.node(output.dtype === 'bool' ? 'And' : 'Mul', x),
  ne: (e, x) => e.node('Not', [e.node('Equal', x)]),
  neg: one('Neg'),
  norm: root,
  pad: padded,
  permute: (e, x, { attrs }) => e.node('Transpose', x, { perm: attrs.dims }),
  // One input: the square root.
  pow: (e, x) => (x.length === 1 ? e.node('Sqrt', x) : e.node('Pow', x)),
  prod: (e, x, { attrs }) => e.node('ReduceProd', [x[0] as string, e.ints(attrs)], { keepdims: 1 }),
  reciprocal: one('Reciprocal'),
  recurrence: recurrenceNode,
  relu: one('Relu'),
  round: one('Round'),
  remainder: floatsOnly((e, [a, b]) => e.node('Sub', [a as string, e.node('Mul', [b as string, e.node('Floor', [e.node('Div', [a as string, b as string])])])])),
  rsqrt: (e, x) => e.node('Reciprocal', [e.node('Sqrt', x)]),
  scaleGrad: one('Identity'),
  scatter: scattered(),
  scatterAdd: scattered('add'),
  select: (e, x, { attrs, what }) => e.node('Gather', [x[0] as string, e.scalar(e.fixed([attrs.index], what)[0] as number, 'int32')], { axis: attrs.dim }),
  sigmoid: one('Sigmoid'),
  sign: one('Sign'),
  sin: one('Sin'),
  sinh: one('Sinh'),
  slice: slicing,
  softmax: (e, x) => e.node('Softmax', x, { axis: -1 }),
  softplus: one('Softplus'),
  softshrink: (e, x, { attrs }) => e.node('Shrink', x, { lambd: float(attrs.lambd), bias: float(attrs.lambd) }),
  sqrt: one('Sqrt'),
  square: (e, x) => e.node('Mul', [x[0] as string, x[0] as string]),
  std: root,
  sub: one('Sub'),
  sum: (e, x, node) => {
    const numbers = (node.inputs[0] as Value).dtype === 'bool' ? [e.node('Cast', x, { to: TYPE.int32 })] : x;
    return reducing('ReduceSum')(e, numbers, node);
  },
  tan: one('Tan'),
  tanh: one('Tanh'),
  to: (e, x, { attrs }) => e.node('Cast', x, { to: TYPE[attrs.dtype as DType] }),
  trunc: (e, x) => truncated(e, x[0] as string),
  unfoldDim: sliding,
  view: (e, x, { attrs }) => e.node('Reshape', [x[0] as string, e.reshaping(attrs.shape)]),
  weighGrad: (e, [x]) => e.node('Identity', [x as string]),
  where: (e, x) => e.node('Where', x),
};
