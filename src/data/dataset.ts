// Data by rows.
import { indexSelectAs } from '../ops/indexing.ts';
import { assertArity, assertTensors } from '../tensor/check.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { keep } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Anything that a loader can draw batches from. */
export interface Dataset<Batch> {
  /** Number of rows. */
  readonly length: number;
  /** The rows at the given indices (int32 [n]), as one batch of fresh tensors. */
  batch(indices: Tensor): Batch;
}

/** Tensors of equally many rows; a batch is a tuple with the same rows of each. Keeps its tensors alive. */
export class TensorDataset<Tensors extends readonly Tensor[]> implements Dataset<Tensors> {
  /** The tensors that rows are taken from. */
  readonly tensors: Tensors;
  readonly length: number;

  constructor(...tensors: Tensors) {
    assertTensors('TensorDataset', tensors);
    const rows = tensors.map((t) => t.sizes[0]);
    if (rows.length === 0 || rows[0] === undefined || rows.some((n) => n !== rows[0])) {
      throw new GradloomError(
        'SHAPE',
        'TensorDataset',
        `takes tensors of equally many rows, got ${tensors.map((t) => shapeText(t.sizes)).join(', ') || 'none'}. Their first sizes must match.`,
      );
    }
    this.tensors = tensors;
    this.length = rows[0];
    for (const t of tensors) keep(t);
  }

  batch(indices: Tensor): Tensors {
    assertArity('TensorDataset.batch', arguments.length, 1);
    return this.tensors.map((t) => indexSelectAs('TensorDataset.batch', t, 0, indices)) as unknown as Tensors;
  }
}
