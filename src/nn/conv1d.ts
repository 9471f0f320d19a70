// Layers along one dimension: convolution and max pooling.
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { mul, sub } from '../ops/binary.ts';
import { type Conv1dOptions, conv1d, type MaxPool1dOptions, maxPool1d, maxPool1dWithIndices } from '../ops/conv1d.ts';
import { rand } from '../ops/create.ts';
import { pad, type PaddingMode } from '../ops/pad.ts';
import { assertTensor, checkArgument, COUNT, FLAG, type Given, type Kinds, optionsBy } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Pooled } from './conv.ts';
import { MODE, NATURAL, PADDING, STEP } from './kinds.ts';

/** Options of `Conv1d`, with PyTorch's defaults. */
export interface Conv1dModuleOptions extends Conv1dOptions {
  /** Whether there is a bias; default true. */
  bias?: boolean;
  /** What stands around the sequence; default 'zeros'. */
  paddingMode?: 'zeros' | PaddingMode;
}

const CONV: Kinds<Conv1dModuleOptions> = { stride: COUNT, padding: PADDING, dilation: COUNT, groups: COUNT, bias: FLAG, paddingMode: MODE };
type Conv1dPositions = [stride?: number, padding?: number | 'same' | 'valid', dilation?: number, groups?: number, bias?: boolean, paddingMode?: 'zeros' | PaddingMode];

/**
 * Cross-correlation with learned kernels. x [N, C, L] or [C, L] → [N, O, OL]. Weight [O, C/groups, K] and bias [O] start uniform in
 * ±1/√(C/groups · K), as in PyTorch.
 */
export class Conv1d extends Module {
  /** [O, C/groups, K]. */
  readonly weight: Parameter;
  /** [O]. */
  readonly bias: Parameter | null;
  private readonly options: Conv1dOptions;
  private readonly paddingMode: 'zeros' | PaddingMode;

  constructor(inChannels: number, outChannels: number, kernelSize: number, ...given: Given<Conv1dModuleOptions, Conv1dPositions>) {
    super();
    checkArgument('Conv1d', 'inChannels', inChannels, COUNT);
    checkArgument('Conv1d', 'outChannels', outChannels, COUNT);
    checkArgument('Conv1d', 'kernelSize', kernelSize, COUNT);
    const { bias = true, paddingMode = 'zeros', ...rest } = optionsBy('Conv1d', given, CONV);
    const { groups = 1, padding, stride = 1 } = rest;
    if (padding === 'same' && stride !== 1) throw valueError('Conv1d', `padding 'same' needs stride 1, got ${stride}. Give the padding as a number.`);
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw valueError('Conv1d', `${groups} groups do not divide ${inChannels} and ${outChannels} channels. Choose a common divisor.`);
    this.options = rest;
    this.paddingMode = paddingMode;
    const bound = 1 / Math.sqrt((inChannels / groups) * kernelSize);
    const uniform = (shape: Shape): Parameter => scope(() => new Parameter(sub(mul(rand(shape), 2 * bound), bound)));
    this.weight = uniform([outChannels, inChannels / groups, kernelSize]);
    this.bias = bias ? uniform([outChannels]) : null;
  }

  forward(x: Tensor): Tensor {
    assertTensor('Conv1d', x);
    const { padding = 0, ...rest } = this.options;
    if (this.paddingMode === 'zeros' || padding === 'valid') return conv1d(x, this.weight, this.bias, this.options);
    // 'same' puts the odd one behind.
    const total = padding === 'same' ? (rest.dilation ?? 1) * ((this.weight.sizes[2] as number) - 1) : 2 * padding;
    return conv1d(pad(x, [Math.floor(total / 2), Math.ceil(total / 2)], { mode: this.paddingMode }), this.weight, this.bias, rest);
  }
}

type Pool1dOptions<WithIndices extends boolean> = MaxPool1dOptions & { returnIndices?: WithIndices };
const POOL: Kinds<Pool1dOptions<boolean>> = { stride: STEP, padding: NATURAL, dilation: COUNT, returnIndices: FLAG, ceilMode: FLAG };
type Pool1dPositions<WithIndices extends boolean> = [stride?: number | null, padding?: number, dilation?: number, returnIndices?: WithIndices, ceilMode?: boolean];

/** The largest element of each window. x [N, C, L] or [C, L]. */
export class MaxPool1d<WithIndices extends boolean = false> extends Module {
  private readonly kernelSize: number;
  private readonly options: MaxPool1dOptions;
  private readonly withIndices: boolean;

  constructor(kernelSize: number, ...given: Given<Pool1dOptions<WithIndices>, Pool1dPositions<WithIndices>>) {
    super();
    checkArgument('MaxPool1d', 'kernelSize', kernelSize, COUNT);
    const { returnIndices = false, stride, ...rest } = optionsBy('MaxPool1d', given, POOL);
    this.kernelSize = kernelSize;
    this.options = { ...rest, stride: stride ?? kernelSize };
    this.withIndices = returnIndices;
  }

  forward(x: Tensor): Pooled<WithIndices> {
    const pool = this.withIndices ? maxPool1dWithIndices : maxPool1d;
    return pool(x, this.kernelSize, this.options) as Pooled<WithIndices>;
  }
}
