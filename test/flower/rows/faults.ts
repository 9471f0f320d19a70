// Faults, each with how it must end: of the way, of the client, of the SuperLink.
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { sleep, until } from '../../helpers.ts';
import { PushMessagesRequestSchema } from '../../../src/flower/generated/fleet_pb.ts';
import { PushObjectRequestSchema } from '../../../src/flower/generated/message_pb.ts';
import { closedApp, closedForm, follows, Node } from '../closed.ts';
import { joined, pageClient, processClient, site } from '../programs.ts';
import { must, type Row } from '../row.ts';
import { Run, scratch, SuperLink } from '../superlink.ts';
import { found } from '../../runtimes/browsers.ts';

const [A, B, C] = [
  [1, 1],
  [2, 2],
  [4, 3],
] as const;
const all = [A, B, C];
const without = [A, B];

/** What goes wrong on the way from one client, round by round, while all clocks are an hour ahead. */
async function way(): Promise<string> {
  const real = Date.now;
  Date.now = () => real.call(Date) + 3_600_000;
  const link = await SuperLink.start();
  let round = 0;
  const done = new Set<string>();
  const once = (what: string): boolean => !done.has(what) && done.add(what) !== undefined;
  const faulty: typeof fetch = async (input, init) => {
    const path = `${input}`.split('/').at(-1);
    const body = init?.body as Uint8Array<ArrayBuffer>;
    if (path === 'push-object' && round === 1 && once('flip')) {
      const message = fromBinary(PushObjectRequestSchema, body);
      message.objectContent[message.objectContent.length - 1] = (message.objectContent.at(-1) as number) ^ 1;
      return fetch(input, { ...init, body: toBinary(PushObjectRequestSchema, message) as Uint8Array<ArrayBuffer> });
    }
    if (path === 'push-messages' && round === 2 && once('twice')) {
      await fetch(input, init);
      throw new TypeError('the answer was lost');
    }
    if (path === 'push-messages' && round === 3) {
      const request = fromBinary(PushMessagesRequestSchema, body);
      const { metadata } = request.messagesList[0] as (typeof request.messagesList)[0];
      if (metadata) metadata.dstNodeId = 77n;
      return fetch(input, { ...init, body: toBinary(PushMessagesRequestSchema, request) as Uint8Array<ArrayBuffer> });
    }
    if (path === 'pull-messages' && round === 4 && once('cut')) return new Response('', { status: 503 });
    return fetch(input, init);
  };
  const late = async (task: { round: number }): Promise<void> => {
    round = task.round;
    if (round === 5) await sleep(13_000);
  };
  const nodes = [new Node(closedApp(...A), link.url), new Node(closedApp(...B), link.url), new Node(closedApp(...C, late), link.url, { fetch: faulty })];
  try {
    const run = await Run.start(link, { rounds: 7, 'min-nodes': 3, timeout: 9 });
    const { failed, rounds, values } = await run.outcome(180).catch((error) => {
      console.log(JSON.stringify(nodes.map((n) => [n.error?.message, n.events])));
      throw error;
    });
    must(failed === undefined, 'the run ended well', failed);
    const counts = rounds.map(({ results }) => results);
    // Round 6 may begin before the late client is through with round 5: it answers both, then.
    must(counts.join() === '3,3,2,3,2,3,3', 'results by round', rounds);
    follows(values, closedForm([all, all, without, all, without, all, all]));
    const lost = nodes[2]?.of('lost') ?? [];
    must(
      lost.some(({ why }) => /dropped the reply without a word/.test(why)),
      'the dropped reply was noticed',
      nodes[2]?.events,
    );
    must(nodes[2]?.of('unreachable').length === 2 && nodes[2].of('reachable').length === 2, 'cuts are told', nodes[2]?.events);
    must(done.size === 3, 'each fault happened', [...done]);
    return `clock +1 h, flipped byte, lost answer, wrong destination (round ${rounds[2]?.seconds.toFixed(1)} s of timeout 9), 503, late reply`;
  } finally {
    Date.now = real;
    await Promise.all(nodes.map((node) => node.stop()));
    await link.stop();
  }
}

