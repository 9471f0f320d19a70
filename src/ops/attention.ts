// Attention: each query's mixture of values.
import { FLAG, type Kinds, NUMBER, optionsBy, orNull, TENSOR } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, le, mul, ne, where } from './binary.ts';
import { assertFloat } from './convert.ts';
import { dropout } from './dropout.ts';
import { matmul } from './matmul.ts';
import { transpose } from './movement.ts';
import { any } from './reduce.ts';
import { softmax } from './softmax.ts';
import { aside } from './triangle.ts';

/** Options of `scaledDotProductAttention`, with PyTorch's defaults. */
export interface AttentionOptions {
  /** [..., L, S], broadcasts: bool (true: may be looked at) or float32 (added to the scores). */
  attnMask?: Tensor | null;
  /** The probability that a weight is dropped; default 0. PyTorch drops whenever it is not 0: pass it in training only. */
  dropoutP?: number;
  /** Whether query i sees keys 0 … i only; not by default. */
  isCausal?: boolean;
  /** What scores are multiplied by; default 1/√E. */
  scale?: number | null;
}

const ATTENTION: Kinds<AttentionOptions> = { attnMask: /* @__PURE__ */ orNull(TENSOR), dropoutP: NUMBER, isCausal: FLAG, scale: /* @__PURE__ */ orNull(NUMBER) };

/**
 * softmax(scale·q·kᵀ + mask)·v (Vaswani et al. 2017, arXiv 1706.03762). q [..., L, E], k [..., S, E], v [..., S, F] → [..., L, F]; leading
 * dimensions broadcast. A query that may look at nothing gives 0. Options may stand behind the value by position: attnMask, dropoutP, isCausal.
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...given: [attnMask?: AttentionOptions | Tensor | null, dropoutP?: number, isCausal?: boolean]
): Tensor {
  const op = 'scaledDotProductAttention';
  const options = optionsBy(op, given, ATTENTION);
  for (const x of [query, key, value]) {
    assertFloat(op, x);
    if (x.rank < 2) throw shapeError(op, 'takes [..., length, features]', [x.sizes], 'Reshape the input.');
  }
  const { attnMask, dropoutP = 0, isCausal = false } = options;
  const scale = options.scale ?? 1 / Math.sqrt(query.sizes.at(-1) as number);
  let scores = matmul(mul(query, scale), transpose(key, -2, -1));
  if (attnMask) scores = attnMask.dtype === 'bool' ? where(attnMask, scores, Number.NEGATIVE_INFINITY) : add(scores, attnMask);
  if (isCausal) scores = where(le(aside(op, scores), 0), scores, Number.NEGATIVE_INFINITY);
  // Without a mask each query sees the first key.
  const sees = attnMask && any(ne(detach(scores), Number.NEGATIVE_INFINITY), -1, true);
  const weights = sees ? where(sees, softmax(where(sees, scores, 0), -1), 0) : softmax(scores, -1);
  return matmul(dropout(weights, { p: dropoutP }), value);
}
