// Angles and hyperbolas: one kernel, atan2; the rest are formulas whose gradients are rules of their own.
import { apply, copyElements, everyInput, type Op } from '../tensor/op.ts';
import type { Shape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/tape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, binaryOp, div, minimum, mul, type Operand, operands, sub } from './binary.ts';
import { asFloat } from './convert.ts';
import { sumTo } from './reduce.ts';
import { abs, cos, exp, expm1, neg, reciprocal, rsqrt, sign, sin, sqrt, square } from './unary.ts';

const atan2Op = binaryOp('atan2', 'atan2', {
  saves: everyInput,
  backward: (dy, node) => {
    const [y, x] = [node.input(0), node.input(1)];
    const scaled = div(dy, add(square(x), square(y)));
    const [a, b] = node.shapes as [Shape, Shape];
    return [node.needs[0] ? sumTo(mul(scaled, x), a) : null, node.needs[1] ? sumTo(neg(mul(scaled, y)), b) : null];
  },
});

/** The angle of the point (x, y) in (−π, π], radians. Shapes broadcast. */
export function atan2(y: Operand, x: Operand): Tensor {
  return apply(atan2Op, operands('atan2', y, x, 'float32'), undefined);
}

/** An op of one input whose value is a formula of ops and whose derivative is a rule beside it. */
function formula(name: string, value: (x: Tensor) => Tensor, derivative: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  const op: Op<void> = {
    name,
    shape: ([x]) => (x as Tensor).shape,
    forward: (y, [x]) =>
      copyElements(
        noGrad(() => value(x as Tensor)),
        y,
      ),
    saves: everyInput,
    backward: (dy, node) => [mul(dy, derivative(node.input(0)))],
    batched: 'same',
  };
  return (x) => apply(op, [asFloat(x)], undefined);
}

/** √(1 − x²), exact near ±1. */
const otherLeg = (x: Tensor): Tensor => sqrt(mul(sub(1, x), add(x, 1)));
const slope = (x: Tensor): Tensor => rsqrt(mul(sub(1, x), add(x, 1)));

/** The angle whose sine is x, in [−π/2, π/2]; NaN outside [−1, 1]. */
export const asin = formula('asin', (x) => atan2(x, otherLeg(x)), slope);
/** The angle whose cosine is x, in [0, π]; NaN outside [−1, 1]. */
export const acos = formula(
  'acos',
  (x) => atan2(otherLeg(x), x),
  (x) => neg(slope(x)),
);
/** The angle whose tangent is x, in [−π/2, π/2]. */
export const atan = formula(
  'atan',
  (x) => atan2(x, 1),
  (x) => reciprocal(add(square(x), 1)),
);
/** sin x/cos x, x in radians. */
export const tan = (x: Tensor): Tensor => div(sin(x), cos(x));
/** (eˣ − e⁻ˣ)/2, accurate near 0. */
export const sinh: (x: Tensor) => Tensor = formula(
  'sinh',
  (x) => {
    const u = expm1(abs(x));
    return mul(sign(x), mul(add(u, div(minimum(u, 1e38), add(u, 1))), 0.5)); // e^x − 1 + 1 − e^−x; the bound keeps ∞/∞ away
  },
  (x) => cosh(x),
);
/** (eˣ + e⁻ˣ)/2. */
export const cosh: (x: Tensor) => Tensor = formula(
  'cosh',
  (x) => mul(add(exp(x), exp(neg(x))), 0.5),
  (x) => sinh(x),
);
