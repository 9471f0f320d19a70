// Rates that rise and fall, with momentum doing the opposite.
import { FINITE, FLAG, type Kinds, NUMBER, oneOf } from '../tensor/check.ts';
import { cosPi, power } from '../tensor/elementary.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { given, whole } from './options.ts';
import { LRScheduler, PER_GROUP, type PerGroup, type Schedulable, valueFor } from './scheduler.ts';

function checkRates(op: string, name: string, value: PerGroup, optimizer: Schedulable): PerGroup {
  const groups = optimizer.paramGroups.length;
  if ((typeof value === 'number' || value.length === groups) && [value].flat().every((v) => v >= 0)) return typeof value === 'number' ? value : [...value];
  throw valueError(op, `${name} must be a number ≥ 0, or one for each of the ${groups} groups, got ${JSON.stringify(value)}.`);
}

function checkMomentum(op: string, optimizer: Schedulable): void {
  if (optimizer.paramGroups.every((g) => g.momentum !== undefined || g.betas !== undefined)) return;
  throw valueError(op, 'the optimizer has neither momentum nor betas to cycle. Pass cycleMomentum: false.');
}

/** Options of `CyclicLR`, with PyTorch's defaults. */
export interface CyclicOptions {
  /** The lower rate, for all groups or one each. */
  baseLr: PerGroup;
  /** The upper rate, for all groups or one each. */
  maxLr: PerGroup;
  /** Steps upward; default 2000. */
  stepSizeUp?: number;
  /** Steps downward; default `stepSizeUp`. */
  stepSizeDown?: number;
  /** How the height changes: not at all ('triangular', the default), halved every cycle ('triangular2'), or × gamma^steps ('exp_range'). */
  mode?: 'triangular' | 'triangular2' | 'exp_range';
  /** The factor of 'exp_range'; default 1. */
  gamma?: number;
  /** Whether momentum falls as the rate rises; default true. */
  cycleMomentum?: boolean;
  /** The least momentum, for all groups or one each; default 0.8. */
  baseMomentum?: PerGroup;
  /** The largest momentum, for all groups or one each, which the cycle starts with; default 0.9. */
  maxMomentum?: PerGroup;
}

const CYCLIC: Kinds<CyclicOptions> = {
  baseLr: PER_GROUP,
  maxLr: PER_GROUP,
  stepSizeUp: NUMBER,
  stepSizeDown: NUMBER,
  mode: oneOf('triangular', 'triangular2', 'exp_range'),
  gamma: FINITE,
  cycleMomentum: FLAG,
  baseMomentum: PER_GROUP,
  maxMomentum: PER_GROUP,
};
const CYCLIC_DEFAULTS = { stepSizeUp: 2000, stepSizeDown: undefined, mode: 'triangular', gamma: 1, cycleMomentum: true, baseMomentum: 0.8, maxMomentum: 0.9 } as const;

/** Up from baseLr to maxLr and down again in straight lines, over and over (Smith 2017, arXiv 1506.01186). */
export class CyclicLR extends LRScheduler {
  private readonly up: number;
  private readonly down: number;
  private readonly options: Required<CyclicOptions>;
  /** gamma^`steps`, for as many steps as were taken: one product a step. */
  private readonly decay = { steps: 0, product: 1 };

  constructor(
    optimizer: Schedulable,
    ...options: [CyclicOptions] | [baseLr: PerGroup, maxLr: PerGroup, stepSizeUp?: number, stepSizeDown?: number] | [baseLr: PerGroup, maxLr: PerGroup, Partial<CyclicOptions>]
  ) {
    const op = 'CyclicLR';
    super(op, optimizer);
    const o = given<Required<CyclicOptions>>(op, options, CYCLIC, CYCLIC_DEFAULTS as never);
    for (const name of ['baseLr', 'maxLr', 'baseMomentum', 'maxMomentum'] as const) o[name] = checkRates(op, name, o[name], optimizer);
    this.up = whole(op, 'stepSizeUp', o.stepSizeUp);
    this.down = whole(op, 'stepSizeDown', o.stepSizeDown ?? o.stepSizeUp);
    if (o.cycleMomentum) checkMomentum(op, optimizer);
    this.options = o;
    // As in PyTorch, behind another scheduler the first rate stays until the first step.
    this.put(0, (_, base, i) => optimizer.paramGroups[i]?.initialLr ?? base);
  }

