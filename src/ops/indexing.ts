// Picking elements by index tensors, and adding into them. Indices are int32, checked before anything is read.
import { call } from '../runtime/call.ts';
import { assertArity, assertTensor, assertWhole } from '../tensor/check.ts';
import { viewOf } from '../tensor/dtype.ts';
import { GradloomError, shapeError, shapeText, valueText } from '../tensor/errors.ts';
import { apply, copyElements, dense, type Op } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { MOST_SIZE, normalizeDim, sameShape, type Shape, sizeOf } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { eq } from './binary.ts';
import { asFloat } from './convert.ts';
import { full } from './create.ts';
import { cat, flatten, narrow, reshape } from './movement.ts';

/** @internal Throws unless every index is an int32 in [0, size), or equals `ignore` where that is given: what kernels rely on. */
export function checkIndices(op: string, index: Tensor, size: number, ignore: number | null = null, what = 'index'): void {
  assertTensor(op, index, `the ${what} tensor`);
  if (index.dtype !== 'int32') {
    throw new GradloomError('DTYPE', op, `the ${what} tensor must be int32, got ${index.describe()}. Convert it with .int().`);
  }
  if (ignore !== null && (ignore | 0) !== ignore) throw new GradloomError('VALUE', op, `the ${what} to ignore must be a whole number that int32 holds, got ${valueText(ignore)}.`);
  const list = dense(index);
  const error = (bad: number, address: number): Error => {
    const value = viewOf('int32')[address / 4 + bad] as number;
    const range = size === 0 ? 'there is none to choose' : `it must lie in [0, ${size - 1}]`;
    return new GradloomError('INDEX', op, `${what} ${value} at position ${bad} is out of range: ${range}${ignore === null ? '' : ` or be ${ignore} (ignored)`}.`);
  };
  // To ignore what lies in the range ignores nothing; in an empty one every index is wrong.
  const bad = size > 0 || ignore !== null ? call('findOutOfRange', list.address, list.size, 0, size, ignore ?? 0) : list.size > 0 ? 0 : -1;
  if (bad >= 0) throw error(bad, list.address);
  if (size > 0 || ignore !== null) recording()?.check(error);
}

interface Around {
  dim: number;
}

/** Elements outside and inside of a dimension. */
function around(shape: Shape, dim: number): { outer: number; size: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, dim)), size: shape[dim] ?? 1, inner: sizeOf(shape.slice(dim + 1)) };
}

const indexSelectOp: Op<Around> = {
  name: 'indexSelect',
  shape: ([x, index], { dim }) => (x as Tensor).sizes.map((n, i) => (i === dim ? (index as Tensor).size : n)),
  forward: (y, [x, index], { dim }) => {
    const { outer, size, inner } = around((x as Tensor).sizes, dim);
    call('indexSelect', (x as Tensor).address, (index as Tensor).address, y.address, outer, size, inner, (index as Tensor).size);
  },
  saves: () => [false, true],
  backward: (dy, node) => [indexAdd(full(node.shapes[0] as Shape, 0), node.attrs.dim, node.input(1), dy), null],
  batched: (dy, node) => [indexAdd(full([dy.sizes[0] as number, ...(node.shapes[0] as Shape)], 0), node.attrs.dim + 1, node.input(1), dy), null],
  outer: {
    // Rows of a table (an embedding): U has a single 1 in each row, so U Uᵀ says which rows name the same entry.
    input: 0,
    cost: ({ shapes, attrs }) => {
      const rows = sizeOf(shapes[1] as Shape);
      const size = sizeOf(shapes[0] as Shape);
      const first = attrs.dim === 0 && (shapes[0] as Shape).length > 1;
      return { rows, width: size / ((shapes[0] as Shape)[0] as number), gradient: size, gram: first ? rows * rows : Number.POSITIVE_INFINITY };
    },
    gram: (node) => {
      const index = flatten(node.input(1));
      return asFloat(eq(reshape(index, [-1, 1]), index));
    },
    rowsOf: (dy) => reshape(dy, [dy.sizes[0] as number, dy.sizes[1] as number, -1]),
  },
};

/** The parts of x at the listed indices of a dimension. index: int32 [k]. */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  assertArity('indexSelect', arguments.length, 3);
  return indexSelectAs('indexSelect', x, dim, index);
}

/** @internal `indexSelect` under the name of what calls it. */
export function indexSelectAs(op: string, x: Tensor, dim: number, index: Tensor): Tensor {
  assertTensor(op, x);
  assertTensor(op, index, 'the index');
  const at = normalizeDim(op, dim, x.rank);
  if (index.rank > 1) throw new GradloomError('SHAPE', op, `the index must have one dimension, got ${shapeText(index.sizes)}. Flatten it.`);
  checkIndices(op, index, x.sizes[at] ?? 1);
  return apply(indexSelectOp, [x, index], { dim: at });
}

