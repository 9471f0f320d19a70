// The wasm from text inside the bundle: no fetch, no file, no configuration.

/** Hex, not base64: byte-aligned text compresses to nearly the size of the raw wasm. Native decoders where the runtime has them. */
function decode(hex: string): Uint8Array<ArrayBuffer> {
  const native = Uint8Array as { fromHex?: (text: string) => Uint8Array<ArrayBuffer> };
  if (native.fromHex) return native.fromHex(hex);
  const { Buffer } = globalThis as { Buffer?: { from(text: string, encoding: 'hex'): Uint8Array<ArrayBuffer> } };
  if (Buffer) return Buffer.from(hex, 'hex');
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/** Compiles embedded wasm, synchronously (browsers allow it up to 8 MB). `lacking`: what the runtime is without where it cannot. */
export function compileText(hex: string, lacking: string): WebAssembly.Module {
  const bytes = decode(hex);
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    if (!WebAssembly.validate(bytes)) throw new Error(`gradloom: this runtime has no ${lacking}`, { cause });
    throw new Error(
      "gradloom: this runtime refused to compile WebAssembly. In a page, add 'wasm-unsafe-eval' to script-src of its Content-Security-Policy; " +
        'on an edge runtime, let the bundler use the conditions workerd or edge-light.',
      { cause },
    );
  }
}
