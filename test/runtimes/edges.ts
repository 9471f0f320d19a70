// Runtimes that compile no bytes: workerd (the real binary) and Vercel's edge VM (patched as production is).
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { background, command, type Outcome, project, type Target, tool, toolsOf } from './context.ts';

/** A port that is free now. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function bundle(entry: string, out: string, args: readonly string[]): void {
  mkdirSync(out, { recursive: true });
  command(process.execPath, [tool('runtimes', 'esbuild', 'bin', 'esbuild'), entry, '--bundle', '--format=esm', `--outdir=${out}`, ...args], { cwd: project() });
}

interface WorkerAnswer extends Outcome {
  error?: string;
  reserved: number;
  full?: string;
  after: number;
  live: number;
  held: number;
  registry: string;
}

/** What 128 MB leave for the wasm's memory, in pages of 64 KB: V8 refuses to grow beyond. */
const PAGES = 1600;

/** A program of the project in workerd under a compatibility date: its address, what it prints, the version, and its end. */
export async function serving(app: string, date: string, entry = `${app}.mjs`): Promise<{ url: string; version: string; output(): string; stop(): void }> {
  const binary = tool('runtimes', 'workerd', 'bin', 'workerd');
  const out = join(project(), `out-${app}-${date}`);
  // Dates of before `using` had none.
  bundle(entry, out, ['--conditions=workerd,worker', '--loader:.wasm=copy', '--target=es2022']);
  const wasm = readdirSync(out).find((f) => f.endsWith('.wasm')) as string;
  const port = await freePort();
  writeFileSync(
    join(out, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
  v8Flags = ["--wasm-max-mem-pages=${PAGES}"],
);
const worker :Workerd.Worker = (
  modules = [(name = "${app}.js", esModule = embed "${app}.js"), (name = "${wasm}", wasm = embed "${wasm}")],
  compatibilityDate = "${date}",
);`,
  );
  const server = background(process.execPath, [binary, 'serve', join(out, 'config.capnp')]);
  const version = command(process.execPath, [binary, '--version']).trim().replace('workerd ', '');
  return { url: `http://127.0.0.1:${port}/`, version, ...server };
}

async function workerd(date: string): Promise<Outcome> {
  const server = await serving('workerd', date);
  try {
    const answer = await fetched(`${server.url}?full`, server.output);
    if (answer.error) throw new Error(answer.error);
    if (answer.reserved > 128e6) throw new Error(`took ${answer.reserved} bytes`);
    if (!/^MEMORY: .*no room for 4 MB: tensors hold \d+ MB of the \d+ MB reserved/.test(answer.full ?? '')) throw new Error(`out of memory, it said: ${answer.full}`);
    const { hash } = answer;
    return { hash, version: server.version, note: `${(answer.reserved / 1e6).toFixed(1)} MB; no room beyond ${(answer.after / 1e6).toFixed(0)} MB is said` };
  } finally {
    server.stop();
  }
}

/** 1 000 requests that each train 16 MB, two at a time, half with `using`, half in a `scope`. Under the older date nothing tells what the collector took. */
async function requests(date: string, registry: 'undefined' | 'function'): Promise<Outcome> {
  const server = await serving('requests', date);
  try {
    const worker = (way: string): Promise<WorkerAnswer> => fetched(`${server.url}?way=${way}`, server.output);
    const { hash, error } = await worker('smoke'); // the start, and the known bits
    if (error) throw new Error(error);
    let last = await worker('using');
    const first = last.live;
    for (let i = 0; i < 1000; i += 4) {
      // Two of either way, then both ways at once.
      for (const pair of [i % 8 ? ['using', 'using'] : ['scope', 'scope'], ['using', 'scope']]) {
        for (const answer of await Promise.all(pair.map(worker))) {
          if (answer.error) throw new Error(`request ${i}: ${answer.error}`);
          if (answer.reserved > 128e6) throw new Error(`took ${answer.reserved} bytes by request ${i}`);
          last = answer;
        }
      }
    }
    last = await worker('using');
    if (last.registry !== registry) throw new Error(`FinalizationRegistry is ${last.registry} there`);
    if (last.held < 30e6) throw new Error(`two requests never held their models at once: ${last.held} bytes`);
    return { hash, version: server.version, note: `1 000 × 16 MB: ${(last.reserved / 1e6).toFixed(0)} MB reserved; live before ${first}, after ${last.live}` };
  } finally {
    server.stop();
  }
}

/** Asks until the server answers, for up to 20 s. */
export async function fetched(url: string, output: () => string): Promise<WorkerAnswer> {
  for (let i = 0; i < 100; i++) {
    const answer = await fetch(url).catch(() => null);
    if (answer) return (await answer.json()) as WorkerAnswer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`workerd did not answer: ${output()}`);
}

async function edgeVm(): Promise<Outcome> {
  const require = createRequire(join(toolsOf('runtimes'), 'package.json'));
  const { EdgeVM } = (await import(pathToFileURL(require.resolve('@edge-runtime/vm')).href)) as typeof import('./edge-vm.d.mts');
  const esbuild = require('esbuild') as typeof import('./edge-vm.d.mts').esbuild;
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(project(), 'app.mjs')],
    bundle: true,
    format: 'iife',
    write: false,
    conditions: ['edge-light'],
    plugins: [
      {
        // As Vercel's bundler does: the file becomes a module that the platform compiled.
        name: 'wasm?module',
        setup(build) {
          build.onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({ path, namespace: 'platform' }));
          build.onLoad({ filter: /./, namespace: 'platform' }, () => ({ contents: 'export default globalThis.platformWasm' }));
        },
      },
    ],
  });
  const platformWasm = new WebAssembly.Module(readFileSync(join(project(), 'node_modules', 'gradloom', 'dist', 'kernels.wasm')));
  const vm = new EdgeVM({ extend: (context) => Object.assign(context, { platformWasm }) });
  vm.evaluate(`
    const refuse = () => { throw new WebAssembly.CompileError('Wasm code generation disallowed by embedder'); };
    WebAssembly.Module = new Proxy(WebAssembly.Module, { construct: refuse });
    WebAssembly.compile = async () => refuse();
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = (source, imports) => (source.byteLength === undefined ? instantiate(source, imports) : refuse());
  `);
  const start = performance.now();
  vm.evaluate((outputFiles[0] as { text: string }).text);
  const importMs = performance.now() - start;
  const found = JSON.parse(await vm.evaluate<Promise<string>>('globalThis.gradloomSmoke().then(JSON.stringify)')) as Outcome;
  return { importMs, ...found, version: (require('@edge-runtime/vm/package.json') as { version: string }).version };
}

export const edges: Target[] = [
  // The older date forbids bytes everywhere, the newer one in request handlers only.
  { name: 'workerd, 2024-01-01', run: () => workerd('2024-01-01') },
  { name: 'workerd, 2026-11-01', run: () => workerd('2026-11-01') },
  { name: 'edge VM, no bytes', run: edgeVm },
  { name: 'requests under 128 MB: workerd', run: () => requests('2026-11-01', 'function') },
  { name: 'requests under 128 MB: workerd without FinalizationRegistry', run: () => requests('2024-01-01', 'undefined') },
];
