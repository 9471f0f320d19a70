// Two inputs, element by element, with broadcasting. A plain number may stand for either.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { assertArity, assertTensor, type Kinds, NUMBER, optionsOf, valueText } from '../tensor/check.ts';
import { type DType, promote } from '../tensor/dtype.ts';
import { GradloomError } from '../tensor/errors.ts';
import { apply, dense, everyInput, type Op, otherInputs, requiresGrad, walkOuter, windowOn } from '../tensor/op.ts';
import { broadcastShapes, broadcastStrides, collapse, sameShape, type Shape, sizeOf } from '../tensor/shape.ts';
import { isGradEnabled } from '../tensor/modes.ts';
import type { Node } from '../tensor/tape.ts';
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
  walkOuter(shape.slice(0, outer), as, bs, a.address, b.address, (p, q) => {
    call(kernel, p, q, out, n[0], n[1], n[2], s[0], s[1], s[2], t[0], t[1], t[2]);
    out += block;
  });
}

/** Whether the last dimensions of a shape are those of another. */
function endsIn(shape: Shape, end: Shape): boolean {
  const lead = shape.length - end.length;
  return lead >= 0 && end.every((n, i) => n === shape[lead + i]);
}

/** @internal A broadcasting op on one kernel, named as it is by default, and on another for int32 and bool where it takes those. */
// @__NO_SIDE_EFFECTS__
export function binaryOp(name: string, rest: Partial<Op<void>>, kernel = name as Kernel, intKernel = `${kernel}Int` as Kernel): Op<void> {
  return {
    name,
    shape: ([a, b]) => broadcastShapes(name, (a as Tensor).sizes, (b as Tensor).sizes),
    strided: true,
    batched: 'same',
    forward: (y, [a, b]) => zip((a as Tensor).dtype === 'float32' ? kernel : intKernel, y, a as Tensor, b as Tensor),
    ...rest,
  };
}

/** @internal The gradient of each input that needs one, summed where broadcasting stretched the input. `rules`: one per input, null where none passes. */
export function towards(node: Node<void>, ...rules: ((() => Tensor) | null)[]): (Tensor | null)[] {
  return rules.map((rule, i) => (rule && node.needs[i] ? sumTo(rule(), node.shapes[i] as Shape) : null));
}

/** A function of two operands. */
export type OfTwo = (a: Operand, b: Operand) => Tensor;

