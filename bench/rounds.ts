// Peers side by side: they must agree about a work's results, then take turns in rounds; tables of the medians.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeData } from './data.ts';
import type { Peer } from './peer.ts';
import { type Medians, median, short, table } from './table.ts';
import type { Work } from './works.ts';

/** Numbers that say "the same" where they agree to four digits; those smaller than the first are held to the first one's scale. */
const DIGITS = 1e-4;

/** Who needs more seconds than this for one run takes part in the first round only. */
const LONG = 5;

function differ(mine: readonly number[], theirs: readonly number[]): boolean {
  const scale = Math.abs(mine[0] ?? 0);
  return mine.length !== theirs.length || mine.some((v, i) => !(Math.abs(v - (theirs[i] ?? Number.NaN)) <= DIGITS * Math.max(Math.abs(v), scale)));
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

/** A cell of a table; undefined where there is no number. */
export type Cell = (work: Work, who: string) => string | undefined;

export class Comparison {
  readonly medians: Medians = {};
  /** Who cannot do what, and why. */
  readonly reasons = new Map<string, string>();
  readonly #peers: readonly Peer[];
  readonly #rounds: number;
  readonly #seconds: number;

  /** `seconds`: how long a turn is. */
  constructor(peers: readonly Peer[], rounds: number, seconds: number) {
    this.#peers = peers;
    this.#rounds = rounds;
    this.#seconds = seconds;
  }

  /** Measures all works, then ends the peers. */
  async run(works: readonly Work[]): Promise<void> {
    console.log(`median of ${this.#rounds} interleaved rounds of ${this.#seconds} s each`);
    const width = Math.max(0, ...this.#peers.map(({ who }) => who.length));
    for (const { who, title } of this.#peers) console.log(`  ${who.padEnd(width)}  ${title}`);
    const folder = mkdtempSync(join(tmpdir(), 'gradloom-bench-'));
    try {
      for (const group of groups(works)) await this.#measure(group, join(folder, 'inputs'));
    } finally {
      for (const peer of this.#peers) peer.end();
      rmSync(folder, { recursive: true });
    }
  }

  /** Everyone who can do the work, ready for it and in agreement about its results. */
  async #prepare(work: Work, file: string): Promise<Peer[]> {
    const entries = writeData(file, work);
    const able: Peer[] = [];
    let agreed: { who: string; checks: readonly number[] } | undefined;
    for (const peer of this.#peers) {
      if (!peer.takes(work)) continue;
      const { cannot, checks = [] } = await peer.prepare(work, file, entries);
      if (cannot) {
        this.reasons.set(`${peer.who} ${work.name}`, cannot);
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

  async #measure(works: readonly Work[], file: string): Promise<void> {
    process.stderr.write(`${works.map((work) => work.name).join(', ')} …\n`);
    const turns: { work: Work; peer: Peer; rates: number[] }[] = [];
    for (const work of works) for (const peer of await this.#prepare(work, file)) turns.push({ work, peer, rates: [] });
    for (let round = 0; round < this.#rounds; round++) {
      for (const { work, peer, rates } of turns) {
        const [first] = rates;
        if (first === undefined || work.amount / first < LONG) rates.push((await peer.run(work, this.#seconds)) * work.amount);
      }
    }
    for (const work of works) {
      const mine = turns.filter((turn) => turn.work === work);
      this.medians[work.name] = Object.fromEntries(mine.map(({ peer, rates }) => [peer.who, median(rates)]));
    }
    for (const peer of this.#peers) await peer.forget();
  }

  /** A table of those who have a number in it, one row a work. */
  print(title: string, works: readonly Work[], cell: Cell, columns: readonly string[] = this.#peers.map((peer) => peer.who)): void {
    const everyone = columns.filter((who) => works.some((work) => cell(work, who) !== undefined));
    const empty = (work: Work, who: string): string => (this.reasons.has(`${who} ${work.name}`) ? 'cannot' : '–');
    const rows = works.map((work) => [work.name, ...everyone.map((who) => cell(work, who) ?? empty(work, who))]);
    if (everyone.length > 0) console.log(`\n${table([title, ...everyone], rows)}`);
  }

  /** Medians, a table for each unit. */
  printMedians(works: readonly Work[]): void {
    const cell: Cell = (work, who) => {
      const rate = this.medians[work.name]?.[who];
      return rate === undefined ? undefined : short(rate);
    };
    for (const unit of ['steps/s', 'GFLOP/s', 'Gelem/s'] as const) {
      this.print(
        unit,
        works.filter((work) => work.unit === unit),
        cell,
      );
    }
  }

  /** Why someone could not do something. */
  printReasons(): void {
    if (this.reasons.size > 0) console.log('');
    for (const [what, reason] of this.reasons) console.log(`${what}: ${reason}`);
  }
}
