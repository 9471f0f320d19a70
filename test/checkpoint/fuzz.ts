// Damaged and hostile checkpoints: each is refused with an error of ours and changes nothing, or loads whole.
// npm run fuzz:checkpoints -- 1000000 1
import { fileURLToPath } from 'node:url';
import cliProgress from 'cli-progress';
import { Command } from 'commander';
import { checkpoint, DataLoader, EarlyStopping, Generator, GradloomError, lrScheduler, memory, multiloss, nn, ones, optim, Tensor, WeightedRandomSampler } from 'gradloom';
import { seal } from '../../src/checkpoint/checksum.ts';
import { seeded } from '../seeded.ts';

interface Outcome {
  refused: number;
  loaded: number;
  faults: string[];
}

/** A run in the middle of things: of a pass, of a phase, with methods and a rule for stopping that remember. */
function parts() {
  const model = new nn.Linear(2, 1);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  const scheduler = new lrScheduler.StepLR(optimizer, { stepSize: 2 });
  const plan = multiloss
    .phases()
    .phase('a', { losses: ['a'], until: multiloss.afterSteps(1) })
    .phase('both', { losses: ['a', 'b'], combine: new multiloss.GradNorm(), until: multiloss.below('a', 0.01, { ema: 0.9, for: 3 }) });
  const combine = new multiloss.DWA();
  const loader = new DataLoader([1, 2, 3, 4], { shuffle: true, seed: 1 });
  const drawn = new DataLoader([1, 2, 3, 4], { sampler: new WeightedRandomSampler([1, 2, 3, 4], 4, { seed: 2 }) });
  const stopping = new EarlyStopping<{ a: number }>({ model });
  const run = { model, optimizer, scheduler, plan, combine, loader, drawn, stopping };
  for (const [i] of [...loader].entries()) {
    const losses = () => {
      const y = model.forward(ones([1, 2]));
      return { a: y.square().sum(), b: y.sub(1).square().sum() };
    };
    const step = plan.step(losses, optimizer);
    multiloss.backward(losses(), { combine });
    scheduler.step();
    stopping.step({ a: step.losses.a });
    if (i === 2) break;
  }
  for (const l of [loader, drawn]) for (const _ of l) break; // one batch of the next pass
  return run;
}

/** Values that a hostile header would have in a number's or text's place. */
const JUNK = [
  '-1',
  '1e999',
  '1e15',
  '0.5',
  'null',
  '[]',
  '{}',
  '""',
  '"__proto__"',
  'true',
  '4294967296',
  '[[[[]]]]',
  '{"$tensor":"x"}',
  '{"$number":"NaN"}',
  '{"$tensor":"model.weight"}',
];

/** One damaged copy; `sealed`: its checksum is right, so that it may be loaded where every part takes its state. */
function damaged(file: Uint8Array<ArrayBuffer>, random: () => number): { bytes: Uint8Array<ArrayBuffer>; sealed: boolean } {
  const at = (n: number): number => Math.floor(random() * n);
  const copy = file.slice();
  // One in ten is hostile, which costs most: the others end at the checksum.
  switch (Math.floor(at(10) / 3)) {
    case 0:
      for (let i = at(4); i >= 0; i--) copy[at(copy.length)] = at(256);
      return { bytes: copy, sealed: false };
    case 1:
      return { bytes: copy.slice(0, at(copy.length)), sealed: false };
    case 2: {
      const [from, to] = [at(copy.length), at(copy.length)];
      copy.copyWithin(to, from, from + at(64));
      return { bytes: copy, sealed: false };
    }
    default: {
      // A hostile writer: the header is JSON still, and the checksum is right.
      const length = new DataView(copy.buffer).getUint32(0, true);
      let header = new TextDecoder().decode(copy.subarray(8, 8 + length)).trimEnd();
      const spots = [...header.matchAll(/(?<=[:[,])(-?\d+(\.\d+)?|\\"[^"\\]*\\"|"[^"\\]*"|null)(?=[,}\]])/g)];
      const spot = spots[at(spots.length)];
      if (spot) {
        const junk = JUNK[at(JUNK.length)] as string;
        const inText = header.slice(0, spot.index).lastIndexOf('gradloom.state') >= 0 && spot[0] !== '"';
        header = header.slice(0, spot.index) + (inText ? junk.replaceAll('"', '\\"') : junk) + header.slice(spot.index + spot[0].length);
      }
      const json = new TextEncoder().encode(header);
      const padded = Math.ceil(json.length / 8) * 8;
      const made = new Uint8Array(8 + padded + copy.length - 8 - length);
      new DataView(made.buffer).setUint32(0, padded, true);
      made.fill(0x20, 8, 8 + padded);
      made.set(json, 8);
      made.set(copy.subarray(8 + length), 8 + padded);
      const sealed = random() < 0.9;
      return { bytes: sealed ? trySeal(made) : made, sealed };
    }
  }
}

