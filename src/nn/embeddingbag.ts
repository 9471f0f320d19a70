import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { randn } from '../ops/create.ts';
import { TABLE } from '../ops/embedding.ts';
import { embeddingBag, type EmbeddingBagOptions } from '../ops/embeddingbag.ts';
import { float32View } from '../runtime/memory.ts';
import { checkArgument, COUNT, FLAG, type Given, type Kinds, oneOf, optionsBy, orNull, WHOLE } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Options of `EmbeddingBag`, with PyTorch's defaults. */
export type EmbeddingBagModuleOptions = Omit<EmbeddingBagOptions, 'perSampleWeights'>;

const OPTIONS: Kinds<EmbeddingBagModuleOptions> = {
  mode: /* @__PURE__ */ oneOf('sum', 'mean', 'max'),
  includeLastOffset: FLAG,
  paddingIdx: /* @__PURE__ */ orNull(WHOLE),
  ...TABLE,
};

/**
 * A table of vectors of which each bag of indices gets a sum, mean or maximum. Weight [numEmbeddings, embeddingDim], normal at the start; the row
 * `paddingIdx`, where given, is zero then, counts in no bag and gets no gradient.
 *
 * @example
 * const bag = new nn.EmbeddingBag(10, 4, { mode: 'sum' });
 * bag.forward(tensor([1, 2, 4, 5], { dtype: 'int32' }), tensor([0, 2], { dtype: 'int32' })); // [2, 4]
 */
export class EmbeddingBag extends Module {
  /** The vectors, [numEmbeddings, embeddingDim]. */
  readonly weight: Parameter;
  private readonly options: EmbeddingBagModuleOptions;

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    ...given: Given<EmbeddingBagModuleOptions, [mode?: 'sum' | 'mean' | 'max', includeLastOffset?: boolean, paddingIdx?: number | null]>
  ) {
    super();
    const name = 'EmbeddingBag';
    checkArgument(name, 'numEmbeddings', numEmbeddings, COUNT);
    checkArgument(name, 'embeddingDim', embeddingDim, COUNT);
    this.options = { ...optionsBy(name, given, OPTIONS) };
    const { paddingIdx } = this.options;
    if (typeof paddingIdx === 'number' && (paddingIdx < -numEmbeddings || paddingIdx >= numEmbeddings))
      throw valueError(name, `paddingIdx must lie in [−${numEmbeddings}, ${numEmbeddings - 1}], got ${paddingIdx}.`);
    this.weight = scope(() => new Parameter(randn([numEmbeddings, embeddingDim])));
    if (typeof paddingIdx !== 'number') return;
    const row = (paddingIdx + numEmbeddings) % numEmbeddings;
    float32View().fill(0, this.weight.address / 4 + row * embeddingDim, this.weight.address / 4 + (row + 1) * embeddingDim);
  }

  /** @param index int32 [B, n], or a list [L] with `offsets` [B] @param perSampleWeights a factor for each index, with mode 'sum' */
  forward(index: Tensor, offsets?: Tensor | null, perSampleWeights?: Tensor | null): Tensor {
    return embeddingBag(index, this.weight, offsets, { ...this.options, perSampleWeights: perSampleWeights ?? null });
  }
}
