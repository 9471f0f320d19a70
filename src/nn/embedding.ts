import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { randn } from '../ops/create.ts';
import { type EmbeddingOptions, embedding } from '../ops/embedding.ts';
import { float32View } from '../runtime/memory.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * A table of vectors: int32 indices [...] → [..., embeddingDim]. Weight [numEmbeddings, embeddingDim], normal at the start;
 * the row `paddingIdx`, where given, is zero then and gets no gradient.
 */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  private readonly options: EmbeddingOptions;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}) {
    super();
    for (const n of [numEmbeddings, embeddingDim]) {
      if (!Number.isInteger(n) || n < 1) throw valueError('Embedding', `sizes are whole numbers ≥ 1, got ${numEmbeddings} and ${embeddingDim}.`);
    }
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.options = options;
    this.weight = scope(() => new Parameter(randn([numEmbeddings, embeddingDim])));
    const { paddingIdx } = options;
    if (paddingIdx === undefined) return;
    if (!Number.isInteger(paddingIdx) || paddingIdx < -numEmbeddings || paddingIdx >= numEmbeddings)
      throw valueError('Embedding', `paddingIdx must lie in [−${numEmbeddings}, ${numEmbeddings - 1}], got ${paddingIdx}.`);
    const row = (paddingIdx + numEmbeddings) % numEmbeddings;
    float32View().fill(0, this.weight.address / 4 + row * embeddingDim, this.weight.address / 4 + (row + 1) * embeddingDim);
  }

  forward(index: Tensor): Tensor {
    return embedding(index, this.weight, this.options);
  }
}
