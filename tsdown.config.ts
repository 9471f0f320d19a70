import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: { default: 'src/entry/default.ts', workerd: 'src/entry/workerd.ts', 'edge-light': 'src/entry/edge-light.ts', report: 'src/entry/report.ts' },
  format: { esm: {}, cjs: {} },
  dts: true,
  outDir: 'dist',
  platform: 'neutral',
  target: 'es2022',
  hash: false,
  deps: { neverBundle: [/\.wasm(\?module)?$/, '@assemblyscript/loader'] },
});
