// Batch and instance normalisation as layers, with running statistics as buffers.
import { Module } from '../module/module.ts';
import { Buffer, Parameter } from '../module/parameter.ts';
import { batchNorm, instanceNorm } from '../ops/batchnorm.ts';
import { div, type Operand } from '../ops/binary.ts';
import { ones, zeros } from '../ops/create.ts';
import { add_, fill_, zero_ } from '../ops/inplace.ts';
import { squeeze, unsqueeze } from '../ops/movement.ts';
import { assertTensor, checkArgument, COUNT, FINITE, FLAG, type Given, type Kinds, NUMBER, optionsBy, orNull } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Options of batch and instance normalisation. */
export interface BatchNormModuleOptions {
  /** Added to the variance; default 1e-5. */
  eps?: number;
  /** How far running statistics go towards each batch's; default 0.1. null averages all batches alike (for instance normalisation, as PyTorch's, it counts as 0). */
  momentum?: number | null;
  /** Whether to learn a scale and a shift per channel: true for batch, false for instance normalisation by default. */
  affine?: boolean;
  /** Whether to keep running statistics for evaluation: true for batch, false for instance normalisation by default. */
  trackRunningStats?: boolean;
  /** Whether a learned scale has a shift beside it; default true. */
  bias?: boolean;
}

const OPTIONS: Kinds<BatchNormModuleOptions> = { eps: NUMBER, momentum: /* @__PURE__ */ orNull(FINITE), affine: FLAG, trackRunningStats: FLAG, bias: FLAG };

/** Options by position: PyTorch's order. */
type Positions = [eps?: number, momentum?: number | null, affine?: boolean, trackRunningStats?: boolean, bias?: boolean];

/** What both kinds have: parameters [C], which start at 1 and 0, and running statistics, which start at mean 0 and variance 1. */
abstract class RunningNorm extends Module {
  /** Scale per channel, [C]. */
  readonly weight: Parameter | null;
  /** Shift per channel, [C]. */
  readonly bias: Parameter | null;
  /** The running mean per channel, [C]. */
  readonly runningMean: Buffer | null;
  /** The running variance per channel, [C]. */
  readonly runningVar: Buffer | null;
  /** Batches seen in training, int32. */
  readonly numBatchesTracked: Buffer | null;
  protected readonly eps: number;
  /** How far running statistics go towards each batch's; null averages all batches alike. */
  momentum: number | null;
  private readonly name: string;
  private readonly ranks: readonly [number, number];

  /** @internal */
  constructor(name: string, ranks: readonly [number, number], numFeatures: number, given: readonly unknown[], usual: boolean) {
    super();
    checkArgument(name, 'numFeatures', numFeatures, COUNT);
    const { eps = 1e-5, momentum = 0.1, affine = usual, trackRunningStats = usual, bias = true } = optionsBy(name, given, OPTIONS);
    if (!(eps >= 0)) throw valueError(name, `eps must be ≥ 0, got ${eps}.`);
    const c = [numFeatures];
    this.name = name;
    this.ranks = ranks;
    this.eps = eps;
    this.momentum = momentum;
    const make = <T>(wanted: boolean, build: () => T): T | null => (wanted ? scope(build) : null);
    this.weight = make(affine, () => new Parameter(ones(c)));
    this.bias = make(affine && bias, () => new Parameter(zeros(c)));
    this.runningMean = make(trackRunningStats, () => new Buffer(zeros(c)));
    this.runningVar = make(trackRunningStats, () => new Buffer(ones(c)));
    this.numBatchesTracked = make(trackRunningStats, () => new Buffer(zeros([], { dtype: 'int32' })));
  }

  /** The running statistics as at the start: mean 0, variance 1, no batches. */
  resetRunningStats(): void {
    noGrad(() => {
      if (this.runningMean) zero_(this.runningMean);
      if (this.runningVar) fill_(this.runningVar, 1);
      if (this.numBatchesTracked) zero_(this.numBatchesTracked);
    });
  }

