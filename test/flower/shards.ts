// MNIST dealt out to clients: for each digit the clients' shares are drawn from a Dirichlet distribution, so that each sees few digits.
import { distributions, full, manualSeed, randperm, scope } from 'gradloom';
import { PIXELS, readIdx } from '../../examples/digits/mnist.ts';
import type { Shard } from '../../examples/flower/digits.ts';

function pick(part: 'train' | 't10k', rows: readonly number[]): Shard {
  const [images, digits] = [readIdx(`${part}-images-idx3-ubyte`).bytes, readIdx(`${part}-labels-idx1-ubyte`).bytes];
  const shard = { images: new Float32Array(rows.length * PIXELS), digits: new Int32Array(rows.length) };
  rows.forEach((row, i) => {
    shard.digits[i] = digits[row] as number;
    for (let p = 0; p < PIXELS; p++) shard.images[i * PIXELS + p] = (images[row * PIXELS + p] as number) / 255;
  });
  return shard;
}

const shuffled = (list: readonly number[]): number[] => scope(() => [...randperm(list.length).data()].map((i) => list[i] as number));

/** `clients` shards of the first clients × each images, and all of them together; concentration 0.5. */
export function deal(clients: number, each: number, seed: number): { shards: Shard[]; all: Shard } {
  manualSeed(seed);
  const labels = readIdx('train-labels-idx1-ubyte').bytes.subarray(0, clients * each);
  const rows: number[][] = Array.from({ length: clients }, () => []);
  for (let digit = 0; digit < 10; digit++) {
    const mine = [...labels.keys()].filter((i) => labels[i] === digit);
    const shares = scope(() => [...new distributions.Dirichlet(full([clients], 0.5)).sample().data()]) as number[];
    let [start, sum] = [0, 0];
    shares.forEach((share, client) => {
      sum += share;
      const end = client === clients - 1 ? mine.length : Math.round(sum * mine.length);
      rows[client]?.push(...mine.slice(start, end));
      start = end;
    });
  }
  return { shards: rows.map((list) => pick('train', shuffled(list))), all: pick('train', shuffled(rows.flat())) };
}

/** The first test images. */
export const testImages = (count: number): Shard => pick('t10k', [...Array(count).keys()]);
