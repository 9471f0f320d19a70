import { FLAG, NUMBER } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of RMSprop, with PyTorch's defaults. */
export interface RMSpropOptions extends OptimizerOptions {
  /** Learning rate; default 0.01. */
  lr?: number;
  /** α: decay of the running means; default 0.99. */
  alpha?: number;
  /** Added to the denominator; default 1e-8. */
  eps?: number;
  /** μ: how much of the last step's direction is kept; default 0. */
  momentum?: number;
  /** Whether the running mean's square is taken from the mean of squares. */
  centered?: boolean;
}

const RULE: Rule<RMSpropOptions> = {
  name: 'RMSprop',
  kinds: { lr: NUMBER, alpha: NUMBER, eps: NUMBER, weightDecay: NUMBER, momentum: NUMBER, centered: FLAG, maximize: FLAG },
  defaults: { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, maximize: false },
  moments: { squareAvg: 'like', gradAvg: 'optional', momentumBuffer: 'optional' },
};

/** RMSprop (Hinton 2012, Coursera lecture 6e): the gradient by the root of the running mean of its squares; `centered` by its running deviation
 * (Graves 2013, arXiv 1308.0850). */
export class RMSprop extends Optimizer<RMSpropOptions> {
  protected readonly kernel = 'rmsprop';

  protected getRule(): Rule<RMSpropOptions> {
    return RULE;
  }

  protected check(o: Required<RMSpropOptions>): void {
    checkRange('RMSprop', 'lr', o.lr, 0);
    checkRange('RMSprop', 'alpha', o.alpha, 0);
    checkRange('RMSprop', 'eps', o.eps, 0);
    checkRange('RMSprop', 'weightDecay', o.weightDecay, 0);
    checkRange('RMSprop', 'momentum', o.momentum, 0);
  }

  protected hyperParameters(g: ParamGroup<RMSpropOptions>): readonly number[] {
    return [g.lr, g.alpha, g.eps, g.weightDecay, g.momentum];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<RMSpropOptions>): readonly number[] {
    const squares = this.zeros(state, 'squareAvg', p.sizes).address;
    const mean = g.centered ? this.zeros(state, 'gradAvg', p.sizes).address : 0;
    const buffer = g.momentum > 0 ? this.zeros(state, 'momentumBuffer', p.sizes).address : 0;
    return [p.address, gradient.address, squares, mean, buffer, hyper, p.size, g.maximize ? 1 : 0];
  }
}
