import { FLAG, NUMBER } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, PAIR } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of RAdam, with PyTorch's defaults. */
export interface RAdamOptions extends OptimizerOptions {
  /** Learning rate; default 1e-3. */
  lr?: number;
  /** Decay of the two running means; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; default 1e-8. */
  eps?: number;
  /** Whether weight decay acts on the parameter instead of the gradient. */
  decoupledWeightDecay?: boolean;
}

const RULE: Rule<RAdamOptions> = {
  name: 'RAdam',
  kinds: { lr: NUMBER, betas: PAIR, eps: NUMBER, weightDecay: NUMBER, decoupledWeightDecay: FLAG, maximize: FLAG },
  defaults: { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, decoupledWeightDecay: false, maximize: false },
  moments: { step: 'count', expAvg: 'like', expAvgSq: 'like' },
};

/** Adam that divides by past gradients only once their variance is known well enough (Liu et al. 2020, arXiv 1908.03265). */
export class RAdam extends Optimizer<RAdamOptions> {
  protected readonly kernel = 'radam';

  protected getRule(): Rule<RAdamOptions> {
    return RULE;
  }

  protected check(o: Required<RAdamOptions>): void {
    checkRange('RAdam', 'lr', o.lr, 0);
    checkRange('RAdam', 'beta1', o.betas[0], 0, 1);
    checkRange('RAdam', 'beta2', o.betas[1], 0, 1);
    checkRange('RAdam', 'eps', o.eps, 0);
    checkRange('RAdam', 'weightDecay', o.weightDecay, 0);
  }

  protected hyperParameters(g: ParamGroup<RAdamOptions>): readonly number[] {
    return [g.lr, g.betas[0], g.betas[1], g.eps, g.weightDecay];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<RAdamOptions>): readonly number[] {
    const step = this.zeros(state, 'step', []).address;
    const first = this.zeros(state, 'expAvg', p.sizes).address;
    const second = this.zeros(state, 'expAvgSq', p.sizes).address;
    return [p.address, gradient.address, first, second, step, hyper, p.size, g.decoupledWeightDecay ? 1 : 0, g.maximize ? 1 : 0];
  }
}
