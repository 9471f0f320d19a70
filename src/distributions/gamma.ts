import { add, div, ge, gt, mul, sub, type Operand } from '../ops/binary.ts';
import { rand } from '../ops/create.ts';
import { digamma, lgamma, xlogy } from '../ops/special.ts';
import { clamp, expm1, log, log1p, neg, reciprocal, square } from '../ops/unary.ts';
import { type Given, optionsBy } from '../tensor/check.ts';
import type { Generator } from '../tensor/random.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { broadcastAll, Distribution, type DistributionOptions, infinite, stretched, VALIDATE } from './distribution.ts';
import { standardGamma } from './gamma-draws.ts';
import type { Normal } from './normal.ts';

const EULER = 0.5772156649015329;
const HALF_LOG_TWO_PI = 0.9189385332046727;

/** Waiting times with a rate: mean 1/rate. */
export class Exponential extends Distribution {
  /** How many come in a unit of time. */
  readonly rate: Tensor;

  constructor(rate: Operand, ...given: Given<DistributionOptions, [validateArgs?: boolean]>) {
    const { validateArgs } = optionsBy('Exponential', given, VALIDATE);
    const all = broadcastAll('Exponential', { rate });
    super('Exponential', all.rate.sizes, [], validateArgs);
    this.rate = all.rate;
    this.assertParameter(() => gt(this.rate, 0), 'rate must be > 0.');
  }

  override get mean(): Tensor {
    return reciprocal(this.rate);
  }

  /** Where the density is largest. */
  get mode(): Tensor {
    return mul(this.rate, 0);
  }

  override get stddev(): Tensor {
    return reciprocal(this.rate);
  }

  override get variance(): Tensor {
    return square(this.mean);
  }

  protected override enlarged(shape: Shape): Exponential {
    return new Exponential(stretched(this.rate, shape), { validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    return div(neg(log1p(neg(rand(this.extended(sampleShape), { generator })))), this.rate);
  }

  protected override supports(value: Tensor): Tensor {
    return ge(value, 0);
  }

  protected override logDensity(x: Tensor): Tensor {
    return sub(log(this.rate), mul(this.rate, x));
  }

  protected override disorder(): Tensor {
    return sub(1, log(this.rate));
  }

  protected override cumulative(x: Tensor): Tensor {
    return neg(expm1(neg(mul(this.rate, x))));
  }

  protected override quantile(probability: Tensor): Tensor {
    return div(neg(log1p(neg(probability))), this.rate);
  }

  override divergenceTo(q: Distribution): Tensor | null {
    const { rate } = this;
    switch (q.family) {
      case 'Beta':
      case 'Uniform':
        return infinite(rate);
      case 'Exponential': {
        const ratio = div((q as Exponential).rate, rate);
        return sub(sub(ratio, log(ratio)), 1);
      }
      case 'Gamma': {
        const { concentration: a } = q as Gamma;
        const ratio = div((q as Gamma).rate, rate);
        return sub(add(add(sub(ratio, mul(a, log(ratio))), lgamma(a)), mul(a, EULER)), 1 + EULER);
      }
      case 'Normal': {
        const { loc, scale } = q as Normal;
        const squares = add(sub(reciprocal(square(rate)), div(loc, rate)), mul(square(loc), 0.5));
        return add(add(log(mul(rate, scale)), HALF_LOG_TWO_PI - 1), div(squares, square(scale)));
      }
      default:
        return null;
    }
  }
}

/**
 * Gamma numbers with a shape `concentration` and a rate. Draws have gradients to both, to the shape by implicit reparameterisation (Figurnov et al. 2018, arXiv
 * 1805.08498); second ones only to the rate, as in PyTorch.
 */
export class Gamma extends Distribution {
  /** The shape. */
  readonly concentration: Tensor;
  /** The rate: the mean is concentration/rate. */
  readonly rate: Tensor;

  constructor(concentration: Operand, rate: Operand, ...given: Given<DistributionOptions, [validateArgs?: boolean]>) {
    const { validateArgs } = optionsBy('Gamma', given, VALIDATE);
    const all = broadcastAll('Gamma', { concentration, rate });
    super('Gamma', all.rate.sizes, [], validateArgs);
    this.concentration = all.concentration;
    this.rate = all.rate;
    this.assertParameter(() => gt(this.concentration, 0), 'concentration must be > 0.');
    this.assertParameter(() => gt(this.rate, 0), 'rate must be > 0.');
  }

  override get mean(): Tensor {
    return div(this.concentration, this.rate);
  }

  /** Where the density is largest. */
  get mode(): Tensor {
    return div(clamp(sub(this.concentration, 1), { min: 0 }), this.rate);
  }

  override get variance(): Tensor {
    return div(this.concentration, square(this.rate));
  }

  protected override enlarged(shape: Shape): Gamma {
    return new Gamma(stretched(this.concentration, shape), stretched(this.rate, shape), { validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    return div(standardGamma(stretched(this.concentration, this.extended(sampleShape)), generator), this.rate);
  }

  protected override supports(value: Tensor): Tensor {
    return ge(value, 0);
  }

  protected override logDensity(x: Tensor): Tensor {
    const { concentration: a, rate } = this;
    return sub(sub(add(xlogy(a, rate), xlogy(sub(a, 1), x)), mul(rate, x)), lgamma(a));
  }

  protected override disorder(): Tensor {
    const { concentration: a, rate } = this;
    return add(add(sub(a, log(rate)), lgamma(a)), mul(sub(1, a), digamma(a)));
  }

  override divergenceTo(q: Distribution): Tensor | null {
    const { concentration: a, rate } = this;
    switch (q.family) {
      case 'Beta':
      case 'Uniform':
        return infinite(a);
      case 'Gamma': {
        const { concentration: other, rate: otherRate } = q as Gamma;
        const shapes = add(sub(lgamma(other), lgamma(a)), mul(sub(a, other), digamma(a)));
        return add(add(mul(other, log(div(rate, otherRate))), shapes), mul(sub(otherRate, rate), div(a, rate)));
      }
      case 'Exponential': {
        const { rate: otherRate } = q as Exponential;
        return sub(div(mul(otherRate, a), rate), add(this.entropy(), log(otherRate)));
      }
      case 'Normal': {
        const { loc, scale } = q as Normal;
        const squares = add(sub(mul(div(add(square(a), a), square(rate)), 0.5), div(mul(loc, a), rate)), mul(square(loc), 0.5));
        const t1 = sub(sub(add(log(mul(rate, scale)), HALF_LOG_TWO_PI), a), lgamma(a));
        return add(add(t1, mul(sub(a, 1), digamma(a))), div(squares, square(scale)));
      }
      default:
        return null;
    }
  }
}
