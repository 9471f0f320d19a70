// Batch and instance normalisation: channels brought to mean 0 and variance 1, fused both ways; scale and shift are ordinary ops behind.
import { call } from '../runtime/call.ts';
import { assertTensor, either, FINITE, FLAG, type Kinds, NUMBER, optionsBy, orNull, TENSOR } from '../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../tensor/errors.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import { noGrad } from '../tensor/modes.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { add, mul, type Operand, sub } from './binary.ts';
import { constant } from './create.ts';
import { copy_ } from './inplace.ts';
import { mean } from './moments.ts';
import { clone, contiguous, reshape, transpose } from './movement.ts';
import { checkChannels, normGradients, normGradOp, scaleChannels } from './norm.ts';
import { rsqrt } from './unary.ts';

interface NormAttrs {
  eps: number;
  /** Where forward puts each channel's mean and variance (divided by the count), float32 [C]. */
  mean: Tensor;
  variance: Tensor;
}

/** x [N, C, L], channels normalised over N and L. */
const normOp: Op<NormAttrs> = {
  name: 'batchNorm',
  forward: (y, [x], { eps, mean, variance }) => {
    const [n, c, l] = y.sizes as [number, number, number];
    const inverse = empty([1, c, 1]);
    call('batchNorm', (x as Tensor).address, y.address, mean.address, variance.address, inverse.address, n, c, l, constant(eps, 'float32').address);
    return [mean, inverse];
  },
  saves: everyInput,
  backward: (dy, node) => [apply(gradOp, [dy, node.input(0), node.extra(0), node.extra(1)], node.attrs)],
  batched: (dy, node) => [normGradients(gradOp, dy, node)],
};

const gradOp = normGradOp<NormAttrs>(
  'batchNormGrad',
  (x) => mean(x, [0, 2], true),
  (x, { eps, mean }) => apply(normOp, [x], { eps, mean: empty(mean.sizes), variance: empty(mean.sizes) }),
  (dx, [dy, x, m, r]) => {
    const [n, c, l] = dx.sizes as [number, number, number];
    call('batchNormGrad', (dy as Tensor).address, (x as Tensor).address, (m as Tensor).address, (r as Tensor).address, dx.address, n, c, l);
  },
);

/** Options of batch and instance normalisation, with PyTorch's defaults. */
export interface ChannelNormOptions {
  /** Scale per channel, [C], if any. */
  weight?: Tensor | null;
  /** Shift per channel, [C], if any. */
  bias?: Tensor | null;
  /** How far the running statistics go towards the batch's: a number, or a scalar tensor, which is read anew at each call; default 0.1. */
  momentum?: Operand;
  /** Added to the variance; default 1e-5. */
  eps?: number;
}

/** Options of `batchNorm`. */
export interface BatchNormOptions extends ChannelNormOptions {
  /** Whether the batch's own statistics count; not by default. */
  training?: boolean;
}

const [VECTOR, SHARE] = [/* @__PURE__ */ orNull(TENSOR), /* @__PURE__ */ either(NUMBER, TENSOR)];
const BATCH: Kinds<BatchNormOptions> = { weight: VECTOR, bias: VECTOR, training: FLAG, momentum: SHARE, eps: FINITE };

/** running ← running + momentum·(batch − running), in place. */
function follow(running: Tensor, batch: Tensor, momentum: Operand): void {
  noGrad(() => copy_(running, add(running, mul(sub(batch, running), momentum))));
}

/** Normalised by what was tracked: one scale and one shift per channel. */
function byRunning(x: Tensor, runningMean: Tensor, runningVar: Tensor, { weight, bias, eps = 1e-5 }: ChannelNormOptions): Tensor {
  const inverse = rsqrt(add(runningVar, eps));
  const scale = weight ? mul(inverse, weight) : inverse;
  const shift = mul(runningMean, mul(scale, -1));
  return scaleChannels(x, scale, bias ? add(shift, bias) : shift);
}

/** Throws unless x is a tensor and running statistics are such, or left out. */
function checkInput(op: string, x: Tensor, runningMean: Tensor | null | undefined, runningVar: Tensor | null | undefined): void {
  assertTensor(op, x);
  if (runningMean) assertTensor(op, runningMean, 'runningMean');
  if (runningVar) assertTensor(op, runningVar, 'runningVar');
}

/** Throws where a channel has one element only: its variance would be 0 whatever the element is. */
function checkCount(op: string, x: Tensor, count: number): void {
  if (count === 1) throw valueError(op, `a channel of ${shapeText(x.sizes)} has one value, which says nothing of its spread. Use a larger batch, or eval() for single samples.`);
}

