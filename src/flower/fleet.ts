// The Fleet API of a Flower SuperLink: protobuf over HTTP. Every call is signed with the time, by the server's clock.
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { GradloomError, valueText } from '../tensor/errors.ts';
import type { Identity } from './identity.ts';
import { base64, type Bytes, fromServer } from './objects.ts';

/** The SuperLinks that the tests run against. */
export const TESTED: readonly string[] = ['1.42.0'];

/** Flower's numbers of what it refuses. */
export const CODES = { keyKnown: 23, notByNodes: 2001, activation: 2004, runOver: 2007 };

/** A refusal of the SuperLink: HTTP's status and Flower's number. */
export class Refusal extends GradloomError {
  readonly status: number;
  readonly number: number | undefined;

  constructor(path: string, status: number, number: number | undefined, detail: string) {
    super('REMOTE', 'runSuperNode', `the SuperLink refused ${path} (HTTP ${status}${number === undefined ? '' : `, Flower's code ${number}`}): ${detail}`);
    this.status = status;
    this.number = number;
  }
}

/** Resolves after some seconds, or at once when it is aborted. */
export const pause = (seconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    signal?.addEventListener('abort', done);
  });

/** What a connection is made of. */
interface Settings {
  readonly url: string;
  readonly identity: Identity;
  readonly versions: readonly string[];
  readonly fetch: typeof fetch;
  /** Told once when the SuperLink cannot be reached, and once when it can be again. */
  readonly onReach: (reached: boolean, why: string) => void;
  readonly signal: AbortSignal;
}

/** Most seconds of a request. */
const REQUEST = 120;

/** A connection to a SuperLink. */
export class Fleet {
  readonly #settings: Settings;
  /** The server's clock less ours, ms. */
  #offset = 0;
  #reached = true;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Seconds since 1970 by the server's clock, up to one late. */
  now(): number {
    return (Date.now() + this.#offset) / 1000;
  }

  /** Takes the time from an answer; whether it changed by more than a clock's drift. */
  #setClock(response: Response): boolean {
    const there = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(there)) return false;
    const before = this.#offset;
    this.#offset = there - Date.now();
    return Math.abs(this.#offset - before) > 2000;
  }

  /** Sends until it is answered: a SuperLink that restarts is met again. @throws the signal's reason */
  async #send(path: string, init: () => Promise<RequestInit>, signal: AbortSignal): Promise<Response> {
    const { url, onReach } = this.#settings;
    for (let wait = 0.5; ; wait = Math.min(wait * 2, 10)) {
      signal.throwIfAborted();
      const request = await init();
      const ending = new AbortController();
      const end = (): void => ending.abort(signal.reason);
      const timer = setTimeout(() => ending.abort(new Error(`no answer within ${REQUEST} s`)), REQUEST * 1000);
      signal.addEventListener('abort', end);
      let why = '';
      let answer: Response | undefined;
      try {
        const response = await this.#settings.fetch(`${url}${path}`, { ...request, signal: ending.signal });
        // Read here, so that an answer that is cut off counts as none.
        const body = await response.arrayBuffer();
        if ([429, 502, 503, 504].includes(response.status)) why = `HTTP ${response.status}`;
        else answer = new Response(response.status === 204 ? null : body, response);
      } catch (error) {
        signal.throwIfAborted();
        why = error instanceof Error ? `${error.message}${error.cause instanceof Error ? ` (${error.cause.message})` : ''}` : String(error);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
      }
      const before = this.#reached;
      this.#reached = answer !== undefined;
      if (before !== this.#reached) onReach(this.#reached, why);
      if (answer) return answer;
      await pause(wait, signal);
    }
  }

  /** Asks for the SuperLink's version and its time. @throws REMOTE where it is not one that was tested */
  async check(): Promise<string> {
    const { url, versions, signal } = this.#settings;
    const response = await this.#send('/openapi.json', async () => ({}), signal);
    this.#setClock(response);
    const about = (await response.json().catch(() => null)) as { info?: { title?: string; version?: string } } | null;
    const version = about?.info?.version;
    if (!response.ok || version === undefined) {
      throw new GradloomError(
        'REMOTE',
        'runSuperNode',
        `${url}/openapi.json is not that of a Flower SuperLink (HTTP ${response.status}). Give url the SuperLink's HTTP address, or a proxy's that passes /openapi.json and /v1/fleet on.`,
      );
    }
    if (!versions.includes(version)) {
      throw new GradloomError(
        'REMOTE',
        'runSuperNode',
        `the SuperLink is Flower ${valueText(version)}; tested are ${versions.join(', ')}. Run one of these, or pass { versions: ['${version}'] } where you have tried that it works.`,
      );
    }
    return version;
  }

  /** One call. @throws Refusal */
  async call<I extends DescMessage, O extends DescMessage>(
    path: string,
    input: I,
    fields: MessageInitShape<I>,
    output: O,
    signal: AbortSignal = this.#settings.signal,
  ): Promise<MessageShape<O>> {
    const { identity } = this.#settings;
    const body = toBinary(input, create(input, fields)) as Bytes;
    const init = async (): Promise<RequestInit> => {
      const time = new Date(Date.now() + this.#offset).toISOString().replace('Z', '+00:00');
      const headers = {
        'content-type': 'application/protobuf',
        'flwr-public-key': base64(identity.publicKey),
        'flwr-timestamp': time,
        'flwr-signature': base64(await identity.sign(time)),
      };
      return { method: 'POST', headers, body };
    };
    let response = await this.#send(`/v1/fleet/${path}`, init, signal);
    // The clock may have been set, or the machine have slept.
    if (response.status === 401 && this.#setClock(response)) response = await this.#send(`/v1/fleet/${path}`, init, signal);
    if (response.ok) {
      const bytes = new Uint8Array(await response.arrayBuffer());
      return fromServer(`the SuperLink's answer to ${path}`, () => fromBinary(output, bytes));
    }
    const text = await response.text();
    let said: { code?: number; detail?: string; extra?: string } | null = null;
    try {
      said = JSON.parse(text);
    } catch {}
    const detail = [said?.detail, said?.extra].filter((s) => typeof s === 'string').join(' ');
    throw new Refusal(path, response.status, said?.code, detail || text.slice(0, 200));
  }
}
