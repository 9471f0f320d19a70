import { checkArgument, type Kinds, withDefaults } from '../../../tensor/check.ts';
import { GradloomError, valueError } from '../../../tensor/errors.ts';
import type { Stats } from '../method.ts';
import { count } from '../../checks.ts';
import { total } from '../../solve/matrix.ts';
import { WeightingBase } from '../base.ts';

/** Options of Krum. */
export interface KrumOptions {
  /** f: how many gradients may be arbitrarily wrong. */
  nByzantine: number;
  /** How many gradients are averaged; default 1. More than one is multi-Krum. */
  nSelected?: number;
}

const OPTIONS: Kinds<KrumOptions> = { nByzantine: count(0), nSelected: count(1) };

/**
 * The mean of the gradients that lie closest to their m − f − 2 nearest ones, so that f gradients may be anything
 * (Blanchard et al. 2017, arXiv 1703.02757). Takes at least f + 3 losses.
 */
export class Krum extends WeightingBase {
  readonly name = 'Krum';
  private readonly options: Required<KrumOptions>;

  constructor(options: KrumOptions) {
    super();
    this.options = withDefaults<Required<KrumOptions>>('Krum', options, OPTIONS, { nByzantine: Number.NaN, nSelected: 1 }, arguments.length);
    checkArgument('Krum', 'nByzantine', this.options.nByzantine, OPTIONS.nByzantine);
  }

  weights({ gramian: g, names }: Stats): Float64Array {
    const m = names.length;
    const { nByzantine: f, nSelected: selected } = this.options;
    if (m < f + 3) throw new GradloomError('SHAPE', this.name, `with nByzantine ${f} it takes at least ${f + 3} losses, got ${m}. Lower nByzantine.`);
    if (m < selected) throw valueError(this.name, `nSelected is ${selected}, of ${m} losses. Lower it.`);
    const scores = Float64Array.from({ length: m }, (_, i) => {
      // Gᵢᵢ + Gⱼⱼ − 2Gᵢⱼ may fall below 0 by rounding.
      const distances = Float64Array.from({ length: m }, (_, j) =>
        i === j ? 0 : Math.sqrt(Math.max((g[i * m + i] as number) + (g[j * m + j] as number) - 2 * (g[i * m + j] as number), 0)),
      ).sort();
      // The first is its own, 0.
      return total(distances.subarray(0, m - f - 1));
    });
    const best = [...scores.keys()].sort((i, j) => (scores[i] as number) - (scores[j] as number));
    const w = new Float64Array(m);
    for (const i of best.slice(0, selected)) w[i] = 1 / selected;
    return w;
  }
}
