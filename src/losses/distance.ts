// Losses of the difference between two tensors, other than its square.
import { sub } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { huber, smoothL1 } from '../ops/loss.ts';
import { abs } from '../ops/unary.ts';
import { type Given, type Kinds, NUMBER, optionsBy } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { broadcastShapes } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { warnBroadcast } from './mse.ts';
import { assertPair, LOSS, LossModule, type LossOptions, REDUCTION, type Reduction, reduceLoss } from './reduction.ts';

/** Options of `smoothL1Loss`, with PyTorch's defaults. */
export interface SmoothL1Options extends LossOptions {
  /** Where the square ends; default 1, 0 gives `l1Loss`. */
  beta?: number;
}

/** Options of `huberLoss`, with PyTorch's defaults. */
export interface HuberOptions extends LossOptions {
  /** Where the square ends; default 1. */
  delta?: number;
}

const SMOOTH: Kinds<SmoothL1Options> = { reduction: REDUCTION, beta: NUMBER };
const HUBER: Kinds<HuberOptions> = { reduction: REDUCTION, delta: NUMBER };

function checkBeta(op: string, { beta = 1 }: SmoothL1Options): void {
  if (!(beta >= 0)) throw valueError(op, `beta must be ≥ 0, got ${beta}.`);
}

function checkDelta(op: string, { delta = 1 }: HuberOptions): void {
  if (!(delta > 0)) throw valueError(op, `delta must be > 0, got ${delta}.`);
}

/** input − target, element by element, after the checks that all of them share. */
function difference(op: string, input: Tensor, target: Tensor): Tensor {
  assertPair(op, input, target);
  broadcastShapes(op, input.sizes, target.sizes);
  warnBroadcast(op, input, target);
  return sub(asFloat(input), asFloat(target));
}

/** |input − target|, reduced. The gradient at 0 is 0. */
export function l1Loss(input: Tensor, target: Tensor, ...given: Given<LossOptions>): Tensor {
  const { reduction } = optionsBy('l1Loss', given, LOSS);
  return reduceLoss(abs(difference('l1Loss', input, target)), reduction);
}

/** With d = |input − target|: d²/2β below β, d − β/2 above (Girshick 2015, arXiv 1504.08083); default β = 1, 0 gives `l1Loss`. */
export function smoothL1Loss(input: Tensor, target: Tensor, ...given: Given<SmoothL1Options>): Tensor {
  const options = optionsBy('smoothL1Loss', given, SMOOTH);
  checkBeta('smoothL1Loss', options);
  const { beta = 1 } = options;
  const e = difference('smoothL1Loss', input, target);
  return reduceLoss(beta === 0 ? abs(e) : smoothL1(e, beta), options.reduction);
}

/** With d = |input − target|: d²/2 up to δ, δ·(d − δ/2) above (Huber 1964); default δ = 1. It is δ · `smoothL1Loss` with β = δ. */
export function huberLoss(input: Tensor, target: Tensor, ...given: Given<HuberOptions>): Tensor {
  const options = optionsBy('huberLoss', given, HUBER);
  checkDelta('huberLoss', options);
  const { delta = 1 } = options;
  return reduceLoss(huber(difference('huberLoss', input, target), delta), options.reduction);
}

/** `l1Loss` as a module. */
export class L1Loss extends LossModule<LossOptions> {
  constructor(...given: Given<LossOptions, [reduction?: Reduction]>) {
    super('L1Loss', given, LOSS);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, this.options);
  }
}

/** `smoothL1Loss` as a module. */
export class SmoothL1Loss extends LossModule<SmoothL1Options> {
  constructor(...given: Given<SmoothL1Options, [reduction?: Reduction, beta?: number]>) {
    super('SmoothL1Loss', given, SMOOTH, checkBeta);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(input, target, this.options);
  }
}

/** `huberLoss` as a module. */
export class HuberLoss extends LossModule<HuberOptions> {
  constructor(...given: Given<HuberOptions, [reduction?: Reduction, delta?: number]>) {
    super('HuberLoss', given, HUBER, checkDelta);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, this.options);
  }
}
