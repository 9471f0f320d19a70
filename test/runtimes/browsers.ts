// Pages and module workers in Chromium, Firefox and WebKitGTK, without drivers: a page reports to the suite's own server.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { background, command, Missing, type Outcome, project, root, type Target, tool } from './context.ts';

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json' };

/** Headers of a page that may have shared memory. */
export const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** The first folder of a path says under which headers the project's files are served. */
const HEADERS: Record<string, Record<string, string>> = {
  plain: {},
  csp: { 'Content-Security-Policy': "script-src 'self' 'wasm-unsafe-eval'" },
  strict: { 'Content-Security-Policy': "script-src 'self'" },
  sealed: { 'Content-Security-Policy': "script-src 'self' 'wasm-unsafe-eval'", ...ISOLATED },
  isolated: ISOLATED,
};

const waiting = new Map<string, (body: string) => void>();
let server: Server | undefined;

/** The suite's server on the project's folder; the address of its root. */
async function serverRoot(): Promise<string> {
  if (!server) {
    const folder = project();
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      if (pathname.startsWith('/report/')) {
        let body = '';
        request.on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => {
          response.writeHead(200, { 'Access-Control-Allow-Origin': '*' }).end();
          waiting.get(pathname)?.(body);
        });
        return;
      }
      const [, policy = '', ...path] = normalize(pathname).split('/');
      const file = join(folder, ...path);
      const headers = HEADERS[policy];
      if (!headers || !existsSync(file)) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', ...headers }).end(readFileSync(file));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    server.unref();
  }
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** A browser: its file and how it is started on a page. */
export interface Browser {
  file: string;
  args(profile: string, url: string): string[];
  env?: NodeJS.ProcessEnv;
}

/** The browsers, as rows name them; WebKitGTK hides shared memory from isolated pages too, unless it is told not to. */
type Which = 'Chromium' | 'Firefox' | 'WebKit' | 'WebKit, shared memory';

type Names = readonly (string | undefined)[];
const onPath = (names: Names | (() => Names)): string | undefined => (typeof names === 'function' ? names() : names).find((n) => n && spawnSync('which', [n]).status === 0);

/** The browser's file; where there is none, Debian's package is installed by root. */
export function found(names: Names | (() => Names), debian: string): string {
  const here = onPath(names);
  if (here) return here;
  if (process.getuid?.() === 0 && onPath(['apt-get'])) {
    console.log(`installing Debian's ${debian} …`);
    spawnSync('apt-get', ['update'], { stdio: 'ignore' });
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', debian], { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  }
  const now = onPath(names);
  if (!now) throw new Missing(`no ${debian} on this machine, and apt-get did not bring it`);
  return now;
}

export const chromium = (): Browser => ({
  file: found([process.env['CHROMIUM'], 'chromium', 'chromium-browser', 'google-chrome'], 'chromium'),
  args: (profile, url) =>
    ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'].concat([
      `--user-data-dir=${profile}`,
      url,
    ]),
});

const firefox = (): Browser => ({
  file: found([process.env['FIREFOX'], 'firefox-esr', 'firefox'], 'firefox-esr'),
  args: (profile, url) => ['--headless', '--no-remote', '--profile', profile, url],
  env: { MOZ_DISABLE_CONTENT_SANDBOX: '1' },
});

let screen = '';
/** A screen for browsers that need one: DISPLAY of an Xvfb that ends with the suite. */
function display(): string {
  if (!screen) {
    const file = join(project(), 'display');
    const xvfb = found(['Xvfb'], 'xvfb');
    background('sh', ['-c', `exec "${xvfb}" -displayfd 3 -nolisten tcp 3>"${file}"`], {}, 'SIGTERM'); // so that it takes its lock along
    for (let i = 0; i < 100 && !screen; i++) {
      spawnSync('sleep', ['0.1']);
      screen = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
    }
    if (!screen) throw new Error('Xvfb did not start');
  }
  return `:${screen}`;
}

