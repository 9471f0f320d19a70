// Weights from how fast losses fall: the slower ones count more.
import { valueError } from '../../tensor/errors.ts';
import { drawUniform, type Generator } from '../../tensor/random.ts';
import { checkOption, LossWeighting, ratio, softmax } from './loss-weighting.ts';

const ones = (m: number): Float64Array => new Float64Array(m).fill(1);

interface DWAState {
  /** Sums over the current epoch, and how many steps they are of. */
  sums: number[];
  steps: number;
  /** Means of the last epoch and of the one before; empty where there was none. */
  last: number[];
  before: number[];
}

/** Options of `DWA`. */
export interface DWAOptions {
  /** T > 0: the higher, the more even; 2 unless said. */
  temperature?: number;
  /** Ends an epoch by itself after so many steps; without it you call `epochEnd`. */
  stepsPerEpoch?: number;
}

/**
 * Dynamic weight average: m·softmax(rᵢ/T), rᵢ = the last epoch's mean of Lᵢ by that of the epoch before (Liu, Johns & Davison, CVPR 2019,
 * arXiv 1803.10704). Every weight is 1 until two epochs have ended.
 */
export class DWA extends LossWeighting<DWAState> {
  readonly name = 'DWA';
  private readonly temperature: number;
  private readonly stepsPerEpoch: number;

  constructor(options: DWAOptions = {}) {
    super();
    this.temperature = checkOption('DWA', 'temperature', options.temperature ?? 2, 0, Number.MAX_VALUE, true);
    this.stepsPerEpoch = options.stepsPerEpoch ?? Number.POSITIVE_INFINITY;
    if (options.stepsPerEpoch !== undefined && !(Number.isInteger(options.stepsPerEpoch) && options.stepsPerEpoch >= 1)) {
      throw valueError('DWA', `stepsPerEpoch must be a whole number ≥ 1, got ${options.stepsPerEpoch}.`);
    }
  }

  protected start(): DWAState {
    return { sums: [], steps: 0, last: [], before: [] };
  }

  protected next(losses: Float64Array): Float64Array {
    const { state } = this;
    const { last, before } = state;
    const weights =
      before.length === 0
        ? ones(losses.length)
        : softmax(
            last.map((l, i) => ratio(l, before[i] as number) / this.temperature),
            losses.length,
          );
    state.sums = Array.from(losses, (loss, i) => (state.sums[i] ?? 0) + loss);
    state.steps++;
    if (state.steps >= this.stepsPerEpoch) this.epochEnd();
    return weights;
  }

  /** Ends an epoch: the means of its losses decide the next ones' weights. */
  epochEnd(): void {
    const { sums, steps, last } = this.state;
    if (steps === 0) throw valueError('DWA.epochEnd', 'there was no step in this epoch. Call it once after the steps of each epoch.');
    this.state = { sums: [], steps: 0, last: sums.map((s) => s / steps), before: last };
  }
}

interface ReLoBRaLoState {
  /** The losses of the first step and of the latest. */
  first: number[];
  last: number[];
  /** The latest weights. */
  weights: number[];
}

/** Options of `ReLoBRaLo`. */
export interface ReLoBRaLoOptions {
  /** T > 0: the higher, the more even; 0.1 unless said. */
  temperature?: number;
  /** α: how much of the weights stays from step to step; 0.999 unless said. */
  alpha?: number;
  /** E[ρ]: how often the history stays, instead of being compared with the first step; 0.99 unless said. */
  rho?: number;
  /** Where ρ is drawn from; the generator that `manualSeed` seeds unless said. */
  generator?: Generator;
}

/**
 * Relative loss balancing with random look-back (Bischof & Kraus 2021, arXiv 2110.09813): λ ← α·(ρ·λ + (1 − ρ)·b(0)) + (1 − α)·b(t − 1) with
 * b(s) = m·softmax(Lᵢ(t)/(T·Lᵢ(s))) and ρ 1 or 0 at random. Every weight is 1 at the first step.
 */
export class ReLoBRaLo extends LossWeighting<ReLoBRaLoState> {
  readonly name = 'ReLoBRaLo';
  private readonly options: Readonly<Required<Omit<ReLoBRaLoOptions, 'generator'>> & ReLoBRaLoOptions>;

  constructor(options: ReLoBRaLoOptions = {}) {
    super();
    const { temperature = 0.1, alpha = 0.999, rho = 0.99 } = options;
    checkOption('ReLoBRaLo', 'temperature', temperature, 0, Number.MAX_VALUE, true);
    checkOption('ReLoBRaLo', 'alpha', alpha, 0, 1);
    checkOption('ReLoBRaLo', 'rho', rho, 0, 1);
    this.options = { ...options, temperature, alpha, rho };
  }

  protected start(): ReLoBRaLoState {
    return { first: [], last: [], weights: [] };
  }

  protected next(losses: Float64Array): Float64Array {
    const { first, last, weights } = this.state;
    const { temperature, alpha, rho, generator } = this.options;
    const m = losses.length;
    if (first.length === 0) {
      this.state = { first: [...losses], last: [...losses], weights: [...ones(m)] };
      return ones(m);
    }
    const balance = (then: readonly number[]): Float64Array =>
      softmax(
        Float64Array.from(losses, (loss, i) => ratio(loss, then[i] as number) / temperature),
        m,
      );
    const stays = (drawUniform(1, generator)[0] as number) < rho;
    const [history, now] = [stays ? weights : balance(first), balance(last)];
    const mixed = now.map((b, i) => alpha * (history[i] as number) + (1 - alpha) * b);
    this.state = { first, last: [...losses], weights: [...mixed] };
    return mixed;
  }
}

/** Options of `SoftAdapt`. */
export interface SoftAdaptOptions {
  /** β: above 0 losses that fall slowly count more, below 0 less; 0.1 unless said. */
  beta?: number;
  /** Whether the rates are divided by the sum of their sizes first. */
  normalized?: boolean;
  /** Whether each weight is multiplied by its loss. */
  lossWeighted?: boolean;
}

/**
 * softmax(β·sᵢ) of the rates of change sᵢ = Lᵢ(t) − Lᵢ(t − 1), and its two variants (SoftAdapt: Heydari, Thompson & Mehmood 2019, arXiv
 * 1912.12354). Weights sum to 1, and are equal at the first step.
 */
export class SoftAdapt extends LossWeighting<{ last: number[] }> {
  readonly name = 'SoftAdapt';
  private readonly options: Readonly<Required<SoftAdaptOptions>>;

  constructor(options: SoftAdaptOptions = {}) {
    super();
    const { beta = 0.1, normalized = false, lossWeighted = false } = options;
    if (!Number.isFinite(beta)) throw valueError('SoftAdapt', `beta must be finite, got ${beta}.`);
    this.options = { beta, normalized, lossWeighted };
  }

  protected start(): { last: number[] } {
    return { last: [] };
  }

  protected next(losses: Float64Array): Float64Array {
    const { last } = this.state;
    const { beta, normalized, lossWeighted } = this.options;
    this.state = { last: [...losses] };
    if (last.length === 0) return new Float64Array(losses.length).fill(1 / losses.length);
    const rates = losses.map((loss, i) => loss - (last[i] as number));
    const size = normalized ? rates.reduce((s, r) => s + Math.abs(r), 1e-8) : 1;
    const weights = softmax(rates.map((r) => (beta * r) / size));
    if (!lossWeighted) return weights;
    const weighted = weights.map((w, i) => w * (losses[i] as number));
    const total = weighted.reduce((a, b) => a + b, 0);
    return total > 0 ? weighted.map((w) => w / total) : weights;
  }
}
