// Special functions, computed on the host in float64 and rounded once; gradients are ops. `torch.special` has the same under its own names.
import { assertArity, assertWhole, checkArgument, NUMBER, type OfOne, ofOne } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { apply, type Op } from '../tensor/op.ts';
import * as numbers from '../tensor/special.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, eq, gt, le, logicalAnd, lt, mul, type OfTwo, type Operand, ofTwo, operands, sub, towards, where } from './binary.ts';
import { asFloat } from './convert.ts';
import { formula, formulaOfTwo } from './formula.ts';
import { hostOp } from './host.ts';
import { exp, isnan, log, log1p, logicalNot, neg, square } from './unary.ts';

// @__NO_SIDE_EFFECTS__
function special(name: string, f: (x: number) => number, backward: (dy: Tensor, x: Tensor) => Tensor): OfOne {
  const op = hostOp<void>(name, f, backward);
  return ofOne(name, (x) => apply(op, [asFloat(x)], undefined));
}

/** 1 − erf x, with its digits where it is tiny. */
export const erfc: (x: Tensor) => Tensor = special('erfc', numbers.erfc, (dy, x) => mul(dy, mul(exp(neg(square(x))), -1.1283791670955126)));
/** The number whose erf is x: ±∞ at ±1, NaN beyond. */
export const erfinv: (x: Tensor) => Tensor = special('erfinv', numbers.erfinv, (dy, x) => mul(dy, mul(exp(square(erfinv(x))), 0.886226925452758)));
/** ln |Γ(x)|; ∞ at 0, −1, −2 … */
export const lgamma: (x: Tensor) => Tensor = special('lgamma', numbers.lgamma, (dy, x) => mul(dy, digamma(x)));
/** ψ(x), the slope of `lgamma`; NaN at −1, −2 … */
export const digamma: (x: Tensor) => Tensor = special('digamma', numbers.digamma, (dy, x) => mul(dy, polygamma(1, x)));

const polygammaOp = /* @__PURE__ */ hostOp<{ n: number }>(
  'polygamma',
  (x, { n }) => numbers.polygamma(n, x),
  (dy, x, { n }) => mul(dy, polygamma(n + 1, x)),
);

/** ψ⁽ⁿ⁾(x), the n-th derivative of `digamma`, n ≥ 0. */
export function polygamma(n: number, x: Tensor): Tensor {
  assertArity('polygamma', arguments.length, 2);
  assertWhole('polygamma', 'n', n, 0);
  return apply(polygammaOp, [asFloat(x, 'polygamma')], { n });
}

const MOST_DIMENSIONS = 4096;

/** ln Γₚ(x), the logarithm of the multivariate gamma function of p dimensions, x > (p − 1)/2. */
export function mvlgamma(x: Tensor, p: number): Tensor {
  assertArity('mvlgamma', arguments.length, 2);
  assertWhole('mvlgamma', 'p', p, 1);
  if (p > MOST_DIMENSIONS) throw valueError('mvlgamma', `p must be at most ${MOST_DIMENSIONS}, got ${p}: it makes as many tensors.`);
  let y = add(lgamma(asFloat(x, 'mvlgamma')), p * (p - 1) * 0.28618247146235004); // ln π/4
  for (let j = 1; j < p; j++) y = add(y, lgamma(sub(x, j / 2)));
  return y;
}

/** The modified Bessel function of the first kind, I₀(x). */
export const i0: (x: Tensor) => Tensor = special(
  'i0',
  (x) => numbers.bessel(0, x),
  (dy, x) => mul(dy, i1(x)),
);
const i1: (x: Tensor) => Tensor = special(
  'i1',
  (x) => numbers.bessel(1, x),
  (dy, x) => {
    const zero = eq(x, 0);
    return mul(dy, where(zero, 0.5, sub(i0(x), div(i1(x), where(zero, 1, x)))));
  },
);

const sincOp: Op<{ n: number }> = /* @__PURE__ */ hostOp<{ n: number }>(
  'sinc',
  (x, { n }) => numbers.sinc(n, x),
  (dy, x, { n }) => mul(dy, apply(sincOp, [x], { n: n + 1 })),
);

/** sin(πx)/(πx), 1 at 0. */
export const sinc: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('sinc', (x) => apply(sincOp, [asFloat(x)], { n: 0 }));

const logitOf: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'logit',
  (x) => log(div(x, sub(1, x))),
  (dy, x) => {
    const slope = mul(x, sub(1, x));
    return where(lt(slope, 0), Number.NaN, div(dy, slope));
  },
);

/** ln(x/(1 − x)), of x kept within [eps, 1 − eps] where eps is given; else NaN outside [0, 1]. The gradient passes at eps and 1 − eps themselves. */
export function logit(x: Tensor, eps?: number | null): Tensor {
  assertArity('logit', arguments.length, 2);
  const input = asFloat(x, 'logit');
  if (eps === undefined || eps === null) return logitOf(input);
  checkArgument('logit', 'eps', eps, NUMBER);
  return logitOf(where(lt(input, eps), eps, where(gt(input, 1 - eps), 1 - eps, input)));
}

/** x·f(y), 0 where x is 0 unless y is NaN. `end`: where f is −∞. */
// @__NO_SIDE_EFFECTS__
function timesLog(name: string, f: (y: Tensor) => Tensor, end: number): OfTwo {
  const op = formulaOfTwo(
    name,
    (x, y) => where(logicalAnd(eq(x, 0), logicalNot(isnan(y))), 0, mul(x, f(y))),
    (dy, node) => {
      const [x, y] = [node.input(0), node.input(1)];
      return towards(
        node,
        () => where(logicalAnd(eq(x, 0), le(y, end)), 0, apply(op, [dy, y], undefined)),
        () => div(mul(dy, x), end === 0 ? y : sub(y, end)),
      );
    },
  );
  return ofTwo(op, (name, x, y) => operands(name, x, y, 'float32'));
}

/** x·ln y, 0 where x is 0 unless y is NaN. Shapes broadcast. */
export const xlogy: (x: Operand, y: Operand) => Tensor = /* @__PURE__ */ timesLog('xlogy', log, 0);
/** x·ln(1 + y), 0 where x is 0 unless y is NaN. Shapes broadcast. */
export const xlog1py: (x: Operand, y: Operand) => Tensor = /* @__PURE__ */ timesLog('xlog1py', log1p, -1);
