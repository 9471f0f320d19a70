// How a loss per element becomes what was asked for.
import { Module } from '../module/module.ts';
import type { Reduction } from '../ops/loss.ts';
import { mean } from '../ops/moments.ts';
import { sum } from '../ops/reduce.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

export type { Reduction } from '../ops/loss.ts';

/** Throws unless it is one of the three words (or left out). */
export function checkReduction(op: string, reduction: Reduction | undefined): void {
  if (reduction === undefined || reduction === 'none' || reduction === 'mean' || reduction === 'sum') return;
  throw valueError(op, `reduction must be 'none', 'mean' or 'sum', got ${JSON.stringify(reduction)}.`);
}

/** Throws unless input and target have one shape. */
export function checkSameShape(op: string, input: Tensor, target: Tensor): void {
  if (!sameShape(input.shape, target.shape)) throw shapeError(op, 'input and target differ', [input.shape, target.shape], 'They must have one shape.');
}

/** Losses per element, reduced; 'mean' unless said. */
export function reduceLoss(losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : mean(losses);
}

/** A loss function with its options, as a module: the options are checked when it is built. */
export abstract class LossModule<O extends { reduction?: Reduction }> extends Module {
  protected readonly options: O;

  constructor(options: O, check: (options: O) => void) {
    super();
    check(options);
    this.options = options;
  }
}
