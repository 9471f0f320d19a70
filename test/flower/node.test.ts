// A node's states, against a stand-in; the same against real SuperLinks is `npm run test:flower`.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GradloomError, nn, ones, tensor } from 'gradloom';
import {
  type Arrays,
  arraysOf,
  clientApp,
  fileStore,
  indexedDBStore,
  loadArrays,
  memoryStore,
  modelHash,
  type NodeEvent,
  publicKeyOf,
  runSuperNode,
  type Store,
  type SuperNodeOptions,
  stackRows,
} from 'gradloom/flower';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { derSignature, identityIn } from '../../src/flower/identity.ts';
import { rejection, rejectsCode, throwsCode, until } from '../helpers.ts';
import { closedApp, halfway, like, Node } from './closed.ts';
import { FakeLink } from './fake.ts';

const url = 'http://link';
const round = (n: number): Parameters<FakeLink['send']>[0] => ({ arrays: { arrays: like }, config: { config: { 'server-round': BigInt(n) } } });
const happens = (so: () => boolean): Promise<void> => until('what the node does', 20, so);
const start = (link: FakeLink, store: Store = memoryStore(), app = closedApp(4, 3)): Node => new Node(app, url, { fetch: link.fetch, store, poll: 0.01 });

test('a round is answered; the node leaves when it is stopped, and keeps its key', async () => {
  const link = new FakeLink();
  const node = start(link);
  const id = await link.send(round(1));
  await happens(() => link.received.length === 1);
  const [reply] = link.received;
  assert.is(reply?.to, id);
  assert.equal(reply?.records?.arrays['arrays'], halfway(like, 4));
  assert.equal(reply?.records?.metrics, { metrics: { 'num-examples': 3 } });
  await node.stop();
  assert.is(node.error, undefined);
  assert.is(link.online, false);
  assert.not.ok(link.calls.includes('unregister-node'));
  assert.equal(
    node.events.map(({ type }) => type),
    ['joined', 'task', 'replied'],
  );
});

test('the clock follows the server, and again after it was set', async () => {
  const link = new FakeLink();
  link.clock = -3_600_000;
  const node = start(link);
  await link.send(round(1));
  await happens(() => link.received.length === 1);
  link.clock = 7_200_000;
  await link.send(round(2));
  await happens(() => link.received.length === 2);
  assert.ok(Math.abs((link.received[1]?.createdAt ?? 0) - (Date.now() + 7_200_000) / 1000) < 5);
  assert.equal(node.of('joined').length, 1);
  await node.stop();
});

test('what a node had in hand when it ended is answered when it comes back: with an error, or with the reply it had', async () => {
  const link = new FakeLink();
  const store = memoryStore();
  const died = (path: string, n = 1): Promise<void> =>
    new Promise((resolve) => {
      for (let i = 1; i < n; i++) link.once(path, () => undefined);
      link.once(path, () => {
        resolve();
        return new Promise(() => {}); // the process is gone: no answer reaches it
      });
    });
  const first = died('pull-object');
  const one = start(link, store);
  const id = await link.send(round(1));
  await first;
  // The second process: the server still counts the first as online.
  const second = died('push-object', 2);
  const two = start(link, store);
  await happens(() => link.received.length === 1 || two.error !== undefined);
  assert.equal(link.received[0], { ...link.received[0], to: id, error: { code: 8, reason: 'the node ended while it had this message, and came back' } });
  assert.equal(two.of('recovered'), [{ type: 'recovered', what: 'message' }]);
  assert.not.ok(link.calls.includes('deactivate-node'), 'between that and an activation a real server would answer the message itself');
  const next = await link.send(round(2));
  await second;
  const three = start(link, store);
  await happens(() => link.received.length === 2 || three.error !== undefined);
  assert.is(link.received[1]?.to, next);
  assert.equal(link.received[1]?.records?.arrays['arrays'], halfway(like, 4));
  await happens(() => three.of('recovered').length === 1);
  assert.equal(three.of('recovered'), [{ type: 'recovered', what: 'reply' }]);
  assert.is(three.nodeId, two.nodeId);
  await three.stop();
  // One that was announced, and that the strategy waits for: the server no longer knows the message, but takes the objects.
  link.hasty = true;
  const third = died('push-object');
  const four = start(link, store);
  const last = await link.send(round(3));
  await third;
  const five = start(link, store);
  await happens(() => link.received.length === 3 || five.error !== undefined);
  assert.is(link.received[2]?.to, last);
  await happens(() => five.of('recovered').length === 1);
  await five.stop();
  for (const ended of [one, two, four]) void ended.stop();
});

