// Schedulers that multiply the rate.
import { either, FINITE, FUNCTION, isListOf, type Kind, type Kinds, NUMBER, NUMBERS } from '../tensor/check.ts';
import { power } from '../tensor/elementary.ts';
import { valueError } from '../tensor/errors.ts';
import { given, whole } from './options.ts';
import { LRScheduler, type Schedulable, valueFor } from './scheduler.ts';

/** A factor of the rate, from the number of steps. */
export type Factor = (count: number) => number;
const FACTORS: Kind = either(FUNCTION, { what: 'a list of functions', test: (v) => isListOf(v, FUNCTION.test) });

abstract class ByFunction extends LRScheduler {
  private readonly lrLambda: Factor | readonly Factor[];

  constructor(name: string, optimizer: Schedulable, options: readonly unknown[]) {
    super(name, optimizer);
    this.lrLambda = given<{ lrLambda: Factor | readonly Factor[] }>(name, options, { lrLambda: FACTORS }, {}).lrLambda;
    valueFor(name, 'lrLambda', this.lrLambda, 0, optimizer.paramGroups.length);
    this.begin();
  }

  /** What the function says for a group. */
  protected factor(count: number, group: number): number {
    const factor = valueFor(this.name, 'lrLambda', this.lrLambda, group, this.optimizer.paramGroups.length)(count);
    if (typeof factor === 'number') return factor;
    throw valueError(this.name, `lrLambda(${count}) must be a number, got ${factor}. Return the factor.`);
  }
}

/** The first rate times what a function of the step count says; one function for all groups, or a list with one for each. */
export class LambdaLR extends ByFunction {
  constructor(optimizer: Schedulable, ...lrLambda: [Factor | readonly Factor[]] | [{ lrLambda: Factor | readonly Factor[] }]) {
    super('LambdaLR', optimizer, lrLambda);
  }

  protected override first(_rate: number, base: number, group: number): number {
    return base * this.factor(0, group);
  }

  protected next(_rate: number, count: number, base: number, group: number): number {
    return base * this.factor(count, group);
  }
}

/** The rate before times what a function of the step count says: from step to step, where `LambdaLR` starts from the first rate each time. */
export class MultiplicativeLR extends ByFunction {
  constructor(optimizer: Schedulable, ...lrLambda: [Factor | readonly Factor[]] | [{ lrLambda: Factor | readonly Factor[] }]) {
    super('MultiplicativeLR', optimizer, lrLambda);
  }

  protected next(rate: number, count: number, _base: number, group: number): number {
    return rate * this.factor(count, group);
  }

  /** A sequence that comes to it multiplies what is there by the factor of step 0, as PyTorch. */
  override restart(): void {
    this.put(0, (rate, _, group) => rate * this.factor(0, group));
  }
}

/** Options of `StepLR`. */
export interface StepOptions {
  /** Steps between two reductions. */
  stepSize: number;
  /** What the rate is multiplied by; default 0.1. */
  gamma?: number;
}
const STEP: Kinds<StepOptions> = { stepSize: NUMBER, gamma: FINITE };

/** × gamma every `stepSize` steps. */
export class StepLR extends LRScheduler {
  private readonly stepSize: number;
  private readonly gamma: number;

  constructor(optimizer: Schedulable, ...options: [StepOptions] | [stepSize: number, gamma?: number] | [stepSize: number, Partial<StepOptions>]) {
    super('StepLR', optimizer);
    const { stepSize, gamma } = given<Required<StepOptions>>('StepLR', options, STEP, { gamma: 0.1 });
    this.stepSize = whole('StepLR', 'stepSize', stepSize);
    this.gamma = gamma;
    this.begin();
  }

  protected next(rate: number, count: number): number {
    return count % this.stepSize === 0 ? rate * this.gamma : rate;
  }
}

/** Options of `MultiStepLR`. */
export interface MultiStepOptions {
  /** The steps at which the rate is reduced; one named twice counts twice. */
  milestones: readonly number[];
  /** What the rate is multiplied by; default 0.1. */
  gamma?: number;
}
const MULTI_STEP: Kinds<MultiStepOptions> = { milestones: NUMBERS, gamma: FINITE };

/** × gamma at each milestone. */
export class MultiStepLR extends LRScheduler {
  private readonly milestones: ReadonlyMap<number, number>;
  private readonly gamma: number;

  constructor(
    optimizer: Schedulable,
    ...options: [MultiStepOptions] | [milestones: readonly number[], gamma?: number] | [milestones: readonly number[], Partial<MultiStepOptions>]
  ) {
    super('MultiStepLR', optimizer);
    const { milestones, gamma } = given<Required<MultiStepOptions>>('MultiStepLR', options, MULTI_STEP, { gamma: 0.1 });
    const times = new Map<number, number>();
    for (const m of milestones) times.set(whole('MultiStepLR', 'each milestone', m, 0), (times.get(m) ?? 0) + 1);
    this.milestones = times;
    this.gamma = gamma;
    this.begin();
  }

  protected override first(rate: number): number {
    return this.next(rate, 0);
  }

  protected next(rate: number, count: number): number {
    const times = this.milestones.get(count);
    return times ? rate * power(this.gamma, times) : rate;
  }
}

