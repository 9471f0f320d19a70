// Mean squared error.
import { sub } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { squaredError } from '../ops/loss.ts';
import { stretch } from '../ops/reduce.ts';
import { square } from '../ops/unary.ts';
import { type Given, optionsBy } from '../tensor/check.ts';
import { shapeText, warnOnce } from '../tensor/errors.ts';
import { broadcastShapes, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { assertPair, LOSS, LossModule, type LossOptions, type Reduction } from './reduction.ts';

export type { LossOptions };

/** Shapes that differ but broadcast are allowed, as in PyTorch, and almost always a mistake. */
export function warnBroadcast(op: string, input: Tensor, target: Tensor): void {
  if (sameShape(input.sizes, target.sizes)) return;
  warnOnce(
    `${op} ${input.sizes} ${target.sizes}`,
    `${op}: the target ${shapeText(target.sizes)} has another shape than the input ${shapeText(input.sizes)}; both are broadcast, likely not as meant. Reshape one.`,
  );
}

/** (input − target)², reduced. Both float32 of one shape; gradients flow to both. */
export function mseLoss(input: Tensor, target: Tensor, ...given: Given<LossOptions>): Tensor {
  const { reduction = 'mean' } = optionsBy('mseLoss', given, LOSS);
  assertPair('mseLoss', input, target);
  const shape = broadcastShapes('mseLoss', input.sizes, target.sizes);
  warnBroadcast('mseLoss', input, target);
  const [x, t] = [asFloat(input), asFloat(target)];
  if (reduction === 'none') return square(sub(x, t));
  return squaredError(stretch(x, shape), stretch(t, shape), reduction === 'mean');
}

/** `mseLoss` as a module. */
export class MSELoss extends LossModule<LossOptions> {
  constructor(...given: Given<LossOptions, [reduction?: Reduction]>) {
    super('MSELoss', given, LOSS);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, this.options);
  }
}
