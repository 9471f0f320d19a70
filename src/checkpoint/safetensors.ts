// The safetensors format: named tensors that any program can read without running anything (huggingface/safetensors, version 0.4).
//
//  ┌───────────┬──────────────────────────────────────────────┬──────────────────────────┐
//  │ n, u64 LE │ JSON, n bytes, spaces up to a multiple of 8  │ data, tensor after tensor│
//  └───────────┴──────────────────────────────────────────────┴──────────────────────────┘
//  JSON: { "__metadata__": { text: text }, name: { "dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24] }, … }
//  Offsets count from the end of the JSON; the data has no holes; elements are little-endian and row-major.
import { tensor } from '../ops/create.ts';
import { assertArity, isListOf, isPlainObject } from '../tensor/check.ts';
import type { DType } from '../tensor/dtype.ts';
import { GradloomError, shapeText, valueError, valueText } from '../tensor/errors.ts';
import { sizeOf } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { decoderOf, TYPES } from './elements.ts';

/** The format's own bound on the JSON: 100 MB. */
const LONGEST_HEADER = 100_000_000;
/** Data starts at a multiple of 8, so that readers may map it. */
const ALIGN = 8;

/** In the order in which the reference implementation writes them: widest first, so that all are aligned. */
const WRITTEN: readonly DType[] = ['float32', 'int32', 'bool'];
const NAMES: Record<DType, string> = { float32: 'F32', int32: 'I32', bool: 'BOOL' };

/**
 * Named tensors as the bytes of a safetensors file, float32 as F32, int32 as I32, bool as BOOL. `metadata` is text by text. The same
 * tensors give the same bytes.
 * @throws DTYPE where a value is no tensor; VALUE where metadata is not text, or a tensor is named `__metadata__`
 */
export function saveSafetensors(tensors: Readonly<Record<string, Tensor>>, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
  assertArity('saveSafetensors', arguments.length, 2);
  for (const [name, given] of Object.entries({ tensors, metadata })) {
    if (!isPlainObject(given)) throw valueError('saveSafetensors', `${name} must be an object by name, got ${valueText(given)}. Write { name: … }.`);
  }
  const entries = Object.entries(tensors);
  for (const [name, t] of entries) {
    if (!(t instanceof Tensor))
      throw new GradloomError(
        'DTYPE',
        'saveSafetensors',
        `'${name}' is ${t === null ? 'null' : typeof t}, not a tensor. Numbers and text go into metadata, or use checkpoint.save.`,
      );
    if (name === '__metadata__') throw valueError('saveSafetensors', "no tensor can be named '__metadata__': the format uses it. Give it another name.");
  }
  for (const [key, text] of Object.entries(metadata)) {
    if (typeof text !== 'string') throw valueError('saveSafetensors', `metadata '${key}' is ${typeof text}, not text. Write String(…) or JSON.stringify(…).`);
  }
  entries.sort(([a, s], [b, t]) => WRITTEN.indexOf(s.dtype) - WRITTEN.indexOf(t.dtype) || (a < b ? -1 : 1));
  const data = entries.map(([, t]) => t.data());
  let end = 0;
  // Written out by hand: objects would move names like '0' to the front.
  const lines = entries.map(([name, t], i) => {
    const start = end;
    end += (data[i] as Float32Array).byteLength;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype: NAMES[t.dtype], shape: t.sizes, data_offsets: [start, end] })}`;
  });
  if (Object.keys(metadata).length > 0) lines.unshift(`"__metadata__":${JSON.stringify(metadata)}`);
  const json = new TextEncoder().encode(`{${lines.join()}}`);
  const length = Math.ceil(json.length / ALIGN) * ALIGN;
  const bytes = new Uint8Array(8 + length + end);
  new DataView(bytes.buffer).setUint32(0, length, true);
  bytes.fill(0x20, 8, 8 + length);
  bytes.set(json, 8);
  let at = 8 + length;
  for (const d of data) {
    bytes.set(new Uint8Array(d.buffer, d.byteOffset, d.byteLength), at);
    at += d.byteLength;
  }
  return bytes;
}

/** A tensor's line of the header, checked. Offsets count from the start of the file. */
interface Entry {
  name: string;
  dtype: string;
  shape: number[];
  start: number;
  end: number;
}

function malformed(what: string, remedy = 'The file is damaged or no safetensors file.', cause?: unknown): GradloomError {
  return new GradloomError('FORMAT', 'loadSafetensors', `${what}. ${remedy}`, { cause });
}

/** A value of the header for a message: short, and however deep it is. */
function show(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? 'missing';
    return text.length > 80 ? `${text.slice(0, 80)}…` : text;
  } catch {
    return `a deep ${typeof value}`;
  }
}

const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

/** The JSON, and where the data starts. */
function headerOf(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8) throw malformed(`${bytes.length} bytes are too few: the first 8 hold the header's length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > LONGEST_HEADER) throw malformed(`the header would be ${length} bytes long, the format allows ${LONGEST_HEADER}`);
  if (length > bytes.length - 8) throw malformed(`the header is ${length} bytes long, but only ${bytes.length - 8} follow`, 'The file is cut short or no safetensors file.');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch (cause) {
    throw malformed(`the header (bytes 8 to ${8 + length}) is no JSON: ${(cause as Error).message}`, undefined, cause);
  }
  if (!isRecord(header)) throw malformed('the header is no JSON object');
  const metadata = header['__metadata__'] ?? {};
  if (!isRecord(metadata) || Object.values(metadata).some((v) => typeof v !== 'string')) throw malformed('__metadata__ does not give text by text');
  return { header, start: 8 + length };
}

