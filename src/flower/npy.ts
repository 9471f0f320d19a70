// NumPy's .npy files, versions 1 to 3: what Flower's arrays hold.
import { GradloomError, shapeText, valueText } from '../tensor/errors.ts';
import { sizeOf } from '../tensor/shape.ts';
import { type Bytes, textOf, utf8 } from './objects.ts';

/** NumPy's names of element types. */
export type NdType = 'float32' | 'float64' | 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'bool';

const TYPES = {
  float32: ['<f4', Float32Array],
  float64: ['<f8', Float64Array],
  int8: ['|i1', Int8Array],
  int16: ['<i2', Int16Array],
  int32: ['<i4', Int32Array],
  int64: ['<i8', BigInt64Array],
  uint8: ['|u1', Uint8Array],
  uint16: ['<u2', Uint16Array],
  uint32: ['<u4', Uint32Array],
  uint64: ['<u8', BigUint64Array],
  bool: ['|b1', Uint8Array],
} as const satisfies Record<NdType, readonly unknown[]>;

/** Elements, row-major. */
export type NdData = Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | BigInt64Array | Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

/** An array as it goes over the wire: plain data, which a Worker can be sent. */
export interface NdArray {
  /** NumPy's name of the element type. */
  readonly dtype: NdType;
  /** Sizes, [] for a single number. */
  readonly shape: readonly number[];
  /** The elements, row-major; those of a bool are 0 and 1. */
  readonly data: NdData;
}

/** Throws unless it is an array whose elements are as many as its shape says and of its type. */
export function assertNdArray(op: string, name: string, array: NdArray): void {
  const { dtype, shape, data } = (array ?? {}) as Partial<NdArray>;
  const type = TYPES[dtype as NdType];
  if (type && Array.isArray(shape) && [...shape].every((n) => Number.isSafeInteger(n) && n >= 0) && data instanceof type[1] && data.length === sizeOf(shape)) return;
  const found = array && typeof array === 'object' ? `{ dtype: ${valueText(dtype)}, shape: ${valueText(shape)}, data: ${data?.length} elements }` : valueText(array);
  throw new GradloomError('VALUE', op, `'${name}' must be { dtype, shape, data } with a typed array as long as the shape says, got ${found}. Use arraysOf(model).`);
}

/** An array as the bytes of a file. */
export function toNpy({ dtype, shape, data }: NdArray): Bytes {
  const dict = `{'descr': '${TYPES[dtype][0]}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const header = utf8(`NUMPY\x01\0\0\0${dict}`); // 0x93 stands before it
  const length = Math.ceil((header.length + 2) / 64) * 64;
  const bytes = new Uint8Array(length + data.byteLength).fill(0x20, 0, length);
  bytes.set(header, 1);
  bytes[0] = 0x93;
  new DataView(bytes.buffer).setUint16(8, length - 10, true);
  bytes[length - 1] = 10;
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), length);
  return bytes;
}

const broken = (what: string): GradloomError => new GradloomError('FORMAT', 'flower', `an array of the server ${what}. Send arrays of NumPy with numbers of 1 to 8 bytes.`);

/** A column-major array's elements, row-major. */
function rowMajor<T extends NdData>(data: T, shape: readonly number[]): T {
  const result = data.slice() as T;
  const strides = shape.map((_, i) => sizeOf(shape.slice(0, i)));
  const at = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    result[i] = data[at.reduce((sum, k, dim) => sum + k * (strides[dim] as number), 0)] as never;
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      at[dim] = (at[dim] as number) + 1;
      if (at[dim] !== shape[dim]) break;
      at[dim] = 0;
    }
  }
  return result;
}

/** The array in the bytes of a file. @throws FORMAT */
export function fromNpy(bytes: Bytes): NdArray {
  if (bytes.length < 12 || bytes[0] !== 0x93 || textOf(bytes.subarray(1, 6)) !== 'NUMPY') throw broken('is no .npy file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes[6] === 1 ? 10 : 12;
  const end = start + (bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = textOf(bytes.subarray(start, end));
  const [, descr] = /'descr': '([^']*)'/.exec(header) ?? [];
  const [, sizes] = /'shape': \(([^)]*)\)/.exec(header) ?? [];
  const found = (Object.entries(TYPES) as [NdType, (typeof TYPES)[NdType]][]).find(([, [code]]) => code === descr);
  if (!found || sizes === undefined) throw broken(`has the header ${valueText(header.trim())}`);
  const [dtype, [, Type]] = found;
  const shape = sizes.split(',').flatMap((n) => (n.trim() === '' ? [] : [Number(n)]));
  const body = bytes.slice(end);
  if (body.length !== sizeOf(shape) * Type.BYTES_PER_ELEMENT) throw broken(`of shape ${shapeText(shape)} has ${body.length} bytes`);
  const data = new Type(body.buffer);
  return { dtype, shape, data: /'fortran_order': True/.test(header) ? rowMajor(data, shape) : data };
}
