// Binary cross-entropy of probabilities. From logits, `binaryCrossEntropyWithLogits` (likelihood.ts) is more exact.
import { Buffer } from '../module/parameter.ts';
import { crossEntropyOfProbabilities } from '../ops/bce.ts';
import { mul } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { LossOptions } from './mse.ts';
import { checkReduction, checkSameShape, LossModule, reduceLoss } from './reduction.ts';

/** Options of `binaryCrossEntropy`, with PyTorch's defaults. */
export interface BCEOptions extends LossOptions {
  /** Scales each element's loss; broadcasts. */
  weight?: Tensor | null;
}

/**
 * −(target·ln input + (1 − target)·ln(1 − input)), reduced. input: probabilities in [0, 1] (outside the loss is NaN); logarithms are at
 * least −100. Gradients flow to input and target, which have one shape.
 */
export function binaryCrossEntropy(input: Tensor, target: Tensor, options: BCEOptions = {}): Tensor {
  const op = 'binaryCrossEntropy';
  checkReduction(op, options.reduction);
  checkSameShape(op, input, target);
  const losses = crossEntropyOfProbabilities(asFloat(input), asFloat(target));
  return reduceLoss(options.weight ? mul(losses, options.weight) : losses, options.reduction);
}

/** `binaryCrossEntropy` as a module. */
export class BCELoss extends LossModule<BCEOptions> {
  readonly weight: Buffer | null;

  constructor(options: BCEOptions = {}) {
    super(options, (o) => checkReduction('BCELoss', o.reduction));
    this.weight = options.weight ? new Buffer(options.weight) : null;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}
