// The network, the ways to train it, and one run.
import { DataLoader, manualSeed, multiloss, nn, noGrad, optim, type Tensor } from 'gradloom';
import { spread, testing, training } from './data.ts';

const { binaryCrossEntropyWithLogits, mseLoss } = nn.functional;

class Penguins extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(3, 8), new nn.ReLU());
  sex = new nn.Linear(8, 1);
  mass = new nn.Linear(8, 1);

  forward(x: Tensor): { sex: Tensor; mass: Tensor } {
    const h = this.trunk.forward(x);
    return { sex: this.sex.forward(h), mass: this.mass.forward(h) };
  }
}

type Combine = multiloss.Method | multiloss.Strategy;
/** Equal weights, the best of a search by hand, and another unit of mass first, then methods as they come. */
export const WAYS = {
  'plain sum': () => new multiloss.Sum(),
  'hand-tuned: sex × 100 000': () => new multiloss.Weighted({ sex: 1e5, mass: 1 }),
  'plain sum, mass standardized': () => new multiloss.Sum(),
  'normalized gradients': () => multiloss.normalize(new multiloss.Mean()),
  'normalized, then UPGrad': () => multiloss.normalize(new multiloss.UPGrad()),
  UPGrad: () => new multiloss.UPGrad(),
  PCGrad: () => new multiloss.PCGrad(),
  MGDA: () => new multiloss.MGDA(),
  GradNorm: () => new multiloss.GradNorm(),
} satisfies Readonly<Record<string, () => Combine>>;

/** On penguins that the network has not seen: the share whose sex is right, and the root of the mean squared error of the mass. */
export interface Score {
  right: number;
  grams: number;
}

/** Trains for `epochs`; the scores after each of them. */
export function train(way: keyof typeof WAYS, seed: number, epochs: number): Score[] {
  manualSeed(seed);
  const model = new Penguins();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.03 });
  const combine = WAYS[way]() as multiloss.Method;
  /** Grams in a unit of what the network says. */
  const unit = way === 'plain sum, mass standardized' ? spread : 1;
  return Array.from({ length: epochs }, () => {
    for (const [x, male, mass] of new DataLoader(training, { batchSize: 32, shuffle: true })) {
      optimizer.zeroGrad();
      const out = model.forward(x);
      multiloss.backward({ sex: binaryCrossEntropyWithLogits(out.sex, male), mass: mseLoss(out.mass, mass.div(unit)) }, { combine });
      optimizer.step();
    }
    return score(model, unit);
  });
}

function score(model: Penguins, unit: number): Score {
  const [x, male, mass] = testing;
  return noGrad(() => {
    const out = model.forward(x);
    return { right: out.sex.gt(0).float().eq(male).float().mean().item(), grams: Math.sqrt(mseLoss(out.mass.mul(unit), mass).item()) };
  });
}

/** Means over seeds 1 to 5, after each epoch. */
export function means(way: keyof typeof WAYS, epochs: number): Score[] {
  const runs = [1, 2, 3, 4, 5].map((seed) => train(way, seed, epochs));
  const mean = (k: keyof Score, epoch: number): number => runs.reduce((sum, run) => sum + (run[epoch] as Score)[k], 0) / runs.length;
  return Array.from({ length: epochs }, (_, epoch) => ({ right: mean('right', epoch), grams: mean('grams', epoch) }));
}