/**
 * (x − mean)/√(variance + ε)·weight + bias per channel (Ioffe & Szegedy 2015, arXiv 1502.03167). x [N, C, ...]. With `training`, by the
 * batch's own mean and variance, towards which the running ones, where given, are moved in place (the variance divided by count − 1);
 * else by the running ones.
 *
 * @throws VALUE in training where a channel has one value only
 */
export function batchNorm(
  x: Tensor,
  runningMean: Tensor | null | undefined,
  runningVar: Tensor | null | undefined,
  ...given: [weight?: BatchNormOptions | Tensor | null, bias?: Tensor | null, training?: boolean, momentum?: Operand, eps?: number]
): Tensor {
  const op = 'batchNorm';
  const options = optionsBy(op, given, BATCH);
  const { weight, bias, momentum = 0.1, eps = 1e-5, training = false } = options;
  checkInput(op, x, runningMean, runningVar);
  if (x.rank < 2 && x.size === 0) return clone(x); // PyTorch takes nothing in any shape
  checkChannels(op, x, [runningMean, runningVar, weight, bias]);
  if (!training) {
    if (runningMean && runningVar) return byRunning(x, runningMean, runningVar, options);
    throw new GradloomError('VALUE', op, 'without training it needs runningMean and runningVar. Pass them, or training: true.');
  }
  const [n, c] = x.sizes as [number, number];
  const count = c === 0 ? 0 : x.size / c;
  checkCount(op, x, count);
  const flat = n > 0 && count === n; // [N, C]: channels as rows, so that their elements lie side by side
  const blocks = flat ? reshape(transpose(reshape(x, [n, c]), 0, 1), [1, c, n]) : reshape(x, [n, c, n === 0 ? 0 : count / n]);
  const [m, v] = [empty([c]), empty([c])];
  const y = apply(normOp, [blocks], { eps, mean: m, variance: v });
  if (count > 0) {
    if (runningMean) follow(runningMean, m, momentum);
    if (runningVar) follow(runningVar, mul(v, count / (count - 1)), momentum);
  }
  const normal = flat ? transpose(reshape(y, [c, n]), 0, 1) : y;
  return scaleChannels(reshape(weight || bias ? normal : contiguous(normal), x.sizes), weight, bias);
}

/** Options of `instanceNorm`, with PyTorch's defaults. */
export interface InstanceNormOptions extends ChannelNormOptions {
  /** Running mean and variance, [C]: moved in place with `useInputStats`, else used. */
  runningMean?: Tensor | null;
  /** The running variance. */
  runningVar?: Tensor | null;
  /** Whether each sample is normalised by its own statistics; true by default. */
  useInputStats?: boolean;
}

const INSTANCE: Kinds<InstanceNormOptions> = { runningMean: VECTOR, runningVar: VECTOR, weight: VECTOR, bias: VECTOR, useInputStats: FLAG, momentum: SHARE, eps: FINITE };

/** As `batchNorm`, but each sample's channels by their own mean and variance (Ulyanov et al. 2016, arXiv 1607.08022). x [N, C, ...]. */
export function instanceNorm(
  x: Tensor,
  ...given: [
    runningMean?: InstanceNormOptions | Tensor | null,
    runningVar?: Tensor | null,
    weight?: Tensor | null,
    bias?: Tensor | null,
    useInputStats?: boolean,
    momentum?: Operand,
    eps?: number,
  ]
): Tensor {
  const op = 'instanceNorm';
  const { runningMean, runningVar, weight, bias, momentum = 0.1, eps = 1e-5, useInputStats = true } = optionsBy(op, given, INSTANCE);
  checkChannels(op, x, [runningMean, runningVar, weight, bias]);
  if (!useInputStats) return batchNorm(x, runningMean, runningVar, { weight, bias, eps });
  const [n, c] = x.sizes as [number, number];
  const count = n * c === 0 ? 0 : x.size / (n * c);
  checkCount(op, x, count);
  const [m, v] = [empty([n * c]), empty([n * c])];
  const y = apply(normOp, [reshape(x, [1, n * c, count])], { eps, mean: m, variance: v });
  const average = (each: Tensor): Tensor => mean(reshape(each, [n, c]), 0);
  if (count > 0) {
    if (runningMean) follow(runningMean, average(m), momentum);
    if (runningVar) follow(runningVar, mul(average(v), count / (count - 1)), momentum);
  }
  return scaleChannels(reshape(y, x.sizes), weight, bias);
}
