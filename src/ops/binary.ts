// Two inputs, element by element, with broadcasting. A plain number may stand for either.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { assertArity, assertTensor, valueText } from '../tensor/check.ts';
import { type DType, promote } from '../tensor/dtype.ts';
import { GradloomError } from '../tensor/errors.ts';
import { apply, dense, everyInput, type Op, otherInputs, requiresGrad } from '../tensor/op.ts';
import { broadcastShapes, broadcastStrides, collapse, sameShape, type Shape, sizeOf } from '../tensor/shape.ts';
import { isGradEnabled } from '../tensor/tape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { to } from './convert.ts';
import { constant } from './create.ts';
import { clone } from './movement.ts';
import { sumTo } from './reduce.ts';

/** y = kernel(a, b) with a and b stretched to y's shape. y is row-major. */
function zip(kernel: Kernel, y: Tensor, a: Tensor, b: Tensor): void {
  if (y.size === 0) return;
  if (sameShape(a.sizes, b.sizes) && a.isContiguous() && b.isContiguous()) {
    call(kernel, a.address, b.address, y.address, 1, 1, y.size, 0, 0, 1, 0, 0, 1);
    return;
  }
  // One repeats over the other's leading dimensions: a bias, or what was saved once for the gradients of several losses.
  if (b.size > 1 && sameShape(a.sizes, y.sizes) && endsIn(y.sizes, b.sizes) && a.isContiguous() && b.isContiguous()) {
    call(kernel, a.address, b.address, y.address, 1, y.size / b.size, b.size, 0, b.size, 1, 0, 0, 1);
    return;
  }
  const { shape, strides } = collapse(y.sizes, [broadcastStrides(a.sizes, a.steps, y.sizes), broadcastStrides(b.sizes, b.steps, y.sizes)]);
  const [as, bs] = strides as [number[], number[]];
  const last = shape.length - 1;
  if ((as[last] as number) > 1 || (bs[last] as number) > 1) {
    zip(kernel, y, (as[last] as number) > 1 ? dense(a) : a, (bs[last] as number) > 1 ? dense(b) : b);
    return;
  }
  // The kernel walks three dimensions; what is left outside is walked here.
  const outer = Math.max(0, shape.length - 3);
  const [n, s, t] = [shape, as, bs].map((list, i) => [...(i ? [0, 0] : [1, 1]), ...list.slice(outer)].slice(-3)) as [number[], number[], number[]];
  const block = sizeOf(shape.slice(outer)) * 4;
  let out = y.address;
  const walk = (dim: number, p: number, q: number): void => {
    if (dim === outer) {
      call(kernel, p, q, out, n[0], n[1], n[2], s[0], s[1], s[2], t[0], t[1], t[2]);
      out += block;
      return;
    }
    for (let i = 0; i < (shape[dim] as number); i++) walk(dim + 1, p + i * (as[dim] as number) * 4, q + i * (bs[dim] as number) * 4);
  };
  walk(0, a.address, b.address);
}

/** Whether the last dimensions of a shape are those of another. */
function endsIn(shape: Shape, end: Shape): boolean {
  const lead = shape.length - end.length;
  return lead >= 0 && end.every((n, i) => n === shape[lead + i]);
}

/** @internal A broadcasting op on one kernel (another for int32 and bool). */
// @__NO_SIDE_EFFECTS__
export function binaryOp(name: string, kernel: Kernel, rest: Partial<Op<void>>, intKernel?: Kernel): Op<void> {
  return {
    name,
    shape: ([a, b]) => broadcastShapes(name, (a as Tensor).sizes, (b as Tensor).sizes),
    strided: true,
    batched: 'same',
    forward: (y, [a, b]) => zip(intKernel && (a as Tensor).dtype !== 'float32' ? intKernel : kernel, y, a as Tensor, b as Tensor),
    ...rest,
  };
}

/** A tensor, or a number that stands for one. */
export type Operand = Tensor | number;

/** Whether int32 holds it. */
const isInt32 = (x: number): boolean => (x | 0) === x;

