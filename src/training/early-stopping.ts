// Stopping where it gets no better, with the best weights put back.
import { Module } from '../module/module.ts';
import { clone } from '../ops/movement.ts';
import { assertArity, checkArgument, COUNT, FUNCTION, instanceOf, isPlainObject, type Kinds, oneOf, optionsOf, valueText } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { keep } from '../tensor/scope.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** What is watched: one number, or several by name (a loss of each head). */
export type Watched = number | Readonly<Record<string, number>>;

/** Options of `EarlyStopping`. */
export interface EarlyStoppingOptions<W extends Watched> {
  /** Whose best weights are kept, and put back by `restore`. */
  model?: Module;
  /** How many steps without improvement are borne, default 10. */
  patience?: number;
  /** An improvement is larger than this, default 0. */
  minDelta?: number;
  /** Whether less is better (default), or more. */
  mode?: 'min' | 'max';
  /** With several numbers: how much worse than it was at any best before one may get while another improves, default 0. */
  tolerance?: number;
  /** Whether a value is better than the best so far, instead of the rule by `minDelta`, `mode` and `tolerance`. */
  isBetter?: (value: W, best: W) => boolean;
}

/** What an `EarlyStopping` remembers. */
export interface EarlyStoppingState<W extends Watched = Watched> {
  /** The best value. */
  best: W | null;
  /** Each number where it was best among the bests. */
  peaks: W | null;
  /** At which step the best was. */
  bestStep: number;
  /** Steps so far. */
  steps: number;
  /** The best weights. */
  weights: Record<string, Tensor> | null;
}

const AT_LEAST_0 = { what: 'a finite number ≥ 0', test: (v: unknown) => Number.isFinite(v) && (v as number) >= 0 };
const OPTIONS: Kinds<EarlyStoppingOptions<Watched>> = {
  model: instanceOf(Module, 'a module'),
  patience: COUNT,
  minDelta: AT_LEAST_0,
  mode: oneOf('min', 'max'),
  tolerance: AT_LEAST_0,
  isBetter: FUNCTION,
};

/**
 * Says when to stop: after `patience` steps without improvement. Of several numbers by name, better is what improves one of them by more than `minDelta`
 * and makes none worse by more than `tolerance` than it ever was at a best (Pareto's rule, without creeping). Where a number is NaN nothing is better.
 *
 * @example
 * const stopping = new EarlyStopping({ model, patience: 5 });
 * for (let epoch = 0; epoch < 100; epoch++) {
 *   train();
 *   if (stopping.step(await evaluate(model, validation, lossesOf))) break;
 * }
 * stopping.restore();
 */
export class EarlyStopping<W extends Watched = Watched> {
  readonly #options: EarlyStoppingOptions<W>;
  #best: W | null = null;
  /** Each number where it was best among the bests. */
  #peaks: W | null = null;
  #bestStep = -1;
  #steps = 0;
  #weights: Record<string, Tensor> | null = null;

  constructor(options: EarlyStoppingOptions<W> = {}) {
    assertArity('EarlyStopping', arguments.length, 1);
    this.#options = optionsOf<EarlyStoppingOptions<W>>('EarlyStopping', options, OPTIONS as Kinds<EarlyStoppingOptions<W>>);
  }

  /** The best value so far; null before the first step. */
  get best(): W | null {
    return this.#best;
  }

  /** At which step it was, counted from 0; −1 before the first. */
  get bestStep(): number {
    return this.#bestStep;
  }

  /** Steps since the best. */
  get waited(): number {
    return this.#steps - 1 - this.#bestStep;
  }

