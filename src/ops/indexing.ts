// Picking elements by index tensors, and adding into them. Indices are int32, checked before anything is read.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { assertArity, assertSameType, assertTensor, assertWhole, dimOf } from '../tensor/check.ts';
import { viewOf } from '../tensor/dtype.ts';
import { GradloomError, shapeError, shapeText, valueText } from '../tensor/errors.ts';
import { apply, copyElements, dense, forEach, type Op } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { MOST_SIZE, sameShape, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Node } from '../tensor/tape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { eq } from './binary.ts';
import { asFloat } from './convert.ts';
import { full } from './create.ts';
import { cat, flatten, narrow, reshape } from './movement.ts';
import { stretch } from './reduce.ts';

/** @internal Throws unless every index is an int32 in [0, size), or equals `ignore` where that is given: what kernels rely on. */
export function checkIndices(op: string, index: Tensor, size: number, ignore: number | null = null, what = 'index'): void {
  assertTensor(op, index, `the ${what}`);
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

/** The dimension where cotangents lie one behind another. */
const inFront = ({ attrs }: Node<Around>): Around => ({ dim: attrs.dim + 1 });
/** An index, the same for each cotangent. */
const indexFor = (dy: Tensor, node: Node<Around>): Tensor => stretch(node.input(1), forEach(dy, node.shapes[1]));

/** Calls a kernel of this family: from, to, and how many elements lie outside of the dimension, in it and inside; `n`: how many indices go along it. */
function along(kernel: Kernel, from: Tensor, index: Tensor, to: Tensor, shape: Shape, dim: number, n: number): void {
  call(kernel, from.address, index.address, to.address, sizeOf(shape.slice(0, dim)), shape[dim] ?? 1, sizeOf(shape.slice(dim + 1)), n);
}

const indexSelectOp: Op<Around> = {
  name: 'indexSelect',
  shape: ([x, index], { dim }) => (x as Tensor).sizes.map((n, i) => (i === dim ? (index as Tensor).size : n)),
  forward: (y, [x, index], { dim }) => {
    along('indexSelect', x as Tensor, index as Tensor, y, (x as Tensor).sizes, dim, (index as Tensor).size);
  },
  saves: () => [false, true],
  backward: (dy, node) => [indexAdd(full(node.shapes[0] as Shape, 0), node.attrs.dim, node.input(1), dy), null],
  batched: (dy, node) => [apply(indexAddOp, [full(forEach(dy, node.shapes[0]), 0), node.input(1), dy], inFront(node)), null],
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
  return apply(indexSelectOp, [x, index], { dim: places(op, x, dim, index) });
}

/** The dimension, once an index of one dimension fits there. */
function places(op: string, x: Tensor, dim: number, index: Tensor): number {
  const at = dimOf(op, x, dim);
  checkIndices(op, index, x.sizes[at] ?? 1);
  if (index.rank > 1) throw new GradloomError('SHAPE', op, `the index must have one dimension, got ${shapeText(index.sizes)}. Flatten it.`);
  return at;
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
    copyElements(x as Tensor, y);
    along(y.dtype === 'float32' ? 'indexAdd' : 'indexAddInt', source as Tensor, index as Tensor, y, y.sizes, dim, (index as Tensor).size);
  },
  saves: (needs) => [false, needs[2] as boolean, false],
  backward: (dy, node) => [dy, null, node.needs[2] ? apply(indexSelectOp, [dy, node.input(1)], node.attrs) : null],
  batched: (dy, node, wants) => [dy, null, wants[2] ? apply(indexSelectOp, [dy, node.input(1)], inFront(node)) : null],
};

/** Throws unless the source has x's type, in which sums make sense. */
function assertSource(op: string, x: Tensor, source: Tensor): void {
  assertTensor(op, source, 'the source');
  assertSameType(op, x, source);
  if (x.dtype === 'bool' && op !== 'scatter') throw new GradloomError('DTYPE', op, 'bools do not add up. Convert them with .int().');
}

/** x with the parts of `source` added at the listed indices of a dimension, in order; an index may repeat. */
export function indexAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  assertArity('indexAdd', arguments.length, 4);
  const op = 'indexAdd';
  const at = places(op, x, dim, index);
  assertSource(op, x, source);
  return apply(indexAddOp, [x, index, source], { dim: at });
}

/** Throws unless x and the index agree outside of the dimension: x was narrowed to what the index addresses. */
function assertAround(op: string, x: Shape, index: Shape, dim: number): void {
  const fits = x.length === index.length && index.every((n, i) => i === dim || n === x[i]);
  if (!fits) throw shapeError(op, `sizes differ outside dimension ${dim}`, [x, index], 'Narrow one.');
}

const gatherOp: Op<Around> = {
  name: 'gather',
  shape: ([x, index], { dim }) => {
    assertAround('gather', (x as Tensor).sizes, (index as Tensor).sizes, dim);
    return (index as Tensor).sizes;
  },
  forward: (y, [x, index], { dim }) => along('gather', x as Tensor, index as Tensor, y, (x as Tensor).sizes, dim, y.sizes[dim] ?? 1),
  saves: () => [false, true],
  backward: (dy, node) => [apply(scatterAddOp, [full(node.shapes[0] as Shape, 0), node.input(1), dy], node.attrs), null],
  batched: (dy, node) => [apply(scatterAddOp, [full(forEach(dy, node.shapes[0]), 0), indexFor(dy, node), dy], inFront(node)), null],
};

