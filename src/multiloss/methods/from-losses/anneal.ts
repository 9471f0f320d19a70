// Weights over time. Each schedule is plain data with a formula of the step: what JSON writes, `anneal.load` reads.
//
// Weights reach tensors, so the formulas use + − × ÷ and tensor/elementary.ts only.
import { cosPi, exponential, logarithm } from '../../../tensor/elementary.ts';
import { assertArity, checkArgument, isPlainObject, type Kinds, oneOf, optionsOf, valueText } from '../../../tensor/check.ts';
import { valueError } from '../../../tensor/errors.ts';
import { count, range } from '../../checks.ts';

/** What a schedule is made of: its kind and its numbers. Plain data (JSON). */
export type SchedulePlan =
  | { readonly kind: 'constant'; readonly at: number }
  | { readonly kind: 'linear' | 'cosine' | 'exponential'; readonly start: number; readonly end: number; readonly from: number; readonly steps: number }
  | { readonly kind: 'cyclical'; readonly start: number; readonly end: number; readonly steps: number; readonly cycles: number; readonly ratio: number }
  | { readonly kind: 'piecewise'; readonly points: readonly (readonly [step: number, value: number])[]; readonly interpolate: 'none' | 'linear' };

/** A weight over time. Steps count from 0. */
export class Schedule {
  /** What it is made of. */
  readonly plan: SchedulePlan;

  /** @internal Use `anneal`. */
  constructor(plan: SchedulePlan) {
    this.plan = plan;
  }

  /** The weight at a step ≥ 0. */
  value(step: number): number {
    assertArity('Schedule.value', arguments.length, 1);
    checkArgument('Schedule.value', 'step', step, range(0));
    return valueAt(this.plan, step);
  }

  /** What JSON.stringify writes; `anneal.load` reads it. */
  toJSON(): SchedulePlan {
    return JSON.parse(JSON.stringify(this.plan));
  }
}

/** The value that a table of [step, value] has at a step. */
function fromPoints(points: readonly (readonly [number, number])[], interpolate: 'none' | 'linear', step: number): number {
  const after = points.findIndex(([at]) => at > step);
  const [s0, v0] = (after < 0 ? points.at(-1) : points[Math.max(0, after - 1)]) as readonly [number, number];
  if (interpolate === 'none' || after <= 0) return v0;
  const [s1, v1] = points[after] as readonly [number, number];
  return v0 + ((v1 - v0) * (step - s0)) / (s1 - s0);
}

function valueAt(plan: SchedulePlan, step: number): number {
  if (plan.kind === 'constant') return plan.at;
  if (plan.kind === 'piecewise') return fromPoints(plan.points, plan.interpolate, step);
  const { start, end } = plan;
  if (plan.kind === 'cyclical') {
    if (step >= plan.steps) return end;
    const period = plan.steps / plan.cycles;
    const part = (step / period - Math.floor(step / period)) / plan.ratio;
    return part >= 1 ? end : start + (end - start) * part;
  }
  const part = (step - plan.from) / plan.steps;
  if (part <= 0) return start;
  if (part >= 1) return end;
  if (plan.kind === 'linear') return start + (end - start) * part;
  if (plan.kind === 'cosine') return start + ((end - start) * (1 - cosPi(part))) / 2;
  return start * exponential(part * logarithm(end / start));
}

/** How long a schedule runs. */
export interface AnnealOptions {
  /** Steps from the first value to the last; a whole number ≥ 1. */
  steps: number;
  /** The step at which it begins to move; default 0. */
  from?: number;
}

function finite(op: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) if (!Number.isFinite(value)) throw valueError(op, `${name} must be finite, got ${valueText(value)}.`);
}

const RAMP: Kinds<AnnealOptions> = { steps: count(1), from: count(0) };

type Ramp = [start: number, end: number, options: AnnealOptions];

function ramp(kind: 'linear' | 'cosine' | 'exponential', [start, end, options, ...more]: Ramp, op = `anneal.${kind}`): Schedule {
  finite(op, { from: start, to: end });
  const { steps, from = 0 } = optionsOf(op, options, RAMP, more.length, 0);
  checkArgument(op, 'steps', steps, RAMP.steps);
  return new Schedule({ kind, start, end, from, steps });
}

/** The weight that stays. */
function constant(value: number): Schedule {
  assertArity('anneal.constant', arguments.length, 1);
  finite('anneal.constant', { value });
  return new Schedule({ kind: 'constant', at: value });
}

/** A straight line between two weights (KL annealing, Bowman et al. 2016, arXiv 1511.06349). */
function linear(...given: Ramp): Schedule {
  return ramp('linear', given);
}

