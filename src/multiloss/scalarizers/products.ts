// Scalarizers that do not see a loss's scale: weights are inversely proportional to the losses.
import { add, eq, mul, ne, where } from '../../ops/binary.ts';
import { asFloat } from '../../ops/convert.ts';
import { mean } from '../../ops/moments.ts';
import { all, sum } from '../../ops/reduce.ts';
import { exp, log } from '../../ops/unary.ts';
import { valueError } from '../../tensor/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Stateless } from './stateless.ts';
import { requirePositive, vectorOf } from './per-loss.ts';

/**
 * (∏ Lᵢ)^(1/m) = exp(mean ln Lᵢ), which neither overflows nor vanishes as the product would; weights are mean/(m·Lᵢ) (GLS: Chennupati et
 * al., MultiNet++, CVPRW 2019). Losses must be ≥ 0: a negative one is an error. Where one is 0, so is the mean, and every weight.
 */
export class GeometricMean extends Stateless {
  readonly name = 'GeometricMean';

  combine(losses: readonly Tensor[], names: readonly string[]): Tensor {
    requirePositive(this.name, losses, names, true, 'Shift it, or leave it out.');
    const values = vectorOf(losses);
    // ln and 1/L see no 0, so no infinity meets the factor that makes the whole 0.
    const positive = where(eq(values, 0), 1, values);
    return mul(exp(mean(log(positive))), asFloat(all(ne(values, 0))));
  }
}

/**
 * Σ ln(Lᵢ + ε): each loss counts 1/(Lᵢ + ε), whatever its unit (a baseline in Navon et al., ICML 2022, arXiv 2202.01017). ε = 0 unless
 * said; Lᵢ + ε must be positive: else it is an error.
 */
export class ScaleInvariant extends Stateless {
  readonly name = 'ScaleInvariant';
  private readonly eps: number;

  constructor(options: { eps?: number } = {}) {
    super();
    this.eps = options.eps ?? 0;
    if (!(this.eps >= 0 && this.eps < Number.POSITIVE_INFINITY)) throw valueError(this.name, `eps must lie in [0, ∞), got ${this.eps}.`);
  }

  combine(losses: readonly Tensor[], names: readonly string[]): Tensor {
    requirePositive(this.name, losses, names, this.eps > 0, 'Set eps (1e-8) where a loss can reach 0; shift one that can be negative.');
    const values = vectorOf(losses);
    return sum(log(this.eps > 0 ? add(values, this.eps) : values));
  }
}
