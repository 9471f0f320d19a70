// Node, browsers, Deno, Bun: the wasm is text inside the bundle.
import { compileText } from '../runtime/inline.ts';
import { setSources } from '../runtime/instance.ts';
import { hex } from '../runtime/wasm.ts';
import { spawn } from './threads.ts';

setSources({
  load: () => compileText(hex, 'WebAssembly SIMD, which gradloom is built on. Use a newer one: Node ≥ 16.4, Chrome ≥ 91, Firefox ≥ 89, Safari ≥ 16.4.'),
  relaxed: async () =>
    compileText((await import('../runtime/wasm-relaxed.ts')).hex, "relaxed SIMD. Leave out simd: 'relaxed', or use a newer one: Node ≥ 22, Chrome ≥ 114, Firefox ≥ 145."),
  threads: {
    load: async () => compileText((await import('../runtime/wasm-threads.ts')).hex, 'WebAssembly threads. Leave threads out.'),
    spawn,
  },
});
export * from '../index.ts';