  protected checkRank(x: Tensor): void {
    assertTensor(this.name, x);
    if (!this.ranks.includes(x.rank))
      throw shapeError(this.name, `takes ${[...new Set(this.ranks)].join(' or ')} dimensions`, [x.sizes], 'Reshape the input, or use another of the family.');
  }

  /** The share of this batch in the running statistics; with momentum null 1/(batches so far), from memory, so that replays count on. */
  protected share(): Operand {
    const { momentum, numBatchesTracked } = this;
    if (momentum !== null || !numBatchesTracked) return momentum ?? 0;
    return noGrad(() => div(1, numBatchesTracked));
  }
}

/** @internal What the normalisations over batches are. */
export class BatchNorm extends RunningNorm {
  forward(x: Tensor): Tensor {
    this.checkRank(x);
    const { weight, bias, runningMean, runningVar, numBatchesTracked, eps } = this;
    if (this.training && numBatchesTracked) noGrad(() => add_(numBatchesTracked, 1));
    return batchNorm(x, runningMean, runningVar, { weight, bias, eps, momentum: this.share(), training: this.training || !runningMean });
  }
}

/**
 * Channels at mean 0 and variance 1, then scaled and shifted (Ioffe & Szegedy 2015, arXiv 1502.03167): in training over the batch, which
 * moves the running statistics; after `eval()` by those. x [N, C] or [N, C, L].
 */
export class BatchNorm1d extends BatchNorm {
  constructor(numFeatures: number, ...options: Given<BatchNormModuleOptions, Positions>) {
    super('BatchNorm1d', [2, 3], numFeatures, options, true);
  }
}

/** As `BatchNorm1d`, for images. x [N, C, H, W]. */
export class BatchNorm2d extends BatchNorm {
  constructor(numFeatures: number, ...options: Given<BatchNormModuleOptions, Positions>) {
    super('BatchNorm2d', [4, 4], numFeatures, options, true);
  }
}

/** As `BatchNorm1d`, for volumes. x [N, C, D, H, W]. */
export class BatchNorm3d extends BatchNorm {
  constructor(numFeatures: number, ...options: Given<BatchNormModuleOptions, Positions>) {
    super('BatchNorm3d', [5, 5], numFeatures, options, true);
  }
}

class InstanceNorm extends RunningNorm {
  forward(x: Tensor): Tensor {
    this.checkRank(x);
    const { weight, bias, runningMean, runningVar, eps } = this;
    const single = x.rank === this.unbatched;
    const y = instanceNorm(single ? unsqueeze(x, 0) : x, {
      weight,
      bias,
      runningMean,
      runningVar,
      eps,
      momentum: this.momentum ?? 0,
      useInputStats: this.training || !runningMean,
    });
    return single ? squeeze(y, 0) : y;
  }

  protected get unbatched(): number {
    return 2;
  }
}

/** Each sample's channels at mean 0 and variance 1 (Ulyanov et al. 2016, arXiv 1607.08022). x [N, C, L] or [C, L]. */
export class InstanceNorm1d extends InstanceNorm {
  constructor(numFeatures: number, ...options: Given<BatchNormModuleOptions, Positions>) {
    super('InstanceNorm1d', [2, 3], numFeatures, options, false);
  }
}

/** As `InstanceNorm1d`, for images. x [N, C, H, W] or [C, H, W]. */
export class InstanceNorm2d extends InstanceNorm {
  constructor(numFeatures: number, ...options: Given<BatchNormModuleOptions, Positions>) {
    super('InstanceNorm2d', [3, 4], numFeatures, options, false);
  }

  protected override get unbatched(): number {
    return 3;
  }
}

/** As `InstanceNorm1d`, for volumes. x [N, C, D, H, W] or [C, D, H, W]. */
export class InstanceNorm3d extends InstanceNorm {
  constructor(numFeatures: number, ...options: Given<BatchNormModuleOptions, Positions>) {
    super('InstanceNorm3d', [4, 5], numFeatures, options, false);
  }

  protected override get unbatched(): number {
    return 4;
  }
}
