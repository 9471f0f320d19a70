// One loss made small while others are kept below limits.
import { GradloomError, valueError } from '../tensor/errors.ts';
import type { Stats, Weighting } from './method.ts';
import { checkNumber } from './checks.ts';

/** Options of `Constrained`. */
export interface ConstrainOptions {
  /** The loss to be made small; its weight is 1. */
  main: string;
  /** What each other loss is to be kept at or below, by name. */
  limits: Readonly<Record<string, number>>;
  /** How fast multipliers rise with the excess; 0.01 unless said. */
  lr?: number;
  /** How strongly an excess counts beside its multiplier (a quadratic penalty's slope), which damps the swings; 0 unless said. */
  damping?: number;
  /** The largest multiplier, in case limits cannot be met; no bound unless said. */
  max?: number;
}

/**
 * Makes one loss small while others stay at or below their limits: the Lagrangian L₀ + Σ λᵢ·(Lᵢ − cᵢ), descended in the parameters and
 * climbed in λ ≥ 0, λᵢ ← max(0, λᵢ + lr·(Lᵢ − cᵢ)) in every step (the modified differential method of multipliers, Platt & Barr
 * 1988). The weight of a limited loss is its λ, plus damping·(Lᵢ − cᵢ) where that is positive; a loss below its limit comes to
 * weight 0.
 */
export class Constrained implements Weighting {
  readonly name = 'Constrained';
  readonly needs = 'losses';
  private readonly options: Required<ConstrainOptions>;
  /** λ by name. */
  private multipliers: Record<string, number> = {};

  constructor(options: ConstrainOptions) {
    this.options = { lr: 0.01, damping: 0, max: Number.POSITIVE_INFINITY, ...options, limits: { ...options.limits } };
    const { main, limits, lr, damping, max } = this.options;
    checkNumber(this.name, 'lr', lr, 0, Number.POSITIVE_INFINITY, true);
    checkNumber(this.name, 'damping', damping, 0);
    if (!(max > 0)) throw valueError(this.name, `max must be above 0, got ${max}.`);
    const entries = Object.entries(limits);
    if (entries.length === 0) throw valueError(this.name, 'limits names no loss. Give { name: limit }.');
    for (const [name, c] of entries) if (!Number.isFinite(c)) throw valueError(this.name, `the limit of '${name}' must be finite, got ${c}.`);
    if (Object.hasOwn(limits, main)) throw valueError(this.name, `the loss '${main}' is both main and limited. Choose one.`);
    this.reset();
  }

  weights({ names, losses }: Stats): Float64Array {
    const { main, limits, lr, damping, max } = this.options;
    const stray = names.find((n) => n !== main && !Object.hasOwn(limits, n));
    if (stray !== undefined) throw new GradloomError('VALUE', this.name, `the loss '${stray}' is neither main ('${main}') nor limited. Give it a limit, or leave it out.`);
    const missing = [main, ...Object.keys(limits)].find((n) => !names.includes(n));
    if (missing !== undefined) throw new GradloomError('VALUE', this.name, `there is no loss '${missing}' among ${names.join(', ')}. Name it as in the step.`);
    return Float64Array.from(names, (name, i) => {
      if (name === main) return 1;
      const excess = (losses[i] as number) - (limits[name] as number);
      // A loss that is no number teaches nothing.
      if (Number.isFinite(excess)) this.multipliers[name] = Math.min(Math.max((this.multipliers[name] as number) + lr * excess, 0), max);
      return (this.multipliers[name] as number) + (excess > 0 && Number.isFinite(excess) ? damping * excess : 0);
    });
  }

  stateDict(): Record<string, unknown> {
    return { multipliers: { ...this.multipliers } };
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.multipliers = { ...(state.multipliers as Record<string, number>) };
  }

  reset(): void {
    this.multipliers = Object.fromEntries(Object.keys(this.options.limits).map((name) => [name, 0]));
  }
}

/** `constrain({ main: 'a', limits: { b: 0.1 } })`: see `Constrained`. */
export function constrain(options: ConstrainOptions): Constrained {
  return new Constrained(options);
}
