// Transformers (Vaswani et al. 2017, arXiv 1706.03762): layers of attention and feed-forward parts, stacks of them, and both stacks together.
import { Module } from '../module/module.ts';
import { add, ge, where } from '../ops/binary.ts';
import { constantList, zeros } from '../ops/create.ts';
import { copy_ } from '../ops/inplace.ts';
import { inShape } from '../ops/movement.ts';
import { gelu, relu } from '../ops/unary.ts';
import { assertWhole, checkArgument, COUNT, FLAG, FUNCTION, type Given, instanceOf, type Kind, type Kinds, NUMBER, optionsBy, orNull, TENSOR, valueText } from '../tensor/check.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import { noGrad } from '../tensor/tape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Dropout } from './dropout.ts';
import { Linear, uniform } from './linear.ts';
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

/** Options of `Transformer`. */
export interface TransformerOptions extends TransformerLayerOptions {
  /** Width of the model; default 512. */
  dModel?: number;
  /** Heads of each attention; default 8. */
  nhead?: number;
  /** Layers of the encoder; default 6. */
  numEncoderLayers?: number;
  /** Layers of the decoder; default 6. */
  numDecoderLayers?: number;
  /** An encoder to be used instead. */
  customEncoder?: Module | null;
  /** A decoder to be used instead. */
  customDecoder?: Module | null;
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

/** What an encoder may be told. */
export interface EncoderMasks {
  /** As MultiheadAttention's attnMask. */
  mask?: Tensor | null;
  /** As MultiheadAttention's keyPaddingMask. */
  srcKeyPaddingMask?: Tensor | null;
  /** Says that the mask is causal; default false. */
  isCausal?: boolean | null;
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

/** What a transformer may be told. */
export interface TransformerMasks {
  /** attnMask of the source. */
  srcMask?: Tensor | null;
  /** attnMask of the target's attention to itself. */
  tgtMask?: Tensor | null;
  /** attnMask of the attention to the memory. */
  memoryMask?: Tensor | null;
  /** keyPaddingMask of the source. */
  srcKeyPaddingMask?: Tensor | null;
  /** keyPaddingMask of the target. */
  tgtKeyPaddingMask?: Tensor | null;
  /** keyPaddingMask of the memory. */
  memoryKeyPaddingMask?: Tensor | null;
  /** Says that srcMask is causal; default false. */
  srcIsCausal?: boolean | null;
  /** Says that tgtMask is causal; default false. */
  tgtIsCausal?: boolean | null;
  /** Says that memoryMask is causal; default false. */
  memoryIsCausal?: boolean;
}

const ACTIVATION: Kind = { what: "'relu', 'gelu' or a function of a tensor", test: (v) => v === 'relu' || v === 'gelu' || FUNCTION.test(v) };
const LAYER: Kinds<TransformerLayerOptions> = {
  dimFeedforward: COUNT,
  dropout: NUMBER,
  activation: ACTIVATION,
  layerNormEps: NUMBER,
  batchFirst: FLAG,
  normFirst: FLAG,
  bias: FLAG,
};
const CUSTOM = /* @__PURE__ */ orNull(/* @__PURE__ */ instanceOf(Module, 'a module'));
const WHOLE: Kinds<TransformerOptions> = {
  dModel: COUNT,
  nhead: COUNT,
  numEncoderLayers: COUNT,
  numDecoderLayers: COUNT,
  dimFeedforward: COUNT,
  dropout: NUMBER,
  activation: ACTIVATION,
  customEncoder: CUSTOM,
  customDecoder: CUSTOM,
  layerNormEps: NUMBER,
  batchFirst: FLAG,
  normFirst: FLAG,
  bias: FLAG,
};
const MASK = /* @__PURE__ */ orNull(TENSOR);
const CAUSAL = /* @__PURE__ */ orNull(FLAG);
const ENCODER_LAYER: Kinds<EncoderLayerMasks> = { srcMask: MASK, srcKeyPaddingMask: MASK, isCausal: FLAG };
const ENCODER: Kinds<EncoderMasks> = { mask: MASK, srcKeyPaddingMask: MASK, isCausal: CAUSAL };
const DECODER: Kinds<DecoderMasks> = { tgtMask: MASK, memoryMask: MASK, tgtKeyPaddingMask: MASK, memoryKeyPaddingMask: MASK, tgtIsCausal: CAUSAL, memoryIsCausal: FLAG };
const ALL: Kinds<TransformerMasks> = {
  srcMask: MASK,
  tgtMask: MASK,
  memoryMask: MASK,
  srcKeyPaddingMask: MASK,
  tgtKeyPaddingMask: MASK,
  memoryKeyPaddingMask: MASK,
  srcIsCausal: CAUSAL,
  tgtIsCausal: CAUSAL,
  memoryIsCausal: FLAG,
};

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
abstract class TransformerLayer extends Module {
  /** The attention of the input to itself. */
  readonly selfAttn: MultiheadAttention;
  /** Into the feed-forward part. */
  readonly linear1: Linear;
  /** Out of it. */
  readonly linear2: Linear;
  /** The first normalisation. */
  readonly norm1: LayerNorm;
  /** The second one. */
  readonly norm2: LayerNorm;
  /** Within the feed-forward part. */
  readonly dropout: Dropout;
  /** Behind the first part. */
  readonly dropout1: Dropout;
  /** Behind the second one. */
  readonly dropout2: Dropout;
  protected readonly normFirst: boolean;
  readonly #made: readonly [op: string, dModel: number, nhead: number, options: TransformerLayerOptions];

