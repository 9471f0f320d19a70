// Node, browsers, Deno, Bun: the wasm is text inside the bundle.
import { type init as initAlone, initWith } from '../api/init.ts';
import { compileEmbedded, SIMD } from '../runtime/compile.ts';
import { setSource } from '../runtime/instance.ts';
import { text } from '../runtime/wasm.ts';
import { beside, relaxedFrom, threadsFrom } from './extras.ts';

setSource(() => compileEmbedded(text, SIMD));
export * from '../index.ts';

// Here and not where the source is set: what finds further builds is in a bundle only where the program calls init.
/**
 * Chooses the wasm before the first tensor is made. Optional: without it, the build inside the bundle is compiled at first use.
 * Nothing is loaded that is not asked for. Await it: a tensor that is made meanwhile lives in the ordinary build, and init rejects.
 *
 * @throws VALUE for options that do not go together; FORMAT where the wasm is not gradloom's; RUNTIME where the runtime lacks or refuses
 * something, where a tensor was made before, and at a second call
 */
export const init: typeof initAlone = function init(options) {
  const relaxed = relaxedFrom(() => beside('./wasm-relaxed.ts', 'gradloom/relaxed', "simd: 'relaxed'"));
  const threads = threadsFrom(() => beside('./wasm-threads.ts', 'gradloom/threads', 'threads'));
  return initWith({ relaxed, threads }, options, arguments.length);
};
