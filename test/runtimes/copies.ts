// An app that imports the library beside a CommonJS dependency that requires it: one copy through every bundler and in Node from 20.19 on,
// else (Node before that, two installed versions) the error that says so.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundlers, parcel } from './bundlers.ts';
import { command, jsonLine, type Outcome, project, type Target, versionIn } from './context.ts';
import { bun, denoRun, nodeOf } from './processes.ts';

let made = false;
/** The project with two such dependencies: `legacy`, and `older`, which brings another version of the library. */
function withDependencies(): string {
  const home = project();
  if (made) return home;
  made = true;
  for (const name of ['legacy', 'older']) {
    const folder = join(home, 'node_modules', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', main: './index.cjs' }));
    writeFileSync(join(folder, 'index.cjs'), "const { nn, tensor } = require('gradloom');\nexports.nn = nn;\nexports.make = () => tensor([1, 2]);\n");
    const report = 'globalThis.gradloomSmoke().catch((e) => ({ error: e.message })).then((found) => console.log(JSON.stringify(found)));';
    writeFileSync(join(home, `${name}.mjs`), `${readFileSync(join(home, 'copies.mjs'), 'utf8').replace("'legacy'", `'${name}'`)}${report}\n`);
  }
  const second = join(home, 'node_modules', 'older', 'node_modules', 'gradloom');
  cpSync(join(home, 'node_modules', 'gradloom'), second, { recursive: true });
  const manifest = readFileSync(join(second, 'package.json'), 'utf8');
  writeFileSync(join(second, 'package.json'), manifest.replace(/"version": "[^"]*"/, '"version": "0.0.1"'));
  return home;
}

type Reported = Outcome & { error?: string };

/** What the program reported: one copy, or (where `two` allows it) the error of two. */
function judged(found: Reported, two: 'must' | 'may' | 'never', version?: string): Outcome {
  const { error, ...outcome } = found;
  const said = { ...(version ? { version } : {}) };
  if (error === undefined) {
    if (two === 'must') throw new Error('two versions mixed without an error');
    return { ...outcome, ...said, note: 'one copy' };
  }
  if (two === 'never' || !/of another copy of gradloom.*npm ls gradloom/.test(error)) throw new Error(error);
  return { hash: '', ...said, note: 'two copies, and the error says so' };
}

const run = (file: string, args: readonly string[]): Reported => jsonLine<Reported>(command(file, args, { cwd: withDependencies() }));

/** The app bundled, then run in Node; Bun's bundle in Bun. */
async function bundle(name: string, app = 'legacy'): Promise<Reported> {
  const folder = join(withDependencies(), `out-copies-${name.replace(/\W/g, '')}`);
  mkdirSync(folder, { recursive: true });
  const entry = join(withDependencies(), `${app}.mjs`);
  if (name === 'Bun') {
    command(bun(), ['build', entry, '--target=browser', `--outfile=${join(folder, 'bundle.js')}`], { cwd: withDependencies() });
    return run(bun(), [join(folder, 'bundle.js')]);
  }
  if (name === 'Parcel') parcel(entry, folder);
  else await (bundlers[name] as (typeof bundlers)['vite'])(entry, folder);
  return run(process.execPath, [join(folder, 'bundle.js')]);
}

const packages: Record<string, string> = { esbuild: 'esbuild', vite: 'vite', rolldown: 'rolldown', rollup: 'rollup', rspack: '@rspack/core', webpack: 'webpack' };

export const copies: Target[] = [
  ...Object.entries(packages).map(([name, from]) => ({
    name: `import beside require: ${name}`,
    run: async () => judged(await bundle(name), 'never', versionIn('bundlers', from)),
  })),
  { name: 'import beside require: Parcel', run: async () => judged(await bundle('Parcel'), 'never', versionIn('parcel', 'parcel')) },
  { name: 'import beside require: Bun build', run: async () => judged(await bundle('Bun'), 'never') },
  ...[20, 22, 24, 26].map((major) => ({
    name: `import beside require: Node ${major}`,
    run: async () => judged(run(nodeOf(major), ['legacy.mjs']), 'never', command(nodeOf(major), ['--version']).trim().slice(1)),
  })),
  // As before 20.19: what is required is CommonJS.
  { name: 'import beside require: Node 20, without require of ESM', run: async () => judged(run(nodeOf(20), ['--no-experimental-require-module', 'legacy.mjs']), 'must') },
  { name: 'import beside require: Bun', run: async () => judged(run(bun(), ['legacy.mjs']), 'may') },
  { name: 'import beside require: Deno', run: async () => judged(run(process.execPath, [...denoRun(), 'legacy.mjs']), 'may') },
  { name: 'two versions: Node 24', run: async () => judged(run(nodeOf(24), ['older.mjs']), 'must') },
  { name: 'two versions: esbuild', run: async () => judged(await bundle('esbuild', 'older'), 'must') },
];