  /** @internal */
  constructor(op: string, dModel: number, nhead: number, options: TransformerLayerOptions) {
    super();
    checkArgument(op, 'dModel', dModel, COUNT);
    checkArgument(op, 'nhead', nhead, COUNT);
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps = 1e-5, batchFirst = false, normFirst = false, bias = true } = options;
    this.#made = [op, dModel, nhead, options];
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias });
    this.linear2 = new Linear(dimFeedforward, dModel, { bias });
    this.norm1 = new LayerNorm(dModel, { eps: layerNormEps, bias });
    this.norm2 = new LayerNorm(dModel, { eps: layerNormEps, bias });
    this.dropout = new Dropout(dropout);
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.normFirst = normFirst;
  }

  /** Another layer of the same options and values. */
  copy(): this {
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
  readonly multiheadAttn: MultiheadAttention;
  /** The third normalisation. */
  readonly norm3: LayerNorm;
  /** Behind the third part. */
  readonly dropout3: Dropout;

  constructor(dModel: number, nhead: number, ...given: Given<TransformerLayerOptions, LayerPositions>) {
    const options = optionsBy('TransformerDecoderLayer', given, LAYER);
    super('TransformerDecoderLayer', dModel, nhead, options);
    const { dropout = 0.1, layerNormEps = 1e-5, batchFirst = false, bias = true } = options;
    this.multiheadAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst });
    this.norm3 = new LayerNorm(dModel, { eps: layerNormEps, bias });
    this.dropout3 = new Dropout(dropout);
  }

  forward(
    tgt: Tensor,
    memory: Tensor,
    ...given: Given<
      DecoderMasks,
      [
        tgtMask?: Tensor | null,
        memoryMask?: Tensor | null,
        tgtKeyPaddingMask?: Tensor | null,
        memoryKeyPaddingMask?: Tensor | null,
        tgtIsCausal?: boolean,
        memoryIsCausal?: boolean,
        masks?: DecoderMasks,
      ]
    >
  ): Tensor {
    const { tgtMask, memoryMask, tgtKeyPaddingMask, memoryKeyPaddingMask, tgtIsCausal, memoryIsCausal = false } = optionsBy('TransformerDecoderLayer', given, DECODER);
    let x = this.around(tgt, this.norm1, (h) => this.toItself(h, tgtMask, tgtKeyPaddingMask, tgtIsCausal));
    x = this.around(x, this.norm2, (h) => {
      const [y] = this.multiheadAttn.forward(h, memory, memory, { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask, needWeights: false, isCausal: memoryIsCausal });
      return this.dropout2.forward(y);
    });
    return this.around(x, this.norm3, (h) => this.dropout3.forward(this.feedForward(h)));
  }
}

/** A layer to be copied, or a function that makes one. */
export type LayerSource<L extends Module> = L | (() => L);

