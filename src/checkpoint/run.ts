// A whole training run in one file, written so that a crash at any moment leaves a good one, and read so that a failure changes nothing.
import { assertArity, FLAG, isPlainObject, type Kinds, optionsOf, valueText } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { defaultGenerator, Generator } from '../tensor/random.ts';
import { scope } from '../tensor/scope.ts';
import { CHECKSUM, NO_CHECKSUM, seal, verifySeal } from './checksum.ts';
import { readBytes, type Source, type Target, writeBytes } from './file.ts';
import { loadSafetensors, readMetadata } from './safetensors.ts';
import { decodeState, saveWith } from './state.ts';

/** What remembers: modules, optimizers, schedulers, methods, plans, loaders. */
export interface Stateful {
  /** What it remembers. */
  stateDict(): unknown;
  /** Takes it up. */
  loadStateDict(state: never): unknown;
}

/** A run's parts by name: what has `stateDict`, generators, and plain data (numbers, text, tensors, lists and objects of them). */
export type Parts = Readonly<Record<string, unknown>>;

/** Options of `read`. */
export interface ReadOptions {
  /** Whether a file that does not exist, or a file handle's empty one, gives null: the first start of a run. */
  optional?: boolean;
}

/** @internal */
export const OPTIONS: Kinds<ReadOptions> = { optional: FLAG };
const VERSION_KEY = 'gradloom.checkpoint';
/** Of the layout; a later one is refused. */
const VERSION = 1;
/** The part that the default random stream stands for, unless the program gives one. */
const RNG = 'rng';

const isStateful = (v: unknown): v is Stateful => typeof (v as Partial<Stateful> | null)?.stateDict === 'function' && typeof (v as Partial<Stateful>).loadStateDict === 'function';
/** A method or a scheduler without memory has nothing to write. */
const isStateless = (v: unknown): boolean =>
  typeof v === 'object' &&
  v !== null &&
  !isPlainObject(v) &&
  ['weights', 'directions', 'backward', 'step'].some((name) => typeof (v as Record<string, unknown>)[name] === 'function' && !('storage' in v));

function stateOf(part: unknown): unknown {
  if (part instanceof Generator) return part.getState();
  if (isStateful(part)) return part.stateDict();
  return isStateless(part) ? null : part;
}

/** @internal */
export function assertParts(op: string, parts: unknown): asserts parts is Parts {
  if (!isPlainObject(parts)) throw valueError(op, `takes a run's parts by name, got ${valueText(parts)}. Write { model, optimizer, step }.`);
}

/**
 * A run as the bytes of a safetensors file: tensors by path, the rest as JSON in its metadata, a version and a checksum of every bit. Without a part `rng`
 * the default random stream is written under that name.
 * @throws VALUE naming what cannot be written
 */
export function toBytes(parts: Parts): Uint8Array<ArrayBuffer> {
  assertArity('checkpoint.toBytes', arguments.length, 1);
  assertParts('checkpoint.toBytes', parts);
  const states = Object.fromEntries(Object.entries({ [RNG]: defaultGenerator(), ...parts }).map(([name, part]) => [name, stateOf(part)]));
  return seal(saveWith(states, { [CHECKSUM]: NO_CHECKSUM, [VERSION_KEY]: String(VERSION) }));
}

/**
 * Writes a run: everything that goes on from it has the same bits as one that never stopped. The state is that of the moment of the call. By path (Node,
 * Deno, Bun) and by file handle (OPFS, the user's files) the old file stays until the new one is whole, whenever the program is killed.
 *
 * @param target a path, a `FileSystemFileHandle`, a `WritableStream`, or a stream of Node
 * @param parts by name: model, optimizer, scheduler, method, plan, loader, generators (`rng`: the default stream, unless given), and plain data such as the step
 * @example
 * await checkpoint.write('run.safetensors', { model, optimizer, scheduler, combine, loader, step });
 */
