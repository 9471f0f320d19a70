// x[index] as Python writes it, in `x.index`.
import { type IndexPart, slice, Tensor } from 'gradloom';

type Range = readonly [start: number | null, stop: number | null, step: number | null];
type Part = number | boolean | null | Tensor | readonly number[] | { slice: Range } | { ellipsis: true };

/** One part, a list of plain integers (one advanced index), or a list of parts (a tuple of indices). */
export type Index = Part | readonly Part[];

/** A part as ours takes it. */
export function partOf(part: Part): IndexPart {
  if (typeof part !== 'object' || part === null || part instanceof Tensor || Array.isArray(part)) return part as IndexPart;
  if ('slice' in part) return slice(...(part.slice as Range));
  return 'ellipsis' in part ? '...' : part;
}

/** `x.index` of the parts. */
export function subscript(x: Tensor, index: Index): Tensor {
  const isTuple = Array.isArray(index) && !index.every((v) => typeof v === 'number');
  return x.index(...(isTuple ? index : [index as Part]).map(partOf));
}
