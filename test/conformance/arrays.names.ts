// PyTorch's names of what orders, scans, pads and combines arrays: rows of names.ts.
import * as g from 'gradloom';
import type { DType, Operand, Tensor } from 'gradloom';
import { type Output, only, unary } from './adapt.ts';
import type { Row } from './bind.ts';

/** A function along a dimension, which in PyTorch can convert first. */
const scanning = (fn: (x: Tensor, dim: number) => Tensor): Row<Output> => [
  'input dim dtype',
  (x: Tensor, dim: number, dtype?: DType) => {
    only('dtype', dtype, 'float32');
    return fn(x, dim);
  },
];

const both = ({ values, indices }: { values: Tensor; indices: Tensor }): Output => [values, indices];

/** Operators. */
export const arrayOperators: Readonly<Record<string, Row<Output>>> = {
  acos: unary(g.acos),
  addcdiv: ['input tensor1 tensor2 * value', g.addcdiv],
  addcmul: ['input tensor1 tensor2 * value', g.addcmul],
  argsort: ['input dim descending stable', (x: Tensor, dim?: number, descending?: boolean) => g.argsort(x, { dim, descending })],
  asin: unary(g.asin),
  atan: unary(g.atan),
  atan2: ['input other', g.atan2],
  cosh: unary(g.cosh),
  cumprod: scanning(g.cumprod),
  cumsum: scanning(g.cumsum),
  diag: ['input diagonal', g.diag],
  diag_embed: ['input * offset dim1 dim2', g.diagEmbed],
  diagonal: ['input * offset dim1 dim2', g.diagonal],
  einsum: ['operands equation', (tensors: Tensor[], equation: string) => g.einsum(equation, ...tensors)],
  flip: ['input dims', g.flip],
  lerp: ['input end weight', (a: Tensor, b: Tensor, weight: Operand) => g.lerp(a, b, weight)],
  logaddexp: ['input other', g.logaddexp],
  nan_to_num: ['input * nan posinf neginf', g.nanToNum],
  'nn.functional.pad': ['input pad mode value', (x: Tensor, pads: number[], mode?: 'constant', value?: number) => g.pad(x, pads, { mode, value })],
  outer: ['input vec2', g.outer],
  prod: [
    'input dim keepdim dtype',
    (x: Tensor, dim?: number, keepdim?: boolean, dtype?: DType) => {
      only('dtype', dtype, 'float32');
      return g.prod(x, dim, keepdim);
    },
  ],
  repeat: ['input repeats', g.repeat],
  roll: ['input shifts dims', g.roll],
  scatter: [
    'input dim index src * reduce',
    (x: Tensor, dim: number, index: Tensor, source: Tensor | number, { reduce }: { reduce?: 'add' | 'multiply' }) =>
      reduce
        ? g.scatterReduce(x, dim, index, typeof source === 'number' ? g.full(index.shape, source) : source, reduce === 'add' ? 'sum' : 'prod')
        : g.scatter(x, dim, index, source),
  ],
  sinh: unary(g.sinh),
  sort: ['input dim descending stable', (x: Tensor, dim?: number, descending?: boolean) => both(g.sort(x, { dim, descending }))],
  tan: unary(g.tan),
  tile: ['input dims', g.tile],
  topk: [
    'input k dim largest sorted',
    (x: Tensor, k: number, dim?: number, largest?: boolean) => both(g.topk(x, k, { ...(dim !== undefined && { dim }), ...(largest !== undefined && { largest }) })),
  ],
  trace: unary(g.trace),
  tril: ['input diagonal', g.tril],
  triu: ['input diagonal', g.triu],
};
