// Losses of the difference between two tensors, other than its square.
import { Module } from '../module/module.ts';
import { div, lt, le, mul, sub, where } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { abs, square } from '../ops/unary.ts';
import { valueError } from '../tensor/errors.ts';
import { broadcastShapes } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type LossOptions, warnBroadcast } from './mse.ts';
import { checkReduction, reduceLoss } from './reduction.ts';

/** |input − target|, element by element, after the checks that all of them share. */
function distance(op: string, input: Tensor, target: Tensor, options: LossOptions): Tensor {
  checkReduction(op, options.reduction);
  broadcastShapes(op, input.shape, target.shape);
  warnBroadcast(op, input, target);
  return abs(sub(asFloat(input), asFloat(target)));
}

/** |input − target|, reduced. The gradient at 0 is 0. */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  return reduceLoss(distance('l1Loss', input, target, options), options.reduction);
}

/** With d = |input − target|: d²/2β below β, d − β/2 above (Girshick 2015, arXiv 1504.08083); β = 1 unless said, 0 gives `l1Loss`. */
export function smoothL1Loss(input: Tensor, target: Tensor, options: LossOptions & { beta?: number } = {}): Tensor {
  const { beta = 1 } = options;
  if (!(beta >= 0)) throw valueError('smoothL1Loss', `beta must be ≥ 0, got ${beta}.`);
  const d = distance('smoothL1Loss', input, target, options);
  return reduceLoss(beta === 0 ? d : where(lt(d, beta), div(square(d), 2 * beta), sub(d, beta / 2)), options.reduction);
}

/** With d = |input − target|: d²/2 up to δ, δ·(d − δ/2) above (Huber 1964); δ = 1 unless said. It is δ · `smoothL1Loss` with β = δ. */
export function huberLoss(input: Tensor, target: Tensor, options: LossOptions & { delta?: number } = {}): Tensor {
  const { delta = 1 } = options;
  if (!(delta > 0)) throw valueError('huberLoss', `delta must be > 0, got ${delta}.`);
  const d = distance('huberLoss', input, target, options);
  return reduceLoss(where(le(d, delta), mul(square(d), 0.5), mul(sub(d, delta / 2), delta)), options.reduction);
}

/** `l1Loss` as a module. */
export class L1Loss extends Module {
  private readonly options: LossOptions;

  constructor(options: LossOptions = {}) {
    super();
    checkReduction('L1Loss', options.reduction);
    this.options = options;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, this.options);
  }
}

/** `smoothL1Loss` as a module. */
export class SmoothL1Loss extends Module {
  private readonly options: LossOptions & { beta?: number };

  constructor(options: LossOptions & { beta?: number } = {}) {
    super();
    checkReduction('SmoothL1Loss', options.reduction);
    this.options = options;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(input, target, this.options);
  }
}

/** `huberLoss` as a module. */
export class HuberLoss extends Module {
  private readonly options: LossOptions & { delta?: number };

  constructor(options: LossOptions & { delta?: number } = {}) {
    super();
    checkReduction('HuberLoss', options.reduction);
    this.options = options;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, this.options);
  }
}
