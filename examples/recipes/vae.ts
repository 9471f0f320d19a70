// A variational autoencoder (Kingma & Welling 2014, arXiv 1312.6114) of handwritten digits: two losses, reconstruction and KL, and what their balance does.
// npx tsx examples/recipes/vae.ts
import { capture, DataLoader, evaluate, lrScheduler, manualSeed, multiloss, nn, noGrad, optim, randnLike, randn, type Tensor, TensorDataset } from 'gradloom';
import { type DigitSet, loadDigits } from '../digits/mnist.ts';
import { compare, last, picture, short, stepsOf } from './runs.ts';

const { avgPool2d, binaryCrossEntropyWithLogits, crossEntropy } = nn.functional;
const [STEPS, BATCH, SIDE, LATENT] = [stepsOf(1500), 100, 14, 6];
const PIXELS = SIDE * SIDE;

/** Digits of half the size. */
function halved({ tensors: [images, labels] }: DigitSet): DigitSet {
  return new TensorDataset(avgPool2d(images.reshape([-1, 1, 28, 28]), 2).reshape([-1, PIXELS]), labels);
}
const all = loadDigits(short ? 500 : 10_000);
const [training, testing] = [halved(all.training), halved(all.test)];
const test = new DataLoader(testing, 1000);
/** So many batches, in a new order in each pass. */
function* batches(count: number): Generator<readonly [images: Tensor, labels: Tensor]> {
  const loader = new DataLoader(training, { batchSize: BATCH, shuffle: true });
  for (let left = count; ; )
    for (const batch of loader) {
      yield batch;
      if (--left === 0) return;
    }
}

// #region model
class VAE extends nn.Module {
  encoder = new nn.Sequential(new nn.Linear(PIXELS, 128), new nn.ReLU(), new nn.Linear(128, 2 * LATENT));
  decoder = new nn.Sequential(new nn.Linear(LATENT, 128), new nn.ReLU(), new nn.Linear(128, PIXELS));

  /** Both losses in nats an image. */
  forward(x: Tensor): { reconstruction: Tensor; kl: Tensor } {
    const [mean, logvar] = this.encoder.forward(x).split(LATENT, 1) as [Tensor, Tensor];
    const z = mean.add(randnLike(mean).mul(logvar.mul(0.5).exp()));
    const images = x.shape[0] as number;
    const divergence = mean.square().add(logvar.exp()).sub(logvar).sub(1);
    return {
      reconstruction: binaryCrossEntropyWithLogits(this.decoder.forward(z), x, { reduction: 'sum' }).div(images),
      kl: divergence.sum().div(2 * images),
    };
  }

  /** Pictures [n, PIXELS] of codes that were drawn from the prior. */
  draw(n: number): Tensor {
    return noGrad(() => this.decoder.forward(randn([n, LATENT])).sigmoid());
  }
}
// #endregion

/** Trains a classifier, which says of drawn digits what they are. */
function trainJudge(): nn.Sequential {
  manualSeed(0);
  const judge = new nn.Sequential(new nn.Linear(PIXELS, 128), new nn.ReLU(), new nn.Linear(128, 10));
  const optimizer = new optim.Adam(judge.parameters(), { lr: 3e-3 });
  const step = capture((x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    crossEntropy(judge.forward(x), y).backward();
    optimizer.step();
  });
  for (const [x, y] of batches(stepsOf(1200))) step(x, y);
  return judge;
}
const judge = trainJudge();
/** The share of pictures that the classifier is sure of (p > 0.9), and how many of the ten digits it finds (2 % of the pictures at least). */
function judged(pictures: Tensor): { sure: number; kinds: number } {
  return noGrad(() => {
    const p = judge.forward(pictures).softmax(1);
    const kinds = nn.functional.oneHot(p.argmax(1), 10).mean(0).ge(0.02).float().sum().item();
    return { sure: p.amax(1).gt(0.9).float().mean().item(), kinds };
  });
}

async function train(combine: multiloss.Method, seed: number) {
  manualSeed(seed);
  const model = new VAE();
  const optimizer = new optim.Adam(model.parameters(), { lr: 4e-3 });
  const schedule = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: STEPS });
  const step = capture((x: Tensor) => {
    optimizer.zeroGrad();
    multiloss.backward(model.forward(x), { combine });
    optimizer.step();
  });
  for (const [x] of batches(STEPS)) {
    step(x);
    schedule.step();
  }
  const { reconstruction, kl } = await evaluate(model, test, ([x]) => model.forward(x));
  const pictures = model.draw(2000);
  return { reconstruction, kl, bound: reconstruction + kl, ...judged(pictures), pictures };
}

// #region ways
const beta = (kl: number | multiloss.Schedule) => () => multiloss.weighted({ reconstruction: 1, kl });
const ways = {
  'mean over pixels': () => multiloss.weighted({ reconstruction: 1 / PIXELS, kl: 1 }),
  'equal weights': () => new multiloss.Sum(),
  'β = 0.5': beta(0.5),
  'β = 2': beta(2),
  'β from 0 to 1': beta(multiloss.anneal.warmup(1, { steps: STEPS / 2 })),
  'KL ≤ 8 nats': () => multiloss.constrain({ main: 'reconstruction', limits: { kl: 8 }, lr: 0.003 }),
  UPGrad: () => new multiloss.UPGrad(),
};
// #endregion
const runs = await compare(ways, (way, seed) => train(way(), seed), {
  reconstruction: ['reconstruction', 1],
  kl: ['KL', 1],
  bound: ['sum', 1],
  sure: ['sure, %', 1, 100],
  kinds: ['digits', 1],
});
console.log(`\nReal test digits of which the classifier is sure: ${(100 * judged(testing.tensors[0]).sure).toFixed(1)} %`);
const drawn = last(runs['equal weights']).pictures.narrow(0, 0, 8).reshape([8, SIDE, SIDE]);
const rows = drawn.unbind(1).map((row) => row.flatten().data('float32'));
console.log(`\nDrawn after training with equal weights:\n${picture(rows, 0.4)}`);
console.log(`
Summed over pixels, equal weights are the right ones: nearly the best sum, and what is drawn gets no better with another balance or a warm-up.
Averaged over pixels, the KL wins: each picture is the same. A limit on the KL is met; UPGrad hardly lets it rise, and learns little.`);