/** The small browser that comes with WebKitGTK. */
const webkit = (): Browser => ({
  file: found(
    () => [process.env['WEBKIT'], ...(existsSync('/usr/lib') ? readdirSync('/usr/lib') : []).map((arch) => `/usr/lib/${arch}/webkit2gtk-4.1/MiniBrowser`)],
    'webkit2gtk-driver',
  ),
  args: (_profile, url) => ['--private', url],
  env: { DISPLAY: display(), GDK_BACKEND: 'x11', WEBKIT_DISABLE_DMABUF_RENDERER: '1', NO_AT_BRIDGE: '1', GSETTINGS_BACKEND: 'memory' },
});

const BROWSERS: Record<Which, () => Browser> = {
  Chromium: chromium,
  Firefox: firefox,
  WebKit: webkit,
  'WebKit, shared memory': () => {
    const browser = webkit();
    return { ...browser, env: { ...browser.env, JSC_useSharedArrayBuffer: '1' } };
  },
};

let runs = 0;

/** A page that is open: its reports, one after the other, and the end of its browser by SIGKILL. */
export interface Opened {
  /** The next report; null where none comes in so many milliseconds. */
  next(ms: number): Promise<string | null>;
  stop(): void;
  output(): string;
}

/** Opens a page of the project. `profile`: a folder that the browser keeps things in, which stays; `at`: on another server than the suite's. */
export async function opened(
  which: Which,
  policy: string,
  page: string,
  query: Readonly<Record<string, string>>,
  options: { profile: string; at?: string | undefined },
): Promise<Opened> {
  const browser = BROWSERS[which]();
  const home = await serverRoot();
  const path = `/report/${++runs}`;
  const url = `${options.at ?? `${home}/${policy}`}/${page}?${new URLSearchParams({ ...query, report: `${home}${path}` })}`;
  const bodies: string[] = [];
  let heard: (() => void) | undefined;
  waiting.set(path, (body) => {
    bodies.push(body);
    heard?.();
  });
  const { stop, output } = background(browser.file, browser.args(options.profile, url), { HOME: options.profile, ...browser.env });
  return {
    async next(ms) {
      if (bodies.length === 0) {
        await new Promise<void>((resolve) => {
          heard = resolve;
          setTimeout(resolve, ms).unref();
        });
      }
      return bodies.shift() ?? null;
    },
    stop() {
      stop();
      waiting.delete(path);
    },
    output,
  };
}

/** Opens a page in a browser of its own and waits for its report. */
export async function visit<T>(which: Which, policy: string, page: string, query: Readonly<Record<string, string>> = {}, at?: string): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), `gradloom-${which}-`));
  const { next, stop, output } = await opened(which, policy, page, query, { profile, at });
  try {
    const body = await next(60_000);
    if (body === null) throw new Error(`${which} reported nothing in 60 s from ${page}\n${output()}`);
    return JSON.parse(body) as T;
  } finally {
    stop();
    spawnSync('rm', ['-rf', profile]);
  }
}

type Reported = Outcome & { error?: string; cause?: string };

const versions = new Map<Which, string>();
/** A browser's version. */
export function versionOf(which: Which): string {
  let version = versions.get(which);
  if (!version) {
    const { file, env = {} } = BROWSERS[which]();
    version = /\d+\.\d+(\.\d+)*/.exec(command(file, ['--version'], { env }))?.[0] ?? '?';
    versions.set(which, version);
  }
  return version;
}

/** A bundle in a page, or with `worker` in a module worker; `at`: on another server than the suite's. */
export async function runBundle(which: Which, script: string, options: { policy?: string; worker?: boolean; init?: unknown; at?: string } = {}): Promise<Outcome> {
  const query = { script, ...(options.worker ? { worker: '1' } : {}), ...(options.init ? { init: JSON.stringify(options.init) } : {}) };
  const reported = await visit<Reported>(which, options.policy ?? 'plain', 'boot.html', query, options.at);
  if (reported.error) throw new Error(`${reported.error} (${reported.cause})`);
  return { ...reported, version: versionOf(which) };
}

