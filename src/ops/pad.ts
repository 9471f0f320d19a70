// Margins around images, filled from the image itself: each position names the one that it repeats.
import { GradloomError, shapeText } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { constantList } from './create.ts';
import { indexSelect } from './indexing.ts';

/** Where a margin's elements come from: mirrored without the edge, the edge itself, or the other side. */
export type PaddingMode = 'reflect' | 'replicate' | 'circular';

/** For each position of the padded dimension, the one of the image that it shows. */
function sources(n: number, before: number, behind: number, mode: PaddingMode): number[] {
  const most = mode === 'replicate' ? Number.POSITIVE_INFINITY : mode === 'reflect' ? n - 1 : n;
  if (before > most || behind > most || n === 0) {
    throw new GradloomError('SHAPE', 'pad', `'${mode}' margins of ${before} and ${behind} need more than a dimension of ${n}. Pad less.`);
  }
  return Array.from({ length: before + n + behind }, (_, i) => {
    const at = i - before;
    if (mode === 'circular') return (at + n) % n;
    if (mode === 'replicate') return Math.min(Math.max(at, 0), n - 1);
    return at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
  });
}

/** x [..., H, W] with margins. Gradients flow back to what was repeated. */
export function padImage(x: Tensor, [top, bottom, left, right]: readonly [number, number, number, number], mode: PaddingMode): Tensor {
  if (x.rank < 2) throw new GradloomError('SHAPE', 'pad', `takes [..., H, W], got ${shapeText(x.shape)}.`);
  const [h, w] = x.shape.slice(-2) as [number, number];
  const rows = top + bottom > 0 ? indexSelect(x, -2, constantList(sources(h, top, bottom, mode))) : x;
  return left + right > 0 ? indexSelect(rows, -1, constantList(sources(w, left, right, mode))) : rows;
}
