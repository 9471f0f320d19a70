// How a loss per element becomes what was asked for.
import type { Reduction } from '../ops/loss.ts';
import { mean } from '../ops/moments.ts';
import { sum } from '../ops/reduce.ts';
import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

export type { Reduction } from '../ops/loss.ts';

/** Throws unless it is one of the three words (or left out). */
export function checkReduction(op: string, reduction: Reduction | undefined): void {
  if (reduction === undefined || reduction === 'none' || reduction === 'mean' || reduction === 'sum') return;
  throw valueError(op, `reduction must be 'none', 'mean' or 'sum', got ${JSON.stringify(reduction)}.`);
}

/** Losses per element, reduced; 'mean' unless said. */
export function reduceLoss(losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : mean(losses);
}
