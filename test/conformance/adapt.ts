// Where PyTorch's function and ours differ in form: overloads, defaults, and names that are two calls of ours.
import * as g from 'gradloom';
import { nn } from 'gradloom';
import type { CreateOptions, DType, Operand, ReduceOptions, Tensor } from 'gradloom';
import type { Row } from './bind.ts';
import { Unsupported } from './decode.ts';

export type Output = Tensor | readonly Tensor[];
type Dims = number | readonly number[];

/** An option of PyTorch's function that ours has only at some values. */
export function only(name: string, value: unknown, ...offered: unknown[]): void {
  if (value !== undefined && !offered.includes(value)) throw new Unsupported(`${name} ${value}`);
}

/** A number that may come as a one-element tensor or a boolean. */
const toNumber = (x: Operand | boolean): number => (typeof x === 'object' ? x.item() : Number(x));

export const unary = (fn: (x: Tensor) => Tensor): Row<Output> => ['input', fn];
export const binary = (fn: (a: Operand, b: Operand) => Tensor): Row<Output> => ['input other', fn];
export const reduction = (fn: (x: Tensor, options: ReduceOptions) => Output): Row<Output> => ['input * dim keepdim', fn];

/** softmax of PyTorch can convert first; ours has one float type. */
export const alongDim = (fn: (x: Tensor, dim: number) => Tensor): Row<Output> => [
  'input dim dtype',
  (x: Tensor, dim: number, dtype?: DType) => {
    only('dtype', dtype, 'float32');
    return fn(x, dim);
  },
];

/** var, std and their pairs with the mean: `unbiased` is the old word for a correction of 1 or 0, and may stand in dim's place. */
export const spread = (fn: (x: Tensor, options: ReduceOptions & { correction?: number }) => Output): Row<Output> => [
  'input dim unbiased keepdim correction',
  (x: Tensor, dim?: Dims | boolean, unbiased?: boolean, keepdim?: boolean, correction?: number) => {
    const usual = (typeof dim === 'boolean' ? dim : unbiased) === false ? 0 : 1;
    return fn(x, { dim: typeof dim === 'boolean' ? undefined : dim, keepdim, correction: correction ?? usual });
  },
];

/** max and min: over everything, along a dimension, or between two tensors. */
export const extreme = (over: typeof g.max, between: typeof g.maximum): Row<Output> => [
  'input dim keepdim',
  (x: Tensor, other?: Operand, keepdim?: boolean): Output => {
    if (other === undefined) return over(x);
    if (typeof other !== 'number') return between(x, other);
    const { values, indices } = over(x, other, keepdim);
    return [values, indices];
  },
];

export function arange(start: number | boolean, end: number | boolean | undefined, step: number | boolean | undefined, options: CreateOptions): Tensor {
  return g.arange(Number(start), end === undefined ? end : Number(end), step === undefined ? step : Number(step), options);
}

export function clamp(x: Tensor, min?: Operand, max?: Operand): Tensor {
  return g.clamp(x, { min, max });
}

export function linspace(start: Operand, end: Operand, steps: number, options: CreateOptions): Tensor {
  return g.linspace(toNumber(start), toNumber(end), steps, options);
}

/** PyTorch gives the indices with a flag, ours with a function of its own. */
export function maxPool2d(x: Tensor, kernel: nn.Pair, stride?: nn.Pair, padding?: nn.Pair, dilation?: nn.Pair, ceilMode?: boolean, returnIndices?: boolean): Output {
  const options = { stride, padding, dilation, ceilMode };
  if (!returnIndices) return nn.functional.maxPool2d(x, kernel, options);
  const { values, indices } = nn.functional.maxPool2dWithIndices(x, kernel, options);
  return [values, indices];
}

export function narrow(x: Tensor, dim: number, start: Operand, length: number): Tensor {
  return g.narrow(x, dim, toNumber(start), length);
}

/** Ours gives float32, which is what losses take; PyTorch's integers are one conversion away. */
export const oneHot = (index: Tensor, classes?: number): Tensor => g.oneHot(index, classes).int();

/** The slopes stand along dimension 1. */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  const shape = weight.size === 1 ? [] : x.rank < 2 ? weight.shape : [weight.size, ...x.shape.slice(2).map(() => 1)];
  return g.prelu(x, g.reshape(weight, shape));
}

/** One number, which PyTorch also takes as a list of one. */
export const single = (n: number | readonly number[]): number => (typeof n === 'number' ? n : (n[0] as number));

/** An empty stride stands for the window's size. */
export function avgPool2d(x: Tensor, kernel: nn.Pair, options: nn.AvgPoolOptions): Tensor {
  const { stride, padding, ...rest } = options as { stride?: nn.Pair | []; padding?: number | number[] };
  const pair = (n: number | readonly number[] | undefined): nn.Pair | undefined => (typeof n === 'object' ? (n.length > 1 ? (n as unknown as nn.Pair) : n[0]) : n);
  return nn.functional.avgPool2d(x, kernel, { ...rest, stride: pair(stride), padding: pair(padding) });
}

/** Options in which lists of one stand for numbers. */
export const singles = <O extends object>(options: O): O =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value])) as O;

export function maxPool1d(x: Tensor, kernel: number | number[], options: nn.MaxPool1dOptions & { returnIndices?: boolean }): Output {
  const { returnIndices, ...rest } = singles(options);
  if (!returnIndices) return nn.functional.maxPool1d(x, single(kernel), rest);
  const { values, indices } = nn.functional.maxPool1dWithIndices(x, single(kernel), rest);
  return [values, indices];
}

export function avgPool1d(x: Tensor, kernel: number | number[], options: { stride?: number; padding?: number }): Tensor {
  return nn.functional.avgPool1d(x, single(kernel), singles(options));
}

/** Ours normalises floats only. */
export function batchNorm(x: Tensor, mean: Tensor | undefined, variance: Tensor | undefined, options: nn.BatchNormOptions): Tensor {
  if (x.dtype !== 'float32') throw new Unsupported(`${x.dtype} input`);
  return nn.functional.batchNorm(x, mean, variance, options);
}
