// Damaged and hostile checkpoints: each is refused with an error of ours and changes nothing, or loads whole.
// npx tsx test/checkpoint/fuzz.ts COUNT SEED
import { fileURLToPath } from 'node:url';
import { checkpoint, DataLoader, GradloomError, memory, multiloss, nn, ones, optim } from 'gradloom';
import { seal } from '../../src/checkpoint/checksum.ts';
import { seeded } from './kills.ts';

interface Outcome {
  refused: number;
  loaded: number;
  faults: string[];
}

function parts() {
  const model = new nn.Linear(2, 1);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  model
    .forward(ones([1, 2]))
    .sum()
    .backward();
  optimizer.step();
  return { model, optimizer, combine: new multiloss.DWA(), loader: new DataLoader([1, 2, 3], { shuffle: true, seed: 1 }) };
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

/** One damaged copy. */
function damaged(file: Uint8Array<ArrayBuffer>, random: () => number): Uint8Array<ArrayBuffer> {
  const at = (n: number): number => Math.floor(random() * n);
  const copy = file.slice();
  switch (at(6)) {
    case 0:
      for (let i = at(4); i >= 0; i--) copy[at(copy.length)] = at(256);
      return copy;
    case 1:
      return copy.slice(0, at(copy.length));
    case 2: {
      const [from, to] = [at(copy.length), at(copy.length)];
      copy.copyWithin(to, from, from + at(64));
      return copy;
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
      return random() < 0.9 ? trySeal(made) : made;
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

/** Reads so many damaged files into a run. */
export async function fuzz(count: number, seed: number, tell: (done: number) => void = () => {}): Promise<Outcome> {
  const random = seeded(seed);
  const run = parts();
  const file = checkpoint.toBytes({ ...run, step: 3 });
  const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((v, i) => v === b[i]);
  const outcome: Outcome = { refused: 0, loaded: 0, faults: [] };
  const before = checkpoint.toBytes(run);
  for (let i = 0; i < count && outcome.faults.length < 20; i++) {
    const bytes = damaged(file, random);
    const began = performance.now();
    try {
      await checkpoint.read(bytes, run);
      outcome.loaded++;
      await checkpoint.read(file, run);
    } catch (e) {
      outcome.refused++;
      if (!(e instanceof GradloomError)) outcome.faults.push(`${i}: ${(e as Error).stack}`);
      if (!same(checkpoint.toBytes(run), before)) {
        outcome.faults.push(`${i}: changed by a file that was refused: ${(e as Error).message}`);
        await checkpoint.read(file, run);
      }
    }
    if (performance.now() - began > 2000) outcome.faults.push(`${i}: took ${Math.round(performance.now() - began)} ms`);
    if (memory().live > 1e8) outcome.faults.push(`${i}: ${memory().live} bytes live`);
    if (i % 1000 === 999) tell(i + 1);
  }
  return outcome;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [count, seed] = [Number(process.argv[2] ?? 100000), Number(process.argv[3] ?? 1)];
  const { refused, loaded, faults } = await fuzz(count, seed, (n) => process.stderr.write(`\r${n}`));
  console.log(`\n${count} files, seed ${seed}: ${refused} refused, ${loaded} loaded whole, ${faults.length} faults`);
  for (const f of faults) console.log(f);
  process.exit(faults.length ? 1 : 0);
}
