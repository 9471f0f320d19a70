// PyTorch's names of what picks, places, counts and orders elements: rows of names.ts.
import * as g from 'gradloom';
import { type IndexPart, type IndexPutOptions, type ReduceOptions, type ScatterReduceOptions, type SearchOptions, Tensor, tensor } from 'gradloom';
import { type Output, only, unary } from './adapt.ts';
import type { Row } from './bind.ts';
import { type Index, partOf, subscript } from './subscript.ts';

/** Values and where they stand. */
const chosen = (fn: (x: Tensor, options: g.ChosenOptions) => g.Chosen): Row<Output> => [
  'input * dim keepdim',
  (x: Tensor, options: g.ChosenOptions) => {
    const { values, indices } = fn(x, options);
    return [values, indices];
  },
];
const running = (fn: (x: Tensor, dim: number) => g.Chosen): Row<Output> => [
  'input dim',
  (x: Tensor, dim: number) => {
    const { values, indices } = fn(x, dim);
    return [values, indices];
  },
];
const medians = (fn: typeof g.median): Row<Output> => [
  'input dim keepdim',
  (x: Tensor, dim?: number, keepdim?: boolean) => {
    if (dim === undefined) return fn(x);
    const { values, indices } = fn(x, dim, keepdim);
    return [values, indices];
  },
];
/** Sums that can convert first. */
const passing = (fn: (x: Tensor, options: ReduceOptions) => Tensor): Row<Output> => [
  'input dim keepdim dtype',
  (x: Tensor, dim?: number | number[], keepdim?: boolean, dtype?: g.DType) => {
    only('dtype', dtype, 'float32');
    return fn(x, { dim, keepdim });
  },
];
const answer = (yes: boolean): Tensor => tensor(yes);
const distinct = (x: Tensor, fn: (x: Tensor, options: g.UniqueOptions) => Tensor | g.Unique, options: g.UniqueOptions): Output => {
  const y = fn(x, options);
  return y instanceof Tensor ? y : [y.values, y.inverse, y.counts].filter((t) => t !== undefined);
};
/** q with the middle of its options by name. */
const quantiles = (fn: typeof g.quantile): Row<Output> => ['input q * dim keepdim interpolation', (x: Tensor, q: number | Tensor, options: g.QuantileOptions) => fn(x, q, options)];
const raised = (fn: typeof g.atleast1d): Row<Output> => ['input', (x: Tensor | Tensor[]) => (x instanceof Tensor ? fn(x) : fn(x))];
const area = (fn: typeof g.trapezoid): Row<Output> => ['y * x dx dim', (y: Tensor, options: g.TrapezoidOptions) => fn(y, options)];
/** A list may come as its first tensor and the rest. */
const whole = (first: Tensor | Tensor[], rest: Tensor | Tensor[] = []): Tensor[] => [first, rest].flat();

const triangle = (fn: typeof g.trilIndices): Row<Output> => [
  'row col offset dtype',
  (rows: number, columns: number, offset?: number, dtype?: g.DType) => {
    only('dtype', dtype, 'int32');
    return fn(rows, columns, offset);
  },
];

