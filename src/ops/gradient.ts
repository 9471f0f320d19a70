// Identities forward that change what flows back.
import { applyView, type ViewOp } from '../tensor/op.ts';
import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul } from './binary.ts';

const scaleGradOp: ViewOp<{ scale: number }> = {
  name: 'scaleGrad',
  window: ({ shape, strides, offset }) => ({ shape, strides, offset }),
  backward: (dy, { attrs }) => mul(dy, attrs.scale),
  batched: (dy, { attrs }) => mul(dy, attrs.scale),
};

/** x itself, whose gradient is multiplied by `scale` on its way back: how strongly what lies behind learns from what lies before. */
export function scaleGrad(x: Tensor, scale: number): Tensor {
  if (!Number.isFinite(scale)) throw valueError('scaleGrad', `the scale must be finite, got ${scale}.`);
  return applyView(scaleGradOp, x, { scale });
}

/** x itself, whose gradient is multiplied by −λ on its way back (gradient reversal: Ganin & Lempitsky 2015, arXiv 1409.7495). */
export function reverseGrad(x: Tensor, lambda = 1): Tensor {
  return scaleGrad(x, -lambda);
}
