import { FLAG, NUMBER } from '../tensor/check.ts';
import { exponential, logarithm } from '../tensor/elementary.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, PAIR } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of NAdam, with PyTorch's defaults. */
export interface NAdamOptions extends OptimizerOptions {
  /** Learning rate; default 2e-3. */
  lr?: number;
  /** Decay of the two running means; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; default 1e-8. */
  eps?: number;
  /** ψ: the momentum at step t is β1·(1 − ½·0.96^(t·ψ)); default 4e-3. */
  momentumDecay?: number;
  /** Whether weight decay acts on the parameter instead of the gradient. */
  decoupledWeightDecay?: boolean;
}

const RULE: Rule<NAdamOptions> = {
  name: 'NAdam',
  kinds: { lr: NUMBER, betas: PAIR, eps: NUMBER, weightDecay: NUMBER, momentumDecay: NUMBER, decoupledWeightDecay: FLAG, maximize: FLAG },
  defaults: { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, momentumDecay: 4e-3, decoupledWeightDecay: false, maximize: false },
  moments: { step: 'count', muProduct: 'number', expAvg: 'like', expAvgSq: 'like' },
};

/** Adam that looks ahead along its momentum, which grows from step to step (Dozat 2016, ICLR workshop). */
export class NAdam extends Optimizer<NAdamOptions> {
  protected readonly kernel = 'nadam';

  protected getRule(): Rule<NAdamOptions> {
    return RULE;
  }

  protected check(o: Required<NAdamOptions>): void {
    checkRange('NAdam', 'lr', o.lr, 0);
    checkRange('NAdam', 'beta1', o.betas[0], 0, 1);
    checkRange('NAdam', 'beta2', o.betas[1], 0, 1);
    checkRange('NAdam', 'eps', o.eps, 0);
    checkRange('NAdam', 'weightDecay', o.weightDecay, 0);
    checkRange('NAdam', 'momentumDecay', o.momentumDecay, 0);
  }

  protected hyperParameters(g: ParamGroup<NAdamOptions>): readonly number[] {
    return [g.lr, g.betas[0], g.betas[1], g.eps, g.weightDecay, exponential(g.momentumDecay * logarithm(0.96))];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<NAdamOptions>): readonly number[] {
    const step = this.zeros(state, 'step', []).address;
    const product = this.zeros(state, 'muProduct', [], 1).address;
    const first = this.zeros(state, 'expAvg', p.sizes).address;
    const second = this.zeros(state, 'expAvgSq', p.sizes).address;
    return [p.address, gradient.address, first, second, step, product, hyper, p.size, g.decoupledWeightDecay ? 1 : 0, g.maximize ? 1 : 0];
  }
}
