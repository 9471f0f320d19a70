import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { bilinear } from '../ops/bilinear.ts';
import { mul, sub } from '../ops/binary.ts';
import { rand } from '../ops/create.ts';
import { localResponseNorm, type LocalResponseNormOptions } from '../ops/localnorm.ts';
import { checkArgument, COUNT, FINITE, FLAG, type Given, type Kinds, optionsBy } from '../tensor/check.ts';
import { scope } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Options of `Bilinear`. */
export interface BilinearOptions {
  /** Whether there is a bias; default true. */
  bias?: boolean;
}

const OPTIONS: Kinds<BilinearOptions> = { bias: FLAG };

/**
 * y_o = x1ᵀ W_o x2 + b_o. x1 [..., in1Features], x2 [..., in2Features] → [..., outFeatures].
 * Weight [outFeatures, in1Features, in2Features] and bias [outFeatures] start uniform in ±1/√in1Features, as in PyTorch.
 *
 * @example
 * new nn.Bilinear(3, 4, 2).forward(randn([8, 3]), randn([8, 4])); // [8, 2]
 */
export class Bilinear extends Module {
  /** W, [outFeatures, in1Features, in2Features]. */
  readonly weight: Parameter;
  /** b, [outFeatures]. */
  readonly bias: Parameter | null;

  constructor(in1Features: number, in2Features: number, outFeatures: number, ...given: Given<BilinearOptions, [bias?: boolean]>) {
    super();
    for (const [name, n] of Object.entries({ in1Features, in2Features, outFeatures })) checkArgument('Bilinear', name, n, COUNT);
    const { bias = true } = optionsBy('Bilinear', given, OPTIONS);
    const bound = 1 / Math.sqrt(in1Features);
    const uniform = (sizes: Shape): Parameter => scope(() => new Parameter(sub(mul(rand(sizes), 2 * bound), bound)));
    this.weight = uniform([outFeatures, in1Features, in2Features]);
    this.bias = bias ? uniform([outFeatures]) : null;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias);
  }
}

const LOCAL: Kinds<LocalResponseNormOptions> = { alpha: FINITE, beta: FINITE, k: FINITE };

/**
 * x/(k + α·mean(x²))^β, the mean over `size` channels around each (Krizhevsky et al. 2012). x [N, C, ...].
 *
 * @example
 * new nn.LocalResponseNorm(2).forward(randn([1, 5, 7, 7])); // [1, 5, 7, 7]
 */
export class LocalResponseNorm extends Module {
  private readonly size: number;
  private readonly options: LocalResponseNormOptions;

  constructor(size: number, ...given: Given<LocalResponseNormOptions, [alpha?: number, beta?: number, k?: number]>) {
    super();
    checkArgument('LocalResponseNorm', 'size', size, COUNT);
    this.size = size;
    this.options = { ...optionsBy('LocalResponseNorm', given, LOCAL) };
  }

  forward(x: Tensor): Tensor {
    return localResponseNorm(x, this.size, this.options);
  }
}
