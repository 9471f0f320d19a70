// Scalarizers that do not see a loss's scale: weights are inversely proportional to the losses.
import { add, eq, mul, ne, where } from '../../../ops/binary.ts';
import { asFloat } from '../../../ops/convert.ts';
import { mean } from '../../../ops/moments.ts';
import { all, sum } from '../../../ops/reduce.ts';
import { exp, log } from '../../../ops/unary.ts';
import { type Kinds, optionsOf } from '../../../tensor/check.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import { ScalarizerBase } from '../base.ts';
import { range } from '../../checks.ts';
import { assertEager, assertPositive, vectorOf } from './per-loss.ts';

/**
 * (∏ Lᵢ)^(1/m) = exp(mean ln Lᵢ), which neither overflows nor vanishes as the product would; weights are mean/(m·Lᵢ)
 * (GLS: Chennupati et al., MultiNet++, CVPRW 2019). Losses must be ≥ 0: a negative one is an error. Where one is 0, so
 * is the mean, and every weight.
 */
export class GeometricMean extends ScalarizerBase {
  readonly name = 'GeometricMean';

  constructor(options?: Record<string, never>) {
    super();
    optionsOf('GeometricMean', options, {}, arguments.length);
  }

  /** Refuses losses that its formula cannot take, by name. */
  assert(losses: Float64Array, names: readonly string[]): void {
    assertPositive(this.name, losses, names, true, 'Shift it, or leave it out.');
  }

  combine(losses: readonly Tensor[], names: readonly string[]): Tensor {
    assertEager(this, losses, names);
    const values = vectorOf(losses);
    // ln and 1/L see no 0, so no infinity meets the factor that makes the whole 0.
    const positive = where(eq(values, 0), 1, values);
    return mul(exp(mean(log(positive))), asFloat(all(ne(values, 0))));
  }
}

const OPTIONS: Kinds<{ eps?: number }> = { eps: range(0) };

/**
 * Σ ln(Lᵢ + ε): each loss counts 1/(Lᵢ + ε), whatever its unit (a baseline in Navon et al., ICML 2022, arXiv
 * 2202.01017). Default ε = 0. Lᵢ + ε must be positive: else it is an error.
 */
export class ScaleInvariant extends ScalarizerBase {
  readonly name = 'ScaleInvariant';
  private readonly eps: number;

  constructor(options?: { eps?: number }) {
    super();
    this.eps = optionsOf('ScaleInvariant', options, OPTIONS, arguments.length).eps ?? 0;
  }

  /** Refuses losses that its formula cannot take, by name. */
  assert(losses: Float64Array, names: readonly string[]): void {
    assertPositive(this.name, losses, names, this.eps > 0, 'Set eps (1e-8) where a loss can reach 0; shift one that can be negative.');
  }

  combine(losses: readonly Tensor[], names: readonly string[]): Tensor {
    assertEager(this, losses, names);
    const values = vectorOf(losses);
    return sum(log(add(values, this.eps)));
  }
}
