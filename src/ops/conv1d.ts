// Convolution and max pooling along one dimension: an image of height 1.
import { either, FLAG, type Kinds, oneOf, optionsBy, orNull, WHOLE } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { convolve } from './conv.ts';
import { assertFloat } from './convert.ts';
import { squeeze, unsqueeze } from './movement.ts';
import { maxPool, maxPoolWithIndices } from './pool.ts';

/** Options of one-dimensional convolution, with PyTorch's defaults. */
export interface Conv1dOptions {
  /** Step between windows; default 1. */
  stride?: number;
  /** Zeros on both sides, or 'same' (the output has the input's length; stride 1) or 'valid' (none); default 0. */
  padding?: number | 'same' | 'valid';
  /** Step between a window's elements; default 1. */
  dilation?: number;
  /** Blocks of channels that do not see one another; default 1. */
  groups?: number;
}

const CONV: Kinds<Conv1dOptions> = { stride: WHOLE, padding: /* @__PURE__ */ either(WHOLE, oneOf('same', 'valid')), dilation: WHOLE, groups: WHOLE };

function assertLine(op: string, x: Tensor): void {
  assertFloat(op, x);
  if (x.rank !== 2 && x.rank !== 3) throw shapeError(op, 'takes [N, C, L] or [C, L]', [x.sizes], 'Reshape the input.');
}

/**
 * Cross-correlation along one dimension. x [N, C, L] or [C, L], weight [O, C/groups, K], bias [O] → [..., O, OL]. Options may stand behind the
 * bias by position: stride, padding, dilation, groups.
 */
export function conv1d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  ...given: [stride?: number | Conv1dOptions, padding?: number | 'same' | 'valid', dilation?: number, groups?: number]
): Tensor {
  const options = optionsBy('conv1d', given, CONV);
  assertLine('conv1d', x);
  assertFloat('conv1d', weight, 'weight');
  if (weight.rank !== 3) throw shapeError('conv1d', 'the weight is not [O, C/groups, K]', [weight.sizes], 'Reshape it.');
  const { stride = 1, padding = 0, dilation = 1, groups } = options;
  const margins = typeof padding === 'number' ? ([0, padding] as const) : padding;
  return squeeze(convolve('conv1d', unsqueeze(x, -2), unsqueeze(weight, -2), bias, { stride: [1, stride], padding: margins, dilation: [1, dilation], groups }), -2);
}

/** Options of one-dimensional max pooling, with PyTorch's defaults. */
export interface MaxPool1dOptions {
  /** Step between windows; default the window's length. */
  stride?: number | null;
  /** −∞ on both sides, at most half the window; default 0. */
  padding?: number;
  /** Step between a window's elements; default 1. */
  dilation?: number;
  /** Whether a last window that does not fit whole counts too. */
  ceilMode?: boolean;
}

const POOL: Kinds<MaxPool1dOptions> = { stride: /* @__PURE__ */ orNull(WHOLE), padding: WHOLE, dilation: WHOLE, ceilMode: FLAG };
type Pool1dArguments = [stride?: number | MaxPool1dOptions | null, padding?: number, dilation?: number, ceilMode?: boolean];

const flat = (kernel: number, { stride, padding = 0, dilation = 1, ceilMode }: MaxPool1dOptions) =>
  ({ stride: [1, stride ?? kernel], padding: [0, padding], dilation: [1, dilation], ceilMode }) as const;

/** The largest element of each window. x [N, C, L] or [C, L]. The gradient goes to the first of equals. By position: stride, padding, dilation, ceilMode. */
export function maxPool1d(x: Tensor, kernelSize: number, ...given: Pool1dArguments): Tensor {
  const options = optionsBy('maxPool1d', given, POOL);
  assertLine('maxPool1d', x);
  return squeeze(maxPool('maxPool1d', unsqueeze(x, -2), [1, kernelSize], flat(kernelSize, options)), -2);
}

/** As `maxPool1d`, with where each element stood in its row (int32). */
export function maxPool1dWithIndices(x: Tensor, kernelSize: number, ...given: Pool1dArguments): { values: Tensor; indices: Tensor } {
  const options = optionsBy('maxPool1d', given, POOL);
  assertLine('maxPool1d', x);
  const { values, indices } = maxPoolWithIndices('maxPool1d', unsqueeze(x, -2), [1, kernelSize], flat(kernelSize, options));
  return { values: squeeze(values, -2), indices: squeeze(indices, -2) };
}
