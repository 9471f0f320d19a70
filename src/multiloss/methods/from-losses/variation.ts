// Weights from chance, from how much losses vary, and from how well tasks are solved.
import { checkArgument, instanceOf, type Kinds, optionsOf } from '../../../tensor/check.ts';
import { logarithm, power } from '../../../tensor/elementary.ts';
import { valueError } from '../../../tensor/errors.ts';
import { drawNormal, Generator } from '../../../tensor/random.ts';
import { count, range } from '../../checks.ts';
import { Memory } from '../memory.ts';
import { softmax } from '../softmax.ts';
import { OBJECT } from '../../state.ts';
import { LossWeighting, RATIOS } from './loss-weighting.ts';

/** Options of `RLW`. */
export interface RLWOptions {
  /**
   * Where the numbers are drawn from; default the generator that `manualSeed` seeds. Its state is not part of
   * `stateDict`.
   */
  generator?: Generator;
}

const RLW_OPTIONS: Kinds<RLWOptions> = { generator: instanceOf(Generator, 'a Generator') };

/**
 * Random loss weighting: softmax of m normal numbers, anew at every step (Lin et al., TMLR 2022, arXiv 2111.10603). A
 * baseline that others must beat. Losses get their numbers in the order in which they first came.
 */
export class RLW extends LossWeighting {
  readonly name = 'RLW';
  protected override readonly memory = new Memory({}, []);
  private readonly generator: Generator | undefined;

  constructor(options?: RLWOptions) {
    super();
    this.generator = optionsOf('RLW', options, RLW_OPTIONS, arguments.length).generator;
  }

  protected next(_losses: Float64Array, names: readonly string[]): Float64Array {
    this.memory.of(names, () => ({}));
    const present = this.memory.names.filter((name) => names.includes(name));
    const drawn = softmax(drawNormal(names.length, this.generator));
    return Float64Array.from(names, (name) => drawn[present.indexOf(name)] as number);
  }
}

/** Options of `CoV`. */
export interface CoVOptions {
  /** The share of the running means that stays from step to step; without it they are means over all steps. */
  decay?: number;
}

const COV: Kinds<CoVOptions> = { decay: range(0, 1, true) };

/**
 * Coefficient of variation: weights σ(ℓᵢ)/μ(ℓᵢ), divided by their sum, of the ratios ℓᵢ = Lᵢ/μ(Lᵢ) (1 where that mean
 * is 0) over the steps before (Groenendijk et al., WACV 2021, arXiv 2009.01717). Equal weights at the first two steps;
 * a loss that is new has the others' mean weight at its own first two.
 */
export class CoV extends LossWeighting {
  readonly name = 'CoV';
  protected override readonly negative = RATIOS;
  /**
   * Of each loss its steps, its running mean, that of its ratio ℓᵢ, and the sum of ℓᵢ's squared deviations (Welford).
   */
  protected override readonly memory = new Memory({}, ['steps', 'mean', 'ratio', 'squares'], { steps: count(0), squares: range(0) });
  private readonly decay: number | undefined;

  constructor(options?: CoVOptions) {
    super();
    this.decay = optionsOf('CoV', options, COV, arguments.length).decay;
  }

  protected next(losses: Float64Array, names: readonly string[]): Float64Array {
    const rows = this.memory.of(names, () => ({ steps: 0, mean: 0, ratio: 0, squares: 0 }));
    const measured = rows.map((r) => (r.steps < 2 ? Number.NaN : Math.sqrt(r.squares / r.steps + 1e-8) / r.ratio));
    const known = measured.filter((v) => !Number.isNaN(v));
    const usual = known.length === 0 ? 1 : known.reduce((a, b) => a + b, 0) / known.length;
    const variation = Float64Array.from(measured, (v) => (Number.isNaN(v) ? usual : v));
    const total = variation.reduce((a, b) => a + b, 0);
    rows.forEach((r, i) => {
      const stays = r.steps === 0 ? 0 : (this.decay ?? 1 - 1 / (r.steps + 1));
      const mix = (old: number, now: number): number => stays * old + (1 - stays) * now;
      const loss = losses[i] as number;
      const now = r.mean ? loss / r.mean : 1;
      const ratio = mix(r.ratio, now);
      Object.assign(r, { steps: r.steps + 1, mean: mix(r.mean, loss), ratio, squares: r.squares + (now - r.ratio) * (now - ratio) });
    });
    return variation.map((v) => v / total);
  }
}

/** Options of `FocalKPI`. */
export interface FocalKPIOptions {
  /** γ ≥ 0: how much solved tasks are left out; default 1. */
  gamma?: number;
  /** How much a new score counts in the running mean; default 1 (the new one alone). */
  alpha?: number;
}

const FOCAL: Kinds<FocalKPIOptions> = { gamma: range(0), alpha: range(0, 1, true) };

/**
 * Dynamic task prioritization: −(1 − kᵢ)^γ·ln kᵢ of each task's score kᵢ in (0, 1], accuracy say: hard tasks count more
 * (Guo et al., ECCV 2018). Call `update` with the scores; a loss without one counts 1.
 */
export class FocalKPI extends LossWeighting {
  readonly name = 'FocalKPI';
  /** Running means of the tasks' scores, by loss. */
  protected override readonly memory = new Memory({}, ['score'], { score: range(0, 1) });
  private readonly gamma: number;
  private readonly alpha: number;

  constructor(options?: FocalKPIOptions) {
    super();
    const { gamma = 1, alpha = 1 } = optionsOf('FocalKPI', options, FOCAL, arguments.length);
    this.gamma = gamma;
    this.alpha = alpha;
  }

  /** Tells how well tasks are solved, by loss: scores in (0, 1]. */
  update(scores: Readonly<Record<string, number>>): void {
    checkArgument('FocalKPI.update', 'scores', scores, OBJECT);
    const names = Object.keys(scores);
    for (const name of names) {
      const k = scores[name] as number;
      if (!(typeof k === 'number' && k > 0 && k <= 1)) throw valueError('FocalKPI.update', `the score of '${name}' must lie in (0, 1], got ${k}.`);
    }
    const score = (i: number): number => scores[names[i] as string] as number;
    this.memory
      .of(names, (i) => ({ score: score(i) }))
      .forEach((row, i) => {
        row.score = this.alpha * score(i) + (1 - this.alpha) * row.score;
      });
  }

  protected next(_losses: Float64Array, names: readonly string[]): Float64Array {
    return Float64Array.from(names, (name) => {
      const k = this.memory.get(name)?.score;
      return k === undefined ? 1 : k === 1 ? 0 : -power(1 - k, this.gamma) * logarithm(k);
    });
  }
}
