// The wasm that a program brings itself: compiled already, or as bytes from wherever it keeps them.
import { compileBytes, runtimeError } from './compile.ts';
import { GradloomError } from './errors.ts';

/**
 * gradloom/kernels.wasm as a WebAssembly.Module, its bytes (ArrayBuffer or a view), the Response of a fetch, or where
 * to fetch it (URL or text). An object for types: a Module has no members to tell it by, and programs without DOM types
 * know none of these names.
 */
export type WasmSource = object | string;

async function bytesFrom(response: Response): Promise<ArrayBuffer> {
  if (!response.ok) throw runtimeError('init', `could not fetch the wasm: ${response.url} answered ${response.status}. Serve gradloom/kernels.wasm there.`);
  try {
    return await response.arrayBuffer();
  } catch (cause) {
    throw runtimeError('init', 'the Response that was given could not be read. Pass one whose body nobody has read before.', cause);
  }
}

async function fetched(where: URL | string): Promise<ArrayBuffer> {
  let response: Response;
  try {
    response = await fetch(where);
  } catch (cause) {
    throw runtimeError('init', `could not fetch the wasm from ${where}. Serve it there, or read it and pass its bytes.`, cause);
  }
  return bytesFrom(response);
}

/** Compiles what was given, off the main thread where the runtime does. */
export async function compileSource(given: WasmSource): Promise<WebAssembly.Module> {
  if (given instanceof WebAssembly.Module) return given;
  // What comes from another realm (an edge VM, an iframe, a test's sandbox) is no instance of this one's classes.
  const tag = Object.prototype.toString.call(given);
  let bytes: BufferSource;
  if (tag === '[object ArrayBuffer]' || ArrayBuffer.isView(given)) bytes = given as BufferSource;
  else if (typeof Response === 'function' && given instanceof Response) bytes = await bytesFrom(given);
  else if (typeof given === 'string' || given instanceof URL) bytes = await fetched(given);
  else if (tag === '[object WebAssembly.Module]') return given;
  else
    throw new GradloomError(
      'VALUE',
      'init',
      `takes wasm as a Module, bytes, a Response or a URL, got ${given === null ? 'null' : typeof given}. Pass gradloom/kernels.wasm as one of these.`,
    );
  return compileBytes(bytes);
}
