// Windows that go over images: what convolution and pooling share.
import { isListOf, type Kind, valueText, WHOLE } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { constantList } from './create.ts';

/** One number for both directions, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number];

/** @internal What a `Pair` is; its bounds are the function's own to check. */
export const PAIR: Kind = { what: 'a whole number or two of them', test: (v) => WHOLE.test(v) || isListOf(v, WHOLE.test, 2) };

/** One number for all three directions, or [depth, vertical, horizontal]. */
export type Triple = number | readonly [number, number, number];

/** @internal What a `Triple` is; its bounds are the function's own to check. */
export const TRIPLE: Kind = { what: 'a whole number or three of them', test: (v) => WHOLE.test(v) || isListOf(v, WHOLE.test, 3) };

// Kernels add a size, twice a padding and a window in int32.
const MOST = 2 ** 28;

/** @internal Both numbers of a pair, checked to be whole, at least `least` and at most 2²⁸. */
export function pairOf(op: string, name: string, value: Pair, least: number): readonly [number, number] {
  const pair: readonly [number, number] = typeof value === 'number' ? [value, value] : value;
  if (!isListOf(pair, (n) => Number.isInteger(n) && (n as number) >= least && (n as number) <= MOST, 2))
    throw valueError(op, `${name} must be a whole number ≥ ${least} or two of them, at most 2²⁸, got ${valueText(value)}.`);
  return pair;
}

/** @internal One number for each of so many directions, checked as by `pairOf`. */
export function eachOf(op: string, name: string, value: number | readonly number[], directions: number, least: number): readonly number[] {
  const list = typeof value === 'number' ? new Array<number>(directions).fill(value) : value;
  if (!isListOf(list, (n) => Number.isInteger(n) && (n as number) >= least && (n as number) <= MOST, directions))
    throw valueError(op, `${name} must be a whole number ≥ ${least}${directions > 1 ? ` or ${directions} of them` : ''}, at most 2²⁸, got ${valueText(value)}.`);
  return list;
}

/** @internal Throws where the last so many dimensions, which are pooled, hold nothing. */
export function assertPooled(op: string, x: Tensor, directions: number): void {
  if (x.sizes.slice(-directions).includes(0)) throw shapeError(op, 'there is nothing to pool', [x.sizes], 'Give it at least one element in each direction.');
}

/** @internal The window's place in the image: what kernels read, in their order after N, C, H, W, O. */
export interface Windows {
  kernel: readonly [number, number];
  stride: readonly [number, number];
  padding: readonly [number, number];
  dilation: readonly [number, number];
}

/** @internal Output size along one direction, before rounding is chosen. */
export function positions(size: number, axis: 0 | 1, { kernel, stride, padding, dilation }: Windows): number {
  return (size + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1;
}

/** @internal The record that kernels read (assembly/kernels/geometry.ts). */
export function geometry(image: Shape, channelsOut: number, output: readonly [number, number], groups: number, w: Windows): number {
  return constantList([...image, channelsOut, ...w.kernel, ...w.stride, ...w.padding, ...w.dilation, groups, ...output]).address;
}
