// Signs, kinds of numbers and choices between two: what copysign, fmax and their like are made of.
import { assertArity, assertSameType, assertTensor, ofOne } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { apply, copyElements, detach, everyInput, type Op } from '../tensor/op.ts';
import { Tensor } from '../tensor/tensor.ts';
import { div, eq, ge, gt, logicalAnd, logicalOr, lt, mul, ne, type Operand, ofTwo, operands, towards, where } from './binary.ts';
import { asFloat, to } from './convert.ts';
import { full } from './create.ts';
import { formulaOfTwo } from './formula.ts';
import { hostBinaryOp } from './host.ts';
import { abs, clamp, neg } from './unary.ts';

const signbitOp: Op<void> = {
  name: 'signbit',
  dtype: () => 'bool',
  strided: true,
  // The sign of a float32 is that of the same word as a whole number.
  forward: (y, [input]) => {
    const x = input as Tensor;
    copyElements(lt(new Tensor(x.storage, x.sizes, 'int32', x.steps, x.offset), 0), y);
  },
};

/** Whether x has a minus sign, as −0 has. bool. */
export const signbit: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('signbit', (x) => apply(signbitOp, [x], undefined));
/** Whether x is ∞ or −∞. bool. */
export const isinf: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('isinf', (x) => eq(abs(asFloat(x)), Number.POSITIVE_INFINITY));
/** Whether x is ∞. bool. */
export const isposinf: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('isposinf', (x) => eq(asFloat(x), Number.POSITIVE_INFINITY));
/** Whether x is −∞. bool. */
export const isneginf: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('isneginf', (x) => eq(asFloat(x), Number.NEGATIVE_INFINITY));
/** x itself, which must not be bool. */
export const positive: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('positive', (x) => {
  if (x.dtype === 'bool') throw new GradloomError('DTYPE', 'positive', `takes no bool tensor, got ${x.describe()}. Convert it with .int().`);
  return x;
});

const copysignOp = /* @__PURE__ */ formulaOfTwo(
  'copysign',
  (a, b) => where(signbit(b), neg(abs(a)), abs(a)),
  (dy, node) => {
    const [a, b] = [node.input(0), node.input(1)];
    return towards(
      node,
      () => where(eq(a, 0), 0, where(eq(signbit(a), signbit(b)), dy, neg(dy))),
      () => full(dy.sizes, 0),
    );
  },
);

/** |a| with the sign of b. The gradient at 0 is 0. Shapes broadcast. */
export const copysign: (a: Operand, b: Operand) => Tensor = /* @__PURE__ */ ofTwo(copysignOp, (name, a, b) => operands(name, a, b, 'float32'));

/** 0 below 0, 1 above, `values` at 0; both of one type. No gradient passes. Shapes broadcast. */
export function heaviside(x: Tensor, values: Tensor): Tensor {
  assertArity('heaviside', arguments.length, 2);
  assertTensor('heaviside', x);
  assertTensor('heaviside', values, 'values');
  assertSameType('heaviside', x, values);
  return where(eq(x, 0), detach(values), to(gt(x, 0), x.dtype));
}

/** The larger or smaller of two where a NaN loses. The gradient goes to the winner, half to each of equals (PyTorch). */
// @__NO_SIDE_EFFECTS__
function known(name: string, wins: (a: Operand, b: Operand) => Tensor): (a: Operand, b: Operand) => Tensor {
  const first = (a: Tensor, b: Tensor): Tensor => logicalOr(wins(a, b), ne(b, b));
  const op = formulaOfTwo(
    name,
    (a, b) => where(first(a, b), a, b),
    (dy, node) => {
      const [a, b] = [node.input(0), node.input(1)];
      const [chosen, shared] = [first(a, b), where(eq(a, b), mul(dy, 0.5), dy)];
      return towards(
        node,
        () => where(chosen, shared, 0),
        () => where(logicalAnd(chosen, ne(a, b)), 0, shared),
      );
    },
  );
  return ofTwo(op);
}

/** The larger of a and b; where one is NaN, the other. Shapes broadcast. */
export const fmax: (a: Operand, b: Operand) => Tensor = /* @__PURE__ */ known('fmax', ge);
/** The smaller of a and b; where one is NaN, the other. Shapes broadcast. */
export const fmin: (a: Operand, b: Operand) => Tensor = /* @__PURE__ */ known('fmin', (a, b) => ge(b, a));

/** x, but at least `min`: `clamp` with one bound. */
export function clampMin(x: Tensor, min: Operand): Tensor {
  assertArity('clampMin', arguments.length, 2);
  return clamp(x, { min });
}

/** x, but at most `max`: `clamp` with one bound. */
export function clampMax(x: Tensor, max: Operand): Tensor {
  assertArity('clampMax', arguments.length, 2);
  return clamp(x, { max });
}

const hypotOp = /* @__PURE__ */ hostBinaryOp(
  'hypot',
  (a, b) => (Math.abs(a) === Number.POSITIVE_INFINITY || Math.abs(b) === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : Math.sqrt(a * a + b * b)),
  {
    saves: everyInput,
    savesOutput: true,
    backward: (dy, node) => {
      const scaled = div(dy, node.output);
      return towards(
        node,
        () => mul(scaled, node.input(0)),
        () => mul(scaled, node.input(1)),
      );
    },
  },
);

/** √(a² + b²), finite wherever float32 holds it. Shapes broadcast. */
export const hypot: (a: Operand, b: Operand) => Tensor = /* @__PURE__ */ ofTwo(hypotOp, (name, a, b) => operands(name, a, b, 'float32'));
