// Elements by masks and flat indices, and parts of a dimension put in place.
import { assertArity, assertTensor, checkArgument, dimOf, either, FLAG, type Kinds, NUMBER, optionsOf, TENSOR } from '../tensor/check.ts';
import { viewOf } from '../tensor/dtype.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { apply } from '../tensor/op.ts';
import { broadcastShapes } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { assertCondition, sub, where } from './binary.ts';
import { to } from './convert.ts';
import { full } from './create.ts';
import { assertSource, checkIndices, fromStart, gather, indexAddOp, indexCopyOp, indexSelectAs, places } from './indexing.ts';
import { flatten, reshape, unbind } from './movement.ts';
import { placesOf } from './nonzero.ts';
import { expand } from './reduce.ts';
import { cumsum } from './scan.ts';

/** x and a mask in the shape that both broadcast to. */
function withMask(op: string, x: Tensor, mask: Tensor): [x: Tensor, mask: Tensor] {
  assertTensor(op, x);
  assertCondition(op, mask, 'mask');
  const shape = broadcastShapes(op, x.sizes, mask.sizes);
  return [expand(x, shape), expand(mask, shape)];
}

/** The elements of x where the mask is true, in row-major order: [k]. Shapes broadcast. Not inside `capture`, where shapes are fixed. */
export function maskedSelect(x: Tensor, mask: Tensor): Tensor {
  const op = 'maskedSelect';
  assertArity(op, arguments.length, 2);
  const [all, chosen] = withMask(op, x, mask);
  return indexSelectAs(op, flatten(all), 0, placesOf(op, chosen));
}

/** x with its elements where the mask is true replaced, in row-major order, by those of `source`, which has as many at least. Shapes of x and mask broadcast. */
export function maskedScatter(x: Tensor, mask: Tensor, source: Tensor): Tensor {
  const op = 'maskedScatter';
  assertArity(op, arguments.length, 3);
  const [all, chosen] = withMask(op, x, mask);
  assertSource(op, x, source, false);
  if (all.size === 0) return where(chosen, all, all);
  const flat = flatten(chosen);
  const place = where(flat, sub(cumsum(flat, 0), 1), 0);
  if (source.size > 0) checkIndices(op, place, source.size, null, 'element');
  else checkIndices(op, to(flat, 'int32'), 1, null, 'element');
  const taken = source.size > 0 ? indexSelectAs(op, flatten(source), 0, place) : full([flat.size], 0, { dtype: x.dtype });
  return where(chosen, reshape(taken, all.sizes), all);
}

/** Options of `nonzero`. */
export interface NonzeroOptions {
  /** Whether to give one index for each dimension, as `x.index(…)` takes them; default false. */
  asTuple?: boolean;
}

const NONZERO: Kinds<NonzeroOptions> = { asTuple: FLAG };

/** Where the elements stand that are not 0, one in each row: int32 [k, dimensions]. Not inside `capture`, where shapes are fixed. */
export function nonzero(x: Tensor, options?: { asTuple?: false | undefined }): Tensor;
/** The same as one index for each dimension, each int32 [k]. */
export function nonzero(x: Tensor, options: { asTuple: true }): Tensor[];
export function nonzero(x: Tensor, options?: NonzeroOptions): Tensor | Tensor[] {
  const { asTuple = false } = optionsOf('nonzero', options, NONZERO, arguments.length, 2);
  assertTensor('nonzero', x);
  return asTuple ? unbind(found('nonzero', x.rank === 0 ? reshape(x, [1]) : x), 1) : found('nonzero', x);
}

function found(op: string, x: Tensor): Tensor {
  const flat = placesOf(op, x).data('int32');
  const y = empty([flat.length, x.rank], 'int32');
  const memory = viewOf('int32');
  let end = y.address / 4;
  for (const place of flat) {
    end += x.rank;
    for (let rest = place, d = x.rank - 1; d >= 0; d--) {
      const n = x.sizes[d] as number;
      memory[end - x.rank + d] = rest % n;
      rest = Math.floor(rest / n);
    }
  }
  return y;
}

/** Where the elements stand that are not 0, as `nonzero`: int32 [k, dimensions]. */
export function argwhere(x: Tensor): Tensor {
  assertArity('argwhere', arguments.length, 1);
  assertTensor('argwhere', x);
  return found('argwhere', x);
}

