import type { Stats } from '../method.ts';
import { checkNumber, checkPerLoss, checkWord, type PerLoss, perLoss } from '../checks.ts';
import { spectrum } from '../solve/spectrum.ts';
import { Memoryless } from './memoryless.ts';

/** Options of AlignedMTL. */
export interface AlignedMTLOptions {
  /** How much each loss counts: a number per loss, in their order or by name; 1/m each unless said. */
  preference?: PerLoss;
  /** Which of the Gramian's eigenvalues the balanced gradients get as their squared length: the smallest, the median or the mean. 'min' unless said. */
  scaleMode?: 'min' | 'median' | 'rmse';
  /** Eigenvalues below m·eps times the largest count as 0. 2⁻⁵² unless said; TorchJD takes what torch's default type has, mostly 2⁻²³. */
  eps?: number;
}

/**
 * Gradients replaced by the nearest ones that are orthogonal and equally long, then added (Senushkin et al. 2023, arXiv 2305.19000):
 * w = √s·V·Λ^(−½)·Vᵀ·p over the eigenvalues of the Gramian that are not 0.
 */
export class AlignedMTL extends Memoryless {
  readonly name = 'AlignedMTL';
  private readonly preference: PerLoss | undefined;
  private readonly scaleMode: 'min' | 'median' | 'rmse';
  private readonly eps: number;

  constructor(options: AlignedMTLOptions = {}) {
    super();
    this.preference = options.preference;
    this.scaleMode = options.scaleMode ?? 'min';
    this.eps = options.eps ?? Number.EPSILON;
    checkNumber(this.name, 'eps', this.eps, 0, 1);
    checkPerLoss(this.name, 'preference', this.preference);
    checkWord(this.name, 'scaleMode', this.scaleMode, ['min', 'median', 'rmse']);
  }

  weights({ gramian, names }: Stats): Float64Array {
    const m = names.length;
    const p = perLoss(this.name, 'preference', this.preference, names, 1 / m);
    const { values, along, back } = spectrum(gramian, p, m, m * this.eps);
    const least = values.reduce((a, b) => Math.max(a, b), 0) * m * this.eps;
    const kept = values.filter((v) => v > least);
    if (kept.length === 0) return p;
    const scale = Math.sqrt(this.scale([...kept]));
    return back(along.map((v, k) => ((values[k] as number) > least ? (v * scale) / Math.sqrt(values[k] as number) : 0)));
  }

  private scale(values: number[]): number {
    values.sort((a, b) => a - b);
    if (this.scaleMode === 'min') return values[0] as number;
    // Of an even number, the lower of the two in the middle, as torch.median has it.
    if (this.scaleMode === 'median') return values[Math.floor((values.length - 1) / 2)] as number;
    return values.reduce((a, b) => a + b / values.length, 0);
  }
}
