// Stacks of a transformer's layers, and both stacks together.
import { Module } from '../module/module.ts';
import { full } from '../ops/create.ts';
import { copy_ } from '../ops/inplace.ts';
import { triu } from '../ops/triangle.ts';
import { assertArity, assertWhole, checkArgument, COUNT, FLAG, type Given, instanceOf, type Kind, type Kinds, NUMBER, optionsBy, orNull, valueText } from '../tensor/check.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { uniform } from './linear.ts';
import { LayerNorm } from './norm.ts';
import {
  ACTIVATION,
  CAUSAL,
  DECODER,
  type DecoderMasks,
  type DecoderPositions,
  MASK,
  type TransformerActivation,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  TransformerLayer,
  type TransformerLayerOptions,
} from './transformerlayers.ts';

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

/** What an encoder may be told. */
export interface EncoderMasks {
  /** As MultiheadAttention's attnMask. */
  mask?: Tensor | null;
  /** As MultiheadAttention's keyPaddingMask. */
  srcKeyPaddingMask?: Tensor | null;
  /** Says that the mask is causal; default false. */
  isCausal?: boolean | null;
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
const ENCODER: Kinds<EncoderMasks> = { mask: MASK, srcKeyPaddingMask: MASK, isCausal: CAUSAL };
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

/** A layer to be copied, or a function that makes one. */
export type LayerSource<L extends Module> = L | (() => L);

/** More layers are a mistake, which would fill the memory first. */
const DEPTH: Kind = { what: 'a whole number from 1 to 10000', test: (v) => COUNT.test(v) && (v as number) <= 10_000 };

/** Layers of a stack: copies of one, as in PyTorch, or made by a function. */
function layersOf<L extends Module>(op: string, source: LayerSource<L>, count: number): L[] {
  checkArgument(op, 'numLayers', count, DEPTH);
  const make: unknown = source instanceof TransformerLayer ? () => source.copy() as unknown as L : source;
  if (typeof make !== 'function') throw new GradloomError('VALUE', op, `takes a layer of nn.${op}Layer, or a function that makes a layer, got ${valueText(source)}.`);
  return Array.from({ length: count }, () => {
    const layer = make() as L;
    if (layer instanceof Module && typeof layer.forward === 'function') return layer;
    throw new GradloomError('VALUE', op, `the function must make layers, it gave ${valueText(layer)}. Write () => new nn.${op}Layer(…).`);
  });
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

  forward(tgt: Tensor, memory: Tensor, ...given: Given<DecoderMasks, DecoderPositions>): Tensor {
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
    assertArity('generateSquareSubsequentMask', arguments.length, 1);
    assertWhole('generateSquareSubsequentMask', 'size', size, 0);
    return triu(full([size, size], Number.NEGATIVE_INFINITY), 1);
  }
}
