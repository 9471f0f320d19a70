import { FLAG, NUMBER } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of Adagrad, with PyTorch's defaults. */
export interface AdagradOptions extends OptimizerOptions {
  /** Learning rate; default 0.01. */
  lr?: number;
  /** How fast the rate falls: lr/(1 + (t − 1)·lrDecay) at step t; default 0. */
  lrDecay?: number;
  /** What the sums of squares begin with; default 0. */
  initialAccumulatorValue?: number;
  /** Added to the denominator; default 1e-10. */
  eps?: number;
}

const RULE: Rule<AdagradOptions> = {
  name: 'Adagrad',
  kinds: { lr: NUMBER, lrDecay: NUMBER, weightDecay: NUMBER, initialAccumulatorValue: NUMBER, eps: NUMBER, maximize: FLAG },
  defaults: { lr: 1e-2, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, maximize: false },
  moments: { step: 'count', sum: 'like' },
};

/** Adagrad (Duchi, Hazan & Singer 2011, JMLR 12): the gradient by the root of the sum of all its squares. */
export class Adagrad extends Optimizer<AdagradOptions> {
  protected readonly kernel = 'adagrad';

  protected getRule(): Rule<AdagradOptions> {
    return RULE;
  }

  protected check(o: Required<AdagradOptions>): void {
    checkRange('Adagrad', 'lr', o.lr, 0);
    checkRange('Adagrad', 'lrDecay', o.lrDecay, 0);
    checkRange('Adagrad', 'weightDecay', o.weightDecay, 0);
    checkRange('Adagrad', 'initialAccumulatorValue', o.initialAccumulatorValue, 0);
    checkRange('Adagrad', 'eps', o.eps, 0);
  }

  protected hyperParameters(g: ParamGroup<AdagradOptions>): readonly number[] {
    return [g.lr, g.lrDecay, g.eps, g.weightDecay];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<AdagradOptions>): readonly number[] {
    const step = this.zeros(state, 'step', []).address;
    const sums = this.zeros(state, 'sum', p.sizes, g.initialAccumulatorValue).address;
    return [p.address, gradient.address, sums, step, hyper, p.size, g.maximize ? 1 : 0];
  }
}
