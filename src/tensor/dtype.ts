// Element types. All three occupy 32 bits, so movement kernels serve them all; a bool is the word 0 or 1.
import { float32View, int32View } from '../runtime/memory.ts';
import { GradloomError } from './errors.ts';

/** Element types: PyTorch's float32, int32 (also for its int64) and bool. */
export type DType = 'float32' | 'int32' | 'bool';

/** Every element type. */
export const DTYPES: readonly DType[] = ['float32', 'int32', 'bool'];

const RANK: Record<DType, number> = { bool: 0, int32: 1, float32: 2 };

/** The type that holds both: bool < int32 < float32. */
export function promote(a: DType, b: DType): DType {
  return RANK[a] >= RANK[b] ? a : b;
}

/** The view of memory that reads elements of this type. */
export function viewOf(dtype: DType): Float32Array | Int32Array {
  return dtype === 'float32' ? float32View() : int32View();
}

const word = new DataView(new ArrayBuffer(4));

/** A whole number as int32 holds it: what stands behind the point is cut off. */
export function int32Of(op: string, value: number): number {
  const whole = Math.trunc(value);
  if (whole >= -0x80000000 && whole <= 0x7fffffff) return whole;
  throw new GradloomError('VALUE', op, `${value} does not fit int32, −2147483648 … 2147483647. Use { dtype: 'float32' }.`);
}

/** The 32 bits of a value as an element of this type. */
export function bitsOf(value: number, dtype: DType, op: string = dtype): number {
  if (dtype === 'bool') return value === 0 ? 0 : 1; // NaN is not 0
  if (dtype === 'int32') return int32Of(op, value);
  word.setFloat32(0, value);
  return word.getInt32(0);
}
