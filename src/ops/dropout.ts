// Dropout: a random mask from a generator whose state lies in memory, so that a captured step draws a new one at each replay.
import { call } from '../runtime/call.ts';
import { assertTensor, FLAG, instanceOf, type Kinds, NUMBER, optionsBy, valueText } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { defaultGenerator, Generator } from '../tensor/random.ts';
import type { Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { mul } from './binary.ts';
import { asFloat } from './convert.ts';
import { constant } from './create.ts';

/** Options of dropout, with PyTorch's defaults. */
export interface DropoutOptions {
  /** The probability that an element becomes 0; default ½. */
  p?: number;
  /** Whether to drop at all; true by default. */
  training?: boolean;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

const DROPOUT: Kinds<DropoutOptions> = { p: NUMBER, training: FLAG, generator: /* @__PURE__ */ instanceOf(Generator, 'a Generator') };
type DropoutArguments = [p?: number | DropoutOptions, training?: boolean];

/** @internal Throws unless it is a probability. */
export function checkProbability(op: string, p: number): void {
  if (!(typeof p === 'number' && p >= 0 && p <= 1)) throw valueError(op, `p must lie in [0, 1], got ${valueText(p)}.`);
}

function masked(op: string, x: Tensor, shape: Shape, given: DropoutArguments): Tensor {
  const { p = 0.5, training = true, generator } = optionsBy(op, given, DROPOUT);
  checkProbability(op, p);
  if (!training || p === 0) return x;
  const mask = empty(shape);
  call('dropoutMask', mask.address, mask.size, constant(p, 'float32').address, (generator ?? defaultGenerator()).address);
  return mul(asFloat(x), mask);
}

/**
 * Each element 0 with probability p, else x/(1 − p), so that the expectation stays (Srivastava et al. 2014). Not training: x itself.
 * A seed gives the same mask in every runtime. By position: p, training.
 */
export function dropout(x: Tensor, ...given: DropoutArguments): Tensor {
  assertTensor('dropout', x);
  return masked('dropout', x, x.sizes, given);
}

/** As `dropout`, but whole planes at once, or rows: x [N, C, H, W] or [N, C, L], as in PyTorch (Tompson et al. 2015, arXiv 1411.4280). */
export function dropout2d(x: Tensor, ...given: DropoutArguments): Tensor {
  assertTensor('dropout2d', x);
  if (x.rank !== 3 && x.rank !== 4) throw shapeError('dropout2d', 'takes images [N, C, H, W] or rows [N, C, L]', [x.sizes], 'Reshape the input, or use dropout.');
  return masked('dropout2d', x, [...x.sizes.slice(0, 2), ...x.sizes.slice(2).map(() => 1)], given);
}

/** As `dropout`, but whole rows at once: x [N, C, L] or [C, L]. */
export function dropout1d(x: Tensor, ...given: DropoutArguments): Tensor {
  assertTensor('dropout1d', x);
  if (x.rank !== 2 && x.rank !== 3) throw shapeError('dropout1d', 'takes rows [N, C, L] or [C, L]', [x.sizes], 'Reshape the input, or use dropout.');
  return masked('dropout1d', x, [...x.sizes.slice(0, -1), 1], given);
}

/** As `dropout`, but whole volumes at once: x [N, C, D, H, W] or [C, D, H, W]. */
export function dropout3d(x: Tensor, ...given: DropoutArguments): Tensor {
  assertTensor('dropout3d', x);
  if (x.rank !== 4 && x.rank !== 5) throw shapeError('dropout3d', 'takes volumes [N, C, D, H, W] or [C, D, H, W]', [x.sizes], 'Reshape the input, or use dropout.');
  return masked('dropout3d', x, [...x.sizes.slice(0, -3), 1, 1, 1], given);
}
