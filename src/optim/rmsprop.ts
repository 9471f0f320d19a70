import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, type GroupInput, Optimizer, type OptimizerOptions, type ParamGroup, type ParamState } from './optimizer.ts';

/** Options of RMSprop, with PyTorch's defaults. */
export interface RMSpropOptions extends OptimizerOptions {
  /** Learning rate; 0.01 unless said. */
  lr?: number;
  /** α: decay of the running means; 0.99 unless said. */
  alpha?: number;
  /** Added to the denominator; 1e-8 unless said. */
  eps?: number;
  /** μ: how much of the last step's direction is kept; 0 unless said. */
  momentum?: number;
  /** Whether the running mean's square is taken from the mean of squares. */
  centered?: boolean;
}

const DEFAULTS = { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, maximize: false };

/** RMSprop (Hinton 2012, Coursera lecture 6e): the gradient by the root of the running mean of its squares; `centered` by its running deviation
 * (Graves 2013, arXiv 1308.0850). */
export class RMSprop extends Optimizer<RMSpropOptions> {
  protected readonly kernel = 'rmsprop';

  constructor(params: Iterable<Tensor> | Iterable<GroupInput<RMSpropOptions>>, options: RMSpropOptions = {}) {
    super('RMSprop', params, { ...DEFAULTS, ...options });
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
    const squares = this.zeros(state, 'squareAvg', p.shape).address;
    const mean = g.centered ? this.zeros(state, 'gradAvg', p.shape).address : 0;
    const buffer = g.momentum > 0 ? this.zeros(state, 'momentumBuffer', p.shape).address : 0;
    return [p.address, gradient.address, squares, mean, buffer, hyper, p.size, g.maximize ? 1 : 0];
  }
}
