// Activations of straight pieces as modules. Each applies element by element.
import { Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { full } from '../ops/create.ts';
import { reshape } from '../ops/movement.ts';
import { hardshrink, hardsigmoid, hardswish, hardtanh, type HardtanhOptions, relu6, softshrink, threshold } from '../ops/piecewise.ts';
import { prelu } from '../ops/unary.ts';
import { assertTensor, checkArgument, COUNT, type Given, type Kinds, NUMBER, optionsBy } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

const HARDTANH: Kinds<HardtanhOptions> = { minVal: NUMBER, maxVal: NUMBER };

/** x kept within [minVal, maxVal]. */
export class Hardtanh extends Module {
  private readonly options: HardtanhOptions;

  constructor(...given: Given<HardtanhOptions, [minVal?: number, maxVal?: number]>) {
    super();
    this.options = { ...optionsBy('Hardtanh', given, HARDTANH) };
    const { minVal = -1, maxVal = 1 } = this.options;
    if (!(minVal < maxVal)) throw valueError('Hardtanh', `minVal must be < maxVal, got ${minVal} and ${maxVal}. Swap them.`);
  }

  forward(x: Tensor): Tensor {
    return hardtanh(x, this.options);
  }
}

/** min(max(x, 0), 6). */
export class ReLU6 extends Module {
  forward(x: Tensor): Tensor {
    return relu6(x);
  }
}

/** min(max(x/6 + ½, 0), 1). */
export class Hardsigmoid extends Module {
  forward(x: Tensor): Tensor {
    return hardsigmoid(x);
  }
}

/** x·hardsigmoid(x). */
export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return hardswish(x);
  }
}

/** x where |x| > lambd, else 0. */
export class Hardshrink extends Module {
  private readonly lambd: number;

  constructor(...given: Given<{ lambd?: number }, [lambd?: number]>) {
    super();
    const { lambd = 0.5 } = optionsBy<{ lambd?: number }>('Hardshrink', given, { lambd: NUMBER });
    this.lambd = lambd;
  }

  forward(x: Tensor): Tensor {
    return hardshrink(x, { lambd: this.lambd });
  }
}

/** x moved towards 0 by lambd, 0 where it would pass it. */
export class Softshrink extends Module {
  private readonly lambd: number;

  constructor(...given: Given<{ lambd?: number }, [lambd?: number]>) {
    super();
    const { lambd = 0.5 } = optionsBy<{ lambd?: number }>('Softshrink', given, { lambd: NUMBER });
    if (!(lambd >= 0)) throw valueError('Softshrink', `lambd must be ≥ 0, got ${lambd}.`);
    this.lambd = lambd;
  }

  forward(x: Tensor): Tensor {
    return softshrink(x, { lambd: this.lambd });
  }
}

/** x above the threshold, else `value`. */
export class Threshold extends Module {
  private readonly at: number;
  private readonly value: number;

  constructor(...given: [threshold: number, value: number] | [options: { threshold: number; value: number }]) {
    super();
    const { threshold, value } = optionsBy<{ threshold: number; value: number }>('Threshold', given, { threshold: NUMBER, value: NUMBER });
    checkArgument('Threshold', 'threshold', threshold, NUMBER);
    checkArgument('Threshold', 'value', value, NUMBER);
    this.at = threshold;
    this.value = value;
  }

  forward(x: Tensor): Tensor {
    return threshold(x, this.at, this.value);
  }
}

/** Options of `PReLU`, with PyTorch's defaults. */
export interface PReLUOptions {
  /** How many slopes: 1, or one per channel; default 1. */
  numParameters?: number;
  /** What they start at; default ¼. */
  init?: number;
}

const PRELU: Kinds<PReLUOptions> = { numParameters: COUNT, init: NUMBER };

/**
 * x above 0, weight·x below, the weight learned: one for all, or one per channel (dimension 1; He et al. 2015, arXiv 1502.01852).
 * Weight [numParameters] starts at `init`, default ¼.
 */
export class PReLU extends Module {
  /** The slopes, [numParameters]. */
  readonly weight: Parameter;

  constructor(...given: Given<PReLUOptions, [numParameters?: number, init?: number]>) {
    super();
    const { numParameters = 1, init = 0.25 } = optionsBy('PReLU', given, PRELU);
    this.weight = scope(() => new Parameter(full([numParameters], init)));
  }

  forward(x: Tensor): Tensor {
    assertTensor('PReLU', x);
    const n = this.weight.size;
    if (n === 1) return prelu(x, reshape(this.weight, []));
    const channels = x.rank < 2 ? x.sizes[0] : x.sizes[1];
    if (channels !== n) throw shapeError('PReLU', 'the input has not one channel per weight', [x.sizes, this.weight.sizes], 'Its dimension 1 must be as long as the weight.');
    return prelu(x, x.rank < 2 ? this.weight : reshape(this.weight, [n, ...x.sizes.slice(2).map(() => 1)]));
  }
}
