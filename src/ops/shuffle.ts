// Channels and pixels in another order.
import { assertArity, assertTensor, checkArgument, COUNT } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { contiguous, permute, reshape } from './movement.ts';

/** Throws unless it is [..., C, H, W]; returns what stands before, and the three. */
function planes(op: string, x: Tensor, factor: number, name: string): [lead: readonly number[], c: number, h: number, w: number] {
  assertTensor(op, x);
  checkArgument(op, name, factor, COUNT);
  if (x.rank < 3) throw shapeError(op, 'takes [..., C, H, W]', [x.sizes], 'Reshape the input.');
  return [x.sizes.slice(0, -3), ...(x.sizes.slice(-3) as [number, number, number])];
}

/** x [...lead, *parts] with the last dimensions in another order, then merged to a shape. */
const rearranged = (x: Tensor, lead: readonly number[], parts: readonly number[], order: readonly number[], shape: readonly number[]): Tensor =>
  contiguous(reshape(permute(reshape(x, [...lead, ...parts]), [...lead.keys(), ...order.map((d) => lead.length + d)]), [...lead, ...shape]));

/** Channels laid out as r × r pixels each (Shi et al. 2016, arXiv 1609.05158). x [..., C·r², H, W] → [..., C, H·r, W·r]. */
export function pixelShuffle(x: Tensor, upscaleFactor: number): Tensor {
  const op = 'pixelShuffle';
  assertArity(op, arguments.length, 2);
  const [lead, c, h, w] = planes(op, x, upscaleFactor, 'upscaleFactor');
  const r = upscaleFactor;
  if (c % (r * r) !== 0) throw shapeError(op, `${c} channels are no multiple of ${r}²`, [x.sizes], 'Choose another factor.');
  return rearranged(x, lead, [c / (r * r), r, r, h, w], [0, 3, 1, 4, 2], [c / (r * r), h * r, w * r]);
}

/** The inverse of `pixelShuffle`: x [..., C, H·r, W·r] → [..., C·r², H, W]. */
export function pixelUnshuffle(x: Tensor, downscaleFactor: number): Tensor {
  const op = 'pixelUnshuffle';
  assertArity(op, arguments.length, 2);
  const [lead, c, h, w] = planes(op, x, downscaleFactor, 'downscaleFactor');
  const r = downscaleFactor;
  if (h % r !== 0 || w % r !== 0) throw shapeError(op, `height and width are no multiples of ${r}`, [x.sizes], 'Choose another factor.');
  return rearranged(x, lead, [c, h / r, r, w / r, r], [0, 2, 4, 1, 3], [c * r * r, h / r, w / r]);
}

/** Channels of all groups in turn (Zhang et al. 2018, arXiv 1707.01083). x [N, C, ...], C a multiple of the groups. */
export function channelShuffle(x: Tensor, groups: number): Tensor {
  const op = 'channelShuffle';
  assertArity(op, arguments.length, 2);
  assertTensor(op, x);
  checkArgument(op, 'groups', groups, COUNT);
  const [n, c = 0, ...rest] = x.sizes;
  if (x.rank < 3 || c % groups !== 0) throw shapeError(op, `takes [N, C, ...] with at least three dimensions and C a multiple of ${groups}`, [x.sizes], 'Choose other groups.');
  return rearranged(x, [n as number], [groups, c / groups, ...rest], [1, 0, ...rest.map((_, i) => i + 2)], [c, ...rest]);
}
