// The same work on gradloom and its peers, side by side: `npm run bench:peers [-- --json] [--rounds 5] [--only regex] [--who regex] [--dist] [--busy]`.
// --busy: beside a process that keeps one core busy all the time.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeData } from './data.ts';
import { install, type Peer, startPeers } from './peer.ts';
import { capture } from './steps.ts';
import { type Medians, median, printJson, short, table } from './table.ts';
import { startup } from './startup.ts';
import { type Work, WORKS } from './works.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.3' },
    only: { type: 'string', default: '' },
    who: { type: 'string', default: '' },
    dist: { type: 'boolean', default: false },
    busy: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const only = new RegExp(options.only);
const named = new RegExp(options.who);

/** Numbers that say "the same" where they agree to four digits; those smaller than the first are held to the first one's scale. */
const DIGITS = 1e-4;

function differ(mine: readonly number[], theirs: readonly number[]): boolean {
  const scale = Math.abs(mine[0] ?? 0);
  return mine.length !== theirs.length || mine.some((v, i) => !(Math.abs(v - (theirs[i] ?? Number.NaN)) <= DIGITS * Math.max(Math.abs(v), scale)));
}

const medians: Medians = {};
/** Who cannot do what, and why. */
const reasons = new Map<string, string>();

/** Everyone who can do the work, ready for it and in agreement about its results. */
async function prepare(work: Work, peers: readonly Peer[], file: string): Promise<Peer[]> {
  const entries = writeData(file, work);
  const able: Peer[] = [];
  let agreed: { who: string; checks: readonly number[] } | undefined;
  for (const peer of peers) {
    if (!peer.takes(work)) continue;
    const { cannot, checks = [] } = await peer.prepare(work, file, entries);
    if (cannot) {
      reasons.set(`${peer.who} ${work.name}`, cannot);
      continue;
    }
    able.push(peer);
    if (checks.length === 0) continue;
    agreed ??= { who: peer.who, checks };
    if (differ(agreed.checks, checks)) {
      const list = (numbers: readonly number[]): string => numbers.map((v) => v.toPrecision(6)).join(' ');
      throw new Error(
        `${work.name}: ${agreed.who} and ${peer.who} do not compute the same from the same weights.\n  ${agreed.who}: ${list(agreed.checks)}\n  ${peer.who}: ${list(checks)}`,
      );
    }
  }
  return able;
}

/** Works that are compared with one another take turns in the same rounds: a step with one backward pass and with two. */
function groups(works: readonly Work[]): Work[][] {
  const all = new Map<string, Work[]>();
  for (const work of works) {
    const key = work.kind === 'step' ? work.operation : work.name;
    all.set(key, [...(all.get(key) ?? []), work]);
  }
  return [...all.values()];
}

async function measure(works: readonly Work[], peers: readonly Peer[], file: string): Promise<void> {
  process.stderr.write(`${works.map((work) => work.name).join(', ')} …\n`);
  const turns: { work: Work; peer: Peer; rates: number[] }[] = [];
  for (const work of works) for (const peer of await prepare(work, peers, file)) turns.push({ work, peer, rates: [] });
  for (let round = 0; round < rounds; round++) {
    for (const { work, peer, rates } of turns) rates.push((await peer.run(work, seconds)) * work.amount);
  }
  for (const work of works) {
    const mine = turns.filter((turn) => turn.work === work);
    medians[work.name] = Object.fromEntries(mine.map(({ peer, rates }) => [peer.who, median(rates)]));
  }
  for (const peer of peers) await peer.forget();
}

/** A table of those who have a number in it, one row a work. */
function printTable(title: string, works: readonly Work[], peers: readonly Peer[], cell: (work: Work, who: string) => string | undefined): void {
  const everyone = peers.map((peer) => peer.who).filter((who) => works.some((work) => cell(work, who) !== undefined));
  const empty = (work: Work, who: string): string => (reasons.has(`${who} ${work.name}`) ? 'cannot' : '–');
  const rows = works.map((work) => [work.name, ...everyone.map((who) => cell(work, who) ?? empty(work, who))]);
  if (everyone.length > 0) console.log(`\n${table([title, ...everyone], rows)}`);
}

function print(works: readonly Work[], peers: readonly Peer[]): void {
  for (const unit of ['steps/s', 'GFLOP/s', 'Gelem/s'] as const) {
    const cell = (work: Work, who: string): string | undefined => {
      const rate = medians[work.name]?.[who];
      return rate === undefined ? undefined : short(rate);
    };
    printTable(
      unit,
      works.filter((work) => work.unit === unit),
      peers,
      cell,
    );
  }
  // How much longer a step takes with two backward passes over a retained graph than with one over the weighted sum.
  const ratio = (work: Work, who: string): string | undefined => {
    const [one, two] = [medians[work.operation]?.[who], medians[work.name]?.[who]];
    return one === undefined || two === undefined ? undefined : `${(one / two).toFixed(2)} ×`;
  };
  printTable(
    'two passes / one',
    works.filter((work) => work.passes === 2),
    peers,
    ratio,
  );
  if (reasons.size > 0) console.log('');
  for (const [what, reason] of reasons) console.log(`${what}: ${reason}`);
}

/** All works side by side. */
async function compare(works: readonly Work[]): Promise<void> {
  const { peers, absent } = await startPeers(named, capture !== undefined, options.dist);
  for (const [who, reason] of absent) reasons.set(who, reason);
  console.log(`median of ${rounds} interleaved rounds of ${seconds} s each`);
  for (const peer of peers) console.log(`  ${peer.who.padEnd(12)}  ${peer.title}`);
  const folder = mkdtempSync(join(tmpdir(), 'gradloom-bench-'));
  const busy = options.busy ? spawn(process.execPath, ['-e', 'for (;;);']) : undefined;
  try {
    for (const group of groups(works)) await measure(group, peers, join(folder, 'inputs'));
  } finally {
    busy?.kill();
    for (const peer of peers) peer.end();
    rmSync(folder, { recursive: true });
  }
  print(works, peers);
}

async function main(): Promise<void> {
  install();
  const works = WORKS.filter((work) => only.test(work.name));
  if (works.length > 0) await compare(works);
  if (only.test('startup')) medians['startup'] = startup(['eager', 'jax-js'].filter((who) => named.test(who)));
  if (options.json) printJson(medians);
}

main().catch((error: unknown) => {
  console.error(`bench:peers: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
});
