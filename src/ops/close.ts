// Whether tensors are alike.
import { assertArity, assertTensor, FLAG, type Kinds, NUMBER, optionsBy } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, eq, le, logicalAnd, logicalOr, mul, sub } from './binary.ts';
import { asFloat } from './convert.ts';
import { all } from './reduce.ts';
import { abs, isfinite, isnan } from './unary.ts';

/** Options of `isclose` and `allclose`. */
export interface CloseOptions {
  /** How far apart elements may be, relative to the second one; default 1e-5. */
  rtol?: number;
  /** How far apart in any case; default 1e-8. */
  atol?: number;
  /** Whether NaN is close to NaN; default false. */
  equalNan?: boolean;
}

const CLOSE: Kinds<CloseOptions> = { rtol: NUMBER, atol: NUMBER, equalNan: FLAG };
type CloseArguments = [rtol?: number | CloseOptions, atol?: number | CloseOptions, equalNan?: boolean];

function closeness(op: string, a: Tensor, b: Tensor, given: readonly unknown[]): Tensor {
  assertTensor(op, a);
  assertTensor(op, b, 'other');
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = optionsBy<CloseOptions>(op, given, CLOSE);
  if (!(rtol >= 0 && atol >= 0)) throw valueError(op, `rtol and atol must be ≥ 0, got ${rtol} and ${atol}.`);
  const same = eq(a, b);
  const [x, y] = [asFloat(a), asFloat(b)];
  const apart = abs(sub(x, y));
  const near = logicalOr(same, logicalAnd(isfinite(apart), le(apart, add(abs(mul(y, rtol)), atol))));
  return equalNan ? logicalOr(near, logicalAnd(isnan(x), isnan(y))) : near;
}

/** Whether |a − b| ≤ atol + rtol·|b|, element by element: isclose(a, b, rtol, atol, equalNan) or isclose(a, b, { … }). Equal infinities are close. Shapes broadcast. bool. */
export function isclose(a: Tensor, b: Tensor, ...given: CloseArguments): Tensor {
  return closeness('isclose', a, b, given);
}

/** Whether all elements are close, as `isclose`: true or false. It reads values, so not inside `capture`. */
export function allclose(a: Tensor, b: Tensor, ...given: CloseArguments): boolean {
  refuseWhileRecording('allclose', 'values are read', 'Use isclose, and read it outside.');
  return all(closeness('allclose', a, b, given)).item() === 1;
}

/** Whether both have one shape and the same elements: true or false; NaN is unlike itself. It reads values, so not inside `capture`. */
export function equal(a: Tensor, b: Tensor): boolean {
  assertArity('equal', arguments.length, 2);
  assertTensor('equal', a);
  assertTensor('equal', b, 'other');
  refuseWhileRecording('equal', 'values are read', 'Use eq, and read it outside.');
  return sameShape(a.sizes, b.sizes) && all(eq(a, b)).item() === 1;
}
