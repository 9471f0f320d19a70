// Fused losses: cross-entropy and squared error, one kernel each way. The functions users call are in losses/.
import { call } from '../runtime/call.ts';
import { apply, copyElements, detach, everyInput, type Op } from '../tensor/op.ts';
import { isGradEnabled, noGrad } from '../tensor/modes.ts';
import { type Edge, putNode } from '../tensor/tape.ts';
import { empty, Tensor } from '../tensor/tensor.ts';
import { add, div, ge, le, lt, mul, ne, sub, where } from './binary.ts';
import { asFloat } from './convert.ts';
import { constant } from './create.ts';
import { formulaOp } from './formula.ts';
import { indexSelect, oneHot } from './indexing.ts';
import { reshape } from './movement.ts';
import { between } from './piecewise.ts';
import { sum } from './reduce.ts';
import { softmax } from './softmax.ts';
import { abs, log, sign, square } from './unary.ts';

/** How a loss over many elements becomes one number. */
export type Reduction = 'none' | 'mean' | 'sum';

/** Options of the fused cross-entropy, all given. */
export interface CrossEntropyAttrs {
  /** The class index that does not count. */
  ignoreIndex: number;
  /** ε, the share of the target that is spread over all classes. */
  labelSmoothing: number;
  reduction: Reduction;
}

/** The extra inputs' places: logits [rows, classes], target (int32 [rows] or float32 [rows, classes]), weight [classes] or none. */
type Inputs = readonly [x: Tensor, target: Tensor, weight?: Tensor];

/**
 * The target distribution with class weights and smoothing inside, [rows, classes], in ops: what the second gradient needs.
 * The formula stands in assembly/kernels/loss.ts.
 */
function distribution(target: Tensor, weight: Tensor | undefined, classes: number, { ignoreIndex, labelSmoothing }: CrossEntropyAttrs): Tensor {
  const share = labelSmoothing / classes;
  if (target.dtype === 'float32') {
    const smooth = add(mul(target, 1 - labelSmoothing), share);
    return weight ? mul(smooth, weight) : smooth;
  }
  const counted = ne(target, ignoreIndex);
  const index = where(counted, target, 0);
  const hot = mul(oneHot(index, classes), weight ? reshape(indexSelect(weight, 0, index), [index.size, 1]) : 1);
  const spread = add(mul(hot, 1 - labelSmoothing), weight ? mul(weight, share) : share);
  return mul(spread, reshape(asFloat(counted), [counted.size, 1]));
}

const crossEntropyOp: Op<CrossEntropyAttrs> = {
  name: 'crossEntropy',
  shape: ([x], { reduction }) => (reduction === 'none' ? [(x as Tensor).sizes[0] as number] : []),
  forward: (y, inputs, { ignoreIndex, labelSmoothing, reduction }) => {
    const [x, target, weight] = inputs as unknown as Inputs;
    const [rows, classes] = x.sizes as [number, number];
    const [exps, sums, weights, scale] = [empty(x.sizes), empty([rows]), empty([rows]), empty([])];
    const losses = reduction === 'none' ? y : empty([rows]);
    const words = [x.address, target.address, weight?.address ?? 0, losses.address, exps.address, sums.address, weights.address, rows, classes] as const;
    const smoothing = constant(labelSmoothing, 'float32').address;
    if (target.dtype === 'int32') call('crossEntropyClasses', ...words, ignoreIndex, smoothing);
    else call('crossEntropyProbabilities', ...words, smoothing);
    if (reduction === 'none')
      call('fill', scale.address, 1, 0x3f800000); // 1.0
    else call('reduceLosses', losses.address, weights.address, y.address, scale.address, rows, reduction === 'mean' ? 1 : 0);
    return [exps, sums, scale];
  },
  // Not the logits, which may be written to meanwhile: their exponentials stand for them.
  saves: (needs) => needs.map((_, i) => i > 0),
  backward: (dy, node) => {
    const rest = node.shapes.slice(1).map((_, i) => node.input(i + 1));
    const dx = apply(crossEntropyGradOp, [dy, inPlaceOf(node.edges[0] as Edge, node.extra(0)), node.extra(1), node.extra(2), ...rest], node.attrs);
    return node.shapes.map((_, i) => (i === 0 ? dx : null));
  },
};

/** Passes on the gradient of values that stand for its input's. */
const standInOp: Op<{ values: Tensor }> = {
  name: 'crossEntropy',
  shape: (_, { values }) => values.sizes,
  strided: true,
  forward: (y, _, { values }) => copyElements(values, y),
  backward: (dy) => [dy],
};

/** Values, with the place in the graph that an input of theirs had. */
function inPlaceOf(edge: Edge, values: Tensor): Tensor {
  if (edge instanceof Tensor) return isGradEnabled() ? apply(standInOp, [edge], { values }) : values;
  const y = detach(values);
  putNode(y, edge);
  return y;
}

