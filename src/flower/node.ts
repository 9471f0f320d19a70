// A SuperNode: joins a Flower SuperLink, pulls messages, hands them to the page's own functions and sends what these answer.
import { checkArgument, FUNCTION, instanceOf, isListOf, isPlainObject, type Kinds, optionsOf, TEXT } from '../tensor/check.ts';
import { GradloomError, valueText } from '../tensor/errors.ts';
import { type Answer, ClientApp, handlerFor, Unfit } from './app.ts';
import { CODES, Fleet, pause, Refusal, TESTED } from './fleet.ts';
import {
  ActivateNodeRequestSchema,
  ActivateNodeResponseSchema,
  DeactivateNodeRequestSchema,
  DeactivateNodeResponseSchema,
  PullMessagesRequestSchema,
  PullMessagesResponseSchema,
  RegisterNodeFleetRequestSchema,
  RegisterNodeFleetResponseSchema,
} from './generated/fleet_pb.ts';
import { SendNodeHeartbeatRequestSchema, SendNodeHeartbeatResponseSchema } from './generated/heartbeat_pb.ts';
import {
  ConfirmMessageReceivedRequestSchema,
  ConfirmMessageReceivedResponseSchema,
  type Message,
  PullObjectRequestSchema,
  PullObjectResponseSchema,
} from './generated/message_pb.ts';
import { type Identity, identityIn, spoilt } from './identity.ts';
import { Journal } from './journal.ts';
import { type Built, type Bytes, idsOf, sha256, textOf, type Tree, utf8 } from './objects.ts';
import { buildRecords, type Config, readRecords, type Records } from './records.ts';
import { ERRORS, push, replyTo } from './replies.ts';
import { assertStore, memoryStore, type Store } from './stores.ts';

/** What a node tells of itself. */
export type NodeEvent =
  /** It has joined; `version` is the SuperLink's. */
  | { type: 'joined'; nodeId: string; version: string }
  /** A message came and is being answered. */
  | { type: 'task'; task: string; round: number; runId: string }
  /** Its reply is at the server. `error`: what was told instead of an answer. */
  | { type: 'replied'; task: string; round: number; seconds: number; error?: string }
  /** A reply that the server did not take: it answers such with 200 and no word. */
  | { type: 'lost'; why: string }
  /** A message or a reply that an earlier run of this node left was answered now. */
  | { type: 'recovered'; what: 'message' | 'reply' }
  /** The SuperLink cannot be reached, for now. */
  | { type: 'unreachable'; why: string }
  /** It can be again. */
  | { type: 'reachable' };

/** Options of `runSuperNode`. */
export interface SuperNodeOptions {
  /** The SuperLink's HTTP address, `http://127.0.0.1:8000`; in a page, one of its own origin that passes `/openapi.json` and `/v1/fleet/` on. */
  url: string;
  /** Where key, number and journal are kept. Without one the node is a new one at each start. */
  store?: Store;
  /** Ends the node: what is in hand is answered with an error, and the SuperLink told that it leaves. The key stays good. */
  signal?: AbortSignal;
  /** Seconds between looks for a message, 3 by default, as Flower's own. */
  poll?: number;
  /** Seconds, 10 to 1800, 30 by default: after twice this time without a sign the server counts the node as gone. */
  heartbeat?: number;
  /** Versions of Flower to take beside those that were tested. */
  versions?: readonly string[];
  /** Told what happens. */
  onEvent?: (event: NodeEvent) => void;
  /** In place of the runtime's `fetch`: for certificates, proxies, tests. */
  fetch?: typeof fetch;
}

const seconds = (least: number, most: number): { what: string; test: (v: unknown) => boolean } => ({
  what: `seconds from ${least} to ${most}`,
  test: (v) => typeof v === 'number' && v >= least && v <= most,
});
/** Whether it is an address; URL.canParse is younger than some runtimes. */
const isAddress = (v: unknown): boolean => {
  try {
    return typeof v === 'string' && /^https?:\/\//.test(v) && new URL(v).host !== '';
  } catch {
    return false;
  }
};
const OPTIONS: Kinds<SuperNodeOptions> = {
  url: { what: 'an address that starts with http:// or https://', test: isAddress },
  store: { what: 'a store', test: (v) => typeof v === 'object' && v !== null },
  signal: instanceOf(AbortSignal, 'an AbortSignal'),
  poll: seconds(0.01, 3600),
  heartbeat: seconds(10, 1800),
  versions: { what: 'a list of versions', test: (v) => isListOf(v, TEXT.test) },
  onEvent: FUNCTION,
  fetch: FUNCTION,
};

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const isRefusal = (error: unknown, ...numbers: number[]): error is Refusal => error instanceof Refusal && (numbers.length === 0 || numbers.includes(error.number ?? -1));