/** What `scatter` and `scatterAdd` share: x copied, and the source's elements brought where the index says. */
function scatterOpOf(name: 'scatter' | 'scatterAdd', kernel: (y: Tensor) => Kernel, rest: Pick<Op<Around>, 'saves' | 'backward' | 'batched'>): Op<Around> {
  return {
    name,
    shape: ([x, index], { dim }) => {
      assertAround(name, (x as Tensor).sizes, (index as Tensor).sizes, dim);
      return (x as Tensor).sizes;
    },
    forward: (y, [x, index, source], { dim }) => {
      copyElements(x as Tensor, y);
      along(kernel(y), source as Tensor, index as Tensor, y, y.sizes, dim, (index as Tensor).sizes[dim] ?? 1);
    },
    ...rest,
  };
}

const scatterAddOp: Op<Around> = scatterOpOf('scatterAdd', (y) => (y.dtype === 'float32' ? 'scatterAdd' : 'scatterAddInt'), {
  saves: (needs) => [false, needs[2] as boolean, false],
  backward: (dy, node) => [dy, null, node.needs[2] ? apply(gatherOp, [dy, node.input(1)], node.attrs) : null],
  batched: (dy, node, wants) => [dy, null, wants[2] ? apply(gatherOp, [dy, indexFor(dy, node)], inFront(node)) : null],
});

/** y[…, i, …] = x[…, index[…, i, …], …] along a dimension; index: int32, x's rank, equal sizes elsewhere. */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  assertArity('gather', arguments.length, 3);
  const at = dimOf('gather', x, dim);
  assertTensor('gather', index, 'the index');
  if (x.rank === 0 && index.rank === 1) return gather(reshape(x, [1]), 0, index);
  const narrowed = x.rank === index.rank ? index.sizes.reduce((y, n, i) => (i !== at && n < (x.sizes[i] as number) ? narrow(y, i, 0, n) : y), x) : x;
  checkIndices('gather', index, x.sizes[at] ?? 1);
  return apply(gatherOp, [narrowed, index], { dim: at });
}

/** Checks what both scatters are given. Scalars become vectors; `put` gets the dimension, and the part of the source that the index names. */
function scattered(op: string, x: Tensor, dim: number, index: Tensor, source: Tensor | number, put: (x: Tensor, dim: number, index: Tensor, part: Tensor) => Tensor): Tensor {
  const at = dimOf(op, x, dim);
  assertTensor(op, index, 'the index');
  const from = typeof source === 'number' && op === 'scatter' ? full(index.sizes, source, { dtype: x.dtype }) : (source as Tensor);
  assertSource(op, x, from);
  const fits = index.rank === x.rank && from.rank === x.rank && index.sizes.every((n, i) => n <= (from.sizes[i] as number) && (i === at || n <= (x.sizes[i] as number)));
  if (!fits) throw shapeError(op, 'the index is longer than the source, or than x elsewhere', [x.sizes, index.sizes, from.sizes], 'Shorten it.');
  checkIndices(op, index, x.sizes[at] ?? 1);
  if (x.rank === 0) return reshape(put(reshape(x, [1]), 0, reshape(index, [1]), reshape(from, [1])), []);
  return put(
    x,
    at,
    index,
    index.sizes.reduce((s, n, i) => narrow(s, i, 0, n), from),
  );
}

/**
 * x with `source` added at y[…, index[…, i, …], …] along a dimension. index: int32, x's rank, nowhere longer than the source, and
 * outside the dimension nowhere longer than x.
 */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  assertArity('scatterAdd', arguments.length, 4);
  return scattered('scatterAdd', x, dim, index, source, (x, at, index, part) => {
    // What the index leaves out is filled up with zeros added at 0.
    const fill = (t: Tensor): Tensor =>
      x.sizes.reduce((y, n, i) => {
        const rest = y.sizes.map((m, j) => (j === i ? n - m : m));
        return i === at || rest[i] === 0 ? y : cat([y, full(rest, 0, { dtype: y.dtype })], i);
      }, t);
    return apply(scatterAddOp, [x, fill(index), fill(part)], { dim: at });
  });
}

const scatterOp: Op<Around> = scatterOpOf('scatter', () => 'scatter', {
  saves: () => [false, true, false],
  backward: (dy, node) => scatterBackward(dy, node.input(1), node.attrs, node.needs),
  batched: (dy, node, wants) => scatterBackward(dy, indexFor(dy, node), inFront(node), wants),
});

function scatterBackward(dy: Tensor, index: Tensor, attrs: Around, wants: readonly boolean[]): (Tensor | null)[] {
  const kept = wants[0] ? apply(scatterOp, [dy, index, full(index.sizes, 0)], attrs) : null;
  return [kept, null, wants[2] ? apply(gatherOp, [dy, index], attrs) : null];
}

/**
 * x with `source` (a tensor of x's type, or a number) put at y[…, index[…, i, …], …] along a dimension. Index and source as in
 * `scatterAdd`; where an index repeats, the last one stays and every one gets the gradient, as in PyTorch.
 */
export function scatter(x: Tensor, dim: number, index: Tensor, source: Tensor | number): Tensor {
  assertArity('scatter', arguments.length, 4);
  return scattered('scatter', x, dim, index, source, function put(x, at, index, part): Tensor {
    // Where the index is shorter than x, the rest of x stays beside.
    const short = x.sizes.findIndex((n, i) => i !== at && n > (index.sizes[i] as number));
    if (short < 0) return apply(scatterOp, [x, index, part], { dim: at });
    const n = index.sizes[short] as number;
    return cat([put(narrow(x, short, 0, n), at, index, part), narrow(x, short, n, (x.sizes[short] as number) - n)], short);
  });
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
