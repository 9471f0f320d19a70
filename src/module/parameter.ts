// Tensors that belong to a module: found by walking its fields, alive as long as it is.
import { assertArity, assertTensor, assertTrainable, FLAG, type Given, type Kinds, optionsBy } from '../tensor/check.ts';
import { copyElements } from '../tensor/op.ts';
import { lastingScope } from '../tensor/storage.ts';
import { empty, metaOf, Tensor } from '../tensor/tensor.ts';
import { parameterMade } from './unclaimed.ts';

/** Options of `Parameter`. */
export interface ParameterOptions {
  /** Whether it is trained; default true for float32. */
  requiresGrad?: boolean;
}

const OPTIONS: Kinds<ParameterOptions> = { requiresGrad: FLAG };

/** A copy of x's elements that outlives turns of loops. */
function own(op: string, x: Tensor): Tensor {
  assertTensor(op, x, 'data');
  const y = empty(x.sizes, x.dtype, lastingScope());
  y.storage.lasts = true;
  copyElements(x, y);
  return y;
}

/** A tensor to be trained: a leaf that requires a gradient and outlives turns of loops. Takes a copy of the data. */
export class Parameter extends Tensor {
  constructor(data: Tensor, ...given: Given<ParameterOptions, [requiresGrad?: boolean]>) {
    const { requiresGrad } = optionsBy('Parameter', given, OPTIONS);
    const y = own('Parameter', data);
    if (requiresGrad) assertTrainable('Parameter', y);
    super(y.storage, y.sizes, y.dtype);
    metaOf(this).wantsGrad = requiresGrad ?? y.dtype === 'float32';
    parameterMade(this);
  }
}

/** A tensor that is state but not trained (running statistics): saved with the module, outlives turns of loops. Takes a copy of the data. */
export class Buffer extends Tensor {
  constructor(data: Tensor) {
    assertArity('Buffer', arguments.length, 1);
    const y = own('Buffer', data);
    super(y.storage, y.sizes, y.dtype);
  }
}
