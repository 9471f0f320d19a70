// Functions as modules. Each applies element by element unless it names a dimension.
import { Module } from '../module/module.ts';
import { flatten } from '../ops/movement.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import { assertTensor, checkArgument, type Given, type Kinds, NUMBER, oneOf, optionsBy, WHOLE } from '../tensor/check.ts';
import { elu, gelu, leakyRelu, relu, sigmoid, silu, softplus, tanh } from '../ops/unary.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The dimension that a layer must be given, by position or by name. */
export function dimOf(op: string, given: readonly unknown[]): number {
  const { dim } = optionsBy<{ dim: number }>(op, given, { dim: WHOLE });
  checkArgument(op, 'dim', dim, WHOLE);
  return dim;
}

/** max(x, 0). */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** tanh x. */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** 1/(1 + e⁻ˣ). */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/** x·sigmoid(x). */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** x·Φ(x), or its tanh form. */
export class GELU extends Module {
  private readonly options: { approximate?: 'none' | 'tanh' };

  constructor(...given: Given<{ approximate?: 'none' | 'tanh' }, [approximate?: 'none' | 'tanh']>) {
    super();
    this.options = { ...optionsBy<{ approximate?: 'none' | 'tanh' }>('GELU', given, { approximate: oneOf('none', 'tanh') }) };
  }

  forward(x: Tensor): Tensor {
    return gelu(x, this.options);
  }
}

/** x above 0, slope·x below. */
export class LeakyReLU extends Module {
  private readonly options: { negativeSlope?: number };

  constructor(...given: Given<{ negativeSlope?: number }, [negativeSlope?: number]>) {
    super();
    this.options = { ...optionsBy<{ negativeSlope?: number }>('LeakyReLU', given, { negativeSlope: NUMBER }) };
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.options);
  }
}

/** x above 0, α(eˣ − 1) below. */
export class ELU extends Module {
  private readonly options: { alpha?: number };

  constructor(...given: Given<{ alpha?: number }, [alpha?: number]>) {
    super();
    this.options = { ...optionsBy<{ alpha?: number }>('ELU', given, { alpha: NUMBER }) };
  }

  forward(x: Tensor): Tensor {
    return elu(x, this.options);
  }
}

/** ln(1 + e^(βx))/β. */
export class Softplus extends Module {
  private readonly options: { beta?: number; threshold?: number };

  constructor(...given: Given<{ beta?: number; threshold?: number }, [beta?: number, threshold?: number]>) {
    super();
    this.options = { ...optionsBy<{ beta?: number; threshold?: number }>('Softplus', given, { beta: NUMBER, threshold: NUMBER }) };
  }

  forward(x: Tensor): Tensor {
    return softplus(x, this.options);
  }
}

/** eˣ/Σeˣ along a dimension. */
export class Softmax extends Module {
  private readonly dim: number;

  constructor(...given: [dim: number] | [options: { dim: number }]) {
    super();
    this.dim = dimOf('Softmax', given);
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.dim);
  }
}

/** ln softmax along a dimension. */
export class LogSoftmax extends Module {
  private readonly dim: number;

  constructor(...given: [dim: number] | [options: { dim: number }]) {
    super();
    this.dim = dimOf('LogSoftmax', given);
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim);
  }
}

/** Options of `Flatten`, with PyTorch's defaults. */
export interface FlattenOptions {
  /** The first dimension to merge; default 1, so that the batch stays. */
  startDim?: number;
  /** The last one; default −1. */
  endDim?: number;
}

const FLATTEN: Kinds<FlattenOptions> = { startDim: WHOLE, endDim: WHOLE };

/** Dimensions `startDim` … `endDim` merged. */
export class Flatten extends Module {
  private readonly options: FlattenOptions;

  constructor(...given: Given<FlattenOptions, [startDim?: number, endDim?: number]>) {
    super();
    this.options = { ...optionsBy('Flatten', given, FLATTEN) };
  }

  forward(x: Tensor): Tensor {
    assertTensor('Flatten', x);
    const { startDim = 1, endDim = -1 } = this.options;
    return flatten(x, startDim, endDim);
  }
}

/** x as it is. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}
