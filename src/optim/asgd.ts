import { FLAG, NUMBER } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of ASGD, with PyTorch's defaults. */
export interface ASGDOptions extends OptimizerOptions {
  /** Learning rate; default 0.01. */
  lr?: number;
  /** λ of the falling rate lr/(1 + λ·lr·t)^α, and how strongly it pulls parameters to 0; default 1e-4. */
  lambd?: number;
  /** α; default 0.75. */
  alpha?: number;
  /** The step from which parameters are averaged; default 1e6. */
  t0?: number;
}

const RULE: Rule<ASGDOptions> = {
  name: 'ASGD',
  kinds: { lr: NUMBER, lambd: NUMBER, alpha: NUMBER, t0: NUMBER, weightDecay: NUMBER, maximize: FLAG },
  defaults: { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0, maximize: false },
  moments: { step: 'count', eta: 'number', mu: 'number', ax: 'like' },
};

/** SGD whose rate falls, and the mean of the parameters over the steps after `t0` as state `ax` (Polyak & Juditsky 1992, SIAM J. Control Optim. 30). */
export class ASGD extends Optimizer<ASGDOptions> {
  protected readonly kernel = 'asgd';

  protected getRule(): Rule<ASGDOptions> {
    return RULE;
  }

  protected check(o: Required<ASGDOptions>): void {
    checkRange('ASGD', 'lr', o.lr, 0);
    checkRange('ASGD', 'weightDecay', o.weightDecay, 0);
    checkRange('ASGD', 'lambd', o.lambd, 0);
    for (const name of ['alpha', 't0'] as const) if (!Number.isFinite(o[name])) throw valueError('ASGD', `${name} must be finite, got ${o[name]}.`);
  }

  protected hyperParameters(g: ParamGroup<ASGDOptions>): readonly number[] {
    return [g.lr, g.lambd, g.alpha, g.t0, g.weightDecay];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<ASGDOptions>): readonly number[] {
    const step = this.zeros(state, 'step', []).address;
    const eta = this.zeros(state, 'eta', [], g.lr).address;
    const mu = this.zeros(state, 'mu', [], 1).address;
    const mean = this.zeros(state, 'ax', p.sizes).address;
    return [p.address, gradient.address, mean, step, eta, mu, hyper, p.size, g.maximize ? 1 : 0];
  }
}
