import { FLAG, NUMBER } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, PAIR } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of Rprop, with PyTorch's defaults. */
export interface RpropOptions extends Omit<OptimizerOptions, 'weightDecay'> {
  /** The first step's size; default 0.01. */
  lr?: number;
  /** Factors of a step where the sign has changed and where it stayed; default [0.5, 1.2]. */
  etas?: readonly [number, number];
  /** The smallest and the largest step; default [1e-6, 50]. */
  stepSizes?: readonly [number, number];
}

const RULE: Rule<RpropOptions> = {
  name: 'Rprop',
  kinds: { lr: NUMBER, etas: PAIR, stepSizes: PAIR, maximize: FLAG },
  defaults: { lr: 1e-2, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false },
  moments: { prev: 'like', stepSize: 'like' },
};

/** Steps by the gradient's sign alone, longer while it stays the same; for full batches (Riedmiller & Braun 1993, ICNN). */
export class Rprop extends Optimizer<RpropOptions> {
  protected readonly kernel = 'rprop';

  protected getRule(): Rule<RpropOptions> {
    return RULE;
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
    const last = this.zeros(state, 'prev', p.sizes).address;
    const sizes = this.zeros(state, 'stepSize', p.sizes, g.lr).address;
    return [p.address, gradient.address, last, sizes, hyper, p.size, g.maximize ? 1 : 0];
  }
}