/** Inputs: dy, e^(x − max) at the logits' place in the graph, what else forward kept (sums, scale), target, weight or none. Only dy and the logits have gradients. */
const crossEntropyGradOp: Op<CrossEntropyAttrs> = {
  name: 'crossEntropyGrad',
  shape: ([, x]) => (x as Tensor).sizes,
  forward: (dx, inputs, { ignoreIndex, labelSmoothing }) => {
    const [dy, exps, sums, scale, target, weight] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor?];
    const [rows, classes] = exps.sizes as [number, number];
    const words = [dy.address, dy.rank, scale.address, exps.address, sums.address, target.address, weight?.address ?? 0, dx.address, rows, classes] as const;
    const smoothing = constant(labelSmoothing, 'float32').address;
    if (target.dtype === 'int32') call('crossEntropyClassesGrad', ...words, ignoreIndex, smoothing);
    else call('crossEntropyProbabilitiesGrad', ...words, smoothing);
  },
  saves: everyInput,
  backward: (u, node) => {
    const [dy, exps, , scale, target, weight] = node.shapes.map((_, i) => node.input(i)) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor?];
    // Logits less their maximum, as good as they themselves.
    const x = inPlaceOf(
      node.edges[1] as Edge,
      noGrad(() => log(exps)),
    );
    const perRow = (v: Tensor): Tensor => (v.rank === 1 ? reshape(v, [v.size, 1]) : v);
    const t = distribution(target, weight, x.sizes[1] as number, node.attrs);
    const mass = sum(t, 1, true);
    const p = softmax(x, 1);
    const pu = mul(p, u);
    const towardsX = mul(mul(perRow(mul(dy, scale)), mass), sub(pu, mul(p, sum(pu, 1, true))));
    const towardsDy = mul(sum(mul(u, sub(mul(mass, p), t)), dy.rank === 1 ? 1 : undefined), scale);
    return node.shapes.map((_, i) => (i === 0 ? towardsDy : i === 1 ? towardsX : null));
  },
};

/** @internal Cross-entropy of logits [rows, classes], fused. The target has no gradient here. */
export function crossEntropyRows(x: Tensor, target: Tensor, weight: Tensor | undefined, attrs: CrossEntropyAttrs): Tensor {
  return apply(crossEntropyOp, weight ? [x, target, weight] : [x, target], attrs);
}

const squaredErrorOp: Op<{ mean: boolean }> = {
  name: 'mseLoss',
  shape: () => [],
  forward: (y, [x, t], { mean }) => {
    call('squaredError', (x as Tensor).address, (t as Tensor).address, y.address, (x as Tensor).size, mean ? 1 : 0);
  },
  saves: everyInput,
  backward: (dy, node) => {
    const dx = apply(squaredErrorGradOp, [dy, node.input(0), node.input(1)], node.attrs);
    return [dx, node.needs[1] ? mul(dx, -1) : null];
  },
};

/** dy·c·(x − t), c = 2, or 2/n for the mean. */
const squaredErrorGradOp: Op<{ mean: boolean }> = {
  name: 'mseLossGrad',
  shape: ([, x]) => (x as Tensor).sizes,
  forward: (dx, [dy, x, t], { mean }) => {
    call('squaredErrorGrad', (dy as Tensor).address, (x as Tensor).address, (t as Tensor).address, dx.address, dx.size, mean ? 1 : 0);
  },
  saves: everyInput,
  backward: (u, node) => {
    const [dy, x, t] = [node.input(0), node.input(1), node.input(2)];
    const scaled = mul(u, node.attrs.mean ? 2 / x.size : 2);
    const dx = mul(scaled, dy);
    return [sum(mul(scaled, sub(x, t))), dx, mul(dx, -1)];
  },
};

/** @internal Σ (x − t)² or its mean, for two tensors of one shape, fused. */
export function squaredError(x: Tensor, t: Tensor, mean: boolean): Tensor {
  return apply(squaredErrorOp, [x, t], { mean });
}

// Losses of a difference e. Their gradients are bounded, whatever e is.
const huberOp = /* @__PURE__ */ formulaOp<{ delta: number }>(
  'huberLoss',
  (e, { delta }) => {
    const d = abs(e);
    return where(le(d, delta), mul(square(d), 0.5), mul(sub(d, delta / 2), delta));
  },
  (dy, e, { delta }) => mul(dy, between(e, -delta, delta)),
);

/** @internal e²/2 up to δ, δ·(|e| − δ/2) above, per element. */
export function huber(e: Tensor, delta: number): Tensor {
  return apply(huberOp, [e], { delta });
}

const smoothL1Op = /* @__PURE__ */ formulaOp<{ beta: number }>(
  'smoothL1Loss',
  (e, { beta }) => {
    const d = abs(e);
    return where(lt(d, beta), div(square(d), 2 * beta), sub(d, beta / 2));
  },
  (dy, e, { beta }) => where(ge(abs(e), beta), mul(dy, sign(e)), mul(div(dy, beta), between(e, -beta, beta))),
);

/** @internal e²/2β below β > 0, |e| − β/2 above, per element. */
export function smoothL1(e: Tensor, beta: number): Tensor {
  return apply(smoothL1Op, [e], { beta });
}
