import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { ones, zeros } from '../ops/create.ts';
import { groupNorm, layerNorm, rmsNorm } from '../ops/norm.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Options of `LayerNorm`, with PyTorch's defaults. */
export interface LayerNormModuleOptions {
  /** Added to the variance; 1e-5 unless said. */
  eps?: number;
  /** Whether to learn a scale and a shift; true unless said. */
  elementwiseAffine?: boolean;
  /** Whether the shift is learned too; true unless said. */
  bias?: boolean;
}

/** Normalises over the last dimensions, then scales and shifts. Weight starts at 1, bias at 0. */
export class LayerNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  private readonly normalizedShape: Shape;
  private readonly eps: number;

  constructor(normalizedShape: number | Shape, options: LayerNormModuleOptions = {}) {
    super();
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    this.eps = eps;
    this.weight = elementwiseAffine ? scope(() => new Parameter(ones(this.normalizedShape))) : null;
    this.bias = elementwiseAffine && bias ? scope(() => new Parameter(zeros(this.normalizedShape))) : null;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Options of `GroupNorm`, with PyTorch's defaults. */
export interface GroupNormModuleOptions {
  /** Added to the variance; 1e-5 unless said. */
  eps?: number;
  /** Whether to learn a scale and a shift per channel; true unless said. */
  affine?: boolean;
}

/** Normalises each sample's groups of channels, then scales and shifts channels. x [N, C, ...]. Weight [C] starts at 1, bias [C] at 0. */
export class GroupNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  private readonly groups: number;
  private readonly eps: number;

  constructor(numGroups: number, numChannels: number, options: GroupNormModuleOptions = {}) {
    super();
    const { eps = 1e-5, affine = true } = options;
    for (const n of [numGroups, numChannels])
      if (!Number.isInteger(n) || n < 1) throw valueError('GroupNorm', `groups and channels are whole numbers ≥ 1, got ${numGroups} and ${numChannels}.`);
    if (numChannels % numGroups !== 0) throw valueError('GroupNorm', `${numGroups} groups do not divide ${numChannels} channels. Choose a divisor.`);
    this.groups = numGroups;
    this.eps = eps;
    this.weight = affine ? scope(() => new Parameter(ones([numChannels]))) : null;
    this.bias = affine ? scope(() => new Parameter(zeros([numChannels]))) : null;
  }

  forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Options of `RMSNorm`, with PyTorch's defaults. */
export interface RMSNormModuleOptions {
  /** Added to the mean square; 2⁻²³ unless said. */
  eps?: number;
  /** Whether to learn a scale; true unless said. */
  elementwiseAffine?: boolean;
}

/** Divides the last dimensions by the root of their mean square, then scales. Weight starts at 1. */
export class RMSNorm extends Module {
  readonly weight: Parameter | null;
  private readonly normalizedShape: Shape;
  private readonly eps: number | undefined;

  constructor(normalizedShape: number | Shape, options: RMSNormModuleOptions = {}) {
    super();
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    this.eps = options.eps;
    this.weight = (options.elementwiseAffine ?? true) ? scope(() => new Parameter(ones(this.normalizedShape))) : null;
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, { weight: this.weight, eps: this.eps });
  }
}
