// One backward pass over a combination of the losses: the simplest forms.
import { backward } from '../autograd/backward.ts';
import { add, mul } from '../ops/binary.ts';
import { full } from '../ops/create.ts';
import { float32View } from '../runtime/memory.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { recording } from '../tensor/recording.ts';
import { keep } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { entriesOf, type Losses, nonFinite, type Report, type Strategy } from './strategy.ts';

/** Σ λᵢ·lossᵢ, one backward pass: the weights steer the direction. Weights may be changed between steps. */
export class Weighted<Name extends string> implements Strategy<Name> {
  readonly name: string = 'weighted';
  readonly weights: Record<Name, number>;
  private readonly scalars = new Map<Name, Tensor>();

  constructor(weights: Readonly<Record<Name, number>>) {
    for (const [name, w] of Object.entries<number>(weights)) if (!Number.isFinite(w)) throw valueError('Weighted', `the weight of '${name}' must be finite, got ${w}.`);
    this.weights = { ...weights };
  }

  /** How much a loss counts. */
  protected weightOf(name: Name): number {
    const w: number | undefined = this.weights[name];
    if (w === undefined) throw new GradloomError('VALUE', 'Weighted', `there is no weight for the loss '${name}', only for ${Object.keys(this.weights).join(', ')}. Add one.`);
    return w;
  }

  backward(losses: Losses<Name>): Report<Name> {
    const entries = entriesOf(this.name, losses);
    const weights = Object.fromEntries(entries.map(([name]) => [name, this.weightOf(name)])) as Record<Name, number>;
    const terms = entries.map(([name, loss]) => mul(loss, this.inMemory(name)));
    const total = terms.reduce((a, b) => add(a, b));
    total.label = nonFinite(entries) ?? entries.map(([name]) => name).join(' + ');
    backward(total);
    return { branch: this.name, weights };
  }

  /** The weight as a tensor, at an address of its own: a captured step reads there what the weight is by then. */
  private inMemory(name: Name): Tensor {
    let t = this.scalars.get(name);
    if (!t) {
      t = keep(full([], 0));
      this.scalars.set(name, t);
    }
    const place = t;
    const write = (): void => {
      float32View()[place.address / 4] = this.weightOf(name);
    };
    write();
    recording()?.repeat(write);
    return t;
  }

  stateDict(): Record<string, unknown> {
    return { weights: { ...this.weights } };
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    Object.assign(this.weights, state.weights);
  }
}

/** loss₁ + loss₂ + …: every weight is 1. */
export class Sum<Name extends string = string> extends Weighted<Name> {
  override readonly name = 'sum';

  constructor() {
    super({} as Record<Name, number>);
  }

  protected override weightOf(): number {
    return 1;
  }
}
