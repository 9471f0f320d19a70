// Two networks against one another: a generator learns to draw numbers from a distribution that only the critic sees.
import { manualSeed, multiloss, nn, noGrad, optim, randn, steps, type Tensor } from 'gradloom';

const [STEPS, BATCH, MEAN, SPREAD] = [800, 64, 4, 0.5];

manualSeed(0);
const generator = new nn.Sequential(new nn.Linear(4, 32), new nn.ReLU(), new nn.Linear(32, 1));
const critic = new nn.Sequential(
  new nn.Linear(1, 32),
  new nn.LeakyReLU({ negativeSlope: 0.2 }),
  new nn.Linear(32, 32),
  new nn.LeakyReLU({ negativeSlope: 0.2 }),
  new nn.Linear(32, 1),
);
const softplus = (x: Tensor): Tensor => nn.functional.softplus(x).mean();
const forged = (): Tensor => generator.forward(randn([BATCH, 4]));

// In each turn only the player's own parameters ask for gradients: nothing is detached, no graph is retained.
const game = multiloss.alternate({
  critic: {
    losses: (real: Tensor) => ({ real: softplus(critic.forward(real).neg()), forged: softplus(critic.forward(forged())) }),
    optimizer: new optim.Adam(critic.parameters(), { lr: 2e-3, betas: [0.5, 0.9] }),
  },
  generator: {
    losses: () => ({ fool: softplus(critic.forward(forged()).neg()) }),
    optimizer: new optim.Adam(generator.parameters(), { lr: 2e-3, betas: [0.5, 0.9] }),
    every: 2,
  },
});

for (const i of steps(STEPS)) {
  const turn = game.step(randn([BATCH, 1]).mul(SPREAD).add(MEAN));
  if (i % 200 !== 0 && i !== STEPS - 2) continue;
  const drawn = noGrad(forged);
  const { real = 0, forged: fake = 0 } = turn.critic?.losses ?? {};
  console.log(
    `step ${i}: critic ${(real + fake).toFixed(3)}, generator ${turn.generator?.losses.fool?.toFixed(3)};  draws ${drawn.mean().item().toFixed(2)} ± ${drawn.std().item().toFixed(2)}`,
  );
}
console.log(`\nSeed 0. The numbers to imitate are ${MEAN} ± ${SPREAD}. Where the critic's two losses stay near 2·ln 2 = 1.386 in sum, it can no longer tell.`);
