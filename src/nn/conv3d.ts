// Layers on volumes: convolution and pooling.
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { mul, sub } from '../ops/binary.ts';
import { conv3d, type Conv3dOptions } from '../ops/conv3d.ts';
import { rand } from '../ops/create.ts';
import { pad, type PaddingMode } from '../ops/pad.ts';
import { adaptiveAvgPool3d, avgPool3d, type AvgPool3dOptions, maxPool3d, type MaxPool3dOptions, maxPool3dWithIndices, type OutputSize3d } from '../ops/pool3d.ts';
import { eachOf, type Triple } from '../ops/windows.ts';
import { assertTensor, checkArgument, COUNT, FLAG, type Given, isListOf, type Kind, type Kinds, optionsBy } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Pooled } from './conv.ts';
import { MARGINS3, MODE, PADDINGS3, STEPS3, TRIPLE } from './kinds.ts';

/** Options of `Conv3d`, with PyTorch's defaults. */
export interface Conv3dModuleOptions extends Conv3dOptions {
  /** Whether there is a bias; default true. */
  bias?: boolean;
  /** What stands around the volume; default 'zeros'. */
  paddingMode?: 'zeros' | PaddingMode;
}

const CONV: Kinds<Conv3dModuleOptions> = { stride: TRIPLE, padding: PADDINGS3, dilation: TRIPLE, groups: COUNT, bias: FLAG, paddingMode: MODE };
type ConvPositions = [stride?: Triple, padding?: Triple | 'same' | 'valid', dilation?: Triple, groups?: number, bias?: boolean, paddingMode?: 'zeros' | PaddingMode];

/**
 * Cross-correlation of volumes with learned kernels. x [N, C, D, H, W] or [C, D, H, W] → [..., O, OD, OH, OW].
 * Weight [O, C/groups, KD, KH, KW] and bias [O] start uniform in ±1/√(C/groups · KD · KH · KW), as in PyTorch.
 *
 * @example
 * const conv = new nn.Conv3d(1, 4, 3, { padding: 1 });
 * conv.forward(randn([2, 1, 8, 8, 8])); // [2, 4, 8, 8, 8]
 */
export class Conv3d extends Module {
  /** [O, C/groups, KD, KH, KW]. */
  readonly weight: Parameter;
  /** [O]. */
  readonly bias: Parameter | null;
  private readonly options: Conv3dOptions;
  private readonly paddingMode: 'zeros' | PaddingMode;

  constructor(inChannels: number, outChannels: number, kernelSize: Triple, ...given: Given<Conv3dModuleOptions, ConvPositions>) {
    super();
    const name = 'Conv3d';
    checkArgument(name, 'inChannels', inChannels, COUNT);
    checkArgument(name, 'outChannels', outChannels, COUNT);
    checkArgument(name, 'kernelSize', kernelSize, TRIPLE);
    const { bias = true, paddingMode = 'zeros', ...rest } = optionsBy(name, given, CONV);
    const { groups = 1, padding, stride = 1 } = rest;
    if (padding === 'same' && eachOf(name, 'stride', stride, 3, 1).some((s) => s !== 1))
      throw valueError(name, `padding 'same' needs stride 1, got ${stride}. Give the padding as numbers.`);
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw valueError(name, `${groups} groups do not divide ${inChannels} and ${outChannels} channels. Choose a common divisor.`);
    this.options = rest;
    this.paddingMode = paddingMode;
    const shape = [outChannels, inChannels / groups, ...eachOf(name, 'kernelSize', kernelSize, 3, 1)];
    const bound = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
    const uniform = (sizes: Shape): Parameter => scope(() => new Parameter(sub(mul(rand(sizes), 2 * bound), bound)));
    this.weight = uniform(shape);
    this.bias = bias ? uniform([outChannels]) : null;
  }