test('objects that are not stored are offered again, then the whole reply; a server that keeps refusing is said', async () => {
  const link = new FakeLink();
  const node = start(link);
  const not = (): Response => new Response(new Uint8Array(0)); // stored: false
  link.once('push-object', not);
  await link.send(round(1));
  await happens(() => link.received.length === 1);
  for (let i = 0; i < 4; i++) link.once('push-object', not);
  await link.send(round(2));
  await happens(() => link.received.length === 2);
  // A reply that is not on the list was dropped.
  link.once('push-messages', () => new Response(new Uint8Array(0)));
  await link.send(round(3));
  await happens(() => node.of('lost').length === 1);
  assert.match(node.of('lost')[0]?.why ?? '', /dropped the reply without a word/);
  // A run that is over, and other refusals: the node goes on.
  link.once('push-messages', () => Response.json({ code: 2007, detail: 'stopped' }, { status: 403 }));
  await link.send(round(4));
  await happens(() => node.of('lost').length === 2);
  assert.is(node.of('lost')[1]?.why, 'the run is over');
  link.once('pull-messages', () => new Response('what', { status: 400 }));
  await happens(() => node.of('lost').length === 3);
  assert.match(node.of('lost')[2]?.why ?? '', /refused pull-messages \(HTTP 400\): what/);
  await link.send(round(5));
  await happens(() => link.received.length === 3);
  await node.stop();
});

test('a server that is away is met again; one that forgot the node is joined anew', async () => {
  const link = new FakeLink();
  const node = start(link);
  await happens(() => node.of('joined').length === 1);
  link.once('pull-messages', () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })));
  await happens(() => node.of('reachable').length === 1);
  assert.is(node.of('unreachable')[0]?.why, 'fetch failed (ECONNREFUSED)');
  link.registered = false;
  link.online = false;
  link.once('pull-messages', () => Response.json({ detail: 'Invalid SuperNode authentication' }, { status: 401 }));
  await happens(() => link.registered && link.online);
  await link.send(round(1));
  await happens(() => link.received.length === 1);
  await node.stop();
});

test('an event handler that throws, and entries of a store that are none, end the node: nothing is sent again', async () => {
  const ended = (link: FakeLink, options: Partial<SuperNodeOptions>): Promise<void> => runSuperNode(closedApp(1, 1), { url, fetch: link.fetch, poll: 0.01, ...options });
  const link = new FakeLink();
  link.once('register-node', () => Promise.reject(new TypeError('fetch failed')));
  const onEvent = ({ type }: NodeEvent): void => {
    if (type === 'reachable') throw new Error('the page is broken');
  };
  assert.is((await rejection(ended(link, { onEvent }))).message, 'the page is broken');
  assert.equal(link.calls, ['/openapi.json', 'register-node', 'register-node']);

  const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, false, ['sign', 'verify']);
  for (const [name, value] of [
    ['private-key', publicKey],
    ['private-key', Uint8Array.of(1)],
    ['node-id', new TextEncoder().encode('one')],
  ] as const) {
    const store = memoryStore();
    await publicKeyOf(store);
    await store.set(name, value);
    const other = new FakeLink();
    await rejectsCode('FORMAT', new RegExp(`^runSuperNode: the store's '${name}' is not what was put there\\. Clear the store`), () => ended(other, { store }));
    assert.ok(!other.calls.includes('register-node'));
  }
});