  /**
   * Takes the value after a step or an epoch, and keeps the weights where it is the best. Returns whether to stop.
   * @throws VALUE where it is no number, or by other names than before
   */
  step(value: W): boolean {
    assertArity('EarlyStopping.step', arguments.length, 1);
    this.#check(value);
    if (this.#best === null ? !hasNaN(value) : this.#isBetter(value, this.#best)) {
      this.#peaks = this.#peaksWith(value);
      this.#best = structuredClone(value);
      this.#bestStep = this.#steps;
      this.#keepWeights();
    }
    this.#steps++;
    return this.waited >= (this.#options.patience ?? 10);
  }

  /** Puts the best weights back, in place, and tells the model's step they are of. @throws STATE without a model, or before the first step */
  restore(): number {
    assertArity('EarlyStopping.restore', arguments.length, 0);
    const { model } = this.#options;
    if (!model) throw new GradloomError('STATE', 'EarlyStopping.restore', 'no model was given. Pass new EarlyStopping({ model }).');
    if (!this.#weights) throw new GradloomError('STATE', 'EarlyStopping.restore', 'there is no best yet. Call step(value) first.');
    model.loadStateDict(this.#weights);
    return this.#bestStep;
  }

  /** What it remembers, for a checkpoint: plain data and the best weights. */
  stateDict(): EarlyStoppingState<W> {
    assertArity('EarlyStopping.stateDict', arguments.length, 0);
    const [best, peaks] = structuredClone([this.#best, this.#peaks]);
    return { best, peaks, bestStep: this.#bestStep, steps: this.#steps, weights: this.#weights && { ...this.#weights } };
  }

  /** Takes up where `stateDict` was called. @throws STATE where it is no state */
  loadStateDict(state: EarlyStoppingState<W>): void {
    const op = 'EarlyStopping.loadStateDict';
    assertArity(op, arguments.length, 1);
    const { best, peaks, bestStep, steps, weights } = (isPlainObject(state) ? state : {}) as Partial<typeof state>;
    const isCount = (n: unknown, least: number): boolean => Number.isSafeInteger(n) && (n as number) >= least;
    if (best === undefined || (best === null) !== (peaks === null) || !isCount(bestStep, -1) || !isCount(steps, 0) || (weights !== null && !isPlainObject(weights)))
      throw new GradloomError('STATE', op, `takes what stateDict() gave, got ${valueText(state)}.`);
    try {
      if (best !== null) for (const values of [best, peaks as W]) this.#check(values, best);
    } catch (error) {
      throw new GradloomError('STATE', op, `best does not fit. ${(error as Error).message}`);
    }
    this.#replace(weights === null ? null : (weights as Record<string, Tensor>));
    [this.#best, this.#peaks] = structuredClone([best, peaks as W | null]);
    this.#bestStep = bestStep as number;
    this.#steps = steps as number;
  }

  #check(value: W, best = this.#best): void {
    const given = typeof value === 'number' ? { value } : value;
    if (!isPlainObject(given) || Object.keys(given).length === 0) throw valueError('EarlyStopping.step', `takes a number, or numbers by name, got ${valueText(value)}.`);
    for (const [name, v] of Object.entries(given)) checkArgument('EarlyStopping.step', name, v, { what: 'a number', test: (n) => typeof n === 'number' });
    if (best === null) return;
    const names = (v: W): string => (typeof v === 'number' ? 'one number' : Object.keys(v).sort().join(', '));
    if (names(value) !== names(best)) throw valueError('EarlyStopping.step', `got ${names(value)}, before ${names(best)}. Give the same at each step.`);
  }

  #isBetter(value: W, best: W): boolean {
    const { isBetter, minDelta = 0, tolerance = 0, mode = 'min' } = this.#options;
    if (isBetter) return isBetter(value, best);
    if (hasNaN(value)) return false;
    const sign = mode === 'min' ? 1 : -1;
    if (typeof value === 'number') return sign * ((best as number) - value) > minDelta;
    const gains = (over: W): number[] => Object.entries(value).map(([name, v]) => sign * (((over as Record<string, number>)[name] as number) - v));
    return gains(best).some((g) => g > minDelta) && gains(this.#peaks as W).every((g) => g >= -tolerance);
  }

  #peaksWith(value: W): W {
    if (this.#peaks === null || typeof value === 'number') return structuredClone(value);
    const better = this.#options.mode === 'max' ? Math.max : Math.min;
    return Object.fromEntries(Object.entries(this.#peaks).map(([name, v]) => [name, better(v, (value as Record<string, number>)[name] as number)])) as W;
  }

  #keepWeights(): void {
    const { model } = this.#options;
    if (model) this.#replace(model.stateDict());
  }

  #replace(weights: Readonly<Record<string, Tensor>> | null): void {
    const next = weights && Object.fromEntries(Object.entries(weights).map(([name, t]) => [name, keep(noGrad(() => clone(t)))]));
    for (const t of Object.values(this.#weights ?? {})) t.dispose();
    this.#weights = next;
  }
}

const hasNaN = (value: Watched): boolean => (typeof value === 'number' ? [value] : Object.values(value)).some(Number.isNaN);
