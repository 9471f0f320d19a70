// The same without wasm inside.
import { manualSeed, nn, optim, rand, steps } from 'gradloom/lean';

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
