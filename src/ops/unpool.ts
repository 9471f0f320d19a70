// What max pooling took, put back where it stood; zeros elsewhere.
import { assertTensor, type Kind, type Kinds, NUMBERS, optionsBy, orNull, WHOLE } from '../tensor/check.ts';
import { shapeError, valueError, valueText } from '../tensor/errors.ts';
import { sameShape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { assertFloat } from './convert.ts';
import { full } from './create.ts';
import { scatter } from './indexing.ts';
import { reshape } from './movement.ts';
import { eachOf, PAIR, type Pair, TRIPLE, type Triple } from './windows.ts';

/** Options of unpooling, with PyTorch's defaults. `S`: numbers for each direction. */
export interface MaxUnpoolOptions<S = number | readonly number[]> {
  /** Step between the windows that were pooled; default their size. */
  stride?: S | null;
  /** What was around the image when it was pooled; default 0. */
  padding?: S;
  /** The image's sizes (its last dimensions, or all of them), where the windows do not tell; default those that they just cover. */
  outputSize?: readonly number[] | null;
}

const kinds = (step: Kind): Kinds<MaxUnpoolOptions> => ({ stride: orNull(step), padding: step, outputSize: orNull(NUMBERS) });
type Arguments<S> = [stride?: S | MaxUnpoolOptions<S> | null, padding?: S, outputSize?: readonly number[] | null];

function unpooled(op: string, x: Tensor, indices: Tensor, kernelSize: number | readonly number[], rank: 1 | 2 | 3, given: readonly unknown[]): Tensor {
  const { stride, padding = 0, outputSize } = optionsBy(op, given, kinds(rank === 1 ? WHOLE : rank === 2 ? PAIR : TRIPLE));
  assertFloat(op, x);
  assertTensor(op, indices, 'indices');
  if (x.rank !== rank + 1 && x.rank !== rank + 2) throw shapeError(op, `takes ${rank + 1} or ${rank + 2} dimensions`, [x.sizes], 'Reshape the input.');
  const kernel = eachOf(op, 'kernelSize', kernelSize, rank, 1);
  const steps = eachOf(op, 'stride', stride ?? kernel, rank, 1);
  const margins = eachOf(op, 'padding', padding, rank, 0);
  const usual = kernel.map((k, i) => ((x.sizes[x.rank - rank + i] as number) - 1) * (steps[i] as number) - 2 * (margins[i] as number) + k);
  const size = outputSize?.slice(-rank) ?? usual;
  if (size.length !== rank || [...size].some((n, i) => !Number.isSafeInteger(n) || Math.abs(n - (usual[i] as number)) >= (steps[i] as number)))
    throw valueError(op, `outputSize must be ${valueText(usual)} or less than a step away from it, got ${valueText(outputSize)}.`);
  const lead = x.sizes.slice(0, -rank);
  const [planes, area] = [sizeOf(lead), sizeOf(size)];
  const flat = (t: Tensor): Tensor => reshape(t, [planes, sizeOf(x.sizes.slice(-rank))]);
  if (!sameShape(indices.sizes, x.sizes)) throw shapeError(op, 'there must be an index for each element', [x.sizes, indices.sizes], 'Pool with indices.');
  return reshape(scatter(full([planes, area], 0), 1, flat(indices), flat(x)), [...lead, ...size]);
}

/** Elements put back where `maxPool1dWithIndices` found them, zeros elsewhere. x and indices [N, C, L] or [C, L]. By position: stride, padding, outputSize. */
export function maxUnpool1d(x: Tensor, indices: Tensor, kernelSize: number, ...given: Arguments<number>): Tensor {
  return unpooled('maxUnpool1d', x, indices, kernelSize, 1, given);
}

/** As `maxUnpool1d`, for images. x and indices [N, C, H, W] or [C, H, W]. */
export function maxUnpool2d(x: Tensor, indices: Tensor, kernelSize: Pair, ...given: Arguments<Pair>): Tensor {
  return unpooled('maxUnpool2d', x, indices, kernelSize, 2, given);
}

/** As `maxUnpool1d`, for volumes. x and indices [N, C, D, H, W] or [C, D, H, W]. */
export function maxUnpool3d(x: Tensor, indices: Tensor, kernelSize: Triple, ...given: Arguments<Triple>): Tensor {
  return unpooled('maxUnpool3d', x, indices, kernelSize, 3, given);
}
