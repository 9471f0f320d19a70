// Stock strategies on honest clients: the closed form, refusals, a node that comes back.
import { clientApp, memoryStore } from 'gradloom/flower';
import { until } from '../../helpers.ts';
import { closedApp, closedForm, follows, like, Node, ROUNDED } from '../closed.ts';
import { must, near, type Row } from '../row.ts';
import { Run, SuperLink } from '../superlink.ts';

const CLIENTS = [
  [1, 1],
  [2, 2],
  [4, 3],
] as const;

async function fedAvg(): Promise<string> {
  const link = await SuperLink.start();
  const paths = new Set<string>();
  const watched: typeof fetch = (input, init) => {
    paths.add(new URL(`${input}`).pathname);
    return fetch(input, init);
  };
  const store = memoryStore();
  const nodes = CLIENTS.map(([target, weight], i) => new Node(closedApp(target, weight), link.url, { fetch: watched, ...(i === 0 ? { store } : {}) }));
  // Its model is another: it answers with an error, and the average goes without it.
  const w = like['w'] as (typeof like)[string];
  const stranger = new Node(
    closedApp(100, 100, () => {}, { ...like, w: { ...w, shape: [10, 100] } }),
    link.url,
  );
  try {
    const run = await Run.start(link, { rounds: 3, 'min-nodes': 4, evaluate: true });
    const { failed, rounds, values, metrics = {} } = await run.outcome();
    must(failed === undefined, 'the run ended well', failed);
    const models = closedForm([CLIENTS, CLIENTS, CLIENTS]);
    const worst = follows(values, models);
    must(rounds.map(({ type }) => type).join() === 'train,evaluate,train,evaluate,train,evaluate', 'each round trains and evaluates', rounds);
    for (const { type, results, errors } of rounds) {
      must(
        results === 3 && errors.length === 1 && errors[0]?.[0] === 6 && /^no app here trains this model: .* hash [0-9a-f]{64}$/.test(errors[0][1]),
        `${type}: 3 results, and a refusal of another model`,
        errors,
      );
    }
    const wanted = CLIENTS.reduce((sum, [t, n]) => sum + (Math.abs((models[3] as number) - t) * n) / 6, 0);
    near(metrics['3']?.['loss'] ?? Number.NaN, wanted, ROUNDED, 'the evaluation of round 3');
    // Stopped and started again with the same store: the same node, and its key was never unregistered.
    const [first] = nodes as [Node];
    await first.stop();
    const again = new Node(closedApp(1, 1), link.url, { store, fetch: watched });
    nodes.push(again);
    await until('the node that comes back joins', 20, () => again.nodeId !== undefined || again.error !== undefined);
    must(again.nodeId === first.nodeId, 'the same node again', [first.nodeId, again.nodeId, again.error?.message]);
    must(!paths.has('/v1/fleet/unregister-node') && paths.has('/v1/fleet/deactivate-node'), 'keys stay registered', [...paths]);
    // A version that was not tested, told by a server that is otherwise real.
    const renamed: typeof fetch = async (input, init) => (`${input}`.endsWith('/openapi.json') ? Response.json({ info: { version: '1.43.0' } }) : fetch(input, init));
    const old = new Node(closedApp(1, 1), link.url, { fetch: renamed });
    await old.done;
    must(
      /the SuperLink is Flower '1\.43\.0'; tested are 1\.42\.0\. Run one of these, or pass/.test(old.error?.message ?? ''),
      'an untested version is refused',
      old.error?.message,
    );
    return `3 rounds, worst ${worst.toExponential(1)}; train round ${rounds
      .filter((r) => r.type === 'train')
      .map((r) => r.seconds.toFixed(1))
      .join(' ')} s`;
  } finally {
    await Promise.all([...nodes, stranger].map((node) => node.stop()));
    await link.stop();
  }
}

