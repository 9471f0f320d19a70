import { defineConfig } from 'tsdown';

const sources = (names: readonly string[]): string[] => names.map((name) => `src/entry/${name}.ts`);
const typed = sources(['default', 'workerd', 'edge-light', 'lean', 'relaxed', 'threads', 'worker', 'report', 'mpi', 'interop', 'flower']);
// Namespaces as files of their own, which scripts/dist.mjs makes the main entry name as such, so that bundlers can take them apart. Their types are written by scripts/dist.mjs: bundled with the rest, they would tear
// the class Tensor from its methods.
const namespaces = sources(['nn', 'functional', 'nn-init', 'nn-utils', 'optim', 'lr-scheduler', 'swa-utils', 'multiloss', 'linalg', 'distributions']);
// Texts that default looks for beside itself.
const texts = sources(['wasm-relaxed', 'wasm-threads']);

export default defineConfig({
  entry: [...typed, ...namespaces, ...texts],
  format: { esm: {}, cjs: {} },
  dts: { entry: typed },
  outDir: 'dist',
  platform: 'neutral',
  target: 'es2022',
  hash: false,
  // One file for what entries share: a file costs an import more than its size does.
  // Documentation stands in the types.
  outputOptions: {
    comments: { legal: true, annotation: true, jsdoc: false },
    advancedChunks: {
      groups: [
        { name: 'core', test: /rolldown[\\/]runtime|src[\\/](?!entry[\\/](?!extras)|runtime[\\/](?:wasm|errors)|report|mpi|interop|flower).*(?<!\.d)\.ts$/ },
        // The types of one file as well: programs read them whole, and scripts/dist.mjs takes the namespaces from it.
        { name: 'index.d', test: /src[\\/](?!entry[\\/]|report|mpi|interop|flower|multiloss[\\/]watching[\\/]monitor-data).*\.d\.ts$/ },
        // The page's side of gradloom/worker needs no more than these.
        { name: 'errors', priority: 1, test: /src[\\/]runtime[\\/]errors\.ts$/ },
        { name: 'spawn', test: /src[\\/]entry[\\/]spawn\.ts$/ },
      ],
    },
  },
  deps: { neverBundle: [/\.wasm(\?module)?$/, 'koffi'] },
});
