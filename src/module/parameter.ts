// Tensors that belong to a module: found by walking its fields, alive as long as it is.
import { copyElements } from '../tensor/op.ts';
import { empty, Tensor } from '../tensor/tensor.ts';

/** A copy of x's elements that outlives scopes. */
function own(x: Tensor): Tensor {
  const y = empty(x.shape, x.dtype, null);
  copyElements(x, y);
  return y;
}

/** A tensor to be trained: a leaf that requires a gradient and outlives scopes. Takes a copy of the data. */
export class Parameter extends Tensor {
  constructor(data: Tensor, options: { requiresGrad?: boolean } = {}) {
    const y = own(data);
    super(y.storage, y.shape, y.dtype);
    this.wantsGrad = options.requiresGrad ?? y.dtype === 'float32';
  }
}

/** A tensor that is state but not trained (running statistics): saved with the module, outlives scopes. Takes a copy of the data. */
export class Buffer extends Tensor {
  constructor(data: Tensor) {
    const y = own(data);
    super(y.storage, y.shape, y.dtype);
  }
}
