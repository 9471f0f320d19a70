// Smooth activations, and gates: composed of the functions in unary.ts and softmax.ts.
import { assertArity, assertTensor, checkArgument, type Kinds, NUMBER, ofOne, optionsBy, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../tensor/errors.ts';
import { normalizeDim } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, mul, sub } from './binary.ts';
import { asFloat } from './convert.ts';
import { narrow } from './movement.ts';
import { softmax } from './softmax.ts';
import { abs, elu, neg, sigmoid, softplus, tanh } from './unary.ts';

/** ln sigmoid(x) = −ln(1 + e⁻ˣ), without overflow. */
export const logsigmoid: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('logsigmoid', (x) => neg(softplus(neg(asFloat(x)))));

/** x·tanh(ln(1 + eˣ)) (Misra 2019, arXiv 1908.08681). */
export const mish: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('mish', (x) => mul(x, tanh(softplus(x))));

/** λ·x above 0, λα(eˣ − 1) below: keeps mean 0 and variance 1 through layers (Klambauer et al. 2017, arXiv 1706.02515). */
export const selu: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('selu', (x) => mul(elu(x, 1.6732632423543772), 1.0507009873554805));

/** Options of `celu`. */
export interface CELUOptions {
  /** α; default 1. */
  alpha?: number;
}

const CELU: Kinds<CELUOptions> = { alpha: NUMBER };

/** x above 0, α(e^(x/α) − 1) below (Barron 2017, arXiv 1704.07483): celu(x, alpha) or celu(x, { alpha }). */
export function celu(x: Tensor, ...given: [alpha?: number | CELUOptions]): Tensor {
  const { alpha = 1 } = optionsBy('celu', given, CELU);
  if (!(alpha > 0)) throw valueError('celu', `alpha must be > 0, got ${alpha}.`);
  assertTensor('celu', x);
  return mul(elu(div(x, alpha)), alpha);
}

/** x/(1 + |x|). */
export const softsign: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('softsign', (x) => div(x, add(abs(x), 1)));

/** x − tanh x. */
export const tanhshrink: (x: Tensor) => Tensor = /* @__PURE__ */ ofOne('tanhshrink', (x) => sub(x, tanh(x)));

/** softmax(−x) along a dimension. */
export function softmin(x: Tensor, dim: number): Tensor {
  assertArity('softmin', arguments.length, 2);
  assertTensor('softmin', x);
  checkArgument('softmin', 'dim', dim, WHOLE);
  return softmax(neg(x), dim);
}

/** a·sigmoid(b), a and b the halves of a dimension (default the last), which must be even (Dauphin et al. 2016, arXiv 1612.08083). */
export function glu(x: Tensor, dim?: number): Tensor {
  assertArity('glu', arguments.length, 2);
  assertTensor('glu', x);
  if (dim !== undefined) checkArgument('glu', 'dim', dim, WHOLE);
  const at = normalizeDim('glu', dim ?? -1, x.rank);
  const half = (x.sizes[at] ?? 1) / 2;
  if (!Number.isInteger(half)) throw new GradloomError('SHAPE', 'glu', `dimension ${at} of ${shapeText(x.sizes)} has no halves. Its size must be even.`);
  return mul(narrow(x, at, 0, half), sigmoid(narrow(x, at, half, half)));
}