/** The error that a page must give. */
async function refused(which: Which, script: string, message: RegExp, options: Parameters<typeof runBundle>[2]): Promise<Outcome> {
  let said = 'nothing: it ran';
  try {
    await runBundle(which, script, options);
  } catch (error) {
    said = (error as Error).message;
  }
  if (!message.test(said)) throw new Error(`expected ${message}, it said: ${said}`);
  return { hash: '', version: versionOf(which), note: `says: ${message.source}` };
}

const bundles = new Set<string>();
/** An esbuild bundle of one of the suite's programs, not split. */
function bundled(app: string): string {
  if (!bundles.has(app)) {
    const esbuild = tool('runtimes', 'esbuild', 'bin', 'esbuild');
    command(process.execPath, [esbuild, `${app}.mjs`, '--bundle', '--format=esm', '--minify', `--outfile=out-page/${app}.js`], { cwd: project() });
    bundles.add(app);
  }
  return `./out-page/${app}.js`;
}

const wasm = './node_modules/gradloom/dist/kernels.wasm';
const native = async (which: Which, policy = 'plain', init?: unknown, script = './native.mjs'): Promise<Outcome> => {
  const reported = await visit<Reported>(which, policy, 'native.html', { script, ...(init ? { init: JSON.stringify(init) } : {}) });
  if (reported.error) throw new Error(`${reported.error} (${reported.cause})`);
  return { ...reported, version: versionOf(which) };
};

interface Frames {
  frames: number;
  longest: number;
  median: number;
  ms: number;
  ended: string;
}

let examplePage = '';
/** examples/page, bundled in the project as a user would. */
function pageFolder(): string {
  if (!examplePage) {
    const source = join(project(), 'page');
    cpSync(join(root, 'examples', 'page'), source, { recursive: true });
    const esbuild = tool('runtimes', 'esbuild', 'bin', 'esbuild');
    command(process.execPath, [esbuild, 'page/page.ts', 'page/worker.ts', '--bundle', '--format=esm', '--minify', '--outdir=page'], { cwd: project() });
    examplePage = 'page';
  }
  return examplePage;
}

const alive = ({ ended, frames: n, median }: Frames): boolean => ended === 'done' && n >= 10 && median < 100;

/** The example page in one of its ways to train, judged by the gaps between its frames (ms) and how it ended. */
async function frames(mode: 'worker' | 'tick' | 'blocked', judge: (found: Frames) => boolean, query: Record<string, string> = {}): Promise<Outcome> {
  const found = await visit<Frames>('Chromium', 'plain', `${pageFolder()}/index.html`, { mode, ...query });
  const note = `${found.ended}, ${found.frames} frames in ${found.ms.toFixed(0)} ms, gaps: median ${found.median.toFixed(0)}, longest ${found.longest.toFixed(0)} ms`;
  if (!judge(found)) throw new Error(note);
  return { hash: '', version: versionOf('Chromium'), note };
}

/** What a page's headers forbid, each named by the error. */
const refusals = (which: Which): Target[] => [
  { name: `${which}: CSP without wasm`, run: async () => refused(which, bundled('app'), /add 'wasm-unsafe-eval' to script-src/, { policy: 'strict' }) },
  { name: `${which} worker: CSP without wasm`, run: async () => refused(which, bundled('app'), /add 'wasm-unsafe-eval' to script-src/, { policy: 'strict', worker: true }) },
  {
    name: `${which}: threads without isolation`,
    run: async () => refused(which, bundled('threads'), /'Cross-Origin-Opener-Policy: same-origin' and 'Cross-Origin-Embedder-Policy: require-corp'/, { init: { threads: 2 } }),
  },
];
/** Anomaly mode, whose message must name the page's own line. */
const anomaly = (which: Which): Target => ({
  name: `${which} page, anomaly mode`,
  run: async () => ({ ...(await native(which, 'plain', undefined, './anomaly.mjs')), version: versionOf(which) }),
});
const sealed = { policy: 'sealed', init: { threads: 2 } };

