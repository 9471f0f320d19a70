// Rows of a table by index: PyTorch's embedding.
import { assertTensor, FLAG, type Given, type Kind, type Kinds, optionsBy, orNull, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { noGrad } from '../tensor/modes.ts';
import { apply, detach } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, eq, gt, where } from './binary.ts';
import { full } from './create.ts';
import { weighGrad } from './gradient.ts';
import { indexAdd, indexCopyOp, indexSelect, indexSelectAs } from './indexing.ts';
import { mul_ } from './inplace.ts';
import { flatten, reshape } from './movement.ts';
import { norm } from './moments.ts';

const ABOVE_ZERO: Kind = { what: 'a number above 0', test: (v) => typeof v === 'number' && v > 0 };

/** Options of tables of vectors. */
export interface TableOptions {
  /** The longest that a row may be: rows that are asked for and are longer are shortened in the weight itself, before they are read. Default none. */
  maxNorm?: number | null;
  /** The p of the norm that `maxNorm` bounds; default 2. */
  normType?: number;
  /** Whether a row's gradient is divided by how often it was asked for; not by default. */
  scaleGradByFreq?: boolean;
}

/** Options of `embedding` and `nn.Embedding`. */
export interface EmbeddingOptions extends TableOptions {
  /** An index whose row gets no gradient; may count from the end. */
  paddingIdx?: number;
}

/** @internal */
export const TABLE: Kinds<TableOptions> = { maxNorm: /* @__PURE__ */ orNull(ABOVE_ZERO), normType: ABOVE_ZERO, scaleGradByFreq: FLAG };
/** @internal */
export const EMBEDDING: Kinds<EmbeddingOptions> = { paddingIdx: WHOLE, ...TABLE };

/** @internal The weight's rows at a list of indices. */
export function rowsAt(op: string, weight: Tensor, flat: Tensor, { maxNorm, normType = 2, scaleGradByFreq }: TableOptions): Tensor {
  const each = (values: Tensor): Tensor => reshape(values, [-1, 1]);
  const count = weight.sizes[0] as number;
  if (typeof maxNorm === 'number') {
    noGrad(() => {
      const length = norm(indexSelectAs(op, weight, 0, flat), { p: normType, dim: 1 });
      const factor = where(gt(length, maxNorm), div(maxNorm, add(length, 1e-7)), 1);
      mul_(weight, each(apply(indexCopyOp, [full([count], 1), flat, factor], { dim: 0 })));
    });
  }
  const rows = indexSelectAs(op, weight, 0, flat);
  if (!scaleGradByFreq) return rows;
  const often = indexAdd(full([count], 0), 0, flat, full([flat.size], 1));
  return weighGrad(rows, each(div(1, indexSelect(often, 0, flat))));
}

/** @internal PyTorch's order. */
export type EmbeddingPositions = [paddingIdx?: number, maxNorm?: number | null, normType?: number, scaleGradByFreq?: boolean];

/** The weight's rows at the given indices: int32 [...], weight [n, d] → [..., d]. By position: paddingIdx, maxNorm, normType, scaleGradByFreq. */
export function embedding(index: Tensor, weight: Tensor, ...given: Given<EmbeddingOptions, EmbeddingPositions>): Tensor {
  const op = 'embedding';
  assertTensor(op, index, 'the index');
  assertTensor(op, weight, 'the weight');
  const options = optionsBy(op, given, EMBEDDING);
  const { paddingIdx } = options;
  if (weight.rank !== 2) throw shapeError(op, 'the weight must be [numEmbeddings, embeddingDim]', [weight.sizes], 'Reshape it.');
  const [rows, width] = weight.sizes as [number, number];
  if (paddingIdx !== undefined && (paddingIdx < -rows || paddingIdx >= rows))
    throw new GradloomError('INDEX', op, `paddingIdx ${paddingIdx} is out of range: the weight has ${rows} rows. Count from 0, or from −1 at the end.`);
  const flat = flatten(index);
  const picked = rowsAt(op, weight, flat, options);
  const padding = paddingIdx !== undefined && paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
  const kept = padding === undefined ? picked : where(reshape(eq(flat, padding), [-1, 1]), detach(picked), picked);
  return reshape(kept, [...index.sizes, width]);
}
