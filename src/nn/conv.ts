// Layers on images: convolution and max pooling.
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { mul, sub } from '../ops/binary.ts';
import { type ConvOptions, conv2d } from '../ops/conv.ts';
import { rand } from '../ops/create.ts';
import { padImage, type PaddingMode } from '../ops/pad.ts';
import { type MaxPoolOptions, maxPool2d, maxPool2dWithIndices } from '../ops/pool.ts';
import { type Pair, pairOf } from '../ops/windows.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Options of `Conv2d`, with PyTorch's defaults. */
export interface Conv2dOptions extends ConvOptions {
  /** Whether there is a bias; true unless said. */
  bias?: boolean;
  /** What stands around the image; 'zeros' unless said. */
  paddingMode?: 'zeros' | PaddingMode;
}

/**
 * Cross-correlation with learned kernels. x [N, C, H, W] or [C, H, W] → [N, O, OH, OW].
 * Weight [O, C/groups, KH, KW] and bias [O] start uniform in ±1/√(C/groups · KH · KW), as in PyTorch.
 */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  private readonly options: Conv2dOptions;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dOptions = {}) {
    super();
    const { groups = 1, paddingMode = 'zeros' } = options;
    const [kh, kw] = pairOf('Conv2d', 'kernelSize', kernelSize, 1);
    if (!['zeros', 'reflect', 'replicate', 'circular'].includes(paddingMode))
      throw valueError('Conv2d', `paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got '${paddingMode}'.`);
    for (const n of [inChannels, outChannels, groups])
      if (!Number.isInteger(n) || n < 1) throw valueError('Conv2d', `channels and groups are whole numbers ≥ 1, got ${inChannels}, ${outChannels} and ${groups}.`);
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw valueError('Conv2d', `${groups} groups do not divide ${inChannels} and ${outChannels} channels. Choose a common divisor.`);
    this.options = options;
    const fanIn = (inChannels / groups) * kh * kw;
    const uniform = (shape: Shape): Parameter => scope(() => new Parameter(sub(mul(rand(shape), 2 / Math.sqrt(fanIn)), 1 / Math.sqrt(fanIn))));
    this.weight = uniform([outChannels, inChannels / groups, kh, kw]);
    this.bias = (options.bias ?? true) ? uniform([outChannels]) : null;
  }

  forward(x: Tensor): Tensor {
    const { paddingMode = 'zeros', padding = 0, ...rest } = this.options;
    if (paddingMode === 'zeros') return conv2d(x, this.weight, this.bias, this.options);
    return conv2d(padImage(x, this.margins(padding), paddingMode), this.weight, this.bias, rest);
  }

  /** Elements before and behind, vertically and horizontally; 'same' puts the odd one behind. */
  private margins(padding: Pair | 'same' | 'valid'): readonly [top: number, bottom: number, left: number, right: number] {
    if (padding === 'valid') return [0, 0, 0, 0];
    const dilation = pairOf('Conv2d', 'dilation', this.options.dilation ?? 1, 1);
    const [h, w] = ([0, 1] as const).map((axis): [number, number] => {
      if (padding !== 'same') {
        const n = pairOf('Conv2d', 'padding', padding, 0)[axis];
        return [n, n];
      }
      const total = dilation[axis] * ((this.weight.shape[2 + axis] as number) - 1);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    }) as [[number, number], [number, number]];
    return [...h, ...w];
  }
}

/** What `MaxPool2d` gives: the values, or with `returnIndices` also where each stood in its plane (row-major, int32). */
export type Pooled<WithIndices extends boolean> = WithIndices extends true ? { values: Tensor; indices: Tensor } : Tensor;

/** The largest element of each window. x [N, C, H, W] or [C, H, W]. */
export class MaxPool2d<WithIndices extends boolean = false> extends Module {
  private readonly kernelSize: Pair;
  private readonly options: MaxPoolOptions & { returnIndices?: WithIndices };

  constructor(kernelSize: Pair, options: MaxPoolOptions & { returnIndices?: WithIndices } = {}) {
    super();
    this.kernelSize = pairOf('MaxPool2d', 'kernelSize', kernelSize, 1);
    this.options = options;
  }

  forward(x: Tensor): Pooled<WithIndices> {
    const pool = this.options.returnIndices ? maxPool2dWithIndices : maxPool2d;
    return pool(x, this.kernelSize, this.options) as Pooled<WithIndices>;
  }
}
