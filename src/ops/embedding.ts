// Rows of a table by index: PyTorch's embedding.
import { assertTensor, type Kinds, optionsBy, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { eq, where } from './binary.ts';
import { indexSelectAs } from './indexing.ts';
import { flatten, reshape } from './movement.ts';

/** Options of `embedding` and `nn.Embedding`. */
export interface EmbeddingOptions {
  /** An index whose row gets no gradient; may count from the end. */
  paddingIdx?: number;
}

const OPTIONS: Kinds<EmbeddingOptions> = { paddingIdx: WHOLE };

/** The weight's rows at the given indices: int32 [...], weight [n, d] → [..., d]. */
export function embedding(index: Tensor, weight: Tensor, ...given: readonly [options?: EmbeddingOptions]): Tensor {
  const op = 'embedding';
  assertTensor(op, index, 'the index');
  assertTensor(op, weight, 'the weight');
  const { paddingIdx } = optionsBy(op, given, OPTIONS);
  if (weight.rank !== 2) throw shapeError(op, 'the weight must be [numEmbeddings, embeddingDim]', [weight.sizes], 'Reshape it.');
  const [rows, width] = weight.sizes as [number, number];
  if (paddingIdx !== undefined && (paddingIdx < -rows || paddingIdx >= rows))
    throw new GradloomError('INDEX', op, `paddingIdx ${paddingIdx} is out of range: the weight has ${rows} rows. Count from 0, or from −1 at the end.`);
  const flat = flatten(index);
  const picked = indexSelectAs(op, weight, 0, flat);
  const padding = paddingIdx !== undefined && paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
  const kept = padding === undefined ? picked : where(reshape(eq(flat, padding), [-1, 1]), detach(picked), picked);
  return reshape(kept, [...index.sizes, width]);
}
