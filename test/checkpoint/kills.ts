// Kills a training run by SIGKILL at random moments, starts it again each time, and compares where it ends with a run that nobody stopped.
// Only kills that left a checkpoint, from which the next start went on, are counted.
// npm run kills -- --kills 200 --seed 1
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import cliProgress from 'cli-progress';
import { Command } from 'commander';
import { rolldown } from 'rolldown';
import { seeded } from '../seeded.ts';
import { METHODS, OPTIMIZERS } from './program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** program.ts as one file of plain JavaScript, which starts in a fraction of the time. */
export async function bundled(folder: string): Promise<string> {
  const bundler = await rolldown({ input: join(root, 'test/checkpoint/program.ts'), platform: 'node', resolve: { alias: { gradloom: join(root, 'src/entry/default.ts') } } });
  const file = join(folder, 'program.mjs');
  await bundler.write({ file, codeSplitting: false });
  return file;
}

interface Ended {
  killed: boolean;
  /** Whether it went on from a checkpoint. */
  resumed: boolean;
  /** Milliseconds that it trained. */
  trained: number;
  hash: string;
}

/** What it says when it has read its file, and begins to train. */
const STARTED = /^(begins|resumes)\n/;

/** Runs the program; kills it so many milliseconds after it began to train, if it still runs. */
function run(program: string, file: string, optimizer: string, method: string, killAfter = Number.POSITIVE_INFINITY): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, file, optimizer, method], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    let began = 0;
    let timer: NodeJS.Timeout | undefined;
    child.stdout.on('data', (d) => {
      out += d;
      if (began || !STARTED.test(out)) return;
      began = performance.now();
      if (Number.isFinite(killAfter)) timer = setTimeout(() => child.kill('SIGKILL'), killAfter);
    });
    child.stderr.on('data', (d) => {
      err += d;
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const ended = { killed: signal === 'SIGKILL', resumed: out.startsWith('resumes'), trained: performance.now() - began };
      if (ended.killed) resolve({ ...ended, hash: '' });
      else if (code === 0) resolve({ ...ended, hash: out.replace(STARTED, '').trim() });
      else reject(new Error(`${optimizer}, ${method}: exit ${code}\n${err}`));
    });
  });
}

/** So many starts in a row that did not go on from a checkpoint are a fault: about one in ten is killed before the first. */
const IDLE = 12;

/**
 * A run that is killed until `kills` starts went on from what a killed one left, and then ends; returns whether it had the bits of an unbroken one each time that it
 * ended. Throws where no start goes on.
 */
export async function killed(program: string, optimizer: string, method: string, kills: number, random: () => number): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'gradloom-kills-'));
  try {
    const whole = await run(program, join(folder, 'whole'), optimizer, method);
    const file = join(folder, 'killed');
    for (let resumed = 0, idle = 0; ; ) {
      const ended = await run(program, file, optimizer, method, resumed < kills ? whole.trained * random() : undefined);
      if (ended.resumed) resumed++;
      idle = ended.resumed ? 0 : idle + 1;
      if (idle > IDLE) throw new Error(`${optimizer}, ${method}: ${idle} starts in a row did not go on from a checkpoint`);
      if (ended.killed) continue;
      if (ended.hash !== whole.hash) return false;
      if (resumed >= kills) return true;
      rmSync(file); // it ended before it was killed often enough: begin again
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function main(): Promise<void> {
  const { kills, seed } = new Command()
    .name('npm run kills --')
    .option('--kills <n>', 'how many from which a start goes on', Number, 200)
    .option('--seed <n>', 'of the moments', Number, 1)
    .parse()
    .opts<{ kills: number; seed: number }>();
  const random = seeded(seed);
  const optimizers = Object.keys(OPTIMIZERS);
  // As many runs as there are methods: each method once, each optimizer some times.
  const each = Math.max(1, Math.floor(kills / METHODS.length));
  const bar = new cliProgress.SingleBar({ format: '{bar} {value}/{total} kills  {eta_formatted} left  {run}' }, cliProgress.Presets.shades_classic);
  const folder = mkdtempSync(join(tmpdir(), 'gradloom-kills-'));
  const wrong: string[] = [];
  const used = { methods: new Set<string>(), optimizers: new Set<string>() };
  let done = 0;
  try {
    const program = await bundled(folder);
    bar.start(kills, 0, { run: '' });
    for (let i = 0; done < kills; i++) {
      const [optimizer, method] = [optimizers[i % optimizers.length] as string, METHODS[i % METHODS.length] as string];
      const now = Math.min(each, kills - done);
      bar.update(done, { run: `${optimizer}, ${method}` });
      if (!(await killed(program, optimizer, method, now, random))) wrong.push(`${optimizer}, ${method}: OTHER BITS`);
      used.methods.add(method);
      used.optimizers.add(optimizer);
      done += now;
    }
  } finally {
    bar.stop();
    rmSync(folder, { recursive: true });
  }
  for (const line of wrong) console.log(line);
  console.log(`${done} kills that a start went on from, seed ${seed}: ${used.methods.size} methods, ${used.optimizers.size} optimizers, ${wrong.length} runs ended in other bits`);
  process.exitCode = wrong.length ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
