import { FLAG, type Kinds, withDefaults } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { each, POSITIVE, type PerLoss, perLoss, range } from '../../checks.ts';
import { WeightingBase } from '../base.ts';
import { Memory } from '../memory.ts';
import { total } from '../../solve/matrix.ts';

/** Options of EnCodecBalancer. */
export interface EnCodecBalancerOptions<Name extends string = string> {
  /** Each loss's share of the step; default equal ones. */
  shares?: PerLoss<Name>;
  /** What the gradients' lengths add up to; default 1. */
  totalNorm?: number;
  /** Decay of the running mean of each length; default 0.999. */
  ema?: number;
  /** False: the shares are weights as they are, not divided by lengths. Default true. */
  rescale?: boolean;
}

const OPTIONS: Kinds<EnCodecBalancerOptions> = { shares: each(0), totalNorm: POSITIVE, ema: range(0, 1), rescale: FLAG };
/** A mean length up to this is that of no gradient: it counts as 1. */
const NONE = 1e-12;

/**
 * EnCodec's balancer (Défossez et al. 2022, arXiv 2210.13438): wᵢ = shareᵢ/Σ · totalNorm/(1e-12 + running mean of
 * ‖gᵢ‖), so that a share means a share, whatever a loss's scale. The mean is corrected for its start. The paper takes
 * gradients at the model's output, where one tensor stands for all parameters, and their lengths item by item; here it
 * is one length. What only one loss reaches gets that loss's own gradient.
 */
export class EnCodecBalancer<Name extends string = string> extends WeightingBase {
  readonly name = 'EnCodecBalancer';
  override readonly needs = 'norms';
  /** What parameters of single losses get: those losses' own gradients. */
  readonly heads = 'unweighted';
  /** Of each loss Σ ema^k·‖gᵢ‖ and Σ ema^k over its steps so far. */
  protected override readonly memory = new Memory({}, ['sum', 'count'], { sum: range(0), count: range(0) });
  private readonly options: Required<Omit<EnCodecBalancerOptions, 'shares'>> & Pick<EnCodecBalancerOptions, 'shares'>;

  constructor(options?: EnCodecBalancerOptions<Name>) {
    super();
    this.options = withDefaults<EnCodecBalancer['options']>('EnCodecBalancer', options, OPTIONS, { totalNorm: 1, ema: 0.999, rescale: true }, arguments.length);
  }

  weights({ names, norms }: Stats<Name>): Float64Array {
    const { shares, totalNorm, ema, rescale } = this.options;
    const share = perLoss(this.name, 'shares', shares, names, 1);
    if (!rescale) return share;
    const all = total(share);
    const rows = this.memory.of(names, () => ({ sum: 0, count: 0 }));
    return share.map((v, i) => {
      const row = rows[i] as { sum: number; count: number };
      row.count = row.count * ema + 1;
      row.sum = row.sum * ema + (norms[i] as number);
      const mean = row.sum / row.count;
      return all === 0 ? 0 : ((v / all) * totalNorm) / (mean > NONE ? 1e-12 + mean : 1);
    });
  }
}
