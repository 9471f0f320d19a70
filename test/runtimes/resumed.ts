// examples/shapes killed at seeded random moments and started again, in Node and in Chromium: it must end with the weights of a run that nobody stopped.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seeded } from '../seeded.ts';
import { opened, versionOf } from './browsers.ts';
import { command, jsonLine, type Outcome, project, root, type Target, tool } from './context.ts';

/** Few and small epochs. */
const SIZE = { epochs: '3', rows: '512' };
const KILLS = 5;

let folder = '';
/** examples/shapes and the suite's own programs around it, bundled in the project as a user would. */
function shapes(): string {
  if (folder) return folder;
  cpSync(join(root, 'examples', 'shapes'), join(project(), 'shapes'), { recursive: true });
  const esbuild = tool('runtimes', 'esbuild', 'bin', 'esbuild');
  const bundle = (...args: string[]): string =>
    command(process.execPath, [esbuild, '--bundle', '--format=esm', '--outdir=shapes', '--entry-names=[name]', ...args], { cwd: project() });
  bundle('shapes/page.ts', 'shapes-reported.mjs', 'half-written.mjs');
  bundle('shapes-node.mjs', '--platform=node');
  folder = 'shapes';
  const page = readFileSync(join(project(), folder, 'index.html'), 'utf8');
  writeFileSync(join(project(), folder, 'reported.html'), page.replace('<script', '<script type="module" src="shapes-reported.js"></script>\n    <script'));
  return folder;
}

/** What a start came to: the hash at its end, or null where it was killed. */
interface Start {
  hash: string | null;
  /** Whether it went on from a checkpoint. */
  resumed: boolean;
  /** Milliseconds that it trained. */
  trained: number;
  events?: number;
}

/** In Node; killed so many milliseconds after it began, if it still runs. */
function inNode(file: string, killAfter?: number): Promise<Start> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(shapes(), 'shapes-node.js'), file, SIZE.epochs, SIZE.rows], { cwd: project(), stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, began] = ['', 0];
    child.stderr.on('data', (d) => {
      out += d;
    });
    child.stdout.on('data', (d) => {
      out += d;
      if (began || !/begins|resumes/.test(out)) return;
      began = performance.now();
      if (killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter).unref();
    });
    child.on('close', (code, signal) => {
      const ended = { resumed: out.includes('resumes'), trained: performance.now() - began };
      if (signal === 'SIGKILL') resolve({ hash: null, ...ended });
      else if (code === 0) resolve({ ...jsonLine<{ hash: string; events: number }>(out), ...ended });
      else reject(new Error(out));
    });
  });
}

/** In Chromium, its whole group of processes. */
async function inChromium(profile: string, store: string, killAfter?: number): Promise<Start> {
  let [began, resumed] = [0, false];
  const page = await opened('Chromium', 'plain', `${shapes()}/reported.html`, { store, ...SIZE }, { profile });
  try {
    for (;;) {
      const wait = began && killAfter !== undefined ? killAfter : 300_000;
      const body = await page.next(wait);
      if (body === null) {
        if (killAfter !== undefined && began) return { hash: null, resumed, trained: performance.now() - began };
        throw new Error(`Chromium reported nothing in ${wait / 1000} s\n${page.output()}`);
      }
      const said = JSON.parse(body) as { begins?: true; resumed?: boolean; error?: string; hash?: string; events?: number };
      if (said.error) throw new Error(said.error);
      if (said.begins) [began, resumed] = [performance.now(), said.resumed === true];
      else return { hash: said.hash as string, resumed, trained: performance.now() - began, events: said.events as number };
    }
  } finally {
    page.stop();
  }
}

let right: Promise<Start> | undefined;
/** An unbroken run in Node. */
const unbroken = (): Promise<Start> => {
  right ??= inFolder((at) => inNode(join(at, 'run')));
  return right;
};

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const at = mkdtempSync(join(tmpdir(), 'gradloom-resumed-'));
  try {
    return await work(at);
  } finally {
    rmSync(at, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** First unbroken, which must end as in Node; then killed at random moments until so many starts went on from a checkpoint. */
async function killed(start: (at: string, killAfter?: number) => Promise<Start>, kills: number, version: string): Promise<Outcome> {
  const expected = await unbroken();
  const whole = await inFolder((at) => start(at));
  const note = `${kills} times gone on after a kill, weights ${whole.hash?.slice(0, 12)}, ${whole.events} events in the profile`;
  if (whole.hash !== expected.hash) throw new Error(`unbroken: ${whole.hash}, in Node ${expected.hash}`);
  if (!whole.events) throw new Error('no profile');
  const random = seeded(1);
  for (let [count, resumed] = [0, 0]; ; ) {
    // Until it ends, which may be before it went on often enough: then it begins anew.
    await inFolder(async (at) => {
      for (;;) {
        const started = await start(at, resumed < kills ? (whole.trained / 3) * random() : undefined);
        if (started.resumed) resumed++;
        if (started.hash === expected.hash) return;
        if (started.hash !== null) throw new Error(`after ${count} kills: ${started.hash}, unbroken ${expected.hash}`);
        count++;
        if (count >= 5 * kills && resumed < kills) throw new Error(`${count} kills, and only ${resumed} starts went on from a checkpoint`);
      }
    });
    if (resumed >= kills) return { hash: '', version, note };
  }
}

/** A write to OPFS that is killed half-way leaves the file before it. */
const halfWritten = (): Promise<Outcome> =>
  inFolder(async (profile) => {
    shapes();
    const step = async (name: string): Promise<string> => {
      const page = await opened('Chromium', 'plain', 'half-written.html', { step: name }, { profile });
      try {
        const body = await page.next(300_000);
        if (body === null) throw new Error(`Chromium reported nothing\n${page.output()}`);
        const { error, found } = JSON.parse(body) as { error?: string; found?: string };
        if (error) throw new Error(error);
        return found as string;
      } finally {
        page.stop();
      }
    };
    await step('write');
    const left = await step('begin another write');
    const found = await step('read');
    if (found !== 'step 1, then 2 over it') throw new Error(`found ${found}`);
    return { hash: '', version: versionOf('Chromium'), note: `${left}; then ${found}` };
  });

export const resumed: Target[] = [
  { name: 'Node: examples/shapes, killed', run: () => killed((at, after) => inNode(join(at, 'run'), after), KILLS, process.version.slice(1)) },
  { name: 'Chromium: examples/shapes, killed, OPFS', run: () => killed((at, after) => inChromium(at, 'opfs', after), KILLS, versionOf('Chromium')) },
  { name: 'Chromium: examples/shapes, killed, IndexedDB', run: () => killed((at, after) => inChromium(at, 'indexeddb', after), KILLS, versionOf('Chromium')) },
  { name: 'Chromium: OPFS file half written', run: halfWritten },
];
