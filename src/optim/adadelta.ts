import { FLAG, NUMBER } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of Adadelta, with PyTorch's defaults. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** Learning rate; default 1. */
  lr?: number;
  /** ρ: decay of the two running means of squares; default 0.9. */
  rho?: number;
  /** Added under both roots; default 1e-6. */
  eps?: number;
}

const RULE: Rule<AdadeltaOptions> = {
  name: 'Adadelta',
  kinds: { lr: NUMBER, rho: NUMBER, eps: NUMBER, weightDecay: NUMBER, maximize: FLAG },
  defaults: { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false },
  moments: { squareAvg: 'like', accDelta: 'like' },
};

/** Adadelta (Zeiler 2012, arXiv 1212.5701): steps as large as past steps, per unit of past gradients. */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  protected readonly kernel = 'adadelta';

  protected getRule(): Rule<AdadeltaOptions> {
    return RULE;
  }

  protected check(o: Required<AdadeltaOptions>): void {
    checkRange('Adadelta', 'lr', o.lr, 0);
    // PyTorch allows ρ = 1.
    checkRange('Adadelta', 'rho', o.rho, 0, 1 + Number.EPSILON);
    checkRange('Adadelta', 'eps', o.eps, 0);
    checkRange('Adadelta', 'weightDecay', o.weightDecay, 0);
  }

  protected hyperParameters(g: ParamGroup<AdadeltaOptions>): readonly number[] {
    return [g.lr, g.rho, g.eps, g.weightDecay];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<AdadeltaOptions>): readonly number[] {
    const squares = this.zeros(state, 'squareAvg', p.sizes).address;
    const steps = this.zeros(state, 'accDelta', p.sizes).address;
    return [p.address, gradient.address, squares, steps, hyper, p.size, g.maximize ? 1 : 0];
  }
}
