// One loss made small while others are kept below limits.
import { assertArity, checkArgument, FINITE, isPlainObject, type Kinds, TEXT, withDefaults } from '../../../tensor/check.ts';
import { GradloomError, valueError } from '../../../tensor/errors.ts';
import { assertLosses, each, POSITIVE, range } from '../../checks.ts';
import { indexOfLoss } from '../memory.ts';
import type { Stats, Weighting } from '../method.ts';
import { stateOf } from '../../state.ts';
import { MethodBase } from '../base.ts';

/** Options of `Constrained`. */
export interface ConstrainOptions<Main extends string = string, Limited extends string = string> {
  /** The loss to be made small; its weight is 1. */
  main: Main;
  /** What each other loss is to be kept at or below, by name. */
  limits: Readonly<Record<Limited, number>>;
  /** How fast multipliers rise with the excess; default 0.01. */
  lr?: number;
  /**
   * How strongly an excess counts beside its multiplier (a quadratic penalty's slope), which damps the swings; default
   * 0.
   */
  damping?: number;
  /** The largest multiplier, in case limits cannot be met; default no bound. */
  max?: number;
}

const OPTIONS: Kinds<ConstrainOptions> = {
  main: TEXT,
  limits: { what: 'an object { name: limit } of finite numbers', test: (v) => isPlainObject(v) && Object.values(v).every(FINITE.test) },
  lr: POSITIVE,
  damping: range(0),
  max: { what: 'a number > 0', test: (v) => typeof v === 'number' && v > 0 },
};

/**
 * Makes one loss small while others stay at or below their limits: the Lagrangian L₀ + Σ λᵢ·(Lᵢ − cᵢ), descended in the
 * parameters and climbed in λ ≥ 0, λᵢ ← max(0, λᵢ + lr·(Lᵢ − cᵢ)) in every step (the modified differential method of
 * multipliers, Platt & Barr 1988). The weight of a limited loss is its λ, plus damping·(Lᵢ − cᵢ) where that is
 * positive; a loss below its limit comes to weight 0.
 */
export class Constrained<Main extends string = string, Limited extends string = string> extends MethodBase implements Weighting<Main | Limited> {
  readonly name = 'Constrained';
  /** The losses' values are enough. */
  readonly needs = 'losses';
  private readonly options: Required<ConstrainOptions>;
  /** Limits and λ by name. */
  private readonly limits: ReadonlyMap<string, number>;
  private multipliers = new Map<string, number>();
  /** Whether a step has had every loss: one that lacks some is no slip then. */
  private complete = false;

  constructor(options: ConstrainOptions<Main, Limited>) {
    super();
    const defaults = { main: undefined as never, limits: undefined as never, lr: 0.01, damping: 0, max: Number.POSITIVE_INFINITY };
    this.options = withDefaults<Required<ConstrainOptions>>('Constrained', options, OPTIONS, defaults, arguments.length);
    const { main, limits } = this.options;
    checkArgument('Constrained', 'main', main, OPTIONS.main);
    checkArgument('Constrained', 'limits', limits, OPTIONS.limits);
    this.limits = new Map(Object.entries(limits));
    if (this.limits.size === 0) throw valueError(this.name, 'limits names no loss. Give { name: limit }.');
    if (this.limits.has(main)) throw valueError(this.name, `the loss '${main}' is both main and limited. Choose one.`);
    this.reset();
  }

  weights(stats: Stats<Main | Limited>): Float64Array {
    const { names, losses } = stats;
    const { main, lr, damping, max } = this.options;
    const { limits, multipliers } = this;
    const stray = names.find((n) => n !== main && !limits.has(n));
    if (stray !== undefined) throw new GradloomError('VALUE', this.name, `the loss '${stray}' is neither main ('${main}') nor limited. Give it a limit, or leave it out.`);
    assertLosses(this.name, losses, names);
    const all = [main, ...limits.keys()];
    for (const name of all) indexOfLoss(this.name, name === main ? 'main' : 'a name of limits', name, stats, this.complete ? all : []);
    this.complete = true;
    return Float64Array.from(names, (name, i) => {
      if (name === main) return 1;
      const excess = (losses[i] as number) - (limits.get(name) as number);
      const multiplier = Math.min(Math.max((multipliers.get(name) as number) + lr * excess, 0), max);
      multipliers.set(name, multiplier);
      return multiplier + (excess > 0 ? damping * excess : 0);
    });
  }

  override stateDict(): Record<string, unknown> {
    return { multipliers: Object.fromEntries(this.multipliers) };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const names = [...this.limits.keys()];
    const fits = (v: unknown): boolean => each(0).test(v) && names.length === Object.keys(v as object).length && names.every((name) => Object.hasOwn(v as object, name));
    const { multipliers } = stateOf(this.name, state, { multipliers: { what: `numbers ≥ 0 for ${names.join(', ')}`, test: fits } });
    this.multipliers = new Map(Object.entries(multipliers as Record<string, number>));
  }

  override reset(): void {
    this.multipliers = new Map([...this.limits.keys()].map((name) => [name, 0]));
  }
}

/** `constrain({ main: 'a', limits: { b: 0.1 } })`: see `Constrained`. */
export function constrain<Main extends string, Limited extends string>(options: ConstrainOptions<Main, Limited>): Constrained<Main, Limited> {
  assertArity('constrain', arguments.length, 1);
  return new Constrained(options);
}
