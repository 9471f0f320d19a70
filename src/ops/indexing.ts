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
import { add, eq, lt, where } from './binary.ts';
import { asFloat } from './convert.ts';
import { full } from './create.ts';
import { cat, flatten, narrow, reshape } from './movement.ts';
import { refuseDataShape } from './nonzero.ts';
import { stretch } from './reduce.ts';

/** @internal Throws unless every index is an int32 in [low, size), or equals `ignore` where that is given: what kernels rely on. */
export function checkIndices(op: string, index: Tensor, size: number, ignore: number | null = null, what = 'index', low = 0): void {
  assertTensor(op, index, `the ${what}`);
  if (index.dtype !== 'int32') {
    throw new GradloomError('DTYPE', op, `the ${what} tensor must be int32, got ${index.describe()}. Convert it with .int().`);
  }
  if (ignore !== null && (ignore | 0) !== ignore) throw new GradloomError('VALUE', op, `the ${what} to ignore must be a whole number that int32 holds, got ${valueText(ignore)}.`);
  const list = dense(index);
  const error = (bad: number, address: number): Error => {
    const value = viewOf('int32')[address / 4 + bad] as number;
    const range = size === 0 ? 'there is none to choose' : `it must lie in [${low}, ${size - 1}]`;
    return new GradloomError('INDEX', op, `${what} ${value} at position ${bad} is out of range: ${range}${ignore === null ? '' : ` or be ${ignore} (ignored)`}.`);
  };
  // To ignore what lies in the range ignores nothing; in an empty one every index is wrong.
  const bad = size > 0 || ignore !== null ? call('findOutOfRange', list.address, list.size, low, size, ignore ?? low) : list.size > 0 ? 0 : -1;
  if (bad >= 0) throw error(bad, list.address);
  if (size > 0 || ignore !== null) recording()?.check(error);
}

/** @internal An int32 index in [−size, size), counted from the start: what is negative counts from the end. */
export function fromStart(op: string, index: Tensor, size: number): Tensor {
  checkIndices(op, index, size, null, 'index', -size);
  return where(lt(index, 0), add(index, size), index);
}

/** @internal The dimension along which indices count. */
export interface Around {
  dim: number;
}

/** The dimension where cotangents lie one behind another. */
const inFront = ({ attrs }: Node<Around>): Around => ({ dim: attrs.dim + 1 });
/** An index, the same for each cotangent. */
const indexFor = (dy: Tensor, node: Node<Around>): Tensor => stretch(node.input(1), forEach(dy, node.shapes[1]));

