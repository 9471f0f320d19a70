// The smallest honest application: two losses, two backward passes, Adam. Budgets and tree-shaking are about this one.
import { manualSeed, nn, optim, rand, steps } from 'gradloom';

manualSeed(1);
const [x, y] = [rand([8, 2]), rand([8]).mul(2).int()];
const model = new nn.Sequential(new nn.Linear(2, 8), new nn.ReLU(), new nn.Linear(8, 2));
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
for (const _ of steps(10)) {
  optimizer.zeroGrad();
  const out = model.forward(x);
  const loss1 = nn.functional.crossEntropy(out, y);
  const loss2 = nn.functional.mseLoss(out, x);
  loss1.backward({ retainGraph: true });
  loss2.backward();
  optimizer.step();
}
