// Learning rates over time. Each scheduler is a rule from the rate before a step to that after it (PyTorch's chainable forms), so it goes on from
// what other schedulers or a hand have made of it; where PyTorch has no such form, a formula of the rate at the start. Those that multiply stand in
// factors.ts, cosines in cosine.ts, those that cycle momentum too in cyclic.ts, those made of others in combined.ts, the one that follows a metric
// in plateau.ts.
//
// Rates reach tensors, so the rules use + − × ÷ and tensor/elementary.ts only.
import { assertArity, either, FINITE, isListOf, isPlainObject, type Kind, valueText } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { camelKeys } from './state.ts';

/** A group as schedulers see it. */
export interface ScheduledGroup {
  /** The learning rate. */
  lr: number;
  /** The rate before the first scheduler on it. */
  initialLr?: number;
  /** The momentum, where it has one. */
  momentum?: number;
  /** Decays of running means, of which the first is the momentum. */
  betas?: readonly [number, number];
}

/** What a scheduler changes: an optimizer's groups. */
export interface Schedulable {
  /** The groups. */
  readonly paramGroups: readonly ScheduledGroup[];
}

/** A scheduler's state as plain data. */
export interface SchedulerState {
  /** Steps taken. */
  count: number;
  /** What each group started with. */
  baseRates: readonly number[];
  /** The groups' rates when the state was taken. */
  rates: readonly number[];
  /** States of the parts, where it is made of others. */
  schedulers?: readonly SchedulerState[];
}

/** A number for all groups, or a list with one for each. */
export type PerGroup = number | readonly number[];
export const PER_GROUP: Kind = either(FINITE, { what: 'a list of such', test: (v) => isListOf(v, FINITE.test) });

/** The groups, with rates that can be gone on from. */
export function groupsOf(op: string, optimizer: Schedulable): readonly ScheduledGroup[] {
  const groups = (optimizer as Schedulable | null | undefined)?.paramGroups;
  if (!Array.isArray(groups)) throw valueError(op, `the first argument is an optimizer, got ${valueText(optimizer)}. Pass the optimizer whose rates it sets.`);
  groups.forEach((g: ScheduledGroup, i) => {
    if (!isRate(g?.lr)) throw valueError(op, `lr of group ${i} must be a finite number, got ${valueText(g?.lr)}. Set it before the scheduler's step.`);
  });
  return groups;
}

// Below 0 two schedulers at odds may come for a while; no optimizer steps by such a rate.
const isRate = FINITE.test as (x: unknown) => x is number;

/** One value for all groups, or that of a group in a list with one for each. */
export function valueFor<T>(op: string, name: string, value: T | readonly T[], group: number, groups: number): T {
  if (!Array.isArray(value)) return value as T;
  if (value.length === groups) return value[group] as T;
  throw valueError(op, `${name} must be one or one for each of the ${groups} groups, got ${value.length}. Make the scheduler after the last group was added.`);
}

/** A state's fields, by our names or PyTorch's: lists with a rate for each group, and counts. */
export function readFields(op: string, state: unknown, groups: number, lists: readonly string[], counts: readonly string[]): Record<string, unknown> {
  const refuse = (what: string, value: unknown, right: string): never => {
    throw new GradloomError('STATE', op, `${what} is ${valueText(value)}, not ${right}. Pass what stateDict gave.`);
  };
  if (!isPlainObject(state)) return refuse('the state', state, 'an object');
  const { lastEpoch, baseLrs, lastLr, ...rest } = camelKeys(state);
  const fields: Record<string, unknown> = { count: lastEpoch, baseRates: baseLrs, rates: lastLr, ...rest };
  for (const name of lists) {
    const value = fields[name];
    if (!isListOf(value, (rate) => isRate(rate) && rate >= 0, groups)) refuse(name, value, `a list of rates ≥ 0 for the optimizer's ${groups} groups`);
  }
  for (const name of counts) if (!(Number.isSafeInteger(fields[name]) && (fields[name] as number) >= 0)) refuse(name, fields[name], 'a count');
  return fields;
}

/** What all schedulers are. One of your own says `next`, and calls `begin` at the end of its constructor. */
export abstract class LRScheduler {
  /** @internal What it changes. */
  readonly optimizer: Schedulable;
  /** The class's name, for messages. */
  protected readonly name: string;
  /** Steps taken: 0 at the start. */
  protected count = 0;
  /** What each group that it has seen starts with. */
  private baseRates: readonly number[] = [];
  private last: readonly number[];

  /** Subclasses call `begin` once their options are there. */
  constructor(name: string, optimizer: Schedulable) {
    this.last = groupsOf(name, optimizer).map((g) => g.lr);
    this.name = name;
    this.optimizer = optimizer;
  }

