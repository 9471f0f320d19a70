// One backward pass over a linear combination of the losses: the simplest forms. Each is a strategy of its own and a
// method for others.
import { backward } from '../../../autograd/backward.ts';
import { add, mul } from '../../../ops/binary.ts';
import { assertArity, type Kind, optionsOf, valueText } from '../../../tensor/check.ts';
import { GradloomError, valueError } from '../../../tensor/errors.ts';
import { HostNumbers } from '../../../tensor/host.ts';
import { recording } from '../../../tensor/recording.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Scalarizer, Stats, Weighting } from '../method.ts';
import { count } from '../../checks.ts';
import { anneal, Schedule, type SchedulePlan, weightAt } from './anneal.ts';
import { OBJECT, stateOf } from '../../state.ts';
import { MethodBase } from '../base.ts';
import { entriesOf, type Losses, nonFinite, type Report, type Strategy } from '../../strategy.ts';

/** Σ λᵢ·lossᵢ with weights from the host. */
abstract class HostWeighted<Name extends string> extends MethodBase implements Strategy<Name> {
  /** The losses' values are enough. */
  readonly needs = 'losses';
  /** Steps so far, which schedules follow. */
  protected steps = 0;
  private readonly numbers = new HostNumbers();

  /** How much each loss counts at a step. */
  protected abstract weightsOf(names: readonly string[], step: number): readonly number[];

  /** @internal The weights of this step for the named losses; one step of the schedules. */
  nextWeights(names: readonly string[]): Float64Array {
    return Float64Array.from(this.weightsOf(names, this.steps++));
  }

  /** @internal The step's losses were refused: the schedules stand where they did. */
  refused(): void {
    this.steps--;
  }

  backward(losses: Losses<Name>): Report<Name> {
    const entries = entriesOf(this.name, losses);
    const names = entries.map(([name]) => name);
    const weights = this.weightsOf(names, this.steps);
    const total = this.weightedSum(
      entries.map(([, loss]) => loss),
      names,
    );
    total.label = nonFinite(entries) ?? names.join(' + ');
    backward(total);
    return { branch: this.name, weights: Object.fromEntries(names.map((name, i) => [name, weights[i]])) as Record<Name, number> };
  }

  /** Σ λᵢ·lossᵢ; one step of the schedules. */
  protected weightedSum(losses: readonly Tensor[], names: readonly string[]): Tensor {
    const weights = this.numbers.tensors(names, [], () => this.nextWeights(names));
    recording()?.steady(() => this.weightsOf(names, 0).join()); // schedules move on by themselves
    return losses.map((loss, i) => mul(loss, weights[i] as Tensor)).reduce((a, b) => add(a, b));
  }

  override reset(): void {
    this.steps = 0;
  }
}

/**
 * Σ λᵢ·lossᵢ, one backward pass: the weights steer the direction. They are numbers or schedules, and may be changed
 * between steps.
 */
export class Weighted<Name extends string> extends HostWeighted<Name> implements Scalarizer<Name> {
  readonly name = 'weighted';
  /** How much each loss counts, by name; free to be changed between steps. */
  readonly weights: Record<Name, number | Schedule>;

  constructor(weights: Readonly<Record<Name, number | Schedule>>) {
    super();
    assertArity('Weighted', arguments.length, 1);
    if (!OBJECT.test(weights)) throw valueError('Weighted', `weights are an object { name: weight, … }, got ${valueText(weights)}.`);
    for (const [name, w] of Object.entries<number | Schedule>(weights)) finiteAt(name, w, 0);
    this.weights = byName(Object.entries<number | Schedule>(weights));
  }

  combine(losses: readonly Tensor[], names: readonly Name[]): Tensor {
    return this.weightedSum(losses, names);
  }

  /** Nothing is learnt. */
  parameters(): Tensor[] {
    return [];
  }

  protected weightsOf(names: readonly string[], step: number): number[] {
    return names.map((name) => {
      const w: number | Schedule | undefined = this.weights[name as Name];
      if (w === undefined) throw new GradloomError('VALUE', 'Weighted', `there is no weight for the loss '${name}', only for ${Object.keys(this.weights).join(', ')}. Add one.`);
      return finiteAt(name, w, step);
    });
  }

