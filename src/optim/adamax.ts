import { FLAG, NUMBER } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, PAIR } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of Adamax, with PyTorch's defaults. */
export interface AdamaxOptions extends OptimizerOptions {
  /** Learning rate; default 2e-3. */
  lr?: number;
  /** Decay of the two running means; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to each gradient's size; default 1e-8. */
  eps?: number;
}

const RULE: Rule<AdamaxOptions> = {
  name: 'Adamax',
  kinds: { lr: NUMBER, betas: PAIR, eps: NUMBER, weightDecay: NUMBER, maximize: FLAG },
  defaults: { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false },
  moments: { step: 'count', expAvg: 'like', expInf: 'like' },
};

/** Adamax: Adam by the largest recent gradient instead of the root of a mean (Kingma & Ba 2015, arXiv 1412.6980, section 7.1). */
export class Adamax extends Optimizer<AdamaxOptions> {
  protected readonly kernel = 'adamax';

  protected getRule(): Rule<AdamaxOptions> {
    return RULE;
  }

  protected check(o: Required<AdamaxOptions>): void {
    checkRange('Adamax', 'lr', o.lr, 0);
    checkRange('Adamax', 'beta1', o.betas[0], 0, 1);
    checkRange('Adamax', 'beta2', o.betas[1], 0, 1);
    checkRange('Adamax', 'eps', o.eps, 0);
    checkRange('Adamax', 'weightDecay', o.weightDecay, 0);
  }

  protected hyperParameters(g: ParamGroup<AdamaxOptions>): readonly number[] {
    return [g.lr, g.betas[0], g.betas[1], g.eps, g.weightDecay];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<AdamaxOptions>): readonly number[] {
    const step = this.zeros(state, 'step', []).address;
    const first = this.zeros(state, 'expAvg', p.sizes).address;
    const largest = this.zeros(state, 'expInf', p.sizes).address;
    return [p.address, gradient.address, first, largest, step, hyper, p.size, g.maximize ? 1 : 0];
  }
}
