// A GAN that draws eight clouds on a ring. Its critic has three losses: what is real, what is forged, and a penalty on how steep it is at real points.
// npx tsx examples/recipes/gan.ts
import { autograd, lrScheduler, manualSeed, multiloss, nn, noGrad, optim, randn, steps, type Tensor } from 'gradloom';
import { Clouds, network } from './clouds.ts';
import { compare, stepsOf } from './runs.ts';

const [STEPS, BATCH, NOISE] = [stepsOf(1500), 64, 2];
const [near, far] = [Math.SQRT2, 2];
const ring = new Clouds(
  [-1, 1].flatMap((s) => [
    [s * far, 0],
    [0, s * far],
    [s * near, near],
    [s * near, -near],
  ]),
  0.05,
);
const softplus = (x: Tensor): Tensor => nn.functional.softplus(x).mean();

/** What the critic makes of its losses; null for one without the penalty. */
type Way = (() => multiloss.Method) | null;

function train(way: Way, seed: number): { modes: number; near: number } {
  manualSeed(seed);
  const [generator, critic] = [network(NOISE, 64, 2), network(2, 64, 1)];
  const forged = (n = BATCH): Tensor => generator.forward(randn([n, NOISE]));
  const adam = (model: nn.Module): optim.Adam => new optim.Adam(model.parameters(), { lr: 5e-3, betas: [0.5, 0.9] });
  const optimizers = [adam(critic), adam(generator)] as const;
  const schedules = optimizers.map((o) => new lrScheduler.CosineAnnealingLR(o, { tMax: STEPS }));

  // #region players
  const game = multiloss.alternate({
    critic: {
      losses: (x: Tensor) => {
        const scores = critic.forward(x);
        const slope = (): Tensor => autograd.grad(scores.sum(), [x], { createGraph: true })[0].square().sum(1).mean();
        return { real: softplus(scores.neg()), forged: softplus(critic.forward(forged())), penalty: way && slope() };
      },
      optimizer: optimizers[0],
      combine: way?.(),
    },
    generator: { losses: () => ({ fool: softplus(critic.forward(forged()).neg()) }), optimizer: optimizers[1] },
  });
  for (const _ of steps(STEPS)) {
    game.step(ring.draw(BATCH).requiresGrad_());
    for (const schedule of schedules) schedule.step();
  }
  // #endregion
  return ring.covered(noGrad(() => forged(2000)));
}

const penalty = (weight: number) => () => multiloss.weighted({ real: 1, forged: 1, penalty: weight });
const ways: Record<string, Way> = {
  'no penalty': null,
  'equal weights': () => new multiloss.Sum(),
  'penalty × 0.1': penalty(0.1),
  'penalty × 10': penalty(10),
  UPGrad: () => new multiloss.UPGrad(),
  'normalized gradients': () => multiloss.normalize(new multiloss.Mean()),
};
await compare(ways, train, {
  modes: ['modes of 8', 1],
  near: ['points near one, %', 1, 100],
});
console.log(`
Without the penalty one or two of the clouds are missed; with it none is, and a small weight draws the most points where they belong.
UPGrad is no better than the sum. Normalized gradients make the penalty as loud as the rest, and nothing is learnt.`);
