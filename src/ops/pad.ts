// Margins: of one value, or filled from the tensor itself, where each position names the one that it repeats.
import { call } from '../runtime/call.ts';
import { assertArity, assertTensor, type Kinds, NUMBER, oneOf, optionsOf } from '../tensor/check.ts';
import { bitsOf } from '../tensor/dtype.ts';
import { GradloomError, shapeText, valueError, valueText } from '../tensor/errors.ts';
import { apply, copyElements, type Op } from '../tensor/op.ts';
import { Tensor } from '../tensor/tensor.ts';
import { constantList } from './create.ts';
import { indexSelect } from './indexing.ts';
import { clone, narrow } from './movement.ts';

/** Where a margin's elements come from: mirrored without the edge, the edge itself, or the other side. */
export type PaddingMode = 'reflect' | 'replicate' | 'circular';

/** The longest dimension whose positions are listed. */
const MOST_LISTED = 2 ** 24;

/** For each position of the padded dimension, the one of the image that it shows. */
function sources(n: number, before: number, behind: number, mode: PaddingMode): number[] {
  const most = mode === 'replicate' ? Number.POSITIVE_INFINITY : mode === 'reflect' ? n - 1 : n;
  if (before > most || behind > most || n === 0) {
    throw new GradloomError('SHAPE', 'pad', `'${mode}' margins of ${before} and ${behind} need more than a dimension of ${n}. Pad less.`);
  }
  if (before + n + behind > MOST_LISTED)
    throw new GradloomError('MEMORY', 'pad', `no room for margins of ${before} and ${behind} beside ${n}: they are listed one by one. Pad less.`);
  return Array.from({ length: before + n + behind }, (_, i) => {
    const at = i - before;
    if (mode === 'circular') return (at + n) % n;
    if (mode === 'replicate') return Math.min(Math.max(at, 0), n - 1);
    return at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
  });
}

/** @internal x [..., H, W] with margins. Gradients flow back to what was repeated. */
export function padImage(x: Tensor, [top, bottom, left, right]: readonly [number, number, number, number], mode: PaddingMode): Tensor {
  if (x.rank < 2) throw new GradloomError('SHAPE', 'pad', `takes [..., H, W], got ${shapeText(x.sizes)}.`);
  const [h, w] = x.sizes.slice(-2) as [number, number];
  const rows = top + bottom > 0 ? indexSelect(x, -2, constantList(sources(h, top, bottom, mode))) : x;
  return left + right > 0 ? indexSelect(rows, -1, constantList(sources(w, left, right, mode))) : rows;
}

/** Elements before and behind each dimension, ≥ 0. */
type Margins = readonly (readonly [before: number, behind: number])[];

const padOp: Op<{ margins: Margins; value: number }> = {
  name: 'pad',
  shape: ([x], { margins }) => (x as Tensor).sizes.map((n, i) => n + (margins[i]?.[0] ?? 0) + (margins[i]?.[1] ?? 0)),
  strided: true,
  forward: (y, [x], { margins, value }) => {
    call('fill', y.address, y.size, bitsOf(value, y.dtype));
    const offset = margins.reduce((at, [before], i) => at + before * (y.steps[i] as number), y.offset);
    copyElements(x as Tensor, new Tensor(y.storage, (x as Tensor).sizes, y.dtype, y.steps, offset));
  },
  backward: (dy, { attrs }) => [inside(dy, attrs.margins)],
  batched: (dy, { attrs }) => [inside(dy, [[0, 0], ...attrs.margins])],
};

/** What lies within the margins. */
function inside(x: Tensor, margins: Margins): Tensor {
  return margins.reduce((y, [before, behind], i) => (before + behind === 0 ? y : narrow(y, i, before, (y.sizes[i] as number) - before - behind)), x);
}

/** Options of `pad`. */
export interface PadOptions {
  /** One value ('constant', the default), or the tensor's own elements. */
  mode?: 'constant' | PaddingMode;
  /** The value of 'constant'; default 0. */
  value?: number;
}

const OPTIONS: Kinds<PadOptions> = { mode: oneOf('constant', 'reflect', 'replicate', 'circular'), value: NUMBER };

/**
 * x with margins: `pads` names elements before and behind the last dimension, then the one before it, …; negative numbers cut off.
 * pad(x, [1, 2]) adds one column in front and two behind.
 *
 * @throws SHAPE where a margin of the tensor's own elements needs more than there are, or nothing is left
 */
export function pad(x: Tensor, pads: readonly number[], options?: PadOptions): Tensor {
  assertArity('pad', arguments.length, 3);
  const op = 'pad';
  assertTensor(op, x);
  const { mode = 'constant', value = 0 } = optionsOf(op, options, OPTIONS);
  if (!Array.isArray(pads) || pads.length % 2 !== 0 || pads.length > 2 * x.rank || !Array.from(pads).every(Number.isSafeInteger))
    throw valueError(op, `pads must be pairs of whole numbers for at most the ${x.rank} dimensions of ${shapeText(x.sizes)}, got ${valueText(pads)}.`);
  if (mode === 'constant') bitsOf(value, x.dtype, op);
  const margins = x.sizes.map((_, i): [number, number] => {
    const at = 2 * (x.rank - 1 - i);
    return [pads[at] ?? 0, pads[at + 1] ?? 0];
  });
  for (const [i, [before, behind]] of margins.entries())
    if ((x.sizes[i] as number) + before + behind < 0)
      throw new GradloomError('SHAPE', op, `${valueText(pads)} cuts off more than dimension ${i} of ${shapeText(x.sizes)} has. Cut less.`);
  const mirrored = (from: Tensor, by: Margins): Tensor =>
    by.reduce(
      (y, [before, behind], i) => (before === 0 && behind === 0 ? y : indexSelect(y, i, constantList(sources(from.sizes[i] as number, before, behind, mode as PaddingMode)))),
      from,
    );
  const own = (y: Tensor): Tensor => (y === x ? clone(x) : y);
  if (mode === 'reflect' || mode === 'replicate') return own(mirrored(x, margins));
  const cut = inside(
    x,
    margins.map(([a, b]) => [Math.max(-a, 0), Math.max(-b, 0)]),
  );
  const added = margins.map(([a, b]): [number, number] => [Math.max(a, 0), Math.max(b, 0)]);
  // What comes round the other side is what the cuts have left.
  return mode === 'circular' ? own(mirrored(cut, added)) : apply(padOp, [cut], { margins: added, value });
}
