import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, type GroupInput, Optimizer, type OptimizerOptions, type ParamGroup, type ParamState } from './optimizer.ts';

/** Options of Adadelta, with PyTorch's defaults. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** Learning rate; 1 unless said. */
  lr?: number;
  /** ρ: decay of the two running means of squares; 0.9 unless said. */
  rho?: number;
  /** Added under both roots; 1e-6 unless said. */
  eps?: number;
}

const DEFAULTS = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false };

/** Adadelta (Zeiler 2012, arXiv 1212.5701): steps as large as past steps, per unit of past gradients. */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  protected readonly kernel = 'adadelta';

  constructor(params: Iterable<Tensor> | Iterable<GroupInput<AdadeltaOptions>>, options: AdadeltaOptions = {}) {
    super('Adadelta', params, { ...DEFAULTS, ...options });
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
    const squares = this.zeros(state, 'squareAvg', p.shape).address;
    const steps = this.zeros(state, 'accDelta', p.shape).address;
    return [p.address, gradient.address, squares, steps, hyper, p.size, g.maximize ? 1 : 0];
  }
}