/** Whether every float of the arrays is finite; the name of one that is not. */
function nonFiniteIn(arrays: NonNullable<Answer['arrays']>): string | undefined {
  return Object.keys(arrays).find((name) => {
    const data = arrays[name]?.data;
    return (data instanceof Float32Array || data instanceof Float64Array) && data.some((v) => !Number.isFinite(v));
  });
}

/** One running node. */
class SuperNode {
  readonly #apps: readonly ClientApp[];
  readonly #fleet: Fleet;
  readonly #identity: Identity;
  readonly #store: Store;
  readonly #journal: Journal;
  readonly #heartbeat: number;
  readonly #poll: number;
  readonly #tell: (event: NodeEvent) => void;
  /** Aborted when the node shall end; calls that end it go on. */
  readonly #stop: AbortSignal;
  /** Aborted a few seconds later: nothing goes on. */
  readonly #halt: AbortSignal;
  #nodeId = 0n;

  constructor(parts: {
    apps: readonly ClientApp[];
    fleet: Fleet;
    identity: Identity;
    store: Store;
    heartbeat: number;
    poll: number;
    tell: (event: NodeEvent) => void;
    stop: AbortSignal;
    halt: AbortSignal;
  }) {
    this.#apps = parts.apps;
    this.#fleet = parts.fleet;
    this.#identity = parts.identity;
    this.#store = parts.store;
    this.#journal = new Journal(parts.store);
    this.#heartbeat = parts.heartbeat;
    this.#poll = parts.poll;
    this.#tell = parts.tell;
    this.#stop = parts.stop;
    this.#halt = parts.halt;
  }

