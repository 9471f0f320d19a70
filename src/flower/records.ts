// What a message carries, to and from objects: records of arrays, of metrics (numbers) and of configuration.
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { GradloomError, valueText } from '../tensor/errors.ts';
import { ConfigRecordSchema, type ConfigRecordValue, MetricRecordSchema, type MetricRecordValue } from './generated/recorddict_pb.ts';
import { assertNdArray, fromNpy, type NdArray, toNpy } from './npy.ts';
import { type Built, type Bytes, build, fromServer, read, textOf, utf8 } from './objects.ts';

/** Arrays by name: a model's state, or a row of it for each loss. */
export type Arrays = Record<string, NdArray>;
/** A number: a `number` goes as a double, a `bigint` as an integer. What comes as an integer is a number where float64 holds it exactly. */
export type Metric = number | bigint;
/** Metrics by name, among them `num-examples`, by which strategies weigh. */
export type Metrics = Record<string, Metric | readonly Metric[]>;
/** A value of a configuration. */
export type ConfigValue = Metric | boolean | string | Uint8Array;
/** Configuration by name. */
export type Config = Record<string, ConfigValue | readonly ConfigValue[]>;

/** Every record of a message, by kind and name. */
export interface Records {
  /** Records of arrays; strategies call theirs `arrays`. */
  arrays: Record<string, Arrays>;
  /** Records of metrics; strategies call theirs `metrics`. */
  metrics: Record<string, Metrics>;
  /** Records of configuration; strategies call theirs `config`. */
  config: Record<string, Config>;
}

/** A chunk's most bytes, as Flower's own clients send. */
const CHUNK = 5_242_880;

type Value = ConfigRecordValue['value'];
const KINDS = [
  { of: 'boolean', one: 'bool', list: 'boolList' },
  { of: 'string', one: 'string', list: 'stringList' },
  { of: 'number', one: 'double', list: 'doubleList' },
  { of: 'bigint', one: 'sint64', list: 'sintList' },
  { of: 'object', one: 'bytes', list: 'bytesList' },
] as const;

const isBytes = (v: unknown): boolean => v instanceof Uint8Array;
const LEAST = -(2n ** 63n);
const MOST = 2n ** 64n - 1n;

/** A value as the wire names it. */
function encoded(name: string, value: unknown): Value {
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  const kind = KINDS.find(({ of }) => of === typeof (values.length > 0 ? values[0] : 0));
  const fits =
    kind && values.every((v) => typeof v === kind.of && (kind.of !== 'object' || isBytes(v)) && (kind.of !== 'bigint' || ((v as bigint) >= LEAST && (v as bigint) <= MOST)));
  if (!fits) {
    throw new GradloomError('VALUE', 'clientApp', `'${name}' must be a number, a bigint of 64 bits, a boolean, text, bytes, or a list of one of these, got ${valueText(value)}.`);
  }
  const unsigned = kind.of === 'bigint' && (values as bigint[]).some((v) => v >= 2n ** 63n);
  if (Array.isArray(value)) return { case: unsigned ? 'uintList' : kind.list, value: { vals: values } } as unknown as Value;
  return { case: unsigned ? 'uint64' : kind.one, value } as Value;
}

const exact = (v: unknown): unknown => (typeof v === 'bigint' && v >= BigInt(Number.MIN_SAFE_INTEGER) && v <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(v) : v);

/** A value of the wire as users see it. */
function decoded({ value }: { value: Value | MetricRecordValue['value'] }): ConfigValue | ConfigValue[] {
  const found = value.value as { vals?: unknown[] } | undefined;
  return (found?.vals ? found.vals.map(exact) : exact(found)) as ConfigValue;
}

type Items = { items: { key: string; value?: ConfigRecordValue | MetricRecordValue | undefined }[] };
const valuesOf = ({ items }: Items): Config => Object.fromEntries(items.map(({ key, value }) => [key, decoded(value as ConfigRecordValue)]));
const itemsOf = (values: object): unknown => Object.entries(values).map(([key, value]) => ({ key, value: { value: encoded(key, value) } }));

