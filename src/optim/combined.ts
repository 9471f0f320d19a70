// Schedulers made of schedulers. They step the whole: do not step the parts yourself.
import { valueError } from '../tensor/errors.ts';
import { LRScheduler, type Schedulable } from './schedulers.ts';

function checkParts(op: string, optimizer: Schedulable | undefined, schedulers: readonly LRScheduler[]): Schedulable {
  const first = optimizer ?? schedulers[0]?.optimizer;
  if (!first || schedulers.length === 0) throw valueError(op, 'needs at least one scheduler, got an empty list.');
  const stranger = schedulers.findIndex((s) => s.optimizer !== first);
  if (stranger >= 0) throw valueError(op, `scheduler ${stranger} belongs to another optimizer. Make all of them for one.`);
  return first;
}

/** One scheduler after another: the next begins, at its own step 0, at each milestone. Each starts from the group's first rate. */
export class SequentialLR extends LRScheduler {
  private readonly schedulers: readonly LRScheduler[];
  private readonly milestones: readonly number[];

  constructor(optimizer: Schedulable, options: { schedulers: readonly LRScheduler[]; milestones: readonly number[] }) {
    const { schedulers, milestones } = options;
    super(checkParts('SequentialLR', optimizer, schedulers));
    if (milestones.length !== schedulers.length - 1)
      throw valueError('SequentialLR', `${schedulers.length} schedulers need ${schedulers.length - 1} milestones, got ${milestones.length}.`);
    if (milestones.some((m, i) => !Number.isInteger(m) || m <= (milestones[i - 1] ?? 0)))
      throw valueError('SequentialLR', `milestones must be whole numbers that grow, from 1 on, got [${milestones}].`);
    this.schedulers = schedulers;
    this.milestones = milestones;
    this.apply();
  }

  protected rate(base: number, count: number, group: number): number {
    return this.at(base, count, group).rate;
  }

  override at(base: number, count: number, group: number): { rate: number; momentum: number | null } {
    const part = this.milestones.filter((m) => m <= count).length;
    return (this.schedulers[part] as LRScheduler).at(base, count - (this.milestones[part - 1] ?? 0), group);
  }
}

/**
 * All schedulers at once: each takes what the one before it gives for the group's first rate. For those that multiply, this is the product
 * of their factors.
 */
export class ChainedScheduler extends LRScheduler {
  private readonly schedulers: readonly LRScheduler[];

  constructor(schedulers: readonly LRScheduler[]) {
    super(checkParts('ChainedScheduler', undefined, schedulers));
    this.schedulers = schedulers;
    this.apply();
  }

  protected rate(base: number, count: number, group: number): number {
    return this.at(base, count, group).rate;
  }

  override at(base: number, count: number, group: number): { rate: number; momentum: number | null } {
    let result: { rate: number; momentum: number | null } = { rate: base, momentum: null };
    for (const s of this.schedulers) {
      const next = s.at(result.rate, count, group);
      result = { rate: next.rate, momentum: next.momentum ?? result.momentum };
    }
    return result;
  }
}
