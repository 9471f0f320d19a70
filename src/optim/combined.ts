// Schedulers made of schedulers. They step the whole: do not step the parts yourself.
import { assertArity, type Kind, type Kinds, NUMBERS, valueText } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { given } from './options.ts';
import { LRScheduler, type Schedulable, type SchedulerState } from './scheduler.ts';

const LIST: Kind = { what: 'a list of schedulers', test: Array.isArray };

abstract class Combined extends LRScheduler {
  protected readonly parts: readonly LRScheduler[];

  constructor(op: string, optimizer: Schedulable | undefined, parts: readonly LRScheduler[]) {
    if (parts.length === 0) throw valueError(op, 'needs at least one scheduler, got an empty list.');
    for (const [i, s] of parts.entries()) {
      if (s instanceof LRScheduler) continue;
      const watches = typeof (s as { step?: unknown } | null)?.step === 'function';
      throw valueError(op, `scheduler ${i} is ${valueText(s)}. ${watches ? 'ReduceLROnPlateau takes a metric, so step it beside this one.' : 'Pass those of lrScheduler.'}`);
    }
    const first = optimizer ?? (parts[0] as LRScheduler).optimizer;
    const stranger = parts.findIndex((s) => s.optimizer !== first);
    if (stranger >= 0) throw valueError(op, `scheduler ${stranger} belongs to another optimizer. Make all of them for one.`);
    super(op, first);
    this.parts = [...parts];
  }

  protected next(rate: number): number {
    return rate;
  }

  override remember(): () => void {
    const all = [super.remember(), ...this.parts.map((s) => s.remember())];
    return () => {
      for (const back of all) back();
    };
  }

  /** The groups' rates are what they started with. */
  protected reset(): void {
    for (const g of this.optimizer.paramGroups) g.lr = g.initialLr ?? g.lr;
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), schedulers: this.parts.map((s) => s.stateDict()) };
  }

  override reading(op: string, state: unknown): () => void {
    const own = super.reading(op, state);
    const { schedulers } = state as { schedulers?: unknown };
    if (!Array.isArray(schedulers) || schedulers.length !== this.parts.length)
      throw new GradloomError('STATE', op, `schedulers is ${valueText(schedulers)}, not a list of ${this.parts.length} states. Build the same schedulers.`);
    const parts = this.parts.map((s, i) => s.reading(op, schedulers[i]));
    return () => {
      for (const load of parts) load();
      own();
    };
  }
}

/** Options of `SequentialLR`. */
export interface SequentialOptions {
  /** One after another. */
  schedulers: readonly LRScheduler[];
  /** The steps at which the next one begins. */
  milestones: readonly number[];
}
const SEQUENTIAL: Kinds<SequentialOptions> = { schedulers: LIST, milestones: NUMBERS };

/** One scheduler after another: the next begins, at its own step 0 and from the groups' first rates, at each milestone. */
export class SequentialLR extends Combined {
  private readonly milestones: readonly number[];

  constructor(optimizer: Schedulable, ...options: [SequentialOptions] | [schedulers: readonly LRScheduler[], milestones: readonly number[]]) {
    const { schedulers, milestones } = given<SequentialOptions>('SequentialLR', options, SEQUENTIAL, {});
    super('SequentialLR', optimizer, schedulers);
    if (milestones.length !== schedulers.length - 1)
      throw valueError('SequentialLR', `${schedulers.length} schedulers need ${schedulers.length - 1} milestones, got ${milestones.length}.`);
    if (milestones.some((m, i) => !Number.isInteger(m) || m <= (milestones[i - 1] ?? 0)))
      throw valueError('SequentialLR', `milestones must be whole numbers that grow, from 1 on, got [${milestones}].`);
    this.milestones = [...milestones];
    this.begin();
  }

  /** From the groups' first rates: what the parts made of them when they were built is undone. */
  override begin(): void {
    this.reset();
    (this.parts[0] as LRScheduler).begin();
    this.count = 0;
    this.noteRates();
  }

  override restart(): void {
    this.begin();
  }

  override advance(): void {
    const count = this.count + 1;
    const at = this.milestones.filter((m) => m <= count).length;
    const part = this.parts[at] as LRScheduler;
    if (this.milestones[at - 1] === count) part.restart();
    else part.advance();
    this.count = count;
    this.noteRates();
  }
}

/** All schedulers at once: each goes on from the rate that the one before it leaves. */
export class ChainedScheduler extends Combined {
  constructor(schedulers: readonly LRScheduler[], optimizer?: Schedulable) {
    assertArity('ChainedScheduler', arguments.length, 2);
    if (!Array.isArray(schedulers)) throw valueError('ChainedScheduler', `takes ${LIST.what}, got ${valueText(schedulers)}.`);
    super('ChainedScheduler', optimizer, schedulers);
  }

  override begin(): void {
    for (const s of this.parts) s.begin();
    this.count = 0;
    this.noteRates();
  }

  override restart(): void {
    this.reset();
    this.begin();
  }

  override advance(): void {
    const back = this.remember();
    try {
      for (const s of this.parts) s.advance();
    } catch (error) {
      back();
      throw error;
    }
    this.count++;
    this.noteRates();
  }
}
