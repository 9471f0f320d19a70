// Weights that are learnt by gradient descent beside the model: one parameter per loss, in an optimizer of the user's.
import { Parameter } from '../../../module/parameter.ts';
import { add, gt, mul, sub, where } from '../../../ops/binary.ts';
import { full } from '../../../ops/create.ts';
import { select, stack } from '../../../ops/movement.ts';
import { sum } from '../../../ops/reduce.ts';
import { exp, neg, softplus } from '../../../ops/unary.ts';
import { FINITE, type Kind, type Kinds, oneOf, optionsOf, valueText } from '../../../tensor/check.ts';
import { valueError } from '../../../tensor/errors.ts';
import { overwrite } from '../../../tensor/host.ts';
import { recording, refuseWhileRecording } from '../../../tensor/recording.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Scalarizer } from '../method.ts';
import { FLOAT } from '../../checks.ts';
import { NAMES, numbers, stateOf } from '../../state.ts';
import { MethodBase } from '../base.ts';
import { assertEager, assertPositive, vectorOf } from './per-loss.ts';

/**
 * How many losses there are, or their names: with names others are refused, else the first so many that come are the
 * ones.
 */
export type LossCount<Name extends string = string> = number | readonly Name[];

/** A scalarizer with one learnt number sᵢ per loss. */
abstract class Learned<Name extends string> extends MethodBase implements Scalarizer<Name> {
  readonly needs = 'losses';
  /** s, [m]. */
  readonly parameter: Parameter;
  /** Whose the numbers are, as far as losses have come by. */
  private names: string[];
  private readonly named: boolean;
  private readonly start: number;

  constructor(op: string, losses: LossCount<Name>, start: number) {
    super();
    this.named = Array.isArray(losses);
    if (this.named ? !NAMES.test(losses) || (losses as Name[]).length === 0 : !Number.isSafeInteger(losses) || (losses as number) < 1)
      throw valueError(op, `the number of losses must be a whole number ≥ 1, or a list of their names, got ${valueText(losses)}.`);
    this.names = this.named ? [...(losses as Name[])] : [];
    this.start = start;
    this.parameter = new Parameter(full([this.named ? this.names.length : (losses as number)], start));
    this.parameter.label = `${op}'s parameter`;
  }

  /** The scalar from the losses [m] and s [m]. */
  protected abstract formula(losses: Tensor, s: Tensor): Tensor;

  assert(losses: Float64Array, names: readonly string[]): void {
    assertPositive(this.name, losses, names, true, 'Shift it: below 0 the learnt weight would grow without end.');
  }

  combine(losses: readonly Tensor[], names: readonly Name[]): Tensor {
    assertEager(this, losses, names);
    const indices = this.indicesOf(names);
    const { parameter } = this;
    const all = indices.length === parameter.size && indices.every((index, i) => index === i);
    const s = all ? parameter : stack(indices.map((index) => select(parameter, 0, index)));
    return sum(this.formula(vectorOf(losses), s));
  }

  /** The position of each loss's number. */
  private indicesOf(names: readonly string[]): number[] {
    const added = names.filter((name) => !this.names.includes(name));
    if (added.length > 0 && (this.named || this.names.length + added.length > this.parameter.size)) {
      const made = this.named ? this.names.join(', ') : `${this.parameter.size} losses${this.names.length > 0 ? ` (${this.names.join(', ')})` : ''}`;
      throw valueError(this.name, `made for ${made}, got ${names.join(', ')}. Make it for all losses that come.`);
    }
    this.names.push(...added);
    // The step uses the positions, which a state that is loaded may change.
    recording()?.rely(this.parameter, () => this.names.join('\n'));
    return names.map((name) => this.names.indexOf(name));
  }

  parameters(): Tensor[] {
    return [this.parameter];
  }

  override stateDict(): Record<string, unknown> {
    return { s: [...this.parameter.data()], names: [...this.names] };
  }

