// Short formulas of the ops in binary.ts and unary.ts that have names of their own.
import { GradloomError, shapeError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, eq, maximum, mul, type Operand, sub, where } from './binary.ts';
import { asFloat } from './convert.ts';
import { unsqueeze } from './movement.ts';
import { abs, exp, isnan, log1p, neg } from './unary.ts';

/** a + weight·(b − a): from a, at weight 0, to b, at 1. Shapes broadcast. */
export function lerp(a: Tensor, b: Tensor, weight: Operand): Tensor {
  return add(a, mul(weight, sub(b, a)));
}

/** x + value·a·b; value 1 unless said. Shapes broadcast. */
export function addcmul(x: Tensor, a: Tensor, b: Tensor, options: { value?: number } = {}): Tensor {
  const { value = 1 } = options;
  const product = mul(a, b);
  return add(x, value === 1 ? product : mul(product, value));
}

/** x + value·a/b; value 1 unless said. Shapes broadcast. */
export function addcdiv(x: Tensor, a: Tensor, b: Tensor, options: { value?: number } = {}): Tensor {
  const { value = 1 } = options;
  const quotient = div(a, b);
  return add(x, value === 1 ? quotient : mul(quotient, value));
}

/** ln(eᵃ + eᵇ) without overflow. Shapes broadcast. */
export function logaddexp(a: Tensor, b: Tensor): Tensor {
  const [x, y] = [asFloat(a), asFloat(b)];
  // Equal infinities have no difference.
  const apart = where(eq(x, y), 0, sub(x, y));
  return add(maximum(x, y), log1p(exp(neg(abs(apart)))));
}

/** What `nanToNum` puts in place. */
export interface NanToNumOptions {
  /** For NaN; 0 unless said. */
  nan?: number;
  /** For ∞; the largest float32 unless said. */
  posinf?: number;
  /** For −∞; the smallest float32 unless said. */
  neginf?: number;
}

/** x with numbers in place of NaN and infinities. No gradient passes there. */
export function nanToNum(x: Tensor, options: NanToNumOptions = {}): Tensor {
  const { nan = 0, posinf = 3.4028234663852886e38, neginf = -3.4028234663852886e38 } = options;
  const bounded = where(eq(x, Number.POSITIVE_INFINITY), posinf, where(eq(x, Number.NEGATIVE_INFINITY), neginf, x));
  return where(isnan(x), nan, bounded);
}

/** a[i]·b[j] of two vectors, [n, m]. */
export function outer(a: Tensor, b: Tensor): Tensor {
  if (a.rank !== 1 || b.rank !== 1) throw shapeError('outer', 'takes two vectors', [a.shape, b.shape], 'Flatten them, or multiply with broadcasting.');
  if (a.dtype !== b.dtype) throw new GradloomError('DTYPE', 'outer', `types differ: ${a.dtype} and ${b.dtype}. Convert one.`);
  return mul(unsqueeze(a, 1), b);
}
