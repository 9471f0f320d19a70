// Losses of scores: each asks that right ones lead by a margin.
import type { Buffer } from '../module/parameter.ts';
import { add, div, eq, lt, mul, ne, sub, where } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { full } from '../ops/create.ts';
import { checkIndices, gather, indexSelect, oneHot, scatterAdd } from '../ops/indexing.ts';
import { mean } from '../ops/moments.ts';
import { inShape } from '../ops/movement.ts';
import { sum } from '../ops/reduce.ts';
import { cumsum } from '../ops/scan.ts';
import { clamp, neg, relu, softplus, square } from '../ops/unary.ts';
import { assertTensor, FINITE, type Given, type Kinds, oneOf, optionsBy } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import { broadcastShapes } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { MARGIN, type MarginOptions } from './embedding.ts';
import { binaryCrossEntropyWithLogits } from './likelihood.ts';
import { assertPair, bufferOf, checkClassWeight, checkSameShape, LOSS, LossModule, type LossOptions, REDUCTION, reduceLoss, WEIGHT } from './reduction.ts';

/** max(0, −target·(x₁ − x₂) + margin), reduced: x₁ shall rank above x₂ where the target is 1, below where it is −1; default margin 0. */
export function marginRankingLoss(x1: Tensor, x2: Tensor, target: Tensor, ...given: Given<MarginOptions>): Tensor {
  const op = 'marginRankingLoss';
  const { margin = 0, reduction } = optionsBy(op, given, MARGIN);
  assertPair(op, x1, target);
  assertTensor(op, x2, 'x2');
  if (x1.rank !== x2.rank || x1.rank !== target.rank)
    throw shapeError(op, 'inputs and target differ in rank', [x1.sizes, x2.sizes, target.sizes], 'They must have equally many dimensions.');
  const led = mul(asFloat(target), sub(asFloat(x1), asFloat(x2)));
  return reduceLoss(clamp(sub(margin, led), { min: 0 }), reduction);
}

/** x where the target is 1, max(0, margin − x) where it is −1, reduced: x is a distance; default margin 1. */
export function hingeEmbeddingLoss(input: Tensor, target: Tensor, ...given: Given<MarginOptions>): Tensor {
  const op = 'hingeEmbeddingLoss';
  const { margin = 1, reduction } = optionsBy(op, given, MARGIN);
  assertPair(op, input, target);
  broadcastShapes(op, input.sizes, target.sizes);
  const x = asFloat(input);
  const apart = clamp(sub(margin, x), { min: 0 });
  return reduceLoss(add(where(ne(target, 1), apart, 0), where(ne(target, -1), x, 0)), reduction);
}

/** ln(1 + e^(−target·x)), reduced; targets are 1 or −1. */
export function softMarginLoss(input: Tensor, target: Tensor, ...given: Given<LossOptions>): Tensor {
  const op = 'softMarginLoss';
  const { reduction } = optionsBy(op, given, LOSS);
  checkSameShape(op, input, target);
  return reduceLoss(softplus(neg(mul(asFloat(input), asFloat(target)))), reduction);
}

/** Options of `multiMarginLoss`, with PyTorch's defaults. */
export interface MultiMarginOptions extends MarginOptions {
  /** The power of each shortfall, 1 or 2; default 1. */
  p?: 1 | 2;
  /** One weight per class, float32 [C]. */
  weight?: Tensor | null;
}

const MULTI: Kinds<MultiMarginOptions> = { p: /* @__PURE__ */ oneOf(1, 2), margin: FINITE, weight: WEIGHT, reduction: REDUCTION };

/**
 * weight[y]·Σ max(0, margin − x[y] + x[i])ᵖ / C over the classes i ≠ y, reduced over the rows: y shall lead by `margin` (default 1;
 * Crammer & Singer 2001). input [N, C] or [C]; target: int32 classes [N], or one.
 */
export function multiMarginLoss(input: Tensor, target: Tensor, ...given: Given<MultiMarginOptions>): Tensor {
  const op = 'multiMarginLoss';
  const { p = 1, margin = 1, weight, reduction } = optionsBy(op, given, MULTI);
  assertPair(op, input, target);
  const classes = input.sizes.at(-1) ?? 1;
  const rows = input.rank === 2 ? (input.sizes[0] as number) : 1;
  if (input.rank > 2 || target.rank > 1 || target.size !== rows)
    throw shapeError(op, 'input and target do not fit', [input.sizes, target.sizes], 'They must be [N, C] and int32 classes [N], or [C] and one class.');
  checkClassWeight(op, weight, classes);
  checkIndices(op, target, classes, null, 'class');
  const x = inShape(asFloat(input), [rows, classes]);
  const right = inShape(target, [rows, 1]);
  const short = relu(add(sub(x, gather(x, 1, right)), margin));
  const others = mul(p === 2 ? square(short) : short, sub(1, inShape(oneHot(target, classes), [rows, classes])));
  const losses = div(sum(others, { dim: 1 }), classes);
  const weighted = weight ? mul(losses, indexSelect(weight, 0, inShape(target, [rows]))) : losses;
  return reduceLoss(inShape(weighted, target.sizes), reduction);
}