const indexAddOp: Op<Around> = {
  name: 'indexAdd',
  shape: ([x, index, source], { dim }) => {
    const [a, s] = [(x as Tensor).sizes, (source as Tensor).sizes];
    const expected = a.map((n, i) => (i === dim ? (index as Tensor).size : n));
    if (!sameShape(expected, s)) throw shapeError('indexAdd', 'the source does not fit', [expected, s], 'Give one part of x for each index.');
    return a;
  },
  forward: (y, [x, index, source], { dim }) => {
    call('copy', (x as Tensor).address, y.address, 1, 1, 1, y.size, 0, 0, 0, 1, 0, 0, 0, 1);
    const { outer, size, inner } = around(y.sizes, dim);
    call(y.dtype === 'float32' ? 'indexAdd' : 'indexAddInt', (source as Tensor).address, (index as Tensor).address, y.address, outer, size, inner, (index as Tensor).size);
  },
  saves: (needs) => [false, needs[2] as boolean, false],
  backward: (dy, node) => [dy, null, node.needs[2] ? apply(indexSelectOp, [dy, node.input(1)], node.attrs) : null],
};

/** Throws unless the source has x's type, in which sums make sense. */
function assertSource(op: string, x: Tensor, source: Tensor): void {
  assertTensor(op, source, 'the source');
  if (source.dtype !== x.dtype) throw new GradloomError('DTYPE', op, `x is ${x.dtype}, the source ${source.dtype}. Convert one.`);
  if (x.dtype === 'bool' && op !== 'scatter') throw new GradloomError('DTYPE', op, 'bools do not add up. Convert them with .int().');
}

/** x with the parts of `source` added at the listed indices of a dimension, in order; an index may repeat. */
export function indexAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  assertArity('indexAdd', arguments.length, 4);
  const op = 'indexAdd';
  assertTensor(op, x);
  const at = normalizeDim(op, dim, x.rank);
  assertSource(op, x, source);
  checkIndices(op, index, x.sizes[at] ?? 1);
  if (index.rank > 1) throw new GradloomError('SHAPE', op, `the index must have one dimension, got ${shapeText(index.sizes)}. Flatten it.`);
  return apply(indexAddOp, [x, index, source], { dim: at });
}

/** The index narrowed to what it addresses: x's other dimensions may be longer than the index's. */
function gatherShape(op: string, x: Shape, index: Shape, dim: number): Shape {
  const fits = x.length === index.length && index.every((n, i) => i === dim || n === x[i]);
  if (!fits) throw shapeError(op, `sizes differ outside dimension ${dim}`, [x, index], 'Narrow one.');
  return index;
}

const gatherOp: Op<Around> = {
  name: 'gather',
  shape: ([x, index], { dim }) => gatherShape('gather', (x as Tensor).sizes, (index as Tensor).sizes, dim),
  forward: (y, [x, index], { dim }) => {
    const { outer, size, inner } = around((x as Tensor).sizes, dim);
    call('gather', (x as Tensor).address, (index as Tensor).address, y.address, outer, size, inner, y.sizes[dim] ?? 1);
  },
  saves: () => [false, true],
  backward: (dy, node) => [apply(scatterAddOp, [full(node.shapes[0] as Shape, 0), node.input(1), dy], node.attrs), null],
};

const scatterAddOp: Op<Around> = {
  name: 'scatterAdd',
  shape: ([x, index], { dim }) => {
    gatherShape('scatterAdd', (x as Tensor).sizes, (index as Tensor).sizes, dim);
    return (x as Tensor).sizes;
  },
  forward: (y, [x, index, source], { dim }) => {
    call('copy', (x as Tensor).address, y.address, 1, 1, 1, y.size, 0, 0, 0, 1, 0, 0, 0, 1);
    const { outer, size, inner } = around(y.sizes, dim);
    call(
      y.dtype === 'float32' ? 'scatterAdd' : 'scatterAddInt',
      (source as Tensor).address,
      (index as Tensor).address,
      y.address,
      outer,
      size,
      inner,
      (index as Tensor).sizes[dim] ?? 1,
    );
  },
  saves: (needs) => [false, needs[2] as boolean, false],
  backward: (dy, node) => [dy, null, node.needs[2] ? apply(gatherOp, [dy, node.input(1)], node.attrs) : null],
};

/** y[…, i, …] = x[…, index[…, i, …], …] along a dimension; index: int32, x's rank, equal sizes elsewhere. */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  assertArity('gather', arguments.length, 3);
  assertTensor('gather', x);
  assertTensor('gather', index, 'the index');
  const at = normalizeDim('gather', dim, x.rank);
  if (x.rank === 0 && index.rank === 1) return gather(reshape(x, [1]), 0, index);
  const narrowed = x.rank === index.rank ? index.sizes.reduce((y, n, i) => (i !== at && n < (x.sizes[i] as number) ? narrow(y, i, 0, n) : y), x) : x;
  checkIndices('gather', index, x.sizes[at] ?? 1);
  return apply(gatherOp, [narrowed, index], { dim: at });
}

