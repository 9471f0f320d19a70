// Layer, group and root-mean-square normalisation: fused forward and gradient over rows; scale and shift are ordinary ops behind them.
import { call } from '../runtime/call.ts';
import { checkArgument, FINITE, isListOf, type Kind, type Kinds, optionsBy, orNull, TENSOR, valueText, WHOLE } from '../tensor/check.ts';
import { shapeError, shapeText, valueError } from '../tensor/errors.ts';
import { apply, dense, everyInput, type Op } from '../tensor/op.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import type { Node } from '../tensor/tape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { add, mul, sub } from './binary.ts';
import { assertFloat } from './convert.ts';
import { constant } from './create.ts';
import { mean } from './moments.ts';
import { inShape, select } from './movement.ts';
import { rsqrt, square } from './unary.ts';

interface NormAttrs {
  eps: number;
}

const normOp: Op<NormAttrs> = {
  name: 'layerNorm',
  forward: (y, [x], { eps }) => {
    const [rows, n] = y.sizes as [number, number];
    const [m, r] = [empty([rows]), empty([rows, 1])];
    call('layerNorm', (x as Tensor).address, y.address, m.address, r.address, rows, n, constant(eps, 'float32').address);
    return [m, r];
  },
  saves: everyInput,
  backward: (dy, node) => [apply(rowGradOp, [dy, node.input(0), node.extra(0), node.extra(1)], node.attrs)],
  batched: (dy, node) => [normGradients(rowGradOp, dy, node)],
};

/** @internal A normalisation's gradient for each of several dy, by its kernel. */
export function normGradients<A>({ forward }: Op<A>, dy: Tensor, node: Node<A>): Tensor {
  const [from, to] = [dense(dy), empty(dy.sizes)];
  const rest = [dense(node.input(0)), node.extra(0), node.extra(1)];
  for (let i = 0; i < (dy.sizes[0] as number); i++) forward(select(to, 0, i), [select(from, 0, i), ...rest], node.attrs);
  return to;
}

/**
 * @internal The gradient of a normalisation: P(dy) = r·(dy − mean(dy) − y·mean(dy·y)), with y = r·(x − m) what was normalised, r its inverse
 * deviation and m its mean. Inputs: dy, x, m, r; m and r come with x, so only dy and x have gradients. P is its own transpose. For a cotangent
 * u, with a = mean(u·y), b = mean(dy·y) and S = mean(u·dy) − mean(u)·mean(dy) − a·b, the gradient towards x is −(r²·S·y + r·(b·P(u) + a·P(dy))).
 * `meanOf` is the mean that the forward took, its dimensions kept; `normalized` the forward itself, from x to y.
 */
export function normGradOp<A>(name: string, meanOf: (x: Tensor) => Tensor, normalized: (x: Tensor, attrs: A) => Tensor, forward: Op<A>['forward']): Op<A> {
  const op: Op<A> = {
    name,
    shape: ([dy]) => (dy as Tensor).sizes,
    forward,
    saves: everyInput,
    backward: (u, node) => {
      const [dy, x, m, r] = [0, 1, 2, 3].map((i) => node.input(i)) as [Tensor, Tensor, Tensor, Tensor];
      const y = normalized(x, node.attrs);
      const project = (v: Tensor): Tensor => apply(op, [v, x, m, r], node.attrs);
      const [a, b] = [meanOf(mul(u, y)), meanOf(mul(dy, y))];
      const s = sub(sub(meanOf(mul(u, dy)), mul(meanOf(u), meanOf(dy))), mul(a, b));
      const pu = project(u);
      const towardsX = mul(add(mul(mul(mul(r, r), s), y), mul(r, add(mul(b, pu), mul(a, project(dy))))), -1);
      return [pu, node.needs[1] ? towardsX : null, null, null];
    },
  };
  return op;
}

const rowGradOp = normGradOp<NormAttrs>(
  'layerNormGrad',
  (x) => mean(x, 1, true),
  (x, attrs) => apply(normOp, [x], attrs),
  (dx, [dy, x, m, r]) => {
    const [rows, n] = dx.sizes as [number, number];
    call('layerNormGrad', (dy as Tensor).address, (x as Tensor).address, (m as Tensor).address, (r as Tensor).address, dx.address, rows, n);
  },
);

/** Options of layer normalisation, with PyTorch's defaults. */
export interface LayerNormOptions {
  /** Scale, of the normalised shape, if any. */
  weight?: Tensor | null;
  /** Shift, of the normalised shape, if any. */
  bias?: Tensor | null;
  /** Added to the variance; default 1e-5. */
  eps?: number;
}

const VECTOR = /* @__PURE__ */ orNull(TENSOR);
const SIZES: Kind = { what: 'a list of sizes', test: (v) => isListOf(v, WHOLE.test) };
const LAYER: Kinds<LayerNormOptions> = { weight: VECTOR, bias: VECTOR, eps: FINITE };

