// Identities forward that change what flows back.
import { assertArity, assertTensor, checkArgument, FINITE } from '../tensor/check.ts';
import { apply, applyView, copyElements, type Op, type ViewOp } from '../tensor/op.ts';
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
  assertArity('scaleGrad', arguments.length, 2);
  assertTensor('scaleGrad', x);
  checkArgument('scaleGrad', 'scale', scale, FINITE);
  return applyView(scaleGradOp, x, { scale });
}

const weighGradOp: Op<void> = {
  name: 'weighGrad',
  forward: (y, [x]) => copyElements(x as Tensor, y),
  saves: () => [false, true],
  backward: (dy, node) => [mul(dy, node.input(1)), null],
};

/** @internal x, whose gradient is multiplied by weights that broadcast to it. */
export const weighGrad = (x: Tensor, weights: Tensor): Tensor => apply(weighGradOp, [x, weights], undefined);

/** x itself, whose gradient is multiplied by −λ on its way back, λ = 1 by default (gradient reversal: Ganin & Lempitsky 2015, arXiv 1409.7495). */
export function reverseGrad(x: Tensor, lambda?: number): Tensor {
  assertArity('reverseGrad', arguments.length, 2);
  assertTensor('reverseGrad', x);
  if (lambda !== undefined) checkArgument('reverseGrad', 'lambda', lambda, FINITE);
  return scaleGrad(x, -(lambda ?? 1));
}
