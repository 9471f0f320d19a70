import type { Stats } from '../method.ts';
import { checkCount, checkNumber, positionOf } from '../checks.ts';
import { Memoryless } from './memoryless.ts';

/** Options of VQGANWeight. */
export interface VQGANWeightOptions {
  /** The loss whose gradient sets the scale: reconstruction. */
  rec: string;
  /** The loss that is scaled to it: the generator's adversarial loss. */
  gan: string;
  /** What the scale is multiplied by; 1 unless said. */
  weight?: number;
  /** The step from which the adversarial loss counts, from 0; 0 unless said. */
  start?: number;
  /** Added to the adversarial gradient's length; 1e-4 unless said. */
  eps?: number;
  /** The largest scale; 1e4 unless said. */
  max?: number;
}

/**
 * The adaptive weight of VQGAN (Esser, Rombach & Ommer 2021, arXiv 2012.09841): λ = ‖∇rec‖/(‖∇gan‖ + ε), at most `max`, times `weight`
 * for the adversarial loss, 0 before `start`; 1 for every other loss. The paper takes the gradients at the decoder's last layer: give
 * that layer's parameters as what the method looks at.
 */
export class VQGANWeight extends Memoryless {
  readonly name = 'VQGANWeight';
  override readonly needs = 'norms';
  private readonly options: Required<VQGANWeightOptions>;
  private step = 0;

  constructor(options: VQGANWeightOptions) {
    super();
    this.options = { weight: 1, start: 0, eps: 1e-4, max: 1e4, ...options };
    checkNumber(this.name, 'weight', this.options.weight, 0);
    checkCount(this.name, 'start', this.options.start, 0);
    checkNumber(this.name, 'eps', this.options.eps, 0, Number.POSITIVE_INFINITY, true);
    checkNumber(this.name, 'max', this.options.max, 0);
  }

  weights({ names, norms }: Stats): Float64Array {
    const { rec, gan, weight, start, eps, max } = this.options;
    const [r, g] = [positionOf(this.name, 'rec', rec, names), positionOf(this.name, 'gan', gan, names)];
    const w = new Float64Array(names.length).fill(1);
    w[g] = this.step < start ? 0 : weight * Math.min((norms[r] as number) / ((norms[g] as number) + eps), max);
    this.step++;
    return w;
  }

  override stateDict(): Record<string, unknown> {
    return { step: this.step };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.step = state.step as number;
  }

  override reset(): void {
    this.step = 0;
  }
}
