import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { ones, zeros } from '../ops/create.ts';
import { layerNorm } from '../ops/norm.ts';
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
