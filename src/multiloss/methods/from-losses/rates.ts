// Weights from how fast losses fall: the slower ones count more.
import { FINITE, FLAG, instanceOf, type Kinds, optionsOf, withDefaults } from '../../../tensor/check.ts';
import { valueError } from '../../../tensor/errors.ts';
import { drawUniform, Generator } from '../../../tensor/random.ts';
import { count, POSITIVE, range } from '../../checks.ts';
import { Memory } from '../memory.ts';
import { softmax } from '../softmax.ts';
import { LossWeighting, RATIOS, ratio } from './loss-weighting.ts';

/** Options of `DWA`. */
export interface DWAOptions {
  /** T > 0: the higher, the more even; default 2. */
  temperature?: number;
  /** Ends an epoch by itself after so many steps; without it you call `epochEnd`. */
  stepsPerEpoch?: number;
}

const DWA_OPTIONS: Kinds<DWAOptions> = { temperature: POSITIVE, stepsPerEpoch: count(1) };

/**
 * Dynamic weight average: m·softmax(rᵢ/T), rᵢ = the last epoch's mean of Lᵢ by that of the epoch before (Liu, Johns &
 * Davison, CVPR 2019, arXiv 1803.10704), 1 for a loss that has not been there for two epochs. Every weight is 1 until
 * two epochs have ended.
 */
export class DWA extends LossWeighting {
  readonly name = 'DWA';
  protected override readonly negative = RATIOS;
  /**
   * The current epoch's steps; of each loss its sum and count over them, means of its last two epochs, and how many of
   * those there are.
   */
  protected override readonly memory = new Memory({ steps: 0 }, ['sum', 'count', 'last', 'before', 'epochs'], { steps: count(0), count: count(0), epochs: count(0) });
  private readonly temperature: number;
  private readonly stepsPerEpoch: number;

  constructor(options?: DWAOptions) {
    super();
    const { temperature = 2, stepsPerEpoch = Number.POSITIVE_INFINITY } = optionsOf('DWA', options, DWA_OPTIONS, arguments.length);
    this.temperature = temperature;
    this.stepsPerEpoch = stepsPerEpoch;
  }

  protected next(losses: Float64Array, names: readonly string[]): Float64Array {
    const { memory } = this;
    const m = names.length;
    const rows = memory.of(names, () => ({ sum: 0, count: 0, last: 0, before: 0, epochs: 0 }));
    const weights = softmax(
      rows.map((r) => (r.epochs > 1 ? ratio(r.last, r.before) : 1) / this.temperature),
      m,
    );
    rows.forEach((r, i) => {
      r.sum += losses[i] as number;
      r.count++;
    });
    if (++memory.own.steps >= this.stepsPerEpoch) this.epochEnd();
    return weights;
  }

  /** Ends an epoch: the means of its losses decide the next ones' weights. */
  epochEnd(): void {
    const { memory } = this;
    if (memory.own.steps === 0) throw valueError('DWA.epochEnd', 'there was no step in this epoch. Call it once after the steps of each epoch.');
    memory.own.steps = 0;
    for (const r of memory.all) {
      if (r.count === 0) continue;
      Object.assign(r, { sum: 0, count: 0, last: r.sum / r.count, before: r.last, epochs: Math.min(r.epochs + 1, 2) });
    }
  }
}

/** Options of `ReLoBRaLo`. */
export interface ReLoBRaLoOptions {
  /** T > 0: the higher, the more even; default 0.1. */
  temperature?: number;
  /** α: how much of the weights stays from step to step; default 0.999. */
  alpha?: number;
  /** E[ρ]: how often the history stays, instead of being compared with the first step; default 0.99. */
  rho?: number;
  /** Where ρ is drawn from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

const RELOBRALO: Kinds<ReLoBRaLoOptions> = { temperature: POSITIVE, alpha: range(0, 1), rho: range(0, 1), generator: instanceOf(Generator, 'a Generator') };

/**
 * Relative loss balancing with random look-back (Bischof & Kraus 2021, arXiv 2110.09813): λ ← α·(ρ·λ + (1 − ρ)·b(0)) +
 * (1 − α)·b(t − 1) with b(s) = m·softmax(Lᵢ(t)/(T·Lᵢ(s))) and ρ 1 or 0 at random. Every weight is 1 at the first step.
 */
export class ReLoBRaLo extends LossWeighting {
  readonly name = 'ReLoBRaLo';
  protected override readonly negative = RATIOS;
  /** Of each loss its first value, its latest, and its latest weight. */
  protected override readonly memory = new Memory({ steps: 0 }, ['first', 'last', 'weight'], { steps: count(0) });
  private readonly options: Readonly<Required<Omit<ReLoBRaLoOptions, 'generator'>> & ReLoBRaLoOptions>;

