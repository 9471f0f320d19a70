// Two losses resolved by a method, from the entries that bundlers can take apart: what is not named is not in the bundle.
import { manualSeed, rand, steps } from 'gradloom';
import { backward, UPGrad } from 'gradloom/multiloss';
import { CrossEntropyLoss, Linear, MSELoss, ReLU, Sequential } from 'gradloom/nn';
import { Adam } from 'gradloom/optim';

manualSeed(7);
const trunk = new Sequential(new Linear(4, 32), new ReLU());
const [classHead, valueHead] = [new Linear(32, 3), new Linear(32, 1)];
const optimizer = new Adam(
  [trunk, classHead, valueHead].flatMap((m) => m.parameters()),
  { lr: 1e-2 },
);
const [x, y, v] = [rand([16, 4]), rand([16]).mul(3).int(), rand([16, 1])];
const [crossEntropy, mse, upgrad] = [new CrossEntropyLoss(), new MSELoss(), new UPGrad()];
for (const _ of steps(100)) {
  optimizer.zeroGrad();
  const h = trunk.forward(x);
  const { weights } = backward({ class: crossEntropy.forward(classHead.forward(h), y), value: mse.forward(valueHead.forward(h), v) }, { combine: upgrad });
  optimizer.step();
  console.log(weights);
}