/** Layers of a stack: copies of one, as in PyTorch, or made by a function. */
function layersOf<L extends Module>(op: string, source: LayerSource<L>, count: number): L[] {
  checkArgument(op, 'numLayers', count, COUNT);
  const make = source instanceof TransformerLayer ? () => source.copy() as unknown as L : source;
  if (typeof make !== 'function') throw new GradloomError('VALUE', op, `takes a layer of nn.${op}Layer, or a function that makes a layer, got ${valueText(source)}.`);
  return Array.from({ length: count }, () => make());
}

const NORM: Kinds<{ norm?: Module | null }> = { norm: CUSTOM };
type Norm = Module & { forward(x: Tensor): Tensor };

/**
 * A stack of encoder layers: copies of the one given (or what a function makes), then `norm` where there is one.
 *
 *     const encoder = new nn.TransformerEncoder(new nn.TransformerEncoderLayer(32, 2), 2);
 *     const y = encoder.forward(randn([16, 8, 32]));
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class TransformerEncoder extends Module {
  /** The layers, in order. */
  readonly layers: readonly TransformerEncoderLayer[];
  /** What comes behind them. */
  readonly norm: Norm | null;

  constructor(encoderLayer: LayerSource<TransformerEncoderLayer>, numLayers: number, ...given: Given<{ norm?: Norm | null }, [norm?: Norm | null]>) {
    super();
    const { norm } = optionsBy('TransformerEncoder', given, NORM);
    this.layers = layersOf('TransformerEncoder', encoderLayer, numLayers);
    this.norm = (norm as Norm | undefined) ?? null;
  }

  forward(src: Tensor, ...given: Given<EncoderMasks, [mask?: Tensor | null, srcKeyPaddingMask?: Tensor | null, isCausal?: boolean | null, masks?: EncoderMasks]>): Tensor {
    const { mask, srcKeyPaddingMask, isCausal } = optionsBy('TransformerEncoder', given, ENCODER);
    let x = src;
    for (const layer of this.layers) x = layer.forward(x, { srcMask: mask ?? null, srcKeyPaddingMask: srcKeyPaddingMask ?? null, isCausal: isCausal ?? false });
    return this.norm ? this.norm.forward(x) : x;
  }
}

/**
 * A stack of decoder layers: copies of the one given (or what a function makes), then `norm` where there is one.
 *
 *     const decoder = new nn.TransformerDecoder(new nn.TransformerDecoderLayer(32, 2), 2);
 *     const y = decoder.forward(randn([10, 8, 32]), randn([16, 8, 32]));
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class TransformerDecoder extends Module {
  /** The layers, in order. */
  readonly layers: readonly TransformerDecoderLayer[];
  /** What comes behind them. */
  readonly norm: Norm | null;

  constructor(decoderLayer: LayerSource<TransformerDecoderLayer>, numLayers: number, ...given: Given<{ norm?: Norm | null }, [norm?: Norm | null]>) {
    super();
    const { norm } = optionsBy('TransformerDecoder', given, NORM);
    this.layers = layersOf('TransformerDecoder', decoderLayer, numLayers);
    this.norm = (norm as Norm | undefined) ?? null;
  }

  forward(
    tgt: Tensor,
    memory: Tensor,
    ...given: Given<
      DecoderMasks,
      [
        tgtMask?: Tensor | null,
        memoryMask?: Tensor | null,
        tgtKeyPaddingMask?: Tensor | null,
        memoryKeyPaddingMask?: Tensor | null,
        tgtIsCausal?: boolean | null,
        memoryIsCausal?: boolean,
        masks?: DecoderMasks,
      ]
    >
  ): Tensor {
    const masks = optionsBy('TransformerDecoder', given, DECODER);
    let x = tgt;
    for (const layer of this.layers) x = layer.forward(x, memory, masks);
    return this.norm ? this.norm.forward(x) : x;
  }
}

