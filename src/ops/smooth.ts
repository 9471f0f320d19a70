// Smooth activations, and gates: composed of the functions in unary.ts and softmax.ts.
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { normalizeDim } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, mul, sub } from './binary.ts';
import { asFloat } from './convert.ts';
import { narrow } from './movement.ts';
import { softmax } from './softmax.ts';
import { abs, elu, neg, sigmoid, softplus, tanh } from './unary.ts';

/** ln sigmoid(x) = −ln(1 + e⁻ˣ), without overflow. */
export const logsigmoid = (x: Tensor): Tensor => neg(softplus(neg(asFloat(x))));

/** x·tanh(ln(1 + eˣ)) (Misra 2019, arXiv 1908.08681). */
export const mish = (x: Tensor): Tensor => mul(x, tanh(softplus(x)));

/** λ·x above 0, λα(eˣ − 1) below: keeps mean 0 and variance 1 through layers (Klambauer et al. 2017, arXiv 1706.02515). */
export const selu = (x: Tensor): Tensor => mul(elu(x, { alpha: 1.6732632423543772 }), 1.0507009873554805);

/** x above 0, α(e^(x/α) − 1) below; α = 1 unless said (Barron 2017, arXiv 1704.07483). */
export function celu(x: Tensor, options: { alpha?: number } = {}): Tensor {
  const { alpha = 1 } = options;
  if (!(alpha > 0)) throw new GradloomError('VALUE', 'celu', `alpha must be > 0, got ${alpha}.`);
  return mul(elu(div(x, alpha)), alpha);
}

/** x/(1 + |x|). */
export const softsign = (x: Tensor): Tensor => div(x, add(abs(x), 1));

/** x − tanh x. */
export const tanhshrink = (x: Tensor): Tensor => sub(x, tanh(x));

/** softmax(−x) along a dimension. */
export const softmin = (x: Tensor, dim: number): Tensor => softmax(neg(x), dim);

/** a·sigmoid(b), a and b the halves of a dimension (the last unless said), which must be even (Dauphin et al. 2016, arXiv 1612.08083). */
export function glu(x: Tensor, dim = -1): Tensor {
  const at = normalizeDim('glu', dim, x.rank);
  const half = (x.shape[at] ?? 1) / 2;
  if (!Number.isInteger(half)) throw new GradloomError('SHAPE', 'glu', `dimension ${dim} of ${shapeText(x.shape)} has no halves. Its size must be even.`);
  return mul(narrow(x, at, 0, half), sigmoid(narrow(x, at, half, half)));
}
