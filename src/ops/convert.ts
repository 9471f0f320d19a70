// Between element types.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { assertArity, assertDType, assertTensor } from '../tensor/check.ts';
import type { DType } from '../tensor/dtype.ts';
import { GradloomError } from '../tensor/errors.ts';
import { apply, copyElements, type Op } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';

const KERNELS: Partial<Record<`${DType} ${DType}`, Kernel>> = {
  'float32 int32': 'floatToInt',
  'float32 bool': 'floatToBool',
  'int32 float32': 'intToFloat',
  'int32 bool': 'intToBool',
  'bool float32': 'intToFloat',
};

const toOp: Op<{ dtype: DType }> = {
  name: 'to',
  dtype: (_, { dtype }) => dtype,
  forward: (y, [x]) => {
    const from = x as Tensor;
    const kernel = KERNELS[`${from.dtype} ${y.dtype}`];
    if (kernel) call(kernel, from.address, y.address, y.size);
    else copyElements(from, y); // bool → int32: the same words
  },
};

/** The tensor in another element type (itself where it has it). Floats lose their fraction towards zero. No gradient passes. */
export function to(x: Tensor, dtype: DType): Tensor {
  assertArity('to', arguments.length, 2);
  assertTensor('to', x);
  if (x.dtype === dtype) return x;
  assertDType('to', dtype);
  return apply(toOp, [x], { dtype });
}

/** @internal x as float32: for functions that only make sense there. `op`: who asks, for messages. */
export function asFloat(x: Tensor, op = 'to'): Tensor {
  assertTensor(op, x);
  return to(x, 'float32');
}

/** @internal Throws unless x is float32. */
export function assertFloat(op: string, x: Tensor, name?: string): void {
  assertTensor(op, x, name);
  if (x.dtype !== 'float32') throw new GradloomError('DTYPE', op, `takes a float32 tensor, got ${x.describe()}. Convert it with .float().`);
}
