// Conditions on the course of training: plain objects (JSON), and what each remembers from step to step, plain data
// too.
import { assertArity, checkArgument, FINITE, isListOf, isPlainObject, type Kind, type Kinds, optionsOf, TEXT } from '../../tensor/check.ts';
import { valueError } from '../../tensor/errors.ts';
import { count, range } from '../checks.ts';

/** Options of `below` and `above`. */
export interface LevelOptions {
  /**
   * How much of the running mean each step keeps, in [0, 1); 0 looks at the step's own loss. Corrected for its start.
   */
  ema?: number;
  /** For how many steps in a row it must hold, ≥ 1. */
  for?: number;
}

/** Options of `plateau`. */
export interface PlateauOptions {
  /** How many steps in a row may pass without a new best. */
  patience: number;
  /** By how much a loss must fall below its best to count as better, ≥ 0. */
  minDelta?: number;
  /** As of `below`. */
  ema?: number;
}

/** When a phase is over. Made by `below`, `above`, `afterSteps`, `plateau`, `allOf` and `anyOf`; survives JSON. */
export type Condition<Name extends string = string> =
  | { readonly kind: 'below' | 'above'; readonly loss: Name; readonly value: number; readonly ema: number; readonly for: number }
  | { readonly kind: 'afterSteps'; readonly steps: number }
  | { readonly kind: 'plateau'; readonly loss: Name; readonly patience: number; readonly minDelta: number; readonly ema: number }
  | { readonly kind: 'allOf' | 'anyOf'; readonly of: readonly Condition<Name>[] };

/** What a condition remembers. `sum / weight` is the running mean; `run` counts steps in a row. */
export type Progress =
  | { kind: 'below' | 'above'; sum: number; weight: number; run: number }
  | { kind: 'afterSteps'; run: number }
  | { kind: 'plateau'; sum: number; weight: number; best: number | null; run: number }
  | { kind: 'allOf' | 'anyOf'; of: Progress[] };

const EMA: Kind = { what: 'a number in [0, 1)', test: (v) => typeof v === 'number' && v >= 0 && v < 1 };
const STEPS = count(1);
const LEVEL: Kinds<LevelOptions> = { ema: EMA, for: STEPS };
const PLATEAU: Kinds<PlateauOptions> = { patience: STEPS, minDelta: range(0), ema: EMA };

/** A condition, as `below` and the like make it. */
export const CONDITION: Kind = {
  what: 'a condition, such as below(loss, 0.1)',
  test: (v) =>
    isPlainObject(v) &&
    ['below', 'above', 'afterSteps', 'plateau', 'allOf', 'anyOf'].includes(v.kind as string) &&
    (!/Of$/.test(v.kind as string) || isListOf(v.of, CONDITION.test)),
};

function level<Name extends string>(kind: 'below' | 'above', loss: Name, value: number, options: LevelOptions | undefined): Condition<Name> {
  checkArgument(kind, 'loss', loss, TEXT);
  checkArgument(kind, `the value that '${loss}' is compared with`, value, FINITE);
  const { ema = 0, for: steps = 1 } = optionsOf(kind, options, LEVEL);
  return { kind, loss, value, ema, for: steps };
}

/** The loss (or its running mean) is below `value`, for as many steps in a row as asked. */
export function below<Name extends string>(loss: Name, value: number, options?: LevelOptions): Condition<Name> {
  assertArity('below', arguments.length, 3);
  return level('below', loss, value, options);
}

/** The loss (or its running mean) is above `value`, for as many steps in a row as asked. */
export function above<Name extends string>(loss: Name, value: number, options?: LevelOptions): Condition<Name> {
  assertArity('above', arguments.length, 3);
  return level('above', loss, value, options);
}

/** So many steps of the phase are done. */
export function afterSteps(steps: number): Condition<never> {
  assertArity('afterSteps', arguments.length, 1);
  checkArgument('afterSteps', 'steps', steps, STEPS);
  return { kind: 'afterSteps', steps };
}

/** The loss (or its running mean) has found no new best for `patience` steps in a row. */
export function plateau<Name extends string>(loss: Name, options: PlateauOptions): Condition<Name> {
  assertArity('plateau', arguments.length, 2);
  checkArgument('plateau', 'loss', loss, TEXT);
  const { patience, minDelta = 0, ema = 0 } = optionsOf('plateau', options, PLATEAU);
  checkArgument('plateau', 'patience', patience, STEPS);
  return { kind: 'plateau', loss, patience, minDelta, ema };
}

