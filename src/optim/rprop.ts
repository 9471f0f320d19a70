import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, type GroupInput, Optimizer, type OptimizerOptions, type ParamGroup, type ParamState } from './optimizer.ts';

/** Options of Rprop, with PyTorch's defaults. */
export interface RpropOptions extends Omit<OptimizerOptions, 'weightDecay'> {
  /** The first step's size; 0.01 unless said. */
  lr?: number;
  /** Factors of a step where the sign has changed and where it stayed; [0.5, 1.2] unless said. */
  etas?: readonly [number, number];
  /** The smallest and the largest step; [1e-6, 50] unless said. */
  stepSizes?: readonly [number, number];
}

const DEFAULTS = { lr: 1e-2, etas: [0.5, 1.2] as const, stepSizes: [1e-6, 50] as const, maximize: false };

/** Steps by the gradient's sign alone, longer while it stays the same; for full batches (Riedmiller & Braun 1993, ICNN). */
export class Rprop extends Optimizer<RpropOptions> {
  protected readonly kernel = 'rprop';

  constructor(params: Iterable<Tensor> | Iterable<GroupInput<RpropOptions>>, options: RpropOptions = {}) {
    super('Rprop', params, { ...DEFAULTS, ...options });
  }

  protected check(o: Required<RpropOptions>): void {
    checkRange('Rprop', 'lr', o.lr, 0);
    const [shorter, longer] = o.etas;
    if (!(shorter > 0 && shorter < 1 && longer > 1)) throw valueError('Rprop', `etas must be 0 < η⁻ < 1 < η⁺, got ${shorter} and ${longer}.`);
    if (!(o.stepSizes[0] >= 0 && o.stepSizes[1] >= o.stepSizes[0])) throw valueError('Rprop', `stepSizes must be 0 ≤ smallest ≤ largest, got ${o.stepSizes.join(', ')}.`);
  }

  protected hyperParameters(g: ParamGroup<RpropOptions>): readonly number[] {
    return [g.etas[0], g.etas[1], g.stepSizes[0], g.stepSizes[1]];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<RpropOptions>): readonly number[] {
    const last = this.zeros(state, 'prev', p.shape).address;
    const sizes = this.zeros(state, 'stepSize', p.shape, g.lr).address;
    return [p.address, gradient.address, last, sizes, hyper, p.size, g.maximize ? 1 : 0];
  }
}
