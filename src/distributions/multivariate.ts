import { add, mul, sub } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { eye, randn } from '../ops/create.ts';
import { cholesky, choleskySolve, solveTriangular } from '../ops/linalg/cholesky.ts';
import { flip } from '../ops/arrange.ts';
import { matmul } from '../ops/matmul.ts';
import { squeeze, transpose, unsqueeze } from '../ops/movement.ts';
import { all, sum } from '../ops/reduce.ts';
import { diagonal } from '../ops/triangle.ts';
import { isfinite, log, square } from '../ops/unary.ts';
import { eq, gt, logicalAnd } from '../ops/binary.ts';
import { tril } from '../ops/triangle.ts';
import { assertTensor, assertWhole, checkArgument, FLAG, type Given, type Kinds, optionsBy, orNull, TENSOR } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import type { Generator } from '../tensor/random.ts';
import { broadcastShapes, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Distribution, type DistributionOptions, stretched, VALIDATE } from './distribution.ts';

/** How the parts go together: one of the three. */
export interface MultivariateNormalOptions extends DistributionOptions {
  /** Σ, symmetric positive definite, [..., n, n]. */
  covarianceMatrix?: Tensor | null;
  /** Σ⁻¹. */
  precisionMatrix?: Tensor | null;
  /** L, lower triangular with a positive diagonal: Σ = L·Lᵀ. */
  scaleTril?: Tensor | null;
}

const MATRIX = /* @__PURE__ */ orNull(TENSOR);
const OPTIONS: Kinds<MultivariateNormalOptions> = { covarianceMatrix: MATRIX, precisionMatrix: MATRIX, scaleTril: MATRIX, validateArgs: FLAG };
const WAYS = ['covarianceMatrix', 'precisionMatrix', 'scaleTril'] as const;

const turned = (x: Tensor): Tensor => transpose(x, -2, -1);
const logDiagonal = (l: Tensor): Tensor => sum(log(diagonal(l, { dim1: -2, dim2: -1 })), -1);

/** Σ over the last dimension of (L⁻¹ x)². */
function mahalanobis(l: Tensor, x: Tensor): Tensor {
  return sum(square(squeeze(solveTriangular(l, unsqueeze(x, -1), { upper: false }), -1)), -1);
}

/**
 * Normal vectors along the last dimension of `loc`, with a covariance matrix, its inverse, or its Cholesky factor. For a diagonal one `new Independent(new Normal(loc,
 * scale), 1)` takes less.
 *
 *     const p = new distributions.MultivariateNormal(zeros([2]), { scaleTril: tensor([[1, 0], [0.5, 1]]) });
 */
export class MultivariateNormal extends Distribution {
  /** The mean, [..., n]. */
  readonly loc: Tensor;
  readonly #tril: Tensor;

  constructor(
    loc: Tensor,
    ...given: Given<MultivariateNormalOptions, [covarianceMatrix?: Tensor | null, precisionMatrix?: Tensor | null, scaleTril?: Tensor | null, validateArgs?: boolean]>
  ) {
    const op = 'MultivariateNormal';
    const options = optionsBy(op, given, OPTIONS);
    assertTensor(op, loc, 'loc');
    if (loc.rank < 1) throw shapeError(op, 'loc needs a dimension', [loc.sizes], 'Give a vector.');
    const named = WAYS.filter((way) => options[way]);
    const [way] = named;
    if (named.length !== 1 || !way) throw valueError(op, `takes one of ${WAYS.join(', ')}, got ${named.join(' and ') || 'none'}.`);
    const matrix = asFloat(options[way] as Tensor);
    const n = loc.sizes[loc.rank - 1] as number;
    if (matrix.rank < 2 || matrix.sizes.at(-1) !== n || matrix.sizes.at(-2) !== n)
      throw shapeError(op, `${way} does not fit loc`, [matrix.sizes, loc.sizes], `It is [..., ${n}, ${n}].`);
    const batch = broadcastShapes(op, matrix.sizes.slice(0, -2), loc.sizes.slice(0, -1));
    super('MultivariateNormal', batch, [n], options.validateArgs);
    this.loc = stretched(asFloat(loc), [...batch, n]);
    if (way === 'scaleTril')
      this.assertParameter(
        () => logicalAnd(all(eq(tril(matrix), matrix)), all(gt(diagonal(matrix, { dim1: -2, dim2: -1 }), 0))),
        'scaleTril must be lower triangular, with a positive diagonal.',
      );
    else this.assertParameter(() => isfinite(matrix), `${way} must be finite.`);
    this.#tril = way === 'scaleTril' ? matrix : way === 'covarianceMatrix' ? cholesky(matrix) : ofPrecision(matrix);
  }

  /** L, lower triangular. */
  get scaleTril(): Tensor {
    return this.#stretchedMatrix(this.#tril);
  }

  /** Σ = L·Lᵀ. */
  get covarianceMatrix(): Tensor {
    return this.#stretchedMatrix(matmul(this.#tril, turned(this.#tril)));
  }

  /** Σ⁻¹. */
  get precisionMatrix(): Tensor {
    const [n] = this.eventShape as [number];
    return this.#stretchedMatrix(choleskySolve(eye(n), this.#tril));
  }

