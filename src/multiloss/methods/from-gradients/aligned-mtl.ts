import { type Kinds, oneOf, optionsOf } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { each, type PerLoss, perLoss, range } from '../../checks.ts';
import { smallestCounted, spectrum } from '../../solve/spectrum.ts';
import { WeightingBase } from '../base.ts';

/** Options of AlignedMTL. */
export interface AlignedMTLOptions<Name extends string = string> {
  /** How much each loss counts: a number per loss, in their order or by name; default 1/m each. */
  preference?: PerLoss<Name>;
  /**
   * Which of the Gramian's eigenvalues the balanced gradients get as their squared length: the smallest, the median or
   * the mean; default 'min'.
   */
  scaleMode?: 'min' | 'median' | 'rmse';
  /**
   * Eigenvalues below m·eps times the largest count as 0; default what the Gramian's precision can tell from 0.
   * TorchJD: what torch's default type has, mostly 2⁻²³.
   */
  eps?: number;
}

const OPTIONS: Kinds<AlignedMTLOptions> = { preference: each(0), scaleMode: oneOf('min', 'median', 'rmse'), eps: range(0, 1) };

/**
 * Gradients replaced by the nearest ones that are orthogonal and equally long, then added (Senushkin et al. 2023, arXiv
 * 2305.19000): w = √s·V·Λ^(−½)·Vᵀ·p over the eigenvalues of the Gramian that are not 0.
 */
export class AlignedMTL<Name extends string = string> extends WeightingBase {
  readonly name = 'AlignedMTL';
  /** What counts as 0: see its option. */
  readonly eps: number | undefined;
  private readonly preference: PerLoss | undefined;
  private readonly scaleMode: 'min' | 'median' | 'rmse';

  constructor(options?: AlignedMTLOptions<Name>) {
    super();
    const { preference, scaleMode = 'min', eps } = optionsOf('AlignedMTL', options, OPTIONS, arguments.length);
    this.preference = preference;
    this.scaleMode = scaleMode;
    this.eps = eps;
  }

  weights({ gramian, names, rank }: Stats<Name>): Float64Array {
    const m = names.length;
    const p = perLoss(this.name, 'preference', this.preference, names, 1 / m);
    const { values, projected, expand } = spectrum(gramian, p, m);
    const least = smallestCounted(values, m * (this.eps ?? Number.EPSILON), rank);
    const kept = values.filter((v) => v > least);
    if (kept.length === 0) return p;
    const scale = Math.sqrt(this.scale([...kept]));
    return expand(projected.map((v, k) => ((values[k] as number) > least ? (v * scale) / Math.sqrt(values[k] as number) : 0)));
  }

  private scale(values: number[]): number {
    values.sort((a, b) => a - b);
    if (this.scaleMode === 'min') return values[0] as number;
    // Of an even number, the lower of the two in the middle, as torch.median has it.
    if (this.scaleMode === 'median') return values[Math.floor((values.length - 1) / 2)] as number;
    return values.reduce((a, b) => a + b / values.length, 0);
  }
}