export async function write(target: Target, parts: Parts): Promise<void> {
  assertArity('checkpoint.write', arguments.length, 2);
  await writeBytes(target, toBytes(parts));
}

/** The state in a file, checked as far as the file goes. */
function statesOf(bytes: Uint8Array): Record<string, unknown> {
  verifySeal(bytes);
  const metadata = readMetadata(bytes);
  const version = Number(metadata[VERSION_KEY]);
  if (!(version >= 1 && version <= VERSION))
    throw new GradloomError('FORMAT', 'checkpoint.read', `the file has version ${metadata[VERSION_KEY]}, this library reads ${VERSION}. Update gradloom.`);
  return decodeState(metadata, () => loadSafetensors(bytes));
}

/** Puts states into their parts; `load` of one that fails leaves that part as it was. */
function put(parts: readonly (readonly [string, unknown])[], states: Readonly<Record<string, unknown>>): void {
  for (const [name, part] of parts) {
    try {
      if (part instanceof Generator) part.setState(states[name] as number[]);
      else if (isStateful(part)) part.loadStateDict(states[name] as never);
    } catch (cause) {
      const code = cause instanceof GradloomError ? cause.code : 'FORMAT';
      throw new GradloomError(code, 'checkpoint.read', `'${name}' does not take its state; nothing was changed. ${(cause as Error).message}`, { cause });
    }
  }
}

/**
 * Reads a run into the parts that are given, all of them or (where the file is damaged or one does not fit) none. Returns what else the file has: the step, tensors in
 * fresh memory, states of parts that were not given. Files are data: nothing in them is run.
 *
 * @example
 * const from = await checkpoint.read('run.safetensors', { model, optimizer, scheduler, combine, loader }, { optional: true });
 * for (let step = from?.step ?? 0; step < 1000; step++) { … }
 * @throws FORMAT where the file is cut short, damaged or hostile; STATE where it lacks a part or one does not fit; STATE where there is no file, unless `optional`
 */
export async function read<State extends Record<string, unknown> = Record<string, unknown>>(
  source: Source,
  parts: Parts,
  options: ReadOptions & { optional: true },
): Promise<State | null>;
/** Reads a run into the parts that are given, as above, from a file that must be there. */
export async function read<State extends Record<string, unknown> = Record<string, unknown>>(source: Source, parts?: Parts, options?: ReadOptions): Promise<State>;
export async function read(source: Source, parts: Parts = {}, options?: ReadOptions): Promise<Record<string, unknown> | null> {
  assertArity('checkpoint.read', arguments.length, 3);
  assertParts('checkpoint.read', parts);
  const { optional = false } = optionsOf('checkpoint.read', options, OPTIONS);
  const bytes = await readBytes(source);
  if (!bytes) {
    if (optional) return null;
    throw new GradloomError(
      'STATE',
      'checkpoint.read',
      `there is no file ${typeof source === 'string' || source instanceof URL ? valueText(String(source)) : 'behind the handle, or it is empty'}. Pass { optional: true } where a run may be new.`,
    );
  }
  // What is made here and not returned goes back at once.
  return scope(() => restore(statesOf(bytes), { [RNG]: defaultGenerator(), ...parts }));
}

/** Loads what is given, all or nothing; returns the rest. */
function restore(states: Readonly<Record<string, unknown>>, given: Parts): Record<string, unknown> {
  const loading = Object.entries(given).filter(([, part]) => part instanceof Generator || isStateful(part));
  for (const [name] of loading) {
    if (!Object.hasOwn(states, name))
      throw new GradloomError('STATE', 'checkpoint.read', `the file has no '${name}', it has ${Object.keys(states).join(', ')}. Write it, or leave it out.`);
  }
  const before = statesOf(toBytes(Object.fromEntries(loading)));
  try {
    put(loading, states);
  } catch (error) {
    put(loading, before);
    throw error;
  }
  return Object.fromEntries(Object.entries(states).filter(([name]) => !loading.some(([n]) => n === name)));
}