/** A flat index into x, counted from the start. */
function flatIndex(op: string, x: Tensor, index: Tensor): Tensor {
  assertTensor(op, x);
  assertTensor(op, index, 'the index');
  return flatten(fromStart(op, index, x.size));
}

/** The elements at places of the flattened x, in the index's shape. index: int32; what is negative counts from the end. */
export function take(x: Tensor, index: Tensor): Tensor {
  const op = 'take';
  assertArity(op, arguments.length, 2);
  return reshape(indexSelectAs(op, flatten(x), 0, flatIndex(op, x, index)), index.sizes);
}

/** As `gather`, with x and the index broadcast outside of the dimension; without a dimension both are flattened. */
export function takeAlongDim(x: Tensor, index: Tensor, dim?: number): Tensor {
  const op = 'takeAlongDim';
  assertArity(op, arguments.length, 3);
  assertTensor(op, x);
  assertTensor(op, index, 'the index');
  if (dim === undefined) return take(x, flatten(index));
  if (x.rank !== index.rank) throw shapeError(op, 'x and the index must have as many dimensions', [x.sizes, index.sizes], 'Reshape one.');
  const at = dimOf(op, x, dim);
  const without = (t: Tensor): number[] => t.sizes.map((n, i) => (i === at ? 1 : n));
  const shape = broadcastShapes(op, without(x), without(index));
  const stretched = (t: Tensor): Tensor =>
    expand(
      t,
      shape.map((n, i) => (i === at ? (t.sizes[i] as number) : n)),
    );
  return gather(stretched(x), at, fromStart(op, stretched(index), x.sizes[at] ?? 1));
}

/** Options of `put`. */
export interface PutOptions {
  /** Whether elements are added, those of equal places too; default false: the last one stays. */
  accumulate?: boolean;
}

const PUT: Kinds<PutOptions> = { accumulate: FLAG };

/** x with the elements of `source` at places of the flattened x: put(x, index, source, { accumulate }). index: int32, of as many; what is negative counts from the end. */
export function put(x: Tensor, index: Tensor, source: Tensor, options?: PutOptions | boolean): Tensor {
  const op = 'put';
  const { accumulate = false } = optionsOf(op, typeof options === 'boolean' ? { accumulate: options } : options, PUT, arguments.length, 4);
  const flat = flatIndex(op, x, index);
  assertSource(op, x, source, accumulate);
  if (source.size !== index.size) throw shapeError(op, 'index and source must have as many elements', [index.sizes, source.sizes], 'Give one for each place.');
  return reshape(apply(accumulate ? indexAddOp : indexCopyOp, [flatten(x), flat, flatten(source)], { dim: 0 }), x.sizes);
}

/** x with the parts of `source` put at the listed indices of a dimension; where an index repeats, the last one stays. index: int32 [k]. */
export function indexCopy(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const op = 'indexCopy';
  assertArity(op, arguments.length, 4);
  const at = places(op, x, dim, index);
  assertSource(op, x, source, false);
  return apply(indexCopyOp, [x, index, source], { dim: at });
}

/** x with one value at the listed indices of a dimension, which may count from the end: a number, or a tensor of one element that gradients flow to. index: int32 [k]. */
export function indexFill(x: Tensor, dim: number, index: Tensor, value: Tensor | number | boolean): Tensor {
  const op = 'indexFill';
  assertArity(op, arguments.length, 4);
  const at = dimOf(op, x, dim);
  checkArgument(op, 'the value', value, either(NUMBER, TENSOR, FLAG));
  const n = x.sizes[at] ?? 1;
  const from = fromStart(op, index, n);
  if (index.rank > 1) throw shapeError(op, 'the index must have one dimension', [index.sizes], 'Flatten it.');
  const single = typeof value === 'object' ? value : full([], value, { dtype: x.dtype });
  assertSource(op, x, single, false);
  if (single.rank > 0) throw new GradloomError('SHAPE', op, `the value must be a number or a scalar, got ${single.describe()}. Reshape it to [].`);
  // A mask, so that a place named twice counts once in the value's gradient.
  const hit = apply(indexCopyOp, [full([n], false), flatten(from), full([index.size], true)], { dim: 0 });
  const shape = x.sizes.map((m, i) => (i === at ? m : 1));
  return where(reshape(hit, shape), single, x);
}
