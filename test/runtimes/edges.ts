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
}

/** What 128 MB leave for the wasm's memory, in pages of 64 KB: V8 refuses to grow beyond. */
const PAGES = 1600;

async function workerd(date: string): Promise<Outcome> {
  const binary = tool('runtimes', 'workerd', 'bin', 'workerd');
  const out = join(project(), `out-workerd-${date}`);
  bundle('workerd.mjs', out, ['--conditions=workerd,worker', '--loader:.wasm=copy']);
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
  modules = [(name = "workerd.js", esModule = embed "workerd.js"), (name = "${wasm}", wasm = embed "${wasm}")],
  compatibilityDate = "${date}",
);`,
  );
  const server = background(process.execPath, [binary, 'serve', join(out, 'config.capnp')]);
  try {
    const answer = await fetched(`http://127.0.0.1:${port}/?full`, server.output);
    if (answer.error) throw new Error(answer.error);
    if (answer.reserved > 128e6) throw new Error(`took ${answer.reserved} bytes`);
    if (!/^MEMORY: .*no room for 4 MB: tensors hold \d+ MB of the \d+ MB reserved/.test(answer.full ?? '')) throw new Error(`out of memory, it said: ${answer.full}`);
    const { hash } = answer;
    return {
      hash,
      version: command(process.execPath, [binary, '--version']).trim().replace('workerd ', ''),
      note: `${(answer.reserved / 1e6).toFixed(1)} MB; no room beyond ${(answer.after / 1e6).toFixed(0)} MB is said`,
    };
  } finally {
    server.stop();
  }
}

/** Asks until the server answers, for up to 20 s. */
async function fetched(url: string, output: () => string): Promise<WorkerAnswer> {
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
];
