// Whole numbers: divisors, multiples and bits. int32, and bool where PyTorch takes it; nothing has a gradient.
import { assertTensor, type OfOne, ofOne } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { promote } from '../tensor/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type OfTwo, type Operand, ofTwo, operands, sub, typeOf } from './binary.ts';
import { hostBinaryOp } from './host.ts';
import { logicalNot } from './unary.ts';

function whole(op: string, a: Operand, b: Operand): readonly Tensor[] {
  if (promote(typeOf(op, a), typeOf(op, b)) === 'float32') {
    const [float] = [a, b].filter((x) => typeOf(op, x) === 'float32');
    throw new GradloomError('DTYPE', op, `takes whole numbers, got ${typeof float === 'number' ? float : (float as Tensor).describe()}. Convert with .int().`);
  }
  return operands(op, a, b);
}

// @__NO_SIDE_EFFECTS__
function ofInts(name: string, f: (a: number, b: number) => number, bools = true): OfTwo {
  const op = hostBinaryOp(name, f);
  return ofTwo(op, (name, a, b) => (bools ? whole(name, a, b) : whole(name, a, b).map((x) => asInt(name, x))));
}

function asInt(op: string, x: Tensor): Tensor {
  if (x.dtype === 'int32') return x;
  throw new GradloomError('DTYPE', op, `takes int32 tensors, got ${x.describe()}. Convert it with .int().`);
}

function divisor(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/** The greatest common divisor, ≥ 0. int32. Shapes broadcast. */
export const gcd: OfTwo = /* @__PURE__ */ ofInts('gcd', divisor, false);
/** The least common multiple, ≥ 0. int32. Shapes broadcast. */
export const lcm: OfTwo = /* @__PURE__ */ ofInts('lcm', (a, b) => (a === 0 || b === 0 ? 0 : Math.abs((a / divisor(a, b)) * b)), false);
/** Bits that both have; of bools whether both are true. Shapes broadcast. */
export const bitwiseAnd: OfTwo = /* @__PURE__ */ ofInts('bitwiseAnd', (a, b) => a & b);
/** Bits that either has; of bools whether either is true. Shapes broadcast. */
export const bitwiseOr: OfTwo = /* @__PURE__ */ ofInts('bitwiseOr', (a, b) => a | b);
/** Bits that exactly one has; of bools whether exactly one is true. Shapes broadcast. */
export const bitwiseXor: OfTwo = /* @__PURE__ */ ofInts('bitwiseXor', (a, b) => a ^ b);
/** a·2ᵇ in 32 bits; 0 where b is negative or beyond them. int32. Shapes broadcast. */
export const bitwiseLeftShift: OfTwo = /* @__PURE__ */ ofInts('bitwiseLeftShift', (a, b) => (b >= 0 && b < 32 ? a << b : 0), false);
/** ⌊a/2ᵇ⌋; what is left of the sign where b is negative or beyond 31. int32. Shapes broadcast. */
export const bitwiseRightShift: OfTwo = /* @__PURE__ */ ofInts('bitwiseRightShift', (a, b) => a >> (b >= 0 && b < 32 ? b : 31), false);

/** Every bit turned, −1 − x; of a bool its contrary. */
export const bitwiseNot: OfOne = /* @__PURE__ */ ofOne('bitwiseNot', (x) => {
  assertTensor('bitwiseNot', x);
  if (x.dtype === 'float32') throw new GradloomError('DTYPE', 'bitwiseNot', `takes whole numbers, got ${x.describe()}. Convert it with .int().`);
  return x.dtype === 'bool' ? logicalNot(x) : sub(-1, x);
});
