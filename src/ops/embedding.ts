// Rows of a table by index: PyTorch's embedding.
import { shapeError } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { eq, where } from './binary.ts';
import { indexSelect } from './indexing.ts';
import { flatten, reshape } from './movement.ts';

/** Options of `embedding` and `nn.Embedding`. */
export interface EmbeddingOptions {
  /** An index whose row gets no gradient; may count from the end. */
  paddingIdx?: number;
}

/** The weight's rows at the given indices: int32 [...], weight [n, d] → [..., d]. */
export function embedding(index: Tensor, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  if (weight.rank !== 2) throw shapeError('embedding', 'the weight must be [numEmbeddings, embeddingDim]', [weight.sizes], 'Reshape it.');
  const flat = flatten(index);
  const rows = indexSelect(weight, 0, flat);
  const { paddingIdx } = options;
  const padding = paddingIdx !== undefined && paddingIdx < 0 ? paddingIdx + (weight.sizes[0] as number) : paddingIdx;
  const kept = padding === undefined ? rows : where(reshape(eq(flat, padding), [-1, 1]), detach(rows), rows);
  return reshape(kept, [...index.sizes, weight.sizes[1] as number]);
}
