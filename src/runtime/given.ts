// The wasm that a program brings itself: compiled already, or as bytes from wherever it keeps them.
import { compileBytes } from './compile.ts';

/**
 * gradloom/kernels.wasm as a WebAssembly.Module, its bytes (ArrayBuffer or a view), the Response of a fetch, or where to fetch it (URL
 * or text). An object for types: a Module has no members to tell it by, and programs without DOM types know none of these names.
 */
export type GivenWasm = object | string;

async function bytesFrom(response: Response): Promise<ArrayBuffer> {
  if (!response.ok) throw new Error(`gradloom: init could not fetch the wasm: ${response.url} answered ${response.status}. Serve gradloom/kernels.wasm there.`);
  return response.arrayBuffer();
}

async function fetched(where: URL | string): Promise<ArrayBuffer> {
  let response: Response;
  try {
    response = await fetch(where);
  } catch (cause) {
    throw new Error(`gradloom: init could not fetch the wasm from ${where}. Serve it there, or read it and pass its bytes.`, { cause });
  }
  return bytesFrom(response);
}

/** Compiles what was given, off the main thread where the runtime does. */
export async function compileGiven(given: GivenWasm): Promise<WebAssembly.Module> {
  if (given instanceof WebAssembly.Module) return given;
  let bytes: BufferSource;
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) bytes = given as BufferSource;
  else if (typeof Response === 'function' && given instanceof Response) bytes = await bytesFrom(given);
  else if (typeof given === 'string' || given instanceof URL) bytes = await fetched(given);
  // A module of another realm (an edge VM, an iframe) is no instance of this one's class.
  else if (Object.prototype.toString.call(given) === '[object WebAssembly.Module]') return given;
  else throw new Error(`gradloom: init takes wasm as a Module, bytes, a Response or a URL, got ${typeof given}. Pass gradloom/kernels.wasm as one of these.`);
  return compileBytes(bytes);
}
