import { add, div, ge, gt, le, logicalAnd, logicalOr, lt, mul, sub, where, type Operand } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { oneHot } from '../ops/indexing.ts';
import { select, stack, unsqueeze } from '../ops/movement.ts';
import { all, argmax, sum } from '../ops/reduce.ts';
import { digamma, lgamma, xlogy } from '../ops/special.ts';
import { abs, clamp, log, neg, square } from '../ops/unary.ts';
import { assertTensor, type Given, optionsBy } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import type { Generator } from '../tensor/random.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { broadcastAll, Distribution, type DistributionOptions, stretched, VALIDATE } from './distribution.ts';
import type { Exponential, Gamma } from './gamma.ts';
import { standardDirichlet } from './gamma-draws.ts';
import type { Normal } from './normal.ts';
import type { Uniform } from './uniform.ts';

const HALF_LOG_TWO_PI = 0.9189385332046727;
const last = (x: Tensor, keepdim = false): Tensor => sum(x, { dim: -1, keepdim });

/** Positive vectors with sum 1, along the last dimension of `concentration`. Draws have first gradients, by implicit reparameterisation, as PyTorch's. */
export class Dirichlet extends Distribution {
  /** One shape for each part. */
  readonly concentration: Tensor;

  constructor(concentration: Tensor, ...given: Given<DistributionOptions, [validateArgs?: boolean]>) {
    const { validateArgs } = optionsBy('Dirichlet', given, VALIDATE);
    assertTensor('Dirichlet', concentration, 'concentration');
    if (concentration.rank < 1) throw shapeError('Dirichlet', 'concentration needs a dimension', [concentration.sizes], 'Give one number for each part.');
    super('Dirichlet', concentration.sizes.slice(0, -1), concentration.sizes.slice(-1), validateArgs);
    this.concentration = asFloat(concentration);
    this.assertParameter(() => gt(this.concentration, 0), 'concentration must be > 0.');
  }

  override get mean(): Tensor {
    return div(this.concentration, last(this.concentration, true));
  }

  /** Where the density is largest; where all shapes are below 1, the corner of the largest. */
  get mode(): Tensor {
    const a = this.concentration;
    const above = clamp(sub(a, 1), { min: 0 });
    const inside = div(above, last(above, true));
    return where(unsqueeze(all(lt(a, 1), -1), -1), oneHot(argmax(inside, -1), a.sizes[a.rank - 1] as number), inside);
  }

  override get variance(): Tensor {
    const [a, total] = [this.concentration, last(this.concentration, true)];
    return div(mul(a, sub(total, a)), mul(square(total), add(total, 1)));
  }