/** × gamma every step. */
export class ExponentialLR extends LRScheduler {
  private readonly gamma: number;

  constructor(optimizer: Schedulable, ...options: [{ gamma: number }] | [gamma: number]) {
    super('ExponentialLR', optimizer);
    this.gamma = given<{ gamma: number }>('ExponentialLR', options, { gamma: FINITE }, {}).gamma;
    this.begin();
  }

  protected next(rate: number): number {
    return rate * this.gamma;
  }
}

function share(op: string, name: string, value: number, above0 = false): number {
  if (value <= 1 && (above0 ? value > 0 : value >= 0)) return value;
  throw valueError(op, `${name} must lie in ${above0 ? '(0' : '[0'}, 1], got ${value}.`);
}

/** Options of `ConstantLR`. */
export interface ConstantOptions {
  /** What the rate is multiplied by, in [0, 1]; default ⅓. */
  factor?: number;
  /** For how many steps; default 5. */
  totalIters?: number;
}
const CONSTANT: Kinds<ConstantOptions> = { factor: FINITE, totalIters: NUMBER };

/** × factor for `totalIters` steps, then the whole rate. */
export class ConstantLR extends LRScheduler {
  private readonly multiplier: number;
  private readonly totalIters: number;

  constructor(optimizer: Schedulable, ...options: [ConstantOptions?] | [factor: number, totalIters?: number] | [factor: number, ConstantOptions]) {
    super('ConstantLR', optimizer);
    const { factor, totalIters } = given<Required<ConstantOptions>>('ConstantLR', options, CONSTANT, { factor: 1 / 3, totalIters: 5 });
    this.multiplier = share('ConstantLR', 'factor', factor);
    this.totalIters = whole('ConstantLR', 'totalIters', totalIters, 0);
    this.begin();
  }

  protected override first(rate: number): number {
    return rate * this.multiplier;
  }

  /** A sequence that comes to it goes by the closed form, as PyTorch: over no steps there is no factor. */
  override restart(): void {
    if (this.totalIters > 0) super.restart();
    else this.put(0, (_, base) => base);
  }

  protected next(rate: number, count: number, base: number): number {
    if (count !== this.totalIters) return rate;
    // Nothing can be made of a rate of 0 but the first one.
    return this.multiplier === 0 ? base : rate * (1 / this.multiplier);
  }
}

/** Options of `LinearLR`. */
export interface LinearLROptions {
  /** What the rate is multiplied by at the start, in (0, 1]; default ⅓. */
  startFactor?: number;
  /** And at the end, in [0, 1]; default 1. */
  endFactor?: number;
  /** Steps in between; default 5. */
  totalIters?: number;
}
const LINEAR: Kinds<LinearLROptions> = { startFactor: FINITE, endFactor: FINITE, totalIters: NUMBER };

/** From × startFactor to × endFactor in a straight line over `totalIters` steps. */
export class LinearLR extends LRScheduler {
  private readonly start: number;
  private readonly end: number;
  private readonly totalIters: number;

  constructor(optimizer: Schedulable, ...options: [LinearLROptions?] | [startFactor: number, endFactor?: number, totalIters?: number] | [startFactor: number, LinearLROptions]) {
    super('LinearLR', optimizer);
    const o = given<Required<LinearLROptions>>('LinearLR', options, LINEAR, { startFactor: 1 / 3, endFactor: 1, totalIters: 5 });
    this.start = share('LinearLR', 'startFactor', o.startFactor, true);
    this.end = share('LinearLR', 'endFactor', o.endFactor);
    this.totalIters = whole('LinearLR', 'totalIters', o.totalIters);
    this.begin();
  }

  protected override first(rate: number): number {
    return rate * this.start;
  }

  protected next(rate: number, count: number): number {
    if (count > this.totalIters) return rate;
    const slope = this.end - this.start;
    // Towards 0 the last factor may round to just below it.
    return rate * Math.max(1 + slope / (this.totalIters * this.start + (count - 1) * slope), 0);
  }
}

/** Options of `PolynomialLR`. */
export interface PolynomialOptions {
  /** Steps until the rate is 0; default 5. */
  totalIters?: number;
  /** The exponent; default 1. */
  power?: number;
}
const POLYNOMIAL: Kinds<PolynomialOptions> = { totalIters: NUMBER, power: FINITE };

/** × (1 − count/totalIters)^power, then 0. */
export class PolynomialLR extends LRScheduler {
  private readonly totalIters: number;
  private readonly exponent: number;

  constructor(optimizer: Schedulable, ...options: [PolynomialOptions?] | [totalIters: number, power?: number] | [totalIters: number, PolynomialOptions]) {
    super('PolynomialLR', optimizer);
    const o = given<Required<PolynomialOptions>>('PolynomialLR', options, POLYNOMIAL, { totalIters: 5, power: 1 });
    this.totalIters = whole('PolynomialLR', 'totalIters', o.totalIters);
    this.exponent = o.power;
    if (!(o.power >= 0)) throw valueError('PolynomialLR', `power must be ≥ 0, got ${o.power}.`);
    this.begin();
  }

  protected next(rate: number, count: number): number {
    if (count > this.totalIters) return rate;
    return rate * power((1 - count / this.totalIters) / (1 - (count - 1) / this.totalIters), this.exponent);
  }
}
