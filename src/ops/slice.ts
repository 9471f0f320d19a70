// `slice` of a tensor, and the range of that name in `x.index(…)`: Python writes both with one word.
import { assertArity } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { slice as sliceOf } from './movement.ts';
import { rangeOf, type Slice } from './subscript.ts';

/** Elements start, start + step, … below `end` along one dimension; both ends may count from the end: slice(x, dim, start, end, step). A view. */
export function slice(x: Tensor, dim: number, start?: number, end?: number, step?: number): Tensor;
/** A range for `x.index(…)`, as in Python: slice(end), slice(start, end), slice(start, end, step). What is null or left out is open; both ends may count from the end. */
export function slice(start?: number | null, end?: number | null, step?: number | null): Slice;
export function slice(...given: readonly unknown[]): Tensor | Slice {
  if (given.length > 0 && typeof given[0] !== 'number' && given[0] !== null) return sliceOf(...(given as Parameters<typeof sliceOf>));
  assertArity('slice', given.length, 3);
  return rangeOf(given);
}
