// Node, browsers, Deno, Bun: the wasm is text inside the bundle.
import { type init as initAlone, initWith } from '../api/init.ts';
import { compileEmbedded, SIMD } from '../runtime/compile.ts';
import { setSource } from '../runtime/instance.ts';
import { text } from '../runtime/wasm.ts';
import { beside, relaxedFrom, threadsFrom } from './extras.ts';

setSource(() => compileEmbedded(text, SIMD));
export * from '../index.ts';

/** `init`, which finds further builds beside the library. Whatever it needs for that is in a bundle only where the program calls it. */
export const init: typeof initAlone = function init(options) {
  const relaxed = relaxedFrom(() => beside('./wasm-relaxed.ts', 'gradloom/relaxed', "simd: 'relaxed'"));
  const threads = threadsFrom(() => beside('./wasm-threads.ts', 'gradloom/threads', 'threads'));
  return initWith({ relaxed, threads }, options, arguments.length);
};
