import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { ones, zeros } from '../ops/create.ts';
import { groupNorm, layerNorm, rmsNorm } from '../ops/norm.ts';
import { checkArgument, COUNT, FLAG, type Given, isListOf, type Kind, type Kinds, NUMBER, optionsBy, orNull } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Options of `LayerNorm`, with PyTorch's defaults. */
export interface LayerNormModuleOptions {
  /** Added to the variance; default 1e-5. */
  eps?: number;
  /** Whether to learn a scale and a shift; default true. */
  elementwiseAffine?: boolean;
  /** Whether the shift is learned too; default true. */
  bias?: boolean;
}

const LAYER: Kinds<LayerNormModuleOptions> = { eps: NUMBER, elementwiseAffine: FLAG, bias: FLAG };
const SIZES: Kind = { what: 'a size ≥ 1 or a list of them', test: (v) => COUNT.test(v) || (isListOf(v, COUNT.test) && v.length > 0) };

/** The normalised shape as a list. */
function sizesOf(op: string, normalizedShape: number | Shape): Shape {
  checkArgument(op, 'normalizedShape', normalizedShape, SIZES);
  return typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
}

/** Normalises over the last dimensions, then scales and shifts. Weight starts at 1, bias at 0. */
export class LayerNorm extends Module {
  /** Scale, of the normalised shape. */
  readonly weight: Parameter | null;
  /** Shift, of the normalised shape. */
  readonly bias: Parameter | null;
  private readonly normalizedShape: Shape;
  private readonly eps: number;

  constructor(normalizedShape: number | Shape, ...given: Given<LayerNormModuleOptions, [eps?: number, elementwiseAffine?: boolean, bias?: boolean]>) {
    super();
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = optionsBy('LayerNorm', given, LAYER);
    this.normalizedShape = sizesOf('LayerNorm', normalizedShape);
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
  /** Added to the variance; default 1e-5. */
  eps?: number;
  /** Whether to learn a scale and a shift per channel; default true. */
  affine?: boolean;
  /** Whether the shift is learned too; default true. */
  bias?: boolean;
}

const GROUP: Kinds<GroupNormModuleOptions> = { eps: NUMBER, affine: FLAG, bias: FLAG };

/** Normalises each sample's groups of channels, then scales and shifts channels. x [N, C, ...]. Weight [C] starts at 1, bias [C] at 0. */
export class GroupNorm extends Module {
  /** Scale per channel, [C]. */
  readonly weight: Parameter | null;
  /** Shift per channel, [C]. */
  readonly bias: Parameter | null;
  private readonly groups: number;
  private readonly eps: number;

  constructor(numGroups: number, numChannels: number, ...given: Given<GroupNormModuleOptions, [eps?: number, affine?: boolean, bias?: boolean]>) {
    super();
    const { eps = 1e-5, affine = true, bias = true } = optionsBy('GroupNorm', given, GROUP);
    checkArgument('GroupNorm', 'numGroups', numGroups, COUNT);
    checkArgument('GroupNorm', 'numChannels', numChannels, COUNT);
    if (numChannels % numGroups !== 0) throw valueError('GroupNorm', `${numGroups} groups do not divide ${numChannels} channels. Choose a divisor.`);
    this.groups = numGroups;
    this.eps = eps;
    this.weight = affine ? scope(() => new Parameter(ones([numChannels]))) : null;
    this.bias = affine && bias ? scope(() => new Parameter(zeros([numChannels]))) : null;
  }

  forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Options of `RMSNorm`, with PyTorch's defaults. */
export interface RMSNormModuleOptions {
  /** Added to the mean square; default 2⁻²³, which null stands for. */
  eps?: number | null;
  /** Whether to learn a scale; default true. */
  elementwiseAffine?: boolean;
}

const RMS: Kinds<RMSNormModuleOptions> = { eps: /* @__PURE__ */ orNull(NUMBER), elementwiseAffine: FLAG };

/** Divides the last dimensions by the root of their mean square, then scales. Weight starts at 1. */
export class RMSNorm extends Module {
  /** Scale, of the normalised shape. */
  readonly weight: Parameter | null;
  private readonly normalizedShape: Shape;
  private readonly eps: number | undefined;

  constructor(normalizedShape: number | Shape, ...given: Given<RMSNormModuleOptions, [eps?: number | null, elementwiseAffine?: boolean]>) {
    super();
    const { eps, elementwiseAffine = true } = optionsBy('RMSNorm', given, RMS);
    this.normalizedShape = sizesOf('RMSNorm', normalizedShape);
    this.eps = eps ?? undefined;
    this.weight = elementwiseAffine ? scope(() => new Parameter(ones(this.normalizedShape))) : null;
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, { weight: this.weight, eps: this.eps });
  }
}
