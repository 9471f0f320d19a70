// Rates that rise and fall, with momentum doing the opposite.
import { cosPi, power } from '../tensor/elementary.ts';
import { valueError } from '../tensor/errors.ts';
import { LRScheduler, type Schedulable, whole } from './schedulers.ts';

/** One rate per group, from a number for all or a list. */
function perGroup(op: string, name: string, value: number | readonly number[], optimizer: Schedulable): number[] {
  const list = typeof value === 'number' ? optimizer.paramGroups.map(() => value) : [...value];
  if (list.length !== optimizer.paramGroups.length || list.some((v) => !(v >= 0)))
    throw valueError(op, `${name} must be a rate ≥ 0, or one for each of the ${optimizer.paramGroups.length} groups, got ${JSON.stringify(value)}.`);
  return list;
}

function checkMomentum(op: string, optimizer: Schedulable): void {
  if (optimizer.paramGroups.every((g) => g.momentum !== undefined || g.betas !== undefined)) return;
  throw valueError(op, 'the optimizer has neither momentum nor betas to cycle. Pass cycleMomentum: false.');
}

/** Options of `CyclicLR`, with PyTorch's defaults. */
export interface CyclicOptions {
  /** The lower rate, for all groups or one each. */
  baseLr: number | readonly number[];
  /** The upper rate, for all groups or one each. */
  maxLr: number | readonly number[];
  /** Steps upward; 2000 unless said. */
  stepSizeUp?: number;
  /** Steps downward; `stepSizeUp` unless said. */
  stepSizeDown?: number;
  /** How the height changes: not at all ('triangular', unless said), halved every cycle ('triangular2'), or × gamma^steps ('exp_range'). */
  mode?: 'triangular' | 'triangular2' | 'exp_range';
  /** The factor of 'exp_range'; 1 unless said. */
  gamma?: number;
  /** Whether momentum falls as the rate rises; true unless said. */
  cycleMomentum?: boolean;
  /** The least momentum; 0.8 unless said. */
  baseMomentum?: number;
  /** The largest momentum, which the cycle starts with; 0.9 unless said. */
  maxMomentum?: number;
}

/** Up from baseLr to maxLr and down again in straight lines, over and over (Smith 2017, arXiv 1506.01186). */
export class CyclicLR extends LRScheduler {
  private readonly maxRates: readonly number[];
  private readonly up: number;
  private readonly down: number;
  private readonly options: CyclicOptions;

  constructor(optimizer: Schedulable, options: CyclicOptions) {
    super(optimizer);
    const op = 'CyclicLR';
    const { mode = 'triangular', cycleMomentum = true, stepSizeUp = 2000, stepSizeDown = stepSizeUp } = options;
    if (!['triangular', 'triangular2', 'exp_range'].includes(mode)) throw valueError(op, `mode must be 'triangular', 'triangular2' or 'exp_range', got '${mode}'.`);
    const base = perGroup(op, 'baseLr', options.baseLr, optimizer);
    this.maxRates = perGroup(op, 'maxLr', options.maxLr, optimizer);
    this.up = whole(op, 'stepSizeUp', stepSizeUp);
    this.down = whole(op, 'stepSizeDown', stepSizeDown);
    if (cycleMomentum) checkMomentum(op, optimizer);
    this.options = options;
    this.baseRates.splice(0, base.length, ...base);
    this.apply();
  }

  /** How far up, 0 … 1, the cycle stands, times what the mode makes of its height. */
  private height(count: number): number {
    const { mode, gamma = 1 } = this.options;
    const cycle = Math.floor(count / (this.up + this.down));
    const along = count - cycle * (this.up + this.down);
    const part = along <= this.up ? along / this.up : (this.up + this.down - along) / this.down;
    return part * (mode === 'triangular2' ? power(0.5, cycle) : mode === 'exp_range' ? power(gamma, count) : 1);
  }

  protected rate(base: number, count: number, group: number): number {
    return base + ((this.maxRates[group] as number) - base) * this.height(count);
  }

  protected override momentum(count: number): number | null {
    const { cycleMomentum = true, baseMomentum = 0.8, maxMomentum = 0.9 } = this.options;
    return cycleMomentum ? maxMomentum - (maxMomentum - baseMomentum) * this.height(count) : null;
  }
}

