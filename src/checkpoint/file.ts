// Where bytes go to and come from: files of Node, Deno and Bun, file handles of browsers, streams. The one file below the entries that asks which runtime it is.
import { GradloomError, valueText } from '../tensor/errors.ts';

/** What a checkpoint is written to: a path or file URL (Node, Deno, Bun), a file handle (OPFS or the user's own), a web stream, or a stream of Node. */
export type Target = string | URL | FileHandle | WritableStream<Uint8Array> | NodeWritable;
/** What a checkpoint is read from: the same, or its bytes. */
export type Source = string | URL | FileHandle | ReadableStream<Uint8Array> | Blob | Response | Uint8Array | ArrayBuffer;

/** A `FileSystemFileHandle`. */
export interface FileHandle {
  /** Opens a stream that takes the file's place when it is closed. */
  createWritable(): Promise<{ write(bytes: Uint8Array<ArrayBuffer>): Promise<void>; close(): Promise<void>; abort?(reason?: unknown): Promise<void> }>;
  /** The file as it is. */
  getFile(): Promise<Blob>;
}

/** What `fs.createWriteStream`, `process.stdout` and HTTP responses are. */
export interface NodeWritable {
  /** Writes a piece and calls back. */
  write(bytes: Uint8Array, done: (error?: Error | null) => void): unknown;
  /** Ends the stream. */
  end(done?: () => void): unknown;
}

/** The part of Node's `fs` that is used. */
interface Files {
  promises: {
    open(path: string | URL, flags: string, mode?: number): Promise<{ writeFile?(bytes: Uint8Array): Promise<void>; sync(): Promise<void>; close(): Promise<void> }>;
    rename(from: string | URL, to: string | URL): Promise<void>;
    readFile(path: string | URL): Promise<Uint8Array>;
    mkdir(path: string, options: { recursive: boolean; mode?: number }): Promise<unknown>;
    rm(path: string, options: { force: boolean }): Promise<void>;
  };
  mkdirSync(path: string, options: { recursive: true }): void;
  writeFileSync(path: string, content: string | Uint8Array): void;
  readFileSync(path: string): Uint8Array;
  existsSync(path: string): boolean;
}

/** The files of this runtime. @throws RUNTIME where it has none, with the remedy: what to use instead */
export function files(op: string, remedy: string): Files {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): Files | undefined } };
  const found = process?.getBuiltinModule?.('fs');
  if (found) return found;
  throw new GradloomError('RUNTIME', op, `this runtime has no files by path (Node ≥ 20.16, Deno ≥ 2.1, Bun ≥ 1.2). ${remedy}`);
}
const REMEDY = 'Pass a file handle, a stream, or bytes.';

const beside = (path: string | URL, ending: string): string | URL => (typeof path === 'string' ? path + ending : new URL(path.href + ending));

/** Writes that wait for one another, by path: they share a temporary file. */
const writing = new Map<string, Promise<void>>();

/** The whole file or none: a temporary file beside it takes its place once it is on the disk. `mode`: who may read and write it. */
export async function replaceFile(op: string, path: string | URL, bytes: Uint8Array, mode?: number): Promise<void> {
  const fs = files(op, REMEDY).promises;
  const temporary = beside(path, '.tmp');
  const file = await fs.open(temporary, 'w', mode);
  try {
    await (file as { writeFile(bytes: Uint8Array): Promise<void> }).writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(temporary, path);
  // The folder's entry too, where the system lets it be opened.
  try {
    const folder = await fs.open(typeof path === 'string' ? path.replace(/[^/\\]*$/, '') || '.' : new URL('.', path), 'r');
    await folder.sync().finally(() => folder.close());
  } catch {}
}

/** What a target or a source gave, which must have these methods. */
function withMethods<T>(op: string, from: string, value: T, ...methods: readonly (keyof T & string)[]): T {
  if (methods.every((name) => typeof value?.[name] === 'function')) return value;
  throw new GradloomError('VALUE', op, `${from} must give what has ${methods.join(' and ')}, it gave ${valueText(value)}. Pass a path, a file handle or a stream.`);
}

/** Writes bytes. A path or a file handle has the old file until the new one is whole. */
export async function writeBytes(target: Target, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const op = 'checkpoint.write';
  if ((typeof target === 'string' && target !== '') || target instanceof URL) {
    const before = writing.get(String(target)) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(() => replaceFile(op, target, bytes));
    writing.set(String(target), mine);
    try {
      return await mine;
    } finally {
      if (writing.get(String(target)) === mine) writing.delete(String(target));
    }
  }
  const { createWritable, getWriter, write, end } = (target ?? {}) as Partial<FileHandle & WritableStream & NodeWritable>;
  if (typeof createWritable === 'function') {
    const stream = withMethods(op, 'createWritable()', await (target as FileHandle).createWritable(), 'write', 'close');
    try {
      await stream.write(bytes);
    } catch (error) {
      await stream.abort?.(error);
      throw error;
    }
    return stream.close();
  }
  if (typeof getWriter === 'function') {
    const writer = withMethods(op, 'getWriter()', (target as WritableStream<Uint8Array>).getWriter(), 'write', 'close');
    await writer.write(bytes);
    return writer.close();
  }
  if (typeof write === 'function' && typeof end === 'function') {
    const stream = target as NodeWritable;
    await new Promise<void>((resolve, reject) => stream.write(bytes, (error) => (error ? reject(error) : resolve())));
    return new Promise((resolve) => stream.end(() => resolve()));
  }
  throw new GradloomError('VALUE', op, `takes a path, a file handle or a writable stream, got ${valueText(target)}.`);
}

const missing = (error: unknown): boolean =>
  ['ENOENT', 'NotFoundError', 'NotFound'].some((name) => [(error as { code?: string } | null)?.code, (error as Error | null)?.name].includes(name));

/** The memory of a view, or a buffer, byte by byte. */
function bytesOf(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (source.byteLength === 0) return new Uint8Array(0); // detached ones too
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return source.buffer instanceof ArrayBuffer ? bytes : bytes.slice(); // text cannot be read from shared memory
}

/** What `arrayBuffer()` gave. */
function bufferOf(buffer: unknown): Uint8Array {
  if (buffer instanceof ArrayBuffer) return bytesOf(buffer);
  throw new GradloomError('VALUE', 'checkpoint.read', `arrayBuffer() must give an ArrayBuffer, it gave ${valueText(buffer)}. Pass a file, a Blob or a Response.`);
}

/** The bytes of a source; null where there is no file, or a handle's is empty. */
export async function readBytes(source: Source): Promise<Uint8Array | null> {
  const op = 'checkpoint.read';
  try {
    if (typeof source === 'string' || source instanceof URL) return await files(op, REMEDY).promises.readFile(source);
    if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return bytesOf(source as ArrayBuffer);
    const { getFile, arrayBuffer, getReader } = (source ?? {}) as Partial<FileHandle & Blob & ReadableStream>;
    if (typeof getFile === 'function') {
      const bytes = bufferOf(await withMethods(op, 'getFile()', await (source as FileHandle).getFile(), 'arrayBuffer').arrayBuffer());
      return bytes.length > 0 ? bytes : null; // getFileHandle(name, { create: true }) makes an empty one
    }
    if (typeof arrayBuffer === 'function') return bufferOf(await (source as Blob).arrayBuffer());
    if (typeof getReader === 'function') return new Uint8Array(await new Response(source as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
  } catch (error) {
    if (missing(error)) return null;
    throw error;
  }
  throw new GradloomError('VALUE', op, `takes a path, a file handle, a readable stream, a Blob, a Response or bytes, got ${valueText(source)}.`);
}
