// Powers and logarithms to bases 2 and 10, and short formulas of numbers.
import { assertArity, assertTensor, type Kinds, type OfOne, ofOne, optionsBy, WHOLE } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { apply } from '../tensor/op.ts';
import { logarithm, wholePower } from '../tensor/elementary.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type AddOptions, add, div, eq, maximum, mul, type Operand, scaled, sub, where } from './binary.ts';
import { asFloat } from './convert.ts';
import { constant } from './create.ts';
import { formula } from './formula.ts';
import { hostOp } from './host.ts';
import { abs, exp, log1p, neg, pow, round as nearest, trunc } from './unary.ts';

/** 2ˣ. */
export const exp2: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'exp2',
  (x) => pow(2, x),
  (dy, y) => mul(dy, mul(y, Math.LN2)),
  'output',
);

// @__NO_SIDE_EFFECTS__
function logTo(name: string, base: number): OfOne {
  const scale = logarithm(base);
  const op = hostOp<void>(
    name,
    (x) => logarithm(x) / scale,
    (dy, x) => div(dy, mul(x, scale)),
  );
  return ofOne(name, (x) => apply(op, [asFloat(x)], undefined));
}

/** log₂ x, exact at powers of two. */
export const log2: (x: Tensor) => Tensor = /* @__PURE__ */ logTo('log2', 2);
/** log₁₀ x, exact at powers of ten. */
export const log10: (x: Tensor) => Tensor = /* @__PURE__ */ logTo('log10', 10);

/** log₂(2ᵃ + 2ᵇ) without overflow. Shapes broadcast. */
export function logaddexp2(a: Tensor, b: Tensor): Tensor {
  assertArity('logaddexp2', arguments.length, 2);
  const [x, y] = [asFloat(a, 'logaddexp2'), asFloat(b, 'logaddexp2')];
  // Equal infinities have no difference.
  const apart = where(eq(x, y), 0, sub(x, y));
  return add(maximum(x, y), mul(log1p(exp(mul(neg(abs(apart)), Math.LN2))), Math.LOG2E));
}

/** x·2ⁿ. Shapes broadcast. */
export function ldexp(x: Tensor, n: Operand): Tensor {
  assertArity('ldexp', arguments.length, 2);
  assertTensor('ldexp', x);
  return mul(x, pow(2, typeof n === 'number' ? constant(n, 'float32') : n));
}

/** other − alpha · x. Shapes broadcast. */
export function rsub(x: Tensor, other: Operand, alpha: AddOptions | number = 1): Tensor {
  assertArity('rsub', arguments.length, 3);
  assertTensor('rsub', x);
  return sub(other, scaled('rsub', x, typeof alpha === 'number' ? { alpha } : alpha));
}

/** What stands behind the point, with x's sign. */
export const frac: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('frac', (x) => sub(asFloat(x), trunc(asFloat(x))));
/** Degrees as radians. */
export const deg2rad: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('deg2rad', (x) => mul(asFloat(x), Math.PI / 180));
/** Radians as degrees. */
export const rad2deg: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('rad2deg', (x) => mul(asFloat(x), 180 / Math.PI));

/** Options of `round`. */
export interface RoundOptions {
  /** How many digits stay behind the point; fewer than none rounds to tens, hundreds …; default 0. */
  decimals?: number;
}

const ROUND: Kinds<RoundOptions> = { decimals: WHOLE };

/** The nearest whole number, halves to the even one; with decimals the nearest number that has as many: round(x, decimals) or round(x, { decimals }). */
export function round(x: Tensor, ...given: [decimals?: number | RoundOptions]): Tensor {
  assertTensor('round', x);
  const [at, list] = given as readonly unknown[];
  const mapped = Array.isArray(list) && list[at as number] === x; // what `tensors.map(round)` hands over
  const { decimals = 0 } = optionsBy('round', mapped ? [] : given, ROUND);
  if (decimals === 0) return nearest(x);
  if (x.dtype !== 'float32') throw new GradloomError('DTYPE', 'round', `decimals ${decimals} need a float32 tensor, got ${x.describe()}. Convert it with .float().`);
  const scale = wholePower(10, Math.abs(decimals));
  return decimals > 0 ? div(nearest(mul(x, scale)), scale) : mul(nearest(div(x, scale)), scale);
}
