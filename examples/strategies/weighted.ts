// Weighted: one backward pass over λ1·loss1 + λ2·loss2. The weights say how much each loss may steer the shared trunk.
import { nn, optim } from 'gradloom';
import { beside, freshModel, loader, scores } from './problem.ts';

const LAMBDAS = [
  [0.5, 0.5],
  [0.99, 0.01],
  [0.01, 0.99],
] as const;
const EPOCHS = 10;

const crossEntropy = new nn.CrossEntropyLoss();
const mse = new nn.MSELoss();

for (const [lambda1, lambda2] of LAMBDAS) {
  const model = freshModel();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const [x, classes, heights] of loader) {
      optimizer.zeroGrad();
      const { logits, height } = model.forward(x);
      const loss1 = crossEntropy.forward(logits, classes);
      const loss2 = mse.forward(height, heights);
      loss1.mul(lambda1).add(loss2.mul(lambda2)).backward();
      optimizer.step();
    }
  }
  console.log(`λ1 = ${lambda1.toFixed(2)}, λ2 = ${lambda2.toFixed(2)}:  ${scores(model)}`);
}
console.log(beside(EPOCHS));
console.log('\nThe weights choose which loss is served better, and Adam minds only their ratio. Between equal weights and those by hand the difference is chance here.');
