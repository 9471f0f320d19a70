import type { Stats } from '../method.ts';
import { checkNumber, checkPerLoss, checkSameLosses, type PerLoss, perLoss } from '../checks.ts';
import { total } from '../solve/matrix.ts';
import { Memoryless } from './memoryless.ts';

/** Options of EnCodecBalancer. */
export interface EnCodecBalancerOptions {
  /** Each loss's share of the step; equal unless said. */
  shares?: PerLoss;
  /** What the gradients' lengths add up to; 1 unless said. */
  totalNorm?: number;
  /** Decay of the running mean of each length; 0.999 unless said. */
  ema?: number;
  /** False: the shares are weights as they are, not divided by lengths. */
  rescale?: boolean;
}

/**
 * EnCodec's balancer (Défossez et al. 2022, arXiv 2210.13438): wᵢ = shareᵢ/Σ · totalNorm/(1e-12 + running mean of ‖gᵢ‖), so that a
 * share means a share, whatever a loss's scale. The mean is corrected for its start. The paper takes gradients at the model's output,
 * where one tensor stands for all parameters, and their lengths item by item; here it is one length.
 */
export class EnCodecBalancer extends Memoryless {
  readonly name = 'EnCodecBalancer';
  override readonly needs = 'norms';
  private readonly options: Required<Omit<EnCodecBalancerOptions, 'shares'>> & Pick<EnCodecBalancerOptions, 'shares'>;
  private sums: Float64Array = new Float64Array(0);
  /** Σ ema^k over the steps so far: what the sums are divided by. */
  private count = 0;

  constructor(options: EnCodecBalancerOptions = {}) {
    super();
    this.options = { totalNorm: 1, ema: 0.999, rescale: true, ...options };
    checkPerLoss(this.name, 'shares', options.shares);
    checkNumber(this.name, 'totalNorm', this.options.totalNorm, 0, Number.POSITIVE_INFINITY, true);
    checkNumber(this.name, 'ema', this.options.ema, 0, 1);
  }

  weights({ names, norms }: Stats): Float64Array {
    const { shares, totalNorm, ema, rescale } = this.options;
    const m = names.length;
    const share = perLoss(this.name, 'shares', shares, names, 1);
    if (!rescale) return share;
    if (this.sums.length === 0) this.sums = new Float64Array(m);
    checkSameLosses(this.name, this.sums.length, m);
    this.count = this.count * ema + 1;
    this.sums = this.sums.map((v, i) => v * ema + (norms[i] as number));
    const all = total(share);
    return share.map((v, i) => (all === 0 ? 0 : ((v / all) * totalNorm) / (1e-12 + (this.sums[i] as number) / this.count)));
  }

  override stateDict(): Record<string, unknown> {
    return { sums: [...this.sums], count: this.count };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.sums = Float64Array.from(state.sums as number[]);
    this.count = state.count as number;
  }

  override reset(): void {
    this.sums = new Float64Array(0);
    this.count = 0;
  }
}