/** Operators. */
export const indexOperators: Readonly<Record<string, Row<Output>>> = {
  __getitem__: ['input index', (x: Tensor, index: Index) => subscript(x, index)],
  allclose: ['input other * rtol atol equal_nan', (a: Tensor, b: Tensor, options: g.CloseOptions) => answer(g.allclose(a, b, options))],
  aminmax: [
    'input * dim keepdim',
    (x: Tensor, options: ReduceOptions) => {
      const { min, max } = g.aminmax(x, options);
      return [min, max];
    },
  ],
  argwhere: unary(g.argwhere),
  atleast_1d: raised(g.atleast1d),
  atleast_2d: raised(g.atleast2d),
  atleast_3d: raised(g.atleast3d),
  bincount: ['input weights minlength', g.bincount],
  block_diag: ['a b c d e f', (...tensors: (Tensor | undefined)[]) => g.blockDiag(tensors.filter((t) => t !== undefined))],
  broadcast_tensors: ['a b c d e f', (...tensors: (Tensor | undefined)[]) => g.broadcastTensors(tensors.filter((t) => t !== undefined))],
  broadcast_to: ['input size', g.broadcastTo],
  bucketize: ['input boundaries out_int32 right', (x: Tensor, boundaries: Tensor, _int32?: boolean, right?: boolean) => g.bucketize(x, boundaries, { right })],
  cartesian_prod: ['a b c d e f', (...tensors: (Tensor | undefined)[]) => g.cartesianProd(tensors.filter((t) => t !== undefined))],
  cdist: ['x1 x2 p compute_mode', (a: Tensor, b: Tensor, p?: number) => g.cdist(a, b, { p })],
  column_stack: ['tensors', g.columnStack],
  combinations: ['input r with_replacement', g.combinations],
  corrcoef: unary(g.corrcoef),
  count_nonzero: ['input dim', g.countNonzero],
  cov: ['input * correction fweights aweights', g.cov],
  cummax: running(g.cummax),
  cummin: running(g.cummin),
  cumulative_trapezoid: area(g.cumulativeTrapezoid),
  diagonal_scatter: ['input src * offset dim1 dim2', (x: Tensor, source: Tensor, options: g.DiagonalOptions) => g.diagonalScatter(x, source, options)],
  diff: ['input * n dim prepend append', (x: Tensor, options: g.DiffOptions) => g.diff(x, options)],
  dsplit: ['input indices_or_sections', g.dsplit],
  dstack: ['tensors', g.dstack],
  equal: ['input other', (a: Tensor, b: Tensor) => answer(g.equal(a, b))],
  fliplr: unary(g.fliplr),
  flipud: unary(g.flipud),
  histc: ['input bins min max', g.histc],
  hsplit: ['input indices_or_sections', g.hsplit],
  hstack: ['tensors', g.hstack],
  index_copy: ['input dim index source', g.indexCopy],
  index_fill: ['input dim index value', g.indexFill],
  index_put: [
    'input indices values * accumulate',
    (x: Tensor, indices: Parameters<typeof partOf>[0][], values: Tensor, options: IndexPutOptions) => g.indexPut(x, indices.map(partOf) as IndexPart[], values, options),
  ],
  index_reduce: [
    'input dim index source reduce * include_self',
    (x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: 'amax', options: ScatterReduceOptions) => g.indexReduce(x, dim, index, source, reduce, options),
  ],
  isclose: ['input other * rtol atol equal_nan', (a: Tensor, b: Tensor, options: g.CloseOptions) => g.isclose(a, b, options)],
  kthvalue: [
    'input k dim keepdim',
    (x: Tensor, k: number, dim?: number, keepdim?: boolean) => {
      const { values, indices } = g.kthvalue(x, k, { dim, keepdim });
      return [values, indices];
    },
  ],
  'linalg.vander': ['x * N', (x: Tensor, { N }: { N?: number }) => g.vander(x, { n: N, increasing: true })],
  logcumsumexp: ['input dim', g.logcumsumexp],
  logsumexp: ['input dim keepdim', (x: Tensor, dim: number | number[], keepdim?: boolean) => g.logsumexp(x, dim, keepdim)],
  masked_scatter: ['input mask source', g.maskedScatter],
  masked_select: ['input mask', g.maskedSelect],
  median: medians(g.median),
  meshgrid: [
    'a b c d indexing',
    (a: Tensor | Tensor[], b?: Tensor, c?: Tensor, d?: Tensor, indexing?: 'ij' | 'xy') =>
      g.meshgrid(
        whole(
          a,
          [b, c, d].filter((t) => t !== undefined),
        ),
        { indexing },
      ),
  ],
  mode: chosen(g.mode),
  moveaxis: ['input source destination', g.moveaxis],
  movedim: ['input source destination', g.movedim],
  msort: unary(g.msort),
  nanmean: passing(g.nanmean),
  nanmedian: medians(g.nanmedian),
  nanquantile: quantiles(g.nanquantile),
  nansum: passing(g.nansum),
  'nn.functional.pdist': ['input p', g.pdist],
  nonzero: ['input as_tuple', (x: Tensor, asTuple?: boolean) => (asTuple ? g.nonzero(x, { asTuple: true }) : g.nonzero(x))],
  put: ['input index source * accumulate', (x: Tensor, index: Tensor, source: Tensor, options: g.PutOptions) => g.put(x, index, source, options)],
  quantile: quantiles(g.quantile),
  renorm: ['input p dim maxnorm', g.renorm],
  repeat_interleave: ['input repeats * dim output_size', (x: Tensor, repeats: number | Tensor, options: g.RepeatOptions) => g.repeatInterleave(x, repeats, options)],
  rot90: ['input k dims', g.rot90],
  scatter_reduce: [
    'input dim index src reduce * include_self',
    (x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: g.ScatterReduction, options: ScatterReduceOptions) => g.scatterReduce(x, dim, index, source, reduce, options),
  ],
  searchsorted: [
    'sorted_sequence input out_int32 right side sorter',
    (sorted: Tensor, values: Tensor, _int32?: boolean, right?: boolean, side?: 'left' | 'right', sorter?: Tensor) => {
      const options: SearchOptions = { right, side, sorter };
      return g.searchsorted(sorted, values, options);
    },
  ],
  select_scatter: ['input src dim index', g.selectScatter],
  slice_scatter: ['input src dim start end step', g.sliceScatter],
  swapaxes: ['input axis0 axis1', g.swapaxes],
  take: ['input index', g.take],
  take_along_dim: ['input indices dim', g.takeAlongDim],
  tensor_split: ['input indices_or_sections dim', g.tensorSplit],
  trapezoid: area(g.trapezoid),
  trapz: area(g.trapezoid),
  tril_indices: triangle(g.trilIndices),
  triu_indices: triangle(g.triuIndices),
  unique: ['input * sorted return_inverse return_counts dim', (x: Tensor, options: g.UniqueOptions) => distinct(x, g.unique, options)],
  unique_consecutive: ['input * return_inverse return_counts dim', (x: Tensor, options: g.UniqueOptions) => distinct(x, g.uniqueConsecutive, options)],
  vsplit: ['input indices_or_sections', g.vsplit],
  vstack: ['tensors', g.vstack],
};