/** @internal An op as a function of two operands, which `prepare` makes tensors of. */
// @__NO_SIDE_EFFECTS__
export function ofTwo(op: Op<void>, prepare: (name: string, a: Operand, b: Operand) => readonly Tensor[] = operands, name = op.name): OfTwo {
  return function (a, b) {
    assertArity(name, arguments.length, 2);
    return apply(op, prepare(name, a, b), undefined);
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

const addOp = binaryOp('add', {
  backward: (dy, node) =>
    towards(
      node,
      () => dy,
      () => dy,
    ),
});
const addBoolOp = binaryOp('add', {}, 'or', 'or');
const subOp = binaryOp('sub', {
  backward: (dy, node) =>
    towards(
      node,
      () => dy,
      () => mul(dy, -1),
    ),
});
const mulOp = binaryOp('mul', {
  saves: otherInputs,
  backward: (dy, node) =>
    towards(
      node,
      () => mul(dy, node.input(1)),
      () => mul(dy, node.input(0)),
    ),
});
const divOp = binaryOp('div', {
  saves: (needs) => [needs[1] as boolean, true],
  backward: (dy, node) => {
    const b = node.input(1);
    const da = div(dy, b);
    return towards(
      node,
      () => da,
      () => mul(mul(da, -1), div(node.input(0), b)),
    );
  },
});

/** Options of sums and differences. */
export interface AddOptions {
  /** What the second operand is multiplied by, default 1. */
  alpha?: number | undefined;
}

const ALPHA: Kinds<AddOptions> = { alpha: NUMBER };

/** @internal The second operand of a sum or difference, times `alpha`. */
export function scaled(op: string, b: Operand, options: AddOptions): Operand {
  const { alpha = 1 } = optionsOf(op, options, ALPHA);
  typeOf(op, b);
  return alpha === 1 ? b : typeof b === 'number' ? b * alpha : mul(b, alpha);
}

/** a + alpha · b; of two bools whether either is true. Shapes broadcast. */
export function add(a: Operand, b: Operand, options?: AddOptions): Tensor {
  assertArity('add', arguments.length, 3);
  const both = operands('add', a, options === undefined ? b : scaled('add', b, options));
  return apply(both[0].dtype === 'bool' ? addBoolOp : addOp, both, undefined);
}

/** a − alpha · b. Shapes broadcast. */
export function sub(a: Operand, b: Operand, options?: AddOptions): Tensor {
  assertArity('sub', arguments.length, 3);
  return apply(subOp, operands('sub', a, options === undefined ? b : scaled('sub', b, options), 'int32'), undefined);
}
/** a · b, element by element. Shapes broadcast. */
export const mul: (a: Operand, b: Operand) => Tensor = ofTwo(mulOp);

/** @internal What stands instead of a rounding that `div` does not do. */
export const ROUNDED = 'For { roundingMode } call divide(a, b, { roundingMode }).';

/** a / b, always float32; `divide` rounds. Shapes broadcast. */
export function div(a: Operand, b: Operand): Tensor {
  assertArity('div', arguments.length, 2, ROUNDED);
  // Backward reads what divides a number. As in PyTorch, where that is a product with 1/b, b may be written to meanwhile.
  const divisor = typeof a === 'number' && b instanceof Tensor && isGradEnabled() && requiresGrad(b) ? clone(b) : b;
  return apply(divOp, operands('div', a, divisor, 'float32'), undefined);
}

// Comparisons and logic have no gradient.
const BOOL: Partial<Op<void>> = { dtype: () => 'bool' };
const ltOp = binaryOp('lt', BOOL);
const leOp = binaryOp('le', BOOL);

/** A number as whole ones see it: one that int32 does not hold lies beyond them all. */
function amongInts(x: Operand, other: Operand): Operand {
  return typeof x === 'number' && Math.abs(x) >= 2 ** 31 && !isInt32(x) && other instanceof Tensor && other.dtype !== 'float32' ? x * Number.POSITIVE_INFINITY : x;
}

const compared = (name: string, a: Operand, b: Operand): readonly Tensor[] => operands(name, amongInts(a, b), amongInts(b, a));
const turned = (name: string, a: Operand, b: Operand): readonly Tensor[] => compared(name, b, a);

/** a = b, as bool. */
export const eq: (a: Operand, b: Operand) => Tensor = ofTwo(binaryOp('eq', BOOL), compared);
/** a ≠ b, as bool. */
export const ne: (a: Operand, b: Operand) => Tensor = ofTwo(binaryOp('ne', BOOL), compared);
/** a < b, as bool. */
export const lt: (a: Operand, b: Operand) => Tensor = ofTwo(ltOp, compared);
/** a ≤ b, as bool. */
export const le: (a: Operand, b: Operand) => Tensor = ofTwo(leOp, compared);
/** a > b, as bool. */
export const gt: (a: Operand, b: Operand) => Tensor = ofTwo(ltOp, turned, 'gt');
/** a ≥ b, as bool. */
export const ge: (a: Operand, b: Operand) => Tensor = ofTwo(leOp, turned, 'ge');

const bools = (name: string, a: Operand, b: Operand): readonly Tensor[] => operands(name, a, b).map((x) => to(x, 'bool'));
// @__NO_SIDE_EFFECTS__
const logical = (name: string, kernel: Kernel): OfTwo => ofTwo(binaryOp(name, BOOL, kernel, kernel), bools);

/** Whether both are non-zero. bool. */
export const logicalAnd: (a: Operand, b: Operand) => Tensor = logical('logicalAnd', 'and');
/** Whether either is non-zero. bool. */
export const logicalOr: (a: Operand, b: Operand) => Tensor = logical('logicalOr', 'or');
/** Whether exactly one is non-zero. bool. */
export const logicalXor: (a: Operand, b: Operand) => Tensor = logical('logicalXor', 'xor');

/** The larger or smaller of two: the gradient goes to the winner, half to each of equals, and to both where one is NaN (PyTorch). */
// @__NO_SIDE_EFFECTS__
function extreme(name: string, loses: OfTwo): OfTwo {
  const op = binaryOp(name, {
    saves: everyInput,
    backward: (dy, node) => {
      const [a, b] = [node.input(0), node.input(1)];
      const shared = where(eq(a, b), mul(dy, 0.5), dy);
      return towards(
        node,
        () => where(loses(a, b), 0, shared),
        () => where(loses(b, a), 0, shared),
      );
    },
  });
  return ofTwo(op);
}

/** The larger of a and b; NaN wins. Shapes broadcast. */
export const maximum: (a: Operand, b: Operand) => Tensor = extreme('maximum', lt);
/** The smaller of a and b; NaN wins. Shapes broadcast. */
export const minimum: (a: Operand, b: Operand) => Tensor = extreme('minimum', gt);

const whereOp: Op<void> = {
  name: 'where',
  shape: ([c, a, b]) => broadcastShapes('where', broadcastShapes('where', (a as Tensor).sizes, (b as Tensor).sizes), (c as Tensor).sizes),
  dtype: ([, a]) => (a as Tensor).dtype,
  strided: true,
  forward: (y, inputs) => {
    const [c, a, b] = inputs.map((x) => dense(windowOn(x, { shape: y.sizes, strides: broadcastStrides(x.sizes, x.steps, y.sizes), offset: x.offset }))) as [Tensor, Tensor, Tensor];
    call('select', c.address, a.address, b.address, y.address, y.size);
  },
  saves: () => [true, false, false],
  batched: 'same',
  backward: (dy, node) =>
    towards(
      node,
      null,
      () => where(node.input(0), dy, 0),
      () => where(node.input(0), 0, dy),
    ),
};

/** @internal Throws unless it is a bool tensor. */
export function assertCondition(op: string, condition: Tensor, name: string): void {
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
  return apply(whereOp, [mask, held(op, x, value), x], undefined);
}

/** @internal A value as a tensor of x's type, which must hold it. */
export function held(op: string, x: Tensor, value: Operand | boolean): Tensor {
  const given = typeof value === 'boolean' ? +value : value;
  const bit = x.dtype === 'bool' && (given === 0 || given === 1);
  if (!bit && promote(typeOf(op, given), x.dtype) !== x.dtype) {
    throw new GradloomError('DTYPE', op, `${x.describe()} cannot hold ${valueText(value)}. Convert the tensor first.`);
  }
  return convert(given, x.dtype);
}

/** A fused gradient, itself an op: z = dy ⊙ g(y). `rule(u, dy, y)` gives the gradients of dy and y from z's gradient u. */
// @__NO_SIDE_EFFECTS__
function fusedGrad(name: string, rule: (u: Tensor, dy: Tensor, y: Tensor) => (Tensor | null)[]): (dy: Tensor, y: Tensor) => Tensor {
  const op = binaryOp(name, { saves: everyInput, backward: (u, node) => rule(u, node.input(0), node.input(1)) });
  return (dy, y) => apply(op, [dy, y], undefined);
}

/** @internal 0 where y ≤ 0, else dy: the gradient of relu. */
export const reluGrad: (dy: Tensor, y: Tensor) => Tensor = fusedGrad('reluGrad', (u, _dy, y) => [reluGrad(u, y), null]);
/** @internal dy·(1 − y²): the gradient of tanh, from its output. */
export const tanhGrad: (dy: Tensor, y: Tensor) => Tensor = fusedGrad('tanhGrad', (u, dy, y) => [tanhGrad(u, y), mul(mul(mul(u, dy), y), -2)]);
/** @internal dy·y·(1 − y): the gradient of sigmoid, from its output. */
export const sigmoidGrad: (dy: Tensor, y: Tensor) => Tensor = fusedGrad('sigmoidGrad', (u, dy, y) => [sigmoidGrad(u, y), mul(mul(u, dy), sub(1, mul(y, 2)))]);
