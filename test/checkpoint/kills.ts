// Kills a training run by SIGKILL at random moments, starts it again each time, and compares where it ends with a run that nobody stopped.
// npm run kills -- --kills 200 --seed 1
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('program.ts', import.meta.url));

interface Ended {
  killed: boolean;
  hash: string;
}

/** Runs the program; kills it so many milliseconds after its first checkpoint, if it still runs. */
function run(file: string, optimizer: string, method: string, killAfter = Number.POSITIVE_INFINITY): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, file, optimizer, method], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (d) => {
      out += d;
    });
    child.stderr.on('data', (d) => {
      err += d;
    });
    // Start-up takes a random part of a second: what counts is when it writes.
    const timer = Number.isFinite(killAfter) ? setTimeout(() => child.kill('SIGKILL'), killAfter) : undefined;
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve({ killed: true, hash: '' });
      else if (code === 0) resolve({ killed: false, hash: out.trim() });
      else reject(new Error(`${optimizer}, ${method}: exit ${code}\n${err}`));
    });
  });
}

/** A run that is killed until it has been `kills` times, or ends; returns how often it was killed and whether it had the bits of an unbroken one. */
export async function killed(optimizer: string, method: string, kills: number, random: () => number): Promise<{ kills: number; same: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'gradloom-kills-'));
  try {
    const began = performance.now();
    const whole = await run(join(folder, 'whole'), optimizer, method);
    const span = performance.now() - began;
    const file = join(folder, 'killed');
    let count = 0;
    for (;;) {
      const wait = count < kills ? span * (0.3 + 0.7 * random()) : undefined;
      const ended = await run(file, optimizer, method, wait);
      if (ended.killed) {
        count++;
        continue;
      }
      const same = ended.hash === whole.hash;
      if (count >= kills || !same) return { kills: count, same };
      rmSync(file); // it ended before it was killed often enough: begin again
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A seeded generator (mulberry32). */
export function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const OPTIMIZERS = ['Adam', 'SGD', 'AdamW', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax', 'NAdam', 'RAdam', 'Rprop', 'ASGD'] as const;
/** Methods that remember. */
export const METHODS = ['UPGrad', 'GradNorm', 'DWA', 'FAMO', 'NashMTL', 'RLW', 'UncertaintyWeighting', 'GradVac', 'CoV', 'PCGrad', 'GradDrop', 'MoDo'] as const;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = (name: string, preset: number): number => Number(process.argv[process.argv.indexOf(name) + 1] ?? preset) || preset;
  const [kills, seed] = [at('--kills', 200), at('--seed', 1)];
  const random = seeded(seed);
  let [done, wrong] = [0, 0];
  for (let i = 0; done < kills; i++) {
    const [optimizer, method] = [OPTIMIZERS[i % OPTIMIZERS.length] as string, METHODS[i % METHODS.length] as string];
    const { kills: k, same } = await killed(optimizer, method, Math.min(5, kills - done), random);
    done += k;
    if (!same) wrong++;
    console.log(`${optimizer}, ${method}: killed ${k} times, ${same ? 'the same bits' : 'OTHER BITS'} (${done} of ${kills})`);
  }
  process.exit(wrong ? 1 : 0);
}
