// Strategies that change with the course of training.
import { backward } from '../autograd/backward.ts';
import { valueError } from '../tensor/errors.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { entriesOf, type Losses, lossOf, type Report, type Strategy } from './strategy.ts';

/** Options of `Phased`. */
export interface PhasedOptions<Name extends string> {
  /** The loss that trains until it is low. */
  first: Name;
  /** The loss that trains while the first is below the threshold. */
  second: Name;
  /** What the first loss must fall below. */
  threshold: number;
}

/**
 * One loss at a time, chosen by the first one's value at this step: the second trains while the first is below the threshold, else the
 * first. The head of the loss that rests keeps a null gradient, so an optimizer leaves it alone.
 */
export class Phased<Name extends string> implements Strategy<Name> {
  readonly name = 'phased';
  private readonly options: PhasedOptions<Name>;

  constructor(options: PhasedOptions<Name>) {
    if (!Number.isFinite(options.threshold)) throw valueError('Phased', `the threshold must be finite, got ${options.threshold}.`);
    this.options = options;
  }

  backward(losses: Losses<Name>): Report<Name> {
    const { first, second, threshold } = this.options;
    const entries = entriesOf(this.name, losses);
    const branch = lossOf(this.name, losses, first).item() < threshold ? second : first;
    backward(lossOf(this.name, losses, branch));
    return { branch, weights: Object.fromEntries(entries.map(([name]) => [name, name === branch ? 1 : 0])) as Record<Name, number> };
  }

  stateDict(): Record<string, unknown> {
    return {};
  }

  loadStateDict(): void {}
}

/** Strategies in turn, each for `every` steps, around and around. */
export class Hybrid<Name extends string> implements Strategy<Name> {
  readonly name = 'hybrid';
  private readonly phases: readonly Strategy<Name>[];
  private readonly every: number;
  private step = 0;

  constructor(phases: readonly Strategy<Name>[], options: { every: number }) {
    const { every } = options;
    if (phases.length === 0) throw valueError('Hybrid', 'got no strategies to switch between. Pass at least one.');
    if (!Number.isInteger(every) || every < 1) throw valueError('Hybrid', `every must be a whole number of steps ≥ 1, got ${every}.`);
    this.phases = phases;
    this.every = every;
  }

  /** Position of the strategy that the next step uses. */
  get phase(): number {
    return Math.floor(this.step / this.every) % this.phases.length;
  }

  backward(losses: Losses<Name>): Report<Name> {
    refuseWhileRecording('Hybrid', 'strategies change', 'Capture a step for each strategy, or leave this step plain.');
    const report = (this.phases[this.phase] as Strategy<Name>).backward(losses);
    this.step++;
    return report;
  }

  stateDict(): Record<string, unknown> {
    return { step: this.step, phases: this.phases.map((p) => p.stateDict()) };
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.step = state.step as number;
    this.phases.forEach((p, i) => {
      p.loadStateDict((state.phases as Record<string, unknown>[])[i] as Record<string, unknown>);
    });
  }
}
