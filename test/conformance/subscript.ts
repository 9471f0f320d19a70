// x[index] as Python writes it, in select, slice and indexSelect.
import { indexSelect, select, slice, Tensor, tensor } from 'gradloom';
import { Unsupported } from './decode.ts';

type Range = readonly [start: number | null, stop: number | null, step: number | null];
type Part = number | Tensor | readonly number[] | { slice: Range } | { ellipsis: true };

/** One part, a list of plain integers (one advanced index), or a list of parts (a tuple of indices). */
export type Index = Part | readonly Part[];

const isList = (index: Index): index is readonly Part[] => Array.isArray(index) && !index.every((v) => typeof v === 'number');
const isAdvanced = (part: Part): part is Tensor | readonly number[] => part instanceof Tensor || Array.isArray(part);

/** Parts are applied from the left; `dim` is where the next one stands. Advanced indices in several dimensions go together in PyTorch. */
export function subscript(x: Tensor, index: Index): Tensor {
  const parts: readonly Part[] = isList(index) ? index : [index as Part];
  if (parts.filter(isAdvanced).length > 1) throw new Unsupported('several advanced indices');
  let y = x;
  let dim = 0;
  for (const [i, part] of parts.entries()) {
    if (typeof part === 'number') y = select(y, dim, part);
    else if (isAdvanced(part)) y = advanced(y, dim++, part);
    else if ('slice' in part) y = sliced(y, dim++, part.slice);
    else if ('ellipsis' in part) dim = y.rank - (parts.length - i - 1);
    else throw new Unsupported('a kind of index');
  }
  return y;
}

function sliced(x: Tensor, dim: number, [start, end, step]: Range): Tensor {
  return slice(x, dim, start ?? undefined, end ?? undefined, step ?? undefined);
}

function advanced(x: Tensor, dim: number, part: Tensor | readonly number[]): Tensor {
  const index = part instanceof Tensor ? part : tensor([...part], { dtype: 'int32' });
  if (index.dtype === 'bool') throw new Unsupported('a mask as index');
  if (index.rank !== 1) throw new Unsupported(`an index of ${index.rank} dimensions`);
  return indexSelect(x, dim, index);
}
