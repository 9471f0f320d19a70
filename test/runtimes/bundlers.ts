// The library through every bundler, run in Chromium where there is one, else in Node; and through Jest.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { runBundle, visit } from './browsers.ts';
import { background, command, jsonLine, Missing, type Outcome, project, root, type Target, tool, toolsOf, versionIn } from './context.ts';

/** One export of a package of the bundlers' group (their types are not installed with the repository), and the package's version. */
async function load(name: string, key: string): Promise<{ use: (...given: unknown[]) => unknown; version: string }> {
  const require = createRequire(join(toolsOf('bundlers'), 'package.json'));
  const version = versionIn('bundlers', name);
  const module = (await import(pathToFileURL(require.resolve(name)).href)) as Record<string, unknown> & { default?: Record<string, unknown> };
  return { use: (module[key] ?? module.default?.[key]) as (...given: unknown[]) => unknown, version };
}

/** Bundles `entry` into `folder`/bundle.js; a warning is a failure. */
type Bundler = (entry: string, folder: string) => Promise<unknown>;
interface Rollup {
  write(options: unknown): Promise<unknown>;
}
interface Stats {
  hasErrors(): boolean;
  hasWarnings(): boolean;
  toString(): string;
}

const fail = (warning: unknown): never => {
  throw new Error(`it warned: ${typeof warning === 'object' ? (warning as { message?: string }).message : warning}`);
};

export const bundlers: Record<string, Bundler> = {
  async vite(entry, folder) {
    const { use: build } = await load('vite', 'build');
    const rollupOptions = { input: entry, preserveEntrySignatures: 'allow-extension', output: { entryFileNames: 'bundle.js' }, onwarn: fail };
    await build({ root: project(), logLevel: 'silent', configFile: false, build: { outDir: folder, emptyOutDir: false, rollupOptions, modulePreload: false } });
  },
  async rollup(entry, folder) {
    const { use: rollup } = await load('rollup', 'rollup');
    const { use: nodeResolve } = await load('@rollup/plugin-node-resolve', 'nodeResolve');
    const { use: commonjs } = await load('@rollup/plugin-commonjs', 'default');
    await ((await rollup({ input: entry, plugins: [nodeResolve(), commonjs()], onwarn: fail })) as Rollup).write({ file: join(folder, 'bundle.js'), format: 'es' });
  },
  async rolldown(entry, folder) {
    const { use: rolldown } = await load('rolldown', 'rolldown');
    await ((await rolldown({ input: entry, onwarn: fail })) as Rollup).write({ file: join(folder, 'bundle.js'), format: 'es', minify: true });
  },
  async esbuild(entry, folder) {
    const { use: build } = await load('esbuild', 'build');
    const found = (await build({ entryPoints: [entry], bundle: true, format: 'esm', minify: true, outfile: join(folder, 'bundle.js'), logLevel: 'silent' })) as {
      warnings: { text: string }[];
    };
    for (const { text } of found.warnings) fail(text);
  },
  webpack: (entry, folder) => packed('webpack', 'webpack', entry, folder),
  rspack: (entry, folder) => packed('@rspack/core', 'rspack', entry, folder),
};

/** webpack, and what takes its options. */
async function packed(name: string, key: string, entry: string, folder: string): Promise<void> {
  const { use: pack } = await load(name, key);
  await new Promise<void>((resolve, reject) => {
    const options = { mode: 'production', context: project(), entry, target: 'web', output: { path: folder, filename: 'bundle.js' }, performance: { hints: false } };
    pack(options, (error: Error | null, stats?: Stats) => {
      if (error) reject(error);
      else if (stats?.hasErrors() || stats?.hasWarnings()) reject(new Error(stats.toString()));
      else resolve();
    });
  });
}

