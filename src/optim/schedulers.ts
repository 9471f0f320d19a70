// Learning rates over time. Each scheduler is a formula of the number of steps and the group's rate at the start. Those that cycle momentum too stand in
// cyclic.ts, those made of others in combined.ts, the one that follows a metric in plateau.ts.
//
// Rates reach tensors, so the formulas use + − × ÷ and tensor/elementary.ts only.
import { cosPi, power } from '../tensor/elementary.ts';
import { valueError } from '../tensor/errors.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';

/** What a scheduler changes: an optimizer's groups. */
export interface Schedulable {
  readonly paramGroups: readonly { lr: number; momentum?: number; betas?: readonly [number, number] }[];
}

/** A scheduler's state as plain data. */
export interface SchedulerState {
  count: number;
  baseRates: readonly number[];
}

/** @internal The number, if it is whole and large enough. */
export function whole(op: string, name: string, value: number, least = 1): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw valueError(op, `${name} must be a whole number ≥ ${least}, got ${value}.`);
}

// What each group started with, as the first scheduler on it found it: those that follow build on that, not on what the first has made of it.
const startRates = new WeakMap<object, number>();

export abstract class LRScheduler {
  /** @internal What it changes. */
  readonly optimizer: Schedulable;
  /** Steps taken: 0 at the start. */
  protected count = 0;
  /** What each group starts with: what it had before the first scheduler on it. */
  protected readonly baseRates: number[];

  constructor(optimizer: Schedulable) {
    this.optimizer = optimizer;
    this.baseRates = optimizer.paramGroups.map((g) => {
      const rate = startRates.get(g) ?? g.lr;
      startRates.set(g, rate);
      return rate;
    });
  }

  /** The rate after `count` steps of a group (by its place) that started with `base`. */
  protected abstract rate(base: number, count: number, group: number): number;

  /** The momentum after `count` steps, or null to leave it alone. */
  protected momentum(_count: number): number | null {
    return null;
  }

  /** @internal As `rate` and `momentum`: for schedulers made of schedulers. */
  at(base: number, count: number, group: number): { rate: number; momentum: number | null } {
    return { rate: this.rate(base, count, group), momentum: this.momentum(count) };
  }

  /** Sets every group's rate (and momentum) for the current count: subclasses call it once their options are there. */
  protected apply(): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      const { rate, momentum } = this.at(this.baseRates[i] as number, this.count, i);
      group.lr = rate;
      if (momentum === null) return;
      if (group.betas) group.betas = [momentum, group.betas[1]];
      else group.momentum = momentum;
    });
  }

  /** One step on: call it after `optimizer.step()`. */
  step(): void {
    refuseWhileRecording(this.constructor.name, 'a scheduler steps', 'Call it after the step: a captured step reads the rates anew at each call.');
    this.count++;
    this.apply();
  }

  /** The groups' rates now. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map((g) => g.lr);
  }

  /** What it needs to resume, as plain data. */
  stateDict(): SchedulerState {
    return { count: this.count, baseRates: [...this.baseRates] };
  }

  /** Resumes from what `stateDict` gave. */
  loadStateDict(state: SchedulerState): void {
    if (state.baseRates.length !== this.baseRates.length)
      throw valueError('LRScheduler', `the state has ${state.baseRates.length} groups, the optimizer ${this.baseRates.length}. Build the same optimizer.`);
    this.count = state.count;
    this.baseRates.splice(0, this.baseRates.length, ...state.baseRates);
    this.apply();
  }
}

/** The rate times what a function of the step count says; one function for all groups or one each is up to the caller's closure. */
export class LambdaLR extends LRScheduler {
  private readonly factor: (count: number) => number;

  constructor(optimizer: Schedulable, lrLambda: (count: number) => number) {
    super(optimizer);
    this.factor = lrLambda;
    this.apply();
  }

  protected rate(base: number, count: number): number {
    return base * this.factor(count);
  }
}

/** The rate before times what a function of the step count says: from step to step, where `LambdaLR` starts from the first rate each time. */
export class MultiplicativeLR extends LRScheduler {
  private readonly factor: (count: number) => number;
  /** The product of the factors of steps 1 … `upTo`. */
  private product = 1;
  private upTo = 0;

  constructor(optimizer: Schedulable, lrLambda: (count: number) => number) {
    super(optimizer);
    this.factor = lrLambda;
    this.apply();
  }

  protected rate(base: number, count: number): number {
    if (count < this.upTo) [this.product, this.upTo] = [1, 0];
    while (this.upTo < count) this.product *= this.factor(++this.upTo);
    return base * this.product;
  }
}

/** × gamma every `stepSize` steps; gamma 0.1 unless said. */
export class StepLR extends LRScheduler {
  private readonly stepSize: number;
  private readonly gamma: number;

  constructor(optimizer: Schedulable, options: { stepSize: number; gamma?: number }) {
    super(optimizer);
    this.stepSize = whole('StepLR', 'stepSize', options.stepSize);
    this.gamma = options.gamma ?? 0.1;
    this.apply();
  }

