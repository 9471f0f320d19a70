// Smooth activations and gates as modules.
import { Module } from '../module/module.ts';
import { celu, glu, logsigmoid, mish, selu, softmin, softsign, tanhshrink } from '../ops/smooth.ts';
import { type Given, NUMBER, optionsBy, WHOLE } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { dimOf } from './activations.ts';

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

  constructor(...given: Given<{ alpha?: number }, [alpha?: number]>) {
    super();
    this.options = { ...optionsBy<{ alpha?: number }>('CELU', given, { alpha: NUMBER }) };
    const { alpha = 1 } = this.options;
    if (!(alpha > 0)) throw valueError('CELU', `alpha must be > 0, got ${alpha}.`);
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

  constructor(...given: [dim: number] | [options: { dim: number }]) {
    super();
    this.dim = dimOf('Softmin', given);
  }

  forward(x: Tensor): Tensor {
    return softmin(x, this.dim);
  }
}

/** a·sigmoid(b), a and b the halves of a dimension; default the last. */
export class GLU extends Module {
  private readonly dim: number;

  constructor(...given: Given<{ dim?: number }, [dim?: number]>) {
    super();
    const { dim = -1 } = optionsBy<{ dim?: number }>('GLU', given, { dim: WHOLE });
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    return glu(x, this.dim);
  }
}
