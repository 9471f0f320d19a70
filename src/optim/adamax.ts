import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, type GroupInput, Optimizer, type OptimizerOptions, type ParamGroup, type ParamState } from './optimizer.ts';

/** Options of Adamax, with PyTorch's defaults. */
export interface AdamaxOptions extends OptimizerOptions {
  /** Learning rate; 2e-3 unless said. */
  lr?: number;
  /** Decay of the two running means; [0.9, 0.999] unless said. */
  betas?: readonly [number, number];
  /** Added to each gradient's size; 1e-8 unless said. */
  eps?: number;
}

const DEFAULTS = { lr: 2e-3, betas: [0.9, 0.999] as const, eps: 1e-8, weightDecay: 0, maximize: false };

/** Adamax: Adam by the largest recent gradient instead of the root of a mean (Kingma & Ba 2015, arXiv 1412.6980, section 7.1). */
export class Adamax extends Optimizer<AdamaxOptions> {
  protected readonly kernel = 'adamax';

  constructor(params: Iterable<Tensor> | Iterable<GroupInput<AdamaxOptions>>, options: AdamaxOptions = {}) {
    super('Adamax', params, { ...DEFAULTS, ...options });
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
    const first = this.zeros(state, 'expAvg', p.shape).address;
    const largest = this.zeros(state, 'expInf', p.shape).address;
    return [p.address, gradient.address, first, largest, step, hyper, p.size, g.maximize ? 1 : 0];
  }
}
