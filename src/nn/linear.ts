import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { mul, sub } from '../ops/binary.ts';
import { rand } from '../ops/create.ts';
import { linear } from '../ops/matmul.ts';
import { assertTensor, checkArgument, COUNT, FLAG, type Given, type Kinds, optionsBy } from '../tensor/check.ts';
import type { Shape } from '../tensor/shape.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** @internal Uniform in [−bound, bound). */
export function uniform(shape: Shape, bound: number): Parameter {
  return scope(() => new Parameter(sub(mul(rand(shape), 2 * bound), bound)));
}

/** Options of `Linear`. */
export interface LinearOptions {
  /** Whether there is a bias; default true. */
  bias?: boolean;
}

const OPTIONS: Kinds<LinearOptions> = { bias: FLAG };

/**
 * y = x·Wᵀ + b. x [..., inFeatures] → [..., outFeatures].
 * Weight [outFeatures, inFeatures] and bias [outFeatures] start uniform in ±1/√inFeatures, as in PyTorch.
 */
export class Linear extends Module {
  /** W, [outFeatures, inFeatures]. */
  readonly weight: Parameter;
  /** b, [outFeatures]. */
  readonly bias: Parameter | null;
  /** How many numbers come in. */
  readonly inFeatures: number;
  /** How many come out. */
  readonly outFeatures: number;

  constructor(inFeatures: number, outFeatures: number, ...given: Given<LinearOptions, [bias?: boolean]>) {
    super();
    checkArgument('Linear', 'inFeatures', inFeatures, COUNT);
    checkArgument('Linear', 'outFeatures', outFeatures, COUNT);
    const { bias = true } = optionsBy('Linear', given, OPTIONS);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = uniform([outFeatures, inFeatures], bound);
    this.bias = bias ? uniform([outFeatures], bound) : null;
  }

  forward(x: Tensor): Tensor {
    assertTensor('Linear', x);
    return linear(x, this.weight, this.bias);
  }
}
