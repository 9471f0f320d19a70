// Functions as modules. Each applies element by element unless it names a dimension.
import { Module } from '../module/module.ts';
import { flatten } from '../ops/movement.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import { elu, gelu, leakyRelu, relu, sigmoid, silu, softplus, tanh } from '../ops/unary.ts';
import type { Tensor } from '../tensor/tensor.ts';

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

  constructor(options: { approximate?: 'none' | 'tanh' } = {}) {
    super();
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return gelu(x, this.options);
  }
}

/** x above 0, slope·x below. */
export class LeakyReLU extends Module {
  private readonly options: { negativeSlope?: number };

  constructor(options: { negativeSlope?: number } = {}) {
    super();
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.options);
  }
}

/** x above 0, α(eˣ − 1) below. */
export class ELU extends Module {
  private readonly options: { alpha?: number };

  constructor(options: { alpha?: number } = {}) {
    super();
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return elu(x, this.options);
  }
}

/** ln(1 + e^(βx))/β. */
export class Softplus extends Module {
  private readonly options: { beta?: number; threshold?: number };

  constructor(options: { beta?: number; threshold?: number } = {}) {
    super();
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return softplus(x, this.options);
  }
}

/** eˣ/Σeˣ along a dimension. */
export class Softmax extends Module {
  private readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.dim);
  }
}

/** ln softmax along a dimension. */
export class LogSoftmax extends Module {
  private readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim);
  }
}

/** Dimensions `start` … `end` merged; the first one (the batch) stays unless said. */
export class Flatten extends Module {
  private readonly start: number;
  private readonly end: number;

  constructor(start = 1, end = -1) {
    super();
    this.start = start;
    this.end = end;
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.start, this.end);
  }
}

/** x as it is. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}
