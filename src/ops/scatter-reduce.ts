// Elements brought together by an index: sums, means, products, the largest and the smallest.
import { FLAG, type Kinds, oneOf, optionsOf, checkArgument } from '../tensor/check.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { apply, copyElements, everyInput, type Op } from '../tensor/op.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Node } from '../tensor/tape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { div, eq, logicalAnd, mul, where } from './binary.ts';
import { asFloat, to } from './convert.ts';
import { full } from './create.ts';
import { type Around, along, assertSource, beside, gatherOp, places, scatterAddOp, scattered, scatterOp } from './indexing.ts';
import { reshape } from './movement.ts';
import { expand } from './reduce.ts';
import { floor } from './unary.ts';

/** How elements that meet become one. */
export type ScatterReduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin';

interface Fold extends Around {
  reduce: 'prod' | 'amax' | 'amin';
}

const KINDS = { prod: 0, amax: 1, amin: 2 };

/** Products of what meets, or the largest or smallest of it. */
const foldOp: Op<Fold> = {
  name: 'scatterReduce',
  forward: (y, [x, index, source], { dim, reduce }) => {
    copyElements(x as Tensor, y);
    along('scatterFold', source as Tensor, index as Tensor, y, y.sizes, dim, (index as Tensor).sizes[dim] ?? 1, KINDS[reduce], y.dtype === 'float32' ? 0 : 1);
  },
  saves: everyInput,
  savesOutput: true,
  backward: (dy, node) => (node.attrs.reduce === 'prod' ? productGradients : extremeGradients)(dy, node),
};

/** Shared among those that are equal to the result. */
function extremeGradients(dy: Tensor, node: Node<Fold>): (Tensor | null)[] {
  const [x, index, source, attrs] = [node.input(0), node.input(1), node.input(2), { dim: node.attrs.dim }];
  const wins = eq(x, node.output);
  const sourceWins = eq(source, apply(gatherOp, [node.output, index], attrs));
  const share = div(dy, apply(scatterAddOp, [asFloat(wins), index, asFloat(sourceWins)], attrs));
  return [where(wins, share, 0), null, where(sourceWins, apply(gatherOp, [share, index], attrs), 0)];
}

/** dy times the product of the others. A single factor that is 0 is left out of it; of two, neither has a gradient. */
function productGradients(dy: Tensor, node: Node<Fold>): (Tensor | null)[] {
  const [x, index, source, { dim }] = [node.input(0), node.input(1), node.input(2), node.attrs];
  const product = (a: Tensor, b: Tensor): Tensor => apply(foldOp, [a, index, b], node.attrs);
  const at = (t: Tensor): Tensor => apply(gatherOp, [t, index], { dim });
  const ones = where(eq(x, 0), 1, x);
  const zero = eq(source, 0);
  const zeros = at(apply(scatterAddOp, [full(x.sizes, 0), index, asFloat(zero)], { dim }));
  const alone = logicalAnd(zero, eq(zeros, 1));
  const others = at(mul(dy, product(x, where(alone, 1, source))));
  return [div(mul(dy, product(ones, source)), ones), null, where(alone, others, div(at(mul(dy, node.output)), where(zero, 1, source)))];
}

/** What a reduction starts from, so that the first element is the result. */
function neutral(reduce: ScatterReduction, x: Tensor): number {
  if (reduce === 'prod') return 1;
  if (reduce !== 'amax' && reduce !== 'amin') return 0;
  const least = reduce === 'amax';
  if (x.dtype === 'bool') return least ? 0 : 1;
  if (x.dtype === 'int32') return least ? -(2 ** 31) : 2 ** 31 - 1;
  return least ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** The index reaches over all of x outside of the dimension. */
function reduced(x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: ScatterReduction, includeSelf: boolean): Tensor {
  const base = includeSelf ? x : apply(scatterOp, [x, index, full(index.sizes, neutral(reduce, x), { dtype: x.dtype })], { dim });
  if (reduce !== 'sum' && reduce !== 'mean') return apply(foldOp, [base, index, source], { dim, reduce });
  const total = apply(scatterAddOp, [base, index, source], { dim });
  if (reduce === 'sum') return total;
  const count = apply(scatterAddOp, [full(x.sizes, includeSelf ? 1 : 0), index, full(index.sizes, 1)], { dim });
  const mean = div(total, where(eq(count, 0), 1, count));
  return x.dtype === 'float32' ? mean : to(floor(mean), x.dtype);
}

/** Options of `scatterReduce` and `indexReduce`. */
export interface ScatterReduceOptions {
  /** Whether what x holds counts among what meets; default true. */
  includeSelf?: boolean;
}

const OPTIONS: Kinds<ScatterReduceOptions> = { includeSelf: FLAG };

function checkReduction(op: string, x: Tensor, reduce: ScatterReduction, ...known: readonly ScatterReduction[]): void {
  checkArgument(op, 'reduce', reduce, oneOf(...known));
  if (x?.dtype === 'bool' && (reduce === 'sum' || reduce === 'mean')) throw new GradloomError('DTYPE', op, 'bools do not add up. Convert them with .int().');
}

/**
 * x with the elements of `source` brought to y[…, index[…, i, …], …] along a dimension, where those that meet become their sum, product, mean, largest or smallest. Index and
 * source as in `scatterAdd`. The gradient of the largest is shared among equals.
 */
export function scatterReduce(x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: ScatterReduction, options?: ScatterReduceOptions): Tensor {
  const op = 'scatterReduce';
  const { includeSelf = true } = optionsOf(op, options, OPTIONS, arguments.length, 6);
  checkReduction(op, x, reduce, 'sum', 'prod', 'mean', 'amax', 'amin');
  return scattered(op, x, dim, index, source, (x, at, index, part) => beside(x, at, index, part, (x, at, index, part) => reduced(x, at, index, part, reduce, includeSelf)));
}

/** x with the parts of `source` brought to the listed indices of a dimension, as `scatterReduce` does with elements. index: int32 [k]. */
export function indexReduce(x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: Exclude<ScatterReduction, 'sum'>, options?: ScatterReduceOptions): Tensor {
  const op = 'indexReduce';
  const { includeSelf = true } = optionsOf(op, options, OPTIONS, arguments.length, 6);
  checkReduction(op, x, reduce, 'prod', 'mean', 'amax', 'amin');
  const at = places(op, x, dim, index);
  assertSource(op, x, source, false);
  const shape = x.sizes.map((n, i) => (i === at ? index.size : n));
  if (!sameShape(shape, source.sizes)) throw shapeError(op, 'the source does not fit', [shape, source.sizes], 'Give one part of x for each index.');
  if (x.rank === 0) return reshape(reduced(reshape(x, [1]), 0, reshape(index, [1]), reshape(source, [1]), reduce, includeSelf), []);
  const spread = expand(
    reshape(
      index,
      shape.map((_, i) => (i === at ? index.size : 1)),
    ),
    shape,
  );
  return reduced(x, at, spread, source, reduce, includeSelf);
}
