// What losses share: how a loss per element becomes what was asked for, the kinds of their options, and checks of what they are given.
import { Module } from '../module/module.ts';
import { Buffer } from '../module/parameter.ts';
import { lt } from '../ops/binary.ts';
import type { Reduction } from '../ops/loss.ts';
import { mean } from '../ops/moments.ts';
import { sum } from '../ops/reduce.ts';
import { call } from '../runtime/call.ts';
import { assertTensor, type Kind, type Kinds, optionsBy } from '../tensor/check.ts';
import { viewOf } from '../tensor/dtype.ts';
import { GradloomError, shapeError, shapeText, valueError } from '../tensor/errors.ts';
import { dense } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { broadcastShapes, sameShape, type Shape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import { Tensor } from '../tensor/tensor.ts';

export type { Reduction } from '../ops/loss.ts';

/** Options of losses between two tensors of one shape. */
export interface LossOptions {
  /** 'mean', 'sum' or 'none'; default 'mean'. */
  reduction?: Reduction;
}

/** How losses are reduced. */
export const REDUCTION: Kind = { what: "'none', 'mean' or 'sum'", test: (v) => v === 'mean' || v === 'sum' || v === 'none' };
/** Weights of classes or elements; null is none. */
export const WEIGHT: Kind = { what: 'a tensor or null', test: (v) => v === null || v instanceof Tensor };
/** The options of losses that have no other. */
export const LOSS: Kinds<LossOptions> = { reduction: REDUCTION };

/** Throws unless input and target are tensors. */
export function assertPair(op: string, input: Tensor, target: Tensor): void {
  assertTensor(op, input);
  assertTensor(op, target, 'target');
}

/** Throws unless input and target are tensors of one shape. */
export function checkSameShape(op: string, input: Tensor, target: Tensor): void {
  assertPair(op, input, target);
  if (!sameShape(input.sizes, target.sizes)) throw shapeError(op, 'input and target differ', [input.sizes, target.sizes], 'They must have one shape.');
}

/** Throws unless a weight, where there is one, broadcasts to what it weighs. */
export function checkWeight(op: string, name: string, weight: Tensor | null | undefined, shape: Shape): void {
  if (weight && !sameShape(broadcastShapes(op, weight.sizes, shape), shape))
    throw shapeError(op, `the ${name} is larger than what it weighs`, [weight.sizes, shape], `It must broadcast to ${shapeText(shape)}.`);
}

/** Throws unless the weight, where there is one, has one number per class. */
export function checkClassWeight(op: string, weight: Tensor | null | undefined, classes: number): void {
  if (!weight || (weight.rank === 1 && weight.size === classes && weight.dtype === 'float32')) return;
  throw new GradloomError('SHAPE', op, `the weight is not one number per class: ${weight.describe()} for ${classes} classes. Give it float32 [${classes}].`);
}

/** Throws where an element is below 0, in replays too. */
export function checkNotNegative(op: string, name: string, x: Tensor): void {
  const list = dense(x);
  const flags = noGrad(() => lt(list, 0));
  const error = (at: number): Error =>
    valueError(op, `${name} must not be negative, got ${viewOf(list.dtype)[list.address / 4 + at]} at position ${at}. Give it through exp or softplus.`);
  // A flag is a word of 0 or 1: the first outside of [0, 1).
  const at = call('findOutOfRange', flags.address, flags.size, 0, 1, 0);
  if (at >= 0) throw error(at);
  recording()?.check(error);
}

/** Losses per element, reduced; default 'mean'. */
export function reduceLoss(losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : mean(losses);
}

/** The weight of a loss as a buffer of its own, taken out of the options. */
export function bufferOf(options: { weight?: Tensor | null; posWeight?: Tensor | null }, name: 'weight' | 'posWeight' = 'weight'): Buffer | null {
  const weight = options[name];
  delete options[name];
  return weight ? new Buffer(weight) : null;
}

/** A loss function with its options, as a module: the options are checked when it is built. */
export abstract class LossModule<O extends object> extends Module {
  protected readonly options: O;

  /** @internal */
  constructor(name: string, given: readonly unknown[], kinds: Kinds<O>, check?: (op: string, options: O) => void) {
    super();
    this.options = { ...optionsBy(name, given, kinds) };
    check?.(name, this.options);
  }
}