/** JSON as Python writes it, so that equal records have equal ids there and here, and are sent once. */
function json(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(json).join(', ')}]`;
  if (typeof value === 'object' && value)
    return `{${Object.entries(value)
      .map(([key, v]) => `${json(key)}: ${json(v)}`)
      .join(', ')}}`;
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

async function buildArray(array: NdArray): Promise<Built> {
  const file = toNpy(array);
  const chunks: Built[] = [];
  for (let at = 0; at < file.length; at += CHUNK) chunks.push(await build('ArrayChunk', [], file.subarray(at, at + CHUNK)));
  const unique = [...new Set(chunks.map((chunk) => chunk.tree.objectId))];
  const about = { dtype: array.dtype, shape: array.shape, stype: 'numpy.ndarray', arraychunk_ids: chunks.map((chunk) => unique.indexOf(chunk.tree.objectId)) };
  return build('Array', chunks, utf8(json(about)));
}

/** A named collection, whose body says which child each name is. */
async function buildNamed(type: string, entries: readonly (readonly [string, Built])[]): Promise<Built> {
  const children = entries.map(([, child]) => child);
  return build(type, children, utf8(json(Object.fromEntries(entries.map(([name, child]) => [name, child.tree.objectId])))));
}

/** The object of a message's content. */
export async function buildRecords({ arrays, metrics, config }: Partial<Records>): Promise<Built> {
  const entries: [string, Built][] = [];
  for (const [name, record] of Object.entries(arrays ?? {})) {
    const items: [string, Built][] = [];
    for (const [key, array] of Object.entries(record)) {
      assertNdArray('clientApp', key, array);
      items.push([key, await buildArray(array)]);
    }
    entries.push([name, await buildNamed('ArrayRecord', items)]);
  }
  for (const [name, values] of Object.entries(metrics ?? {})) {
    const body = toBinary(MetricRecordSchema, create(MetricRecordSchema, { items: itemsOf(values) } as MessageInitShape<typeof MetricRecordSchema>));
    entries.push([name, await build('MetricRecord', [], body)]);
  }
  for (const [name, values] of Object.entries(config ?? {})) {
    const body = toBinary(ConfigRecordSchema, create(ConfigRecordSchema, { items: itemsOf(values) } as MessageInitShape<typeof ConfigRecordSchema>));
    entries.push([name, await build('ConfigRecord', [], body)]);
  }
  return buildNamed('RecordDict', entries);
}

/** The records below a message's object. @throws FORMAT */
export const readRecords = (messageId: string, objects: ReadonlyMap<string, Bytes>): Records => fromServer('the body of an object', () => recordsBelow(messageId, objects));

function recordsBelow(messageId: string, objects: ReadonlyMap<string, Bytes>): Records {
  const at = (id: string, types: string): ReturnType<typeof read> => {
    const bytes = objects.get(id);
    const found = bytes && read(bytes);
    if (!found || !types.split(' ').includes(found.type))
      throw new GradloomError('FORMAT', 'flower', `a message of the server has ${found?.type ?? 'nothing'} where ${types} should be.`);
    return found;
  };
  const named = (body: Bytes): [string, string][] => Object.entries(JSON.parse(textOf(body)) as Record<string, string>);
  const arrayOf = (id: string): NdArray => {
    const { children, body } = at(id, 'Array');
    const { stype, arraychunk_ids: order } = JSON.parse(textOf(body)) as { stype: string; arraychunk_ids: number[] };
    if (stype !== 'numpy.ndarray') throw new GradloomError('FORMAT', 'flower', `an array of the server is stored as ${valueText(stype)}. Send NumPy's.`);
    const chunks = order.map((i) => at(children[i] ?? '', 'ArrayChunk').body);
    const file = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
    let end = 0;
    for (const chunk of chunks) {
      file.set(chunk, end);
      end += chunk.length;
    }
    return fromNpy(file);
  };
  const records: Records = { arrays: {}, metrics: {}, config: {} };
  for (const dict of at(messageId, 'Message').children) {
    for (const [name, id] of named(at(dict, 'RecordDict').body)) {
      const { type, body } = at(id, 'ArrayRecord MetricRecord ConfigRecord');
      if (type === 'ArrayRecord') records.arrays[name] = Object.fromEntries(named(body).map(([key, array]) => [key, arrayOf(array)]));
      else if (type === 'MetricRecord') records.metrics[name] = valuesOf(fromBinary(MetricRecordSchema, body) as Items) as Metrics;
      else records.config[name] = valuesOf(fromBinary(ConfigRecordSchema, body) as Items);
    }
  }
  return records;
}
