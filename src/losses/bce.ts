// Binary cross-entropy of probabilities. From logits, `binaryCrossEntropyWithLogits` (likelihood.ts) is more exact.
import type { Buffer } from '../module/parameter.ts';
import { crossEntropyOfProbabilities } from '../ops/bce.ts';
import { mul } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { type Given, type Kinds, optionsBy } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { bufferOf, checkSameShape, checkWeight, LossModule, type LossOptions, REDUCTION, reduceLoss, WEIGHT } from './reduction.ts';

/** Options of `binaryCrossEntropy`, with PyTorch's defaults. */
export interface BCEOptions extends LossOptions {
  /** Scales each element's loss; broadcasts to it. */
  weight?: Tensor | null;
}

const OPTIONS: Kinds<BCEOptions> = { weight: WEIGHT, reduction: REDUCTION };

/**
 * −(target·ln input + (1 − target)·ln(1 − input)), reduced. input: probabilities in [0, 1] (outside the loss is NaN); logarithms are at
 * least −100. Gradients flow to input and target, which have one shape.
 */
export function binaryCrossEntropy(input: Tensor, target: Tensor, ...given: Given<BCEOptions>): Tensor {
  const op = 'binaryCrossEntropy';
  const { weight, reduction } = optionsBy(op, given, OPTIONS);
  checkSameShape(op, input, target);
  checkWeight(op, 'weight', weight, input.sizes);
  const losses = crossEntropyOfProbabilities(asFloat(input), asFloat(target));
  return reduceLoss(weight ? mul(losses, weight) : losses, reduction);
}

/** `binaryCrossEntropy` as a module. */
export class BCELoss extends LossModule<BCEOptions> {
  /** The option of that name, saved with the module. */
  readonly weight: Buffer | null;

  constructor(...given: Given<BCEOptions>) {
    super('BCELoss', given, OPTIONS);
    this.weight = bufferOf(this.options);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}
