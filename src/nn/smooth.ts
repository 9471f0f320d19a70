// Smooth activations and gates as modules.
import { Module } from '../module/module.ts';
import { celu, glu, logsigmoid, mish, selu, softmin, softsign, tanhshrink } from '../ops/smooth.ts';
import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** ln sigmoid(x). */
export class LogSigmoid extends Module {
  forward(x: Tensor): Tensor {
    return logsigmoid(x);
  }
}

/** x·tanh(ln(1 + eˣ)). */
export class Mish extends Module {
  forward(x: Tensor): Tensor {
    return mish(x);
  }
}

/** λ·x above 0, λα(eˣ − 1) below, with the constants that keep mean 0 and variance 1. */
export class SELU extends Module {
  forward(x: Tensor): Tensor {
    return selu(x);
  }
}

/** x above 0, α(e^(x/α) − 1) below. */
export class CELU extends Module {
  private readonly options: { alpha?: number };

  constructor(options: { alpha?: number } = {}) {
    super();
    if (!((options.alpha ?? 1) > 0)) throw valueError('CELU', `alpha must be > 0, got ${options.alpha}.`);
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return celu(x, this.options);
  }
}

/** x/(1 + |x|). */
export class Softsign extends Module {
  forward(x: Tensor): Tensor {
    return softsign(x);
  }
}

/** x − tanh x. */
export class Tanhshrink extends Module {
  forward(x: Tensor): Tensor {
    return tanhshrink(x);
  }
}

/** softmax(−x) along a dimension. */
export class Softmin extends Module {
  private readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    return softmin(x, this.dim);
  }
}

/** a·sigmoid(b), a and b the halves of a dimension; the last unless said. */
export class GLU extends Module {
  private readonly dim: number;

  constructor(dim = -1) {
    super();
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    return glu(x, this.dim);
  }
}
