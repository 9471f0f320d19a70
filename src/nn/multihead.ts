// Attention in several heads, with the projections around it.
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { attentionOfHeads, byHeads, type Heads, scaledDotProductAttention, sideBySide } from '../ops/attention.ts';
import { add, mul, where } from '../ops/binary.ts';
import { assertFloat } from '../ops/convert.ts';
import { randn, zeros } from '../ops/create.ts';
import { checkProbability, dropout } from '../ops/dropout.ts';
import { zero_ } from '../ops/inplace.ts';
import { linear, matmul } from '../ops/matmul.ts';
import { mean } from '../ops/moments.ts';
import { cat, chunk, inShape, select, transpose, unsqueeze } from '../ops/movement.ts';
import { expand } from '../ops/reduce.ts';
import { softmax } from '../ops/softmax.ts';
import { assertTensor, checkArgument, COUNT, FLAG, type Given, type Kinds, NUMBER, optionsBy, orNull, TENSOR } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueError } from '../tensor/errors.ts';
import { requiresGrad } from '../tensor/op.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Linear, uniform } from './linear.ts';

/** Options of `MultiheadAttention`, with PyTorch's defaults. */
export interface MultiheadOptions {
  /** The probability that a weight of the attention is dropped, in training; default 0. */
  dropout?: number;
  /** Whether projections have biases; default true. */
  bias?: boolean;
  /** Whether a learnt key and value stand behind those given; default false. */
  addBiasKv?: boolean;
  /** Whether a key and a value of zeros stand behind them; default false. */
  addZeroAttn?: boolean;
  /** Features of keys; default embedDim. */
  kdim?: number | null;
  /** Features of values; default embedDim. */
  vdim?: number | null;
  /** Whether inputs and outputs are [N, L, E] instead of [L, N, E]; default false. */
  batchFirst?: boolean;
}

/** Options of its forward, with PyTorch's defaults. */
export interface MultiheadForwardOptions {
  /** [N, S], or [S] without a batch: bool (true: not to be looked at) or float32 (added to the scores). */
  keyPaddingMask?: Tensor | null;
  /** Whether the attention's weights are returned too; default true. Without them it is faster, and a query that sees nothing gives 0 instead of NaN. */
  needWeights?: boolean;
  /** [L, S] or [N·heads, L, S]: bool (true: not to be looked at) or float32 (added to the scores). */
  attnMask?: Tensor | null;
  /** Whether the weights returned are the heads' mean; default true. */
  averageAttnWeights?: boolean;
  /** Says that attnMask is causal, so that it need not be read. Default false. */
  isCausal?: boolean;
}

const OPTIONS: Kinds<MultiheadOptions> = {
  dropout: NUMBER,
  bias: FLAG,
  addBiasKv: FLAG,
  addZeroAttn: FLAG,
  kdim: /* @__PURE__ */ orNull(COUNT),
  vdim: /* @__PURE__ */ orNull(COUNT),
  batchFirst: FLAG,
};
const MASK = /* @__PURE__ */ orNull(TENSOR);
const FORWARD: Kinds<MultiheadForwardOptions> = { keyPaddingMask: MASK, needWeights: FLAG, attnMask: MASK, averageAttnWeights: FLAG, isCausal: FLAG };

/** @internal What is added to scores: 0 where a bool mask is false, −∞ where it is true; a float mask as it is. */
export function additive(op: string, name: string, mask: Tensor): Tensor {
  assertTensor(op, mask, name);
  if (mask.dtype === 'bool') return where(mask, Number.NEGATIVE_INFINITY, 0);
  assertFloat(op, mask, name);
  return mask;
}

/** A mask with a column of zeros: the key behind the others is seen by all. */
const withColumn = (mask: Tensor): Tensor => cat([mask, zeros([...mask.sizes.slice(0, -1), 1])], -1);

