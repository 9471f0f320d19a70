// Elements in another order, or several times: copies, unlike the views of movement.ts.
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { apply, copyElements, type Op } from '../tensor/op.ts';
import { normalizeDim, normalizeDims, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cat, flatten, narrow, reshape } from './movement.ts';
import { expand } from './reduce.ts';

const flipOp: Op<{ dims: readonly number[] }> = {
  name: 'flip',
  shape: ([x]) => (x as Tensor).sizes,
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

/** The order of elements along the given dimensions turned round. */
export function flip(x: Tensor, dims: number | readonly number[]): Tensor {
  const list = typeof dims === 'object' && dims.length === 0 ? [] : normalizeDims('flip', dims, x.rank);
  return apply(flipOp, [x], { dims: list });
}

/** Elements moved on by `shifts` along dimensions, those that fall off the end coming back at the start. Without dimensions: in row-major order. */
export function roll(x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
  if (dims === undefined) {
    if (typeof shifts !== 'number') throw new GradloomError('VALUE', 'roll', 'several shifts need as many dimensions.');
    return reshape(roll(flatten(x), shifts, 0), x.sizes);
  }
  const [by, along] = [[shifts].flat(), [dims].flat()];
  if (by.length !== along.length || !by.every(Number.isInteger))
    throw new GradloomError('VALUE', 'roll', `shifts [${by}] and dimensions [${along}] must be whole numbers, one for each.`);
  return along.reduce((y, dim, i) => {
    const at = normalizeDim('roll', dim, y.rank);
    const n = y.sizes[at] ?? 1;
    const shift = n === 0 ? 0 : (((by[i] as number) % n) + n) % n;
    return shift === 0 ? y : cat([narrow(y, at, n - shift, shift), narrow(y, at, 0, n - shift)], at);
  }, x);
}

/** x several times along each dimension; more numbers than dimensions put new ones in front. */
export function repeat(x: Tensor, times: Shape): Tensor {
  if (times.length < x.rank || times.some((n) => !Number.isInteger(n) || n < 0))
    throw new GradloomError('SHAPE', 'repeat', `[${times}] must be a whole number ≥ 0 for each dimension of ${shapeText(x.sizes)}. tile() fills up with ones.`);
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
    stretched,
    sizes.map((n, i) => n * (times[i] as number)),
  );
}

/** As `repeat`, but with fewer numbers than dimensions they belong to the last ones. */
export function tile(x: Tensor, times: Shape): Tensor {
  return repeat(x, [...x.sizes.slice(times.length).map(() => 1), ...times]);
}