/** Options of `OneCycleLR`, with PyTorch's defaults. Its length is `totalSteps`, or `epochs` × `stepsPerEpoch`. */
export interface OneCycleOptions {
  /** The peak, for all groups or one each. */
  maxLr: number | readonly number[];
  totalSteps?: number;
  epochs?: number;
  stepsPerEpoch?: number;
  /** The share of the cycle that rises; 0.3 unless said. */
  pctStart?: number;
  /** Along a cosine or in a straight line; 'cos' unless said. */
  annealStrategy?: 'cos' | 'linear';
  /** Whether momentum falls as the rate rises; true unless said. */
  cycleMomentum?: boolean;
  /** The least momentum; 0.85 unless said. */
  baseMomentum?: number;
  /** The largest momentum; 0.95 unless said. */
  maxMomentum?: number;
  /** The first rate is maxLr/divFactor; 25 unless said. */
  divFactor?: number;
  /** The last rate is the first/finalDivFactor; 1e4 unless said. */
  finalDivFactor?: number;
  /** Whether it falls to the first rate as fast as it rose, and only then to the last one; false unless said. */
  threePhase?: boolean;
}

/** A stretch that ends at step `end`: rates as shares of the peak, and whether momentum is largest. */
interface Phase {
  end: number;
  from: number;
  to: number;
  large: readonly [from: boolean, to: boolean];
}

/** One rise to maxLr and one long fall, as many steps as the whole training has (Smith & Topin 2018, arXiv 1708.07120). */
export class OneCycleLR extends LRScheduler {
  private readonly peaks: readonly number[];
  private readonly phases: readonly Phase[];
  private readonly total: number;
  private readonly options: OneCycleOptions;

  constructor(optimizer: Schedulable, options: OneCycleOptions) {
    super(optimizer);
    const op = 'OneCycleLR';
    const { epochs, stepsPerEpoch, pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true, divFactor = 25, finalDivFactor = 1e4 } = options;
    const steps = options.totalSteps ?? (epochs !== undefined && stepsPerEpoch !== undefined ? epochs * stepsPerEpoch : undefined);
    if (steps === undefined) throw valueError(op, 'its length is missing. Pass totalSteps, or epochs and stepsPerEpoch.');
    this.total = whole(op, 'totalSteps', steps);
    if (!(pctStart >= 0 && pctStart <= 1)) throw valueError(op, `pctStart must lie in [0, 1], got ${pctStart}.`);
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear') throw valueError(op, `annealStrategy must be 'cos' or 'linear', got '${annealStrategy}'.`);
    if (!(divFactor > 0 && finalDivFactor > 0)) throw valueError(op, `divFactor and finalDivFactor must be > 0, got ${divFactor} and ${finalDivFactor}.`);
    if (cycleMomentum) checkMomentum(op, optimizer);
    this.peaks = perGroup(op, 'maxLr', options.maxLr, optimizer);
    this.options = options;
    const [first, last] = [1 / divFactor, 1 / divFactor / finalDivFactor];
    const rise: Phase = { end: pctStart * this.total - 1, from: first, to: 1, large: [true, false] };
    this.phases = options.threePhase
      ? [rise, { end: 2 * pctStart * this.total - 2, from: 1, to: first, large: [false, true] }, { end: this.total - 1, from: first, to: last, large: [true, true] }]
      : [rise, { end: this.total - 1, from: 1, to: last, large: [false, true] }];
    this.baseRates.splice(0, this.baseRates.length, ...this.peaks.map((peak) => peak * first));
    this.apply();
  }

  /** @throws VALUE behind the last step */
  override step(): void {
    if (this.count >= this.total) throw valueError('OneCycleLR', `the cycle of ${this.total} steps is over. Make it as long as the training.`);
    super.step();
  }

  /** Between two values, as far as the phase at `count` has come. */
  private between(count: number, ends: (phase: Phase) => readonly [from: number, to: number]): number {
    const at = this.phases.findIndex((phase, i) => count <= phase.end || i === this.phases.length - 1);
    const [phase, start] = [this.phases[at] as Phase, this.phases[at - 1]?.end ?? 0];
    const [from, to] = ends(phase);
    const part = phase.end === start ? 1 : Math.min(Math.max((count - start) / (phase.end - start), 0), 1);
    return this.options.annealStrategy === 'linear' ? from + (to - from) * part : to + ((from - to) / 2) * (1 + cosPi(part));
  }

  protected rate(_base: number, count: number, group: number): number {
    const peak = this.peaks[group] as number;
    return this.between(count, ({ from, to }) => [peak * from, peak * to]);
  }

  protected override momentum(count: number): number | null {
    const { cycleMomentum = true, baseMomentum = 0.85, maxMomentum = 0.95 } = this.options;
    if (!cycleMomentum) return null;
    return this.between(count, ({ large: [from, to] }) => [from ? maxMomentum : baseMomentum, to ? maxMomentum : baseMomentum]);
  }
}
