// A transformer's layers (Vaswani et al. 2017, arXiv 1706.03762): attention and a feed-forward part, each with a residual connection.
import { Module } from '../module/module.ts';
import { add } from '../ops/binary.ts';
import { gelu, relu } from '../ops/unary.ts';
import { assertArity, checkArgument, COUNT, FLAG, FUNCTION, type Given, type Kind, type Kinds, NUMBER, optionsBy, orNull, TENSOR } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Dropout } from './dropout.ts';
import { Linear } from './linear.ts';
import { MultiheadAttention } from './multihead.ts';
import { LayerNorm } from './norm.ts';

/** The function between the two products of a feed-forward part. */
export type TransformerActivation = 'relu' | 'gelu' | ((x: Tensor) => Tensor);

/** Options of a transformer's layer, with PyTorch's defaults. */
export interface TransformerLayerOptions {
  /** Width of the feed-forward part; default 2048. */
  dimFeedforward?: number;
  /** The probability of dropout, in training; default 0.1. */
  dropout?: number;
  /** The function of the feed-forward part; default 'relu'. */
  activation?: TransformerActivation;
  /** Added to variances; default 1e-5. */
  layerNormEps?: number;
  /** Whether inputs and outputs are [N, L, E] instead of [L, N, E]; default false. */
  batchFirst?: boolean;
  /** Whether each part is normalised before instead of behind; default false. */
  normFirst?: boolean;
  /** Whether products and normalisations have biases; default true. */
  bias?: boolean;
}

/** What an encoder's layer may be told. */
export interface EncoderLayerMasks {
  /** As MultiheadAttention's attnMask. */
  srcMask?: Tensor | null;
  /** As MultiheadAttention's keyPaddingMask. */
  srcKeyPaddingMask?: Tensor | null;
  /** Says that srcMask is causal; default false. */
  isCausal?: boolean;
}

/** What a decoder or its layer may be told. */
export interface DecoderMasks {
  /** attnMask of the target's attention to itself. */
  tgtMask?: Tensor | null;
  /** attnMask of the attention to the memory. */
  memoryMask?: Tensor | null;
  /** keyPaddingMask of the target. */
  tgtKeyPaddingMask?: Tensor | null;
  /** keyPaddingMask of the memory. */
  memoryKeyPaddingMask?: Tensor | null;
  /** Says that tgtMask is causal; default false. */
  tgtIsCausal?: boolean | null;
  /** Says that memoryMask is causal; default false. */
  memoryIsCausal?: boolean;
}

export const ACTIVATION: Kind = { what: "'relu', 'gelu' or a function of a tensor", test: (v) => v === 'relu' || v === 'gelu' || FUNCTION.test(v) };
export const LAYER: Kinds<TransformerLayerOptions> = {
  dimFeedforward: COUNT,
  dropout: NUMBER,
  activation: ACTIVATION,
  layerNormEps: NUMBER,
  batchFirst: FLAG,
  normFirst: FLAG,
  bias: FLAG,
};
export const MASK = /* @__PURE__ */ orNull(TENSOR);
export const CAUSAL = /* @__PURE__ */ orNull(FLAG);
const ENCODER_LAYER: Kinds<EncoderLayerMasks> = { srcMask: MASK, srcKeyPaddingMask: MASK, isCausal: FLAG };
/** The same by position, in PyTorch's order. */
export type DecoderPositions = [
  tgtMask?: Tensor | null,
  memoryMask?: Tensor | null,
  tgtKeyPaddingMask?: Tensor | null,
  memoryKeyPaddingMask?: Tensor | null,
  tgtIsCausal?: boolean | null,
  memoryIsCausal?: boolean,
  masks?: DecoderMasks,
];
export const DECODER: Kinds<DecoderMasks> = { tgtMask: MASK, memoryMask: MASK, tgtKeyPaddingMask: MASK, memoryKeyPaddingMask: MASK, tgtIsCausal: CAUSAL, memoryIsCausal: FLAG };
type LayerPositions = [
  dimFeedforward?: number,
  dropout?: number,
  activation?: TransformerActivation,
  layerNormEps?: number,
  batchFirst?: boolean,
  normFirst?: boolean,
  bias?: boolean,
  options?: TransformerLayerOptions,
];

/** What both kinds of layers have: attention of the input to itself, and a feed-forward part. */
export abstract class TransformerLayer extends Module {
  // Declared only: the constructor assigns them in PyTorch's order, which is that of optimizers' states.
  /** The attention of the input to itself. */
  declare readonly selfAttn: MultiheadAttention;
  /** Into the feed-forward part. */
  declare readonly linear1: Linear;
  /** Out of it. */
  declare readonly linear2: Linear;
  /** The first normalisation. */
  declare readonly norm1: LayerNorm;
  /** The second one. */
  declare readonly norm2: LayerNorm;
  /** Within the feed-forward part. */
  declare readonly dropout: Dropout;
  /** Behind the first part. */
  declare readonly dropout1: Dropout;
  /** Behind the second one. */
  declare readonly dropout2: Dropout;
  protected readonly normFirst: boolean;
  readonly #made: readonly [op: string, dModel: number, nhead: number, options: TransformerLayerOptions];

