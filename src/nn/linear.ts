import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { mul, sub } from '../ops/binary.ts';
import { rand } from '../ops/create.ts';
import { linear } from '../ops/matmul.ts';
import { valueError } from '../tensor/errors.ts';
import type { Shape } from '../tensor/shape.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Uniform in [−bound, bound). */
function uniform(shape: Shape, bound: number): Parameter {
  return scope(() => new Parameter(sub(mul(rand(shape), 2 * bound), bound)));
}

/**
 * y = x·Wᵀ + b. x [..., inFeatures] → [..., outFeatures].
 * Weight [outFeatures, inFeatures] and bias [outFeatures] start uniform in ±1/√inFeatures, as in PyTorch.
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly inFeatures: number;
  readonly outFeatures: number;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean } = {}) {
    super();
    for (const n of [inFeatures, outFeatures])
      if (!Number.isInteger(n) || n < 1) throw valueError('Linear', `features are whole numbers ≥ 1, got ${inFeatures} and ${outFeatures}.`);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = uniform([outFeatures, inFeatures], bound);
    this.bias = (options.bias ?? true) ? uniform([outFeatures], bound) : null;
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
