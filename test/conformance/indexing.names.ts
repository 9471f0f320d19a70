// PyTorch's names of what picks and places elements by indices: rows of names.ts.
import * as g from 'gradloom';
import type { IndexPart, IndexPutOptions, Tensor } from 'gradloom';
import type { Output } from './adapt.ts';
import type { Row } from './bind.ts';
import { type Index, subscript } from './subscript.ts';

/** Operators. */
export const indexOperators: Readonly<Record<string, Row<Output>>> = {
  __getitem__: ['input index', (x: Tensor, index: Index) => subscript(x, index)],
  index_put: ['input indices values * accumulate', (x: Tensor, indices: IndexPart[], values: Tensor, options: IndexPutOptions) => g.indexPut(x, indices, values, options)],
};
