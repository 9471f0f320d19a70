// The scheduler that watches a metric instead of counting.
import { assertArity, FINITE, type Kinds, NUMBER, oneOf, valueText } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { given, whole } from './options.ts';
import { groupsOf, PER_GROUP, type PerGroup, readFields, type Schedulable, valueFor } from './scheduler.ts';

/** Options of `ReduceLROnPlateau`, with PyTorch's defaults. */
export interface PlateauOptions {
  /** Whether small or large metrics are good; default 'min'. */
  mode?: 'min' | 'max';
  /** What rates are multiplied by, below 1; default 0.1. */
  factor?: number;
  /** Steps without improvement that are put up with; default 10. */
  patience?: number;
  /** How much better counts as better; default 1e-4. */
  threshold?: number;
  /** Whether the threshold is a share of the best metric or a difference; default 'rel'. */
  thresholdMode?: 'rel' | 'abs';
  /** Steps after a reduction in which nothing is counted; default 0. */
  cooldown?: number;
  /** The least rate, for all groups or one each; default 0. */
  minLr?: PerGroup;
  /** Reductions smaller than this are left out; default 1e-8. */
  eps?: number;
}

const PLATEAU: Kinds<PlateauOptions> = {
  mode: oneOf('min', 'max'),
  factor: FINITE,
  patience: NUMBER,
  threshold: FINITE,
  thresholdMode: oneOf('rel', 'abs'),
  cooldown: NUMBER,
  minLr: PER_GROUP,
  eps: FINITE,
};
const DEFAULTS = { mode: 'min', factor: 0.1, patience: 10, threshold: 1e-4, thresholdMode: 'rel', cooldown: 0, minLr: 0, eps: 1e-8 } as const;

/** What `ReduceLROnPlateau` needs to resume, as plain data. `best` is null before the first step. */
export interface PlateauState {
  /** The best metric so far. */
  best: number | null;
  /** Steps without improvement so far. */
  numBadEpochs: number;
  /** Steps of the cooldown that are left. */
  cooldownCounter: number;
  /** The groups' rates. */
  rates: readonly number[];
}

/** × factor when a metric has not improved for more than `patience` steps. Call `step(metric)` once per epoch, with the validation loss, say. */
export class ReduceLROnPlateau {
  private readonly optimizer: Schedulable;
  private readonly options: Required<PlateauOptions>;
  private best: number;
  private numBadEpochs = 0;
  private cooldownCounter = 0;
  private last: readonly number[];

  constructor(
    optimizer: Schedulable,
    ...options: [PlateauOptions?] | [mode: 'min' | 'max', factor?: number, patience?: number, threshold?: number] | [mode: 'min' | 'max', PlateauOptions]
  ) {
    const op = 'ReduceLROnPlateau';
    this.last = groupsOf(op, optimizer).map((g) => g.lr);
    const o = given<Required<PlateauOptions>>(op, options, PLATEAU, DEFAULTS);
    if (!(o.factor > 0 && o.factor < 1)) throw valueError(op, `factor must lie between 0 and 1, got ${o.factor}.`);
    for (const name of ['patience', 'cooldown'] as const) whole(op, name, o[name], 0);
    valueFor(op, 'minLr', o.minLr, 0, this.last.length);
    this.optimizer = optimizer;
    this.options = o;
    this.best = this.worst;
  }

  /** What every metric is better than. */
  private get worst(): number {
    return this.options.mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  private better(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.options;
    const sign = mode === 'min' ? -1 : 1;
    const bound = thresholdMode === 'rel' ? this.best * (1 + sign * threshold) : this.best + sign * threshold;
    return mode === 'min' ? metric < bound : metric > bound;
  }

  /** Takes the epoch's metric, a number or a tensor of one element, and reduces rates where it has stopped improving. */
  step(metric: number | { item(): number }): void {
    const op = 'ReduceLROnPlateau';
    assertArity(`${op}.step`, arguments.length, 1);
    refuseWhileRecording(`${op}.step`, 'rates are numbers of the host', 'Step the scheduler after the captured step.');
    const { patience, cooldown, factor, minLr, eps } = this.options;
    const value = typeof (metric as { item?: unknown } | undefined)?.item === 'function' ? (metric as { item(): number }).item() : metric;
    if (typeof value !== 'number') throw valueError(`${op}.step`, `takes the metric, a number or a tensor of one element, got ${valueText(metric)}. Pass the validation loss.`);
    const groups = groupsOf(op, this.optimizer);
    const least = groups.map((_, i) => valueFor(op, 'minLr', minLr, i, groups.length));
    if (this.better(value)) [this.best, this.numBadEpochs] = [value, 0];
    else this.numBadEpochs++;
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > patience) {
      groups.forEach((group, i) => {
        const next = Math.max(group.lr * factor, least[i] as number);
        if (group.lr - next > eps) group.lr = next;
      });
      this.cooldownCounter = cooldown;
      this.numBadEpochs = 0;
    }
    this.last = groups.map((g) => g.lr);
  }

  /** The groups' rates as it left them at its last step. */
  getLastLr(): number[] {
    return [...this.last];
  }

  /** What it needs to resume, as plain data. */
  stateDict(): PlateauState {
    const { best, numBadEpochs, cooldownCounter } = this;
    return { best: best === this.worst ? null : best, numBadEpochs, cooldownCounter, rates: this.optimizer.paramGroups.map((g) => g.lr) };
  }

  /**
   * Resumes from what `stateDict` gave.
   * @throws STATE where it is none, or of another number of groups; nothing has changed then
   */
  loadStateDict(state: PlateauState): void {
    const op = 'ReduceLROnPlateau.loadStateDict';
    assertArity(op, arguments.length, 1);
    const groups = groupsOf(op, this.optimizer);
    const { best, numBadEpochs, cooldownCounter, rates } = readFields(op, state, groups.length, ['rates'], ['numBadEpochs', 'cooldownCounter']) as unknown as PlateauState;
    if (best !== null && (typeof best !== 'number' || Number.isNaN(best)))
      throw new GradloomError('STATE', op, `best is ${valueText(best)}, not a metric or null. Pass what stateDict gave.`);
    this.best = best ?? this.worst;
    this.numBadEpochs = numBadEpochs;
    this.cooldownCounter = cooldownCounter;
    this.last = [...rates];
    groups.forEach((group, i) => {
      group.lr = rates[i] as number;
    });
  }
}
