// Losses of distances between vectors: what a network that learns representations is trained with.
import { add, div, eq, minimum, mul, sub, where } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { pairwiseDistance } from '../ops/similarity.ts';
import { sum } from '../ops/reduce.ts';
import { clamp, sqrt } from '../ops/unary.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { LossOptions } from './mse.ts';
import { checkReduction, LossModule, reduceLoss } from './reduction.ts';

/** Options of losses with a margin. */
export interface MarginOptions extends LossOptions {
  /** How far apart counts as far enough. */
  margin?: number;
}

/** @internal Throws unless margin and reduction are what they may be. */
export function checkMargin(op: string, options: MarginOptions): void {
  checkReduction(op, options.reduction);
  if (options.margin !== undefined && !Number.isFinite(options.margin)) throw valueError(op, `margin must be finite, got ${options.margin}.`);
}

/** Options of `tripletMarginLoss`, with PyTorch's defaults. */
export interface TripletMarginOptions extends MarginOptions {
  /** The norm's exponent; 2 unless said. */
  p?: number;
  /** Added to each difference, so that equal vectors have a gradient; 1e-6 unless said. */
  eps?: number;
  /** Whether the negative is compared with the positive where that is nearer (Balntas et al. 2016); false unless said. */
  swap?: boolean;
}

function checkTriplet(op: string, options: TripletMarginOptions): void {
  checkMargin(op, options);
  if (!((options.margin ?? 1) > 0)) throw valueError(op, `margin must be > 0, got ${options.margin}.`);
}

/**
 * max(0, d(anchor, positive) − d(anchor, negative) + margin), margin 1 unless said, reduced. All three [N, D] or [D]; d is
 * `pairwiseDistance`. Gradients flow to all three.
 */
export function tripletMarginLoss(anchor: Tensor, positive: Tensor, negative: Tensor, options: TripletMarginOptions = {}): Tensor {
  const op = 'tripletMarginLoss';
  checkTriplet(op, options);
  const { margin = 1, p = 2, eps = 1e-6, swap = false } = options;
  if (anchor.rank !== positive.rank || anchor.rank !== negative.rank)
    throw shapeError(op, 'the three differ in rank', [anchor.shape, positive.shape, negative.shape], 'They must have equally many dimensions.');
  const near = pairwiseDistance(anchor, positive, { p, eps });
  const direct = pairwiseDistance(anchor, negative, { p, eps });
  const far = swap ? minimum(direct, pairwiseDistance(positive, negative, { p, eps })) : direct;
  return reduceLoss(clamp(add(sub(near, far), margin), { min: 0 }), options.reduction);
}

/**
 * 1 − cos(x₁, x₂) where the target is 1, max(0, cos(x₁, x₂) − margin) where it is −1, reduced; margin 0 unless said. x₁, x₂: [N, D] with
 * targets [N], or [D] with one.
 */
export function cosineEmbeddingLoss(x1: Tensor, x2: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  const op = 'cosineEmbeddingLoss';
  checkMargin(op, options);
  if (!sameShape(x1.shape.slice(0, -1), target.shape) || x1.rank !== x2.rank || x1.rank < 1 || x1.rank > 2)
    throw shapeError(op, 'inputs and target do not fit', [x1.shape, x2.shape, target.shape], 'They must be [N, D], [N, D] and [N], or [D], [D] and a scalar.');
  const [a, b] = [asFloat(x1), asFloat(x2)];
  const dot = (u: Tensor, v: Tensor): Tensor => sum(mul(u, v), { dim: -1 });
  // 1e-12 under the root, as PyTorch: two zero vectors have the cosine 0.
  const cosine = div(dot(a, b), sqrt(mul(add(dot(a, a), 1e-12), add(dot(b, b), 1e-12))));
  const apart = clamp(sub(cosine, options.margin ?? 0), { min: 0 });
  return reduceLoss(add(where(eq(target, 1), sub(1, cosine), 0), where(eq(target, -1), apart, 0)), options.reduction);
}

/** `tripletMarginLoss` as a module. */
export class TripletMarginLoss extends LossModule<TripletMarginOptions> {
  constructor(options: TripletMarginOptions = {}) {
    super(options, (o) => checkTriplet('TripletMarginLoss', o));
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return tripletMarginLoss(anchor, positive, negative, this.options);
  }
}

/** `cosineEmbeddingLoss` as a module. */
export class CosineEmbeddingLoss extends LossModule<MarginOptions> {
  constructor(options: MarginOptions = {}) {
    super(options, (o) => checkMargin('CosineEmbeddingLoss', o));
  }

  forward(x1: Tensor, x2: Tensor, target: Tensor): Tensor {
    return cosineEmbeddingLoss(x1, x2, target, this.options);
  }
}