test('answers that are not as Flower writes them are said as FORMAT, and refusals that are no object as REMOTE', async () => {
  const answered = async (path: string, answer: Response): Promise<Node> => {
    const link = new FakeLink();
    link.once(path, () => answer);
    const node = start(link);
    await node.done;
    return node;
  };
  const { error } = await answered('register-node', new Response('<html>'));
  assert.is((error as GradloomError).code, 'FORMAT');
  assert.match(error?.message ?? '', /^flower: the SuperLink's answer to register-node is not as Flower writes it: .*\. This is a fault of the server/);
  const refusal = (await answered('register-node', new Response('null', { status: 400 }))).error;
  assert.is((refusal as GradloomError).code, 'REMOTE');
  assert.match(refusal?.message ?? '', /refused register-node \(HTTP 400\): null/);
});

test('versions, addresses and keys that are refused are said', async () => {
  const refusal = async (change: (link: FakeLink) => void, store?: Store): Promise<string> => {
    const link = new FakeLink();
    change(link);
    const node = start(link, store);
    await node.done;
    assert.is((node.error as { code?: string } | undefined)?.code, 'REMOTE');
    return node.error?.message ?? '';
  };
  assert.is(
    await refusal((link) => {
      link.version = '1.43.0';
    }),
    "runSuperNode: the SuperLink is Flower '1.43.0'; tested are 1.42.0. Run one of these, or pass { versions: ['1.43.0'] } where you have tried that it works.",
  );
  assert.match(await refusal((link) => link.once('/openapi.json', () => new Response('<html>'))), /is not that of a Flower SuperLink \(HTTP 200\)/);
  const unknown = (link: FakeLink): void => {
    link.open = false;
  };
  assert.match(await refusal(unknown), /does not take this node's key: .*Flower's code 2004.*`flwr supernode register`/);
  const link = new FakeLink();
  link.version = '1.43.0';
  const node = new Node(closedApp(1, 1), url, { fetch: link.fetch, versions: ['1.43.0'], poll: 0.01 });
  await happens(() => node.of('joined').length === 1);
  await node.stop();
});

test('rounds that are not for the app are refused with a reason: type, sizes, hash', async () => {
  const link = new FakeLink();
  const hash = await modelHash(like, 'two losses');
  const plain = clientApp({ model: like, train: () => ({ metrics: { 'num-examples': 1 } }) });
  const named = clientApp({ model: like, program: 'two losses', train: () => ({ metrics: { 'num-examples': 2 } }), query: () => ({ config: { who: 'me' } }) });
  const node = new Node([plain, named], url, { fetch: link.fetch, poll: 0.01 });
  const ask = async (records: Parameters<FakeLink['send']>[0], type?: string): Promise<FakeLink['received'][number]> => {
    const before = link.received.length;
    await link.send(records, type);
    await happens(() => link.received.length > before);
    return link.received[before] as FakeLink['received'][number];
  };
  const withHash = (h: string): Parameters<FakeLink['send']>[0] => ({ arrays: { arrays: like }, config: { config: { 'model-hash': h } } });
  assert.equal((await ask(round(1))).records?.metrics, { metrics: { 'num-examples': 1 } });
  assert.equal((await ask(withHash(hash))).records?.metrics, { metrics: { 'num-examples': 2 } });
  assert.equal((await ask(withHash(await modelHash(like)), 'train.head')).records?.metrics, { metrics: { 'num-examples': 1 } });
  assert.equal((await ask({ config: { config: { 'model-hash': hash } } }, 'query')).records?.config, { config: { who: 'me' } });
  assert.match((await ask(withHash('00'))).error?.reason ?? '', /no app here has the model-hash '00'/);
  const other = await ask({ arrays: { arrays: { w: { dtype: 'float32', shape: [2], data: new Float32Array(2) } } } });
  assert.is(other.error?.code, 6);
  assert.match(other.error?.reason ?? '', /^no app here trains this model: .*[0-9a-f]{64}, and the server sends no model-hash$/);
  assert.is((await ask(round(1), 'evaluate')).error?.reason, "the app here does nothing for 'evaluate'");
  assert.is((await ask(round(1), 'constructor')).error?.reason, "the app here does nothing for 'constructor'");
  await node.stop();
});

test('a handler that throws, gives what is no answer, or numbers that are not finite, tells the server an error', async () => {
  const link = new FakeLink();
  const answers: (() => unknown)[] = [
    () => {
      throw new Error('out of data');
    },
    () => 3,
    () => ({ arrays: {}, metric: {} }),
    () => ({ arrays: { w: { dtype: 'float32', shape: [1], data: Float32Array.of(Number.NaN) } } }),
    () => ({ arrays: { w: { dtype: 'float32', shape: [3], data: Float32Array.of(1) } } }),
  ];
  const node = start(link, memoryStore(), clientApp({ model: like, train: () => answers.shift()?.() as never }));
  for (let i = 0; i < 5; i++) await link.send(round(i));
  await happens(() => link.received.length === 5);
  const said = link.received.map(({ error }) => `${error?.code} ${error?.reason}`);
  assert.is(said[0], '2 out of data');
  for (const i of [1, 2]) assert.match(said[i] ?? '', /^2 clientApp: a handler must return \{ arrays, metrics, config \}/);
  assert.match(said[3] ?? '', /^2 clientApp: 'w' is not finite after training/);
  assert.match(said[4] ?? '', /^2 clientApp: 'w' must be \{ dtype, shape, data \}/);
  assert.is(node.of('replied')[0]?.error, 'out of data');
  // Stopped while it trains: the server is told.
  let begun = false;
  const slow = clientApp({
    model: like,
    train: ({ signal }) =>
      new Promise((_, reject) => {
        begun = true;
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  });
  await node.stop();
  const fresh = new FakeLink();
  const stopped = start(fresh, memoryStore(), slow);
  await fresh.send(round(1));
  await happens(() => begun);
  await stopped.stop();
  assert.equal(fresh.received[0]?.error, { code: 8, reason: 'the node was stopped' });
});

test('a folder keeps the node: for its owner alone, with the same key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gradloom-store-'));
  try {
    const store = fileStore(join(folder, 'a'));
    const key = await publicKeyOf(store);
    assert.match(key, /^ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhB[\w+/]+=*$/);
    assert.is(await publicKeyOf(fileStore(join(folder, 'a'))), key);
    assert.equal(readdirSync(join(folder, 'a')).sort(), ['private-key', 'public-key']);
    if (process.platform !== 'win32') assert.is(statSync(join(folder, 'a', 'private-key')).mode & 0o77, 0);
    await store.set('x', Uint8Array.of(1));
    await store.delete('x');
    await store.delete('x');
    assert.is(await store.get('x'), undefined);
    // What it signs, OpenSSL's form holds too.
    const { publicKey, sign } = await identityIn(store);
    const { createVerify } = await import('node:crypto');
    assert.ok(
      createVerify('SHA256')
        .update('now')
        .verify(Buffer.from(publicKey).toString(), await sign('now')),
    );
    await store.set('public-key', Uint8Array.of(1));
    const broken: Store = { ...store, get: async () => 'text' };
    await rejectsCode('FORMAT', /is not what was put there/, () => publicKeyOf(broken));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('signatures in DER: no zeros in front, one where the first bit is set', () => {
  const raw = new Uint8Array(96);
  raw[47] = 1;
  raw[48] = 0x80;
  const der = [...derSignature(raw)];
  assert.equal(der.slice(0, 8), [0x30, der.length - 2, 2, 1, 1, 2, 49, 0]);
  assert.equal([...derSignature(new Uint8Array(96))], [0x30, 6, 2, 1, 0, 2, 1, 0]);
});

test('models go to arrays and back; averaged integers are rounded; nothing is written where one does not fit', () => {
  const model = new nn.Sequential(new nn.Linear(3, 2), new nn.BatchNorm1d(2));
  const arrays = arraysOf(model);
  const doubled: Arrays = Object.fromEntries(
    Object.entries(arrays).map(([name, a]) => [name, { dtype: 'float64', shape: a.shape, data: Float64Array.from(a.data as Float32Array, (v) => 2 * Number(v) + 0.25) }]),
  );
  loadArrays(model, doubled);
  for (const [name, { data }] of Object.entries(arraysOf(model))) {
    const whole = data instanceof Int32Array;
    const before = [...(arrays[name] as Arrays[string]).data].map((v) => (whole ? 2 * Number(v) : Math.fround(2 * Number(v) + 0.25)));
    assert.equal([...data].map(Number), before, name);
  }
  const before = arraysOf(model);
  assert.throws(() => loadArrays(model, { ...doubled, '0.bias': { dtype: 'float32', shape: [3], data: new Float32Array(3) } }), /0\.bias is \[2\] here, \[3\] there/);
  assert.equal(arraysOf(model), before);
  assert.equal(arraysOf({ b: tensor([true, false]), s: tensor(2) }), {
    b: { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
    s: { dtype: 'float32', shape: [], data: Float32Array.of(2) },
  });
  assert.equal(stackRows([arraysOf({ w: ones([2]) }), arraysOf({ w: ones([2]).mul(3) })]), { w: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 1, 3, 3) } });
});

test('arguments are checked before anything is done', async () => {
  const model = new nn.Linear(2, 1);
  const train = (): object => ({});
  throwsCode('VALUE', /^clientApp: there is nothing to do/, () => clientApp({ model }));
  throwsCode('VALUE', /^clientApp: model is missing/, () => clientApp({ train } as never));
  throwsCode('VALUE', /^clientApp: model has no parameters/, () => clientApp({ model: {}, train }));
  throwsCode('VALUE', /no option 'trains'\. Did you mean 'train'/, () => clientApp({ model, trains: train } as never));
  throwsCode('VALUE', /train must be a function, got 3/, () => clientApp({ model, train: 3 } as never));
  throwsCode('VALUE', /'w' must be \{ dtype, shape, data \}/, () => clientApp({ model: { w: 3 }, train } as never));
  throwsCode('VALUE', /takes a module or named tensors/, () => arraysOf(3 as never));
  throwsCode('VALUE', /'w' must be a tensor, got 3/, () => arraysOf({ w: 3 } as never));
  throwsCode('VALUE', /takes a module, got 3/, () => loadArrays(3 as never, {}));
  throwsCode('VALUE', /takes arrays by name, got null/, () => loadArrays(model, null as never));
  throwsCode('VALUE', /takes a list of rows/, () => stackRows([]));
  throwsCode('SHAPE', /row 1 is not like row 0 at 'w'/, () => stackRows([arraysOf({ w: ones([2]) }), arraysOf({ w: ones([3]) })]));
  throwsCode('VALUE', /folder must be text/, () => fileStore(3 as never));
  throwsCode('RUNTIME', /this runtime has no IndexedDB/, () => indexedDBStore());
  const app = clientApp({ model, train });
  await rejectsCode('VALUE', /takes what clientApp\(…\) gave/, () => runSuperNode(3 as never, { url }));
  await rejectsCode('VALUE', /takes what clientApp\(…\) gave/, () => runSuperNode([], { url }));
  await rejectsCode('VALUE', /url must be an address that starts with http/, () => runSuperNode(app, {} as never));
  for (const bad of ['http://', 'https://a b']) await rejectsCode('VALUE', /url must be an address that starts with http/, () => runSuperNode(app, { url: bad }));
  await rejectsCode('VALUE', /heartbeat must be seconds from 10 to 1800, got 1/, () => runSuperNode(app, { url, heartbeat: 1 }));
  await rejectsCode('VALUE', /store must have get, set and delete/, () => runSuperNode(app, { url, store: {} as never }));
  await rejectsCode('VALUE', /poll must be seconds/, () => runSuperNode(app, { url, poll: Number.NaN }));
  await rejectsCode('VALUE', /model must be a module/, () => modelHash(3 as never));
  await runSuperNode(app, { url, signal: AbortSignal.abort() });
});

test.run();
