// Transposed convolution as layers.
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { mul, sub } from '../ops/binary.ts';
import { convTranspose1d, convTranspose2d, convTranspose3d, type ConvTransposeOptions } from '../ops/convtranspose.ts';
import { rand } from '../ops/create.ts';
import { eachOf, type Pair, type Triple } from '../ops/windows.ts';
import { assertTensor, checkArgument, COUNT, FLAG, type Given, type Kind, type Kinds, NUMBERS, oneOf, optionsBy } from '../tensor/check.ts';
import { valueError, valueText } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { MARGINS, MARGINS3, NATURAL, PAIR, TRIPLE } from './kinds.ts';

/** Options of the layers of transposed convolution, with PyTorch's defaults. `S`: numbers for each direction. */
export interface ConvTransposeModuleOptions<S = number | readonly number[]> extends ConvTransposeOptions<S> {
  /** Whether there is a bias; default true. */
  bias?: boolean;
  /** Only zeros, as in PyTorch. */
  paddingMode?: 'zeros';
}

const kinds = (count: Kind, margin: Kind): Kinds<ConvTransposeModuleOptions> => ({
  stride: count,
  padding: margin,
  outputPadding: margin,
  groups: COUNT,
  bias: FLAG,
  dilation: count,
  paddingMode: oneOf('zeros'),
});

type Positions<S> = [stride?: S, padding?: S, outputPadding?: S, groups?: number, bias?: boolean, dilation?: S, paddingMode?: 'zeros'];
type Transposed = (x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvTransposeOptions<never>) => Tensor;

/** What all of them are. */
abstract class ConvTranspose extends Module {
  /** @internal That its weight is [in, out, …], as PyTorch says it. */
  readonly transposed = true;
  /** [C, O/groups, *kernelSize]. */
  readonly weight: Parameter;
  /** [O]. */
  readonly bias: Parameter | null;
  private readonly options: ConvTransposeOptions;
  private readonly name: string;
  private readonly run: Transposed;

  /** @internal */
  constructor(
    name: string,
    run: Transposed,
    kind: [count: Kind, margin: Kind],
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    given: readonly unknown[],
  ) {
    super();
    const rank = kind[0] === COUNT ? 1 : kind[0] === PAIR ? 2 : 3;
    checkArgument(name, 'inChannels', inChannels, COUNT);
    checkArgument(name, 'outChannels', outChannels, COUNT);
    checkArgument(name, 'kernelSize', kernelSize, kind[0]);
    const { bias = true, paddingMode, ...rest } = optionsBy(name, given, kinds(...kind));
    const { groups = 1 } = rest;
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw valueError(name, `${groups} groups do not divide ${inChannels} and ${outChannels} channels. Choose a common divisor.`);
    this.name = name;
    this.run = run;
    this.options = rest;
    const kernel = eachOf(name, 'kernelSize', kernelSize, rank, 1);
    const shape = [inChannels, outChannels / groups, ...kernel];
    const bound = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
    const uniform = (sizes: Shape): Parameter => scope(() => new Parameter(sub(mul(rand(sizes), 2 * bound), bound)));
    this.weight = uniform(shape);
    this.bias = bias ? uniform([outChannels]) : null;
  }

  /** @param outputSize the output's last sizes, where several come to the input's; within a step of the smallest */
  forward(x: Tensor, outputSize?: readonly number[] | null): Tensor {
    assertTensor(this.name, x);
    const { options } = this;
    const outputPadding = outputSize ? this.paddingFor(x, outputSize) : options.outputPadding;
    return this.run(x, this.weight, this.bias, { ...options, ...(outputPadding !== undefined && { outputPadding }) } as ConvTransposeOptions<never>);
  }

  /** What the output has to have more behind to be of that size. */
  private paddingFor(x: Tensor, outputSize: readonly number[]): number | readonly number[] {
    const { name, options, weight } = this;
    checkArgument(name, 'outputSize', outputSize, NUMBERS);
    const rank = weight.rank - 2;
    const wanted = outputSize.slice(-rank);
    const each = (field: 'stride' | 'padding' | 'dilation', usual: number): readonly number[] => eachOf(name, field, options[field] ?? usual, rank, usual);
    const [stride, padding, dilation] = [each('stride', 1), each('padding', 0), each('dilation', 1)];
    const least = stride.map(
      (s, i) => ((x.sizes[x.rank - rank + i] as number) - 1) * s - 2 * (padding[i] as number) + (dilation[i] as number) * ((weight.sizes[i + 2] as number) - 1) + 1,
    );
    const more = least.map((n, i) => (wanted[i] as number) - n);
    if (![rank, x.rank, rank + 2].includes(outputSize.length) || !more.every((n, i) => Number.isSafeInteger(n) && n >= 0 && n < (stride[i] as number)))
      throw valueError(name, `outputSize must be from ${valueText(least)} to less than a step (${stride}) more, got ${valueText(outputSize)}.`);
    return rank === 1 ? (more[0] as number) : more;
  }
}

/**
 * Transposed convolution with learned kernels. x [N, C, L] or [C, L] → [..., O, OL], OL = (L − 1)·stride − 2·padding + dilation·(K − 1) +
 * outputPadding + 1. Weight [C, O/groups, K] and bias [O] start uniform in ±1/√(O/groups · K), as in PyTorch.
 *
 * @example
 * const up = new nn.ConvTranspose1d(8, 4, 2, { stride: 2 });
 * up.forward(randn([1, 8, 16])); // [1, 4, 32]
 */
export class ConvTranspose1d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: number, ...options: Given<ConvTransposeModuleOptions<number>, Positions<number>>) {
    super('ConvTranspose1d', convTranspose1d as Transposed, [COUNT, NATURAL], inChannels, outChannels, kernelSize, options);
  }
}

/**
 * As `ConvTranspose1d`, for images. x [N, C, H, W] or [C, H, W]; weight [C, O/groups, KH, KW].
 *
 * @example
 * const up = new nn.ConvTranspose2d(32, 16, 2, { stride: 2 });
 * up.forward(randn([8, 32, 16, 16])); // [8, 16, 32, 32]
 */
export class ConvTranspose2d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, ...options: Given<ConvTransposeModuleOptions<Pair>, Positions<Pair>>) {
    super('ConvTranspose2d', convTranspose2d as Transposed, [PAIR, MARGINS], inChannels, outChannels, kernelSize, options);
  }
}

/**
 * As `ConvTranspose1d`, for volumes. x [N, C, D, H, W] or [C, D, H, W]; weight [C, O/groups, KD, KH, KW].
 *
 * @example
 * const up = new nn.ConvTranspose3d(4, 2, 2, { stride: 2 });
 * up.forward(randn([1, 4, 3, 8, 8])); // [1, 2, 6, 16, 16]
 */
export class ConvTranspose3d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: Triple, ...options: Given<ConvTransposeModuleOptions<Triple>, Positions<Triple>>) {
    super('ConvTranspose3d', convTranspose3d as Transposed, [TRIPLE, MARGINS3], inChannels, outChannels, kernelSize, options);
  }
}