function assertConditions(op: string, of: readonly Condition[]): void {
  if (of.length === 0) throw valueError(op, 'got no conditions. Pass at least one.');
  of.forEach((c, i) => {
    checkArgument(op, `argument ${i}`, c, CONDITION);
  });
}

/** All of the conditions hold at the same step. */
export function allOf<Name extends string>(...of: Condition<Name>[]): Condition<Name> {
  assertConditions('allOf', of);
  return { kind: 'allOf', of };
}

/** One or more of the conditions hold. */
export function anyOf<Name extends string>(...of: Condition<Name>[]): Condition<Name> {
  assertConditions('anyOf', of);
  return { kind: 'anyOf', of };
}

/** Names of the losses that a condition looks at. */
export function lossesIn(condition: Condition): string[] {
  if ('of' in condition) return condition.of.flatMap(lossesIn);
  return 'loss' in condition ? [condition.loss] : [];
}

/** What a condition knows before the first step. */
export function begin(condition: Condition): Progress {
  const { kind } = condition;
  if (kind === 'allOf' || kind === 'anyOf') return { kind, of: condition.of.map(begin) };
  if (kind === 'afterSteps') return { kind, run: 0 };
  if (kind === 'plateau') return { kind, sum: 0, weight: 0, best: null, run: 0 };
  return { kind, sum: 0, weight: 0, run: 0 };
}

/** Whether `progress` is of this condition: checked before a state is taken up. */
export function fits(condition: Condition, progress: unknown): progress is Progress {
  const p = progress as Progress | null;
  if (typeof p !== 'object' || p === null || p.kind !== condition.kind) return false;
  const start = Object.entries(begin(condition));
  if (Object.keys(p).length !== start.length) return false;
  if ('of' in condition) return 'of' in p && Array.isArray(p.of) && p.of.length === condition.of.length && condition.of.every((c, i) => fits(c, p.of[i]));
  return start.every(([key, value]) => {
    const given = (p as unknown as Record<string, unknown>)[key];
    if (key === 'run') return Number.isSafeInteger(given) && (given as number) >= 0;
    if (key === 'weight') return Number.isFinite(given) && (given as number) >= 0;
    return key === 'kind' || Number.isFinite(given) || (value === null && given === null);
  });
}

/** The running mean with one value more. */
function mean(progress: { sum: number; weight: number }, ema: number, value: number): number {
  progress.sum = ema * progress.sum + (1 - ema) * value;
  progress.weight = ema * progress.weight + (1 - ema);
  return progress.sum / progress.weight;
}

/** Takes one step's losses into account, in `progress`, and says whether the condition holds now. */
export function advance(condition: Condition, progress: Progress, losses: Readonly<Record<string, number>>): boolean {
  if ('of' in condition) {
    const held = condition.of.map((c, i) => advance(c, (progress as { of: Progress[] }).of[i] as Progress, losses));
    return condition.kind === 'allOf' ? held.every(Boolean) : held.some(Boolean);
  }
  const p = progress as Exclude<Progress, { of: Progress[] }>;
  if (condition.kind === 'afterSteps') return ++p.run >= condition.steps;
  // A step that lacks the loss changes nothing.
  if (!Object.hasOwn(losses, condition.loss)) return condition.kind !== 'plateau' ? p.run >= condition.for : p.run >= condition.patience;
  const value = losses[condition.loss] as number;
  if (!Number.isFinite(value)) {
    // A mean would never recover from it; a level that was not reached is not kept either.
    if (condition.kind !== 'plateau') p.run = 0;
    return false;
  }
  const now = mean(p as { sum: number; weight: number }, condition.ema, value);
  if (condition.kind === 'plateau') {
    const q = p as Extract<Progress, { kind: 'plateau' }>;
    const better = q.best === null || now < q.best - condition.minDelta;
    if (better) q.best = now;
    q.run = better ? 0 : q.run + 1;
    return q.run >= condition.patience;
  }
  p.run = (condition.kind === 'below' ? now < condition.value : now > condition.value) ? p.run + 1 : 0;
  return p.run >= condition.for;
}