  protected rate(base: number, count: number): number {
    return base * power(this.gamma, Math.floor(count / this.stepSize));
  }
}

/** × gamma at each milestone; one named twice counts twice. gamma 0.1 unless said. */
export class MultiStepLR extends LRScheduler {
  private readonly milestones: readonly number[];
  private readonly gamma: number;

  constructor(optimizer: Schedulable, options: { milestones: readonly number[]; gamma?: number }) {
    super(optimizer);
    this.milestones = options.milestones;
    this.gamma = options.gamma ?? 0.1;
    this.apply();
  }

  protected rate(base: number, count: number): number {
    return base * power(this.gamma, this.milestones.filter((m) => m <= count).length);
  }
}

/** × gamma every step. */
export class ExponentialLR extends LRScheduler {
  private readonly gamma: number;

  constructor(optimizer: Schedulable, options: { gamma: number }) {
    super(optimizer);
    this.gamma = options.gamma;
    this.apply();
  }

  protected rate(base: number, count: number): number {
    return base * power(this.gamma, count);
  }
}

/** × factor (⅓ unless said) for `totalIters` steps (5 unless said), then the whole rate. */
export class ConstantLR extends LRScheduler {
  private readonly factor: number;
  private readonly totalIters: number;

  constructor(optimizer: Schedulable, options: { factor?: number; totalIters?: number } = {}) {
    super(optimizer);
    this.factor = options.factor ?? 1 / 3;
    this.totalIters = whole('ConstantLR', 'totalIters', options.totalIters ?? 5, 0);
    this.apply();
  }

  protected rate(base: number, count: number): number {
    return count < this.totalIters ? base * this.factor : base;
  }
}

/** From × startFactor (⅓ unless said) to × endFactor (1 unless said) in a straight line over `totalIters` steps (5 unless said). */
export class LinearLR extends LRScheduler {
  private readonly start: number;
  private readonly end: number;
  private readonly totalIters: number;

  constructor(optimizer: Schedulable, options: { startFactor?: number; endFactor?: number; totalIters?: number } = {}) {
    super(optimizer);
    this.start = options.startFactor ?? 1 / 3;
    this.end = options.endFactor ?? 1;
    this.totalIters = whole('LinearLR', 'totalIters', options.totalIters ?? 5);
    this.apply();
  }

  protected rate(base: number, count: number): number {
    return base * (this.start + ((this.end - this.start) * Math.min(count, this.totalIters)) / this.totalIters);
  }
}

/** × (1 − count/totalIters)^power, then 0; totalIters 5, power 1 unless said. */
export class PolynomialLR extends LRScheduler {
  private readonly totalIters: number;
  private readonly exponent: number;

  constructor(optimizer: Schedulable, options: { totalIters?: number; power?: number } = {}) {
    super(optimizer);
    this.totalIters = whole('PolynomialLR', 'totalIters', options.totalIters ?? 5);
    this.exponent = options.power ?? 1;
    if (!(this.exponent >= 0)) throw valueError('PolynomialLR', `power must be ≥ 0, got ${options.power}.`);
    this.apply();
  }

  protected rate(base: number, count: number): number {
    return base * power(1 - Math.min(count, this.totalIters) / this.totalIters, this.exponent);
  }
}

/** Between the rate and etaMin (0 unless said) along a cosine, `tMax` steps each way (Loshchilov & Hutter 2017, arXiv 1608.03983). */
export class CosineAnnealingLR extends LRScheduler {
  private readonly tMax: number;
  private readonly etaMin: number;

  constructor(optimizer: Schedulable, options: { tMax: number; etaMin?: number }) {
    super(optimizer);
    this.tMax = whole('CosineAnnealingLR', 'tMax', options.tMax);
    this.etaMin = options.etaMin ?? 0;
    this.apply();
  }

  protected rate(base: number, count: number): number {
    const along = count % (2 * this.tMax);
    const x = along <= this.tMax ? along / this.tMax : 2 - along / this.tMax;
    return this.etaMin + ((base - this.etaMin) * (1 + cosPi(x))) / 2;
  }
}

/** Down a cosine to etaMin (0 unless said) in t0 steps, then anew from the top, each time tMult (1 unless said) times as long. */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  private readonly t0: number;
  private readonly tMult: number;
  private readonly etaMin: number;

  constructor(optimizer: Schedulable, options: { t0: number; tMult?: number; etaMin?: number }) {
    super(optimizer);
    this.t0 = whole('CosineAnnealingWarmRestarts', 't0', options.t0);
    this.tMult = whole('CosineAnnealingWarmRestarts', 'tMult', options.tMult ?? 1);
    this.etaMin = options.etaMin ?? 0;
    this.apply();
  }

  protected rate(base: number, count: number): number {
    let length = this.t0;
    let along = count;
    while (along >= length) {
      along -= length;
      length *= this.tMult;
    }
    return this.etaMin + ((base - this.etaMin) * (1 + cosPi(along / length))) / 2;
  }
}