/**
 * x with `source` added at y[…, index[…, i, …], …] along a dimension. index: int32, x's rank, nowhere longer than the source, and
 * outside the dimension nowhere longer than x.
 */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  assertArity('scatterAdd', arguments.length, 4);
  const op = 'scatterAdd';
  assertTensor(op, x);
  assertTensor(op, index, 'the index');
  assertSource(op, x, source);
  const at = normalizeDim(op, dim, x.rank);
  const fits = index.rank === x.rank && source.rank === x.rank && index.sizes.every((n, i) => n <= (source.sizes[i] as number) && (i === at || n <= (x.sizes[i] as number)));
  if (!fits) throw shapeError(op, 'the index is longer than the source, or than x elsewhere', [x.sizes, index.sizes, source.sizes], 'Shorten it.');
  checkIndices(op, index, x.sizes[at] ?? 1);
  if (x.rank === 0) return reshape(scatterAdd(reshape(x, [1]), 0, reshape(index, [1]), reshape(source, [1])), []);
  // What the index leaves out is filled up with zeros added at 0.
  const part = index.sizes.reduce((s, n, i) => narrow(s, i, 0, n), source);
  const fill = (t: Tensor): Tensor =>
    x.sizes.reduce((y, n, i) => {
      const rest = y.sizes.map((m, j) => (j === i ? n - m : m));
      return i === at || rest[i] === 0 ? y : cat([y, full(rest, 0, { dtype: y.dtype })], i);
    }, t);
  return apply(scatterAddOp, [x, fill(index), fill(part)], { dim: at });
}

const scatterOp: Op<Around> = {
  name: 'scatter',
  shape: ([x, index], { dim }) => {
    gatherShape('scatter', (x as Tensor).sizes, (index as Tensor).sizes, dim);
    return (x as Tensor).sizes;
  },
  forward: (y, [x, index, source], { dim }) => {
    copyElements(x as Tensor, y);
    const { outer, size, inner } = around(y.sizes, dim);
    call('scatter', (source as Tensor).address, (index as Tensor).address, y.address, outer, size, inner, (index as Tensor).sizes[dim] ?? 1);
  },
  saves: () => [false, true, false],
  backward: (dy, node) => {
    const index = node.input(1);
    const kept = node.needs[0] ? apply(scatterOp, [dy, index, full(index.sizes, 0)], node.attrs) : null;
    return [kept, null, node.needs[2] ? apply(gatherOp, [dy, index], node.attrs) : null];
  },
};

/**
 * x with `source` (a tensor of x's type, or a number) put at y[…, index[…, i, …], …] along a dimension. Index and source as in
 * `scatterAdd`; where an index repeats, the last one stays and every one gets the gradient, as in PyTorch.
 */
export function scatter(x: Tensor, dim: number, index: Tensor, source: Tensor | number): Tensor {
  assertArity('scatter', arguments.length, 4);
  const op = 'scatter';
  assertTensor(op, x);
  assertTensor(op, index, 'the index');
  const at = normalizeDim(op, dim, x.rank);
  if (!(source instanceof Tensor) && typeof source !== 'number') throw new GradloomError('DTYPE', op, `the source must be a tensor or a number, got ${valueText(source)}.`);
  const from = typeof source === 'number' ? full(index.sizes, source, { dtype: x.dtype }) : source;
  assertSource(op, x, from);
  const fits = index.rank === x.rank && from.rank === x.rank && index.sizes.every((n, i) => n <= (from.sizes[i] as number) && (i === at || n <= (x.sizes[i] as number)));
  if (!fits) throw shapeError(op, 'the index is longer than the source, or than x elsewhere', [x.sizes, index.sizes, from.sizes], 'Shorten it.');
  checkIndices(op, index, x.sizes[at] ?? 1);
  if (x.rank === 0) return reshape(scatter(reshape(x, [1]), 0, reshape(index, [1]), reshape(from, [1])), []);
  const part = index.sizes.reduce((s, n, i) => narrow(s, i, 0, n), from);
  const put = (y: Tensor): Tensor => {
    // Where the index is shorter than x, the rest of x stays beside.
    const short = y.sizes.findIndex((n, i) => i !== at && n > (index.sizes[i] as number));
    if (short < 0) return apply(scatterOp, [y, index, part], { dim: at });
    const n = index.sizes[short] as number;
    return cat([put(narrow(y, short, 0, n)), narrow(y, short, n, (y.sizes[short] as number) - n)], short);
  };
  return put(x);
}

/** Classes as rows of 0 and 1: int32 [...] → float32 [..., classes]. */
export function oneHot(index: Tensor, classes: number): Tensor {
  assertArity('oneHot', arguments.length, 2);
  assertTensor('oneHot', index, 'the classes');
  assertWhole('oneHot', 'the number of classes', classes, 1);
  checkIndices('oneHot', index, Math.min(classes, MOST_SIZE), null, 'class');
  const column = reshape(index, [...index.sizes, 1]);
  return scatterAdd(full([...index.sizes, classes], 0), -1, column, full(column.sizes, 1));
}
