import { add, div, ge, gt, le, logicalAnd, logicalOr, lt, mul, sub, where, type Operand } from '../ops/binary.ts';
import { rand } from '../ops/create.ts';
import { lgamma, xlogy } from '../ops/special.ts';
import { clamp, log, neg, square } from '../ops/unary.ts';
import { type Given, optionsBy } from '../tensor/check.ts';
import type { Generator } from '../tensor/random.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { broadcastAll, Distribution, type DistributionOptions, stretched, VALIDATE } from './distribution.ts';
import type { Exponential, Gamma } from './gamma.ts';
import type { Normal } from './normal.ts';

const HALF_LOG_TWO_PI = 0.9189385332046727;

/** Numbers in [low, high), all equally likely. */
export class Uniform extends Distribution {
  /** The least value. */
  readonly low: Tensor;
  /** What values lie below. */
  readonly high: Tensor;

  constructor(low: Operand, high: Operand, ...given: Given<DistributionOptions, [validateArgs?: boolean]>) {
    const { validateArgs } = optionsBy('Uniform', given, VALIDATE);
    const all = broadcastAll('Uniform', { low, high });
    super('Uniform', all.low.sizes, [], validateArgs);
    this.low = all.low;
    this.high = all.high;
    this.assertParameter(() => lt(this.low, this.high), 'low must be below high.');
  }

  get #range(): Tensor {
    return sub(this.high, this.low);
  }

  override get mean(): Tensor {
    return div(add(this.high, this.low), 2);
  }

  override get variance(): Tensor {
    return div(square(this.#range), 12);
  }

  override get stddev(): Tensor {
    return div(this.#range, Math.sqrt(12));
  }

  protected override enlarged(shape: Shape): Uniform {
    return new Uniform(stretched(this.low, shape), stretched(this.high, shape), { validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    return add(mul(rand(this.extended(sampleShape), { generator }), this.#range), this.low);
  }

  protected override supports(value: Tensor): Tensor {
    return logicalAnd(ge(value, this.low), le(value, this.high));
  }

  protected override logDensity(x: Tensor): Tensor {
    return where(logicalAnd(ge(x, this.low), lt(x, this.high)), neg(log(this.#range)), Number.NEGATIVE_INFINITY);
  }

  protected override disorder(): Tensor {
    return log(this.#range);
  }

  protected override cumulative(x: Tensor): Tensor {
    return clamp(div(sub(x, this.low), this.#range), { min: 0, max: 1 });
  }

  protected override quantile(probability: Tensor): Tensor {
    return add(mul(probability, this.#range), this.low);
  }

  override divergenceTo(q: Distribution): Tensor | null {
    const { low, high } = this;
    const range = this.#range;
    const unless = (outside: Tensor, value: Tensor): Tensor => where(outside, Number.POSITIVE_INFINITY, value);
    /** E[ln x] + 1. */
    const meanLog = (): Tensor => div(sub(xlogy(high, high), xlogy(low, low)), range);
    switch (q.family) {
      case 'Uniform': {
        const other = q as Uniform;
        return unless(logicalOr(gt(other.low, low), lt(other.high, high)), log(div(other.#range, range)));
      }
      case 'Beta': {
        const { concentration1: a, concentration0: b } = q as unknown as { concentration1: Tensor; concentration0: Tensor };
        const [up, down] = [sub(1, high), sub(1, low)];
        const t2 = mul(sub(a, 1), sub(meanLog(), 1));
        const t3 = mul(sub(b, 1), add(div(sub(xlogy(up, up), xlogy(down, down)), range), 1));
        const t4 = sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b)));
        return unless(logicalOr(gt(high, 1), lt(low, 0)), sub(sub(add(t3, t4), log(range)), t2));
      }
      case 'Exponential': {
        const { rate } = q as Exponential;
        return unless(lt(low, 0), sub(div(mul(rate, add(high, low)), 2), log(mul(range, rate))));
      }
      case 'Gamma': {
        const { concentration: a, rate } = q as Gamma;
        const t2 = sub(lgamma(a), mul(a, log(rate)));
        const t3 = mul(sub(1, a), sub(meanLog(), 1));
        return unless(lt(low, 0), add(add(sub(t2, log(range)), t3), div(mul(rate, add(high, low)), 2)));
      }
      case 'Normal': {
        const { loc, scale } = q as Normal;
        const off = sub(div(add(high, low), 2), loc);
        return add(sub(add(log(scale), HALF_LOG_TWO_PI), log(range)), mul(div(add(div(square(range), 12), square(off)), square(scale)), 0.5));
      }
      default:
        return null;
    }
  }
}
