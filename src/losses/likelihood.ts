// Losses of probabilities given as logarithms or logits.
import { Module } from '../module/module.ts';
import { Buffer } from '../module/parameter.ts';
import { add, div, eq, mul, ne, sub, where } from '../ops/binary.ts';
import { asFloat, assertFloat } from '../ops/convert.ts';
import { checkIndices, gather, indexSelect } from '../ops/indexing.ts';
import type { Reduction } from '../ops/loss.ts';
import { movedim, reshape } from '../ops/movement.ts';
import { sum } from '../ops/reduce.ts';
import { exp, log, neg, softplus } from '../ops/unary.ts';
import { GradloomError, shapeError, shapeText } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { LossOptions } from './mse.ts';
import { checkReduction, reduceLoss } from './reduction.ts';

/** Options of `nllLoss`, with PyTorch's defaults. */
export interface NLLOptions extends LossOptions {
  /** One weight per class, float32 [C]. */
  weight?: Tensor | null;
  /** The class index that does not count; −100 unless said. */
  ignoreIndex?: number;
}

/**
 * −input[class], weighted, reduced: the negative log likelihood. input: log-probabilities [C], [N, C] or [N, C, d1, …]; target: int32
 * classes without the C dimension. The mean divides by the weights of what counts.
 */
export function nllLoss(input: Tensor, target: Tensor, options: NLLOptions = {}): Tensor {
  const op = 'nllLoss';
  const { weight, ignoreIndex = -100, reduction = 'mean' } = options;
  checkReduction(op, reduction);
  assertFloat(op, input);
  if (input.rank === 0) throw new GradloomError('SHAPE', op, 'the input is a scalar. It needs a class dimension: [C], [N, C] or [N, C, d1, …].');
  const dim = input.rank === 1 ? 0 : 1;
  const places = input.shape.filter((_, d) => d !== dim);
  const classes = input.shape[dim] as number;
  if (!sameShape(places, target.shape)) throw shapeError(op, 'input and target do not fit', [input.shape, target.shape], `The target must be int32 classes ${shapeText(places)}.`);
  checkIndices(op, target, classes, ignoreIndex, 'class');
  const counted = ne(target, ignoreIndex);
  const index = reshape(where(counted, target, 0), [target.size]);
  const rows = reshape(movedim(input, dim, -1), [target.size, classes]);
  const picked = reshape(gather(rows, 1, reshape(index, [target.size, 1])), [target.size]);
  const flags = reshape(asFloat(counted), [target.size]);
  const weights = weight ? mul(indexSelect(weight, 0, index), flags) : flags;
  const losses = mul(mul(picked, weights), -1);
  if (reduction === 'none') return reshape(losses, places);
  return reduction === 'sum' ? sum(losses) : div(sum(losses), sum(weights));
}

/** Options of `binaryCrossEntropyWithLogits`, with PyTorch's defaults. */
export interface BCEWithLogitsOptions extends LossOptions {
  /** Scales each element's loss; broadcasts. */
  weight?: Tensor | null;
  /** Scales the loss of positive targets; broadcasts. */
  posWeight?: Tensor | null;
}

/** −(p·target·ln σ(input) + (1 − target)·ln(1 − σ(input))), p the positive weight, computed without σ so that nothing overflows. */
export function binaryCrossEntropyWithLogits(input: Tensor, target: Tensor, options: BCEWithLogitsOptions = {}): Tensor {
  const op = 'binaryCrossEntropyWithLogits';
  checkReduction(op, options.reduction);
  if (!sameShape(input.shape, target.shape)) throw shapeError(op, 'input and target differ', [input.shape, target.shape], 'They must have one shape.');
  const [x, t] = [asFloat(input), asFloat(target)];
  const { weight, posWeight } = options;
  // ln(1 + e^−x) = softplus(−x) is −ln σ(x); (1 − t)·x turns it into −ln(1 − σ(x)) for the rest.
  const rest = softplus(neg(x));
  const losses = add(mul(sub(1, t), x), posWeight ? mul(add(mul(sub(posWeight, 1), t), 1), rest) : rest);
  return reduceLoss(weight ? mul(losses, weight) : losses, options.reduction);
}

/** Options of `klDiv`. */
export interface KLDivOptions {
  /** 'batchmean' divides the sum by the first size, which is the mathematical mean; 'mean' divides by the number of elements. */
  reduction?: Reduction | 'batchmean';
  /** Whether the target is given as logarithms. */
  logTarget?: boolean;
}

/** Σ target·(ln target − input): the divergence of Kullback and Leibler from log-probabilities `input`. A target of 0 adds 0. */
export function klDiv(input: Tensor, target: Tensor, options: KLDivOptions = {}): Tensor {
  const { reduction = 'mean', logTarget = false } = options;
  if (reduction !== 'batchmean') checkReduction('klDiv', reduction);
  const zero = eq(target, 0);
  const losses = logTarget ? mul(exp(target), sub(target, input)) : sub(mul(target, log(where(zero, 1, target))), mul(target, input));
  return reduction === 'batchmean' ? div(sum(losses), input.shape[0] ?? 1) : reduceLoss(losses, reduction);
}

/** `nllLoss` as a module. */
export class NLLLoss extends Module {
  readonly weight: Buffer | null;
  private readonly options: NLLOptions;

  constructor(options: NLLOptions = {}) {
    super();
    checkReduction('NLLLoss', options.reduction);
    this.weight = options.weight ? new Buffer(options.weight) : null;
    this.options = options;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return nllLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** `binaryCrossEntropyWithLogits` as a module. */
export class BCEWithLogitsLoss extends Module {
  readonly weight: Buffer | null;
  readonly posWeight: Buffer | null;
  private readonly options: BCEWithLogitsOptions;

  constructor(options: BCEWithLogitsOptions = {}) {
    super();
    checkReduction('BCEWithLogitsLoss', options.reduction);
    this.weight = options.weight ? new Buffer(options.weight) : null;
    this.posWeight = options.posWeight ? new Buffer(options.posWeight) : null;
    this.options = options;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropyWithLogits(input, target, { ...this.options, weight: this.weight, posWeight: this.posWeight });
  }
}

/** `klDiv` as a module. */
export class KLDivLoss extends Module {
  private readonly options: KLDivOptions;

  constructor(options: KLDivOptions = {}) {
    super();
    if (options.reduction !== 'batchmean') checkReduction('KLDivLoss', options.reduction);
    this.options = options;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return klDiv(input, target, this.options);
  }
}