/** @internal Calls a kernel of this family: from, to, and how many elements lie outside of the dimension, in it and inside; `n`: how many indices go along it. */
export function along(kernel: Kernel, from: Tensor, index: Tensor, to: Tensor, shape: Shape, dim: number, n: number, ...more: readonly number[]): void {
  call(kernel, from.address, index.address, to.address, sizeOf(shape.slice(0, dim)), shape[dim] ?? 1, sizeOf(shape.slice(dim + 1)), n, ...more);
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

/** @internal The dimension, once an index of one dimension fits there. */
export function places(op: string, x: Tensor, dim: number, index: Tensor): number {
  const at = dimOf(op, x, dim);
  checkIndices(op, index, x.sizes[at] ?? 1);
  if (index.rank > 1) throw new GradloomError('SHAPE', op, `the index must have one dimension, got ${shapeText(index.sizes)}. Flatten it.`);
  return at;
}

/** x's shape, once the source has a part of it for each index. */
const partsShape =
  (op: string) =>
  ([x, index, source]: readonly Tensor[], { dim }: Around): Shape => {
    const [a, s] = [(x as Tensor).sizes, (source as Tensor).sizes];
    const expected = a.map((n, i) => (i === dim ? (index as Tensor).size : n));
    if (!sameShape(expected, s)) throw shapeError(op, 'the source does not fit', [expected, s], 'Give one part of x for each index.');
    return a;
  };

/** @internal */
export const indexAddOp: Op<Around> = {
  name: 'indexAdd',
  shape: /* @__PURE__ */ partsShape('indexAdd'),
  forward: (y, [x, index, source], { dim }) => {
    copyElements(x as Tensor, y);
    along(y.dtype === 'float32' ? 'indexAdd' : 'indexAddInt', source as Tensor, index as Tensor, y, y.sizes, dim, (index as Tensor).size);
  },
  saves: (needs) => [false, needs[2] as boolean, false],
  backward: (dy, node) => [dy, null, node.needs[2] ? apply(indexSelectOp, [dy, node.input(1)], node.attrs) : null],
  batched: (dy, node, wants) => [dy, null, wants[2] ? apply(indexSelectOp, [dy, node.input(1)], inFront(node)) : null],
};

/** @internal */
export const indexCopyOp: Op<Around> = {
  name: 'indexCopy',
  shape: /* @__PURE__ */ partsShape('indexCopy'),
  forward: (y, [x, index, source], { dim }) => {
    copyElements(x as Tensor, y);
    along('indexCopy', source as Tensor, index as Tensor, y, y.sizes, dim, (index as Tensor).size);
  },
  saves: () => [false, true, false],
  backward: (dy, node) => copyGradients(dy, node, 0),
  batched: (dy, node) => copyGradients(dy, node, 1),
};

/** Zeros where x was overwritten, and the source's part for each index; `lead`: how many dimensions stand before x's. */
function copyGradients(dy: Tensor, node: Node<Around>, lead: number): (Tensor | null)[] {
  const index = node.input(1);
  const attrs = { dim: node.attrs.dim + lead };
  const zeros = (): Tensor => full([...dy.sizes.slice(0, lead), ...(node.shapes[2] as Shape)], 0);
  return [node.needs[0] ? apply(indexCopyOp, [dy, index, zeros()], attrs) : null, null, node.needs[2] ? apply(indexSelectOp, [dy, index], attrs) : null];
}

/** @internal Throws unless the source has x's type, in which sums make sense where it is to be added. */
export function assertSource(op: string, x: Tensor, source: Tensor, adds = true): void {
  assertTensor(op, source, 'the source');
  assertSameType(op, x, source);
  if (x.dtype === 'bool' && adds) throw new GradloomError('DTYPE', op, 'bools do not add up. Convert them with .int().');
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

/** @internal */
export const gatherOp: Op<Around> = {
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

/** @internal */
export const scatterAddOp: Op<Around> = scatterOpOf('scatterAdd', (y) => (y.dtype === 'float32' ? 'scatterAdd' : 'scatterAddInt'), {
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

/** @internal Runs `put` where the index reaches; what lies outside of it stays beside. */
export function beside(x: Tensor, dim: number, index: Tensor, part: Tensor, put: (x: Tensor, dim: number, index: Tensor, part: Tensor) => Tensor): Tensor {
  const short = x.sizes.findIndex((n, i) => i !== dim && n > (index.sizes[i] as number));
  if (short < 0) return put(x, dim, index, part);
  const n = index.sizes[short] as number;
  return cat([beside(narrow(x, short, 0, n), dim, index, part, put), narrow(x, short, n, (x.sizes[short] as number) - n)], short);
}

/** @internal Checks what scatters are given. Scalars become vectors; `put` gets the dimension, and the part of the source that the index names. */
export function scattered(
  op: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor | number,
  put: (x: Tensor, dim: number, index: Tensor, part: Tensor) => Tensor,
): Tensor {
  const at = dimOf(op, x, dim);
  assertTensor(op, index, 'the index');
  const from = typeof source === 'number' && op === 'scatter' ? full(index.sizes, source, { dtype: x.dtype }) : (source as Tensor);
  assertSource(op, x, from, op === 'scatterAdd');
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

/** @internal */
export const scatterOp: Op<Around> = scatterOpOf('scatter', () => 'scatter', {
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
  return scattered('scatter', x, dim, index, source, (x, at, index, part) => beside(x, at, index, part, (x, at, index, part) => apply(scatterOp, [x, index, part], { dim: at })));
}

/** Classes as rows of 0 and 1: int32 [...] → float32 [..., classes]. Without `classes`, or with −1, as many as there are, which a captured step cannot know. */
export function oneHot(index: Tensor, classes = -1): Tensor {
  const op = 'oneHot';
  assertArity(op, arguments.length, 2);
  assertTensor(op, index, 'the classes');
  const count = classes === -1 ? highest(op, index) + 1 : classes;
  assertWhole(op, 'the number of classes', count, 1);
  checkIndices(op, index, Math.min(count, MOST_SIZE), null, 'class');
  const column = reshape(index, [...index.sizes, 1]);
  return scatterAdd(full([...index.sizes, count], 0), -1, column, full(column.sizes, 1));
}

/** The largest of some whole numbers ≥ 0, or −1. */
function highest(op: string, index: Tensor): number {
  refuseDataShape(op, 'Give the number of classes.');
  checkIndices(op, index, MOST_SIZE, null, 'class');
  return index.data('int32').reduce((a, b) => Math.max(a, b), -1);
}
