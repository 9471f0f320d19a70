// A training run's state in one file: tensors become entries of a safetensors file, named by their path; numbers, text and the
// structure around them become JSON in its metadata.
//
//   save({ model: model.stateDict(), optim: optimizer.stateDict(), step: 12 })
//     tensors   model.0.weight, optim.state.0.expAvg, …
//     metadata  { "gradloom.state": { "model": { "0.weight": { "$tensor": "model.0.weight" }, … }, …, "step": 12 } }
import { assertArity, isPlainObject } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { Tensor } from '../tensor/tensor.ts';
import { loadSafetensors, readMetadata, saveSafetensors } from './safetensors.ts';

const KEY = 'gradloom.state';
/** Deeper is a circle, or no state. */
const DEEPEST = 200;

/** JSON for a value, with marks for tensors (taken into `found`) and for numbers that JSON has not. */
function encode(value: unknown, path: string, found: Map<string, Tensor>, depth = 0): unknown {
  if (depth > DEEPEST) throw valueError('save', `the state is nested more than ${DEEPEST} deep: does it contain itself? Save plain data.`);
  if (value instanceof Tensor) {
    // Keys with dots may lead to one path twice.
    let name = path;
    while (found.has(name)) name += '_';
    found.set(name, value);
    return { $tensor: name };
  }
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: Object.is(value, -0) ? '-0' : String(value) };
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  const below = (key: string | number): string => (path ? `${path}.${key}` : `${key}`);
  if (Array.isArray(value)) return value.map((v, i) => encode(v, below(i), found, depth + 1));
  if (typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined);
    const mark = entries.find(([key]) => key.startsWith('$'));
    if (mark) throw valueError('save', `the key '${below(mark[0])}' starts with $, which marks tensors in the file. Give it another name.`);
    return Object.fromEntries(entries.map(([key, v]) => [key, encode(v, below(key), found, depth + 1)]));
  }
  const kind = typeof value === 'object' ? `a ${value.constructor?.name ?? 'object'}` : typeof value;
  throw valueError('save', `'${path}' is ${kind}. A state holds tensors, numbers, text, booleans, null, arrays and plain objects; take stateDict() of modules and optimizers.`);
}

function decode(value: unknown, tensors: Readonly<Record<string, Tensor>>, depth = 0): unknown {
  if (depth > DEEPEST) throw new GradloomError('FORMAT', 'load', `the state is nested more than ${DEEPEST} deep. The file is damaged.`);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((v) => decode(v, tensors, depth + 1));
  const { $tensor, $number } = value as { $tensor?: string; $number?: string };
  if ($number !== undefined) return Number($number);
  if ($tensor === undefined) return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, decode(v, tensors, depth + 1)]));
  if (!Object.hasOwn(tensors, $tensor)) throw new GradloomError('FORMAT', 'load', `the state names the tensor '${$tensor}', which the file lacks. The file is damaged.`);
  return tensors[$tensor];
}

/** @internal A state as the bytes of a file, with more text in its metadata, before the state. */
export function saveWith(state: Readonly<Record<string, unknown>>, metadata: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const found = new Map<string, Tensor>();
  const text = JSON.stringify(encode(state, '', found));
  return saveSafetensors(Object.fromEntries(found), { ...metadata, [KEY]: text });
}

/** @internal The state in a file's metadata, with its tensors. */
export function decodeState(metadata: Readonly<Record<string, string>>, read: () => Readonly<Record<string, Tensor>>): Record<string, unknown> {
  const text = metadata[KEY];
  if (text === undefined) throw new GradloomError('FORMAT', 'load', "the file's metadata has no state of checkpoint.save. Read its tensors with checkpoint.loadSafetensors.");
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch (cause) {
    throw new GradloomError('FORMAT', 'load', `the state in the file's metadata is no JSON: ${(cause as Error).message}. The file is damaged.`, { cause });
  }
  if (!isPlainObject(state)) throw new GradloomError('FORMAT', 'load', "the state in the file's metadata is no object by name. The file is damaged.");
  return decode(state, read()) as Record<string, unknown>;
}

/**
 * A state as the bytes of a safetensors file: tensors, numbers, text, booleans and null in arrays and plain objects, as `stateDict()` of
 * modules, optimizers, schedulers and strategies give them. Numbers come back as they are, to the last bit.
 * @throws VALUE naming what cannot be saved
 */
export function save(state: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  assertArity('save', arguments.length, 1);
  return saveWith(state, {});
}

/**
 * What `save` was given, with fresh tensors. Pass its parts to `loadStateDict`.
 * @throws FORMAT where the bytes are malformed or no state of `save`
 */
export function load<State extends Record<string, unknown> = Record<string, unknown>>(bytes: Uint8Array | ArrayBuffer): State {
  assertArity('load', arguments.length, 1);
  return decodeState(readMetadata(bytes), () => loadSafetensors(bytes)) as State;
}