  /** @internal */
  constructor(op: string, dModel: number, nhead: number, options: TransformerLayerOptions, decodes = false) {
    super();
    checkArgument(op, 'dModel', dModel, COUNT);
    checkArgument(op, 'nhead', nhead, COUNT);
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps = 1e-5, batchFirst = false, normFirst = false, bias = true } = options;
    this.#made = [op, dModel, nhead, options];
    const attention = (): MultiheadAttention => new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst });
    const norm = (): LayerNorm => new LayerNorm(dModel, { eps: layerNormEps, bias });
    this.selfAttn = attention();
    if (decodes) Object.assign(this, { multiheadAttn: attention() });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias });
    this.linear2 = new Linear(dimFeedforward, dModel, { bias });
    this.norm1 = norm();
    this.norm2 = norm();
    if (decodes) Object.assign(this, { norm3: norm(), dropout3: new Dropout(dropout) });
    this.dropout = new Dropout(dropout);
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.normFirst = normFirst;
  }

  /** Another layer of the same options and values. */
  copy(): this {
    assertArity('copy', arguments.length, 0);
    const [, dModel, nhead, options] = this.#made;
    const made = new (this.constructor as new (dModel: number, nhead: number, options: TransformerLayerOptions) => this)(dModel, nhead, options);
    made.loadStateDict(this.stateDict());
    return made.train(this.training);
  }

  /** @internal x + part(norm(x)), or norm(x + part(x)). */
  protected around(x: Tensor, norm: LayerNorm, part: (x: Tensor) => Tensor): Tensor {
    return this.normFirst ? add(x, part(norm.forward(x))) : norm.forward(add(x, part(x)));
  }

  /** @internal */
  protected toItself(x: Tensor, attnMask?: Tensor | null, keyPaddingMask?: Tensor | null, isCausal?: boolean | null): Tensor {
    const [y] = this.selfAttn.forward(x, x, x, { attnMask, keyPaddingMask, needWeights: false, isCausal: isCausal ?? false });
    return this.dropout1.forward(y);
  }

  /** @internal */
  protected feedForward(x: Tensor): Tensor {
    const { activation = 'relu' } = this.#made[3];
    const h = this.linear1.forward(x);
    const a = activation === 'relu' ? relu(h) : activation === 'gelu' ? gelu(h) : activation(h);
    return this.linear2.forward(this.dropout.forward(a));
  }
}

/**
 * Attention to itself, then a feed-forward part, each with a residual connection and a normalisation. src [L, N, dModel] ([N, L, dModel] with
 * batchFirst, [L, dModel] without a batch) → the same shape. Parameters start as in PyTorch.
 *
 *     const layer = new nn.TransformerEncoderLayer(32, 2, { dimFeedforward: 128, batchFirst: true });
 *     const y = layer.forward(randn([8, 16, 32]), { srcMask: nn.Transformer.generateSquareSubsequentMask(16), isCausal: true });
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class TransformerEncoderLayer extends TransformerLayer {
  constructor(dModel: number, nhead: number, ...given: Given<TransformerLayerOptions, LayerPositions>) {
    super('TransformerEncoderLayer', dModel, nhead, optionsBy('TransformerEncoderLayer', given, LAYER));
  }

  forward(src: Tensor, ...given: Given<EncoderLayerMasks, [srcMask?: Tensor | null, srcKeyPaddingMask?: Tensor | null, isCausal?: boolean, masks?: EncoderLayerMasks]>): Tensor {
    const { srcMask, srcKeyPaddingMask, isCausal } = optionsBy('TransformerEncoderLayer', given, ENCODER_LAYER);
    const x = this.around(src, this.norm1, (h) => this.toItself(h, srcMask, srcKeyPaddingMask, isCausal));
    return this.around(x, this.norm2, (h) => this.dropout2.forward(this.feedForward(h)));
  }
}

/**
 * Attention of the target to itself, to the memory (an encoder's output), then a feed-forward part. tgt [T, N, dModel], memory
 * [S, N, dModel], or as batchFirst says → the target's shape.
 *
 *     const layer = new nn.TransformerDecoderLayer(32, 2, { batchFirst: true });
 *     const y = layer.forward(randn([8, 10, 32]), randn([8, 16, 32]));
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class TransformerDecoderLayer extends TransformerLayer {
  /** The attention to the memory. */
  declare readonly multiheadAttn: MultiheadAttention;
  /** The third normalisation. */
  declare readonly norm3: LayerNorm;
  /** Behind the third part. */
  declare readonly dropout3: Dropout;

  constructor(dModel: number, nhead: number, ...given: Given<TransformerLayerOptions, LayerPositions>) {
    super('TransformerDecoderLayer', dModel, nhead, optionsBy('TransformerDecoderLayer', given, LAYER), true);
  }

  forward(tgt: Tensor, memory: Tensor, ...given: Given<DecoderMasks, DecoderPositions>): Tensor {
    const { tgtMask, memoryMask, tgtKeyPaddingMask, memoryKeyPaddingMask, tgtIsCausal, memoryIsCausal = false } = optionsBy('TransformerDecoderLayer', given, DECODER);
    let x = this.around(tgt, this.norm1, (h) => this.toItself(h, tgtMask, tgtKeyPaddingMask, tgtIsCausal));
    x = this.around(x, this.norm2, (h) => {
      const [y] = this.multiheadAttn.forward(h, memory, memory, { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask, needWeights: false, isCausal: memoryIsCausal });
      return this.dropout2.forward(y);
    });
    return this.around(x, this.norm3, (h) => this.dropout3.forward(this.feedForward(h)));
  }
}
