// Attention: each query's mixture of values; by ops, or all heads of a module by one kernel.
import { call } from '../runtime/call.ts';
import { FLAG, type Kinds, NUMBER, optionsBy, orNull, TENSOR } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import { apply, dense, detach, everyInput, type Op } from '../tensor/op.ts';
import { isGradEnabled } from '../tensor/modes.ts';
import { forTeam } from '../tensor/scratch.ts';
import type { Node } from '../tensor/tape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { add, le, mul, ne, sub, where } from './binary.ts';
import { assertFloat } from './convert.ts';
import { constant, constantList } from './create.ts';
import { dropout } from './dropout.ts';
import { matmul } from './matmul.ts';
import { cat, chunk, inShape, permute, reshape, transpose } from './movement.ts';
import { any, expand, sum } from './reduce.ts';
import { softmax } from './softmax.ts';
import { aside } from './triangle.ts';

/** Options of `scaledDotProductAttention`, with PyTorch's defaults. */
export interface AttentionOptions {
  /** [..., L, S], broadcasts: bool (true: may be looked at) or float32 (added to the scores). */
  attnMask?: Tensor | null;
  /** The probability that a weight is dropped; default 0. PyTorch drops whenever it is not 0: pass it in training only. */
  dropoutP?: number;
  /** Whether query i sees keys 0 … i only; not by default. */
  isCausal?: boolean;
  /** What scores are multiplied by; default 1/√E. */
  scale?: number | null;
  /** Whether queries [..., H, L, E] may have a multiple of the heads of keys and values, each of which then serves several (Ainslie et al. 2023, arXiv 2305.13245). */
  enableGqa?: boolean;
}

const ATTENTION: Kinds<AttentionOptions> = { attnMask: /* @__PURE__ */ orNull(TENSOR), dropoutP: NUMBER, isCausal: FLAG, scale: /* @__PURE__ */ orNull(NUMBER), enableGqa: FLAG };

/**
 * softmax(scale·q·kᵀ + mask)·v (Vaswani et al. 2017, arXiv 1706.03762). q [..., L, E], k [..., S, E], v [..., S, F] → [..., L, F]; leading
 * dimensions broadcast. A query that may look at nothing gives 0. Options may stand behind the value by position: attnMask, dropoutP, isCausal.
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...given: [attnMask?: AttentionOptions | Tensor | null, dropoutP?: number, isCausal?: boolean]
): Tensor {
  const op = 'scaledDotProductAttention';
  const options = optionsBy(op, given, ATTENTION);
  for (const x of [query, key, value]) {
    assertFloat(op, x);
    if (x.rank < 2) throw shapeError(op, 'takes [..., length, features]', [x.sizes], 'Reshape the input.');
  }
  const { attnMask, dropoutP = 0, isCausal = false, enableGqa = false } = options;
  const scale = options.scale ?? 1 / Math.sqrt(query.sizes.at(-1) as number);
  const [keys, values] = enableGqa ? [key, value].map((x) => shared(op, x, query)) : [key, value];
  return matmul(dropout(weightsOf(op, query, keys as Tensor, attnMask, isCausal, scale), { p: dropoutP }), values as Tensor);
}

/** Heads of keys or values, each as often as queries share it. */
function shared(op: string, x: Tensor, query: Tensor): Tensor {
  const [heads, wanted] = [x.sizes.at(-3), query.sizes.at(-3)];
  if (!heads || !wanted || wanted % heads !== 0)
    throw shapeError(op, 'with enableGqa the heads of keys and values divide those of queries, [..., heads, length, features]', [query.sizes, x.sizes], 'Check the heads.');
  const [batch, matrix] = [x.sizes.slice(0, -3), x.sizes.slice(-2)];
  const apart = reshape(x, [...batch, heads, 1, ...matrix]);
  return reshape(expand(apart, [...batch, heads, wanted / heads, ...matrix]), [...batch, wanted, ...matrix]);
}

