// Bytes to a compiled module, from text inside the bundle (no fetch, no file, no configuration) or from the program;
// and what to say where a runtime cannot.
import { GradloomError } from './errors.ts';
import { bytesOf } from './text.ts';

/** What the runtime cannot do, or refused to. `op`: what was asked for. */
export function runtimeError(op: string, message: string, cause?: unknown): GradloomError {
  return new GradloomError('RUNTIME', op, message, cause === undefined ? undefined : { cause });
}

/** What the ordinary build needs beyond the first WebAssembly. */
export const SIMD = 'WebAssembly SIMD, which gradloom is built on. Use a newer one: Node ≥ 16.4, Chrome ≥ 91, Firefox ≥ 89, Safari ≥ 16.4.';

// A function () → v128: i32.const 0, i8x16.splat.
const SIMD_PROBE = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11);

/** Throws where there is no WebAssembly at all. */
export function assertWasm(): void {
  if (typeof WebAssembly === 'object') return;
  throw runtimeError('gradloom', 'this runtime has no WebAssembly. Where a setting switched it off (--jitless, Lockdown Mode on iOS), allow it.');
}

/** Why bytes that should compile did not, or what they gave did not start. */
export function refusal(cause: unknown): GradloomError {
  return runtimeError(
    'gradloom',
    "this runtime refused to compile WebAssembly from bytes. In a page, add 'wasm-unsafe-eval' to script-src of its Content-Security-Policy; on an edge runtime, " +
      'bundle with the conditions workerd or edge-light, or pass gradloom/kernels.wasm: await init({ wasm }).',
    cause,
  );
}

/**
 * Compiles embedded wasm, text or bytes, synchronously (browsers allow it up to 8 MB). `lacking`: what the runtime is
 * without where it cannot.
 */
export function compileEmbedded(wasm: string | Uint8Array<ArrayBuffer>, lacking: string): WebAssembly.Module {
  assertWasm();
  const bytes = typeof wasm === 'string' ? bytesOf(wasm) : wasm;
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw WebAssembly.validate(bytes) ? refusal(cause) : runtimeError('gradloom', `this runtime has no ${lacking}`, cause);
  }
}

/** Compiles the program's own bytes, off the main thread where the runtime does. */
export async function compileBytes(bytes: BufferSource): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    if (WebAssembly.validate(bytes)) throw refusal(cause);
    if (!WebAssembly.validate(SIMD_PROBE)) throw runtimeError('gradloom', `this runtime has no ${SIMD}`, cause);
    throw new GradloomError(
      'FORMAT',
      'init',
      `the ${bytes.byteLength} bytes that were given are no valid wasm. Pass gradloom/kernels.wasm as it ships; a server may have answered with a page instead.`,
      { cause },
    );
  }
}