  private of(name: 'baseLr' | 'maxLr' | 'baseMomentum' | 'maxMomentum', group: number): number {
    return valueFor(this.name, name, this.options[name], group, this.optimizer.paramGroups.length);
  }

  protected override baseOf(_: unknown, at: number): number {
    return this.of('baseLr', at);
  }

  private decayed(count: number): number {
    const { decay } = this;
    if (count < decay.steps) Object.assign(decay, { steps: 0, product: 1 });
    for (; decay.steps < count; decay.steps++) decay.product *= this.options.gamma;
    return decay.product;
  }

  /** How far up, 0 … 1, the cycle stands, times what the mode makes of its height. */
  private height(count: number): number {
    const { mode } = this.options;
    const cycle = Math.floor(count / (this.up + this.down));
    const along = count - cycle * (this.up + this.down);
    const part = along <= this.up ? along / this.up : (this.up + this.down - along) / this.down;
    // Halved 1 100 times is 0.
    return part * (mode === 'triangular2' ? power(0.5, Math.min(cycle, 1100)) : mode === 'exp_range' ? this.decayed(count) : 1);
  }

  protected override first(_rate: number, base: number): number {
    return base;
  }

  protected next(_rate: number, count: number, base: number, group: number): number {
    return base + (this.of('maxLr', group) - base) * this.height(count);
  }

  protected override momentum(count: number, group: number): number | null {
    if (!this.options.cycleMomentum) return null;
    const largest = this.of('maxMomentum', group);
    return largest - (largest - this.of('baseMomentum', group)) * this.height(count);
  }
}

/** Options of `OneCycleLR`, with PyTorch's defaults. Its length is `totalSteps`, or `epochs` × `stepsPerEpoch`. */
export interface OneCycleOptions {
  /** The peak, for all groups or one each. */
  maxLr: PerGroup;
  /** Steps of the whole cycle. */
  totalSteps?: number;
  /** Epochs of the whole cycle, with `stepsPerEpoch`. */
  epochs?: number;
  /** Steps of each epoch. */
  stepsPerEpoch?: number;
  /** The share of the cycle that rises; default 0.3. */
  pctStart?: number;
  /** Along a cosine or in a straight line; default 'cos'. */
  annealStrategy?: 'cos' | 'linear';
  /** Whether momentum falls as the rate rises; default true. */
  cycleMomentum?: boolean;
  /** The least momentum, for all groups or one each; default 0.85. */
  baseMomentum?: PerGroup;
  /** The largest momentum, for all groups or one each; default 0.95. */
  maxMomentum?: PerGroup;
  /** The first rate is maxLr/divFactor; default 25. */
  divFactor?: number;
  /** The last rate is the first/finalDivFactor; default 1e4. */
  finalDivFactor?: number;
  /** Whether it falls to the first rate as fast as it rose, and only then to the last one; default false. */
  threePhase?: boolean;
}

/** A stretch that ends at step `end`: rates as shares of the peak, and whether momentum is largest. */
interface Phase {
  end: number;
  from: number;
  to: number;
  large: readonly [from: boolean, to: boolean];
}

const ONE_CYCLE: Kinds<OneCycleOptions> = {
  maxLr: PER_GROUP,
  totalSteps: NUMBER,
  epochs: NUMBER,
  stepsPerEpoch: NUMBER,
  pctStart: NUMBER,
  annealStrategy: oneOf('cos', 'linear'),
  cycleMomentum: FLAG,
  baseMomentum: PER_GROUP,
  maxMomentum: PER_GROUP,
  divFactor: NUMBER,
  finalDivFactor: NUMBER,
  threePhase: FLAG,
};
const ONE_CYCLE_DEFAULTS = {
  ...{ totalSteps: undefined, epochs: undefined, stepsPerEpoch: undefined, pctStart: 0.3, annealStrategy: 'cos', cycleMomentum: true },
  ...{ baseMomentum: 0.85, maxMomentum: 0.95, divFactor: 25, finalDivFactor: 1e4, threePhase: false },
} as const;

/** One rise to maxLr and one long fall, as many steps as the whole training has (Smith & Topin 2018, arXiv 1708.07120). */
export class OneCycleLR extends LRScheduler {
  private readonly phases: readonly Phase[];
  private readonly total: number;
  private readonly options: Required<OneCycleOptions>;