/**
 * Attention of `numHeads` heads side by side (Vaswani et al. 2017, arXiv 1706.03762): softmax(q·kᵀ/√d)·v of projections of query, key and
 * value, then a projection of all heads. Query [L, N, embedDim], key [S, N, kdim], value [S, N, vdim] ([N, L, embedDim] … with batchFirst; without N
 * unbatched) → [output [L, N, embedDim], weights [N, L, S] or null]. Weights start as in PyTorch.
 *
 *     const attention = new nn.MultiheadAttention(32, 4, { batchFirst: true });
 *     const x = randn([2, 10, 32]);
 *     const [y, weights] = attention.forward(x, x, x); // [2, 10, 32], [2, 10, 10]
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class MultiheadAttention extends Module {
  /** What projects queries, keys and values, [3·embedDim, embedDim]; null where kdim or vdim differ. */
  readonly inProjWeight: Parameter | null;
  /** What projects queries where kdim or vdim differ, [embedDim, embedDim]. */
  readonly qProjWeight: Parameter | null;
  /** What projects keys there, [embedDim, kdim]. */
  readonly kProjWeight: Parameter | null;
  /** What projects values there, [embedDim, vdim]. */
  readonly vProjWeight: Parameter | null;
  /** Added to the three projections, [3·embedDim]. */
  readonly inProjBias: Parameter | null;
  /** The learnt key, [1, 1, embedDim]. */
  readonly biasK: Parameter | null;
  /** The learnt value, [1, 1, embedDim]. */
  readonly biasV: Parameter | null;
  /** The projection of all heads. */
  readonly outProj: Linear;
  /** Features of queries and outputs. */
  readonly embedDim: number;
  /** How many heads there are. */
  readonly numHeads: number;
  /** The probability of dropout. */
  readonly dropout: number;
  /** Whether inputs are [N, L, E]. */
  readonly batchFirst: boolean;
  private readonly addZeroAttn: boolean;
  private readonly kdim: number;
  private readonly vdim: number;

  constructor(
    embedDim: number,
    numHeads: number,
    ...given: Given<
      MultiheadOptions,
      [dropout?: number, bias?: boolean, addBiasKv?: boolean, addZeroAttn?: boolean, kdim?: number | null, vdim?: number | null, batchFirst?: boolean]
    >
  ) {
    super();
    const op = 'MultiheadAttention';
    checkArgument(op, 'embedDim', embedDim, COUNT);
    checkArgument(op, 'numHeads', numHeads, COUNT);
    const { dropout: p = 0, bias = true, addBiasKv = false, addZeroAttn = false, kdim, vdim, batchFirst = false } = optionsBy(op, given, OPTIONS);
    checkProbability(op, p);
    if (embedDim % numHeads !== 0) throw valueError(op, `${numHeads} heads do not divide embedDim ${embedDim}. Choose a divisor.`);
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.dropout = p;
    this.batchFirst = batchFirst;
    this.addZeroAttn = addZeroAttn;
    this.kdim = kdim ?? embedDim;
    this.vdim = vdim ?? embedDim;
    const xavier = (rows: number, columns: number): Parameter => uniform([rows, columns], Math.sqrt(6 / (rows + columns)));
    const packed = this.kdim === embedDim && this.vdim === embedDim;
    this.qProjWeight = packed ? null : xavier(embedDim, embedDim);
    this.kProjWeight = packed ? null : xavier(embedDim, this.kdim);
    this.vProjWeight = packed ? null : xavier(embedDim, this.vdim);
    this.inProjWeight = packed ? xavier(3 * embedDim, embedDim) : null;
    this.inProjBias = bias ? scope(() => new Parameter(zeros([3 * embedDim]))) : null;
    // PyTorch's Xavier: of [1, 1, E] both fans are E.
    const normal = (): Parameter => scope(() => new Parameter(mul(randn([1, 1, embedDim]), Math.sqrt(1 / embedDim))));
    this.biasK = addBiasKv ? normal() : null;
    this.biasV = addBiasKv ? normal() : null;
    this.outProj = new Linear(embedDim, embedDim, { bias });
    const added = this.outProj.bias;
    if (added) noGrad(() => zero_(added));
  }

  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    ...given: Given<
      MultiheadForwardOptions,
      [keyPaddingMask?: Tensor | null, needWeights?: boolean, attnMask?: Tensor | null, averageAttnWeights?: boolean, isCausal?: boolean, options?: MultiheadForwardOptions]
    >
  ): [output: Tensor, weights: Tensor | null] {
    const op = 'MultiheadAttention';
    const { keyPaddingMask, needWeights = true, attnMask, averageAttnWeights = true, isCausal = false } = optionsBy(op, given, FORWARD);
    const [batch, length, keys] = this.#sizes(op, query, key, value);
    if (isCausal && !attnMask) throw valueError(op, 'isCausal says what attnMask is, and there is none. Give it: Transformer.generateSquareSubsequentMask(length).');
    const single = query.rank === 2;
    const parts = this.#projected(query, key, value);
    const more = (this.biasK ? 1 : 0) + (this.addZeroAttn ? 1 : 0);
    // A causal mask alone need not be read.
    const causal = isCausal && !keyPaddingMask && !needWeights;
    const mask = this.#mask(op, causal ? null : attnMask, keyPaddingMask, [batch, length, keys], more);
    const p = this.training ? this.dropout : 0;
    const how: Heads = { heads: this.numHeads, batchFirst: this.batchFirst || single, causal };
    let weights: Tensor | null = null;
    let mixed: Tensor;
    if (!needWeights && p === 0 && !(mask && requiresGrad(mask))) mixed = attentionOfHeads(parts, mask, how);
    else {
      const [q, k, v] = (parts.length === 1 ? chunk(parts[0] as Tensor, 3, 2) : parts).map((x) => byHeads(x, how)) as [Tensor, Tensor, Tensor];
      if (needWeights) {
        const scores = matmul(mul(q, Math.sqrt(this.numHeads / this.embedDim)), transpose(k, -2, -1));
        weights = softmax(mask ? add(scores, mask) : scores, -1);
        if (p > 0) weights = dropout(weights, { p });
        mixed = sideBySide(matmul(weights, v), how);
        if (averageAttnWeights) weights = mean(weights, 1);
        if (single) weights = select(weights, 0, 0);
      } else mixed = sideBySide(scaledDotProductAttention(q, k, v, { attnMask: mask, dropoutP: p, isCausal: causal }), how);
    }
    return [linear(inShape(mixed, query.sizes), this.outProj.weight, this.outProj.bias), weights];
  }

  /** Batch, length and number of keys, once all is checked. */
  #sizes(op: string, query: Tensor, key: Tensor, value: Tensor): [batch: number, length: number, keys: number] {
    const widths = [this.embedDim, this.kdim, this.vdim];
    for (const [i, x] of [query, key, value].entries()) {
      const name = ['query', 'key', 'value'][i] as string;
      assertFloat(op, x, name);
      if ((x.rank !== 2 && x.rank !== 3) || x.rank !== query.rank)
        throw shapeError(op, `the ${name} must be [L, N, E], [N, L, E] with batchFirst, or [L, E], like the query`, [x.sizes, query.sizes], 'Reshape it.');
      if (x.sizes.at(-1) !== widths[i]) throw shapeError(op, `the ${name}'s last size is not ${widths[i]}`, [x.sizes], 'Reshape it, or check embedDim, kdim and vdim.');
    }
    if (key.sizes.slice(0, -1).join() !== value.sizes.slice(0, -1).join()) throw shapeError(op, 'key and value differ', [key.sizes, value.sizes], 'Each key has a value.');
    if (query.rank === 2) return [1, query.sizes[0] as number, key.sizes[0] as number];
    const [time, batch] = this.batchFirst ? [1, 0] : [0, 1];
    if (query.sizes[batch] !== key.sizes[batch]) throw shapeError(op, 'query and key differ in batch', [query.sizes, key.sizes], 'They must have one size there.');
    return [query.sizes[batch] as number, query.sizes[time] as number, key.sizes[time] as number];
  }

  /** Queries, keys and values with a batch, one beside another where they come from one product, else three tensors. */
  #projected(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { inProjWeight, inProjBias, biasK, biasV, addZeroAttn } = this;
    const single = query.rank === 2;
    const batched = (x: Tensor): Tensor => (single ? unsqueeze(x, 0) : x);
    const more = biasK !== null || addZeroAttn;
    let parts: Tensor[];
    if (inProjWeight && query === key && key === value) {
      const all = batched(linear(query, inProjWeight, inProjBias));
      if (!more) return [all];
      parts = chunk(all, 3, 2);
    } else {
      const weights = inProjWeight ? chunk(inProjWeight, 3) : [this.qProjWeight, this.kProjWeight, this.vProjWeight];
      const biases = inProjBias ? chunk(inProjBias, 3) : [];
      parts = [query, key, value].map((x, i) => batched(linear(x, weights[i] as Tensor, biases[i])));
    }
    if (!more) return parts;
    const time = this.batchFirst || single ? 1 : 0;
    return parts.map((x, i) => {
      if (i === 0) return x;
      const shape = x.sizes.map((n, dim) => (dim === time ? 1 : n));
      const learnt = i === 1 ? biasK : biasV;
      return cat([x, ...(learnt ? [expand(learnt, shape)] : []), ...(addZeroAttn ? [zeros(shape)] : [])], time);
    });
  }

  /** What is added to the scores [N, heads, L, S + more], or null. */
  #mask(op: string, attnMask: Tensor | null | undefined, padding: Tensor | null | undefined, sizes: Shape, more: number): Tensor | null {
    const [batch, length, keys] = sizes as [number, number, number];
    const masks: Tensor[] = [];
    if (attnMask) {
      const shape = attnMask.rank === 3 ? [batch * this.numHeads, length, keys] : [length, keys];
      if (attnMask.sizes.join() !== shape.join())
        throw shapeError(
          op,
          'attnMask does not fit',
          [attnMask.sizes, shape],
          `It must be ${shapeText([length, keys])} or ${shapeText([batch * this.numHeads, length, keys])} here.`,
        );
      const mask = additive(op, 'attnMask', attnMask);
      masks.push(mask.rank === 3 ? inShape(mask, [batch, this.numHeads, length, keys]) : mask);
    }
    if (padding) {
      if (padding.sizes.join() !== `${batch},${keys}` && !(batch === 1 && padding.sizes.join() === `${keys}`))
        throw new GradloomError('SHAPE', op, `keyPaddingMask must be ${shapeText([batch, keys])}, one flag per key, got ${shapeText(padding.sizes)}.`);
      masks.push(inShape(additive(op, 'keyPaddingMask', padding), [batch, 1, 1, keys]));
    }
    const whole = masks.map((mask) => Array.from({ length: more }).reduce<Tensor>(withColumn, mask));
    return whole.length === 2 ? add(whole[0] as Tensor, whole[1] as Tensor) : (whole[0] ?? null);
  }
}