/** @internal An operand's type beside others: a whole number takes theirs, one that int32 does not hold counts as float32. */
export function typeOf(op: string, x: Operand): DType {
  if (x instanceof Tensor) return x.dtype;
  if (typeof x === 'number') return isInt32(x) ? 'int32' : 'float32';
  throw new GradloomError('DTYPE', op, `takes tensors and numbers, got ${valueText(x)}. Use tensor(…).`);
}

const convert = (x: Operand, dtype: DType): Tensor => (typeof x === 'number' ? constant(x, dtype) : to(x, dtype));

/** @internal Both operands as tensors of one type: the wider of the two; a whole number takes the tensor's type, or float32 where int32 does not hold it. */
export function operands(op: string, a: Operand, b: Operand, least: DType = 'bool'): [Tensor, Tensor] {
  const dtype = promote(promote(typeOf(op, a), typeOf(op, b)), least);
  if (typeof a === 'number' && typeof b === 'number') throw new GradloomError('DTYPE', op, `needs a tensor, got ${a} and ${b}. Use tensor(…).`);
  return [convert(a, dtype), convert(b, dtype)];
}

const addOp = binaryOp('add', 'add', { backward: (dy, { shapes, needs }) => shapes.map((s, i) => (needs[i] ? sumTo(dy, s) : null)) }, 'addInt');

const subOp = binaryOp(
  'sub',
  'sub',
  { backward: (dy, { shapes, needs }) => [needs[0] ? sumTo(dy, shapes[0] as Shape) : null, needs[1] ? sumTo(mul(dy, -1), shapes[1] as Shape) : null] },
  'subInt',
);

const mulOp = binaryOp(
  'mul',
  'mul',
  {
    saves: otherInputs,
    backward: (dy, node) => node.shapes.map((s, i) => (node.needs[i] ? sumTo(mul(dy, node.input(1 - i)), s) : null)),
  },
  'mulInt',
);

const divOp = binaryOp('div', 'div', {
  saves: (needs) => [needs[1] as boolean, true],
  backward: (dy, node) => {
    const b = node.input(1);
    const da = div(dy, b);
    const db = node.needs[1] ? mul(mul(da, -1), div(node.input(0), b)) : null;
    return [node.needs[0] ? sumTo(da, node.shapes[0] as Shape) : null, db && sumTo(db, node.shapes[1] as Shape)];
  },
});

const addBoolOp = binaryOp('add', 'or', {});

/** a + b; of two bools whether either is true. Shapes broadcast. */
export function add(a: Operand, b: Operand): Tensor {
  assertArity('add', arguments.length, 2);
  const both = operands('add', a, b);
  return apply(both[0].dtype === 'bool' ? addBoolOp : addOp, both, undefined);
}

/** a − b. Shapes broadcast. */
export function sub(a: Operand, b: Operand): Tensor {
  assertArity('sub', arguments.length, 2);
  return apply(subOp, operands('sub', a, b, 'int32'), undefined);
}

/** a · b, element by element. Shapes broadcast. */
export function mul(a: Operand, b: Operand): Tensor {
  assertArity('mul', arguments.length, 2);
  return apply(mulOp, operands('mul', a, b, 'bool'), undefined);
}

/** a / b, always float32. Shapes broadcast. */
export function div(a: Operand, b: Operand): Tensor {
  assertArity('div', arguments.length, 2);
  // Backward reads what divides a number. As in PyTorch, where that is a product with 1/b, b may be written to meanwhile.
  const divisor = typeof a === 'number' && b instanceof Tensor && isGradEnabled() && requiresGrad(b) ? clone(b) : b;
  return apply(divOp, operands('div', a, divisor, 'float32'), undefined);
}

/** An op of the family that has no gradient: comparisons and logic. */
function boolBinary(name: string, kernel: Kernel, intKernel: Kernel): Op<void> {
  return binaryOp(name, kernel, { dtype: () => 'bool' }, intKernel);
}

const eqOp = boolBinary('eq', 'eq', 'eqInt');
const neOp = boolBinary('ne', 'ne', 'neInt');
const ltOp = boolBinary('lt', 'lt', 'ltInt');
const leOp = boolBinary('le', 'le', 'leInt');
const andOp = boolBinary('logicalAnd', 'and', 'and');
const orOp = boolBinary('logicalOr', 'or', 'or');
const xorOp = boolBinary('logicalXor', 'xor', 'xor');