function entryOf(name: string, info: unknown, data: number, total: number): Entry {
  const wrong = (what: string): GradloomError => malformed(`tensor '${name}': ${what}`);
  if (!isRecord(info)) throw wrong(`its entry is ${show(info)}, not an object`);
  const { dtype, shape, data_offsets: offsets } = info;
  if (typeof dtype !== 'string') throw wrong(`dtype is ${show(dtype)}, not text`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw wrong(`shape is ${show(shape)}, not a list of sizes`);
  if (!isListOf(offsets, isCount, 2) || (offsets[0] as number) > (offsets[1] as number)) throw wrong(`data_offsets are ${show(offsets)}, not [start, end]`);
  const [start, end] = offsets as [number, number];
  if (end > total) throw wrong(`its data ends at byte ${end} of the data, which has ${total}`);
  const type = Object.hasOwn(TYPES, dtype) ? TYPES[dtype] : undefined;
  if (!type) {
    throw new GradloomError(
      'DTYPE',
      'loadSafetensors',
      `tensor '${name}' has dtype ${dtype}, which has no place in 32 bits here. Convert it before; these are read: ${Object.keys(TYPES).join(', ')}.`,
    );
  }
  if (sizeOf(shape) * type.bytes !== end - start) throw wrong(`${shapeText(shape)} of ${dtype} needs ${sizeOf(shape) * type.bytes} bytes, its data_offsets hold ${end - start}`);
  return { name, dtype, shape, start: data + start, end: data + end };
}

/** Every tensor's place; together they must cover the data without hole or overlap. */
function entriesOf(bytes: Uint8Array): Entry[] {
  const { header, start } = headerOf(bytes);
  const entries = Object.entries(header).flatMap(([name, info]) => (name === '__metadata__' ? [] : [entryOf(name, info, start, bytes.length - start)]));
  let at = start;
  for (const e of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (e.start !== at) throw malformed(`tensor '${e.name}' starts at byte ${e.start}, the one before it ends at ${at}`);
    at = e.end;
  }
  if (at !== bytes.length) throw malformed(`the last tensor ends at byte ${at} of ${bytes.length}`);
  return entries;
}

const viewOfBytes = (bytes: Uint8Array | ArrayBuffer): Uint8Array => {
  if (bytes?.byteLength === 0) return new Uint8Array(); // a detached buffer allows no view
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  throw new GradloomError('DTYPE', 'loadSafetensors', `takes the file's bytes, got ${typeof bytes}. Read it as an ArrayBuffer or Uint8Array.`);
};

/**
 * The tensors of a safetensors file by name, in fresh memory. F32, I32 and BOOL are read as they are; F16, BF16, both F8 and small integers are
 * widened, which loses nothing; F64 is rounded to float32, the one loss; I64, U64 and U32 become int32 where every value fits.
 * @throws FORMAT where the bytes are malformed, saying what and where; DTYPE where a type is not read; VALUE where a number does not fit
 */
export function loadSafetensors(bytes: Uint8Array | ArrayBuffer): Record<string, Tensor> {
  assertArity('loadSafetensors', arguments.length, 1);
  const file = viewOfBytes(bytes);
  // All is decoded before the first tensor is made.
  const decoded = entriesOf(file).map(({ name, dtype, shape, start, end }) => ({ name, shape, ...decoderOf(dtype, name)(file.slice(start, end)) }));
  return Object.fromEntries(decoded.map(({ name, shape, values, dtype }) => [name, tensor(values, { dtype, shape })]));
}

/** The metadata of a safetensors file: text by text, empty where there is none. */
export function readMetadata(bytes: Uint8Array | ArrayBuffer): Record<string, string> {
  assertArity('readMetadata', arguments.length, 1);
  return (headerOf(viewOfBytes(bytes)).header['__metadata__'] ?? {}) as Record<string, string>;
}