  protected override enlarged(shape: Shape): Dirichlet {
    return new Dirichlet(stretched(this.concentration, [...shape, ...this.eventShape]), { validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    return standardDirichlet(stretched(this.concentration, this.extended(sampleShape)), generator);
  }

  protected override supports(value: Tensor): Tensor {
    return logicalAnd(all(ge(value, 0), -1), lt(abs(sub(last(value), 1)), 1e-6));
  }

  protected override logDensity(x: Tensor): Tensor {
    const a = this.concentration;
    return sub(add(last(xlogy(sub(a, 1), x)), lgamma(last(a))), last(lgamma(a)));
  }

  protected override disorder(): Tensor {
    const [a, total] = [this.concentration, last(this.concentration)];
    const parts = a.sizes[a.rank - 1] as number;
    return sub(sub(sub(last(lgamma(a)), lgamma(total)), mul(sub(parts, total), digamma(total))), last(mul(sub(a, 1), digamma(a))));
  }

  override divergenceTo(q: Distribution): Tensor | null {
    if (q.family !== 'Dirichlet') return null;
    const [a, b] = [this.concentration, (q as Dirichlet).concentration];
    const total = last(a);
    const norms = sub(sub(lgamma(total), lgamma(last(b))), last(sub(lgamma(a), lgamma(b))));
    return add(norms, last(mul(sub(a, b), sub(digamma(a), unsqueeze(digamma(total), -1)))));
  }
}

/** Numbers between 0 and 1 with shapes `concentration1` (at 1) and `concentration0` (at 0). Draws have first gradients, by implicit reparameterisation, as PyTorch's. */
export class Beta extends Distribution {
  /** α: the larger, the nearer to 1. */
  readonly concentration1: Tensor;
  /** β: the larger, the nearer to 0. */
  readonly concentration0: Tensor;

  constructor(concentration1: Operand, concentration0: Operand, ...given: Given<DistributionOptions, [validateArgs?: boolean]>) {
    const { validateArgs } = optionsBy('Beta', given, VALIDATE);
    const both = broadcastAll('Beta', { concentration1, concentration0 });
    super('Beta', both.concentration1.sizes, [], validateArgs);
    this.concentration1 = both.concentration1;
    this.concentration0 = both.concentration0;
    this.assertParameter(() => gt(this.concentration1, 0), 'concentration1 must be > 0.');
    this.assertParameter(() => gt(this.concentration0, 0), 'concentration0 must be > 0.');
  }

  get #total(): Tensor {
    return add(this.concentration1, this.concentration0);
  }

  override get mean(): Tensor {
    return div(this.concentration1, this.#total);
  }

  /** Where the density is largest. */
  get mode(): Tensor {
    return select(new Dirichlet(stack([this.concentration1, this.concentration0], -1), { validateArgs: false }).mode, -1, 0);
  }

  override get variance(): Tensor {
    const total = this.#total;
    return div(mul(this.concentration1, this.concentration0), mul(square(total), add(total, 1)));
  }

  protected override enlarged(shape: Shape): Beta {
    return new Beta(stretched(this.concentration1, shape), stretched(this.concentration0, shape), { validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    const both = stack([this.concentration1, this.concentration0], -1);
    return select(standardDirichlet(stretched(both, [...this.extended(sampleShape), 2]), generator), -1, 0);
  }

  protected override supports(value: Tensor): Tensor {
    return logicalAnd(ge(value, 0), le(value, 1));
  }

  protected override logDensity(x: Tensor): Tensor {
    const [a, b] = [this.concentration1, this.concentration0];
    const powers = add(xlogy(sub(a, 1), x), xlogy(sub(b, 1), sub(1, x)));
    return sub(add(powers, lgamma(this.#total)), add(lgamma(a), lgamma(b)));
  }

  protected override disorder(): Tensor {
    const [a, b, total] = [this.concentration1, this.concentration0, this.#total];
    const slopes = add(mul(sub(a, 1), digamma(a)), mul(sub(b, 1), digamma(b)));
    return add(sub(sub(add(lgamma(a), lgamma(b)), lgamma(total)), slopes), mul(sub(total, 2), digamma(total)));
  }

  override divergenceTo(q: Distribution): Tensor | null {
    const [a, b, total] = [this.concentration1, this.concentration0, this.#total];
    switch (q.family) {
      case 'Beta': {
        const [c, d] = [(q as Beta).concentration1, (q as Beta).concentration0];
        const others = add(c, d);
        const norms = sub(add(add(lgamma(c), lgamma(d)), lgamma(total)), add(add(lgamma(a), lgamma(b)), lgamma(others)));
        return add(norms, add(add(mul(sub(a, c), digamma(a)), mul(sub(b, d), digamma(b))), mul(sub(others, total), digamma(total))));
      }
      case 'Exponential': {
        const { rate } = q as Exponential;
        return sub(mul(rate, this.mean), add(this.entropy(), log(rate)));
      }
      case 'Gamma': {
        const { concentration, rate } = q as Gamma;
        const norm = sub(lgamma(concentration), mul(concentration, log(rate)));
        const logs = mul(sub(concentration, 1), sub(digamma(a), digamma(total)));
        return add(sub(sub(norm, this.entropy()), logs), mul(rate, this.mean));
      }
      case 'Normal': {
        const { loc, scale } = q as Normal;
        const squares = add(this.variance, square(sub(this.mean, loc)));
        return add(sub(add(log(scale), HALF_LOG_TWO_PI), this.entropy()), mul(div(squares, square(scale)), 0.5));
      }
      case 'Uniform': {
        const { low, high } = q as Uniform;
        return where(logicalOr(gt(low, 0), lt(high, 1)), Number.POSITIVE_INFINITY, add(neg(this.entropy()), log(sub(high, low))));
      }
      default:
        return null;
    }
  }
}