/** How much each query takes of each key. */
function weightsOf(op: string, query: Tensor, key: Tensor, attnMask: Tensor | null | undefined, isCausal: boolean, scale: number): Tensor {
  let scores = matmul(mul(query, scale), transpose(key, -2, -1));
  if (attnMask) scores = attnMask.dtype === 'bool' ? where(attnMask, scores, Number.NEGATIVE_INFINITY) : add(scores, attnMask);
  if (isCausal) scores = where(le(aside(op, scores), 0), scores, Number.NEGATIVE_INFINITY);
  // Without a mask each query sees the first key.
  const sees = attnMask && any(ne(detach(scores), Number.NEGATIVE_INFINITY), -1, true);
  return sees ? where(sees, softmax(where(sees, scores, 0), -1), 0) : softmax(scores, -1);
}

/** How heads lie in what projections gave. */
export interface Heads {
  readonly heads: number;
  /** Whether the batch comes first, [N, L, E], and not the length. */
  readonly batchFirst: boolean;
  readonly causal: boolean;
}

/** @internal [N, L, E] or [L, N, E] by heads, [N, heads, L, d]. */
export function byHeads(x: Tensor, { heads, batchFirst }: Heads): Tensor {
  const [a, b, width] = x.sizes as [number, number, number];
  return permute(inShape(x, [a, b, heads, width / heads]), batchFirst ? [0, 2, 1, 3] : [1, 2, 0, 3]);
}

/** @internal Heads, [N, heads, L, d], side by side as they were. */
export function sideBySide(x: Tensor, { batchFirst }: Heads): Tensor {
  const y = permute(x, batchFirst ? [0, 2, 1, 3] : [2, 0, 1, 3]);
  return inShape(y, [y.sizes[0] as number, y.sizes[1] as number, (y.sizes[2] as number) * (y.sizes[3] as number)]);
}

/** Up to so many weights are kept for backward; more are computed again, head by head. */
const MOST_KEPT = 2 ** 21;

interface HeadsAttrs extends Heads {
  /** Whether the first input holds queries, keys and values side by side; else there are three. */
  readonly packed: boolean;
}

/** The parts of a list of inputs, and where kernels find them; `kept`: how many weights are kept in all. */
function placesOf(
  inputs: readonly Tensor[],
  { heads, batchFirst, causal, packed }: HeadsAttrs,
  keeps: boolean,
): { at: number[]; mask: Tensor | undefined; table: number[]; kept: number } {
  const [q, k, v] = packed ? [inputs[0], inputs[0], inputs[0]] : inputs;
  const width = (q?.sizes[2] as number) / (packed ? 3 : 1);
  const d = width / heads;
  const mask = inputs[packed ? 1 : 3];
  const [time, batch] = batchFirst ? [1, 0] : [0, 1];
  const strides = ({ steps }: Tensor, step: number): number[] => [steps[batch] as number, step, steps[time] as number];
  const [n, length, keys] = [q?.sizes[batch], q?.sizes[time], k?.sizes[time]] as [number, number, number];
  const kept = keeps && n * heads * length * keys <= MOST_KEPT ? length * keys : 0;
  const masked = mask ? [...new Array<number>(4 - mask.rank).fill(0), ...mask.steps.map((step, i) => (mask.sizes[i] === 1 ? 0 : step))].slice(0, 3) : [0, 0, 0];
  const outer = batchFirst ? [length * width, d, width] : [width, d, n * width];
  const parts = [q, k, v] as [Tensor, Tensor, Tensor];
  return {
    at: parts.map((x, i) => x.address + (packed ? 4 * i * width : 0)),
    mask,
    table: [n, heads, length, keys, d, causal ? 1 : 0, kept, ...parts.flatMap((x) => strides(x, d)), ...outer, ...masked],
    kept: kept * n * heads,
  };
}

