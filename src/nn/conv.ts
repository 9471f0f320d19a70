// Layers on images: convolution and max pooling.
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { mul, sub } from '../ops/binary.ts';
import { type ConvOptions, conv2d } from '../ops/conv.ts';
import { rand } from '../ops/create.ts';
import { padImage, type PaddingMode } from '../ops/pad.ts';
import { type MaxPoolOptions, maxPool2d, maxPool2dWithIndices } from '../ops/pool.ts';
import { type Pair, pairOf } from '../ops/windows.ts';
import { assertTensor, checkArgument, COUNT, FLAG, type Given, type Kinds, optionsBy } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { MARGINS, MODE, PADDINGS, PAIR, STEPS } from './kinds.ts';

/** Options of `Conv2d`, with PyTorch's defaults. */
export interface Conv2dOptions extends ConvOptions {
  /** Whether there is a bias; default true. */
  bias?: boolean;
  /** What stands around the image; default 'zeros'. */
  paddingMode?: 'zeros' | PaddingMode;
}

const CONV: Kinds<Conv2dOptions> = { stride: PAIR, padding: PADDINGS, dilation: PAIR, groups: COUNT, bias: FLAG, paddingMode: MODE };
type ConvPositions = [stride?: Pair, padding?: Pair | 'same' | 'valid', dilation?: Pair, groups?: number, bias?: boolean, paddingMode?: 'zeros' | PaddingMode];

/**
 * Cross-correlation with learned kernels. x [N, C, H, W] or [C, H, W] → [N, O, OH, OW].
 * Weight [O, C/groups, KH, KW] and bias [O] start uniform in ±1/√(C/groups · KH · KW), as in PyTorch.
 */
export class Conv2d extends Module {
  /** [O, C/groups, KH, KW]. */
  readonly weight: Parameter;
  /** [O]. */
  readonly bias: Parameter | null;
  private readonly options: ConvOptions;
  private readonly paddingMode: 'zeros' | PaddingMode;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, ...given: Given<Conv2dOptions, ConvPositions>) {
    super();
    checkArgument('Conv2d', 'inChannels', inChannels, COUNT);
    checkArgument('Conv2d', 'outChannels', outChannels, COUNT);
    checkArgument('Conv2d', 'kernelSize', kernelSize, PAIR);
    const { bias = true, paddingMode = 'zeros', ...rest } = optionsBy('Conv2d', given, CONV);
    const { groups = 1, padding, stride = 1 } = rest;
    const [kh, kw] = pairOf('Conv2d', 'kernelSize', kernelSize, 1);
    if (padding === 'same' && pairOf('Conv2d', 'stride', stride, 1).some((s) => s !== 1))
      throw valueError('Conv2d', `padding 'same' needs stride 1, got ${stride}. Give the padding as numbers.`);
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw valueError('Conv2d', `${groups} groups do not divide ${inChannels} and ${outChannels} channels. Choose a common divisor.`);
    this.options = rest;
    this.paddingMode = paddingMode;
    const fanIn = (inChannels / groups) * kh * kw;
    const uniform = (shape: Shape): Parameter => scope(() => new Parameter(sub(mul(rand(shape), 2 / Math.sqrt(fanIn)), 1 / Math.sqrt(fanIn))));
    this.weight = uniform([outChannels, inChannels / groups, kh, kw]);
    this.bias = bias ? uniform([outChannels]) : null;
  }

  forward(x: Tensor): Tensor {
    assertTensor('Conv2d', x);
    if (this.paddingMode === 'zeros') return conv2d(x, this.weight, this.bias, this.options);
    const { padding = 0, ...rest } = this.options;
    return conv2d(padImage(x, this.margins(padding), this.paddingMode), this.weight, this.bias, rest);
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
      const total = dilation[axis] * ((this.weight.sizes[2 + axis] as number) - 1);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    }) as [[number, number], [number, number]];
    return [...h, ...w];
  }
}

/** What `MaxPool2d` gives: the values, or with `returnIndices` also where each stood in its plane (row-major, int32). */
export type Pooled<WithIndices extends boolean> = WithIndices extends true ? { values: Tensor; indices: Tensor } : Tensor;

type PoolOptions<WithIndices extends boolean> = MaxPoolOptions & { returnIndices?: WithIndices };
const POOL: Kinds<PoolOptions<boolean>> = { stride: STEPS, padding: MARGINS, dilation: PAIR, returnIndices: FLAG, ceilMode: FLAG };
type PoolPositions<WithIndices extends boolean> = [stride?: Pair | null, padding?: Pair, dilation?: Pair, returnIndices?: WithIndices, ceilMode?: boolean];

/** The largest element of each window. x [N, C, H, W] or [C, H, W]. */
export class MaxPool2d<WithIndices extends boolean = false> extends Module {
  private readonly kernelSize: Pair;
  private readonly options: MaxPoolOptions;
  private readonly withIndices: boolean;

  constructor(kernelSize: Pair, ...given: Given<PoolOptions<WithIndices>, PoolPositions<WithIndices>>) {
    super();
    checkArgument('MaxPool2d', 'kernelSize', kernelSize, PAIR);
    const { returnIndices = false, stride, ...rest } = optionsBy('MaxPool2d', given, POOL);
    this.kernelSize = pairOf('MaxPool2d', 'kernelSize', kernelSize, 1);
    this.options = { ...rest, stride: stride ?? this.kernelSize };
    this.withIndices = returnIndices;
  }

  forward(x: Tensor): Pooled<WithIndices> {
    const pool = this.withIndices ? maxPool2dWithIndices : maxPool2d;
    return pool(x, this.kernelSize, this.options) as Pooled<WithIndices>;
  }
}
