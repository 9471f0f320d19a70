// Negative log-likelihoods of a distribution whose parameters a network gives: Gaussian and Poisson.
import { add, div, gt, maximum, mul, sub, where } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { fullLike } from '../ops/create.ts';
import { unsqueeze } from '../ops/movement.ts';
import { exp, log, square } from '../ops/unary.ts';
import { assertTensor, FLAG, type Given, type Kinds, NUMBER, optionsBy } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import { broadcastShapes, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { assertPair, checkNotNegative, LossModule, type LossOptions, REDUCTION, reduceLoss } from './reduction.ts';

/** Options of `gaussianNllLoss`, with PyTorch's defaults. */
export interface GaussianNLLOptions extends LossOptions {
  /** Whether the constant ½·ln 2π counts too; default false. */
  full?: boolean;
  /** The least variance that counts; default 1e-6. */
  eps?: number;
}

const GAUSSIAN: Kinds<GaussianNLLOptions> = { full: FLAG, eps: NUMBER, reduction: REDUCTION };

function checkGaussian(op: string, options: GaussianNLLOptions): void {
  if (!((options.eps ?? 0) >= 0)) throw valueError(op, `eps must be ≥ 0, got ${options.eps}.`);
}

/**
 * ½·(ln v + (input − target)²/v), v = max(variance, ε), reduced: how unlikely the target is under a Gaussian around `input`. The target
 * broadcasts to the input's shape; so does `variance` (a tensor, or one number), none of it negative, which may also lack the last dimension. The gradient passes the bound ε.
 */
export function gaussianNllLoss(input: Tensor, target: Tensor, variance: Tensor | number, ...given: Given<GaussianNLLOptions>): Tensor {
  const op = 'gaussianNllLoss';
  const options = optionsBy(op, given, GAUSSIAN);
  checkGaussian(op, options);
  const { full = false, eps = 1e-6 } = options;
  assertPair(op, input, target);
  const spread = typeof variance === 'number' ? fullLike(input, variance, { dtype: 'float32' }) : variance;
  assertTensor(op, spread, 'variance');
  broadcastShapes(op, input.sizes, target.sizes);
  const lacksLast = !sameShape(spread.sizes, input.sizes) && sameShape(spread.sizes, input.sizes.slice(0, -1));
  const whole = asFloat(lacksLast ? unsqueeze(spread, -1) : spread);
  if (!sameShape(broadcastShapes(op, input.sizes, whole.sizes), input.sizes))
    throw shapeError(op, 'the variance does not fit the input', [spread.sizes, input.sizes], 'It must broadcast to the input, or lack only its last dimension.');
  checkNotNegative(op, 'the variance', spread);
  const v = add(whole, detach(sub(maximum(whole, eps), whole)));
  const losses = mul(add(log(v), div(square(sub(asFloat(input), asFloat(target))), v)), 0.5);
  return reduceLoss(full ? add(losses, 0.9189385332046727) : losses, options.reduction); // ½·ln 2π
}

/** Options of `poissonNllLoss`, with PyTorch's defaults. */
export interface PoissonNLLOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate; default true. */
  logInput?: boolean;
  /** Whether ln target! counts too, by Stirling's formula, for targets above 1; default false. */
  full?: boolean;
  /** Added to a rate before its logarithm is taken; default 1e-8. */
  eps?: number;
}

const POISSON: Kinds<PoissonNLLOptions> = { logInput: FLAG, full: FLAG, eps: NUMBER, reduction: REDUCTION };

function checkPoisson(op: string, options: PoissonNLLOptions): void {
  if (!((options.eps ?? 0) >= 0)) throw valueError(op, `eps must be ≥ 0, got ${options.eps}.`);
}

/** rate − target·ln rate, reduced: how unlikely a count is under a Poisson distribution. The input is ln rate, or the rate itself. */
export function poissonNllLoss(input: Tensor, target: Tensor, ...given: Given<PoissonNLLOptions>): Tensor {
  const options = optionsBy('poissonNllLoss', given, POISSON);
  checkPoisson('poissonNllLoss', options);
  assertPair('poissonNllLoss', input, target);
  const { logInput = true, full = false, eps = 1e-8 } = options;
  const [x, t] = [asFloat(input), asFloat(target)];
  const losses = logInput ? sub(exp(x), mul(t, x)) : sub(x, mul(t, log(add(x, eps))));
  return reduceLoss(full ? add(losses, stirling(t)) : losses, options.reduction);
}

/** ln t! ≈ t·ln t − t + ½·ln 2πt above 1, else 0. */
function stirling(t: Tensor): Tensor {
  const large = gt(t, 1);
  const n = where(large, t, 1); // so that no logarithm of 0 meets the gradient of where
  return where(large, add(sub(mul(n, log(n)), n), mul(log(mul(n, 6.283185307179586)), 0.5)), 0);
}

/** `gaussianNllLoss` as a module. */
export class GaussianNLLLoss extends LossModule<GaussianNLLOptions> {
  constructor(...given: Given<GaussianNLLOptions>) {
    super('GaussianNLLLoss', given, GAUSSIAN, checkGaussian);
  }

  forward(input: Tensor, target: Tensor, variance: Tensor | number): Tensor {
    return gaussianNllLoss(input, target, variance, this.options);
  }
}

/** `poissonNllLoss` as a module. */
export class PoissonNLLLoss extends LossModule<PoissonNLLOptions> {
  constructor(...given: Given<PoissonNLLOptions>) {
    super('PoissonNLLLoss', given, POISSON, checkPoisson);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return poissonNllLoss(input, target, this.options);
  }
}
