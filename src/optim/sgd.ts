import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, type GroupInput, Optimizer, type OptimizerOptions, type ParamGroup, type ParamState } from './optimizer.ts';

/** Options of SGD, with PyTorch's defaults. */
export interface SGDOptions extends OptimizerOptions {
  /** Learning rate; 1e-3 unless said. */
  lr?: number;
  /** μ: how much of the last step's direction is kept; 0 unless said. */
  momentum?: number;
  /** τ: how much of the gradient is left out of the momentum; 0 unless said. */
  dampening?: number;
  /** Whether to look ahead along the momentum (Nesterov); needs momentum and no dampening. */
  nesterov?: boolean;
}

const DEFAULTS = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false };

/** Stochastic gradient descent, with momentum as in PyTorch (the first step's momentum is the gradient itself). */
export class SGD extends Optimizer<SGDOptions> {
  protected readonly kernel = 'sgd';
  protected override readonly tableKernel = 'sgdAll';

  constructor(params: Iterable<Tensor> | Iterable<GroupInput<SGDOptions>>, options: SGDOptions = {}) {
    super('SGD', params, { ...DEFAULTS, ...options });
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
    const buffer = g.momentum > 0 ? this.zeros(state, 'momentumBuffer', p.shape).address : 0;
    return [p.address, gradient.address, buffer, hyper, p.size, first ? 1 : 0, g.nesterov ? 1 : 0, g.maximize ? 1 : 0];
  }
}
