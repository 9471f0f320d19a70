// How alike rows are: distances, cosines, and rows brought to length 1.
import { broadcastShapes } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, maximum, mul, sub } from './binary.ts';
import { asFloat } from './convert.ts';
import { norm } from './moments.ts';
import { expand, sum } from './reduce.ts';

/** Options of `cosineSimilarity`. */
export interface CosineOptions {
  /** The dimension that holds the vectors' elements; 1 unless said. */
  dim?: number;
  /** The least length that a vector counts with, so that zeros do not divide; 1e-8 unless said. */
  eps?: number;
}

/** x₁·x₂/(max(‖x₁‖, ε)·max(‖x₂‖, ε)) along a dimension, which goes away. Shapes broadcast; a vector of zeros gives 0. */
export function cosineSimilarity(x1: Tensor, x2: Tensor, options: CosineOptions = {}): Tensor {
  const { dim = 1, eps = 1e-8 } = options;
  const shape = broadcastShapes('cosineSimilarity', x1.shape, x2.shape);
  const unit = (x: Tensor): Tensor => div(x, maximum(norm(x, { dim, keepdim: true }), eps));
  return sum(mul(unit(expand(asFloat(x1), shape)), unit(expand(asFloat(x2), shape))), { dim });
}

/** Options of `pairwiseDistance`. */
export interface PairwiseOptions {
  /** The norm's exponent; 2 unless said. */
  p?: number;
  /** Added to each difference, which keeps the gradient finite where vectors are equal; 1e-6 unless said. */
  eps?: number;
  /** Whether the last dimension stays with size 1. */
  keepdim?: boolean;
}

/** ‖x₁ − x₂ + ε‖ₚ over the last dimension, which goes away. Shapes broadcast. */
export function pairwiseDistance(x1: Tensor, x2: Tensor, options: PairwiseOptions = {}): Tensor {
  const { p = 2, eps = 1e-6, keepdim = false } = options;
  return norm(add(sub(asFloat(x1), asFloat(x2)), eps), { p, dim: -1, keepdim });
}

/** Options of `normalize`. */
export interface NormalizeOptions {
  /** The norm's exponent; 2 unless said. */
  p?: number;
  /** The dimension along which vectors lie; 1 unless said. */
  dim?: number;
  /** The least norm to divide by; 1e-12 unless said. */
  eps?: number;
}

/** x/max(‖x‖ₚ, ε) along a dimension: vectors of length 1. Zeros stay zeros. */
export function normalize(x: Tensor, options: NormalizeOptions = {}): Tensor {
  const { p = 2, dim = 1, eps = 1e-12 } = options;
  return div(x, maximum(norm(x, { p, dim, keepdim: true }), eps));
}
