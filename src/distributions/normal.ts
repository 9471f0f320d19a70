import { add, div, gt, mul, sub, type Operand } from '../ops/binary.ts';
import { randn } from '../ops/create.ts';
import { erfinv } from '../ops/special.ts';
import { erf, exp, expm1, isfinite, log, square } from '../ops/unary.ts';
import { type Given, optionsBy } from '../tensor/check.ts';
import type { Generator } from '../tensor/random.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { broadcastAll, Distribution, type DistributionOptions, infinite, stretched, VALIDATE } from './distribution.ts';

const HALF_LOG_TWO_PI = 0.9189385332046727;

/**
 * Normal numbers with a mean `loc` and a standard deviation `scale`.
 *
 *     const p = new distributions.Normal(mean, 1);
 *     p.logProb(p.rsample([10]));
 */
export class Normal extends Distribution {
  /** The mean. */
  readonly loc: Tensor;
  /** The standard deviation. */
  readonly scale: Tensor;

  constructor(loc: Operand, scale: Operand, ...given: Given<DistributionOptions, [validateArgs?: boolean]>) {
    const { validateArgs } = optionsBy('Normal', given, VALIDATE);
    const all = broadcastAll('Normal', { loc, scale });
    super('Normal', all.loc.sizes, [], validateArgs);
    this.loc = all.loc;
    this.scale = all.scale;
    this.assertParameter(() => gt(this.scale, 0), 'scale must be > 0.');
  }

  override get mean(): Tensor {
    return this.loc;
  }

  /** Where the density is largest. */
  get mode(): Tensor {
    return this.loc;
  }

  override get stddev(): Tensor {
    return this.scale;
  }

  override get variance(): Tensor {
    return square(this.scale);
  }

  protected override enlarged(shape: Shape): Normal {
    return new Normal(stretched(this.loc, shape), stretched(this.scale, shape), { validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    return add(mul(randn(this.extended(sampleShape), { generator }), this.scale), this.loc);
  }

  protected override supports(value: Tensor): Tensor {
    return isfinite(value);
  }

  protected override logDensity(x: Tensor): Tensor {
    const z = div(sub(x, this.loc), this.scale);
    return sub(mul(square(z), -0.5), add(log(this.scale), HALF_LOG_TWO_PI));
  }

  protected override disorder(): Tensor {
    return add(log(this.scale), 0.5 + HALF_LOG_TWO_PI);
  }

  protected override cumulative(x: Tensor): Tensor {
    return mul(add(erf(div(sub(x, this.loc), mul(this.scale, Math.SQRT2))), 1), 0.5);
  }

  protected override quantile(probability: Tensor): Tensor {
    return add(mul(mul(erfinv(sub(mul(probability, 2), 1)), this.scale), Math.SQRT2), this.loc);
  }

  override divergenceTo(q: Distribution): Tensor | null {
    if (['Beta', 'Exponential', 'Gamma', 'Uniform'].includes(q.family)) return infinite(this.loc);
    if (q.family !== 'Normal') return null;
    const { loc, scale } = q as Normal;
    const ratio = square(div(this.scale, scale));
    return mul(sub(sub(add(ratio, square(div(sub(this.loc, loc), scale))), 1), log(ratio)), 0.5);
  }
}

/** e to normal numbers with a mean `loc` and a standard deviation `scale`. */
export class LogNormal extends Distribution {
  /** The logarithm's law. */
  readonly base: Normal;

  constructor(loc: Operand, scale: Operand, ...given: Given<DistributionOptions, [validateArgs?: boolean]>) {
    const { validateArgs } = optionsBy('LogNormal', given, VALIDATE);
    const base = new Normal(loc, scale, { validateArgs });
    super('LogNormal', base.batchShape, [], validateArgs);
    this.base = base;
  }

  /** The logarithm's mean. */
  get loc(): Tensor {
    return this.base.loc;
  }

  /** The logarithm's standard deviation. */
  get scale(): Tensor {
    return this.base.scale;
  }

  override get mean(): Tensor {
    return exp(add(this.loc, mul(square(this.scale), 0.5)));
  }

  /** Where the density is largest. */
  get mode(): Tensor {
    return exp(sub(this.loc, square(this.scale)));
  }

  override get variance(): Tensor {
    const square2 = square(this.scale);
    return mul(expm1(square2), exp(add(mul(this.loc, 2), square2)));
  }

  protected override enlarged(shape: Shape): LogNormal {
    const { loc, scale } = this.base.expand(shape);
    return new LogNormal(loc, scale, { validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    return exp(this.base.rsample(sampleShape, { generator }));
  }

  protected override supports(value: Tensor): Tensor {
    return gt(value, 0);
  }

  protected override logDensity(x: Tensor): Tensor {
    const logarithm = log(x);
    return sub(this.base.logProb(logarithm), logarithm);
  }

  protected override disorder(): Tensor {
    return add(this.base.entropy(), this.loc);
  }

  protected override cumulative(x: Tensor): Tensor {
    return this.base.cdf(log(x));
  }

  protected override quantile(probability: Tensor): Tensor {
    return exp(this.base.icdf(probability));
  }

  override divergenceTo(q: Distribution): Tensor | null {
    return q.family === 'LogNormal' ? this.base.divergenceTo((q as LogNormal).base) : null;
  }
}
