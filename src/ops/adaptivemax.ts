// Adaptive max pooling: windows of nearly equal size are laid side by side, the shorter ones filled up with their last element, and pooled.
import { assertArity, checkArgument, FLAG, valueText } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { adaptiveWindows, type OutputSize } from './avgpool.ts';
import { add, mul } from './binary.ts';
import { assertFloat } from './convert.ts';
import { constantList } from './create.ts';
import { indexSelect } from './indexing.ts';
import { flatten, reshape, squeeze, unsqueeze } from './movement.ts';
import { maxPool2d, maxPool2dWithIndices } from './pool.ts';
import { maxPool3d, maxPool3dWithIndices, type OutputSize3d } from './pool3d.ts';
import { assertPooled } from './windows.ts';

/** What the functions give with `returnIndices`: the values, and where each stood in its plane or volume (row-major, int32). */
export interface PooledWithIndices {
  /** The largest of each window. */
  values: Tensor;
  /** Where each lies, counted over the picture: int32. */
  indices: Tensor;
}

/** Windows of one direction laid side by side: where each element comes from, and how many there are in each window. */
function laid(op: string, size: number, wanted: number): { from: readonly number[]; longest: number } {
  const windows = adaptiveWindows(op, size, wanted);
  const longest = Math.max(...windows.map(([, , length]) => length));
  return { from: windows.flatMap(([start, end]) => Array.from({ length: longest }, (_, i) => Math.min(start + i, end - 1))), longest };
}

/** `rank`: how many of the last dimensions are pooled, 2 or 3. */
function pooled(op: string, x: Tensor, outputSize: OutputSize | OutputSize3d, rank: 2 | 3, withIndices: boolean): Tensor | PooledWithIndices {
  assertFloat(op, x);
  checkArgument(op, 'returnIndices', withIndices, FLAG);
  if (x.rank !== rank + 1 && x.rank !== rank + 2)
    throw shapeError(op, `takes ${rank === 2 ? '[N, C, H, W] or [C, H, W]' : '[N, C, D, H, W] or [C, D, H, W]'}`, [x.sizes], 'Reshape the input.');
  const wanted = Array.isArray(outputSize) ? (outputSize as readonly (number | null)[]) : new Array<number>(rank).fill(outputSize as number);
  if (wanted.length !== rank) throw valueError(op, `the output size must be a number or ${rank} of them, got ${valueText(outputSize)}.`);
  const sizes = x.sizes.slice(-rank);
  assertPooled(op, x, rank);
  const lists = sizes.map((size, i) => laid(op, size, wanted[i] ?? size));
  // A window's elements in order: nothing to lay out.
  const spread = lists.reduce((y, { from }, i) => (from.every((at, j) => at === j) ? y : indexSelect(y, y.rank - rank + i, constantList(from))), x);
  const kernel = lists.map(({ longest }) => longest) as never;
  if (!withIndices) return (rank === 2 ? maxPool2d : maxPool3d)(spread, kernel);
  const { values, indices } = (rank === 2 ? maxPool2dWithIndices : maxPool3dWithIndices)(spread, kernel);
  const places = lists.reduce<Tensor | null>((before, { from }, i) => {
    const own = constantList(from);
    return before ? add(mul(unsqueeze(before, -1), sizes[i] as number), own) : own;
  }, null) as Tensor;
  return { values, indices: reshape(indexSelect(flatten(places), 0, reshape(indices, [sizeOf(indices.sizes)])), indices.sizes) };
}

/**
 * The largest element of each of as many windows as asked for, of nearly equal size, as `adaptiveAvgPool2d` has them. x [N, C, H, W] or
 * [C, H, W] → [..., *outputSize]. The gradient goes to the first of equals.
 */
export function adaptiveMaxPool2d(x: Tensor, outputSize: OutputSize, returnIndices?: false): Tensor;
/** With where each stood in its plane. */
export function adaptiveMaxPool2d(x: Tensor, outputSize: OutputSize, returnIndices: true): PooledWithIndices;
/** Either, as a flag says. */
export function adaptiveMaxPool2d(x: Tensor, outputSize: OutputSize, returnIndices?: boolean): Tensor | PooledWithIndices;
export function adaptiveMaxPool2d(x: Tensor, outputSize: OutputSize, returnIndices = false): Tensor | PooledWithIndices {
  assertArity('adaptiveMaxPool2d', arguments.length, 3);
  return pooled('adaptiveMaxPool2d', x, outputSize, 2, returnIndices);
}

/** As `adaptiveMaxPool2d`, for volumes. x [N, C, D, H, W] or [C, D, H, W]. */
export function adaptiveMaxPool3d(x: Tensor, outputSize: OutputSize3d, returnIndices?: false): Tensor;
/** With where each stood in its volume. */
export function adaptiveMaxPool3d(x: Tensor, outputSize: OutputSize3d, returnIndices: true): PooledWithIndices;
/** Either, as a flag says. */
export function adaptiveMaxPool3d(x: Tensor, outputSize: OutputSize3d, returnIndices?: boolean): Tensor | PooledWithIndices;
export function adaptiveMaxPool3d(x: Tensor, outputSize: OutputSize3d, returnIndices = false): Tensor | PooledWithIndices {
  assertArity('adaptiveMaxPool3d', arguments.length, 3);
  return pooled('adaptiveMaxPool3d', x, outputSize, 3, returnIndices);
}

/** As `adaptiveMaxPool2d` along one direction. x [N, C, L] or [C, L]. */
export function adaptiveMaxPool1d(x: Tensor, outputSize: number, returnIndices?: false): Tensor;
/** With where each stood in its row. */
export function adaptiveMaxPool1d(x: Tensor, outputSize: number, returnIndices: true): PooledWithIndices;
/** Either, as a flag says. */
export function adaptiveMaxPool1d(x: Tensor, outputSize: number, returnIndices?: boolean): Tensor | PooledWithIndices;
export function adaptiveMaxPool1d(x: Tensor, outputSize: number, returnIndices = false): Tensor | PooledWithIndices {
  const op = 'adaptiveMaxPool1d';
  assertArity(op, arguments.length, 3);
  assertFloat(op, x);
  if (x.rank !== 2 && x.rank !== 3) throw shapeError(op, 'takes [N, C, L] or [C, L]', [x.sizes], 'Reshape the input.');
  const y = pooled(op, unsqueeze(x, -2), [1, outputSize], 2, returnIndices);
  return 'values' in y ? { values: squeeze(y.values, -2), indices: squeeze(y.indices, -2) } : squeeze(y, -2);
}