/** Throws unless x ends with the normalised shape and parameters have it. */
function checkLast(op: string, x: Tensor, normalizedShape: Shape, parameters: readonly (Tensor | null | undefined)[]): void {
  assertFloat(op, x);
  checkArgument(op, 'normalizedShape', normalizedShape, SIZES);
  if (normalizedShape.length === 0 || normalizedShape.join() !== x.sizes.slice(-normalizedShape.length).join()) {
    throw shapeError(op, 'the input does not end with the normalised shape', [x.sizes, normalizedShape], `Its last sizes must be ${shapeText(normalizedShape)}.`);
  }
  for (const t of parameters)
    if (t && t.sizes.join() !== normalizedShape.join()) throw shapeError(op, 'weight and bias must have the normalised shape', [t.sizes, normalizedShape], 'Reshape them.');
}

/**
 * (x − mean)/√(variance + ε)·weight + bias over the last dimensions, which must be `normalizedShape` (Ba, Kiros & Hinton 2016,
 * arXiv 1607.06450).
 */
export function layerNorm(x: Tensor, normalizedShape: Shape, ...given: [weight?: LayerNormOptions | Tensor | null, bias?: Tensor | null, eps?: number]): Tensor {
  const op = 'layerNorm';
  const { weight, bias, eps = 1e-5 } = optionsBy(op, given, LAYER);
  checkLast(op, x, normalizedShape, [weight, bias]);
  const n = sizeOf(normalizedShape);
  const y = inShape(apply(normOp, [inShape(x, [n === 0 ? 0 : x.size / n, n])], { eps }), x.sizes);
  const scaled = weight ? mul(y, weight) : y;
  return bias ? add(scaled, bias) : scaled;
}

/** Options of `groupNorm`, with PyTorch's defaults. */
export interface GroupNormOptions {
  /** Scale per channel, [C], if any. */
  weight?: Tensor | null;
  /** Shift per channel, [C], if any. */
  bias?: Tensor | null;
  /** Added to the variance; default 1e-5. */
  eps?: number;
}

const GROUP: Kinds<GroupNormOptions> = LAYER;

/** (x − mean)/√(variance + ε)·weight + bias, mean and variance over each sample's groups of channels (Wu & He 2018, arXiv 1803.08494). x [N, C, ...]. */
export function groupNorm(x: Tensor, groups: number, ...given: [weight?: GroupNormOptions | Tensor | null, bias?: Tensor | null, eps?: number]): Tensor {
  const op = 'groupNorm';
  const { weight, bias, eps = 1e-5 } = optionsBy(op, given, GROUP);
  checkChannels(op, x, [weight, bias]);
  const [n, c] = x.sizes as [number, number];
  if (!Number.isInteger(groups) || groups < 1 || c % groups !== 0) throw valueError(op, `${valueText(groups)} groups do not divide ${c} channels. Choose a divisor.`);
  // As PyTorch, which counts the batch too.
  if (x.size === groups) throw valueError(op, `a group of ${shapeText(x.sizes)} has one value, which says nothing of its spread. Use fewer groups.`);
  const rows = n * groups;
  return scaleChannels(inShape(apply(normOp, [inShape(x, [rows, rows === 0 ? 0 : x.size / rows])], { eps }), x.sizes), weight, bias);
}

/** Options of `rmsNorm`. */
export interface RMSNormOptions {
  /** Scale, of the normalised shape, if any. */
  weight?: Tensor | null;
  /** Added to the mean square; default 2⁻²³. */
  eps?: number;
}

const RMS: Kinds<RMSNormOptions> = { weight: VECTOR, eps: FINITE };

/** x/√(mean(x²) + ε)·weight over the last dimensions, which must be `normalizedShape` (Zhang & Sennrich 2019, arXiv 1910.07467). */
export function rmsNorm(x: Tensor, normalizedShape: Shape, ...given: [weight?: RMSNormOptions | Tensor | null, eps?: number]): Tensor {
  const { weight, eps = 2 ** -23 } = optionsBy('rmsNorm', given, RMS);
  checkLast('rmsNorm', x, normalizedShape, [weight]);
  const dim = normalizedShape.map((_, i) => -1 - i);
  const y = mul(x, rsqrt(add(mean(square(x), dim, true), eps)));
  return weight ? mul(y, weight) : y;
}

/** @internal y·weight + bias, channel by channel: vectors [C] beside y [N, C, ...]. */
export function scaleChannels(y: Tensor, weight: Tensor | null | undefined, bias: Tensor | null | undefined): Tensor {
  const perChannel = (v: Tensor): Tensor => inShape(v, [v.size, ...y.sizes.slice(2).map(() => 1)]);
  const scaled = weight ? mul(y, perChannel(weight)) : y;
  return bias ? add(scaled, perChannel(bias)) : scaled;
}

/** @internal Throws unless x is [N, C, ...] and what belongs to channels is [C]. */
export function checkChannels(op: string, x: Tensor, vectors: readonly (Tensor | null | undefined)[]): void {
  assertFloat(op, x);
  if (x.rank < 2) throw shapeError(op, 'takes [N, C, ...]', [x.sizes], 'Give the input a batch and a channel dimension.');
  for (const v of vectors)
    if (v && (v.rank !== 1 || v.size !== x.sizes[1]))
      throw shapeError(op, 'a vector of channels does not fit', [v.sizes, x.sizes], `It must be [${x.sizes[1]}], one number per channel.`);
}