  constructor(optimizer: Schedulable, ...options: [OneCycleOptions] | [maxLr: PerGroup, totalSteps?: number] | [maxLr: PerGroup, Partial<OneCycleOptions>]) {
    const op = 'OneCycleLR';
    super(op, optimizer);
    const o = given<Required<OneCycleOptions>>(op, options, ONE_CYCLE, ONE_CYCLE_DEFAULTS as never);
    const { epochs, stepsPerEpoch, pctStart, divFactor, finalDivFactor } = o;
    const length = epochs !== undefined && stepsPerEpoch !== undefined ? whole(op, 'epochs', epochs) * whole(op, 'stepsPerEpoch', stepsPerEpoch) : undefined;
    const steps = o.totalSteps ?? length;
    if (steps === undefined) throw valueError(op, 'its length is missing. Pass totalSteps, or epochs and stepsPerEpoch.');
    this.total = whole(op, 'totalSteps', steps);
    if (!(pctStart >= 0 && pctStart <= 1)) throw valueError(op, `pctStart must lie in [0, 1], got ${pctStart}.`);
    if (!(divFactor > 0 && finalDivFactor > 0)) throw valueError(op, `divFactor and finalDivFactor must be > 0, got ${divFactor} and ${finalDivFactor}.`);
    for (const name of ['maxLr', 'baseMomentum', 'maxMomentum'] as const) o[name] = checkRates(op, name, o[name], optimizer);
    if (o.cycleMomentum) checkMomentum(op, optimizer);
    this.options = o;
    const [first, last] = [1 / divFactor, 1 / divFactor / finalDivFactor];
    const rise: Phase = { end: pctStart * this.total - 1, from: first, to: 1, large: [true, false] };
    this.phases = o.threePhase
      ? [rise, { end: 2 * pctStart * this.total - 2, from: 1, to: first, large: [false, true] }, { end: this.total - 1, from: first, to: last, large: [true, true] }]
      : [rise, { end: this.total - 1, from: 1, to: last, large: [false, true] }];
    // As in PyTorch, schedulers that follow on these groups start from its first rate.
    for (const [i, g] of optimizer.paramGroups.entries()) g.initialLr = this.baseOf(g, i);
    this.begin();
  }

  private of(name: 'maxLr' | 'baseMomentum' | 'maxMomentum', group: number): number {
    return valueFor(this.name, name, this.options[name], group, this.optimizer.paramGroups.length);
  }

  protected override baseOf(_: unknown, at: number): number {
    return this.of('maxLr', at) * (1 / this.options.divFactor);
  }

  /** @throws VALUE behind the last step */
  override advance(): void {
    if (this.count >= this.total) throw valueError('OneCycleLR', `the cycle of ${this.total} steps is over. Make it as long as the training.`);
    super.advance();
  }

  override reading(op: string, state: unknown): () => void {
    const load = super.reading(op, state);
    const { count, last_epoch = count } = state as { count: number; last_epoch?: number };
    if (last_epoch > this.total) throw new GradloomError('STATE', op, `count is ${last_epoch}, the cycle has ${this.total} steps. Build the same scheduler.`);
    return load;
  }

  /** Between two values, as far as the phase at `count` has come. */
  private between(count: number, ends: (phase: Phase) => readonly [from: number, to: number]): number {
    const at = this.phases.findIndex((phase, i) => count <= phase.end || i === this.phases.length - 1);
    const [phase, start] = [this.phases[at] as Phase, this.phases[at - 1]?.end ?? 0];
    const [from, to] = ends(phase);
    const part = phase.end === start ? 1 : Math.min(Math.max((count - start) / (phase.end - start), 0), 1);
    return this.options.annealStrategy === 'linear' ? from + (to - from) * part : to + ((from - to) / 2) * (1 + cosPi(part));
  }

  protected override first(_rate: number, base: number, group: number): number {
    return this.next(0, 0, base, group);
  }

  protected next(_rate: number, count: number, _base: number, group: number): number {
    const peak = this.of('maxLr', group);
    return this.between(count, ({ from, to }) => [peak * from, peak * to]);
  }

  protected override momentum(count: number, group: number): number | null {
    if (!this.options.cycleMomentum) return null;
    const [least, largest] = [this.of('baseMomentum', group), this.of('maxMomentum', group)];
    return this.between(count, ({ large: [from, to] }) => [from ? largest : least, to ? largest : least]);
  }
}
