// Peers in pages: each in a headless Chromium of its own. One server gives them the program, the inputs and what they are asked.
import { EventEmitter, on } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium, ISOLATED } from '../test/runtimes/browsers.ts';
import { background } from '../test/runtimes/context.ts';
import type { Entry } from './data.ts';
import { type Answer, Asked } from './peer.ts';
import type { Work } from './works.ts';

/** A page's program, of those in peers/, its arguments, and how many threads it may have. */
export interface Way {
  readonly who: string;
  readonly program: 'gradloom.page.ts' | 'jax.mjs';
  readonly args: readonly string[];
  readonly threads: number;
  /** Whether a work is measured this way at all. */
  takes(work: Work): boolean;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** How long a page may take to greet, ms. */
const PATIENCE = 120_000;

/** The programs as single files, by program. `dist`: with gradloom as it is published. */
async function bundles(programs: readonly string[], dist: boolean): Promise<Map<string, string>> {
  const { outputFiles } = await build({
    entryPoints: programs.map((program) => here(`./peers/${program}`)),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    outdir: here('./peers'),
    logLevel: 'error',
    ...(dist ? { tsconfig: here('./tsconfig.dist.json') } : {}),
  });
  return new Map(outputFiles.map((file, i) => [programs[i] as string, file.text]));
}

/** jax-js starts as many threads as the browser says there are cores. What goes wrong in the page is told as an answer. */
const html = ({ program, threads }: Way): string => `<!doctype html><meta charset="utf-8">
<script>
Object.defineProperty(navigator, 'hardwareConcurrency', { value: ${threads} });
const fail = (error) => fetch(location.pathname, { method: 'POST', body: JSON.stringify({ error: String(error?.stack ?? error) }) });
addEventListener('error', (event) => fail(event.error ?? event.message));
addEventListener('unhandledrejection', (event) => fail(event.reason));
</script>
<script type="module" src="/programs/${program}"></script>`;

class Page extends Asked {
  readonly way: Way;
  readonly #events = new EventEmitter();
  readonly #answers = on(this.#events, 'answer');
  readonly #profile = mkdtempSync(join(tmpdir(), 'gradloom-page-'));
  readonly #stop: () => void;
  readonly #timer: NodeJS.Timeout;
  #response: ServerResponse | undefined;
  #ended = false;
  /** The inputs of the work that it prepares. */
  file = '';

  constructor(way: Way, url: string) {
    super(way.who, way.takes);
    this.way = way;
    const { file, args } = chromium();
    const { stop, output, ended } = background(file, args(this.#profile, url), { HOME: this.#profile }, 'SIGKILL', this.#profile);
    this.#stop = stop;
    const lost = (why: string): void => {
      if (!this.#ended) this.#events.emit('error', new Error(`${this.who}: ${why}\n${output()}`));
    };
    this.#timer = setTimeout(() => lost(`its page said nothing in ${PATIENCE / 1000} s.`), PATIENCE);
    void ended.then(() => lost('its Chromium ended.'));
  }

  /** What the page has posted; the response is kept for the next question. */
  answered(answer: string, response: ServerResponse): void {
    clearTimeout(this.#timer);
    this.#response = response;
    this.#events.emit('answer', answer);
  }

  protected async heard(): Promise<string> {
    const { value } = await this.#answers.next();
    return value[0];
  }

  protected say(question: string): void {
    this.#response?.end(question);
  }

  override prepare(work: Work, file: string, entries: readonly Entry[]): Promise<Answer> {
    this.file = file;
    return super.prepare(work, file, entries);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#stop();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** All pages, and what they are served. */
export class Pages {
  /** What the browser calls itself. */
  userAgent = '';
  readonly #programs: ReadonlyMap<string, string>;
  readonly #pages = new Map<string, Page>();
  readonly #server: Server;

  private constructor(programs: ReadonlyMap<string, string>) {
    this.#programs = programs;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error)); // a browser that ended
    });
  }

  /** Opens a page for each way, one after the other; `dist`: with gradloom as it is published. */
  static async open(ways: readonly Way[], dist: boolean): Promise<{ pages: Pages; peers: Asked[] }> {
    const pages = new Pages(await bundles([...new Set(ways.map(({ program }) => program))], dist));
    await new Promise<void>((resolve) => pages.#server.listen(0, '127.0.0.1', resolve));
    try {
      for (const way of ways) await pages.#open(way);
    } catch (error) {
      pages.end();
      throw error;
    }
    return { pages, peers: [...pages.#pages.values()] };
  }

  async #open(way: Way): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    const query = new URLSearchParams(way.args.map((arg) => ['arg', arg]));
    const page = new Page(way, `http://127.0.0.1:${port}/${way.who}?${query}`);
    this.#pages.set(way.who, page);
    await page.start();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, first = '', second = ''] = new URL(request.url ?? '/', 'http://localhost').pathname.split('/');
    const page = this.#pages.get(first);
    const send = (type: string, content: string | Buffer): unknown =>
      response.writeHead(200, { 'Content-Type': type, ...(page && page.way.threads > 1 ? ISOLATED : {}) }).end(content);
    this.userAgent = request.headers['user-agent'] ?? '';
    if (first === 'programs') send('text/javascript', this.#programs.get(second) ?? '');
    else if (!page) response.writeHead(404).end();
    else if (request.method === 'POST') page.answered(await text(request), response);
    else if (second === 'inputs') send('application/octet-stream', readFileSync(page.file));
    else send('text/html', html(page.way));
  }

  end(): void {
    for (const page of this.#pages.values()) page.end();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
