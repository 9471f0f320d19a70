// A small network with two losses, for tests of strategies and plans.
import { manualSeed, nn, randn, type Tensor, tensor } from 'gradloom';

export interface Setup {
  trunk: nn.Linear;
  a: nn.Linear;
  b: nn.Linear;
  params: nn.Parameter[];
  losses: () => { digit: Tensor; image: Tensor };
}

export function setup(): Setup {
  manualSeed(3);
  const [trunk, a, b] = [new nn.Linear(4, 6), new nn.Linear(6, 3), new nn.Linear(6, 4)];
  const x = randn([5, 4]);
  const y = tensor([0, 1, 2, 1, 0], { dtype: 'int32' });
  const losses = (): { digit: Tensor; image: Tensor } => {
    const h = trunk.forward(x).tanh();
    return { digit: nn.functional.crossEntropy(a.forward(h), y), image: nn.functional.mseLoss(b.forward(h), x) };
  };
  return { trunk, a, b, params: [trunk, a, b].flatMap((m) => m.parameters()), losses };
}
