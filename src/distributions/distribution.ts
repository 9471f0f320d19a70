// What every distribution is: shapes, parameters that broadcast, and checks of what is given. Each family is a file of its own.
import { expand as expandTo } from '../ops/reduce.ts';
import type { Operand } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { full } from '../ops/create.ts';
import { assertEvery, type DrawOptions, GENERATOR } from '../ops/random.ts';
import { exp, sqrt } from '../ops/unary.ts';
import { assertArity, assertTensor, checkArgument, either, FLAG, type Kind, type Kinds, NUMBER, optionsOf, sizesOf, TENSOR } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import type { Generator } from '../tensor/random.ts';
import { broadcastShapes, sameShape, type Shape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import { Tensor } from '../tensor/tensor.ts';

/** Options of every distribution. */
export interface DistributionOptions {
  /** Whether parameters and values are looked at, as by default: what does not belong is VALUE, in a captured step at each call. */
  validateArgs?: boolean;
}

/** @internal A tensor or a number. */
export const PARAMETER: Kind = /* @__PURE__ */ either(TENSOR, NUMBER);
/** @internal */
export const VALIDATE: Kinds<DistributionOptions> = { validateArgs: FLAG };

/** @internal Parameters as float32 tensors of one shape. */
export function broadcastAll<K extends string>(op: string, given: Readonly<Record<K, Operand>>): Record<K, Tensor> {
  const names = Object.keys(given) as K[];
  for (const name of names) checkArgument(op, name, given[name], PARAMETER);
  const tensors = names.map((name) => (given[name] instanceof Tensor ? asFloat(given[name] as Tensor) : full([], given[name] as number)));
  const shape = tensors.map((t) => t.sizes).reduce((a, b) => broadcastShapes(op, a, b));
  return Object.fromEntries(names.map((name, i) => [name, stretched(tensors[i] as Tensor, shape)])) as Record<K, Tensor>;
}

/** @internal x in a shape that it broadcasts to. */
export const stretched = (x: Tensor, shape: Shape): Tensor => (sameShape(x.sizes, shape) ? x : expandTo(x, [...shape]));

/** @internal ∞ in x's shape: what divergences of a distribution from one that leaves out some of its values are. */
export const infinite = (x: Tensor): Tensor => full(x.sizes, Number.POSITIVE_INFINITY);

/** Random numbers of one law: drawn in any shape, with logarithms of their densities. Independent for each element of the batch. */
export abstract class Distribution {
  /** The family's name. */
  readonly family: string;
  /** The shape of independent parameters. */
  readonly batchShape: Shape;
  /** The shape of one draw. */
  readonly eventShape: Shape;
  /** @internal Whether what is given is looked at. */
  readonly validates: boolean;

  /** @internal */
  constructor(family: string, batchShape: Shape, eventShape: Shape, validates: boolean | undefined) {
    this.family = family;
    this.batchShape = batchShape;
    this.eventShape = eventShape;
    this.validates = validates ?? true;
  }

  /** Whether draws have gradients to the parameters. */
  get hasRsample(): boolean {
    return true;
  }

  /** @internal Draws in the shape sample + batch + event. */
  protected abstract draw(sampleShape: Shape, generator: Generator | undefined): Tensor;

  /** @internal Which elements are values that it draws. */
  protected abstract supports(value: Tensor): Tensor;

  /** @internal ln of the density at values that are checked. */
  protected abstract logDensity(x: Tensor): Tensor;

  /** @internal Its entropy. */
  protected abstract disorder(): Tensor;

  /** @internal The same law over a larger batch. */
  protected abstract enlarged(batchShape: Shape): Distribution;

  /** @internal The distribution function at values that are checked, where it has one here. */
  protected cumulative?(x: Tensor): Tensor;

  /** @internal Its inverse. */
  protected quantile?(probability: Tensor): Tensor;

  /** ln of the density, or of the probability, at values that broadcast to batch and event: one for each of the batch. */
  logProb(value: Tensor): Tensor {
    return this.logDensity(this.#valueOf('logProb', value, arguments.length));
  }

  /** −E[ln p], in nats. */
  entropy(): Tensor {
    assertArity(`${this.family}.entropy`, arguments.length, 0);
    return this.disorder();
  }

  /** The probability of at most each value. @throws VALUE where the family has no formula here */
  cdf(value: Tensor): Tensor {
    if (!this.cumulative) throw this.#without('cdf');
    return this.cumulative(this.#valueOf('cdf', value, arguments.length));
  }

  /** The values below which each probability lies. @throws VALUE where the family has no formula here */
  icdf(probability: Tensor): Tensor {
    const op = `${this.family}.icdf`;
    if (!this.quantile) throw this.#without('icdf');
    assertArity(op, arguments.length, 1);
    assertTensor(op, probability, 'the probability');
    return this.quantile(asFloat(probability));
  }

  #without(method: string): GradloomError {
    return valueError(`${this.family}.${method}`, 'there is no formula for this family. Count draws instead.');
  }

  /** The mean. */
  abstract get mean(): Tensor;

  /** The variance. */
  abstract get variance(): Tensor;

  /** The same with parameters that are stretched to a larger batch. */
  expand(batchShape: Shape): this {
    const op = `${this.family}.expand`;
    assertArity(op, arguments.length, 1);
    const shape = sizesOf(op, [batchShape]);
    if (!sameShape(broadcastShapes(op, this.batchShape, shape), shape)) throw valueError(op, `a batch [${this.batchShape}] does not stretch to [${shape}].`);
    return this.enlarged(shape) as this;
  }

  /** @internal The divergence from itself to q; null where there is no formula. Not by a symbol: esbuild keeps every class with a computed name. */
  divergenceTo(_q: Distribution): Tensor | null {
    return null;
  }

  /** The root of the variance. */
  get stddev(): Tensor {
    return sqrt(this.variance);
  }

  /** e to the entropy. */
  perplexity(): Tensor {
    assertArity(`${this.family}.perplexity`, arguments.length, 0);
    return exp(this.entropy());
  }

  /** Draws without gradients. The result has the shape sampleShape + batchShape + eventShape. */
  sample(sampleShape: Shape = [], options?: DrawOptions): Tensor {
    return noGrad(() => this.#drawn('sample', sampleShape, options, arguments.length));
  }

  /** Draws through which gradients flow to the parameters. @throws GRAPH where the family has none */
  rsample(sampleShape: Shape = [], options?: DrawOptions): Tensor {
    if (!this.hasRsample)
      throw new GradloomError('GRAPH', `${this.family}.rsample`, 'draws of this family have no gradient. Use sample, and logProb for the gradient of an expectation.');
    return this.#drawn('rsample', sampleShape, options, arguments.length);
  }

  #drawn(name: string, sampleShape: Shape, options: DrawOptions | undefined, count: number): Tensor {
    const op = `${this.family}.${name}`;
    const { generator } = optionsOf(op, options, { generator: GENERATOR }, count, 2);
    return this.draw(sizesOf(op, [sampleShape]), generator);
  }

  /** @internal sample + batch + event. */
  protected extended(sampleShape: Shape): number[] {
    return [...sampleShape, ...this.batchShape, ...this.eventShape];
  }

  /** @internal Throws unless every element of a parameter is as it must be. */
  protected assertParameter(holds: () => Tensor, what: string): void {
    if (this.validates) assertEvery(this.family, holds, what);
  }

  /** The value as float32, if it is one that is drawn. */
  #valueOf(method: string, value: Tensor, count: number): Tensor {
    const op = `${this.family}.${method}`;
    assertArity(op, count, 1);
    assertTensor(op, value, 'the value');
    broadcastShapes(op, value.sizes, this.extended([]));
    const x = asFloat(value);
    if (this.validates) assertEvery(op, () => this.supports(x), 'got a value that this distribution never draws. Pass { validateArgs: false } to let it count as NaN or −∞.');
    return x;
  }
}

/**
 * E_p[ln p − ln q], in nats, for each of the batch (Kullback & Leibler 1951).
 * @throws VALUE where there is no formula for the two families
 */
export function klDivergence(p: Distribution, q: Distribution): Tensor {
  const op = 'klDivergence';
  assertArity(op, arguments.length, 2);
  for (const [name, d] of Object.entries({ p, q })) checkArgument(op, name, d, { what: 'a distribution', test: (v) => v instanceof Distribution });
  const divergence = p.divergenceTo(q);
  if (divergence) return divergence;
  throw valueError(op, `there is no formula from ${p.family} to ${q.family}. Take the mean of p.logProb(x) − q.logProb(x) over draws x of p.`);
}