function trySeal(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  try {
    return seal(bytes);
  } catch {
    return bytes;
  }
}

/** A state as text: tensors by type, shape and values. Two states that read alike are alike, to the last bit. */
function told(state: unknown): string {
  return JSON.stringify(state, (key, v: unknown) => {
    if (v instanceof Tensor) return [v.dtype, v.shape, v.data().toString()];
    if (key === 'lr') return 'as the scheduler says';
    if (typeof v === 'number' && !Number.isFinite(v)) return String(v);
    return v;
  });
}

/** The parts of a file as text. */
async function partsIn(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { step: _, ...parts } = await checkpoint.read(bytes, { rng: new Generator(0) });
  return told(parts);
}

/** Reads so many damaged files into a run. */
export async function fuzz(count: number, seed: number, tell: (done: number) => void = () => {}): Promise<Outcome> {
  const random = seeded(seed);
  const run = parts();
  const file = checkpoint.toBytes({ ...run, step: 3 });
  const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((v, i) => v === b[i]);
  const outcome: Outcome = { refused: 0, loaded: 0, faults: [] };
  const before = checkpoint.toBytes(run);
  for (let i = 0; i < count && outcome.faults.length < 20; i++) {
    const { bytes, sealed } = damaged(file, random);
    const began = process.cpuUsage().user; // of the process's time: others may have the machine
    try {
      await checkpoint.read(bytes, run);
      outcome.loaded++;
      if (!sealed && !same(bytes, file)) outcome.faults.push(`${i}: damaged, and loaded`);
      // What the parts hold is what the file says, all of it.
      const [said, held] = [await partsIn(bytes), await partsIn(checkpoint.toBytes(run))];
      if (said !== held) outcome.faults.push(`${i}: says ${said.slice(0, 3000)}, loaded ${held.slice(0, 3000)}`);
      await checkpoint.read(file, run);
    } catch (e) {
      outcome.refused++;
      if (!(e instanceof GradloomError)) outcome.faults.push(`${i}: ${(e as Error).stack}`);
      // Bytes without their checksum reach no part: looked at now and then.
      if ((sealed || i % 20 === 0) && !same(checkpoint.toBytes(run), before)) {
        outcome.faults.push(`${i}: changed by a file that was refused: ${(e as Error).message}`);
        await checkpoint.read(file, run);
      }
    }
    const ms = (process.cpuUsage().user - began) / 1000;
    if (ms > 2000) outcome.faults.push(`${i}: took ${Math.round(ms)} ms`);
    if (memory().live > 1e8) outcome.faults.push(`${i}: ${memory().live} bytes live`);
    if (i % 1000 === 999) tell(i + 1);
  }
  return outcome;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [count, seed] = new Command()
    .name('npm run fuzz:checkpoints --')
    .argument('[count]', 'how many files', Number, 100000)
    .argument('[seed]', 'of the damage', Number, 1)
    .parse().processedArgs as [number, number];
  const bar = new cliProgress.SingleBar({ format: '{bar} {value}/{total} files  {eta_formatted} left' }, cliProgress.Presets.shades_classic);
  bar.start(count, 0);
  const { refused, loaded, faults } = await fuzz(count, seed, (n) => bar.update(n));
  bar.stop();
  console.log(`${refused + loaded} of ${count} files, seed ${seed}: ${refused} refused, ${loaded} loaded whole, ${faults.length} faults`);
  for (const f of faults) console.log(f);
  process.exit(faults.length ? 1 : 0);
}
