import { checkArgument, type Kinds, TEXT, withDefaults } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { range } from '../../checks.ts';
import { WeightingBase } from '../base.ts';
import { Memory, indexOfLoss } from '../memory.ts';

/** Options of PINNAnnealing. */
export interface PINNAnnealingOptions {
  /** The loss whose weight stays 1: the equation's residual. */
  main: string;
  /** How fast weights follow; default 0.1. */
  alpha?: number;
}

/** A mean up to this share of the main gradient's largest is that of no gradient. */
const NONE = 1e-12;
const OPTIONS: Kinds<PINNAnnealingOptions> = { main: TEXT, alpha: range(0, 1) };

/**
 * Learning-rate annealing for physics-informed networks (Wang, Teng & Perdikaris 2020, arXiv 2001.04536, algorithm 1):
 * λᵢ ← (1 − α)·λᵢ + α·max|∇main|/mean|∇lossᵢ|, from λᵢ = 1. Largest and mean element are over the shared parameters (or
 * `on`); the mean is that of lossᵢ itself, without λᵢ. A loss without a gradient keeps its weight, and all do in a step
 * that lacks the main one.
 */
export class PINNAnnealing extends WeightingBase {
  readonly name = 'PINNAnnealing';
  override readonly needs = 'jacobian';
  protected override readonly memory = new Memory({}, ['w']);
  private readonly options: Required<PINNAnnealingOptions>;

  constructor(options: PINNAnnealingOptions) {
    super();
    this.options = withDefaults<Required<PINNAnnealingOptions>>('PINNAnnealing', options, OPTIONS, { main: undefined as never, alpha: 0.1 }, arguments.length);
    checkArgument('PINNAnnealing', 'main', this.options.main, TEXT);
  }

  weights(stats: Stats): Float64Array {
    const { names, elements } = stats;
    const { alpha, main: name } = this.options;
    const main = indexOfLoss(this.name, 'main', name, stats, this.memory.names);
    return Float64Array.from(
      this.memory.of(names, () => ({ w: 1 })),
      (row, i) => {
        const [largest, mean] = [elements?.largest[main] as number, elements?.mean[i] as number];
        const ratio = mean > NONE * largest ? largest / mean : Number.NaN;
        if (i !== main && Number.isFinite(ratio)) row.w = (1 - alpha) * row.w + alpha * ratio;
        return row.w;
      },
    );
  }
}