/** Half a cosine wave between two weights: slow at both ends. */
function cosine(...given: Ramp): Schedule {
  return ramp('cosine', given);
}

/** Equal factors from step to step; both weights > 0. */
function exponentially(...given: Ramp): Schedule {
  const [start, end] = given;
  finite('anneal.exponential', { from: start, to: end });
  if (!(start > 0 && end > 0)) throw valueError('anneal.exponential', `both weights must be > 0, got ${start} and ${end}. Use linear or cosine to reach 0.`);
  return ramp('exponential', given);
}

/** From 0 to the weight in a straight line. */
function warmedUp(...given: [end: number, options: AnnealOptions]): Schedule {
  return ramp('linear', [0, ...given], 'anneal.warmup');
}

const CYCLICAL: Kinds<{ steps: number; cycles?: number; ratio?: number }> = { steps: count(1), cycles: count(1), ratio: range(0, 1, true) };

/**
 * `cycles` times over `steps` steps in all, from the first weight to the last: it rises during `ratio` of a cycle and
 * stays for the rest; after the last cycle too (cyclical KL annealing, Fu et al. 2019, arXiv 1903.10145). Default 4
 * cycles and a ratio of 0.5.
 */
function cyclical(start: number, end: number, options: { steps: number; cycles?: number; ratio?: number }): Schedule {
  finite('anneal.cyclical', { from: start, to: end });
  const { steps, cycles = 4, ratio = 0.5 } = optionsOf('anneal.cyclical', options, CYCLICAL, arguments.length, 3);
  checkArgument('anneal.cyclical', 'steps', steps, CYCLICAL.steps);
  return new Schedule({ kind: 'cyclical', start, end, steps, cycles, ratio });
}

const PIECEWISE: Kinds<{ interpolate?: 'none' | 'linear' }> = { interpolate: oneOf('none', 'linear') };

/**
 * A table of [step, weight] in the order of the steps: each weight from its step on, or with `interpolate: 'linear'`
 * lines between them.
 */
function piecewise(points: readonly (readonly [step: number, value: number])[], options?: { interpolate?: 'none' | 'linear' }): Schedule {
  const { interpolate = 'none' } = optionsOf('anneal.piecewise', options, PIECEWISE, arguments.length, 2);
  if (!Array.isArray(points) || points.length === 0 || ![...points].every(Array.isArray))
    throw valueError('anneal.piecewise', `the points are a list [[step, weight], …], got ${valueText(points)}. Pass at least one.`);
  points.forEach(([step, value], i) => {
    checkArgument('anneal.piecewise', `step ${i}`, step, RAMP.from);
    finite('anneal.piecewise', { [`weight ${i}`]: value });
    const before = points[i - 1]?.[0] ?? -1;
    if (step <= before) throw valueError('anneal.piecewise', `steps must rise, got ${step} after ${before}.`);
  });
  return new Schedule({ kind: 'piecewise', points: points.map(([s, v]) => [s, v] as const), interpolate });
}

/** A schedule from its plan, as JSON gave it back. */
function load(plan: SchedulePlan): Schedule {
  assertArity('anneal.load', arguments.length, 1);
  if (!isPlainObject(plan)) throw valueError('anneal.load', `a plan is an object { kind, … }, got ${valueText(plan)}. Pass what a schedule's toJSON gave.`);
  const { steps, from, cycles, ratio, interpolate } = plan as Extract<SchedulePlan, { kind: 'linear' }> &
    Extract<SchedulePlan, { kind: 'cyclical' }> &
    Extract<SchedulePlan, { kind: 'piecewise' }>;
  switch (plan.kind) {
    case 'constant':
      return constant(plan.at);
    case 'cyclical':
      return cyclical(plan.start, plan.end, { steps, cycles, ratio });
    case 'piecewise':
      return piecewise(plan.points, { interpolate });
    case 'linear':
    case 'cosine':
      return ramp(plan.kind, [plan.start, plan.end, { steps, from }]);
    case 'exponential':
      return exponentially(plan.start, plan.end, { steps, from });
    default:
      throw valueError('anneal.load', `there is no schedule '${(plan as { kind: unknown }).kind}'. Pass what a schedule's toJSON gave.`);
  }
}

/** Schedules of weights: `anneal.cosine(0, 1, { steps: 5000 })` wherever a weight goes. */
export const anneal = { constant, linear, cosine, exponential: exponentially, cyclical, warmup: warmedUp, piecewise, load } as const;

/** @internal The weight at a step. */
export function weightAt(weight: number | Schedule, step: number): number {
  return typeof weight === 'number' ? weight : weight.value(step);
}
