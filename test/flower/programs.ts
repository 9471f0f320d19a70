// The client as one file, and what runs it: processes, a page behind a proxy of its own origin, workerd.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import { sleep, until } from '../helpers.ts';
import type { NodeEvent } from '../../src/flower/main.ts';
import { root, tool } from '../runtimes/context.ts';
import { bun, denoRun } from '../runtimes/processes.ts';
import type { ClientOptions } from './client.ts';
import { freePort, Running, scratch } from './superlink.ts';

const built = new Map<string, string>();

/** The client (for workerd: the isolate) bundled into one file. */
async function bundle(entry: 'client' | 'isolate'): Promise<string> {
  const found = built.get(entry);
  if (found) return found;
  const out = join(scratch, entry);
  mkdirSync(out, { recursive: true });
  const isolate = entry === 'isolate';
  await build({
    entryPoints: [join(root, 'test', 'flower', `${entry}.ts`)],
    outfile: join(out, `${entry}.js`),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    tsconfig: join(root, 'tsconfig.json'),
    conditions: isolate ? ['workerd'] : [],
    logLevel: 'error',
    plugins: [
      {
        // workerd compiles no bytes: it is given the wasm as a module.
        name: 'wasm',
        setup(b) {
          b.onResolve({ filter: /\.wasm$/ }, () => ({ path: './kernels.wasm', external: true }));
          if (isolate) b.onResolve({ filter: /^gradloom$/ }, () => ({ path: join(root, 'src', 'entry', 'workerd.ts') }));
        },
      },
    ],
  });
  const file = join(out, `${entry}.js`);
  built.set(entry, file);
  return file;
}

export type Line = NodeEvent | { type: 'key'; key: string } | { type: 'failed'; message: string };

/** A client somewhere: what it said so far, and its end. */
export interface Client {
  name: string;
  lines(): Line[];
  end(signal?: NodeJS.Signals): Promise<void>;
  /** Whether its process has ended. */
  gone(): boolean;
  /** What else it said. */
  output(): string;
}

export const ids = (c: Client): string[] => c.lines().flatMap((line) => (line.type === 'joined' ? [line.nodeId] : []));

/** Waits until a client has joined. */
export async function joined(c: Client, times = 1): Promise<string> {
  await until(
    () => `${c.name} joins`,
    60,
    () => {
      const failed = c.lines().find((line) => line.type === 'failed');
      if (failed) throw new Error(`${c.name}: ${failed.message}`);
      return ids(c).length >= times;
    },
  );
  return ids(c).at(-1) as string;
}

/** A client in a process. */
export async function processClient(name: 'Node' | 'Deno' | 'Bun', options: ClientOptions, env: NodeJS.ProcessEnv = {}): Promise<Client> {
  const file = await bundle('client');
  const [program, args] = name === 'Node' ? [process.execPath, []] : name === 'Bun' ? [bun(), []] : [process.execPath, [...denoRun(), '--allow-net', '--allow-write']];
  const running = new Running(program as string, [...(args as string[]), file, JSON.stringify(options)], { env });
  const lines = (): Line[] =>
    running.output
      .split('\n')
      .filter((l) => l.startsWith('{"type"'))
      .map((l) => JSON.parse(l) as Line);
  return { name, lines, end: (signal = 'SIGTERM') => running.end(signal), gone: () => running.ended, output: () => running.output };
}

const TYPES: Record<string, string> = { js: 'text/javascript', html: 'text/html' };
const files = new Map<string, Uint8Array>();
const reports = new Map<string, Line[]>();
let server: Server | undefined;
let target = '';

/** A server of one origin: the page, shards, reports, and the SuperLink behind it, as a site that federates needs it. */
export async function site(link: string): Promise<string> {
  target = link;
  if (!server) {
    const page = '<!doctype html><meta charset="utf-8"><title>node</title><script type="module" src="/client.js"></script>';
    files.set('/page.html', new TextEncoder().encode(page));
    files.set('/client.js', readFileSync(await bundle('client')));
    server = createServer((req, res) => {
      const path = new URL(req.url ?? '/', 'http://localhost').pathname;
      if (path.startsWith('/v1/fleet/') || path === '/openapi.json') {
        // The proxy: fetch in a page cannot reach a SuperLink, which sends no CORS headers.
        const { host: _, ...headers } = req.headers;
        req.pipe(
          request(`${target}${path}`, { method: req.method, headers }, (answer) => {
            res.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.pipe(res);
          }).on('error', () => res.writeHead(502).end()),
        );
        return;
      }
      if (path.startsWith('/report/')) {
        let body = '';
        req.on('data', (chunk) => {
          body += chunk;
        });
        req.on('end', () => {
          reports.get(path)?.push(JSON.parse(body) as Line);
          res.writeHead(204).end();
        });
        return;
      }
      const file = files.get(path);
      const headers = {
        'Content-Type': TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
        'Content-Security-Policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
      };
      if (file) res.writeHead(200, headers).end(file);
      else res.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    server.unref();
  }
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** Puts a file on the site; its path. */
export function publish(name: string, bytes: Uint8Array): string {
  files.set(`/${name}`, bytes);
  return `/${name}`;
}

let pages = 0;

/** A client in a Chromium page under a strict policy. */
export async function pageClient(chromium: string, home: string, options: Omit<ClientOptions, 'url'>): Promise<Client> {
  const report = `/report/${++pages}`;
  reports.set(report, []);
  const url = `${home}/page.html?${new URLSearchParams({ options: JSON.stringify({ ...options, url: home }), report })}`;
  const profile = join(scratch, `profile-${pages}`);
  const args = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--user-data-dir=${profile}`,
    url,
  ];
  const running = new Running(chromium, args, { env: { HOME: scratch } });
  return { name: 'Chromium', lines: () => reports.get(report) ?? [], end: (signal = 'SIGKILL') => running.end(signal), gone: () => running.ended, output: () => running.output };
}

/** A client in a workerd isolate: a request that lasts for so many replies. */
export async function workerdClient(options: ClientOptions & { replies: number }): Promise<Client> {
  const binary = tool('runtimes', 'workerd', 'bin', 'workerd');
  const file = await bundle('isolate');
  const folder = join(file, '..');
  const port = await freePort();
  if (!existsSync(join(folder, 'kernels.wasm'))) writeFileSync(join(folder, 'kernels.wasm'), readFileSync(join(root, 'build', 'kernels.wasm')));
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["private", "public"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "isolate.js", esModule = embed "isolate.js"), (name = "./kernels.wasm", wasm = embed "kernels.wasm")],
  compatibilityDate = "2026-01-01",
);`,
  );
  const running = new Running(process.execPath, [binary, 'serve', join(folder, 'config.capnp')]);
  let lines: Line[] = [];
  const ask = async (): Promise<void> => {
    for (let i = 0; i < 100 && !running.ended; i++) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(options) }).catch((error) => (i > 20 ? Promise.reject(error) : null));
      if (answer) {
        lines = (await answer.json()) as Line[];
        return;
      }
      await sleep(200);
    }
  };
  const asked = ask().catch((error) => {
    lines = [{ type: 'failed', message: `${error}\n${running.output}` }];
  });
  return {
    name: 'workerd',
    lines: () => lines,
    end: async (signal = 'SIGKILL') => {
      await Promise.race([asked, sleep(3000)]);
      await running.end(signal);
    },
    gone: () => running.ended,
    output: () => running.output,
  };
}
