// Two inputs, element by element, with broadcasting. A plain number may stand for either.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { type DType, promote } from '../tensor/dtype.ts';
import { GradloomError } from '../tensor/errors.ts';
import { apply, dense, everyInput, type Op, otherInputs } from '../tensor/op.ts';
import { broadcastShapes, broadcastStrides, collapse, sameShape, type Shape, sizeOf } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { asFloat, to } from './convert.ts';
import { constant } from './create.ts';
import { sumTo } from './reduce.ts';

/** y = kernel(a, b) with a and b stretched to y's shape. y is row-major. */
function zip(kernel: Kernel, y: Tensor, a: Tensor, b: Tensor): void {
  if (y.size === 0) return;
  if (sameShape(a.shape, b.shape) && a.isContiguous() && b.isContiguous()) {
    call(kernel, a.address, b.address, y.address, 1, 1, y.size, 0, 0, 1, 0, 0, 1);
    return;
  }
  // One repeats over the other's leading dimensions: a bias, or what was saved once for the gradients of several losses.
  if (b.size > 1 && sameShape(a.shape, y.shape) && endsIn(y.shape, b.shape) && a.isContiguous() && b.isContiguous()) {
    call(kernel, a.address, b.address, y.address, 1, y.size / b.size, b.size, 0, b.size, 1, 0, 0, 1);
    return;
  }
  const { shape, strides } = collapse(y.shape, [broadcastStrides(a.shape, a.strides, y.shape), broadcastStrides(b.shape, b.strides, y.shape)]);
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
export function binaryOp(name: string, kernel: Kernel, rest: Partial<Op<void>>, intKernel?: Kernel): Op<void> {
  return {
    name,
    shape: ([a, b]) => broadcastShapes(name, (a as Tensor).shape, (b as Tensor).shape),
    strided: true,
    batched: 'same',
    forward: (y, [a, b]) => zip(intKernel && (a as Tensor).dtype !== 'float32' ? intKernel : kernel, y, a as Tensor, b as Tensor),
    ...rest,
  };
}

/** A tensor, or a number that stands for one. */
export type Operand = Tensor | number;

/** @internal Both operands as tensors of one type: the wider of the two; a whole number takes the tensor's type. */
export function operands(op: string, a: Operand, b: Operand, least: DType = 'bool'): [Tensor, Tensor] {
  const typeOf = (x: Operand): DType => (typeof x === 'number' ? (Number.isInteger(x) ? 'int32' : 'float32') : x.dtype);
  if (!(a instanceof Tensor || b instanceof Tensor)) throw new GradloomError('DTYPE', op, `needs a tensor, got ${typeof a} and ${typeof b}. Make one with tensor(…).`);
  const dtype = promote(promote(typeOf(a), typeOf(b)), least);
  const convert = (x: Operand): Tensor => {
    if (typeof x === 'number') return constant(x, dtype);
    if (!(x instanceof Tensor)) throw new GradloomError('DTYPE', op, `takes tensors and numbers, got ${typeof x}. Make a tensor with tensor(…).`);
    return to(x, dtype);
  };
  return [convert(a), convert(b)];
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

/** a + b. Shapes broadcast. */
export function add(a: Operand, b: Operand): Tensor {
  return apply(addOp, operands('add', a, b, 'int32'), undefined);
}

/** a − b. Shapes broadcast. */
export function sub(a: Operand, b: Operand): Tensor {
  return apply(subOp, operands('sub', a, b, 'int32'), undefined);
}

/** a · b, element by element. Shapes broadcast. */
export function mul(a: Operand, b: Operand): Tensor {
  return apply(mulOp, operands('mul', a, b, 'bool'), undefined);
}

/** a / b, always float32. Shapes broadcast. */
export function div(a: Operand, b: Operand): Tensor {
  return apply(divOp, operands('div', a, b, 'float32'), undefined);
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

/** a = b, as bool. */
export function eq(a: Operand, b: Operand): Tensor {
  return apply(eqOp, operands('eq', a, b), undefined);
}
/** a ≠ b, as bool. */
export function ne(a: Operand, b: Operand): Tensor {
  return apply(neOp, operands('ne', a, b), undefined);
}
/** a < b, as bool. */
export function lt(a: Operand, b: Operand): Tensor {
  return apply(ltOp, operands('lt', a, b), undefined);
}
/** a ≤ b, as bool. */
export function le(a: Operand, b: Operand): Tensor {
  return apply(leOp, operands('le', a, b), undefined);
}
/** a > b, as bool. */
export function gt(a: Operand, b: Operand): Tensor {
  return apply(ltOp, operands('gt', b, a), undefined);
}
/** a ≥ b, as bool. */
export function ge(a: Operand, b: Operand): Tensor {
  return apply(leOp, operands('ge', b, a), undefined);
}

function bools(op: string, a: Operand, b: Operand): [Tensor, Tensor] {
  const [x, y] = operands(op, a, b);
  return [to(x, 'bool'), to(y, 'bool')];
}

/** Whether both are non-zero. bool. */
export function logicalAnd(a: Operand, b: Operand): Tensor {
  return apply(andOp, bools('logicalAnd', a, b), undefined);
}
/** Whether either is non-zero. bool. */
export function logicalOr(a: Operand, b: Operand): Tensor {
  return apply(orOp, bools('logicalOr', a, b), undefined);
}
/** Whether exactly one is non-zero. bool. */
export function logicalXor(a: Operand, b: Operand): Tensor {
  return apply(xorOp, bools('logicalXor', a, b), undefined);
}

/** The larger or smaller of two: the gradient goes to the winner, half to each of equals (PyTorch). */
function extremeOp(name: string, kernel: Kernel, intKernel: Kernel, wins: (a: Tensor, b: Tensor) => Tensor): Op<void> {
  return binaryOp(
    name,
    kernel,
    {
      saves: everyInput,
      backward: (dy, node) => {
        const [a, b] = [node.input(0), node.input(1)];
        const tie = mul(asFloat(eq(a, b)), 0.5);
        const share = (x: Tensor, other: Tensor): Tensor => add(asFloat(wins(x, other)), tie);
        return node.shapes.map((s, i) => (node.needs[i] ? sumTo(mul(dy, i ? share(b, a) : share(a, b)), s) : null));
      },
    },
    intKernel,
  );
}

const maximumOp = extremeOp('maximum', 'maximum', 'maximumInt', gt);
const minimumOp = extremeOp('minimum', 'minimum', 'minimumInt', lt);

/** The larger of a and b; NaN wins. Shapes broadcast. */
export function maximum(a: Operand, b: Operand): Tensor {
  return apply(maximumOp, operands('maximum', a, b), undefined);
}

/** The smaller of a and b; NaN wins. Shapes broadcast. */
export function minimum(a: Operand, b: Operand): Tensor {
  return apply(minimumOp, operands('minimum', a, b), undefined);
}

const whereOp: Op<void> = {
  name: 'where',
  shape: ([c, a, b]) => broadcastShapes('where', broadcastShapes('where', (a as Tensor).shape, (b as Tensor).shape), (c as Tensor).shape),
  dtype: ([, a]) => (a as Tensor).dtype,
  strided: true,
  forward: (y, inputs) => {
    const [c, a, b] = inputs.map((x) => dense(new Tensor(x.storage, y.shape, x.dtype, broadcastStrides(x.shape, x.strides, y.shape), x.offset))) as [Tensor, Tensor, Tensor];
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

/** condition ? a : b, element by element; condition is bool. Shapes broadcast. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  if (condition.dtype !== 'bool') throw new GradloomError('DTYPE', 'where', `the condition must be bool, got ${condition.describe()}. Compare first: where(x.gt(0), …).`);
  const numbers = typeof a === 'number' && typeof b === 'number';
  const [x, y] = numbers ? [constant(a, 'float32'), constant(b, 'float32')] : operands('where', a, b);
  return apply(whereOp, [condition, x, y], undefined);
}

/** x with its elements replaced by `value` where the mask is true. Shapes broadcast. */
export function maskedFill(x: Tensor, mask: Tensor, value: Operand): Tensor {
  return where(mask, value, x);
}

const reluGradOp = gradOp('reluGrad', 'reluGrad', (u, _dy, y) => [reluGrad(u, y), null]);
const tanhGradOp = gradOp('tanhGrad', 'tanhGrad', (u, dy, y) => [tanhGrad(u, y), mul(mul(mul(u, dy), y), -2)]);
const sigmoidGradOp = gradOp('sigmoidGrad', 'sigmoidGrad', (u, dy, y) => [sigmoidGrad(u, y), mul(mul(u, dy), sub(1, mul(y, 2)))]);

/** A fused gradient, itself an op: z = dy ⊙ g(y). `rule(u, dy, y)` gives the gradients of dy and y from z's gradient u. */
function gradOp(name: string, kernel: Kernel, rule: (u: Tensor, dy: Tensor, y: Tensor) => (Tensor | null)[]): Op<void> {
  return binaryOp(name, kernel, { saves: everyInput, backward: (u, node) => rule(u, node.input(0), node.input(1)) });
}

/** @internal dy where y > 0: the gradient of relu. */
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