/** Flower's own strategies, with its own wait of 3 s between two looks; Krum against one client that is far off. */
async function others(): Promise<string> {
  const link = await SuperLink.start();
  const nodes = [1, 1.5, 2, 1000].map((target) => new Node(closedApp(target, 1), link.url));
  try {
    const krum = await (await Run.start(link, { strategy: 'Krum', rounds: 1, 'min-nodes': 4, poll: 0 })).outcome();
    must(krum.failed === undefined, 'Krum ran', krum.failed);
    const value = krum.values[1]?.['w']?.[2] ?? Number.NaN;
    must(
      [0.5, 0.75, 1].some((v) => Math.abs(v - value) < ROUNDED),
      'Krum takes one of those that agree',
      value,
    );
    await nodes[3]?.stop();
    const adam = await (await Run.start(link, { strategy: 'FedAdam', rounds: 2, 'min-nodes': 3, poll: 0 })).outcome();
    must(adam.failed === undefined && adam.values.length === 3, 'FedAdam ran', adam.failed);
    must((adam.values[2]?.['w']?.[2] ?? 0) > (adam.values[1]?.['w']?.[2] ?? 1), 'FedAdam goes towards the targets', adam.values);
    // A round for a model with another hash is refused by all.
    const other = await (await Run.start(link, { rounds: 1, 'min-nodes': 3, hash: 'ab'.repeat(32) })).outcome();
    must(
      other.rounds[0]?.errors.length === 3 && other.rounds[0].errors.every(([code, why]) => code === 6 && /no app here has the model-hash/.test(why)),
      'another hash is refused',
      other.rounds,
    );
    return `Krum ${value}, FedAdam ${adam.values.map((v) => v['w']?.[2].toFixed(3)).join(' → ')}`;
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    await link.stop();
  }
}

/** A client that sends what does not fit: stock FedAvg fails the whole run, a checked one drops the reply. */
async function spoilt(): Promise<string> {
  const link = await SuperLink.start();
  const honest = [1, 3].map((target) => new Node(closedApp(target, 1), link.url));
  const nan = Float32Array.from({ length: 1000 }, () => Number.NaN);
  const bad = (arrays: object, nonFinite: boolean): Node =>
    new Node(clientApp({ model: like, nonFinite, train: () => ({ arrays: { ...like, ...arrays }, metrics: { 'num-examples': 1n } }) }), link.url);
  const wrongShape = { w: { dtype: 'float32', shape: [3], data: new Float32Array(3) } };
  const wrongKey = { v: { dtype: 'float32', shape: [3], data: new Float32Array(3) } };
  const notFinite = { w: { dtype: 'float32', shape: [1000], data: nan } };
  const nodes = [...honest, bad(notFinite, true), bad(notFinite, false), bad(wrongShape, false), bad(wrongKey, false)];
  try {
    const checked = await (await Run.start(link, { strategy: 'CheckedFedAvg', rounds: 2, 'min-nodes': 6 })).outcome();
    must(checked.failed === undefined, 'the checked run ended well', checked.failed);
    const honestly = [1, 3].map((target) => [target, 1] as const);
    follows(checked.values, closedForm([honestly, honestly]));
    const why = (checked.dropped ?? []).map(([, reason]) => reason).sort();
    must(
      why.length === 6 && ["'w' is float32 (3,)", "'w' is not finite", "its arrays are ['deep/β', 'v', 'w']"].every((w) => why.includes(w)),
      'three replies dropped a round',
      why,
    );
    const refused = checked.rounds[0]?.errors ?? [];
    must(refused.length === 1 && refused[0]?.[0] === 2 && /'w' is not finite after training/.test(refused[0][1]), 'a client of ours does not send NaN by itself', refused);
    const stock = await (await Run.start(link, { strategy: 'FedAvg', rounds: 2, 'min-nodes': 6 })).outcome();
    must(/InconsistentMessageReplies/.test(stock.failed ?? ''), 'stock FedAvg fails the run', stock.failed);
    return 'dropped: NaN, shape, keys; stock FedAvg fails the run on the keys';
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    await link.stop();
  }
}

export const averages: Row[] = [
  { name: 'FedAvg of 3 Node clients equals the closed form', short: true, run: fedAvg },
  { name: 'FedAdam, Krum, another hash', run: others },
  { name: 'NaN, wrong shape, wrong keys', run: spoilt },
];
