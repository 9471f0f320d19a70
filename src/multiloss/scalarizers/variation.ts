// Weights from chance, from how much losses vary, and from how well tasks are solved.
import { logarithm, power } from '../../tensor/elementary.ts';
import { valueError } from '../../tensor/errors.ts';
import { drawNormal, type Generator } from '../../tensor/random.ts';
import { checkOption, LossWeighting, softmax } from './loss-weighting.ts';

/** Options of `RLW`. */
export interface RLWOptions {
  /** Where the numbers are drawn from; the generator that `manualSeed` seeds unless said. Its state is not part of `stateDict`. */
  generator?: Generator;
}

/** Random loss weighting: softmax of m normal numbers, anew at every step (Lin et al., TMLR 2022, arXiv 2111.10603). A baseline that others must beat. */
export class RLW extends LossWeighting<Record<string, never>> {
  readonly name = 'RLW';
  private readonly generator: Generator | undefined;

  constructor(options: RLWOptions = {}) {
    super();
    this.generator = options.generator;
  }

  protected start(): Record<string, never> {
    return {};
  }

  protected next(losses: Float64Array): Float64Array {
    return softmax(drawNormal(losses.length, this.generator));
  }
}

interface CoVState {
  steps: number;
  /** Running means of the losses. */
  losses: number[];
  /** Running means of the ratios ℓᵢ = Lᵢ/mean, and sums of their squared deviations (Welford). */
  ratios: number[];
  squares: number[];
}

/** Options of `CoV`. */
export interface CoVOptions {
  /** The share of the running means that stays from step to step; without it they are means over all steps. */
  decay?: number;
}

/**
 * Coefficient of variation: weights σ(ℓᵢ)/μ(ℓᵢ), divided by their sum, of the ratios ℓᵢ = Lᵢ/μ(Lᵢ) (1 where that mean is 0) over the steps before (Groenendijk et al.,
 * WACV 2021, arXiv 2009.01717). Equal weights at the first two steps.
 */
export class CoV extends LossWeighting<CoVState> {
  readonly name = 'CoV';
  private readonly decay: number | undefined;

  constructor(options: CoVOptions = {}) {
    super();
    this.decay = options.decay === undefined ? undefined : checkOption('CoV', 'decay', options.decay, 0, 1, true);
  }

  protected start(): CoVState {
    return { steps: 0, losses: [], ratios: [], squares: [] };
  }

  protected next(losses: Float64Array): Float64Array {
    const { steps, losses: means, ratios, squares } = this.state;
    const variation = Float64Array.from(losses, (_, i) => (steps < 2 ? 1 : Math.sqrt((squares[i] as number) / steps + 1e-8) / (ratios[i] as number)));
    const total = variation.reduce((a, b) => a + b, 0);
    const stays = steps === 0 ? 0 : (this.decay ?? 1 - 1 / (steps + 1));
    const mix = (old: number | undefined, now: number): number => stays * (old ?? 0) + (1 - stays) * now;
    const now = Array.from(losses, (loss, i) => (means[i] ? loss / (means[i] as number) : 1));
    const newRatios = now.map((l, i) => mix(ratios[i], l));
    this.state = {
      steps: steps + 1,
      losses: Array.from(losses, (loss, i) => mix(means[i], loss)),
      ratios: newRatios,
      squares: now.map((l, i) => (squares[i] ?? 0) + (l - (ratios[i] ?? 0)) * (l - (newRatios[i] as number))),
    };
    return variation.map((v) => v / total);
  }
}

interface FocalKPIState {
  /** Running means of the tasks' scores, by loss. */
  scores: Record<string, number>;
}

/** Options of `FocalKPI`. */
export interface FocalKPIOptions {
  /** γ ≥ 0: how much solved tasks are left out; 1 unless said. */
  gamma?: number;
  /** How much a new score counts in the running mean; 1 (the new one alone) unless said. */
  alpha?: number;
}

/**
 * Dynamic task prioritization: −(1 − kᵢ)^γ·ln kᵢ of each task's score kᵢ in (0, 1], accuracy say: hard tasks count more (Guo et al., ECCV
 * 2018). Call `update` with the scores; a loss without one counts 1.
 */
export class FocalKPI extends LossWeighting<FocalKPIState> {
  readonly name = 'FocalKPI';
  private readonly gamma: number;
  private readonly alpha: number;

  constructor(options: FocalKPIOptions = {}) {
    super();
    this.gamma = checkOption('FocalKPI', 'gamma', options.gamma ?? 1, 0);
    this.alpha = checkOption('FocalKPI', 'alpha', options.alpha ?? 1, 0, 1, true);
  }

  protected start(): FocalKPIState {
    return { scores: {} };
  }

  /** Tells how well tasks are solved, by loss: scores in (0, 1]. */
  update(scores: Readonly<Record<string, number>>): void {
    for (const [name, k] of Object.entries(scores)) if (!(k > 0 && k <= 1)) throw valueError('FocalKPI.update', `the score of '${name}' must lie in (0, 1], got ${k}.`);
    const before = this.state.scores;
    for (const [name, k] of Object.entries(scores)) before[name] = this.alpha * k + (1 - this.alpha) * (before[name] ?? k);
  }

  protected next(_losses: Float64Array, names: readonly string[]): Float64Array {
    return Float64Array.from(names, (name) => {
      const k = this.state.scores[name];
      return k === undefined ? 1 : k === 1 ? 0 : -power(1 - k, this.gamma) * logarithm(k);
    });
  }
}
