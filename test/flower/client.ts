// The client program of every runtime: one file, told by JSON what to do, saying JSON lines of what happens.
import { type Arrays, fileStore, indexedDBStore, memoryStore, type NodeEvent, publicKeyOf, runSuperNode, type Store, type Task } from 'gradloom/flower';
import { digitsApp } from '../../examples/flower/digits.ts';
import { closedApp } from './closed.ts';

/** What a client is told. */
export interface ClientOptions {
  url: string;
  /** Of the shard: images as bytes, digits behind them; without it the client is one of the closed form. */
  shard?: string;
  target?: number;
  weight?: number;
  /** A folder, `idb`, or nothing. */
  store?: string;
  /** A page comes back in this round. */
  reload?: number;
  /** Ends itself in this round: while it trains, or with its reply announced and nothing of it sent. */
  die?: { round: number; at: 'training' | 'sending' };
  /** Whether it only says its public key. */
  key?: boolean;
  heartbeat?: number;
  /** Ends after so many replies. */
  replies?: number;
}

const PIXELS = 784;

async function shardAt(url: string): Promise<{ images: Float32Array; digits: Int32Array }> {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const n = bytes.length / (PIXELS + 1);
  return { images: Float32Array.from(bytes.subarray(0, n * PIXELS), (v) => v / 255), digits: Int32Array.from(bytes.subarray(n * PIXELS)) };
}

/** Runs a client until it is stopped. `die`: what kills the process at once. */
export async function client(
  options: ClientOptions,
  tell: (line: NodeEvent | { type: string; [key: string]: unknown }) => void,
  die: () => void,
  signal?: AbortSignal,
): Promise<void> {
  const { url, shard, target = 1, weight = 1, store: where, heartbeat = 10 } = options;
  const store: Store = where === undefined ? memoryStore() : where === 'idb' ? indexedDBStore() : fileStore(where);
  if (options.key) return tell({ type: 'key', key: await publicKeyOf(store) });
  let round = 0;
  const before = async (task: Task): Promise<void> => {
    round = task.round;
    if (options.die?.at === 'training' && options.die.round === round) die();
    if (options.reload === round && !sessionStorage.getItem('reloaded')) {
      sessionStorage.setItem('reloaded', 'yes');
      location.reload();
      await new Promise(() => {});
    }
  };
  const app = shard ? digitsApp(await shardAt(shard)) : closedApp(target, weight, before);
  const watched: typeof fetch = (input, init) => {
    if (options.die?.at === 'sending' && options.die.round === round && `${input}`.endsWith('/push-object')) die();
    return fetch(input, init);
  };
  let left = options.replies ?? Number.POSITIVE_INFINITY;
  const stop = new AbortController();
  const onEvent = (event: NodeEvent): void => {
    tell(event);
    if (event.type === 'replied' && --left <= 0) stop.abort();
  };
  signal?.addEventListener('abort', () => stop.abort());
  await runSuperNode(app, { url, store, heartbeat, poll: 0.1, onEvent, fetch: watched, signal: stop.signal });
}

/** Rows of arrays that are sent as they are, for servers that shall drop them. */
export const spoiled = (arrays: Arrays, value: number): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, { ...a, data: Float32Array.from(a.data as Float32Array, (v, i) => (i === 0 ? value : v)) }]));

// Node, Deno and Bun: `client.js '{ … }'`. A page: `?options={ … }&report=URL`. workerd imports it.
interface Host {
  process?: { argv: string[]; kill(pid: number, signal: string): void; pid: number; exit(code: number): void; on(name: string, fn: () => void): void };
  document?: unknown;
}
const { process: host, document: page } = globalThis as Host;
const said = (error: unknown): { type: 'failed'; message: string } => ({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
if (page) {
  const query = new URLSearchParams(location.search);
  const post = (line: object): void => void fetch(query.get('report') as string, { method: 'POST', body: JSON.stringify(line), keepalive: true });
  client(JSON.parse(query.get('options') as string) as ClientOptions, post, () => {}).catch((error) => post(said(error)));
} else if (host?.argv?.[2]?.startsWith('{')) {
  const stop = new AbortController();
  host.on('SIGTERM', () => stop.abort());
  const print = (line: object): void => console.log(JSON.stringify(line));
  client(JSON.parse(host.argv[2]) as ClientOptions, print, () => host.kill(host.pid, 'SIGKILL'), stop.signal).then(
    () => host.exit(0),
    (error) => {
      print(said(error));
      host.exit(1);
    },
  );
}