const headsOp: Op<HeadsAttrs> = {
  name: 'attention',
  shape: ([x], { packed }) => (packed ? [...(x as Tensor).sizes.slice(0, 2), ((x as Tensor).sizes[2] as number) / 3] : (x as Tensor).sizes),
  forward: (y, inputs, attrs) => {
    const { at, mask, table, kept } = placesOf(inputs, attrs, isGradEnabled());
    const [, , length, keys, d] = table as [number, number, number, number, number];
    const weights = empty([kept || forTeam(length * keys)]);
    call('attention', at[0], at[1], at[2], y.address, weights.address, mask?.address ?? 0, constant(1 / Math.sqrt(d), 'float32').address, constantList(table).address);
    return [weights];
  },
  saves: everyInput,
  backward: (dy, node) => (isGradEnabled() ? headsByOps(dy, node) : headsByKernel(inShape(dy, [1, ...dy.sizes]), node).map((g) => g && inShape(g, g.sizes.slice(1)))),
  batched: headsByKernel,
};

/** Gradients for k cotangents, dy [k, …]. */
function headsByKernel(dy: Tensor, node: Node<HeadsAttrs>): (Tensor | null)[] {
  const { attrs, shapes } = node;
  const inputs = shapes.map((_, i) => dense(node.input(i)));
  const { at, mask, table } = placesOf(inputs, attrs, true);
  const [, , length, keys, d] = table as [number, number, number, number, number];
  const k = dy.sizes[0] as number;
  const gradients = inputs.slice(0, attrs.packed ? 1 : 3).map((x) => empty([k, ...x.sizes]));
  const to = attrs.packed ? [0, 1, 2].map((i) => (gradients[0] as Tensor).address + 4 * i * d * attrs.heads) : gradients.map((g) => g.address);
  const [u, scratch, scale, weights, sizes] = [dense(dy), empty([forTeam(length * keys)]), constant(1 / Math.sqrt(d), 'float32'), node.extra(0), constantList(table)];
  for (let i = 0; i < k; i++) {
    const [dq, dk, dv] = to.map((address, j) => address + 4 * i * (inputs[attrs.packed ? 0 : j] as Tensor).size);
    const from = u.address + (4 * i * u.size) / k;
    call('attentionGrad', at[0], at[1], at[2], from, weights.address, mask?.address ?? 0, scale.address, dq, dk, dv, scratch.address, sizes.address);
  }
  return shapes.map((_, i) => gradients[i] ?? null);
}

/** The same by ops, so that it can be differentiated again. */
function headsByOps(dy: Tensor, node: Node<HeadsAttrs>): (Tensor | null)[] {
  const { attrs } = node;
  const parts = attrs.packed ? chunk(node.input(0), 3, 2) : [0, 1, 2].map((i) => node.input(i));
  const [q, k, v] = parts.map((x) => byHeads(x, attrs)) as [Tensor, Tensor, Tensor];
  const mask = node.shapes.length === (attrs.packed ? 2 : 4) ? node.input(attrs.packed ? 1 : 3) : null;
  const scale = 1 / Math.sqrt(q.sizes[3] as number);
  const p = weightsOf('attention', q, k, mask, attrs.causal, scale);
  const u = byHeads(dy, attrs);
  const dp = matmul(u, transpose(v, -2, -1));
  const ds = mul(mul(p, sub(dp, sum(mul(dp, p), -1, true))), scale);
  const found = [matmul(ds, k), matmul(transpose(ds, -2, -1), q), matmul(transpose(p, -2, -1), u)].map((g) => sideBySide(g, attrs));
  const gradients = attrs.packed ? [cat(found, 2)] : found;
  return node.shapes.map((_, i) => gradients[i] ?? null);
}

/**
 * @internal Attention of all heads at once: of one tensor with queries, keys and values side by side [.., .., 3E], or of three [.., .., E];
 * `mask`: float32 [L, S] to [N, heads, L, S], no gradient passes to it. → [.., .., E] as the queries. A query that sees nothing gives 0.
 */
export function attentionOfHeads(parts: readonly Tensor[], mask: Tensor | null, how: Heads): Tensor {
  return apply(headsOp, mask ? [...parts, mask] : parts, { ...how, packed: parts.length === 1 });
}
