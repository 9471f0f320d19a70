// Elements of safetensors files as what fits into 32 bits here.
import type { DType } from '../tensor/dtype.ts';
import { valueError } from '../tensor/errors.ts';

/** Numbers to make a tensor from. */
interface Decoded {
  values: Float32Array | Int32Array | Uint8Array;
  dtype: DType;
}

/** Takes the bytes of one tensor, at the start of a buffer of their own, so that any view of them is aligned. */
type Decode = (bytes: Uint8Array<ArrayBuffer>, refuse: (what: string) => never) => Decoded;

const word = new DataView(new ArrayBuffer(4));
const fromBits = (bits: number): number => {
  word.setUint32(0, bits);
  return word.getFloat32(0);
};

/** A half (1 sign, 5 exponent, 10 mantissa bits) as the float32 of the same value, by bits, so that NaNs stay what they are. */
function half(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return fromBits((sign | 0x7f800000 | (mantissa << 13)) >>> 0);
  if (exponent === 0) return (sign ? -mantissa : mantissa) * 2 ** -24; // subnormal, or a zero of either sign
  return fromBits((sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0);
}

/** 1 sign, 4 exponent, 3 mantissa bits without infinities: all ones but the sign are NaN (arXiv 2209.05433). */
function quarter(bits: number): number {
  const [exponent, mantissa] = [(bits >> 3) & 15, bits & 7];
  const size = (bits & 127) === 127 ? Number.NaN : exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10);
  return bits & 128 ? -size : size;
}

const float = (values: Float32Array): Decoded => ({ values, dtype: 'float32' });
const int = (values: Int32Array): Decoded => ({ values, dtype: 'int32' });

/** 64-bit and unsigned integers, where each fits. */
function narrowed(values: ArrayLike<number | bigint>, refuse: (what: string) => never): Decoded {
  return int(
    Int32Array.from(values as ArrayLike<number>, (v, i) => {
      if (v > 0x7fffffff || v < -0x80000000) refuse(`element ${i} is ${v}, outside of int32`);
      return Number(v);
    }),
  );
}

/** What is read: bytes per element, and how. */
export const TYPES: Readonly<Record<string, { bytes: number; decode: Decode }>> = {
  F32: { bytes: 4, decode: ({ buffer }) => float(new Float32Array(buffer)) },
  F16: { bytes: 2, decode: ({ buffer }) => float(Float32Array.from(new Uint16Array(buffer), half)) },
  BF16: { bytes: 2, decode: ({ buffer }) => float(Float32Array.from(new Uint16Array(buffer), (b) => fromBits((b << 16) >>> 0))) },
  F8_E5M2: { bytes: 1, decode: (bytes) => float(Float32Array.from(bytes, (b) => half(b << 8))) },
  F8_E4M3: { bytes: 1, decode: (bytes) => float(Float32Array.from(bytes, quarter)) },
  F64: {
    bytes: 8,
    decode: ({ buffer }, refuse) => {
      const wide = new Float64Array(buffer);
      const values = Float32Array.from(wide);
      const at = values.findIndex((v, i) => !Number.isFinite(v) && Number.isFinite(wide[i]));
      return at < 0 ? float(values) : refuse(`element ${at} is ${wide[at]}, outside of float32`);
    },
  },
  I32: { bytes: 4, decode: ({ buffer }) => int(new Int32Array(buffer)) },
  I64: { bytes: 8, decode: ({ buffer }, refuse) => narrowed(new BigInt64Array(buffer) as unknown as ArrayLike<bigint>, refuse) },
  U64: { bytes: 8, decode: ({ buffer }, refuse) => narrowed(new BigUint64Array(buffer) as unknown as ArrayLike<bigint>, refuse) },
  U32: { bytes: 4, decode: ({ buffer }, refuse) => narrowed(new Uint32Array(buffer), refuse) },
  I16: { bytes: 2, decode: ({ buffer }) => int(Int32Array.from(new Int16Array(buffer))) },
  U16: { bytes: 2, decode: ({ buffer }) => int(Int32Array.from(new Uint16Array(buffer))) },
  I8: { bytes: 1, decode: ({ buffer }) => int(Int32Array.from(new Int8Array(buffer))) },
  U8: { bytes: 1, decode: (bytes) => int(Int32Array.from(bytes)) },
  BOOL: {
    bytes: 1,
    decode: (bytes, refuse) => {
      const at = bytes.findIndex((b) => b > 1);
      return at < 0 ? { values: bytes, dtype: 'bool' } : refuse(`element ${at} is the byte ${bytes[at]}, a bool is 0 or 1`);
    },
  },
};

/** How to read a tensor of this type; `name` is for errors. */
export function decoderOf(dtype: string, name: string): (bytes: Uint8Array<ArrayBuffer>) => Decoded {
  const { decode } = TYPES[dtype] as { decode: Decode };
  return (bytes) =>
    decode(bytes, (what) => {
      throw valueError('loadSafetensors', `tensor '${name}' (${dtype}): ${what}. Convert it before.`);
    });
}
