// The library through every bundler, run in Chromium where there is one, else in Node; and through Jest.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { runBundle } from './browsers.ts';
import { background, command, jsonLine, Missing, type Outcome, project, root, type Target, tool, toolsOf } from './context.ts';

/** One export of a package of the bundlers' group (their types are not installed with the repository), and the package's version. */
async function load(name: string, key: string): Promise<{ use: (...given: unknown[]) => unknown; version: string }> {
  const require = createRequire(join(toolsOf('bundlers'), 'package.json'));
  const { version } = JSON.parse(readFileSync(tool('bundlers', name, 'package.json'), 'utf8')) as { version: string };
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

const bundlers: Record<string, Bundler> = {
  async vite(entry, folder) {
    const { use: build } = await load('vite', 'build');
    const rollupOptions = { input: entry, preserveEntrySignatures: 'allow-extension', output: { entryFileNames: 'bundle.js' }, onwarn: fail };
    await build({ root: project(), logLevel: 'silent', configFile: false, build: { outDir: folder, emptyOutDir: false, rollupOptions, modulePreload: false } });
  },
  async rollup(entry, folder) {
    const { use: rollup } = await load('rollup', 'rollup');
    const { use: nodeResolve } = await load('@rollup/plugin-node-resolve', 'nodeResolve');
    await ((await rollup({ input: entry, plugins: [nodeResolve()], onwarn: fail })) as Rollup).write({ file: join(folder, 'bundle.js'), format: 'es' });
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
  async webpack(entry, folder) {
    const { use: webpack } = await load('webpack', 'webpack');
    await new Promise<void>((resolve, reject) => {
      const options = { mode: 'production', context: project(), entry, target: 'web', output: { path: folder, filename: 'bundle.js' }, performance: { hints: false } };
      webpack(options, (error: Error | null, stats?: Stats) => {
        if (error) reject(error);
        else if (stats?.hasErrors() || stats?.hasWarnings()) reject(new Error(stats.toString()));
        else resolve();
      });
    });
  },
};

/** Two losses and nothing beside: what budgets are about. */
const SMALL = readFileSync(new URL('../package/apps/two-loss.mjs', import.meta.url), 'utf8');

/** The same for a bundler that leaves nothing out of a namespace that another module hands on. */
const BY_ENTRIES = SMALL.replaceAll('nn.functional', 'F').replace(
  /^import.*/m,
  "import { manualSeed, rand, steps } from 'gradloom';\nimport * as nn from 'gradloom/nn';\nimport * as F from 'gradloom/nn/functional';\nimport * as optim from 'gradloom/optim';",
);

async function inNode(script: string): Promise<Outcome> {
  const program = `const t = performance.now(); await import(${JSON.stringify(script)}); const importMs = performance.now() - t;
    console.log(JSON.stringify({ importMs, ...(await globalThis.gradloomSmoke()) }))`;
  return jsonLine<Outcome>(command(process.execPath, ['--input-type=module', '-e', program], { cwd: project() }));
}

async function bundlerOutcome(name: string): Promise<Outcome> {
  const { version } = JSON.parse(readFileSync(tool('bundlers', name, 'package.json'), 'utf8')) as { version: string };
  const folder = join(project(), `out-${name}`);
  const bundler = bundlers[name] as Bundler;
  for (const inner of ['small', 'threads']) mkdirSync(join(folder, inner), { recursive: true });
  await bundler(join(project(), 'app.mjs'), folder);
  await bundler(join(project(), 'threads.mjs'), join(folder, 'threads'));
  writeFileSync(join(project(), 'small.mjs'), name === 'esbuild' ? BY_ENTRIES : SMALL);
  await bundler(join(project(), 'small.mjs'), join(folder, 'small'));
  const files = readdirSync(join(folder, 'small')).filter((f) => f.endsWith('.js'));
  const gzip = files.reduce((sum, f) => sum + gzipSync(readFileSync(join(folder, 'small', f)), { level: 9 }).length, 0);
  const note = `two-loss app ${(gzip / 1000).toFixed(1)} kB gzip${name === 'rollup' ? ', not minified' : name === 'esbuild' ? ', from gradloom/nn, nn/functional and optim' : ''}`;
  if (name !== 'rollup' && gzip > 70_000) throw new Error(`${note}: more than 70`);
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

async function viteDev(): Promise<Outcome> {
  const { version } = await load('vite', 'build');
  const page = 'vite-dev';
  mkdirSync(join(project(), page), { recursive: true });
  for (const file of ['app.mjs', 'smoke.mjs', 'boot.js', 'boot.html']) writeFileSync(join(project(), page, file), readFileSync(join(project(), file)));
  const port = 20_000 + (process.pid % 20_000);
  const server = background(process.execPath, [tool('bundlers', 'vite', 'bin', 'vite.js'), join(project(), page), '--host', '127.0.0.1', '--port', `${port}`, '--strictPort']);
  try {
    for (let i = 0; i < 100 && !(await fetch(`http://127.0.0.1:${port}/boot.html`).catch(() => null)); i++) await new Promise((r) => setTimeout(r, 100));
    const outcome = await runBundle('Chromium', './app.mjs', { at: `http://127.0.0.1:${port}` });
    return { ...outcome, version };
  } finally {
    server.stop();
  }
}

async function jest(): Promise<Outcome> {
  const { version } = JSON.parse(readFileSync(tool('bundlers', 'jest', 'package.json'), 'utf8')) as { version: string };
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
  command(process.execPath, [tool('bundlers', 'jest', 'bin', 'jest.js'), '--rootDir', folder, '--ci'], { cwd: project() });
  return { ...(JSON.parse(readFileSync(join(folder, 'found.json'), 'utf8')) as Outcome), version };
}

/** The types, as the oldest TypeScript that reads them does. */
async function oldestTypes(): Promise<Outcome> {
  const { version } = JSON.parse(readFileSync(tool('bundlers', 'typescript-oldest', 'package.json'), 'utf8')) as { version: string };
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
  { name: 'Jest', run: jest },
  { name: 'TypeScript', run: oldestTypes },
];