export const browsers: Target[] = [
  { name: 'Chromium page, import map', run: () => native('Chromium') },
  anomaly('Chromium'),
  { name: 'Chromium page, import map, 2 threads', run: () => native('Chromium', 'isolated', { threads: 2 }) },
  { name: 'Chromium worker, no bundler', run: () => native('Chromium', 'plain', undefined, './native-worker.mjs') },
  { name: 'Chromium page', run: async () => runBundle('Chromium', bundled('app')) },
  { name: 'Chromium worker', run: async () => runBundle('Chromium', bundled('app'), { worker: true }) },
  {
    name: 'Chromium page, relaxed SIMD',
    run: async () => ({ ...(await runBundle('Chromium', bundled('threads'), { init: { simd: 'relaxed' } })), hash: '', note: 'other bits are right here' }),
  },
  { name: 'Chromium page, CSP', run: async () => runBundle('Chromium', bundled('app'), { policy: 'csp' }) },
  { name: 'Chromium worker, CSP', run: async () => runBundle('Chromium', bundled('app'), { policy: 'csp', worker: true }) },
  { name: 'Chromium page, lean', run: async () => runBundle('Chromium', bundled('lean'), { init: { wasm } }) },
  { name: 'Chromium page, 2 threads', run: async () => runBundle('Chromium', bundled('threads'), { policy: 'isolated', init: { threads: 2 } }) },
  { name: 'Chromium: threads not in bundle', run: async () => refused('Chromium', bundled('app'), /Add import 'gradloom\/threads'/, { policy: 'isolated', init: { threads: 2 } }) },
  { name: 'Chromium: relaxed not in bundle', run: async () => refused('Chromium', bundled('app'), /Add import 'gradloom\/relaxed'/, { init: { simd: 'relaxed' } }) },
  ...refusals('Chromium'),
  { name: 'Chromium: CSP without blob workers', run: async () => refused('Chromium', bundled('threads'), /a thread did not start.*worker-src blob:/, sealed) },
  // No bound on single gaps: the machine may be busy. A page that does not yield has one frame, and cannot be stopped.
  { name: 'Chromium: page alive, worker', run: () => frames('worker', alive) },
  { name: 'Chromium: page alive, tick', run: () => frames('tick', alive) },
  { name: 'Chromium: page stopped, worker', run: () => frames('worker', ({ ended }) => ended === 'stopped', { stop: '300' }) },
  { name: 'Chromium: page stopped, tick', run: () => frames('tick', ({ ended }) => ended === 'stopped', { stop: '300' }) },
  { name: 'Chromium: page without either', run: () => frames('blocked', ({ ended, frames: n }) => ended === 'done' && n < 5) },
  { name: 'Firefox page, import map', run: () => native('Firefox') },
  anomaly('Firefox'),
  { name: 'Firefox page', run: async () => runBundle('Firefox', bundled('app')) },
  { name: 'Firefox worker', run: async () => runBundle('Firefox', bundled('app'), { worker: true }) },
  { name: 'Firefox page, CSP', run: async () => runBundle('Firefox', bundled('app'), { policy: 'csp' }) },
  { name: 'WebKit page, import map', run: () => native('WebKit') },
  anomaly('WebKit'),
  { name: 'WebKit worker, no bundler', run: () => native('WebKit', 'plain', undefined, './native-worker.mjs') },
  { name: 'WebKit page, CSP', run: async () => runBundle('WebKit', bundled('app'), { policy: 'csp' }) },
  { name: 'WebKit worker, CSP', run: async () => runBundle('WebKit', bundled('app'), { policy: 'csp', worker: true }) },
  { name: 'WebKit page, import map, 2 threads', run: async () => ({ ...(await native('WebKit, shared memory', 'isolated', { threads: 2 })), note: 'shared memory switched on' }) },
  ...refusals('WebKit'),
  {
    name: 'WebKit: no shared memory',
    run: async () => refused('WebKit', bundled('threads'), /no shared memory, although the page is isolated/, { policy: 'isolated', init: { threads: 2 } }),
  },
];
