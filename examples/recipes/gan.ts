// A GAN that draws eight clouds on a ring. Its critic has three losses: what is real, what is forged, and a penalty on how steep it is at real points.
// npx tsx examples/recipes/gan.ts
import { autograd, lrScheduler, manualSeed, multiloss, nn, noGrad, optim, randn, steps, type Tensor } from 'gradloom';
import { Clouds, network, scatter } from './clouds.ts';
import { compare, digits, percent, stepsOf } from './runs.ts';

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

function train(way: Way, seed: number): { modes: number; near: number; points: Tensor } {
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
  const points = noGrad(() => forged(2000));
  return { ...ring.covered(points), points };
}

const penalty = (weight: number) => () => multiloss.weighted({ real: 1, forged: 1, penalty: weight });
const ways = {
  'no penalty': null,
  'equal weights': () => new multiloss.Sum(),
  'penalty × 0.1': penalty(0.1),
  'penalty × 10': penalty(10),
  UPGrad: () => new multiloss.UPGrad(),
  'normalized gradients': () => multiloss.normalize(new multiloss.Mean()),
};
const runs = await compare<keyof typeof ways, Way, 'modes' | 'near', ReturnType<typeof train>>(ways, train, { modes: ['modes of 8', digits(1)], near: ['points near one', percent] });
const drawn = (['no penalty', 'penalty × 0.1'] as const).map((name) => runs[name].at(-1)?.points as Tensor);
console.log(`\n2000 points of the last seed: no penalty, and penalty × 0.1\n${scatter(drawn, 2.5)}`);
