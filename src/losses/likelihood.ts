// Losses of probabilities given as logarithms or logits.
import type { Buffer } from '../module/parameter.ts';
import { add, div, eq, mul, ne, sub, where } from '../ops/binary.ts';
import { asFloat, assertFloat } from '../ops/convert.ts';
import { checkIndices, gather, indexSelect } from '../ops/indexing.ts';
import type { Reduction } from '../ops/loss.ts';
import { movedim, inShape } from '../ops/movement.ts';
import { sum } from '../ops/reduce.ts';
import { exp, log, neg, softplus } from '../ops/unary.ts';
import { FLAG, type Given, type Kind, type Kinds, optionsBy, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { assertPair, bufferOf, checkClassWeight, checkSameShape, checkWeight, LossModule, type LossOptions, REDUCTION, reduceLoss, WEIGHT } from './reduction.ts';

/** Options of `nllLoss`, with PyTorch's defaults. */
export interface NLLOptions extends LossOptions {
  /** One weight per class, float32 [C]. */
  weight?: Tensor | null;
  /** The class index that does not count; default −100. */
  ignoreIndex?: number;
}

const NLL: Kinds<NLLOptions> = { weight: WEIGHT, ignoreIndex: WHOLE, reduction: REDUCTION };

/**
 * −input[class], weighted, reduced: the negative log likelihood. input: log-probabilities [C], [N, C] or [N, C, d1, …]; target: int32
 * classes without the C dimension. The mean divides by the weights of what counts; where nothing does it is NaN, with the gradient 0.
 */
export function nllLoss(input: Tensor, target: Tensor, ...given: Given<NLLOptions>): Tensor {
  const op = 'nllLoss';
  const { weight, ignoreIndex = -100, reduction = 'mean' } = optionsBy(op, given, NLL);
  assertPair(op, input, target);
  assertFloat(op, input);
  if (input.rank === 0) throw new GradloomError('SHAPE', op, 'the input is a scalar. It must be [C], [N, C] or [N, C, d1, …].');
  const dim = input.rank === 1 ? 0 : 1;
  const places = input.sizes.filter((_, d) => d !== dim);
  const classes = input.sizes[dim] as number;
  if (!sameShape(places, target.sizes)) throw shapeError(op, 'input and target do not fit', [input.sizes, target.sizes], `The target must be int32 classes ${shapeText(places)}.`);
  checkClassWeight(op, weight, classes);
  checkIndices(op, target, classes, ignoreIndex, 'class');
  const counted = ne(target, ignoreIndex);
  const index = inShape(where(counted, target, 0), [target.size]);
  const rows = inShape(movedim(input, dim, -1), [target.size, classes]);
  const flags = inShape(counted, [target.size]);
  // What does not count is left out, not multiplied by 0: it may be infinite.
  const picked = where(flags, inShape(gather(rows, 1, inShape(index, [target.size, 1])), [target.size]), 0);
  const weights = weight ? mul(indexSelect(weight, 0, index), asFloat(flags)) : asFloat(flags);
  const losses = mul(mul(picked, weights), -1);
  if (reduction === 'none') return inShape(losses, places);
  if (reduction === 'sum') return sum(losses);
  const total = sum(weights);
  const nothing = eq(total, 0);
  return where(nothing, Number.NaN, div(sum(losses), where(nothing, 1, total)));
}

/** Options of `binaryCrossEntropyWithLogits`, with PyTorch's defaults. */
export interface BCEWithLogitsOptions extends LossOptions {
  /** Scales each element's loss; broadcasts to it. */
  weight?: Tensor | null;
  /** Scales the loss of positive targets; broadcasts to them. */
  posWeight?: Tensor | null;
}

const LOGITS: Kinds<BCEWithLogitsOptions> = { weight: WEIGHT, reduction: REDUCTION, posWeight: WEIGHT };

/** −(p·target·ln σ(input) + (1 − target)·ln(1 − σ(input))), p the positive weight, computed without σ so that nothing overflows. */
export function binaryCrossEntropyWithLogits(input: Tensor, target: Tensor, ...given: Given<BCEWithLogitsOptions>): Tensor {
  const op = 'binaryCrossEntropyWithLogits';
  const { weight, posWeight, reduction } = optionsBy(op, given, LOGITS);
  checkSameShape(op, input, target);
  checkWeight(op, 'weight', weight, input.sizes);
  checkWeight(op, 'posWeight', posWeight, input.sizes);
  const [x, t] = [asFloat(input), asFloat(target)];
  // ln(1 + e^−x) = softplus(−x) is −ln σ(x); (1 − t)·x turns it into −ln(1 − σ(x)) for the rest.
  const rest = softplus(neg(x));
  const losses = add(mul(sub(1, t), x), posWeight ? mul(add(mul(sub(posWeight, 1), t), 1), rest) : rest);
  return reduceLoss(weight ? mul(losses, weight) : losses, reduction);
}

/** Options of `klDiv`. */
export interface KLDivOptions {
  /** 'batchmean' divides the sum by the first size, which is the mathematical mean; 'mean' divides by the number of elements. */
  reduction?: Reduction | 'batchmean';
  /** Whether the target is given as logarithms. */
  logTarget?: boolean;
}

const REDUCTIONS: Kind = { what: `${REDUCTION.what} or 'batchmean'`, test: (v) => v === 'batchmean' || REDUCTION.test(v) };
const KL: Kinds<KLDivOptions> = { reduction: REDUCTIONS, logTarget: FLAG };

/** Σ target·(ln target − input): the divergence of Kullback and Leibler from log-probabilities `input`. A target of 0 adds 0. */
export function klDiv(input: Tensor, target: Tensor, ...given: Given<KLDivOptions>): Tensor {
  const { reduction = 'mean', logTarget = false } = optionsBy('klDiv', given, KL);
  assertPair('klDiv', input, target);
  const zero = eq(target, 0);
  const losses = logTarget ? mul(exp(target), sub(target, input)) : sub(mul(target, log(where(zero, 1, target))), mul(target, input));
  return reduction === 'batchmean' ? div(sum(losses), input.sizes[0] ?? 1) : reduceLoss(losses, reduction);
}

/** `nllLoss` as a module. */
export class NLLLoss extends LossModule<NLLOptions> {
  /** One weight per class, saved with the module. */
  readonly weight: Buffer | null;

  constructor(...given: Given<NLLOptions, [weight?: Tensor | null]>) {
    super('NLLLoss', given, NLL);
    this.weight = bufferOf(this.options);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return nllLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** `binaryCrossEntropyWithLogits` as a module. */
export class BCEWithLogitsLoss extends LossModule<BCEWithLogitsOptions> {
  /** The option of that name, saved with the module. */
  readonly weight: Buffer | null;
  /** The option of that name, saved with the module. */
  readonly posWeight: Buffer | null;

  constructor(...given: Given<BCEWithLogitsOptions, [weight?: Tensor | null]>) {
    super('BCEWithLogitsLoss', given, LOGITS);
    this.weight = bufferOf(this.options);
    this.posWeight = bufferOf(this.options, 'posWeight');
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropyWithLogits(input, target, { ...this.options, weight: this.weight, posWeight: this.posWeight });
  }
}

/** `klDiv` as a module. */
export class KLDivLoss extends LossModule<KLDivOptions> {
  constructor(...given: Given<KLDivOptions, [reduction?: KLDivOptions['reduction'], logTarget?: boolean]>) {
    super('KLDivLoss', given, KL);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return klDiv(input, target, this.options);
  }
}
