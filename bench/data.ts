// The numbers that every peer starts from, made once and handed over as raw little-endian words.
import { writeFileSync } from 'node:fs';
import type { Fill, Work } from './works.ts';

export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Inputs by name. */
export type Data = ReadonlyMap<string, Values>;

/** Uniform numbers in [0, 1): mulberry32. Good enough for test data, and four lines in any language. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Works of one operation and one set of shapes share their numbers. */
function seedOf(work: Work): number {
  let seed = 1;
  for (const c of JSON.stringify([work.operation, work.inputs])) seed = (Math.imul(seed, 31) + c.charCodeAt(0)) | 0;
  return seed;
}

function fillIn(count: number, fill: Fill, next: () => number, before: Data): Float32Array | Int32Array {
  if ('same' in fill) return (before.get(fill.same) as Values).data.slice();
  if ('coin' in fill) return Float32Array.from({ length: count }, () => (next() < 0.5 ? 0 : 1));
  if ('classes' in fill) return Int32Array.from({ length: count }, () => Math.floor(next() * fill.classes));
  // A sum of twelve uniform numbers is as normal as a bench needs.
  if ('normal' in fill) return Float32Array.from({ length: count }, () => Array.from({ length: 12 }, next).reduce((a, b) => a + b, -6));
  return Float32Array.from({ length: count }, () => fill.from + (fill.to - fill.from) * next());
}

export function dataOf(work: Work): Data {
  const next = uniform(seedOf(work));
  const data = new Map<string, Values>();
  for (const { name, shape, fill } of work.inputs) {
    const count = shape.reduce((a, b) => a * b, 1);
    data.set(name, { shape, data: fillIn(count, fill, next, data) });
  }
  return data;
}

export interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  /** Bytes from the file's start. */
  readonly offset: number;
}

/** Writes all inputs into one file; the list says what lies where. */
export function writeData(file: string, work: Work): Entry[] {
  let offset = 0;
  const parts: Uint8Array[] = [];
  const entries = Array.from(dataOf(work), ([name, { shape, data }]): Entry => {
    const entry = { name, shape, dtype: data instanceof Int32Array ? 'int32' : 'float32', offset } as const;
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
    return entry;
  });
  writeFileSync(file, Buffer.concat(parts));
  return entries;
}
