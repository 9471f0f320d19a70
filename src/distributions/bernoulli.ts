import { add, div, eq, ge, le, logicalAnd, logicalOr, mul, sub, where, type Operand } from '../ops/binary.ts';
import { arange } from '../ops/create.ts';
import { to } from '../ops/convert.ts';
import { gather } from '../ops/indexing.ts';
import { logsumexp } from '../ops/moments.ts';
import { permute, reshape, squeeze, unsqueeze } from '../ops/movement.ts';
import { bernoulli } from '../ops/random.ts';
import { all, argmax, sum } from '../ops/reduce.ts';
import { multinomial } from '../ops/sampling.ts';
import { softmax } from '../ops/softmax.ts';
import { clamp, isfinite, log, log1p, neg, sigmoid, softplus } from '../ops/unary.ts';
import { full } from '../ops/create.ts';
import { assertArity, checkArgument, FLAG, type Given, type Kinds, optionsBy, orNull, TENSOR } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import type { Generator } from '../tensor/random.ts';
import { broadcastShapes, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { broadcastAll, Distribution, type DistributionOptions, PARAMETER, stretched } from './distribution.ts';

/** Probabilities, or their logarithmic odds: one of both. */
export interface ProbsOptions<P> extends DistributionOptions {
  /** Probabilities. */
  probs?: P | null;
  /** Of two values ln p/(1 − p); of several ln p and any number that is the same for all. */
  logits?: P | null;
}

const EPS = 2 ** -23;
/** Probabilities that have finite logits. */
const inner = (p: Tensor): Tensor => clamp(p, { min: EPS, max: 1 - EPS });

/** Which of both was given. */
function oneOfBoth<P>(op: string, { probs, logits }: ProbsOptions<P>): { key: 'probs' | 'logits'; value: P } {
  const [p, l] = [probs ?? null, logits ?? null];
  if ((p === null) === (l === null)) throw valueError(op, `takes probs or logits, got ${p === null ? 'neither' : 'both'}. Give one of them.`);
  return p === null ? { key: 'logits', value: l as P } : { key: 'probs', value: p };
}

const BERNOULLI: Kinds<ProbsOptions<Operand>> = { probs: /* @__PURE__ */ orNull(PARAMETER), logits: /* @__PURE__ */ orNull(PARAMETER), validateArgs: FLAG };

/**
 * 1 with a probability, else 0: from `probs`, or from `logits`. Draws have no gradient.
 *
 *     const p = new distributions.Bernoulli({ logits: model.forward(x) });
 */
export class Bernoulli extends Distribution {
  readonly #given: 'probs' | 'logits';
  readonly #parameter: Tensor;

  constructor(...given: Given<ProbsOptions<Operand>, [probs?: Operand | null, logits?: Operand | null, validateArgs?: boolean]>) {
    const options = optionsBy('Bernoulli', given, BERNOULLI);
    const { key, value } = oneOfBoth('Bernoulli', options);
    const parameter = broadcastAll('Bernoulli', { [key]: value })[key] as Tensor;
    super('Bernoulli', parameter.sizes, [], options.validateArgs);
    this.#given = key;
    this.#parameter = parameter;
    if (key === 'probs') this.assertParameter(() => logicalAnd(ge(parameter, 0), le(parameter, 1)), 'probs must lie in [0, 1].');
    else this.assertParameter(() => isfinite(parameter), 'logits must be finite.');
  }

  /** The probability of 1. */
  get probs(): Tensor {
    return this.#given === 'probs' ? this.#parameter : sigmoid(this.#parameter);
  }

  /** ln p/(1 − p). */
  get logits(): Tensor {
    if (this.#given === 'logits') return this.#parameter;
    const p = inner(this.#parameter);
    return sub(log(p), log1p(neg(p)));
  }

  override get hasRsample(): boolean {
    return false;
  }

  override get mean(): Tensor {
    return this.probs;
  }

  /** The likelier value; NaN where both are. */
  get mode(): Tensor {
    return where(eq(this.probs, 0.5), Number.NaN, to(ge(this.probs, 0.5), 'float32'));
  }

  override get variance(): Tensor {
    return mul(this.probs, sub(1, this.probs));
  }

  protected override enlarged(shape: Shape): Bernoulli {
    return new Bernoulli({ [this.#given]: stretched(this.#parameter, shape), validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    return bernoulli(stretched(this.probs, this.extended(sampleShape)), { generator });
  }

  protected override supports(value: Tensor): Tensor {
    return logicalOr(eq(value, 0), eq(value, 1));
  }

  protected override logDensity(x: Tensor): Tensor {
    const { logits } = this;
    return sub(mul(logits, x), softplus(logits));
  }

  protected override disorder(): Tensor {
    const { logits } = this;
    return sub(softplus(logits), mul(logits, this.probs));
  }

  /** Both values, along a new first dimension; default stretched over the batch. */
  enumerateSupport(expand = true): Tensor {
    assertArity('Bernoulli.enumerateSupport', arguments.length, 1);
    checkArgument('Bernoulli.enumerateSupport', 'expand', expand, FLAG);
    return enumerated(arange(2, { dtype: 'float32' }), this.batchShape, expand);
  }

  override divergenceTo(q: Distribution): Tensor | null {
    if (q.family !== 'Bernoulli') return null;
    const [p, other] = [this.probs, (q as Bernoulli).probs];
    const [a, b] = [this.logits, (q as Bernoulli).logits];
    const part = (share: Tensor, empty: Tensor, sign: (x: Tensor) => Tensor): Tensor => {
      const t = mul(share, sub(softplus(sign(b)), softplus(sign(a))));
      return where(eq(share, 0), 0, where(empty, Number.POSITIVE_INFINITY, t));
    };
    return add(
      part(p, eq(other, 0), neg),
      part(sub(1, p), eq(other, 1), (x) => x),
    );
  }
}

function enumerated(values: Tensor, batch: Shape, expand: boolean): Tensor {
  const column = reshape(values, [values.size, ...batch.map(() => 1)]);
  return expand ? stretched(column, [values.size, ...batch]) : column;
}

const CATEGORICAL: Kinds<ProbsOptions<Tensor>> = { probs: /* @__PURE__ */ orNull(TENSOR), logits: /* @__PURE__ */ orNull(TENSOR), validateArgs: FLAG };

/**
 * One of K classes, 0 … K − 1 (int32), by weights along the last dimension, `probs`, which need not sum to 1, or by `logits`. Draws have no gradient.
 *
 *     const policy = new distributions.Categorical({ logits: model.forward(x) });
 *     const action = policy.sample();
 *     policy.logProb(action).mul(reward).mean().neg().backward();
 */
export class Categorical extends Distribution {
  readonly #given: 'probs' | 'logits';
  readonly #parameter: Tensor;

  constructor(...given: Given<ProbsOptions<Tensor>, [probs?: Tensor | null, logits?: Tensor | null, validateArgs?: boolean]>) {
    const options = optionsBy('Categorical', given, CATEGORICAL);
    const { key, value } = oneOfBoth('Categorical', options);
    if (value.rank < 1 || value.sizes[value.rank - 1] === 0)
      throw shapeError('Categorical', `${key} need a last dimension, of classes`, [value.sizes], 'Give one number for each class.');
    super('Categorical', value.sizes.slice(0, -1), [], options.validateArgs);
    this.#given = key;
    const floats = to(value, 'float32');
    if (key === 'probs') {
      this.assertParameter(() => logicalAnd(all(logicalAnd(ge(floats, 0), isfinite(floats)), -1), isfinite(log(sum(floats, -1)))), 'probs must be finite and ≥ 0, and not all 0.');
      this.#parameter = div(floats, sum(floats, { dim: -1, keepdim: true }));
    } else {
      this.assertParameter(() => eq(floats, floats), 'logits must be numbers.');
      this.#parameter = sub(floats, logsumexp(floats, { dim: -1, keepdim: true }));
    }
  }

  /** The classes' probabilities, with sum 1. */
  get probs(): Tensor {
    return this.#given === 'probs' ? this.#parameter : softmax(this.#parameter, -1);
  }

  /** Their logarithms. */
  get logits(): Tensor {
    return this.#given === 'logits' ? this.#parameter : log(inner(this.#parameter));
  }

  get #classes(): number {
    return this.#parameter.sizes[this.#parameter.rank - 1] as number;
  }

  override get hasRsample(): boolean {
    return false;
  }

  /** NaN: classes have none. */
  override get mean(): Tensor {
    return full(this.batchShape, Number.NaN);
  }

  /** NaN: classes have none. */
  override get variance(): Tensor {
    return full(this.batchShape, Number.NaN);
  }

  /** The likeliest class. */
  get mode(): Tensor {
    return argmax(this.#parameter, -1);
  }

  protected override enlarged(shape: Shape): Categorical {
    return new Categorical({ [this.#given]: stretched(this.#parameter, [...shape, this.#classes]), validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    const [count, batch] = [sizeOf(sampleShape), sizeOf(this.batchShape)];
    const shape = this.extended(sampleShape);
    if (count * batch === 0) return full(shape, 0, { dtype: 'int32' });
    const drawn = multinomial(reshape(this.probs, [batch, this.#classes]), count, { replacement: true, generator });
    return reshape(permute(drawn, [1, 0]), shape);
  }

  protected override supports(value: Tensor): Tensor {
    const whole = to(to(value, 'int32'), 'float32');
    return logicalAnd(logicalAnd(ge(value, 0), le(value, this.#classes - 1)), eq(whole, value));
  }

  protected override logDensity(x: Tensor): Tensor {
    const { logits } = this;
    const index = unsqueeze(to(x, 'int32'), -1);
    const shape = broadcastShapes('Categorical.logProb', index.sizes.slice(0, -1), this.batchShape);
    return squeeze(gather(stretched(logits, [...shape, this.#classes]), -1, stretched(index, [...shape, 1])), -1);
  }

  protected override disorder(): Tensor {
    return neg(sum(mul(clamp(this.logits, { min: -3.4028234663852886e38 }), this.probs), -1));
  }

  /** All classes, along a new first dimension; default stretched over the batch. */
  enumerateSupport(expand = true): Tensor {
    assertArity('Categorical.enumerateSupport', arguments.length, 1);
    checkArgument('Categorical.enumerateSupport', 'expand', expand, FLAG);
    return enumerated(arange(this.#classes), this.batchShape, expand);
  }

  override divergenceTo(q: Distribution): Tensor | null {
    if (q.family !== 'Categorical') return null;
    const [p, other] = [this.probs, (q as Categorical).probs];
    const t = mul(p, sub(this.logits, (q as Categorical).logits));
    return sum(where(eq(p, 0), 0, where(eq(other, 0), Number.POSITIVE_INFINITY, t)), -1);
  }
}