  /** Makes the server know the key and count the node as online. The number is the key's for good: it is never unregistered. */
  async #join(): Promise<void> {
    const { publicKey } = this.#identity;
    const fleet = this.#fleet;
    const kept = await this.#store.get('node-id');
    const number = kept instanceof Uint8Array ? textOf(kept) : undefined;
    if (number !== undefined && !/^\d+$/.test(number)) throw spoilt('node-id');
    let nodeId = number === undefined ? undefined : BigInt(number);
    try {
      ({ nodeId } = await fleet.call('register-node', RegisterNodeFleetRequestSchema, { publicKey }, RegisterNodeFleetResponseSchema));
      await this.#store.set('node-id', utf8(`${nodeId}`));
    } catch (error) {
      // Known from before, or registered by the SuperLink's operator.
      if (!isRefusal(error, CODES.keyKnown, CODES.notByNodes)) throw error;
    }
    const activate = async (): Promise<bigint> =>
      (await fleet.call('activate-node', ActivateNodeRequestSchema, { publicKey, heartbeatInterval: this.#heartbeat }, ActivateNodeResponseSchema)).nodeId;
    try {
      this.#nodeId = await activate();
    } catch (error) {
      if (!isRefusal(error, CODES.activation)) throw error;
      // Still counted as online, if it died: a sign of life goes on from there. Between a deactivation and the next
      // activation the server would give up the message in hand.
      try {
        if (nodeId === undefined) throw error;
        this.#nodeId = nodeId;
        await this.#signOfLife();
      } catch (again) {
        const remedy =
          'register its publicKeyOf(store) with `flwr supernode register`, wait for twice the heartbeat if another node used it, or clear the store if it was unregistered';
        throw new GradloomError('REMOTE', 'runSuperNode', `the SuperLink does not take this node's key: ${said(again)}. Either of: ${remedy}.`, { cause: again });
      }
    }
    await this.#store.set('node-id', utf8(`${this.#nodeId}`));
  }

  /** Signs of life, until the node stops. A server that forgot the node is joined again. */
  async #beat(): Promise<void> {
    while (!this.#stop.aborted) {
      await pause(this.#heartbeat * (0.55 + 0.15 * Math.random()), this.#stop);
      if (this.#stop.aborted) return;
      try {
        await this.#signOfLife();
      } catch (error) {
        if (this.#stop.aborted) return;
        if (!(error instanceof Refusal)) throw error;
        await this.#rejoin(error);
      }
    }
  }

  async #signOfLife(): Promise<void> {
    const request = { node: { nodeId: this.#nodeId }, heartbeatInterval: this.#heartbeat };
    await this.#fleet.call('send-node-heartbeat', SendNodeHeartbeatRequestSchema, request, SendNodeHeartbeatResponseSchema, this.#stop);
  }

  /** After a refusal that a new SuperLink, or one whose clock was set, gives. @throws where it is refused again */
  async #rejoin(error: Refusal): Promise<void> {
    if (error.status !== 401) throw error;
    await this.#fleet.check();
    await this.#join();
  }

  /** The next message, if there is one; it is in the journal before anything is done with it. */
  async #pull(): Promise<{ message: Message; tree: Tree } | undefined> {
    const request = { node: { nodeId: this.#nodeId } };
    const { messagesList, messageObjectTrees } = await this.#fleet.call('pull-messages', PullMessagesRequestSchema, request, PullMessagesResponseSchema, this.#stop);
    const [message, tree] = [messagesList[0], messageObjectTrees[0]];
    if (!message?.metadata || !tree) return undefined;
    await this.#journal.begin(message);
    return { message, tree };
  }

  /** A message's records, from its objects. */
  async #recordsOf({ metadata }: Message, tree: Tree): Promise<Records> {
    const { runId, messageId } = metadata as NonNullable<Message['metadata']>;
    const node = { nodeId: this.#nodeId };
    const objects = new Map<string, Bytes>();
    const waiting = idsOf(tree);
    const fetched = async (objectId: string): Promise<Bytes> => {
      for (let i = 0; i < 12; i++) {
        const { objectFound, objectAvailable, objectContent } = await this.#fleet.call(
          'pull-object',
          PullObjectRequestSchema,
          { node, runId, objectId },
          PullObjectResponseSchema,
          this.#stop,
        );
        if (objectAvailable && (await sha256(objectContent as Bytes)) === objectId) return objectContent as Bytes;
        if (!objectFound) break;
        await pause(Math.min(0.25 * 2 ** i, 8), this.#stop);
      }
      throw new GradloomError('FORMAT', 'flower', `the server has not got object ${objectId.slice(0, 8)} of its message.`);
    };
    const lane = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) objects.set(id, await fetched(id));
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    await this.#fleet.call('confirm-message-received', ConfirmMessageReceivedRequestSchema, { node, runId, messageObjectId: messageId }, ConfirmMessageReceivedResponseSchema);
    return readRecords(tree.objectId, objects);
  }

  /** Answers a message: with what the page's function gives, or with an error that says why not. */
  async #answer(message: Message, tree: Tree): Promise<void> {
    const { messageType: type, runId } = message.metadata as NonNullable<Message['metadata']>;
    const start = performance.now();
    let round = 0;
    let content: Built | { code: number; reason: string };
    try {
      const records = await this.#recordsOf(message, tree);
      const [arrays = {}] = Object.values(records.arrays);
      const [config = {} as Config] = Object.values(records.config);
      round = Number(config['server-round'] ?? 0);
      this.#tell({ type: 'task', task: type, round, runId: `${runId}` });
      const { app, handler } = await handlerFor(this.#apps, type, arrays, config);
      const given = await handler({ type, arrays, config, round, records, nodeId: `${this.#nodeId}`, runId: `${runId}`, signal: this.#stop });
      content = await this.#contentOf(app, given, records);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      const code = error instanceof Unfit ? ERRORS.precondition : error instanceof GradloomError && error.op === 'flower' ? ERRORS.unavailable : ERRORS.raised;
      content = this.#stop.aborted ? { code: ERRORS.crashed, reason: 'the node was stopped' } : { code, reason: said(error) };
    }
    const took = (performance.now() - start) / 1000;
    const reply = await replyTo(message, this.#fleet.now(), this.#nodeId, content, took);
    await this.#journal.finish(reply);
    if (await this.#send(reply)) this.#tell({ type: 'replied', task: type, round, seconds: took, ...('code' in content ? { error: content.reason } : {}) });
  }

  /** An answer's object, checked. */
  #contentOf(app: ClientApp, given: Answer, { arrays, metrics, config }: Records): Promise<Built> {
    const { arrays: a, metrics: m, config: c, ...others } = (given ?? {}) as Answer;
    if (!isPlainObject(given) || Object.keys(others).length > 0)
      throw new GradloomError('VALUE', 'clientApp', `a handler must return { arrays, metrics, config }, got ${valueText(given)}.`);
    const bad = a && !app.options.nonFinite ? nonFiniteIn(a) : undefined;
    if (bad !== undefined) throw new GradloomError('NONFINITE', 'clientApp', `'${bad}' is not finite after training. Lower the rate, or clip the gradients.`);
    // Under the names of the round, as strategies expect.
    const nameIn = (records: object, otherwise: string): string => Object.keys(records)[0] ?? otherwise;
    return buildRecords({
      ...(a ? { arrays: { [nameIn(arrays, 'arrays')]: a } } : {}),
      ...(m ? { metrics: { [nameIn(metrics, 'metrics')]: m } } : {}),
      ...(c ? { config: { [nameIn(config, 'config')]: c } } : {}),
    });
  }

  /** Uploads a reply and clears the journal; whether the server took it. */
  async #send(reply: Parameters<typeof push>[1]): Promise<boolean> {
    const result = await push(this.#fleet, reply, this.#halt);
    await this.#journal.clear();
    if (result === 'dropped') this.#tell({ type: 'lost', why: 'the server dropped the reply without a word: the message has run out, or was answered before' });
    if (result === 'failed') this.#tell({ type: 'lost', why: 'the server refused objects of the reply again and again' });
    return result === 'taken';
  }

  /** What an earlier run left: a whole reply goes again, a message without one is answered with an error. */
  async #recover(): Promise<void> {
    const { message, reply } = await this.#journal.left();
    if (reply) {
      if (await this.#send(reply)) this.#tell({ type: 'recovered', what: 'reply' });
    } else if (message) {
      const error = { code: ERRORS.crashed, reason: 'the node ended while it had this message, and came back' };
      if (await this.#send(await replyTo(message, this.#fleet.now(), this.#nodeId, error, 0))) this.#tell({ type: 'recovered', what: 'message' });
    }
  }

  /** From joining to leaving. */
  async run(version: string): Promise<void> {
    await this.#join();
    this.#tell({ type: 'joined', nodeId: `${this.#nodeId}`, version });
    let failed: (error: unknown) => void = () => {};
    const failure = new Promise<never>((_, reject) => {
      failed = reject;
    });
    failure.catch(() => {});
    const beating = this.#beat().catch(failed);
    try {
      await this.#tolerant(() => this.#recover());
      while (!this.#stop.aborted) {
        const pulled = await Promise.race([this.#tolerant(() => this.#pull()), failure]);
        if (pulled) await this.#tolerant(() => this.#answer(pulled.message, pulled.tree));
        else await pause(this.#poll, this.#stop);
      }
    } catch (error) {
      if (!this.#stop.aborted) throw error;
    } finally {
      await this.#fleet.call('deactivate-node', DeactivateNodeRequestSchema, { nodeId: this.#nodeId }, DeactivateNodeResponseSchema, this.#halt).catch(() => {});
      if (this.#stop.aborted) await beating;
    }
  }

  /** Runs a part; a run that is over, and a server that no longer knows the node, are no end of it. */
  async #tolerant<T>(part: () => Promise<T>): Promise<T | undefined> {
    try {
      return await part();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await this.#journal.clear();
      if (error.status === 401) await this.#rejoin(error);
      else this.#tell({ type: 'lost', why: error.number === CODES.runOver ? 'the run is over' : error.message });
      return undefined;
    }
  }
}

/**
 * Takes part in a federation until it is stopped: registers, sends signs of life, pulls rounds, answers them. It speaks to an unmodified
 * Flower SuperLink of a tested version; docs/flower.md says how one is started and what the node promises. Resolves when the
 * signal is aborted; the node then comes back with the same store as the same node.
 *
 * @throws REMOTE where the server is none, is of another version, or does not take the key
 * @example
 * const stop = new AbortController();
 * await runSuperNode(app, { url: 'http://127.0.0.1:8000', store: fileStore('node-1'), signal: stop.signal, onEvent: console.log });
 */
export async function runSuperNode(apps: ClientApp | readonly ClientApp[], options: SuperNodeOptions): Promise<void> {
  const op = 'runSuperNode';
  const {
    url,
    store = memoryStore(),
    signal,
    poll = 3,
    heartbeat = 30,
    versions = [],
    onEvent = () => {},
    fetch: how = ((input, init) => fetch(input, init)) as typeof fetch,
  } = optionsOf(op, options, OPTIONS);
  const list = Array.isArray(apps) ? (apps as ClientApp[]) : [apps as ClientApp];
  if (list.length === 0 || !list.every((app) => app instanceof ClientApp))
    throw new GradloomError('VALUE', op, `takes what clientApp(…) gave, or a list of them, got ${valueText(apps)}.`);
  checkArgument(op, 'url', url, OPTIONS.url);
  assertStore(op, store);
  if (signal?.aborted) return;
  const unlock = await store.lock?.();
  const [stop, halt] = [new AbortController(), new AbortController()];
  let grace: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    stop.abort(signal?.reason);
    grace = setTimeout(() => halt.abort(signal?.reason), 5000);
  };
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
  try {
    const identity = await identityIn(store);
    const tell = (event: NodeEvent): void => onEvent(event);
    const onReach = (reached: boolean, why: string): void => tell(reached ? { type: 'reachable' } : { type: 'unreachable', why });
    const fleet = new Fleet({ url: url.replace(/\/+$/, ''), identity, versions: [...TESTED, ...versions], fetch: how, onReach, signal: stop.signal });
    const version = await fleet.check();
    await new SuperNode({ apps: list, fleet, identity, store, heartbeat, poll, tell, stop: stop.signal, halt: halt.signal }).run(version);
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    signal?.removeEventListener('abort', end);
    clearTimeout(grace);
    stop.abort();
    unlock?.();
  }
}