/** A number as whole ones see it: one that int32 does not hold lies beyond them all. */
function amongInts(x: Operand, other: Operand): Operand {
  return typeof x === 'number' && Math.abs(x) >= 2 ** 31 && !isInt32(x) && other instanceof Tensor && other.dtype !== 'float32' ? x * Number.POSITIVE_INFINITY : x;
}

const compared = (op: string, a: Operand, b: Operand): [Tensor, Tensor] => operands(op, amongInts(a, b), amongInts(b, a));

/** a = b, as bool. */
export function eq(a: Operand, b: Operand): Tensor {
  assertArity('eq', arguments.length, 2);
  return apply(eqOp, compared('eq', a, b), undefined);
}
/** a ≠ b, as bool. */
export function ne(a: Operand, b: Operand): Tensor {
  assertArity('ne', arguments.length, 2);
  return apply(neOp, compared('ne', a, b), undefined);
}
/** a < b, as bool. */
export function lt(a: Operand, b: Operand): Tensor {
  assertArity('lt', arguments.length, 2);
  return apply(ltOp, compared('lt', a, b), undefined);
}
/** a ≤ b, as bool. */
export function le(a: Operand, b: Operand): Tensor {
  assertArity('le', arguments.length, 2);
  return apply(leOp, compared('le', a, b), undefined);
}
/** a > b, as bool. */
export function gt(a: Operand, b: Operand): Tensor {
  assertArity('gt', arguments.length, 2);
  return apply(ltOp, compared('gt', b, a), undefined);
}
/** a ≥ b, as bool. */
export function ge(a: Operand, b: Operand): Tensor {
  assertArity('ge', arguments.length, 2);
  return apply(leOp, compared('ge', b, a), undefined);
}

function bools(op: string, a: Operand, b: Operand): [Tensor, Tensor] {
  const [x, y] = operands(op, a, b);
  return [to(x, 'bool'), to(y, 'bool')];
}

/** Whether both are non-zero. bool. */
export function logicalAnd(a: Operand, b: Operand): Tensor {
  assertArity('logicalAnd', arguments.length, 2);
  return apply(andOp, bools('logicalAnd', a, b), undefined);
}
/** Whether either is non-zero. bool. */
export function logicalOr(a: Operand, b: Operand): Tensor {
  assertArity('logicalOr', arguments.length, 2);
  return apply(orOp, bools('logicalOr', a, b), undefined);
}
/** Whether exactly one is non-zero. bool. */
export function logicalXor(a: Operand, b: Operand): Tensor {
  assertArity('logicalXor', arguments.length, 2);
  return apply(xorOp, bools('logicalXor', a, b), undefined);
}

/** The larger or smaller of two: the gradient goes to the winner, half to each of equals, and to both where one is NaN (PyTorch). */
function extremeOp(name: string, kernel: Kernel, intKernel: Kernel, loses: (a: Tensor, b: Tensor) => Tensor): Op<void> {
  return binaryOp(
    name,
    kernel,
    {
      saves: everyInput,
      backward: (dy, node) => {
        const [a, b] = [node.input(0), node.input(1)];
        const shared = where(eq(a, b), mul(dy, 0.5), dy);
        return node.shapes.map((s, i) => (node.needs[i] ? sumTo(where(i ? loses(b, a) : loses(a, b), 0, shared), s) : null));
      },
    },
    intKernel,
  );
}

const maximumOp = extremeOp('maximum', 'maximum', 'maximumInt', lt);
const minimumOp = extremeOp('minimum', 'minimum', 'minimumInt', gt);

/** The larger of a and b; NaN wins. Shapes broadcast. */
export function maximum(a: Operand, b: Operand): Tensor {
  assertArity('maximum', arguments.length, 2);
  return apply(maximumOp, operands('maximum', a, b), undefined);
}

/** The smaller of a and b; NaN wins. Shapes broadcast. */
export function minimum(a: Operand, b: Operand): Tensor {
  assertArity('minimum', arguments.length, 2);
  return apply(minimumOp, operands('minimum', a, b), undefined);
}