  constructor(options?: ReLoBRaLoOptions) {
    super();
    this.options = withDefaults<ReLoBRaLo['options']>('ReLoBRaLo', options, RELOBRALO, { temperature: 0.1, alpha: 0.999, rho: 0.99 }, arguments.length);
  }

  protected next(losses: Float64Array, names: readonly string[]): Float64Array {
    const { temperature, alpha, rho, generator } = this.options;
    const m = losses.length;
    const rows = this.memory.of(names, (i) => ({ first: losses[i] as number, last: losses[i] as number, weight: 1 }));
    if (this.memory.own.steps++ === 0) return new Float64Array(m).fill(1);
    const balance = (then: 'first' | 'last'): Float64Array =>
      softmax(
        rows.map((r, i) => ratio(losses[i] as number, r[then]) / temperature),
        m,
      );
    const stays = (drawUniform(1, generator)[0] as number) < rho;
    const [history, now] = [stays ? rows.map((r) => r.weight) : balance('first'), balance('last')];
    return now.map((b, i) => {
      const row = rows[i] as (typeof rows)[0];
      row.last = losses[i] as number;
      row.weight = alpha * (history[i] as number) + (1 - alpha) * b;
      return row.weight;
    });
  }
}

/** Options of `SoftAdapt`. */
export interface SoftAdaptOptions {
  /** β: above 0 losses that fall slowly count more, below 0 less; default 0.1. */
  beta?: number;
  /** Whether the rates are divided by the sum of their sizes first. */
  normalized?: boolean;
  /** Whether each weight is multiplied by its loss, which must not be negative then. */
  lossWeighted?: boolean;
}

const SOFT_ADAPT: Kinds<SoftAdaptOptions> = { beta: FINITE, normalized: FLAG, lossWeighted: FLAG };

/**
 * softmax(β·sᵢ) of the rates of change sᵢ = Lᵢ(t) − Lᵢ(t − 1), and its two variants (SoftAdapt: Heydari, Thompson &
 * Mehmood 2019, arXiv 1912.12354). Weights sum to 1, and are equal at the first step; a loss that is new counts as
 * still.
 */
export class SoftAdapt extends LossWeighting {
  readonly name = 'SoftAdapt';
  protected override readonly negative: string | undefined;
  protected override readonly memory = new Memory({}, ['last']);
  private readonly options: Readonly<Required<SoftAdaptOptions>>;

  constructor(options?: SoftAdaptOptions) {
    super();
    this.options = withDefaults<Required<SoftAdaptOptions>>('SoftAdapt', options, SOFT_ADAPT, { beta: 0.1, normalized: false, lossWeighted: false }, arguments.length);
    this.negative = this.options.lossWeighted ? 'with lossWeighted weights are multiplied by losses' : undefined;
  }

  protected next(losses: Float64Array, names: readonly string[]): Float64Array {
    const { beta, normalized, lossWeighted } = this.options;
    const begins = this.memory.names.length === 0;
    const rows = this.memory.of(names, (i) => ({ last: losses[i] as number }));
    const rates = losses.map((loss, i) => loss - (rows[i] as { last: number }).last);
    rows.forEach((row, i) => {
      row.last = losses[i] as number;
    });
    if (begins) return new Float64Array(losses.length).fill(1 / losses.length);
    const size = normalized ? rates.reduce((s, r) => s + Math.abs(r), 1e-8) : 1;
    const weights = softmax(rates.map((r) => (beta * r) / size));
    if (!lossWeighted) return weights;
    const weighted = weights.map((w, i) => w * (losses[i] as number));
    const total = weighted.reduce((a, b) => a + b, 0);
    return total > 0 ? weighted.map((w) => w / total) : weights;
  }
}
