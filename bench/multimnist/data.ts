// MultiMNIST as the published program of Sener & Koltun 2018 (arXiv 1810.04650) makes it: each MNIST image at the upper left of a 36 × 36
// canvas, another one, drawn at random, 6 pixels further down and right, the lighter pixel where they overlap; then the canvas is shrunk to
// 28 × 28 by taking the nearest pixels. Images stay bytes on the host (47 MB for 60 000); a batch becomes floats.
import { type Dataset, Generator, rand, scope, type Tensor, tensor } from 'gradloom';
import { readIdx } from '../../examples/digits/mnist.ts';

/** Side of a digit, of the canvas, and how far the second digit is moved. */
const [DIGIT, CANVAS, SHIFT] = [28, 36, 6];
/** Mean and standard deviation of MNIST's pixels, as the paper's program takes them. */
const [MEAN, DEVIATION] = [0.1307, 0.3081];
/** Of the pairs. They are the same whatever the seed of training: the data is one thing. */
const SEED = { train: 1, t10k: 2 };

export const TRAINING_PAIRS = 60_000;
export const TEST_PAIRS = 10_000;

/** Side of the images that the network sees: shrunk as in the paper's program, or the canvas itself. */
export type Side = 28 | 36;

/** Images [n, 1, side, side], normalized; classes of the upper left and of the lower right digit, int32 [n]. */
export type Batch = readonly [images: Tensor, left: Tensor, right: Tensor];

/** From byte to normalized float. */
const NORMALIZED = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - MEAN) / DEVIATION);

export class MultiMnist implements Dataset<Batch> {
  readonly length: number;
  private readonly side: Side;
  private readonly images: Uint8Array;
  private readonly left: Uint8Array;
  private readonly right: Uint8Array;

  /** The first `count` pairs; the second digit is drawn from all images of the part. */
  constructor(part: 'train' | 't10k', count: number, side: Side = 28) {
    const images = readIdx(`${part}-images-idx3-ubyte`).bytes;
    const labels = readIdx(`${part}-labels-idx1-ubyte`).bytes;
    const partners = drawPartners(SEED[part], labels.length);
    const pixels = side * side;
    const [first, second] = [placesOf(side, 0), placesOf(side, SHIFT)];
    this.length = count;
    this.side = side;
    this.left = labels.slice(0, count);
    this.right = Uint8Array.from(partners.subarray(0, count), (partner) => labels[partner] as number);
    this.images = new Uint8Array(count * pixels);
    for (let i = 0; i < count; i++) {
      const [a, b] = [i * DIGIT * DIGIT, (partners[i] as number) * DIGIT * DIGIT];
      for (let p = 0; p < pixels; p++) {
        const [q, r] = [first[p] as number, second[p] as number];
        this.images[i * pixels + p] = Math.max(q < 0 ? 0 : (images[a + q] as number), r < 0 ? 0 : (images[b + r] as number));
      }
    }
  }

  batch(indices: Tensor): Batch {
    const rows = indices.data() as Int32Array;
    const pixels = this.side * this.side;
    const values = new Float32Array(rows.length * pixels);
    rows.forEach((row, i) => {
      for (let p = 0; p < pixels; p++) values[i * pixels + p] = NORMALIZED[this.images[row * pixels + p] as number] as number;
    });
    const labels = (list: Uint8Array): Tensor => tensor(rows.map((row) => list[row] as number));
    return [tensor(values, { shape: [rows.length, 1, this.side, this.side] }), labels(this.left), labels(this.right)];
  }
}

/** For each image another one, uniformly. */
function drawPartners(seed: number, count: number): Int32Array {
  const drawn = scope(() => rand([count], { generator: new Generator(seed) }).data());
  return Int32Array.from(drawn, (u, i) => {
    const j = Math.min(Math.floor(u * (count - 1)), count - 2);
    return j < i ? j : j + 1;
  });
}

/** For each pixel of the image the digit's pixel that lies there; −1 where none does. */
function placesOf(side: Side, shift: number): Int32Array {
  const along = (i: number): number => Math.floor(((i + 0.5) * CANVAS) / side) - shift;
  const inside = (i: number): boolean => i >= 0 && i < DIGIT;
  return Int32Array.from({ length: side * side }, (_, p) => {
    const [row, column] = [along(Math.floor(p / side)), along(p % side)];
    return inside(row) && inside(column) ? row * DIGIT + column : -1;
  });
}
