// The training loop of the page, the same in its worker and on its own thread: a noisy two-spiral problem with two losses.
import { manualSeed, nn, optim, rand, randn, steps, type Tensor, tensor } from 'gradloom';

/** What the page shows. */
export interface Progress {
  step: number;
  /** Which spiral? Cross-entropy. */
  spiral: number;
  /** Draw the point again: mean squared error. */
  point: number;
}

/** Points on two spirals, [n, 2], and which spiral each is on, int32 [n]. */
function spirals(n: number): [Tensor, Tensor] {
  const t = rand([n]).mul(3).add(0.3);
  const side = rand([n]).gt(0.5).float();
  const angle = t.mul(2).add(side.mul(Math.PI));
  const points = [angle.cos(), angle.sin()].map((u) => u.mul(t).unsqueeze(1));
  return [
    nn.functional
      .linear(points[0] as Tensor, tensor([[1], [0]]))
      .add(nn.functional.linear(points[1] as Tensor, tensor([[0], [1]])))
      .add(randn([n, 2]).mul(0.05)),
    side.int(),
  ];
}

/** Trains for `n` steps; yields every `every` steps. The result is the number of steps. */
export function* train({ n, every, signal }: { n: number; every: number; signal?: AbortSignal }): Generator<Progress, number, undefined> {
  manualSeed(3);
  const [x, y] = spirals(512);
  const trunk = new nn.Sequential(new nn.Linear(2, 128), new nn.Tanh(), new nn.Linear(128, 128), new nn.Tanh());
  const heads = [new nn.Linear(128, 2), new nn.Linear(128, 2)] as const;
  const optimizer = new optim.Adam(
    [trunk, ...heads].flatMap((m) => m.parameters()),
    { lr: 3e-3 },
  );
  for (const step of steps(n, signal ? { signal } : {})) {
    optimizer.zeroGrad();
    const h = trunk.forward(x);
    const loss1 = nn.functional.crossEntropy(heads[0].forward(h), y);
    const loss2 = nn.functional.mseLoss(heads[1].forward(h), x);
    loss1.backward({ retainGraph: true });
    loss2.backward();
    optimizer.step();
    if (step % every === 0) yield { step, spiral: loss1.item(), point: loss2.item() };
  }
  return n;
}
