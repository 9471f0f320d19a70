import { FINITE, FLAG, NUMBER } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of SGD, with PyTorch's defaults. */
export interface SGDOptions extends OptimizerOptions {
  /** Learning rate; default 1e-3. */
  lr?: number;
  /** μ: how much of the last step's direction is kept; default 0. */
  momentum?: number;
  /** τ: how much of the gradient is left out of the momentum; default 0. */
  dampening?: number;
  /** Whether to look ahead along the momentum (Nesterov); needs momentum and no dampening. */
  nesterov?: boolean;
}

const RULE: Rule<SGDOptions> = {
  name: 'SGD',
  kinds: { lr: NUMBER, momentum: NUMBER, dampening: FINITE, weightDecay: NUMBER, nesterov: FLAG, maximize: FLAG },
  defaults: { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false },
  moments: { momentumBuffer: 'optional' },
};

/** Stochastic gradient descent, with momentum as in PyTorch (the first step's momentum is the gradient itself). */
export class SGD extends Optimizer<SGDOptions> {
  protected readonly kernel = 'sgd';
  protected override readonly tableKernel = 'sgdAll';

  protected getRule(): Rule<SGDOptions> {
    return RULE;
  }

  protected check(o: Required<SGDOptions>): void {
    checkRange('SGD', 'lr', o.lr, 0);
    checkRange('SGD', 'momentum', o.momentum, 0);
    checkRange('SGD', 'weightDecay', o.weightDecay, 0);
    if (o.nesterov && (o.momentum <= 0 || o.dampening !== 0)) throw valueError('SGD', 'Nesterov needs momentum > 0 and dampening 0. Set them, or nesterov: false.');
  }

  protected hyperParameters(g: ParamGroup<SGDOptions>): readonly number[] {
    return [g.lr, g.momentum, g.dampening, g.weightDecay];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<SGDOptions>): readonly number[] {
    const first = state.momentumBuffer === undefined;
    const buffer = g.momentum > 0 ? this.zeros(state, 'momentumBuffer', p.sizes).address : 0;
    return [p.address, gradient.address, buffer, hyper, p.size, first ? 1 : 0, g.nesterov ? 1 : 0, g.maximize ? 1 : 0];
  }
}
