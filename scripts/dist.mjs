// What the bundler leaves to do: the wasm beside the entries that import it, whole types, and the sizes of what ships.
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { shipped, shippedBeside } from './declarations.mjs';

copyFileSync('build/kernels.wasm', 'dist/kernels.wasm');

// Programs whose lib ends before `using` know no Symbol.dispose.
const lib = '/// <reference lib="esnext.disposable" />\n';
for (const file of ['dist/index.d.ts', 'dist/index.d.cts']) writeFileSync(file, lib + shipped(readFileSync(file, 'utf8')));
for (const name of ['mpi', 'interop', 'flower']) for (const file of [`dist/${name}.d.ts`, `dist/${name}.d.cts`]) writeFileSync(file, shippedBeside(readFileSync(file, 'utf8')));

// What registers something when it is loaded must not be dropped by bundlers, wherever the chunks put it.
const { sideEffects } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const f of readdirSync('dist').filter((f) => /\.c?js$/.test(f) && readFileSync(join('dist', f), 'utf8').includes('defineProperties(Tensor.prototype'))) {
  if (!sideEffects.includes(`./dist/${f}`)) throw new Error(`package.json: dist/${f} registers methods and is not among its sideEffects`);
}

// The bundler's ten lines of run time need no file of their own.
const runtime = readFileSync('dist/rolldown-runtime.js', 'utf8').replace('export { __exportAll as t };', '');
const core = readFileSync('dist/core.js', 'utf8');
const runtimeImport = 'import { t as __exportAll } from "./rolldown-runtime.js";\n';
if (!core.startsWith(runtimeImport)) throw new Error('dist/core.js: the import of the run time is not where it was');
const imports = /^(?:import .*\n)+/.exec(core.slice(runtimeImport.length))?.[0] ?? '';
writeFileSync('dist/core.js', `${imports}${runtime}${core.slice(runtimeImport.length + imports.length)}`);
rmSync('dist/rolldown-runtime.js');

// gradloom/nn, nn/functional, optim, multiloss, linalg and distributions: the namespaces of the main entry as modules, for bundlers that do not take namespaces apart.
for (const path of ['nn', 'nn.functional', 'optim', 'multiloss', 'linalg', 'distributions']) {
  const [outer, name] = [path.split('.')[0], path.split('.').at(-1)];
  for (const [types, entry] of [
    ['d.ts', 'default.js'],
    ['d.cts', 'default.cjs'],
  ]) {
    const text = readFileSync(`dist/index.${types}`, 'utf8');
    const [, list] = new RegExp(`^declare namespace ${name} \\{\\s*export \\{([^}]*)\\};`, 'm').exec(text) ?? [];
    if (!list) throw new Error(`dist/index.${types}: the namespace ${name} is not where it was`);
    const members = list.split(',').map((member) => member.trim().split(' as ').at(-1));
    writeFileSync(`dist/${name}.${types}`, `import { ${outer} } from './${entry}';\n${members.map((m) => `export import ${m} = ${path}.${m};\n`).join('')}`);
  }
}

// The default entry imports texts at run time by names that no bundler sees, so nothing has renamed them. Bundlers must leave that import alone.
for (const extension of ['js', 'cjs']) {
  const file = `dist/default.${extension}`;
  const text = readFileSync(file, 'utf8');
  const names = /"\.\/(wasm-\w+)\.ts"/g;
  if (text.match(names)?.length !== 2) throw new Error(`${file}: the names of the texts beside it are not where they were`);
  writeFileSync(file, text.replace(names, '"./$1.js"'));
  const marks = /import\(\s*\/\*\s*webpackIgnore: true\s*\*\/\s*\/\*\s*turbopackIgnore: true\s*\*\/\s*\/\*\s*@vite-ignore\s*\*\//;
  if (!marks.test(readFileSync(`dist/core.${extension}`, 'utf8'))) throw new Error(`dist/core.${extension}: the import of these texts lost its marks for bundlers`);
}

// The bundler makes an object of a namespace, from which other bundlers can leave nothing out. Named as a module it can be taken apart.
// Node gets the object, five files fewer to open, and the wasm as base64: a longer text, but one that it decodes at once.
const embedded = /(["'`])[!-~]{50000,}\1/g;
const entry = readFileSync('dist/default.js', 'utf8');
if (entry.match(embedded)?.length !== 1) throw new Error('dist/default.js: the text of the wasm is not where it was');
const base64 = readFileSync('dist/kernels.wasm').toString('base64');
writeFileSync('dist/node.js', entry.replace(embedded, `globalThis.Buffer.from('${base64}', 'base64')`));
const modules = {
  nn: 'nn',
  optim: 'optim',
  multiloss: 'multiloss',
  functional: 'functional',
  nn_init: 'nn-init',
  nn_utils: 'nn-utils',
  lr_scheduler: 'lr-scheduler',
  swa_utils: 'swa-utils',
  linalg: 'linalg',
  distributions: 'distributions',
};
for (const [file, namespaces] of Object.entries({
  default: ['nn', 'optim', 'multiloss', 'linalg', 'distributions'],
  lean: ['nn', 'optim', 'multiloss', 'linalg', 'distributions'],
  workerd: ['nn', 'optim', 'multiloss', 'linalg', 'distributions'],
  'edge-light': ['nn', 'optim', 'multiloss', 'linalg', 'distributions'],
  nn: ['functional', 'nn_init', 'nn_utils'],
  optim: ['lr_scheduler', 'swa_utils'],
})) {
  let text = readFileSync(`dist/${file}.js`, 'utf8');
  for (const name of namespaces) {
    const exported = new RegExp(`,? ${name}_exports as (\\w+)`).exec(text);
    if (!exported) throw new Error(`dist/${file}.js: the namespace ${name} is not where it was`);
    text = text.replace(exported[0], '').replace(new RegExp(`(?:, )?[\\w$]+ as ${name}_exports`), '');
    text = `${text.replace(/^import \{\s*\} from .*\n/gm, '').replace(/^import \{\s*, /gm, 'import { ')}\nexport * as ${exported[1]} from "./${modules[name]}.js";\n`;
  }
  writeFileSync(`dist/${file}.js`, text);
}

// A text with letters beyond Latin takes an engine two bytes a letter, and longer to read: what is often read has escapes for them.
const escaped = (letter) => Array.from({ length: letter.length }, (_, i) => `\\u${letter.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
for (const file of ['core', 'node', 'default'].flatMap((name) => [`dist/${name}.js`, `dist/${name}.cjs`]).filter(existsSync)) {
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\P{ASCII}/gu, escaped));
}

const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const f of readdirSync('dist').filter((f) => /\.(js|wasm)$/.test(f))) {
  const bytes = readFileSync(join('dist', f));
  console.log(`${f.padEnd(20)} ${kB(bytes.length).padStart(9)}   gzip ${kB(gzipSync(bytes, { level: 9 }).length).padStart(8)}`);
}
