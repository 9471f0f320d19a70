// The scheduler that watches a metric instead of counting.
import { valueError } from '../tensor/errors.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import type { Schedulable } from './schedulers.ts';

/** Options of `ReduceLROnPlateau`, with PyTorch's defaults. */
export interface PlateauOptions {
  /** Whether small or large metrics are good; 'min' unless said. */
  mode?: 'min' | 'max';
  /** What rates are multiplied by, below 1; 0.1 unless said. */
  factor?: number;
  /** Steps without improvement that are put up with; 10 unless said. */
  patience?: number;
  /** How much better counts as better; 1e-4 unless said. */
  threshold?: number;
  /** Whether the threshold is a share of the best metric or a difference; 'rel' unless said. */
  thresholdMode?: 'rel' | 'abs';
  /** Steps after a reduction in which nothing is counted; 0 unless said. */
  cooldown?: number;
  /** The least rate, for all groups or one each; 0 unless said. */
  minLr?: number | readonly number[];
  /** Reductions smaller than this are left out; 1e-8 unless said. */
  eps?: number;
}

/** What `ReduceLROnPlateau` needs to resume, as plain data. `best` is null before the first step. */
export interface PlateauState {
  best: number | null;
  numBadEpochs: number;
  cooldownCounter: number;
  rates: readonly number[];
}

/** × factor when a metric has not improved for more than `patience` steps. Call `step(metric)` once per epoch, with the validation loss, say. */
export class ReduceLROnPlateau {
  private readonly optimizer: Schedulable;
  private readonly options: Required<PlateauOptions>;
  private best: number | null = null;
  private numBadEpochs = 0;
  private cooldownCounter = 0;

  constructor(optimizer: Schedulable, options: PlateauOptions = {}) {
    const o = { mode: 'min', factor: 0.1, patience: 10, threshold: 1e-4, thresholdMode: 'rel', cooldown: 0, minLr: 0, eps: 1e-8, ...options } as const;
    const op = 'ReduceLROnPlateau';
    if (o.mode !== 'min' && o.mode !== 'max') throw valueError(op, `mode must be 'min' or 'max', got '${o.mode}'.`);
    if (o.thresholdMode !== 'rel' && o.thresholdMode !== 'abs') throw valueError(op, `thresholdMode must be 'rel' or 'abs', got '${o.thresholdMode}'.`);
    if (!(o.factor > 0 && o.factor < 1)) throw valueError(op, `factor must lie between 0 and 1, got ${o.factor}.`);
    for (const name of ['patience', 'cooldown'] as const)
      if (!Number.isInteger(o[name]) || o[name] < 0) throw valueError(op, `${name} must be a whole number ≥ 0, got ${o[name]}.`);
    const groups = optimizer.paramGroups.length;
    if (typeof o.minLr === 'object' && o.minLr.length !== groups) throw valueError(op, `minLr must be one rate or ${groups}, one per group, got ${o.minLr.length}.`);
    this.optimizer = optimizer;
    this.options = o;
  }

  private better(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.options;
    if (this.best === null) return !Number.isNaN(metric);
    const sign = mode === 'min' ? -1 : 1;
    const bound = thresholdMode === 'rel' ? this.best * (1 + sign * threshold) : this.best + sign * threshold;
    return mode === 'min' ? metric < bound : metric > bound;
  }

  /** Takes the epoch's metric, a number or a tensor of one element, and reduces rates where it has stopped improving. */
  step(metric: number | { item(): number }): void {
    refuseWhileRecording('ReduceLROnPlateau', 'a scheduler steps', 'Call it after the step: a captured step reads the rates anew at each call.');
    const { patience, cooldown, factor, minLr, eps } = this.options;
    const value = typeof metric === 'number' ? metric : metric.item();
    if (this.better(value)) [this.best, this.numBadEpochs] = [value, 0];
    else this.numBadEpochs++;
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs <= patience) return;
    this.optimizer.paramGroups.forEach((group, i) => {
      const next = Math.max(group.lr * factor, typeof minLr === 'number' ? minLr : (minLr[i] as number));
      if (group.lr - next > eps) group.lr = next;
    });
    this.cooldownCounter = cooldown;
    this.numBadEpochs = 0;
  }

  /** The groups' rates now. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map((g) => g.lr);
  }

  /** What it needs to resume, as plain data. */
  stateDict(): PlateauState {
    const { best, numBadEpochs, cooldownCounter } = this;
    return { best, numBadEpochs, cooldownCounter, rates: this.getLastLr() };
  }

  /** Resumes from what `stateDict` gave. */
  loadStateDict(state: PlateauState): void {
    const groups = this.optimizer.paramGroups;
    if (state.rates.length !== groups.length)
      throw valueError('ReduceLROnPlateau', `the state has ${state.rates.length} groups, the optimizer ${groups.length}. Build the same optimizer.`);
    this.best = state.best;
    this.numBadEpochs = state.numBadEpochs;
    this.cooldownCounter = state.cooldownCounter;
    groups.forEach((group, i) => {
      group.lr = state.rates[i] as number;
    });
  }
}
