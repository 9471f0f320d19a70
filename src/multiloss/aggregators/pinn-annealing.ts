import type { Stats } from '../method.ts';
import { checkNumber, checkSameLosses, positionOf } from '../checks.ts';
import { Memoryless } from './memoryless.ts';

/** Options of PINNAnnealing. */
export interface PINNAnnealingOptions {
  /** The loss whose weight stays 1: the equation's residual. */
  main: string;
  /** How fast weights follow; 0.1 unless said. */
  alpha?: number;
}

/**
 * Learning-rate annealing for physics-informed networks (Wang, Teng & Perdikaris 2020, arXiv 2001.04536, algorithm 1):
 * λᵢ ← (1 − α)·λᵢ + α·max|∇main|/mean|∇lossᵢ|, from λᵢ = 1. Largest and mean element are over the shared parameters (or `on`); the mean is
 * that of lossᵢ itself, without λᵢ. A loss without a gradient keeps its weight.
 */
export class PINNAnnealing extends Memoryless {
  readonly name = 'PINNAnnealing';
  override readonly needs = 'jacobian';
  private readonly main: string;
  private readonly alpha: number;
  private w: Float64Array = new Float64Array(0);

  constructor(options: PINNAnnealingOptions) {
    super();
    this.main = options.main;
    this.alpha = options.alpha ?? 0.1;
    checkNumber(this.name, 'alpha', this.alpha, 0, 1);
  }

  weights({ names, elements }: Stats): Float64Array {
    const main = positionOf(this.name, 'main', this.main, names);
    if (this.w.length === 0) this.w = new Float64Array(names.length).fill(1);
    checkSameLosses(this.name, this.w.length, names.length);
    this.w = this.w.map((v, i) => {
      const ratio = (elements?.largest[main] as number) / (elements?.mean[i] as number);
      return i === main || !Number.isFinite(ratio) ? v : (1 - this.alpha) * v + this.alpha * ratio;
    });
    return this.w.slice();
  }

  override stateDict(): Record<string, unknown> {
    return { w: [...this.w] };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.w = Float64Array.from(state.w as number[]);
  }

  override reset(): void {
    this.w = new Float64Array(0);
  }
}