  override stateDict(): Record<string, unknown> {
    const plain = Object.entries<number | Schedule>(this.weights).map(([name, w]) => [name, typeof w === 'number' ? w : w.toJSON()]);
    return { weights: Object.fromEntries(plain), steps: this.steps };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const mine = Object.keys(this.weights);
    const fits: Kind = {
      what: `weights for ${mine.join(', ')}`,
      test: (v) =>
        OBJECT.test(v) &&
        [...mine].sort().join('\n') ===
          Object.keys(v as object)
            .sort()
            .join('\n'),
    };
    const given = stateOf(this.name, state, { weights: fits, steps: count(0) }) as { weights: Record<Name, number | SchedulePlan>; steps: number };
    const weights = mine.map((name): [Name, number | Schedule] => {
      const w = given.weights[name as Name];
      try {
        const weight: number | Schedule = typeof w === 'number' ? w : anneal.load(w);
        finiteAt(name, weight, given.steps);
        return [name as Name, weight];
      } catch (error) {
        throw new GradloomError('STATE', 'weighted.loadStateDict', `the weight of '${name}' is none (${(error as Error).message}); nothing was changed. Pass what stateDict gave.`);
      }
    });
    for (const [name, w] of weights) this.weights[name] = w;
    this.steps = given.steps;
  }
}

/** An object without a prototype, so that any name is as good as another. */
function byName<Name extends string, V>(entries: readonly (readonly [string, V])[]): Record<Name, V> {
  const result = Object.create(null) as Record<string, V>;
  for (const [name, value] of entries) result[name] = value;
  return result as Record<Name, V>;
}

/** The weight at a step; throws where it is not a finite number. */
function finiteAt(name: string, weight: number | Schedule, step: number): number {
  const w = typeof weight === 'number' || weight instanceof Schedule ? weightAt(weight, step) : weight;
  if (!Number.isFinite(w)) throw valueError('Weighted', `the weight of '${name}' must be finite, got ${valueText(w)}.`);
  return w;
}

/** `new Weighted(weights)`: `weighted({ digit: 1, image: anneal.cosine(0, 1, { steps: 5000 }) })`. */
export function weighted<Name extends string>(weights: Readonly<Record<Name, number | Schedule>>): Weighted<Name> {
  assertArity('weighted', arguments.length, 1);
  return new Weighted(weights);
}

/** Weights that never change. */
abstract class Fixed<Name extends string> extends HostWeighted<Name> implements Weighting {
  weights({ names }: Stats): Float64Array {
    return this.nextWeights(names);
  }
}

/** Σ λᵢ·lossᵢ with fixed weights in the order of the losses. */
export class Constant<Name extends string = string> extends Fixed<Name> {
  readonly name = 'constant';
  private readonly list: readonly number[];

  constructor(weights: readonly number[]) {
    super();
    assertArity('Constant', arguments.length, 1);
    if (!Array.isArray(weights) || weights.length === 0)
      throw valueError('Constant', `takes a list of weights, one per loss, got ${valueText(weights)}. By name: weighted({ … }).`);
    weights.forEach((w, i) => {
      if (!Number.isFinite(w)) throw valueError('Constant', `weight ${i} must be finite, got ${valueText(w)}.`);
    });
    this.list = [...weights];
  }

  protected weightsOf(names: readonly string[]): readonly number[] {
    if (names.length !== this.list.length) {
      throw valueError(
        'Constant',
        `has ${this.list.length} weights for ${names.length} losses (${names.join(', ')}). Give one for each; weighted({ … }) has them by name, for losses that come and go.`,
      );
    }
    return this.list;
  }
}

/** loss₁ + loss₂ + …: every weight is 1. */
export class Sum<Name extends string = string> extends Fixed<Name> {
  readonly name = 'sum';

  constructor(options?: Record<string, never>) {
    super();
    optionsOf('Sum', options, {}, arguments.length);
  }

  protected weightsOf(names: readonly string[]): number[] {
    return names.map(() => 1);
  }
}

/** (loss₁ + … + lossₘ)/m. */
export class Mean<Name extends string = string> extends Fixed<Name> {
  readonly name = 'mean';

  constructor(options?: Record<string, never>) {
    super();
    optionsOf('Mean', options, {}, arguments.length);
  }

  protected weightsOf(names: readonly string[]): number[] {
    return names.map(() => 1 / names.length);
  }
}
