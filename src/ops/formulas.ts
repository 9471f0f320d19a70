// Short formulas of the ops in binary.ts and unary.ts that have names of their own.
import { assertArity, assertSameType, assertTensor, type Kinds, NUMBER, optionsBy, optionsOf } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, eq, lt, maximum, mul, type Operand, sub, where } from './binary.ts';
import { asFloat } from './convert.ts';
import { clone, unsqueeze } from './movement.ts';
import { abs, exp, isnan, log1p, neg } from './unary.ts';

/** a + weight·(b − a): from a, at weight 0, to b, at 1, each exactly. Shapes broadcast. */
export function lerp(a: Tensor, b: Tensor, weight: Operand): Tensor {
  assertArity('lerp', arguments.length, 3);
  assertTensor('lerp', a);
  assertTensor('lerp', b, 'end');
  if (typeof weight !== 'number') assertTensor('lerp', weight, 'weight');
  const apart = sub(b, a);
  const fromStart = (): Tensor => add(a, mul(weight, apart));
  const fromEnd = (): Tensor => sub(b, mul(apart, sub(1, weight)));
  if (typeof weight !== 'number') return where(lt(abs(weight), 0.5), fromStart(), fromEnd());
  return Math.abs(weight) < 0.5 ? fromStart() : sub(b, mul(apart, 1 - weight));
}

/** Options of `addcmul` and `addcdiv`. */
export interface ScaleOptions {
  /** What the product or quotient is multiplied by; default 1. */
  value?: number;
}

const SCALE: Kinds<ScaleOptions> = { value: NUMBER };

function scaled(op: string, x: Tensor, a: Tensor, b: Tensor, combine: (a: Operand, b: Operand) => Tensor, options: ScaleOptions | undefined): Tensor {
  const { value = 1 } = optionsOf(op, options, SCALE);
  assertTensor(op, x);
  assertTensor(op, a, 'tensor1');
  assertTensor(op, b, 'tensor2');
  const both = combine(a, b);
  return add(x, value === 1 ? both : mul(both, value));
}

/** x + value·a·b. Shapes broadcast. */
export function addcmul(x: Tensor, a: Tensor, b: Tensor, options?: ScaleOptions): Tensor {
  assertArity('addcmul', arguments.length, 4);
  return scaled('addcmul', x, a, b, mul, options);
}

/** x + value·a/b. Shapes broadcast. */
export function addcdiv(x: Tensor, a: Tensor, b: Tensor, options?: ScaleOptions): Tensor {
  assertArity('addcdiv', arguments.length, 4);
  return scaled('addcdiv', x, a, b, div, options);
}

/** ln(eᵃ + eᵇ) without overflow. Shapes broadcast. */
export function logaddexp(a: Tensor, b: Tensor): Tensor {
  assertArity('logaddexp', arguments.length, 2);
  const [x, y] = [asFloat(a, 'logaddexp'), asFloat(b, 'logaddexp')];
  // Equal infinities have no difference.
  const apart = where(eq(x, y), 0, sub(x, y));
  return add(maximum(x, y), log1p(exp(neg(abs(apart)))));
}

/** What `nanToNum` puts in place. */
export interface NanToNumOptions {
  /** For NaN; default 0. */
  nan?: number;
  /** For ∞; default the largest float32. */
  posinf?: number;
  /** For −∞; default the smallest float32. */
  neginf?: number;
}

const NAN_TO_NUM: Kinds<NanToNumOptions> = { nan: NUMBER, posinf: NUMBER, neginf: NUMBER };

/** x with numbers in place of NaN and infinities, where no gradient passes: nanToNum(x, nan, posinf, neginf) or nanToNum(x, { … }). */
export function nanToNum(x: Tensor, ...given: [nan?: number | NanToNumOptions, posinf?: number, neginf?: number]): Tensor {
  const { nan = 0, posinf = 3.4028234663852886e38, neginf = -3.4028234663852886e38 } = optionsBy('nanToNum', given, NAN_TO_NUM);
  assertTensor('nanToNum', x);
  if (x.dtype !== 'float32') return clone(x);
  const bounded = where(eq(x, Number.POSITIVE_INFINITY), posinf, where(eq(x, Number.NEGATIVE_INFINITY), neginf, x));
  return where(isnan(x), nan, bounded);
}

/** a[i]·b[j] of two vectors, [n, m]. */
export function outer(a: Tensor, b: Tensor): Tensor {
  assertArity('outer', arguments.length, 2);
  assertTensor('outer', a);
  assertTensor('outer', b, 'the second');
  if (a.rank !== 1 || b.rank !== 1) throw shapeError('outer', 'takes two vectors', [a.sizes, b.sizes], 'Flatten them, or multiply with broadcasting.');
  assertSameType('outer', a, b);
  return mul(unsqueeze(a, 1), b);
}
