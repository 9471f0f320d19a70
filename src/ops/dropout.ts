// Dropout: a random mask from a generator whose state lies in memory, so that a captured step draws a new one at each replay.
import { call } from '../runtime/call.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { defaultGenerator, type Generator } from '../tensor/random.ts';
import type { Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { mul } from './binary.ts';
import { asFloat } from './convert.ts';
import { constant } from './create.ts';

/** Options of dropout, with PyTorch's defaults. */
export interface DropoutOptions {
  /** The probability that an element becomes 0; ½ unless said. */
  p?: number;
  /** Whether to drop at all; true unless said. */
  training?: boolean;
  /** The stream to draw from; the one that `manualSeed` seeds unless said. */
  generator?: Generator;
}

/** @internal Throws unless it is a probability. */
export function checkProbability(op: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw valueError(op, `p must lie in [0, 1], got ${p}.`);
}

function masked(op: string, x: Tensor, shape: Shape, { p = 0.5, training = true, generator }: DropoutOptions): Tensor {
  checkProbability(op, p);
  if (!training || p === 0) return x;
  const mask = empty(shape);
  call('dropoutMask', mask.address, mask.size, constant(p, 'float32').address, (generator ?? defaultGenerator()).address);
  return mul(asFloat(x), mask);
}

/**
 * Each element 0 with probability p, else x/(1 − p), so that the expectation stays (Srivastava et al. 2014). Not training: x itself.
 * A seed gives the same mask in every runtime.
 */
export function dropout(x: Tensor, options: DropoutOptions = {}): Tensor {
  return masked('dropout', x, x.shape, options);
}

/** As `dropout`, but whole channels of each sample at once: x [N, C, H, W], [N, C, L], in general [N, C, ...] as in PyTorch (Tompson et al. 2015, arXiv 1411.4280). */
export function dropout2d(x: Tensor, options: DropoutOptions = {}): Tensor {
  if (x.rank < 2) throw shapeError('dropout2d', 'takes images [N, C, H, W], or [N, C, ...]', [x.shape], 'Reshape the input, or use dropout.');
  return masked('dropout2d', x, x.shape.map((n, d) => (d < 2 ? n : 1)), options);
}
