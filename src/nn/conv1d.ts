// Layers along one dimension: convolution and max pooling.
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { mul, sub } from '../ops/binary.ts';
import { type Conv1dOptions, conv1d, type MaxPool1dOptions, maxPool1d, maxPool1dWithIndices } from '../ops/conv1d.ts';
import { rand } from '../ops/create.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Pooled } from './conv.ts';

/**
 * Cross-correlation with learned kernels. x [N, C, L] or [C, L] → [N, O, OL]. Weight [O, C/groups, K] and bias [O] start uniform in
 * ±1/√(C/groups · K), as in PyTorch.
 */
export class Conv1d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  private readonly options: Conv1dOptions;

  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv1dOptions & { bias?: boolean } = {}) {
    super();
    const { bias = true, ...rest } = options;
    const { groups = 1 } = rest;
    for (const n of [inChannels, outChannels, kernelSize, groups])
      if (!Number.isInteger(n) || n < 1)
        throw valueError('Conv1d', `channels, window and groups are whole numbers ≥ 1, got ${inChannels}, ${outChannels}, ${kernelSize} and ${groups}.`);
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw valueError('Conv1d', `${groups} groups do not divide ${inChannels} and ${outChannels} channels. Choose a common divisor.`);
    this.options = rest;
    const bound = 1 / Math.sqrt((inChannels / groups) * kernelSize);
    const uniform = (shape: Shape): Parameter => scope(() => new Parameter(sub(mul(rand(shape), 2 * bound), bound)));
    this.weight = uniform([outChannels, inChannels / groups, kernelSize]);
    this.bias = bias ? uniform([outChannels]) : null;
  }

  forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.bias, this.options);
  }
}

/** The largest element of each window. x [N, C, L] or [C, L]. */
export class MaxPool1d<WithIndices extends boolean = false> extends Module {
  private readonly kernelSize: number;
  private readonly options: MaxPool1dOptions & { returnIndices?: WithIndices };

  constructor(kernelSize: number, options: MaxPool1dOptions & { returnIndices?: WithIndices } = {}) {
    super();
    if (!Number.isInteger(kernelSize) || kernelSize < 1) throw valueError('MaxPool1d', `kernelSize must be a whole number ≥ 1, got ${kernelSize}.`);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Pooled<WithIndices> {
    const pool = this.options.returnIndices ? maxPool1dWithIndices : maxPool1d;
    return pool(x, this.kernelSize, this.options) as Pooled<WithIndices>;
  }
}
