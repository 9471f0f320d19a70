import { defineConfig } from 'tsdown';

export default defineConfig({
  // The last two are texts that default looks for beside itself.
  entry: ['default', 'workerd', 'edge-light', 'lean', 'relaxed', 'threads', 'worker', 'wasm-relaxed', 'wasm-threads'].map((name) => `src/entry/${name}.ts`),
  format: { esm: {}, cjs: {} },
  dts: true,
  outDir: 'dist',
  platform: 'neutral',
  target: 'es2022',
  hash: false,
  deps: { neverBundle: [/\.wasm(\?module)?$/, '@assemblyscript/loader'] },
});