  /** The rate after step `count` (from 1 on) of a group, by its place, from the rate before it. `base`: what the group started with. */
  protected abstract next(rate: number, count: number, base: number, group: number): number;

  /** The rate at step 0 from the one that is there. */
  protected first(rate: number, _base: number, _group: number): number {
    return rate;
  }

  /** The momentum after `count` steps, or null to leave it alone. */
  protected momentum(_count: number, _group: number): number | null {
    return null;
  }

  /** What a group that it has not seen before starts with. */
  protected baseOf(group: ScheduledGroup, _at: number): number {
    return group.initialLr ?? group.lr;
  }

  private bases(): number[] {
    return this.optimizer.paramGroups.map((g, i) => this.baseRates[i] ?? this.baseOf(g, i));
  }

  /** Sets every group's rate and momentum by a rule; on an error nothing has changed. */
  protected put(count: number, rule: (rate: number, base: number, group: number) => number): void {
    const groups = groupsOf(this.name, this.optimizer);
    if (groups.length < this.baseRates.length)
      throw valueError(this.name, `the optimizer has ${groups.length} groups, it had ${this.baseRates.length}. Make the scheduler anew when groups are taken out.`);
    const bases = this.bases();
    const rates = groups.map((g, i) => {
      const rate = rule(g.lr, bases[i] as number, i);
      if (isRate(rate)) return rate;
      throw valueError(this.name, `the rate of group ${i} would be ${valueText(rate)} at step ${count}, from ${g.lr}. A rate is a finite number.`);
    });
    groups.forEach((g, i) => {
      g.initialLr ??= bases[i] as number;
      g.lr = rates[i] as number;
    });
    this.baseRates = bases;
    this.count = count;
    this.last = rates;
    this.putMomentum();
  }

  private putMomentum(): void {
    this.optimizer.paramGroups.forEach((g, i) => {
      const momentum = this.momentum(this.count, i);
      if (momentum === null) return;
      if (g.betas) g.betas = [momentum, g.betas[1]];
      else g.momentum = momentum;
    });
  }

  /** Step 0, from the rates that are there. */
  begin(): void {
    this.put(0, (rate, base, group) => this.first(rate, base, group));
  }

  /** @internal Step 0 again, from what the groups started with. */
  restart(): void {
    this.put(0, (_, base, group) => this.first(base, base, group));
  }

  /** One step on: call it after `optimizer.step()`. */
  step(): void {
    assertArity(`${this.name}.step`, arguments.length, 0);
    this.refuseCapture();
    this.advance();
  }

  protected refuseCapture(): void {
    refuseWhileRecording(
      `${this.name}.step`,
      'rates are numbers of the host, which a replay would not change',
      'Step the scheduler after the captured step; the rate is read anew at each call.',
    );
  }

  /** @internal As `step`, for a part of another. */
  advance(): void {
    const count = this.count + 1;
    this.put(count, (rate, base, group) => this.next(rate, count, base, group));
  }

  /** The groups' rates as it left them at its last step. */
  getLastLr(): number[] {
    return [...this.last];
  }

  /** Notes the rates that are there as its own: for schedulers made of schedulers. */
  protected noteRates(): void {
    this.last = this.optimizer.paramGroups.map((g) => g.lr);
  }

  /** @internal What puts scheduler and groups back to where they are now. */
  remember(): () => void {
    const { count, baseRates, last } = this;
    const groups = this.optimizer.paramGroups.map((g) => ({ ...g }));
    return () => {
      [this.count, this.baseRates, this.last] = [count, baseRates, last];
      for (const [i, { lr, momentum, betas }] of groups.entries()) {
        const g = this.optimizer.paramGroups[i] as ScheduledGroup;
        Object.assign(g, { lr }, momentum !== undefined && { momentum }, betas && { betas });
      }
    };
  }

  /** What it needs to resume, as plain data. */
  stateDict(): SchedulerState {
    return { count: this.count, baseRates: this.bases(), rates: this.optimizer.paramGroups.map((g) => g.lr) };
  }

  /** @internal What resumes from a state, which is checked first. */
  reading(op: string, state: unknown): () => void {
    const { count, baseRates, rates } = readFields(op, state, groupsOf(op, this.optimizer).length, ['baseRates', 'rates'], ['count']) as unknown as SchedulerState;
    return () => {
      this.count = count;
      this.baseRates = [...baseRates];
      this.last = [...rates];
      this.optimizer.paramGroups.forEach((g, i) => {
        g.lr = rates[i] as number;
      });
      this.putMomentum();
    };
  }

  /**
   * Resumes from what `stateDict` gave: steps taken, and the groups' rates.
   * @throws STATE where it is none, or of another number of groups; nothing has changed then
   */
  loadStateDict(state: SchedulerState): void {
    const op = `${this.name}.loadStateDict`;
    assertArity(op, arguments.length, 1);
    this.reading(op, state)();
  }
}