/** Clients that are killed: one comes back and answers for its message, one sends its reply again, one stays away. */
async function kills(): Promise<string> {
  const link = await SuperLink.start();
  const nodes = [new Node(closedApp(...A), link.url), new Node(closedApp(...B), link.url)];
  const base = { url: link.url, target: C[0], weight: C[1], store: `${scratch}/killed` };
  let client = await processClient('Node', { ...base, die: { round: 2, at: 'training' } });
  try {
    const id = await joined(client);
    const run = await Run.start(link, { rounds: 7, 'min-nodes': 2, timeout: 60, pause: 2 });
    const dead = async (): Promise<void> => {
      await until('the client is killed', 120, () => client.gone());
    };
    const back = async (die?: { round: number; at: 'training' | 'sending' }): Promise<void> => {
      await dead();
      client = await processClient('Node', { ...base, ...(die ? { die } : {}) });
      must((await joined(client)) === id, 'it is the same node', [id, client.lines()]);
    };
    await back({ round: 4, at: 'sending' });
    const message = client;
    await back({ round: 6, at: 'training' });
    const reply = client;
    await dead(); // and it stays away
    const { failed, rounds, values } = await run.outcome(180);
    must(failed === undefined, 'the run ended well', failed);
    must(
      rounds
        .slice(0, 6)
        .map(({ results }) => results)
        .join() === '3,2,3,3,3,2',
      'results by round',
      rounds,
    );
    must(rounds[1]?.errors[0]?.[0] === 8 && /came back/.test(rounds[1].errors[0][1]), 'round 2: answered with an error', rounds[1]);
    must(rounds[5]?.errors[0]?.[0] === 5, 'round 6: the server says that the node is gone', rounds[5]);
    must(
      message.lines().some((l) => l.type === 'recovered' && l.what === 'message'),
      'the message was answered',
      message.lines(),
    );
    must(
      reply.lines().some((l) => l.type === 'recovered' && l.what === 'reply'),
      'the reply went again',
      reply.lines(),
    );
    follows(values, closedForm([all, without, all, all, all, without, without]));
    return `killed in training: round ${rounds[1].seconds.toFixed(1)} s; before its objects: ${rounds[3]?.seconds.toFixed(1)} s, all results; gone: noticed after ${rounds[5].seconds.toFixed(1)} s (heartbeat 10)`;
  } finally {
    await client.end();
    await Promise.all(nodes.map((node) => node.stop()));
    await link.stop();
  }
}

/** Killed before its objects and not back: Flower's own 180 s. */
async function gone(): Promise<string> {
  const link = await SuperLink.start();
  const nodes = [new Node(closedApp(...A), link.url), new Node(closedApp(...B), link.url)];
  const client = await processClient('Node', { url: link.url, target: C[0], weight: C[1], store: `${scratch}/gone`, die: { round: 1, at: 'sending' } });
  try {
    await joined(client);
    const { failed, rounds } = await (await Run.start(link, { rounds: 2, 'min-nodes': 2, timeout: 400 })).outcome(400);
    must(failed === undefined && rounds[0]?.results === 2 && rounds[0].errors[0]?.[0] === 3, 'the round closes with an error', rounds);
    return `round 1 closed after ${rounds[0].seconds.toFixed(0)} s`;
  } finally {
    await client.end();
    await Promise.all(nodes.map((node) => node.stop()));
    await link.stop();
  }
}

/** The SuperLink killed in a run and started again on its database. */
async function restarted(): Promise<string> {
  const link = await SuperLink.start({ database: `${scratch}/state.db`, ownExec: true });
  const nodes = all.map(
    ([t, n]) =>
      new Node(
        closedApp(t, n, () => sleep(1000)),
        link.url,
      ),
  );
  try {
    const run = await Run.start(link, { rounds: 4, 'min-nodes': 3, timeout: 90 });
    await run.round(1);
    await link.restart(3);
    const { failed, rounds, values } = await run.outcome(240);
    must(failed === undefined, 'the run ended well', failed);
    must(rounds.length === 4 && rounds.every(({ results }) => results === 3), 'all results in all rounds', rounds);
    follows(values, closedForm([all, all, all, all]));
    must(
      nodes.every((node) => node.of('joined').length === 1 && node.of('unreachable').length > 0),
      'the nodes stayed the same, and saw it away',
      nodes.map((n) => n.events),
    );
    return `down 3 s; rounds ${rounds.map(({ seconds }) => seconds.toFixed(1)).join(' ')} s`;
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    await link.stop();
  }
}

/** A page that reloads while it trains. */
async function reloaded(): Promise<string> {
  const chromium = found([process.env['CHROMIUM'], 'chromium', 'chromium-browser', 'google-chrome'], 'chromium');
  const link = await SuperLink.start();
  const nodes = [new Node(closedApp(...A), link.url), new Node(closedApp(...B), link.url)];
  const page = await pageClient(chromium, await site(link.url), { target: C[0], weight: C[1], store: 'idb', reload: 2 });
  try {
    const id = await joined(page);
    const { failed, rounds, values } = await (await Run.start(link, { rounds: 4, 'min-nodes': 3, timeout: 60 })).outcome();
    must(failed === undefined, 'the run ended well', failed);
    must((await joined(page, 2)) === id, 'it is the same node', page.lines());
    must(rounds.map(({ results }) => results).join() === '3,2,3,3' && rounds[1]?.errors[0]?.[0] === 8, 'results by round', rounds);
    follows(values, closedForm([all, without, all, all]));
    return `the same node; the round it left closed after ${rounds[1]?.seconds.toFixed(1)} s`;
  } finally {
    await page.end();
    await Promise.all(nodes.map((node) => node.stop()));
    await link.stop();
  }
}

export const faults: Row[] = [
  { name: 'faults of the way', short: true, run: way },
  { name: 'clients that are killed', run: kills },
  { name: 'a client that dies with its reply announced', slow: true, run: gone },
  { name: 'the SuperLink killed, and back on its SQLite file', run: restarted },
  { name: 'a page that reloads', run: reloaded },
];
