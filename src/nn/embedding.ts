import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { randn } from '../ops/create.ts';
import { EMBEDDING, type EmbeddingOptions, type EmbeddingPositions, embedding } from '../ops/embedding.ts';
import { float32View } from '../runtime/memory.ts';
import { checkArgument, COUNT, type Given, type Kinds, optionsBy, orNull, WHOLE } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

const OPTIONS: Kinds<EmbeddingOptions> = { ...EMBEDDING, paddingIdx: /* @__PURE__ */ orNull(WHOLE) };

/**
 * A table of vectors: int32 indices [...] → [..., embeddingDim]. Weight [numEmbeddings, embeddingDim], normal at the start;
 * the row `paddingIdx`, where given, is zero then and gets no gradient.
 */
export class Embedding extends Module {
  /** The vectors, [numEmbeddings, embeddingDim]. */
  readonly weight: Parameter;
  /** How many vectors there are. */
  readonly numEmbeddings: number;
  /** How long each is. */
  readonly embeddingDim: number;
  private readonly options: EmbeddingOptions;

  constructor(numEmbeddings: number, embeddingDim: number, ...given: Given<EmbeddingOptions, EmbeddingPositions>) {
    super();
    checkArgument('Embedding', 'numEmbeddings', numEmbeddings, COUNT);
    checkArgument('Embedding', 'embeddingDim', embeddingDim, COUNT);
    const options = optionsBy('Embedding', given, OPTIONS);
    const paddingIdx = options.paddingIdx ?? undefined; // PyTorch's None
    if (paddingIdx !== undefined && (paddingIdx < -numEmbeddings || paddingIdx >= numEmbeddings))
      throw valueError('Embedding', `paddingIdx must lie in [−${numEmbeddings}, ${numEmbeddings - 1}], got ${paddingIdx}.`);
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.options = { ...options, paddingIdx };
    this.weight = scope(() => new Parameter(randn([numEmbeddings, embeddingDim])));
    if (paddingIdx === undefined) return;
    const row = (paddingIdx + numEmbeddings) % numEmbeddings;
    float32View().fill(0, this.weight.address / 4 + row * embeddingDim, this.weight.address / 4 + (row + 1) * embeddingDim);
  }

  forward(index: Tensor): Tensor {
    return embedding(index, this.weight, this.options);
  }
}
