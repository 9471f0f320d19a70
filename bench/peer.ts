// Who takes part: each in a process of its own that answers JSON lines (peers/worker.mjs says which).
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildCeiling, ceiling, hasCeiling } from './ceiling/measure.ts';
import type { Entry } from './data.ts';
import { isProduct, type Work } from './works.ts';

export interface Answer {
  readonly ready?: string;
  readonly checks?: readonly number[];
  readonly rate?: number;
  readonly cannot?: string;
  readonly error?: string;
}

export interface Peer {
  readonly who: string;
  /** Name and version, once started. */
  readonly title: string;
  /** Whether the work is measured on this peer at all. */
  takes(work: Work): boolean;
  prepare(work: Work, file: string, entries: readonly Entry[]): Promise<Answer>;
  /** Runs per second of a work that it has prepared. */
  run(work: Work, seconds: number): Promise<number>;
  /** Gives back all that it has prepared. */
  forget(): Promise<unknown>;
  end(): void;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Someone who answers each question, an object of JSON, by one. */
export abstract class Asked implements Peer {
  readonly who: string;
  title = '';
  readonly takes: (work: Work) => boolean;

  constructor(who: string, takes: (work: Work) => boolean) {
    this.who = who;
    this.takes = takes;
  }

  /** The next answer: the text of an object. */
  protected abstract heard(): Promise<string>;
  protected abstract say(question: string): void;
  abstract end(): void;

  /** Waits for its greeting. */
  async start(): Promise<this> {
    this.title = (await this.#answer()).ready ?? this.who;
    return this;
  }

  async #answer(): Promise<Answer> {
    const answer = JSON.parse(await this.heard()) as Answer;
    if (answer.error) throw new Error(`${this.who}: ${answer.error}`);
    return answer;
  }

  #ask(question: object): Promise<Answer> {
    this.say(JSON.stringify(question));
    return this.#answer();
  }

  prepare(work: Work, file: string, entries: readonly Entry[]): Promise<Answer> {
    return this.#ask({ ask: 'prepare', work, file, entries });
  }

  async run(work: Work, seconds: number): Promise<number> {
    return (await this.#ask({ ask: 'run', work: work.name, seconds })).rate ?? Number.NaN;
  }

  forget(): Promise<unknown> {
    return this.#ask({ ask: 'forget' });
  }
}

/** A process that answers each line with a line. */
class Process extends Asked {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #complaints = '';

  constructor(who: string, command: string, args: readonly string[], takes: (work: Work) => boolean, env: NodeJS.ProcessEnv) {
    super(who, takes);
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    const { stdout, stderr } = this.#child;
    if (!stdout || !stderr) throw new Error(`${who}: its process has no pipes.`);
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    stderr.on('data', (text) => {
      this.#complaints = `${this.#complaints}${text}`.slice(-4000);
    });
  }

  protected async heard(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.who}: its process ended.\n${this.#complaints}`);
    return value;
  }

  protected say(question: string): void {
    this.#child.stdin?.write(`${question}\n`);
  }

  end(): void {
    this.#child.stdin?.end();
    this.#child.kill();
  }
}

/** The machine's limit, measured in the same rounds; it computes no losses. */
const limit: Peer = {
  who: 'ceiling',
  title: '128-bit multiply + add in C',
  takes: isProduct,
  prepare: async () => ({ checks: [] }),
  run: async (work, seconds) => ceiling(seconds) / work.amount,
  forget: async () => {},
  end: () => {},
};

/** A Python that has torch: the one that PYTHON names, else Debian's own. */
function pythonWithTorch(): string | undefined {
  const candidates = process.env['PYTHON'] ? [process.env['PYTHON']] : ['/usr/bin/python3', 'python3'];
  return candidates.find((python) => spawnSync(python, ['-c', 'import torch']).status === 0);
}

/** The peers' own packages, installed beside them when first needed. */
export function install(): void {
  if (existsSync(here('./peers/node_modules'))) return;
  console.log('installing the peers into bench/peers/node_modules (about 300 MB) …');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', here('./peers')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('npm ci --prefix bench/peers failed.');
}

/** Everyone that takes part on this machine and whose name fits, in the order of their turns; and why the others do not. */
export async function startPeers(named: RegExp, canCapture: boolean, dist: boolean): Promise<{ peers: Peer[]; absent: Map<string, string> }> {
  buildCeiling();
  const python = pythonWithTorch();
  const absent = new Map<string, string>();
  const tsx = ['--import', 'tsx', here('./peers/gradloom.ts')];
  const once = (work: Work): boolean => work.passes === 1;
  const ways: [who: string, command: string | undefined, args: string[], takes: (work: Work) => boolean, otherwise: string][] = [
    ['eager', process.execPath, tsx, () => true, ''],
    ['captured', canCapture ? process.execPath : undefined, [...tsx, 'captured'], (w) => w.kind === 'step', 'this build of gradloom has no capture'],
    ['two-threads', canCapture ? process.execPath : undefined, [...tsx, 'captured', '2'], (w) => w.kind === 'step', 'this build of gradloom has no capture'],
    ['jax-js', process.execPath, [here('./peers/jax.mjs')], once, ''],
    ['tfjs-wasm', process.execPath, [here('./peers/tfjs.mjs'), 'wasm'], once, ''],
    ['tfjs-cpu', process.execPath, [here('./peers/tfjs.mjs'), 'cpu'], once, ''],
    ['pytorch', python, [here('./peers/pytorch.py')], () => true, 'no Python with torch; set PYTHON, or install python3-torch and libopenblas0-pthread'],
    ['pytorch-best', python, [here('./peers/pytorch.py'), 'best'], (w) => w.kind === 'step', 'no Python with torch'],
  ];
  // Under this one 'gradloom' is the package as it is published instead of its sources.
  const env = dist ? { ...process.env, TSX_TSCONFIG_PATH: here('./tsconfig.dist.json') } : process.env;
  const peers: Peer[] = [];
  for (const [who, command, args, takes, otherwise] of ways) {
    if (!named.test(who)) continue;
    if (!command) absent.set(who, otherwise);
    else {
      const peer = new Process(who, command, args, takes, env);
      peers.push(peer);
      await peer.start().catch((error: unknown) => {
        for (const started of peers) started.end();
        throw error;
      });
    }
  }
  if (named.test('ceiling')) {
    if (hasCeiling()) peers.push(limit);
    else absent.set('ceiling', 'no gcc on an x64 machine');
  }
  return { peers, absent };
}
