// Local response normalisation: each element by the squares of its neighbours in other channels.
import { checkArgument, COUNT, FINITE, type Kinds, optionsBy } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { avgPool2d } from './avgpool.ts';
import { add, div, mul } from './binary.ts';
import { assertFloat } from './convert.ts';
import { clone, reshape } from './movement.ts';
import { pad } from './pad.ts';
import { pow, square } from './unary.ts';

/** Options of `localResponseNorm`, with PyTorch's defaults. */
export interface LocalResponseNormOptions {
  /** How much the neighbours count; default 1e-4. */
  alpha?: number;
  /** The exponent; default 0.75. */
  beta?: number;
  /** What is added to them; default 1. */
  k?: number;
}

const KINDS: Kinds<LocalResponseNormOptions> = { alpha: FINITE, beta: FINITE, k: FINITE };

/**
 * x/(k + α·mean(x²))^β, the mean over `size` channels around each, zeros beyond the last (Krizhevsky et al. 2012). x [N, C, ...] with at least
 * three dimensions. By position: alpha, beta, k.
 */
export function localResponseNorm(x: Tensor, size: number, ...given: [alpha?: number | LocalResponseNormOptions, beta?: number, k?: number]): Tensor {
  const op = 'localResponseNorm';
  const { alpha = 1e-4, beta = 0.75, k = 1 } = optionsBy(op, given, KINDS);
  assertFloat(op, x);
  checkArgument(op, 'size', size, COUNT);
  if (x.rank < 3) throw shapeError(op, 'takes [N, C, ...] with at least three dimensions', [x.sizes], 'Reshape the input.');
  if (x.size === 0) return clone(x);
  const [n, c] = x.sizes as [number, number];
  const squares = pad(reshape(square(x), [n, c, -1]), [0, 0, Math.floor(size / 2), Math.floor((size - 1) / 2)]);
  const means = reshape(avgPool2d(squares, [size, 1], { stride: 1 }), x.sizes);
  return div(x, pow(add(mul(means, alpha), k), beta));
}
