// The client's side of the federation: a network with two losses (which digit is it? draw it again) and one epoch on this client's images.
import { nn, optim, type Tensor, tensor, tick } from 'gradloom';
import { arraysOf, type ClientApp, clientApp, loadArrays } from 'gradloom/flower';

const PIXELS = 784;
const HIDDEN = 168;
const BATCH = 4;

/** 266 962 numbers, 1.07 MB. */
export class Digits extends nn.Module {
  trunk = new nn.Linear(PIXELS, HIDDEN);
  digit = new nn.Linear(HIDDEN, 10);
  image = new nn.Linear(HIDDEN, PIXELS);

  forward(x: Tensor): { digit: Tensor; image: Tensor } {
    const h = nn.functional.relu(this.trunk.forward(x));
    return { digit: this.digit.forward(h), image: this.image.forward(h) };
  }
}

/** A client's images, [n, 784] in 0 … 1, and which digit each is. */
export interface Shard {
  images: Float32Array;
  digits: Int32Array;
}

/** One epoch in the shard's order. It lets go of the thread now and then, so that the node's signs of life go on. */
export async function trainOneEpoch(model: Digits, { images, digits }: Shard, lr: number, signal?: AbortSignal): Promise<{ digit: number; image: number }> {
  const optimizer = new optim.SGD(model.parameters(), { lr });
  const sums = { digit: 0, image: 0 };
  for (let i = 0; i < digits.length; i += BATCH) {
    const n = Math.min(BATCH, digits.length - i);
    signal?.throwIfAborted();
    using x = tensor(images.subarray(i * PIXELS, (i + n) * PIXELS), { shape: [n, PIXELS] });
    using y = tensor(digits.subarray(i, i + n), { dtype: 'int32' });
    optimizer.zeroGrad();
    const out = model.forward(x);
    const digit = nn.functional.crossEntropy(out.digit, y);
    const image = nn.functional.mseLoss(out.image, x);
    digit.backward({ retainGraph: true });
    image.backward();
    optimizer.step();
    sums.digit += (digit.item() * n) / digits.length;
    sums.image += (image.item() * n) / digits.length;
    if (i % (25 * BATCH) === 0) await tick();
  }
  return sums;
}

/** The share of images whose digit is found. */
export function accuracy(model: Digits, { images, digits }: Shard): number {
  const x = tensor(images, { shape: [digits.length, PIXELS] });
  const found = model.forward(x).digit.argmax({ dim: 1 }).data() as Int32Array;
  return digits.reduce((sum, d, i) => sum + (found[i] === d ? 1 : 0), 0) / digits.length;
}

/** The rate of a round, from 1: smaller ones let clients with different digits agree in the end. */
export const rateOf = (lr: number, round: number): number => lr * 0.85 ** (round - 1);

/** What the server must send as `model-hash`, with the model's names and sizes: the same losses on the same kind of images. */
export const PROGRAM = 'digits: which, and again';

/** The app of a client with these images. */
export function digitsApp(shard: Shard): ClientApp {
  const model = new Digits();
  return clientApp({
    model,
    program: PROGRAM,
    train: async ({ arrays, config, round, signal }) => {
      loadArrays(model, arrays);
      await trainOneEpoch(model, shard, rateOf(Number(config['lr']), round), signal);
      return { arrays: arraysOf(model), metrics: { 'num-examples': shard.digits.length } };
    },
  });
}
