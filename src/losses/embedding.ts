// Losses of distances between vectors: what a network that learns representations is trained with.
import { add, div, eq, minimum, mul, sub, where } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { pairwiseDistance } from '../ops/similarity.ts';
import { sum } from '../ops/reduce.ts';
import { clamp, relu, sqrt } from '../ops/unary.ts';
import { assertTensor, FINITE, FLAG, type Given, type Kinds, NUMBER, optionsBy } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { assertPair, LossModule, type LossOptions, REDUCTION, reduceLoss } from './reduction.ts';

/** Options of losses with a margin. */
export interface MarginOptions extends LossOptions {
  /** How far apart counts as far enough. */
  margin?: number;
}

/** @internal Their table, and their order. */
export const MARGIN: Kinds<MarginOptions> = { margin: FINITE, reduction: REDUCTION };

/** Options of `tripletMarginLoss`, with PyTorch's defaults. */
export interface TripletMarginOptions extends MarginOptions {
  /** The norm's exponent; default 2. */
  p?: number;
  /** Added to each difference, so that equal vectors have a gradient; default 1e-6. */
  eps?: number;
  /** Whether the negative is compared with the positive where that is nearer (Balntas et al. 2016); default false. */
  swap?: boolean;
}

const TRIPLET: Kinds<TripletMarginOptions> = { margin: FINITE, p: NUMBER, eps: NUMBER, swap: FLAG, reduction: REDUCTION };

function checkTriplet(op: string, options: TripletMarginOptions): void {
  if (!((options.margin ?? 1) > 0)) throw valueError(op, `margin must be > 0, got ${options.margin}.`);
}

/**
 * max(0, d(anchor, positive) − d(anchor, negative) + margin), margin default 1, reduced. All three [N, D] or [D]; d is
 * `pairwiseDistance`. Gradients flow to all three.
 */
export function tripletMarginLoss(anchor: Tensor, positive: Tensor, negative: Tensor, ...given: Given<TripletMarginOptions>): Tensor {
  const op = 'tripletMarginLoss';
  const options = optionsBy(op, given, TRIPLET);
  checkTriplet(op, options);
  assertTensor(op, anchor, 'anchor');
  assertTensor(op, positive, 'positive');
  assertTensor(op, negative, 'negative');
  const { margin = 1, p = 2, eps = 1e-6, swap = false } = options;
  if (anchor.rank !== positive.rank || anchor.rank !== negative.rank)
    throw shapeError(op, 'the three differ in rank', [anchor.sizes, positive.sizes, negative.sizes], 'They must have equally many dimensions.');
  const near = pairwiseDistance(anchor, positive, { p, eps });
  const direct = pairwiseDistance(anchor, negative, { p, eps });
  const far = swap ? minimum(direct, pairwiseDistance(positive, negative, { p, eps })) : direct;
  return reduceLoss(clamp(add(sub(near, far), margin), { min: 0 }), options.reduction);
}

/**
 * 1 − cos(x₁, x₂) where the target is 1, max(0, cos(x₁, x₂) − margin) where it is −1, reduced; default margin 0. x₁, x₂: [N, D] with
 * targets [N], or [D] with one.
 */
export function cosineEmbeddingLoss(x1: Tensor, x2: Tensor, target: Tensor, ...given: Given<MarginOptions>): Tensor {
  const op = 'cosineEmbeddingLoss';
  const { margin = 0, reduction } = optionsBy(op, given, MARGIN);
  assertPair(op, x1, target);
  assertTensor(op, x2, 'x2');
  if (!sameShape(x1.sizes.slice(0, -1), target.sizes) || x1.rank !== x2.rank || x1.rank < 1 || x1.rank > 2)
    throw shapeError(op, 'inputs and target do not fit', [x1.sizes, x2.sizes, target.sizes], 'They must be [N, D], [N, D] and [N], or [D], [D] and a scalar.');
  const [a, b] = [asFloat(x1), asFloat(x2)];
  const dot = (u: Tensor, v: Tensor): Tensor => sum(mul(u, v), { dim: -1 });
  // 1e-12 under the root, as PyTorch: two zero vectors have the cosine 0.
  const cosine = div(dot(a, b), sqrt(mul(add(dot(a, a), 1e-12), add(dot(b, b), 1e-12))));
  // Nothing moves at the bound itself: a zero vector beside any other has the cosine 0.
  const apart = relu(sub(cosine, margin));
  return reduceLoss(add(where(eq(target, 1), sub(1, cosine), 0), where(eq(target, -1), apart, 0)), reduction);
}

/** `tripletMarginLoss` as a module. */
export class TripletMarginLoss extends LossModule<TripletMarginOptions> {
  constructor(...given: Given<TripletMarginOptions>) {
    super('TripletMarginLoss', given, TRIPLET, checkTriplet);
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return tripletMarginLoss(anchor, positive, negative, this.options);
  }
}

/** `cosineEmbeddingLoss` as a module. */
export class CosineEmbeddingLoss extends LossModule<MarginOptions> {
  constructor(...given: Given<MarginOptions>) {
    super('CosineEmbeddingLoss', given, MARGIN);
  }

  forward(x1: Tensor, x2: Tensor, target: Tensor): Tensor {
    return cosineEmbeddingLoss(x1, x2, target, this.options);
  }
}