  forward(x: Tensor): Tensor {
    assertTensor('Conv3d', x);
    const { padding = 0, ...rest } = this.options;
    if (this.paddingMode === 'zeros' || padding === 'valid') return conv3d(x, this.weight, this.bias, this.options);
    const dilation = eachOf('Conv3d', 'dilation', rest.dilation ?? 1, 3, 1);
    // The last direction first; 'same' puts the odd one behind.
    const sides = [2, 1, 0].flatMap((i) => {
      if (padding !== 'same') return new Array<number>(2).fill(eachOf('Conv3d', 'padding', padding, 3, 0)[i] as number);
      const total = (dilation[i] as number) * ((this.weight.sizes[2 + i] as number) - 1);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
    return conv3d(pad(x, sides, { mode: this.paddingMode }), this.weight, this.bias, rest);
  }
}

type PoolOptions<WithIndices extends boolean> = MaxPool3dOptions & { returnIndices?: WithIndices };
const POOL: Kinds<PoolOptions<boolean>> = { stride: STEPS3, padding: MARGINS3, dilation: TRIPLE, returnIndices: FLAG, ceilMode: FLAG };
type PoolPositions<WithIndices extends boolean> = [stride?: Triple | null, padding?: Triple, dilation?: Triple, returnIndices?: WithIndices, ceilMode?: boolean];

/**
 * The largest element of each window. x [N, C, D, H, W] or [C, D, H, W].
 *
 * @example
 * new nn.MaxPool3d(2).forward(randn([1, 4, 8, 8, 8])); // [1, 4, 4, 4, 4]
 */
export class MaxPool3d<WithIndices extends boolean = false> extends Module {
  private readonly kernelSize: Triple;
  private readonly options: MaxPool3dOptions;
  private readonly withIndices: boolean;

  constructor(kernelSize: Triple, ...given: Given<PoolOptions<WithIndices>, PoolPositions<WithIndices>>) {
    super();
    checkArgument('MaxPool3d', 'kernelSize', kernelSize, TRIPLE);
    const { returnIndices = false, ...rest } = optionsBy('MaxPool3d', given, POOL);
    this.kernelSize = kernelSize;
    this.options = rest;
    this.withIndices = returnIndices;
  }

  forward(x: Tensor): Pooled<WithIndices> {
    const pool = this.withIndices ? maxPool3dWithIndices : maxPool3d;
    return pool(x, this.kernelSize, this.options) as Pooled<WithIndices>;
  }
}

const DIVISOR: Kind = { what: 'a whole number other than 0', test: (v) => v === null || (Number.isSafeInteger(v) && v !== 0) };
const AVERAGE: Kinds<AvgPool3dOptions> = { stride: STEPS3, padding: MARGINS3, ceilMode: FLAG, countIncludePad: FLAG, divisorOverride: DIVISOR };
type AveragePositions = [stride?: Triple | null, padding?: Triple, ceilMode?: boolean, countIncludePad?: boolean, divisorOverride?: number | null];

/**
 * The average of each window. x [N, C, D, H, W] or [C, D, H, W].
 *
 * @example
 * new nn.AvgPool3d(2).forward(randn([1, 4, 8, 8, 8])); // [1, 4, 4, 4, 4]
 */
export class AvgPool3d extends Module {
  private readonly kernelSize: Triple;
  private readonly options: AvgPool3dOptions;

  constructor(kernelSize: Triple, ...given: Given<AvgPool3dOptions, AveragePositions>) {
    super();
    checkArgument('AvgPool3d', 'kernelSize', kernelSize, TRIPLE);
    this.kernelSize = kernelSize;
    this.options = { ...optionsBy('AvgPool3d', given, AVERAGE) };
  }

  forward(x: Tensor): Tensor {
    return avgPool3d(x, this.kernelSize, this.options);
  }
}

const isSize = (v: unknown): boolean => v === null || COUNT.test(v);
/** @internal Output sizes of pooling in three directions. */
export const OUTPUT3: Kind = { what: 'a size ≥ 1 or null, or three of them', test: (v) => isSize(v) || isListOf(v, isSize, 3) };

/**
 * Averages over as many windows as asked for; 1 gives the mean of each volume. x [N, C, D, H, W] or [C, D, H, W].
 *
 * @example
 * new nn.AdaptiveAvgPool3d(1).forward(randn([2, 4, 8, 8, 8])); // [2, 4, 1, 1, 1]
 */
export class AdaptiveAvgPool3d extends Module {
  private readonly outputSize: OutputSize3d;

  constructor(outputSize: OutputSize3d | null, ...extra: never[]) {
    super(...extra);
    checkArgument('AdaptiveAvgPool3d', 'outputSize', outputSize, OUTPUT3);
    this.outputSize = outputSize ?? [null, null, null];
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize);
  }
}
