// assembly/ → build/kernels*.wasm → src/runtime/wasm.ts and src/entry/wasm-*.ts (text) and kernel-names.ts (types). Does nothing where the sources have not changed.
// --guard: build/kernels.guard.wasm as well, which test/guard.ts loads (assembly/guard.ts).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compressingOrder, reordered } from './order.mjs';
import { assertWords, programKernels, replaySource, signatures, sourceFiles } from './replay.mjs';
import { textOf } from './text.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const require = createRequire(import.meta.url);
const hash = createHash('sha256').update(require('assemblyscript/package.json').version);
for (const file of ['asconfig.json', 'scripts/kernels.mjs', 'scripts/order.mjs', 'scripts/replay.mjs', 'scripts/text.mjs', ...sourceFiles().map((f) => join('assembly', f))])
  hash.update(readFileSync(file));
const stamp = hash.digest('hex');
/** Once more through what the compiler brings to optimize with: it is not done at its own last turn. `ordered`: for gzip, which takes seconds. */
async function optimized(wasm, ordered) {
  const { default: binaryen } = await import(createRequire(require.resolve('assemblyscript/package.json')).resolve('binaryen'));
  const features = binaryen.Features;
  const names = ['SIMD128', 'RelaxedSIMD', 'Atomics', 'BulkMemory', 'BulkMemoryOpt', 'MutableGlobals', 'SignExt', 'NontrappingFPToInt'];
  const allowing = (module) => {
    module.setFeatures(names.reduce((all, name) => all | features[name], 0));
    return module;
  };
  const module = allowing(binaryen.readBinary(wasm));
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(1);
  module.optimize();
  const binary = module.emitBinary();
  return ordered ? allowing(binaryen.parseText(reordered(module.emitText(), compressingOrder(binary)))).emitBinary() : binary;
}

const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin', 'asc.js');
function compile(...options) {
  const { status, stderr } = spawnSync(process.execPath, [asc, ...options], { stdio: ['inherit', 'inherit', 'pipe'], encoding: 'utf8' });
  // That its own optimizer was not done: `optimized` goes on.
  process.stderr.write(stderr.replaceAll('Last converge was suboptimal.\n', ''));
  if (status !== 0) process.exit(status ?? 1);
}

const targets = {
  release: { wasm: 'build/kernels.wasm', text: 'src/runtime/wasm.ts' },
  relaxed: { wasm: 'build/kernels.relaxed.wasm', text: 'src/entry/wasm-relaxed.ts' },
  threads: { wasm: 'build/kernels.threads.wasm', text: 'src/entry/wasm-threads.ts', more: "export { spawn } from './spawn.ts';\n" },
};
const outputs = ['assembly/replay.ts', ...Object.values(targets).flatMap((t) => [t.wasm, t.text]), 'src/runtime/kernel-names.ts'];
const upToDate = outputs.every(existsSync) && existsSync('build/stamp') && readFileSync('build/stamp', 'utf8') === stamp;

if (!upToDate) {
  console.error('compiling the WebAssembly kernels, once: half a minute …');
  mkdirSync('build', { recursive: true });
  const all = signatures();
  const program = programKernels(all);
  writeFileSync('assembly/replay.ts', replaySource(all, program));
  const generated = '// Generated from assembly/ by scripts/kernels.mjs.\n';
  for (const [target, output] of Object.entries(targets)) {
    compile('--target', target);
    writeFileSync(output.wasm, await optimized(readFileSync(output.wasm), target === 'release'));
    writeFileSync(output.text, `${generated}export const text: string =\n  '${textOf(readFileSync(output.wasm))}';\n${output.more ?? ''}`);
  }
  const wasm = readFileSync('build/kernels.wasm');
  const names = WebAssembly.Module.exports(new WebAssembly.Module(wasm))
    .filter((e) => e.kind === 'function')
    .map((e) => e.name);
  const union = names.map((n) => `'${n}'`).join(' | ');
  // In AssemblyScript an address is a usize; counts and flags are i32. Both are i32 in the wasm, so the sources tell them apart.
  const unknown = names.filter((n) => !all.has(n));
  if (unknown.length > 0) throw new Error(`no signature was found for ${unknown.join(', ')}`);
  assertWords(all, names);
  const record = (value) => names.map((n) => `${n}: ${value(n, all.get(n))}`).join(', ');
  const masks = record((_, { types }) => types.reduce((mask, type, i) => (type === 'usize' ? mask | (1 << i) : mask), 0));
  const files = record((_, { file }) => `'${basename(file, '.ts')}'`);
  const lengths = record((_, { types }) => types.length);
  const numbers = record((n) => program.indexOf(n));
  writeFileSync(
    'src/runtime/kernel-names.ts',
    `${generated}/** Every function that the wasm exports. */\nexport type Kernel = ${union};\n\n` +
      `/** Which of a kernel's words are addresses: bit i for word i. */\nexport const ADDRESSES: Readonly<Record<Kernel, number>> = { ${masks} };\n\n` +
      `/** The file of assembly/ that a kernel stands in: kernels of one file share a convention. */\nexport const FAMILY: Readonly<Record<Kernel, string>> = { ${files} };\n\n` +
      `/** How many words a kernel takes. */\nexport const LENGTH: Readonly<Record<Kernel, number>> = { ${lengths} };\n\n` +
      `/** A kernel's number in a program of \`replay\`; −1 where it has none. */\nexport const NUMBER: Readonly<Record<Kernel, number>> = { ${numbers} };\n`,
  );
  writeFileSync('build/stamp', stamp);
}

if (process.argv.includes('--guard') && !(existsSync('build/stamp.guard') && readFileSync('build/stamp.guard', 'utf8') === stamp)) {
  compile('assembly/guard.ts', '--target', 'guard');
  writeFileSync('build/stamp.guard', stamp);
}