/**
 * Σ max(0, 1 − x[y] + x[i]) / C over the classes y that are present and the classes i that are not, reduced over the rows. input [N, C] or
 * [C]; target: int32 of the same shape, the classes present, ended by −1 (what follows does not count).
 */
export function multilabelMarginLoss(input: Tensor, target: Tensor, ...given: Given<LossOptions>): Tensor {
  const op = 'multilabelMarginLoss';
  const { reduction } = optionsBy(op, given, LOSS);
  checkSameShape(op, input, target);
  if (input.rank > 2) throw shapeError(op, 'input and target do not fit', [input.sizes, target.sizes], 'They must be [N, C] or [C].');
  const classes = input.sizes.at(-1) ?? 1;
  if (classes === 0) throw shapeError(op, 'there are no classes', [input.sizes], 'Give it at least one.');
  checkIndices(op, target, classes, -1, 'class');
  const rows = input.rank === 2 ? (input.sizes[0] as number) : 1;
  const x = inShape(asFloat(input), [rows, classes]);
  const listed = inShape(target, [rows, classes]);
  const counts = eq(cumsum(asFloat(lt(listed, 0)), 1), 0);
  const index = where(counts, listed, 0);
  const absent = asFloat(eq(scatterAdd(full([rows, classes], 0), 1, index, asFloat(counts)), 0));
  // [rows, listed, classes]: how much each listed class falls short of leading each absent one by 1.
  const short = relu(add(sub(inShape(x, [rows, 1, classes]), inShape(gather(x, 1, index), [rows, classes, 1])), 1));
  const counted = mul(inShape(asFloat(counts), [rows, classes, 1]), inShape(absent, [rows, 1, classes]));
  const losses = div(sum(mul(short, counted), { dim: [1, 2] }), classes);
  return reduceLoss(inShape(losses, input.sizes.slice(0, -1)), reduction);
}

/** Options of `multilabelSoftMarginLoss`. */
export interface MultiLabelSoftMarginOptions extends LossOptions {
  /** Scales each class's loss; broadcasts. */
  weight?: Tensor | null;
}

const SOFT: Kinds<MultiLabelSoftMarginOptions> = { weight: WEIGHT, reduction: REDUCTION };

/** `binaryCrossEntropyWithLogits` averaged over the last dimension (classes, each present or not), then reduced. */
export function multilabelSoftMarginLoss(input: Tensor, target: Tensor, ...given: Given<MultiLabelSoftMarginOptions>): Tensor {
  const op = 'multilabelSoftMarginLoss';
  const { weight, reduction } = optionsBy(op, given, SOFT);
  checkSameShape(op, input, target);
  const losses = binaryCrossEntropyWithLogits(input, target, { reduction: 'none' });
  return reduceLoss(mean(weight ? mul(losses, weight) : losses, { dim: -1 }), reduction);
}

/** `marginRankingLoss` as a module. */
export class MarginRankingLoss extends LossModule<MarginOptions> {
  constructor(...given: Given<MarginOptions>) {
    super('MarginRankingLoss', given, MARGIN);
  }

  forward(x1: Tensor, x2: Tensor, target: Tensor): Tensor {
    return marginRankingLoss(x1, x2, target, this.options);
  }
}

/** `hingeEmbeddingLoss` as a module. */
export class HingeEmbeddingLoss extends LossModule<MarginOptions> {
  constructor(...given: Given<MarginOptions>) {
    super('HingeEmbeddingLoss', given, MARGIN);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return hingeEmbeddingLoss(input, target, this.options);
  }
}

/** `softMarginLoss` as a module. */
export class SoftMarginLoss extends LossModule<LossOptions> {
  constructor(...given: Given<LossOptions>) {
    super('SoftMarginLoss', given, LOSS);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return softMarginLoss(input, target, this.options);
  }
}

/** `multiMarginLoss` as a module. */
export class MultiMarginLoss extends LossModule<MultiMarginOptions> {
  /** One weight per class, saved with the module. */
  readonly weight: Buffer | null;

  constructor(...given: Given<MultiMarginOptions>) {
    super('MultiMarginLoss', given, MULTI);
    this.weight = bufferOf(this.options);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return multiMarginLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** `multilabelMarginLoss` as a module. */
export class MultiLabelMarginLoss extends LossModule<LossOptions> {
  constructor(...given: Given<LossOptions>) {
    super('MultiLabelMarginLoss', given, LOSS);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return multilabelMarginLoss(input, target, this.options);
  }
}

/** `multilabelSoftMarginLoss` as a module. */
export class MultiLabelSoftMarginLoss extends LossModule<MultiLabelSoftMarginOptions> {
  /** The option of that name, saved with the module. */
  readonly weight: Buffer | null;

  constructor(...given: Given<MultiLabelSoftMarginOptions>) {
    super('MultiLabelSoftMarginLoss', given, SOFT);
    this.weight = bufferOf(this.options);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return multilabelSoftMarginLoss(input, target, { ...this.options, weight: this.weight });
  }
}
