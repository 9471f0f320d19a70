// The case format of ../shared/conformance/README.md, read into our tensors and plain values.
import { type DType, type Tensor, tensor } from 'gradloom';

/** A tensor as a case file holds it. */
export interface EncodedTensor {
  tensor: string;
  shape: number[];
  /** Base64 of little-endian elements; i64 as int32, bool as bytes. */
  data: string;
  requiresGrad?: boolean;
}

/** Thrown where our API does not offer what a case asks for. The message names it in a few words. */
export class Unsupported extends Error {}

/** Our type for PyTorch's: one kind of float, one of integer, bool. */
const TYPES: Readonly<Record<string, DType>> = { f32: 'float32', i64: 'int32', i32: 'int32', bool: 'bool' };

/** Our type of that name. Throws where we have none: float64, uint8 and the like. */
export function typeOf(name: string): DType {
  const type = TYPES[name];
  if (!type) throw new Unsupported(`dtype ${name}`);
  return type;
}

export function isEncodedTensor(value: unknown): value is EncodedTensor {
  return typeof value === 'object' && value !== null && 'tensor' in value && 'data' in value;
}

/** The elements of an encoded tensor. */
export function elementsOf({ tensor: type, data }: EncodedTensor): Float32Array | Int32Array | Uint8Array {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64')); // a copy: typed arrays need an aligned start
  if (type === 'bool' || type === 'u8') return bytes;
  return type === 'f32' ? new Float32Array(bytes.buffer) : new Int32Array(bytes.buffer);
}

/** A tensor of ours with the encoded elements; a leaf that wants a gradient where the case says so. */
export function decodeTensor(encoded: EncodedTensor): Tensor {
  const { shape, requiresGrad = false } = encoded;
  return tensor(elementsOf(encoded), { shape, dtype: typeOf(encoded.tensor), requiresGrad });
}

/**
 * An argument: tensors become ours, `{"float": "inf"}` and `{"dtype": "f32"}` what they stand for; slices and ellipses stay as they are.
 * Tensors that want a gradient are added to `leaves` in the order in which they appear.
 */
export function decode(value: unknown, leaves: Tensor[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((v) => decode(v, leaves));
  if (isEncodedTensor(value)) {
    const t = decodeTensor(value);
    if (value.requiresGrad) leaves.push(t);
    return t;
  }
  if ('float' in value) return toNumber(String(value.float));
  if ('dtype' in value) return typeOf(String(value.dtype));
  if ('dict' in value) return decodeRecord(value.dict as Record<string, unknown>, leaves);
  return value;
}

/** Keyword arguments, decoded in their order. */
export function decodeRecord(values: Readonly<Record<string, unknown>>, leaves: Tensor[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, v]) => [name, decode(v, leaves)]));
}

/** 'inf', '-inf' and 'nan' as Python writes them. */
function toNumber(text: string): number {
  return text.endsWith('inf') ? (text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY) : Number.parseFloat(text);
}

/** The tensors of an output in order, through lists and tuples; what is no tensor is left out. */
export function tensorsIn<T>(value: unknown, isTensor: (v: unknown) => v is T): T[] {
  if (isTensor(value)) return [value];
  return Array.isArray(value) ? value.flatMap((v) => tensorsIn(v, isTensor)) : [];
}
