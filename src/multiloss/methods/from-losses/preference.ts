// Scalarizers that steer towards a ray in the space of losses: the wanted compromise is given beforehand.
import { add, div, ge, gt, mul, sub, where } from '../../../ops/binary.ts';
import { amax } from '../../../ops/moments.ts';
import { sum } from '../../../ops/reduce.ts';
import { abs, sqrt, square } from '../../../ops/unary.ts';
import { checkArgument, type Kind, type Kinds, withDefaults } from '../../../tensor/check.ts';
import { detach } from '../../../tensor/op.ts';
import { HostNumbers } from '../../../tensor/host.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import { each, type PerLoss, perLoss, range } from '../../checks.ts';
import { stateOf } from '../../state.ts';
import { vectorOf } from './per-loss.ts';
import { ScalarizerBase } from '../base.ts';

const RAY: Kind = { what: `${each(0).what}, not all 0`, test: (v) => each(0).test(v) && Object.values(v as object).some((w) => w > 0) };

const dot = (a: Tensor, b: Tensor): Tensor => sum(mul(a, b));

/** Options of `PBI`. */
export interface PBIOptions<Name extends string = string> {
  /** The ray's direction, ≥ 0; its length does not matter. */
  weights: PerLoss<Name>;
  /** θ ≥ 0: what leaving the ray costs; default 5, as in the paper. */
  theta?: number;
  /** z, where the ray begins: the best that each loss can be; default 0. */
  zeroPoint?: PerLoss<Name>;
}

const PBI_OPTIONS: Kinds<PBIOptions> = { weights: RAY, theta: range(0), zeroPoint: each() };

// Eight units in the last place of float32: what a difference of two equal computations may be.
const NOISE = 8 * 2 ** -24;

/**
 * d₁ + θ·d₂: how far along the ray from z the losses are, and how far beside it (penalty-based boundary intersection:
 * Zhang & Li, MOEA/D, IEEE TEVC 2007). d₂ = √(‖r‖² + 1e-12), whose gradient on the ray is 0; what float32 cannot tell
 * from the ray counts as on it.
 */
export class PBI<Name extends string = string> extends ScalarizerBase {
  readonly name = 'PBI';
  private readonly options: Readonly<Required<Pick<PBIOptions, 'weights' | 'theta'>> & PBIOptions>;
  private readonly direction = new HostNumbers();
  private readonly zero = new HostNumbers();

  constructor(options: PBIOptions<Name>) {
    super();
    this.options = withDefaults<PBI['options']>('PBI', options, PBI_OPTIONS, { weights: undefined as never, theta: 5 }, arguments.length);
    checkArgument('PBI', 'weights', this.options.weights, RAY);
  }

  combine(losses: readonly Tensor[], names: readonly Name[]): Tensor {
    const { weights, theta, zeroPoint } = this.options;
    const all = vectorOf(losses);
    const above = zeroPoint
      ? sub(
          all,
          this.zero.vector(names, () => perLoss(this.name, 'zeroPoint', zeroPoint, names, 0)),
        )
      : all;
    const ray = this.direction.vector(names, () => {
      const w = perLoss(this.name, 'weights', weights, names, 0);
      const length = Math.sqrt(w.reduce((s, x) => s + x * x, 0));
      return w.map((x) => x / length);
    });
    const along = dot(above, ray);
    const beside = sub(above, mul(along, ray));
    const noise = mul(detach(amax(abs(above))), NOISE);
    const residual = where(gt(abs(beside), noise), beside, 0);
    return add(along, mul(sqrt(add(sum(square(residual)), 1e-12)), theta));
  }
}

/** What is written into the one given has no effect on a copy. */
const copyOf = (given: PerLoss): PerLoss => (Array.isArray(given) ? [...given] : { ...given });

/** Options of `COSMOS`. */
export interface COSMOSOptions<Name extends string = string> {
  /** r, the preference: ≥ 0. Resample it per step with `setWeights` to learn the whole front. */
  weights: PerLoss<Name>;
  /** λ ≥ 0: how strongly the losses are drawn to the ray; default 1. */
  lambda?: number;
}

const COSMOS_OPTIONS: Kinds<COSMOSOptions> = { weights: RAY, lambda: range(0) };

/** ⟨r, L⟩ − λ·cos(r, L) (Ruchte & Grabocka, ICDM 2021, arXiv 2103.13392). The cosine of a zero vector is 0. */
export class COSMOS<Name extends string = string> extends ScalarizerBase {
  readonly name = 'COSMOS';
  private preference: PerLoss;
  private readonly lambda: number;
  private readonly ray = new HostNumbers();

  constructor(options: COSMOSOptions<Name>) {
    super();
    const { weights, lambda } = withDefaults<Required<COSMOSOptions>>('COSMOS', options, COSMOS_OPTIONS, { weights: undefined as never, lambda: 1 }, arguments.length);
    checkArgument('COSMOS', 'weights', weights, RAY);
    this.preference = copyOf(weights);
    this.lambda = lambda;
  }

  /** Another preference, from the next step on (also of a captured one). */
  setWeights(weights: PerLoss<Name>): void {
    checkArgument('COSMOS.setWeights', 'weights', weights, RAY);
    this.preference = copyOf(weights);
  }

  combine(losses: readonly Tensor[], names: readonly Name[]): Tensor {
    const r = this.ray.vector(names, () => perLoss(this.name, 'weights', this.preference, names, 0));
    const all = vectorOf(losses);
    // The root and the quotient see no 0, so no infinity meets the gradient of where. Below float32's smallest square
    // everything is 0.
    const squared = sum(square(all));
    const real = ge(squared, 2 ** -126);
    const product = dot(all, r);
    const cosine = div(product, mul(sqrt(where(real, squared, 1)), sqrt(sum(square(r)))));
    return sub(product, mul(where(real, cosine, 0), this.lambda));
  }

  override stateDict(): Record<string, unknown> {
    return { weights: copyOf(this.preference) };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.preference = copyOf(stateOf(this.name, state, { weights: RAY }).weights as PerLoss);
  }
}
