// Hybrid: two ways to combine the losses take turns, a number of steps each.
import { nn, optim } from 'gradloom';
import { beside, freshModel, loader, scores } from './problem.ts';

const LAMBDA1 = 0.5;
const LAMBDA2 = 0.5;
const EVERY = 50;
const EPOCHS = 10;

const crossEntropy = new nn.CrossEntropyLoss();
const mse = new nn.MSELoss();

const model = freshModel();
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
let step = 0;
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  for (const [x, classes, heights] of loader) {
    const weighted = Math.floor(step / EVERY) % 2 === 0;
    if (step % EVERY === 0) console.log(`${`step ${step}, now ${weighted ? 'weighted' : 'independent'}:`.padEnd(28)}${scores(model)}`);
    optimizer.zeroGrad();
    const { logits, height } = model.forward(x);
    const loss1 = crossEntropy.forward(logits, classes);
    const loss2 = mse.forward(height, heights);
    if (weighted) {
      loss1.mul(LAMBDA1).add(loss2.mul(LAMBDA2)).backward();
    } else {
      loss1.backward({ retainGraph: true });
      loss2.backward();
    }
    optimizer.step();
    step++;
  }
}
console.log(`${`step ${step}, the end:`.padEnd(28)}${scores(model)}`);
console.log(beside(EPOCHS));
console.log('\nThe way to combine may change at any step: model and optimizer do not notice. No effect shows here: under Adam both ways are the sum.');
