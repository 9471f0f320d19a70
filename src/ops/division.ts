// Division and what it leaves: rounded quotients, remainders. Whole numbers stay whole, and dividing them by 0 is an error.
import { assertArity, type Kinds, oneOf, optionsOf, orNull } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import type { Op } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { div, mul, type OfTwo, type Operand, ofTwo, operands, towards } from './binary.ts';
import { full } from './create.ts';
import { hostBinaryOp } from './host.ts';
import { neg } from './unary.ts';

/** What is left of a after whole multiples of b, with b's sign. */
function remainderOf(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** ⌊a/b⌋ without the rounding of a/b (as Python divides floats). */
function floorQuotient(a: number, b: number): number {
  if (b === 0) return a / b;
  const rest = a % b;
  return Math.round((a - rest) / b - (rest !== 0 && rest < 0 !== b < 0 ? 1 : 0));
}

/** A rule for whole numbers, which divides by none that is 0. */
const nonzero =
  (op: string, f: (a: number, b: number) => number) =>
  (a: number, b: number): number => {
    if (b === 0) throw valueError(op, `a whole number, ${a}, cannot be divided by 0. Convert with .float(), or keep zeros out.`);
    return f(a, b);
  };

// @__NO_SIDE_EFFECTS__
function dividing(name: string, rest: Partial<Op<void>>, f: (a: number, b: number) => number): OfTwo {
  const op = hostBinaryOp(name, f, rest, nonzero(name, f));
  return ofTwo(op, (name, a, b) => operands(name, a, b, 'int32'));
}

/** The gradients of a − b·q(a, b), q being flat between its steps. */
const leaving = (quotient: (a: Tensor, b: Tensor) => Tensor): Partial<Op<void>> => ({
  saves: (needs) => [needs[1] as boolean, needs[1] as boolean],
  backward: (dy, node) =>
    towards(
      node,
      () => dy,
      () => neg(mul(dy, quotient(node.input(0), node.input(1)))),
    ),
});

/** Flat between steps: gradients are 0. */
const FLAT: Partial<Op<void>> = {
  backward: (dy, node) => {
    const zero = (): Tensor => full(dy.sizes, 0);
    return towards(node, zero, zero);
  },
};

const truncQuotient: OfTwo = /* @__PURE__ */ dividing('divide', FLAT, (a, b) => Math.trunc(Math.fround(a / b)));
const floored: OfTwo = /* @__PURE__ */ dividing('floorDivide', FLAT, floorQuotient);

/** What is left of a after whole multiples of b, with a's sign, exact. Of whole numbers whole. Shapes broadcast. */
export const fmod: (a: Operand, b: Operand) => Tensor = /* @__PURE__ */ dividing(
  'fmod',
  leaving((a, b) => truncQuotient(a, b)),
  (a, b) => a % b,
);
/** What is left of a after whole multiples of b, with b's sign. Of whole numbers whole. Shapes broadcast. */
export const remainder: (a: Operand, b: Operand) => Tensor = /* @__PURE__ */ dividing(
  'remainder',
  leaving((a, b) => floored(a, b)),
  remainderOf,
);
/** ⌊a/b⌋, of whole numbers whole. Its gradient is 0. Shapes broadcast. */
export const floorDivide: (a: Operand, b: Operand) => Tensor = /* @__PURE__ */ dividing('floorDivide', FLAT, floorQuotient);

/** Options of `divide`. */
export interface DivideOptions {
  /** How the quotient is rounded: towards zero, down, or (null, the default) not at all. */
  roundingMode?: 'trunc' | 'floor' | null;
}

const DIVIDE: Kinds<DivideOptions> = { roundingMode: /* @__PURE__ */ orNull(oneOf('trunc', 'floor')) };

/** a/b, float32; with a `roundingMode` rounded, of whole numbers whole, and with the gradient 0. Shapes broadcast. */
export function divide(a: Operand, b: Operand, options?: DivideOptions): Tensor {
  assertArity('divide', arguments.length, 3);
  const { roundingMode } = optionsOf('divide', options, DIVIDE);
  return roundingMode === 'trunc' ? truncQuotient(a, b) : roundingMode === 'floor' ? floored(a, b) : div(a, b);
}

/** a/b, always float32: `div`. Shapes broadcast. */
export function trueDivide(a: Operand, b: Operand): Tensor {
  assertArity('trueDivide', arguments.length, 2);
  return div(a, b);
}
