// Angles, hyperbolas and their inverses: one kernel, atan2; the rest are formulas whose gradients are rules of their own.
import { everyInput } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, binaryOp, div, eq, gt, minimum, mul, type Operand, ofTwo, operands, sub, towards, where } from './binary.ts';
import { formula } from './formula.ts';
import { copysign } from './signs.ts';
import { abs, cos, exp, expm1, log, log1p, neg, reciprocal, rsqrt, sign, sin, sqrt, square } from './unary.ts';

const atan2Op = binaryOp('atan2', {
  saves: everyInput,
  backward: (dy, node) => {
    const [y, x] = [node.input(0), node.input(1)];
    const squares = add(square(x), square(y));
    const scaled = div(dy, where(eq(squares, 0), 1, squares)); // the gradient at the origin is 0
    return towards(
      node,
      () => mul(scaled, x),
      () => neg(mul(scaled, y)),
    );
  },
});

/** The angle of the point (x, y) in (−π, π], radians. Shapes broadcast. */
export const atan2: (y: Operand, x: Operand) => Tensor = ofTwo(atan2Op, (name, y, x) => operands(name, y, x, 'float32'));

/** √(1 − x²), exact near ±1. */
const otherLeg = (x: Tensor): Tensor => sqrt(mul(sub(1, x), add(x, 1)));
const slope = (x: Tensor): Tensor => rsqrt(mul(sub(1, x), add(x, 1)));

/** The angle whose sine is x, in [−π/2, π/2]; NaN outside [−1, 1]. */
export const asin: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'asin',
  (x) => atan2(x, otherLeg(x)),
  (dy, x) => mul(dy, slope(x)),
);
/** The angle whose cosine is x, in [0, π]; NaN outside [−1, 1]. */
export const acos: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'acos',
  (x) => atan2(otherLeg(x), x),
  (dy, x) => mul(dy, neg(slope(x))),
);
/** The angle whose tangent is x, in [−π/2, π/2]. */
export const atan: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'atan',
  (x) => atan2(x, 1),
  (dy, x) => mul(dy, reciprocal(add(square(x), 1))),
);
/** sin x/cos x, x in radians. */
export const tan: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'tan',
  (x) => div(sin(x), cos(x)),
  (dy, y) => mul(dy, add(square(y), 1)),
  'output',
);

/** e^|x|/2 beyond ±88, from its root, where eˣ itself would overflow too early; `near` elsewhere. */
function halfPower(x: Tensor, near: Tensor): Tensor {
  const size = abs(x);
  const half = exp(mul(size, 0.5));
  return where(gt(size, 88), mul(mul(half, 0.5), half), near);
}

/** (eˣ − e⁻ˣ)/2, accurate near 0. */
export const sinh: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'sinh',
  (x) => {
    const u = expm1(abs(x));
    return mul(sign(x), halfPower(x, mul(add(u, div(minimum(u, 1e38), add(u, 1))), 0.5))); // e^x − 1 + 1 − e^−x; the bound keeps ∞/∞ away
  },
  (dy, x) => mul(dy, cosh(x)),
);
/** (eˣ + e⁻ˣ)/2. */
export const cosh: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'cosh',
  (x) => halfPower(x, mul(add(exp(x), exp(neg(x))), 0.5)),
  (dy, x) => mul(dy, sinh(x)),
);

/** ln(1 + `small`) as long as squares are finite, beyond that ln 2x; for x ≥ 0. */
const farLog = (x: Tensor, small: Tensor): Tensor => where(gt(x, 1e18), add(log(x), Math.LN2), log1p(small));

/** The number whose sinh is x. */
export const asinh: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'asinh',
  (x) => {
    const size = abs(x);
    const squares = square(minimum(size, 1e18));
    return copysign(farLog(size, add(size, div(squares, add(sqrt(add(squares, 1)), 1)))), x);
  },
  (dy, x) => mul(dy, rsqrt(add(square(x), 1))),
);
/** The number ≥ 0 whose cosh is x; NaN below 1. */
export const acosh: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'acosh',
  (x) => {
    const above = sub(x, 1);
    const bounded = minimum(above, 1e18);
    // Two roots, so that what lies below 1 is NaN however far.
    return farLog(x, add(bounded, mul(sqrt(bounded), sqrt(add(bounded, 2)))));
  },
  (dy, x) => mul(dy, rsqrt(mul(sub(x, 1), add(x, 1)))),
);
/** The number whose tanh is x: ±∞ at ±1, NaN beyond. */
export const atanh: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'atanh',
  (x) => {
    const size = abs(x);
    return copysign(mul(log1p(div(mul(size, 2), sub(1, size))), 0.5), x);
  },
  (dy, x) => div(dy, mul(sub(1, x), add(x, 1))),
);