  /** Takes up what `stateDict` gave; or only { s }, in the order in which losses come. */
  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const { size } = this.parameter;
    const mine = this.named ? [...this.names].sort().join('\n') : null;
    const fits: Kind = {
      what: this.named ? `the names ${this.names.join(', ')}` : `at most ${size} names`,
      test: (v) => v === undefined || (NAMES.test(v) && (mine === null ? (v as string[]).length <= size : [...(v as string[])].sort().join('\n') === mine)),
    };
    const { s, names } = stateOf(this.name, state, { s: numbers(size, FLOAT), names: fits }) as { s: number[]; names?: string[] };
    this.write(s);
    if (names) this.names = [...names];
  }

  /** The first values again. The optimizer keeps what it remembers of them. */
  override reset(): void {
    if (!this.named) this.names = [];
    this.write(new Array(this.parameter.size).fill(this.start));
  }

  private write(values: readonly number[]): void {
    refuseWhileRecording(this.name, 'parameters are written', 'Do it before.');
    overwrite(this.parameter, values, this.name);
  }
}

/** The regularizer of losses that are above 0: without it the weight of one that is solved would grow without end. */
const unlessSolved = (losses: Tensor, regularizer: Tensor): Tensor => where(gt(losses, 0), regularizer, 0);

/** Options of `UncertaintyWeighting`. */
export interface UncertaintyOptions {
  /** What keeps σ from growing: default 'log' (½ ln σ²), or 'log1p' (ln(1 + σ²)), which is never negative. */
  regularizer?: 'log' | 'log1p';
  /** sᵢ = ln σᵢ² at the start; default 0. */
  init?: number;
}

const UNCERTAINTY: Kinds<UncertaintyOptions> = { regularizer: oneOf('log', 'log1p'), init: FINITE };

/**
 * Σ ½·e^(−sᵢ)·Lᵢ + ½·sᵢ with learnt sᵢ = ln σᵢ²: noisy losses count less (Kendall, Gal & Cipolla, CVPR 2018, arXiv
 * 1705.07115). At rest a loss counts 1/(2·Lᵢ); at 0 its weight stays as it is, and a negative one is refused.
 * `regularizer: 'log1p'` gives Σ Lᵢ/(2σᵢ²) + ln(1 + σᵢ²) (Liebel & Körner 2018, arXiv 1805.06334). Give `parameters()`
 * to an optimizer.
 */
export class UncertaintyWeighting<Name extends string = string> extends Learned<Name> {
  readonly name = 'UncertaintyWeighting';
  private readonly regularizer: 'log' | 'log1p';

  constructor(losses: LossCount<Name>, options?: UncertaintyOptions) {
    const { regularizer = 'log', init = 0 } = optionsOf('UncertaintyWeighting', options, UNCERTAINTY, arguments.length, 2);
    super('UncertaintyWeighting', losses, init);
    this.regularizer = regularizer;
  }

  protected formula(losses: Tensor, s: Tensor): Tensor {
    const regular = this.regularizer === 'log' ? mul(s, 0.5) : softplus(s);
    return add(mul(mul(exp(neg(s)), 0.5), losses), unlessSolved(losses, regular));
  }
}

const IMTLL_OPTIONS: Kinds<{ init?: number }> = { init: FINITE };

/**
 * Σ e^(sᵢ)·Lᵢ − sᵢ with learnt sᵢ, 0 at the start: at rest every e^(sᵢ)·Lᵢ is 1 (IMTL-L, Liu et al., ICLR 2021,
 * openreview IMPnRXEWpvr). At 0 a loss's weight stays as it is, and a negative one is refused. Twice
 * `UncertaintyWeighting` at −s. Give `parameters()` to an optimizer.
 */
export class IMTLL<Name extends string = string> extends Learned<Name> {
  readonly name = 'IMTLL';

  constructor(losses: LossCount<Name>, options?: { init?: number }) {
    super('IMTLL', losses, optionsOf('IMTLL', options, IMTLL_OPTIONS, arguments.length, 2).init ?? 0);
  }

  protected formula(losses: Tensor, s: Tensor): Tensor {
    return sub(mul(exp(s), losses), unlessSolved(losses, s));
  }
}