/** Parcel, which reads `exports` only where the project's package.json says so. */
export function parcel(entry: string, folder: string): void {
  const source = join(project(), 'parcel');
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'package.json'), '{ "private": true, "type": "module", "@parcel/resolver-default": { "packageExports": true } }');
  for (const name of readdirSync(project()).filter((f) => f.endsWith('.mjs'))) writeFileSync(join(source, name), readFileSync(join(project(), name)));
  writeFileSync(join(source, 'bundle.html'), `<!doctype html><script type="module" src="./${basename(entry)}"></script>`);
  command(process.execPath, [tool('parcel', 'parcel', 'lib', 'bin.js'), 'build', join(source, 'bundle.html'), '--no-cache', '--no-source-maps', '--dist-dir', folder], {
    cwd: source,
  });
  const [bundle] = readdirSync(folder).filter((f) => f.endsWith('.js'));
  writeFileSync(join(folder, 'bundle.js'), readFileSync(join(folder, bundle as string)));
}

/** Two losses and nothing beside: what budgets are about. */
const SMALL = readFileSync(new URL('../package/apps/two-loss.mjs', import.meta.url), 'utf8');

/** The same for a bundler that leaves nothing out of a namespace that another module hands on. */
const BY_ENTRIES = SMALL.replaceAll('nn.functional', 'F').replace(
  /^import.*/m,
  "import { manualSeed, rand, steps } from 'gradloom';\nimport * as nn from 'gradloom/nn';\nimport * as F from 'gradloom/nn/functional';\nimport * as optim from 'gradloom/optim';",
);

/** kB: the budget that package.json has for rolldown, and 4 % for how others minify. */
const MOST =
  1.04 *
  Number.parseFloat(
    (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { 'size-limit': { path: string; limit: string }[] })['size-limit'].find(({ path }) =>
      path.endsWith('/two-loss.mjs'),
    )?.limit ?? '',
  );
/** kB: esbuild also keeps each object that spreads another, and each class with a computed name, used or not. */
const ESBUILD_MOST = 1.08 * MOST;

async function inNode(script: string): Promise<Outcome> {
  const program = `const t = performance.now(); await import(${JSON.stringify(script)}); const importMs = performance.now() - t;
    console.log(JSON.stringify({ importMs, ...(await globalThis.gradloomSmoke()) }))`;
  return jsonLine<Outcome>(command(process.execPath, ['--input-type=module', '-e', program], { cwd: project() }));
}

async function bundlerOutcome(name: string): Promise<Outcome> {
  const version = versionIn('bundlers', name);
  const folder = join(project(), `out-${name}`);
  const bundler = bundlers[name] as Bundler;
  for (const inner of ['small', 'namespaces', 'threads']) mkdirSync(join(folder, inner), { recursive: true });
  await bundler(join(project(), 'app.mjs'), folder);
  await bundler(join(project(), 'threads.mjs'), join(folder, 'threads'));
  /** The small application in kB, gzip. */
  const sizeOf = async (program: string, inner: string): Promise<number> => {
    writeFileSync(join(project(), 'small.mjs'), program);
    await bundler(join(project(), 'small.mjs'), join(folder, inner));
    const files = readdirSync(join(folder, inner)).filter((f) => f.endsWith('.js'));
    return files.reduce((sum, f) => sum + gzipSync(readFileSync(join(folder, inner, f)), { level: 9 }).length, 0) / 1000;
  };
  const isEsbuild = name === 'esbuild';
  const kB = await sizeOf(isEsbuild ? BY_ENTRIES : SMALL, 'small');
  const how = isEsbuild
    ? `, from gradloom/nn, nn/functional and optim (by namespaces ${(await sizeOf(SMALL, 'namespaces')).toFixed(1)})`
    : name === 'rollup'
      ? ', not minified'
      : '';
  const note = `two-loss app ${kB.toFixed(1)} kB gzip${how}`;
  const most = isEsbuild ? ESBUILD_MOST : MOST;
  if (name !== 'rollup' && kB > most) throw new Error(`${note}: more than ${most.toFixed(1)}`);
  try {
    const alone = await runBundle('Chromium', `./out-${name}/bundle.js`);
    const team = await runBundle('Chromium', `./out-${name}/threads/bundle.js`, { policy: 'isolated', init: { threads: 2 } });
    if (team.hash !== alone.hash) throw new Error(`two threads end in other bits: ${team.hash}, alone ${alone.hash}`);
    return { ...alone, version, note: `${note}; in Chromium, also with 2 threads` };
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    return { ...(await inNode(join(folder, 'bundle.js'))), version, note: `${note}; in Node: ${error.message}` };
  }
}

