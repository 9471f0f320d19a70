// How alike rows are: distances, cosines, and rows brought to length 1.
import { DIMS, FLAG, type Kinds, NUMBER, optionsBy, WHOLE } from '../tensor/check.ts';
import { broadcastShapes } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, maximum, mul, sub } from './binary.ts';
import { asFloat } from './convert.ts';
import { norm } from './moments.ts';
import { expand, sum } from './reduce.ts';

/** Options of `cosineSimilarity`. */
export interface CosineOptions {
  /** The dimension that holds the vectors' elements; default 1. */
  dim?: number;
  /** The least length that a vector counts with, so that zeros do not divide; default 1e-8. */
  eps?: number;
}

const COSINE: Kinds<CosineOptions> = { dim: WHOLE, eps: NUMBER };

/** x₁·x₂/(max(‖x₁‖, ε)·max(‖x₂‖, ε)) along a dimension, which goes away. Shapes broadcast; a vector of zeros gives 0. By position: dim, eps. */
export function cosineSimilarity(x1: Tensor, x2: Tensor, ...given: [dim?: number | CosineOptions, eps?: number]): Tensor {
  const { dim = 1, eps = 1e-8 } = optionsBy('cosineSimilarity', given, COSINE);
  const [a, b] = [asFloat(x1, 'cosineSimilarity'), asFloat(x2, 'cosineSimilarity')];
  const shape = broadcastShapes('cosineSimilarity', a.sizes, b.sizes);
  const unit = (x: Tensor): Tensor => div(x, maximum(norm(x, 2, dim, true), eps));
  return sum(mul(unit(expand(a, shape)), unit(expand(b, shape))), dim);
}

/** Options of `pairwiseDistance`. */
export interface PairwiseOptions {
  /** The norm's exponent; default 2. */
  p?: number;
  /** Added to each difference, which keeps the gradient finite where vectors are equal; default 1e-6. */
  eps?: number;
  /** Whether the last dimension stays with size 1. */
  keepdim?: boolean;
}

const PAIRWISE: Kinds<PairwiseOptions> = { p: NUMBER, eps: NUMBER, keepdim: FLAG };

/** ‖x₁ − x₂ + ε‖ₚ over the last dimension, which goes away. Shapes broadcast. By position: p, eps, keepdim. */
export function pairwiseDistance(x1: Tensor, x2: Tensor, ...given: [p?: number | PairwiseOptions, eps?: number, keepdim?: boolean]): Tensor {
  const { p = 2, eps = 1e-6, keepdim = false } = optionsBy('pairwiseDistance', given, PAIRWISE);
  return norm(add(sub(asFloat(x1, 'pairwiseDistance'), asFloat(x2, 'pairwiseDistance')), eps), p, -1, keepdim);
}

/** Options of `normalize`. */
export interface NormalizeOptions {
  /** The norm's exponent; default 2. */
  p?: number;
  /** The dimension along which vectors lie, or several; default 1. */
  dim?: number | readonly number[];
  /** The least norm to divide by; default 1e-12. */
  eps?: number;
}

const NORMALIZE: Kinds<NormalizeOptions> = { p: NUMBER, dim: DIMS, eps: NUMBER };

/** x/max(‖x‖ₚ, ε) along a dimension: vectors of length 1. Zeros stay zeros. By position: p, dim, eps. */
export function normalize(x: Tensor, ...given: [p?: number | NormalizeOptions, dim?: number | readonly number[], eps?: number]): Tensor {
  const { p = 2, dim = 1, eps = 1e-12 } = optionsBy('normalize', given, NORMALIZE);
  const input = asFloat(x, 'normalize');
  return div(input, maximum(norm(input, p, dim, true), eps));
}
