// Conditions on the course of training: plain objects (JSON), and what each remembers from step to step, plain data too.
import { valueError } from '../tensor/errors.ts';

/** Options of `below` and `above`. */
export interface LevelOptions {
  /** How much of the running mean each step keeps, in [0, 1); 0 looks at the step's own loss. Corrected for its start. */
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

function checked(op: string, ema: number, steps: number, stepsName: string): void {
  if (!(ema >= 0 && ema < 1)) throw valueError(op, `ema must lie in [0, 1), got ${ema}.`);
  if (!Number.isInteger(steps) || steps < 1) throw valueError(op, `${stepsName} must be a whole number of steps ≥ 1, got ${steps}.`);
}

function level<Name extends string>(kind: 'below' | 'above', loss: Name, value: number, options: LevelOptions): Condition<Name> {
  const { ema = 0, for: steps = 1 } = options;
  if (!Number.isFinite(value)) throw valueError(kind, `the value that '${loss}' is compared with must be finite, got ${value}.`);
  checked(kind, ema, steps, 'for');
  return { kind, loss, value, ema, for: steps };
}

/** The loss (or its running mean) is below `value`, for as many steps in a row as asked. */
export function below<Name extends string>(loss: Name, value: number, options: LevelOptions = {}): Condition<Name> {
  return level('below', loss, value, options);
}

/** The loss (or its running mean) is above `value`, for as many steps in a row as asked. */
export function above<Name extends string>(loss: Name, value: number, options: LevelOptions = {}): Condition<Name> {
  return level('above', loss, value, options);
}

/** So many steps of the phase are done. */
export function afterSteps(steps: number): Condition<never> {
  checked('afterSteps', 0, steps, 'it');
  return { kind: 'afterSteps', steps };
}

/** The loss (or its running mean) has found no new best for `patience` steps in a row. */
export function plateau<Name extends string>(loss: Name, options: PlateauOptions): Condition<Name> {
  const { patience, minDelta = 0, ema = 0 } = options;
  checked('plateau', ema, patience, 'patience');
  if (!(minDelta >= 0 && Number.isFinite(minDelta))) throw valueError('plateau', `minDelta must be ≥ 0, got ${minDelta}.`);
  return { kind: 'plateau', loss, patience, minDelta, ema };
}

/** All of the conditions hold at the same step. */
export function allOf<Name extends string>(...of: Condition<Name>[]): Condition<Name> {
  if (of.length === 0) throw valueError('allOf', 'got no conditions. Pass at least one.');
  return { kind: 'allOf', of };
}

/** One or more of the conditions hold. */
export function anyOf<Name extends string>(...of: Condition<Name>[]): Condition<Name> {
  if (of.length === 0) throw valueError('anyOf', 'got no conditions. Pass at least one.');
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
  if (!('of' in condition)) return 'run' in p;
  return 'of' in p && p.of.length === condition.of.length && condition.of.every((c, i) => fits(c, p.of[i]));
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