async function parcelOutcome(): Promise<Outcome> {
  const folder = join(project(), 'out-parcel');
  parcel(join(project(), 'app.mjs'), folder);
  const version = versionIn('parcel', 'parcel');
  return { ...(await runBundle('Chromium', './out-parcel/bundle.js')), version };
}

/** Vite's development server on a folder of the project while `use` runs. */
async function served<T>(page: string, use: (at: string) => Promise<T>): Promise<T> {
  const port = 20_000 + (process.pid % 20_000);
  const vite = tool('bundlers', 'vite', 'bin', 'vite.js');
  const args = [vite, join(project(), page), '--host', '127.0.0.1', '--port', `${port}`, '--strictPort'];
  // Vite's build, which runs in this process, leaves 'production' behind.
  const server = background(process.execPath, args, { NODE_ENV: 'development' });
  try {
    for (let i = 0; i < 100 && !(await fetch(`http://127.0.0.1:${port}/`).catch(() => null)); i++) await new Promise((r) => setTimeout(r, 100));
    return await use(`http://127.0.0.1:${port}`);
  } finally {
    server.stop();
  }
}

async function viteDev(): Promise<Outcome> {
  const page = 'vite-dev';
  mkdirSync(join(project(), page), { recursive: true });
  for (const file of ['app.mjs', 'smoke.mjs', 'boot.js', 'boot.html']) writeFileSync(join(project(), page, file), readFileSync(join(project(), file)));
  const outcome = await served(page, (at) => runBundle('Chromium', './app.mjs', { at }));
  return { ...outcome, version: versionIn('bundlers', 'vite') };
}

/** React's component that trains in a worker, from Vite's development server or built. */
async function react(how: 'dev' | 'build'): Promise<Outcome> {
  const version = versionIn('bundlers', 'react');
  for (const name of ['react', 'react-dom', 'scheduler']) cpSync(tool('bundlers', name), join(project(), 'node_modules', name), { recursive: true });
  writeFileSync(
    join(project(), 'react', 'vite.config.js'),
    "export default { server: { fs: { allow: ['..'] } }, worker: { format: 'es' }, oxc: { jsx: { runtime: 'automatic' } } };\n",
  );
  type Found = Outcome & { error?: string; mounts: number; stopped: number; text: string };
  let found: Found;
  if (how === 'dev') found = await served('react', (at) => visit<Found>('Chromium', 'plain', 'index.html', {}, at));
  else {
    const { use: build } = await load('vite', 'build');
    await build({
      root: join(project(), 'react'),
      base: './',
      logLevel: 'silent',
      build: { outDir: join(project(), 'out-react'), emptyOutDir: false, rollupOptions: { onwarn: fail } },
    });
    found = await visit<Found>('Chromium', 'plain', 'out-react/index.html');
  }
  const { error, mounts, stopped, text, ...outcome } = found;
  if (error || text !== outcome.hash) throw new Error(error ?? `the page shows ${text}`);
  const expected = how === 'dev' ? 2 : 1; // StrictMode mounts twice in development
  if (mounts !== expected || stopped !== expected - 1) throw new Error(`${mounts} mounts, ${stopped} stopped`);
  return { ...outcome, version, note: `${mounts} mounts, ${stopped} stopped` };
}

/** Jest on the tests in `folder`; the first writes what it found. */
function jestRun(folder: string, more: readonly string[] = [], flags: readonly string[] = []): Outcome {
  command(process.execPath, [...flags, tool('bundlers', 'jest', 'bin', 'jest.js'), '--rootDir', folder, '--ci', ...more], { cwd: project() });
  return { ...(JSON.parse(readFileSync(join(folder, 'found.json'), 'utf8')) as Outcome), version: versionIn('bundlers', 'jest') };
}

