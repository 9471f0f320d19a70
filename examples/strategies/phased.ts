// Phased: loss 1 trains until it is below a threshold, then loss 2 does, and loss 1 again whenever it rises above.
import { nn, optim } from 'gradloom';
import { beside, freshModel, loader, scores } from './problem.ts';

const THRESHOLD = 0.15;
const EPOCHS = 20;

const crossEntropy = new nn.CrossEntropyLoss();
const mse = new nn.MSELoss();

const model = freshModel();
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  let [steps1, steps2] = [0, 0];
  for (const [x, classes, heights] of loader) {
    optimizer.zeroGrad();
    const { logits, height } = model.forward(x);
    const loss1 = crossEntropy.forward(logits, classes);
    const loss2 = mse.forward(height, heights);
    if (loss1.item() < THRESHOLD) {
      loss2.backward();
      steps2++;
    } else {
      loss1.backward();
      steps1++;
    }
    optimizer.step();
  }
  if (epoch % 5 === 0 || epoch === EPOCHS - 1) console.log(`epoch ${epoch}: ${steps1} steps by loss 1, ${steps2} by loss 2;  ${scores(model)}`);
}
console.log(beside(EPOCHS));
console.log(
  `\nNo better than equal weights here: the two losses get along. Loss 1 comes first, then only in batches where it is above ${THRESHOLD}; the others train loss 2. A smaller threshold leaves fewer to loss 2.`,
);
