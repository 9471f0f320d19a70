// A job that is killed again and again and started from its checkpoint ends with the bits of one that never stopped.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, type Flavour, job, jsonLines, nothingLeft, project, succeeded } from './jobs.ts';
import type { Row } from './main.ts';

const [STEPS, EVERY] = [60, 3];
const WHERE = ['before', 'between', 'writing', 'after'];

/** The hash that both ranks ended with. */
function hashOf(ended: Ended): string {
  const hashes = jsonLines<{ hash: string }>(succeeded(ended)).map(({ hash }) => hash);
  if (hashes.length !== 2 || hashes[0] !== hashes[1]) throw new Error(`ranks ended with ${hashes.join(' and ')}`);
  return hashes[0] as string;
}

/** Numbers in [0, 1) from a seed. */
function* uniform(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** Where a job goes on after a kill: at the last checkpoint that was whole, which is in doubt while one is written. */
function nextStarts(step: number, where: string): number[] {
  const before = step - (step % EVERY);
  return step % EVERY < EVERY - 1 || where === 'before' || where === 'between' ? [before] : where === 'after' ? [step + 1] : [before, step + 1];
}

/** The step at which a job started. */
const startOf = ({ output }: Ended): number => Number(/starts at (\d+)/.exec(output)?.[1]);

async function killed(flavour: Flavour, kills: number, seed: number): Promise<string> {
  const [whole, broken] = ['whole', 'broken'].map((name) => join(project(), `${name}-${flavour.debian}-${seed}.run`)) as [string, string];
  for (const file of [whole, broken]) rmSync(file, { force: true });
  const train = (file: string, ...fault: readonly (string | number)[]): Promise<Ended> => job(flavour, 2, ['train.mjs', file, String(STEPS), String(EVERY), ...fault.map(String)]);
  const expected = hashOf(await train(whole));
  const draw = uniform(seed);
  const below = (n: number): number => Math.floor(draw.next().value * n);
  const starts: number[] = [];
  let right = [0];
  const started = (ended: Ended): void => {
    starts.push(startOf(ended));
    if (!right.includes(starts.at(-1) as number)) throw new Error(`jobs started at ${starts.join(' ')}, the last instead of at ${right.join(' or ')}`);
  };
  for (let k = 0; k < kills; k++) {
    // Steps rise, so that each kill comes in the part that is new.
    const step = Math.floor(((k + draw.next().value) * (STEPS - EVERY)) / kills);
    const where = WHERE[below(WHERE.length)] as string;
    // Only steps that write a checkpoint are ever there.
    const at = where === 'writing' ? step - (step % EVERY) + EVERY - 1 : step;
    const ended = await train(broken, 'kill', below(2), at, where);
    if (ended.code === 0) throw new Error(`kill ${k} at step ${at}, ${where}, did not end the job`);
    started(ended);
    right = nextStarts(at, where);
  }
  const last = await train(broken);
  started(last);
  const found = hashOf(last);
  if (found !== expected) throw new Error(`${found} after ${kills} kills, ${expected} without`);
  await nothingLeft();
  return `${kills} kills, started at ${starts.join(' ')}, hash ${found}`;
}

export const restarts = (flavour: Flavour): Row[] => [
  { name: 'killed twice and restarted: the same bits', short: true, run: () => killed(flavour, 2, 1) },
  { name: 'killed ten times and restarted: the same bits', run: () => killed(flavour, 10, 2) },
];
