import { checkArgument, type Kinds, TEXT, withDefaults } from '../../../tensor/check.ts';
import type { Stats } from '../method.ts';
import { count, POSITIVE, range } from '../../checks.ts';
import { WeightingBase } from '../base.ts';
import { Memory, indexOfLoss } from '../memory.ts';

/** Options of VQGANWeight. */
export interface VQGANWeightOptions {
  /** The loss whose gradient sets the scale: reconstruction. */
  rec: string;
  /** The loss that is scaled to it: the generator's adversarial loss. */
  gan: string;
  /** What the scale is multiplied by; default 1. */
  weight?: number;
  /** The step from which the adversarial loss counts, from 0; default 0. */
  start?: number;
  /** Added to the adversarial gradient's length; default 1e-4. */
  eps?: number;
  /** The largest scale; default 1e4. */
  max?: number;
}

const OPTIONS: Kinds<VQGANWeightOptions> = { rec: TEXT, gan: TEXT, weight: range(0), start: count(0), eps: POSITIVE, max: range(0) };

/**
 * The adaptive weight of VQGAN (Esser, Rombach & Ommer 2021, arXiv 2012.09841): λ = ‖∇rec‖/(‖∇gan‖ + ε), at most `max`,
 * times `weight` for the adversarial loss, 0 before `start`; 1 for every other loss. The paper takes the gradients at
 * the decoder's last layer: give that layer's parameters as what the method looks at. A step that lacks one of the two
 * has weights of 1.
 */
export class VQGANWeight extends WeightingBase {
  readonly name = 'VQGANWeight';
  override readonly needs = 'norms';
  protected override readonly memory = new Memory({ step: 0 }, [], { step: count(0) });
  private readonly options: Required<VQGANWeightOptions>;

  constructor(options: VQGANWeightOptions) {
    super();
    const defaults = { rec: undefined as never, gan: undefined as never, weight: 1, start: 0, eps: 1e-4, max: 1e4 };
    this.options = withDefaults<Required<VQGANWeightOptions>>('VQGANWeight', options, OPTIONS, defaults, arguments.length);
    for (const key of ['rec', 'gan'] as const) checkArgument('VQGANWeight', key, this.options[key], TEXT);
  }

  weights(stats: Stats): Float64Array {
    const { names, norms } = stats;
    const { rec, gan, weight, start, eps, max } = this.options;
    const { memory } = this;
    const [r, g] = [rec, gan].map((name, i) => indexOfLoss(this.name, i === 0 ? 'rec' : 'gan', name, stats, memory.names)) as [number, number];
    memory.of(names, () => ({}));
    const w = new Float64Array(names.length).fill(1);
    const begun = memory.own.step++ >= start;
    if (g >= 0 && !begun) w[g] = 0;
    else if (g >= 0 && r >= 0) w[g] = weight * Math.min((norms[r] as number) / ((norms[g] as number) + eps), max);
    return w;
  }
}