  #stretchedMatrix(matrix: Tensor): Tensor {
    return stretched(matrix, [...this.batchShape, ...this.eventShape, ...this.eventShape]);
  }

  override get mean(): Tensor {
    return this.loc;
  }

  /** Where the density is largest. */
  get mode(): Tensor {
    return this.loc;
  }

  override get variance(): Tensor {
    return stretched(sum(square(this.#tril), -1), this.extended([]));
  }

  protected override enlarged(shape: Shape): MultivariateNormal {
    const scaleTril = stretched(this.#tril, [...shape, ...this.eventShape, ...this.eventShape]);
    return new MultivariateNormal(stretched(this.loc, [...shape, ...this.eventShape]), { scaleTril, validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    const noise = randn(this.extended(sampleShape), { generator });
    return add(squeeze(matmul(this.#tril, unsqueeze(noise, -1)), -1), this.loc);
  }

  protected override supports(value: Tensor): Tensor {
    return isfinite(value);
  }

  protected override logDensity(x: Tensor): Tensor {
    const [n] = this.eventShape as [number];
    const off = sub(x, this.loc);
    return sub(mul(add(mahalanobis(this.#tril, off), n * 1.8378770664093453), -0.5), logDiagonal(this.#tril));
  }

  protected override disorder(): Tensor {
    const [n] = this.eventShape as [number];
    return stretched(add(logDiagonal(this.#tril), n * 1.4189385332046727), this.batchShape);
  }

  override divergenceTo(q: Distribution): Tensor | null {
    if (q.family !== 'MultivariateNormal') return null;
    const other = q as MultivariateNormal;
    const [n] = this.eventShape as [number];
    if (other.eventShape[0] !== n) throw shapeError('klDivergence', 'the vectors differ in length', [this.eventShape, other.eventShape], 'Give laws of one length.');
    const [l, m] = [this.#tril, other.#tril];
    const spread = sum(square(solveTriangular(m, l, { upper: false })), { dim: [-2, -1] });
    const squares = sub(add(spread, mahalanobis(m, sub(other.loc, this.loc))), n);
    return add(sub(logDiagonal(m), logDiagonal(l)), mul(squares, 0.5));
  }
}

/** The Cholesky factor of P⁻¹: from the factor of P with rows and columns turned round. */
function ofPrecision(p: Tensor): Tensor {
  const around = (x: Tensor): Tensor => flip(x, [-2, -1]);
  const inverse = turned(around(cholesky(around(p))));
  return solveTriangular(inverse, eye(p.sizes.at(-1) as number), { upper: false });
}

/**
 * A law whose last batch dimensions count as one draw: their logarithms of densities add up.
 *
 *     new distributions.Independent(new distributions.Normal(mean, scale), 1) // a diagonal multivariate normal
 */
export class Independent extends Distribution {
  /** The law of the parts. */
  readonly base: Distribution;
  /** How many dimensions of its batch are part of a draw. */
  readonly reinterpretedBatchNdims: number;

  constructor(base: Distribution, reinterpretedBatchNdims: number, ...given: Given<DistributionOptions, [validateArgs?: boolean]>) {
    const op = 'Independent';
    const { validateArgs } = optionsBy(op, given, VALIDATE);
    checkArgument(op, 'the base', base, { what: 'a distribution', test: (v) => v instanceof Distribution });
    assertWhole(op, 'reinterpretedBatchNdims', reinterpretedBatchNdims, 0);
    const kept = base.batchShape.length - reinterpretedBatchNdims;
    if (kept < 0) throw valueError(op, `reinterpretedBatchNdims is ${reinterpretedBatchNdims}, but the batch has ${base.batchShape.length} dimensions.`);
    super('Independent', base.batchShape.slice(0, kept), [...base.batchShape.slice(kept), ...base.eventShape], validateArgs ?? base.validates);
    this.base = base;
    this.reinterpretedBatchNdims = reinterpretedBatchNdims;
  }

  override get hasRsample(): boolean {
    return this.base.hasRsample;
  }

  override get mean(): Tensor {
    return this.base.mean;
  }

  override get variance(): Tensor {
    return this.base.variance;
  }

  /** Where the density is largest, as the base has it. */
  get mode(): Tensor {
    const { mode } = this.base as { readonly mode?: Tensor };
    if (!mode) throw valueError('Independent.mode', `${this.base.family} has none.`);
    return mode;
  }

  protected override enlarged(shape: Shape): Independent {
    const rest = this.base.batchShape.slice(this.base.batchShape.length - this.reinterpretedBatchNdims);
    return new Independent(this.base.expand([...shape, ...rest]), this.reinterpretedBatchNdims, { validateArgs: this.validates });
  }

  protected override draw(sampleShape: Shape, generator: Generator | undefined): Tensor {
    return this.hasRsample ? this.base.rsample(sampleShape, { generator }) : this.base.sample(sampleShape, { generator });
  }

  protected override supports(value: Tensor): Tensor {
    return eq(value, value); // the base looks at it
  }

  #summed(x: Tensor): Tensor {
    return this.reinterpretedBatchNdims === 0 ? x : sum(x, { dim: Array.from({ length: this.reinterpretedBatchNdims }, (_, i) => -1 - i) });
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.#summed(this.base.logProb(x));
  }

  protected override disorder(): Tensor {
    return this.#summed(this.base.entropy());
  }

  override divergenceTo(q: Distribution): Tensor | null {
    if (q.family !== 'Independent' || (q as Independent).reinterpretedBatchNdims !== this.reinterpretedBatchNdims) return null;
    const parts = this.base.divergenceTo((q as Independent).base);
    return parts && this.#summed(parts);
  }
}
