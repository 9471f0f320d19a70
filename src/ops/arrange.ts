// Elements in another order, or several times: copies, unlike the views of movement.ts.
import { assertArity, assertTensor, type Sizes, sizesOf } from '../tensor/check.ts';
import { GradloomError, shapeText, valueText } from '../tensor/errors.ts';
import { apply, copyElements, type Op } from '../tensor/op.ts';
import { normalizeDim, normalizeDims } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cat, clone, flatten, narrow, reshape } from './movement.ts';
import { expand } from './reduce.ts';

const flipOp: Op<{ dims: readonly number[] }> = {
  name: 'flip',
  strided: true,
  forward: (y, [input], { dims }) => {
    const x = input as Tensor;
    // A window that starts at the last element and walks back.
    const strides = x.steps.map((s, i) => (dims.includes(i) ? -s : s));
    const offset = dims.reduce((at, d) => at + ((x.sizes[d] as number) - 1) * (x.steps[d] as number), x.offset);
    copyElements(new Tensor(x.storage, x.sizes, x.dtype, strides, offset), y);
  },
  backward: (dy, node) => [apply(flipOp, [dy], node.attrs)],
  batched: (dy, node) => [apply(flipOp, [dy], { dims: node.attrs.dims.map((d) => d + 1) })],
};

/** The order of elements along the given dimensions (a list, or one by one) turned round. */
export function flip(x: Tensor, ...dims: Sizes): Tensor {
  assertTensor('flip', x);
  if (dims.length === 0) throw new GradloomError('DIM', 'flip', 'the dimensions are missing. Write flip(0).');
  const list = Array.isArray(dims[0]) && dims.length === 1 ? dims[0] : dims;
  return apply(flipOp, [x], { dims: list.length === 0 ? [] : normalizeDims('flip', list as number[], x.rank) });
}

/** Elements moved on by `shifts` along dimensions, those that fall off the end coming back at the start. Without dimensions: in row-major order. */
export function roll(x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
  assertArity('roll', arguments.length, 3);
  const op = 'roll';
  assertTensor(op, x);
  const by = [shifts].flat();
  if (by.length === 0 || !by.every(Number.isSafeInteger)) throw new GradloomError('VALUE', op, `shifts must be whole numbers, got ${valueText(shifts)}.`);
  if (dims === undefined && by.length === 1) return reshape(roll(flatten(x), by, 0), x.sizes);
  const along = [dims ?? []].flat();
  if (by.length !== along.length) throw new GradloomError('VALUE', op, `shifts ${valueText(by)} and dimensions ${valueText(along)} must be as many.`);
  const dimensions = along.map((dim) => normalizeDim(op, dim, x.rank));
  const rolled = dimensions.reduce((y, at, i) => {
    const n = y.sizes[at] ?? 1;
    const shift = n === 0 ? 0 : (((by[i] as number) % n) + n) % n;
    return shift === 0 ? y : cat([narrow(y, at, n - shift, shift), narrow(y, at, 0, n - shift)], at);
  }, x);
  return rolled === x ? clone(x) : rolled;
}

/** x several times along each dimension (a list, or one by one); more numbers than dimensions put new ones in front. A copy. */
export function repeat(x: Tensor, ...times: Sizes): Tensor {
  assertTensor('repeat', x);
  return repeated('repeat', x, sizesOf('repeat', times));
}

function repeated(op: string, x: Tensor, times: readonly number[]): Tensor {
  if (times.length < x.rank)
    throw new GradloomError('SHAPE', op, `${valueText(times)} must be a whole number ≥ 0 for each dimension of ${shapeText(x.sizes)}. tile() fills up with ones.`);
  const sizes = [...times.slice(x.rank).map(() => 1), ...x.sizes];
  const apart = reshape(
    x,
    sizes.flatMap((n) => [1, n]),
  );
  const stretched = expand(
    apart,
    sizes.flatMap((n, i) => [times[i] as number, n]),
  );
  return reshape(
    clone(stretched),
    sizes.map((n, i) => n * (times[i] as number)),
  );
}

/** As `repeat`, but with fewer numbers than dimensions they belong to the last ones. */
export function tile(x: Tensor, ...times: Sizes): Tensor {
  assertTensor('tile', x);
  const list = sizesOf('tile', times);
  return repeated('tile', x, [...x.sizes.slice(list.length).map(() => 1), ...list]);
}