const whereOp: Op<void> = {
  name: 'where',
  shape: ([c, a, b]) => broadcastShapes('where', broadcastShapes('where', (a as Tensor).sizes, (b as Tensor).sizes), (c as Tensor).sizes),
  dtype: ([, a]) => (a as Tensor).dtype,
  strided: true,
  forward: (y, inputs) => {
    const [c, a, b] = inputs.map((x) => dense(new Tensor(x.storage, y.sizes, x.dtype, broadcastStrides(x.sizes, x.steps, y.sizes), x.offset))) as [Tensor, Tensor, Tensor];
    call('select', c.address, a.address, b.address, y.address, y.size);
  },
  saves: () => [true, false, false],
  batched: 'same',
  backward: (dy, node) => {
    const c = node.input(0);
    const [, a, b] = node.shapes as [Shape, Shape, Shape];
    return [null, node.needs[1] ? sumTo(where(c, dy, 0), a) : null, node.needs[2] ? sumTo(where(c, 0, dy), b) : null];
  },
};

/** Throws unless it is a bool tensor. */
function assertCondition(op: string, condition: Tensor, name: string): void {
  assertTensor(op, condition, name);
  if (condition.dtype !== 'bool') throw new GradloomError('DTYPE', op, `the ${name} must be bool, got ${condition.describe()}. Compare first, as x.gt(0).`);
}

/** condition ? a : b, element by element; condition is bool. Shapes broadcast. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  assertArity('where', arguments.length, 3);
  assertCondition('where', condition, 'condition');
  const numbers = typeof a === 'number' && typeof b === 'number';
  const [x, y] = numbers ? [constant(a, 'float32'), constant(b, 'float32')] : operands('where', a, b);
  return apply(whereOp, [condition, x, y], undefined);
}

/** x with its elements replaced by `value` where the mask is true, in x's type, which must hold the value. Shapes broadcast. */
export function maskedFill(x: Tensor, mask: Tensor, value: Operand | boolean): Tensor {
  assertArity('maskedFill', arguments.length, 3);
  const op = 'maskedFill';
  assertTensor(op, x);
  assertCondition(op, mask, 'mask');
  const given = typeof value === 'boolean' ? +value : value;
  const bit = x.dtype === 'bool' && (given === 0 || given === 1);
  if (!bit && promote(typeOf(op, given), x.dtype) !== x.dtype) {
    throw new GradloomError('DTYPE', op, `${x.describe()} cannot hold ${valueText(value)}. Convert the tensor first.`);
  }
  return apply(whereOp, [mask, convert(given, x.dtype), x], undefined);
}

const reluGradOp = gradOp('reluGrad', 'reluGrad', (u, _dy, y) => [reluGrad(u, y), null]);
const tanhGradOp = gradOp('tanhGrad', 'tanhGrad', (u, dy, y) => [tanhGrad(u, y), mul(mul(mul(u, dy), y), -2)]);
const sigmoidGradOp = gradOp('sigmoidGrad', 'sigmoidGrad', (u, dy, y) => [sigmoidGrad(u, y), mul(mul(u, dy), sub(1, mul(y, 2)))]);

/** A fused gradient, itself an op: z = dy ⊙ g(y). `rule(u, dy, y)` gives the gradients of dy and y from z's gradient u. */
function gradOp(name: string, kernel: Kernel, rule: (u: Tensor, dy: Tensor, y: Tensor) => (Tensor | null)[]): Op<void> {
  return binaryOp(name, kernel, { saves: everyInput, backward: (u, node) => rule(u, node.input(0), node.input(1)) });
}

/** @internal 0 where y ≤ 0, else dy: the gradient of relu. */
export function reluGrad(dy: Tensor, y: Tensor): Tensor {
  return apply(reluGradOp, [dy, y], undefined);
}
/** @internal dy·(1 − y²): the gradient of tanh, from its output. */
export function tanhGrad(dy: Tensor, y: Tensor): Tensor {
  return apply(tanhGradOp, [dy, y], undefined);
}
/** @internal dy·y·(1 − y): the gradient of sigmoid, from its output. */
export function sigmoidGrad(dy: Tensor, y: Tensor): Tensor {
  return apply(sigmoidGradOp, [dy, y], undefined);
}