/**
 * An encoder, and a decoder that looks at what it gives. src [S, N, dModel], tgt [T, N, dModel], or as batchFirst says → the target's
 * shape. Matrices start by Xavier's rule, as in PyTorch.
 *
 *     const model = new nn.Transformer({ dModel: 32, nhead: 2, numEncoderLayers: 2, numDecoderLayers: 2, dimFeedforward: 128 });
 *     const y = model.forward(randn([16, 8, 32]), randn([10, 8, 32]), { tgtMask: nn.Transformer.generateSquareSubsequentMask(10) });
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class Transformer extends Module {
  /** What reads the source. */
  readonly encoder: Module;
  /** What makes the target. */
  readonly decoder: Module;
  /** Width of the model. */
  readonly dModel: number;
  /** Heads of each attention. */
  readonly nhead: number;
  /** Whether inputs are [N, L, E]. */
  readonly batchFirst: boolean;

  constructor(
    ...given: Given<
      TransformerOptions,
      [
        dModel?: number,
        nhead?: number,
        numEncoderLayers?: number,
        numDecoderLayers?: number,
        dimFeedforward?: number,
        dropout?: number,
        activation?: TransformerActivation,
        customEncoder?: Module | null,
        customDecoder?: Module | null,
        layerNormEps?: number,
        batchFirst?: boolean,
        normFirst?: boolean,
        bias?: boolean,
        options?: TransformerOptions,
      ]
    >
  ) {
    super();
    const options = optionsBy('Transformer', given, WHOLE);
    const { dModel = 512, nhead = 8, numEncoderLayers = 6, numDecoderLayers = 6, customEncoder, customDecoder, ...layer } = options;
    const norm = (): LayerNorm => new LayerNorm(dModel, { eps: layer.layerNormEps ?? 1e-5, bias: layer.bias ?? true });
    this.encoder = customEncoder ?? new TransformerEncoder(() => new TransformerEncoderLayer(dModel, nhead, layer), numEncoderLayers, norm());
    this.decoder = customDecoder ?? new TransformerDecoder(() => new TransformerDecoderLayer(dModel, nhead, layer), numDecoderLayers, norm());
    this.dModel = dModel;
    this.nhead = nhead;
    this.batchFirst = layer.batchFirst ?? false;
    for (const p of this.parameters())
      if (p.rank > 1) {
        const [rows, columns] = p.sizes as [number, number];
        scope(() => noGrad(() => copy_(p, uniform([rows, columns], Math.sqrt(6 / (rows + columns))))));
      }
  }

  forward(
    src: Tensor,
    tgt: Tensor,
    ...given: Given<
      TransformerMasks,
      [
        srcMask?: Tensor | null,
        tgtMask?: Tensor | null,
        memoryMask?: Tensor | null,
        srcKeyPaddingMask?: Tensor | null,
        tgtKeyPaddingMask?: Tensor | null,
        memoryKeyPaddingMask?: Tensor | null,
        srcIsCausal?: boolean | null,
        tgtIsCausal?: boolean | null,
        memoryIsCausal?: boolean,
        masks?: TransformerMasks,
      ]
    >
  ): Tensor {
    const { srcMask, srcKeyPaddingMask, srcIsCausal, ...masks } = optionsBy('Transformer', given, ALL);
    const batch = this.batchFirst ? 0 : 1;
    if (src?.rank === 3 && tgt?.rank === 3 && src.sizes[batch] !== tgt.sizes[batch])
      throw shapeError('Transformer', 'src and tgt differ in batch', [src.sizes, tgt.sizes], 'They must have one size there.');
    const [encode, decode] = [this.encoder.forward, this.decoder.forward] as unknown as ((...inputs: unknown[]) => Tensor)[];
    const memory = encode?.call(this.encoder, src, { mask: srcMask, srcKeyPaddingMask, isCausal: srcIsCausal });
    return decode?.call(this.decoder, tgt, memory, masks) as Tensor;
  }

  /** The mask by which each place sees those up to itself: float32 [size, size], 0 there and −∞ elsewhere. */
  static generateSquareSubsequentMask(size: number): Tensor {
    assertWhole('generateSquareSubsequentMask', 'size', size, 0);
    if (size === 0) return zeros([0, 0]);
    const places = constantList(Array.from({ length: size }, (_, i) => i));
    return where(ge(inShape(places, [size, 1]), places), 0, Number.NEGATIVE_INFINITY);
  }
}