/** In a page that jsdom makes up: CommonJS tests, or ES modules. */
async function jestJsdom(kind: 'cjs' | 'mjs'): Promise<Outcome> {
  const folder = join(project(), `jest-jsdom-${kind}`);
  mkdirSync(folder, { recursive: true });
  const [parts, write] =
    kind === 'cjs'
      ? ["const gradloom = require('gradloom'); const { smoke } = require('../smoke.cjs');", "require('node:fs').writeFileSync(__dirname + '/found.json'"]
      : [
          "import * as gradloom from 'gradloom'; import { writeFileSync } from 'node:fs'; import { smoke } from '../smoke.mjs';",
          "writeFileSync(new URL('found.json', import.meta.url).pathname",
        ];
  writeFileSync(
    join(folder, `page.test.${kind}`),
    `${parts}
     test('smoke in a page', () => {
       expect(document.createElement('p').tagName).toBe('P');
       ${write}, JSON.stringify(smoke(gradloom)));
     });`,
  );
  const environment = join(tool('bundlers', 'jest-environment-jsdom'), 'build', 'index.js');
  // jsdom has none of these, which checkpoints need.
  writeFileSync(join(folder, 'setup.cjs'), "const { TextDecoder, TextEncoder } = require('node:util'); Object.assign(globalThis, { TextDecoder, TextEncoder });");
  const config = JSON.stringify({
    setupFiles: [join(folder, 'setup.cjs')],
    testEnvironment: environment,
    testMatch: ['**/*.test.*'],
    moduleFileExtensions: ['mjs', 'cjs', 'js'],
    transform: {},
  });
  return jestRun(folder, ['--config', config], kind === 'mjs' ? ['--experimental-vm-modules'] : []);
}

async function jest(): Promise<Outcome> {
  const folder = join(project(), 'jest');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'smoke.test.cjs'),
    `const start = performance.now();
     const gradloom = require('gradloom');
     const importMs = performance.now() - start;
     const { smoke } = require('../smoke.cjs');
     test('smoke', () => require('node:fs').writeFileSync(__dirname + '/found.json', JSON.stringify({ importMs, ...smoke(gradloom) })));
     test('relaxed is refused with the import to add', async () => {
       jest.resetModules();
       await expect(require('gradloom').init({ simd: 'relaxed' })).rejects.toThrow("Add import 'gradloom/relaxed'");
     });
     test('threads by their entry', async () => {
       jest.resetModules();
       require('gradloom/threads');
       const again = require('gradloom');
       await again.init({ threads: 2 });
       expect(smoke(again).hash).toBe(require('./found.json').hash);
       again.close();
     });`,
  );
  return jestRun(folder);
}

/** The types, as the oldest TypeScript that reads them does. */
async function oldestTypes(): Promise<Outcome> {
  const version = versionIn('bundlers', 'typescript-oldest');
  copyFileSync(join(root, 'test', 'package', 'types.mts'), join(project(), 'types.mts'));
  const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, module: 'nodenext', target: 'es2022', noEmit: true, types: [], skipLibCheck: false };
  writeFileSync(join(project(), 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.mts'] }));
  command(process.execPath, [tool('bundlers', 'typescript-oldest', 'lib', 'tsc.js'), '-p', '.'], { cwd: project() });
  return { hash: '', version, note: 'reads the types' };
}

export const bundled: Target[] = [
  { name: 'Vite build', run: () => bundlerOutcome('vite') },
  { name: 'Vite dev', run: viteDev },
  ...['webpack', 'rollup', 'rolldown', 'esbuild'].map((name) => ({ name, run: () => bundlerOutcome(name) })),
  { name: 'React, Vite dev', run: () => react('dev') },
  { name: 'React, Vite build', run: () => react('build') },
  { name: 'Parcel', run: parcelOutcome },
  { name: 'Jest', run: jest },
  { name: 'Jest, jsdom, require', run: () => jestJsdom('cjs') },
  { name: 'Jest, jsdom, import', run: () => jestJsdom('mjs') },
  { name: 'TypeScript', run: oldestTypes },
];
