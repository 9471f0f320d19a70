// Element types. All three occupy 32 bits, so movement kernels serve them all; a bool is the word 0 or 1.
import { float32View, int32View } from '../runtime/memory.ts';

/** Element types: PyTorch's float32, int32 (also for its int64) and bool. */
export type DType = 'float32' | 'int32' | 'bool';

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

/** The 32 bits of a value as an element of this type. */
export function bitsOf(value: number, dtype: DType): number {
  if (dtype === 'bool') return value ? 1 : 0;
  if (dtype === 'int32') return value | 0;
  word.setFloat32(0, value);
  return word.getInt32(0);
}
