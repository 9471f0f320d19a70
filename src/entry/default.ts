// Node, browsers, Deno, Bun: the wasm is text inside the bundle.
import { compileEmbedded, SIMD } from '../runtime/compile.ts';
import { setSources } from '../runtime/instance.ts';
import { text } from '../runtime/wasm.ts';
import { beside, relaxedFrom, threadsFrom } from './extras.ts';

setSources({
  load: () => compileEmbedded(text, SIMD),
  relaxed: relaxedFrom(() => beside('./wasm-relaxed.ts', 'gradloom/relaxed', "simd: 'relaxed'")),
  threads: threadsFrom(() => beside('./wasm-threads.ts', 'gradloom/threads', 'threads')),
});
export * from '../index.ts';
