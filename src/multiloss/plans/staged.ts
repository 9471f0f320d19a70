// Strategies that change with the course of training.
import { backward } from '../../autograd/backward.ts';
import { checkArgument, FINITE, FUNCTION, isListOf, type Kind, type Kinds, optionsOf, TEXT } from '../../tensor/check.ts';
import { valueError } from '../../tensor/errors.ts';
import { refuseWhileRecording } from '../../tensor/recording.ts';
import { count } from '../checks.ts';
import { OBJECT, States, stateIn, stateOf } from '../state.ts';
import { MethodBase } from '../methods/base.ts';
import { entriesOf, type Losses, lossOf, type Report, type Strategy } from '../strategy.ts';

/** Options of `Phased`. */
export interface PhasedOptions<Name extends string> {
  /** The loss that trains until it is low. */
  first: Name;
  /** The loss that trains while the first is below the threshold. */
  second: Name;
  /** What the first loss must fall below. */
  threshold: number;
}

const PHASED: Kinds<PhasedOptions<string>> = { first: TEXT, second: TEXT, threshold: FINITE };

/**
 * One loss at a time, chosen by the first one's value at this step: the second trains while the first is below the
 * threshold, else the first. The head of the loss that rests keeps a null gradient, so an optimizer leaves it alone.
 */
export class Phased<Name extends string> extends MethodBase implements Strategy<Name> {
  readonly name = 'phased';
  private readonly options: PhasedOptions<Name>;

  constructor(options: PhasedOptions<Name>) {
    super();
    optionsOf<PhasedOptions<string>>('Phased', options, PHASED, arguments.length);
    for (const key of ['first', 'second', 'threshold'] as const) checkArgument('Phased', key, options?.[key], PHASED[key]);
    this.options = { ...options };
  }

  backward(losses: Losses<Name>): Report<Name> {
    const { first, second, threshold } = this.options;
    const entries = entriesOf(this.name, losses);
    const branch = lossOf(this.name, losses, first).item() < threshold ? second : first;
    backward(lossOf(this.name, losses, branch));
    return { branch, weights: Object.fromEntries(entries.map(([name]) => [name, name === branch ? 1 : 0])) as Record<Name, number> };
  }
}

const STRATEGY: Kind = { what: 'a list of strategies', test: (v) => isListOf(v, (s) => FUNCTION.test((s as Partial<Strategy> | null)?.backward)) };
const HYBRID: Kinds<{ every: number }> = { every: count(1) };

/** Strategies in turn, each for `every` steps, around and around. */
export class Hybrid<Name extends string> extends MethodBase implements Strategy<Name> {
  readonly name = 'hybrid';
  private readonly phases: readonly Strategy<Name>[];
  private readonly every: number;
  private readonly states: States;
  private step = 0;

  constructor(phases: readonly Strategy<Name>[], options: { every: number }) {
    super();
    checkArgument('Hybrid', 'strategies', phases, STRATEGY);
    const { every } = optionsOf('Hybrid', options, HYBRID, arguments.length, 2);
    checkArgument('Hybrid', 'every', every, HYBRID.every);
    if (phases.length === 0) throw valueError('Hybrid', 'got no strategies to switch between. Pass at least one.');
    this.phases = phases;
    this.states = new States(Object.fromEntries(phases.map((p, i) => [i, stateIn(p)])));
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

  override stateDict(): Record<string, unknown> {
    return { step: this.step, phases: Object.values(this.states.save()) };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const { length } = this.phases;
    const states: Kind = { what: `the states of ${length} strategies`, test: (v) => isListOf(v, OBJECT.test, length) };
    const { step, phases } = stateOf(this.name, state, { step: count(0), phases: states }) as { step: number; phases: Record<string, unknown>[] };
    this.states.load(this.name, { ...phases });
    this.step = step;
  }
  override reset(): void {
    this.states.reset();
    this.step = 0;
  }
}
