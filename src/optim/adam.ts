import { FLAG, NUMBER } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, PAIR } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of Adam and AdamW, with PyTorch's defaults. */
export interface AdamOptions extends OptimizerOptions {
  /** Learning rate; default 1e-3. */
  lr?: number;
  /** Decay of the two running means; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; default 1e-8. */
  eps?: number;
  /** λ: default 0 for Adam (added to the gradient), 0.01 for AdamW (applied to the parameter). */
  weightDecay?: number;
  /** Whether to divide by the largest second moment so far (Reddi et al. 2018, arXiv 1904.09237). */
  amsgrad?: boolean;
}

const RULE: Rule<AdamOptions> = {
  name: 'Adam',
  kinds: { lr: NUMBER, betas: PAIR, eps: NUMBER, weightDecay: NUMBER, amsgrad: FLAG, maximize: FLAG },
  defaults: { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false, maximize: false },
  moments: { step: 'count', expAvg: 'like', expAvgSq: 'like', maxExpAvgSq: 'optional' },
};

/** Adam (Kingma & Ba 2015, arXiv 1412.6980). */
export class Adam extends Optimizer<AdamOptions> {
  protected readonly kernel = 'adam';
  protected override readonly tableKernel = 'adamAll';

  protected getRule(): Rule<AdamOptions> {
    return RULE;
  }

  protected check(o: Required<AdamOptions>): void {
    const { name } = this.rule;
    checkRange(name, 'lr', o.lr, 0);
    checkRange(name, 'beta1', o.betas[0], 0, 1);
    checkRange(name, 'beta2', o.betas[1], 0, 1);
    checkRange(name, 'eps', o.eps, 0);
    checkRange(name, 'weightDecay', o.weightDecay, 0);
  }

  protected hyperParameters(g: ParamGroup<AdamOptions>): readonly number[] {
    return [g.lr, g.betas[0], g.betas[1], g.eps, g.weightDecay];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<AdamOptions>): readonly number[] {
    const step = this.zeros(state, 'step', []).address;
    const first = this.zeros(state, 'expAvg', p.sizes).address;
    const second = this.zeros(state, 'expAvgSq', p.sizes).address;
    const largest = g.amsgrad ? this.zeros(state, 'maxExpAvgSq', p.sizes).address : 0;
    return [p.address, gradient.address, first, second, largest, step, hyper, p.size, this.rule.decoupled ? 1 : 0, g.maximize ? 1 : 0];
  }
}

const DECOUPLED = /* @__PURE__ */ (() => ({ ...RULE, name: 'AdamW', defaults: { ...RULE.defaults, weightDecay: 1e-2 }, decoupled: true }))();

/** Adam with decoupled weight decay, default 0.01 (Loshchilov & Hutter 2019, arXiv 1711.05101). */
export class AdamW extends Adam {
  protected override getRule(): Rule<AdamOptions> {
    return DECOUPLED;
  }
}
