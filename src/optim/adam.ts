import type { Tensor } from '../tensor/tensor.ts';
import { checkRange, type GroupInput, Optimizer, type OptimizerOptions, type ParamGroup, type ParamState } from './optimizer.ts';

/** Options of Adam and AdamW, with PyTorch's defaults. */
export interface AdamOptions extends OptimizerOptions {
  /** Learning rate; 1e-3 unless said. */
  lr?: number;
  /** Decay of the two running means; [0.9, 0.999] unless said. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8 unless said. */
  eps?: number;
  /** λ: 0 unless said for Adam (added to the gradient), 0.01 for AdamW (applied to the parameter). */
  weightDecay?: number;
  /** Whether to divide by the largest second moment so far (Reddi et al. 2018, arXiv 1904.09237). */
  amsgrad?: boolean;
}

const DEFAULTS = { lr: 1e-3, betas: [0.9, 0.999] as const, eps: 1e-8, weightDecay: 0, amsgrad: false, maximize: false };

/** Adam (Kingma & Ba 2015, arXiv 1412.6980). */
export class Adam extends Optimizer<AdamOptions> {
  protected readonly kernel = 'adam';
  protected override readonly tableKernel = 'adamAll';
  /** Whether weight decay acts on the parameter instead of the gradient. */
  protected readonly decoupled: boolean = false;

  constructor(params: Iterable<Tensor> | Iterable<GroupInput<AdamOptions>>, options: AdamOptions = {}, name = 'Adam') {
    super(name, params, { ...DEFAULTS, ...options });
  }

  protected check(o: Required<AdamOptions>): void {
    checkRange(this.name, 'lr', o.lr, 0);
    checkRange(this.name, 'beta1', o.betas[0], 0, 1);
    checkRange(this.name, 'beta2', o.betas[1], 0, 1);
    checkRange(this.name, 'eps', o.eps, 0);
    checkRange(this.name, 'weightDecay', o.weightDecay, 0);
  }

  protected hyperParameters(g: ParamGroup<AdamOptions>): readonly number[] {
    return [g.lr, g.betas[0], g.betas[1], g.eps, g.weightDecay];
  }

  protected words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, g: ParamGroup<AdamOptions>): readonly number[] {
    const step = this.zeros(state, 'step', []).address;
    const first = this.zeros(state, 'expAvg', p.shape).address;
    const second = this.zeros(state, 'expAvgSq', p.shape).address;
    const largest = g.amsgrad ? this.zeros(state, 'maxExpAvgSq', p.shape).address : 0;
    return [p.address, gradient.address, first, second, largest, step, hyper, p.size, this.decoupled ? 1 : 0, g.maximize ? 1 : 0];
  }
}

/** Adam with decoupled weight decay, 0.01 unless said (Loshchilov & Hutter 2019, arXiv 1711.05101). */
export class AdamW extends Adam {
  protected override readonly decoupled = true;

  constructor(params: Iterable<Tensor> | Iterable<GroupInput<AdamOptions>>, options: AdamOptions = {}) {
    super(params, { weightDecay: 1e-2, ...options }, 'AdamW');
  }
}
