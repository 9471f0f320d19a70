import { basename } from 'node:path';
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: Object.fromEntries(
    [
      ...['default', 'workerd', 'edge-light', 'lean', 'relaxed', 'threads', 'worker'].map((name) => `src/entry/${name}.ts`),
      // The texts that default looks for beside itself.
      ...['wasm-relaxed', 'wasm-threads'].map((name) => `src/runtime/${name}.ts`),
    ].map((file) => [basename(file, '.ts'), file]),
  ),
  format: { esm: {}, cjs: {} },
  dts: true,
  outDir: 'dist',
  platform: 'neutral',
  target: 'es2022',
  hash: false,
  deps: { neverBundle: [/\.wasm(\?module)?$/, '@assemblyscript/loader'] },
});
