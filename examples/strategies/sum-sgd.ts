// Sum under SGD: (loss1 + loss2).backward(). Beside it, the weighted sum with 0.5 each, at the same and at twice the rate.
import { nn, optim } from 'gradloom';
import { freshModel, loader, scores } from './problem.ts';

const LEARNING_RATE = 0.05;
const LAMBDA = 0.5;
const EPOCHS = 10;

const crossEntropy = new nn.CrossEntropyLoss();
const mse = new nn.MSELoss();

function train(lambda: number, lr: number): string {
  const model = freshModel();
  const optimizer = new optim.SGD(model.parameters(), { lr, momentum: 0.9 });
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const [x, classes, heights] of loader) {
      optimizer.zeroGrad();
      const { logits, height } = model.forward(x);
      const loss1 = crossEntropy.forward(logits, classes);
      const loss2 = mse.forward(height, heights);
      const loss = lambda === 1 ? loss1.add(loss2) : loss1.mul(lambda).add(loss2.mul(lambda));
      loss.backward();
      optimizer.step();
    }
  }
  return scores(model);
}

console.log(`sum,          rate ${LEARNING_RATE}:  ${train(1, LEARNING_RATE)}`);
console.log(`weighted ${LAMBDA}, rate ${LEARNING_RATE}:  ${train(LAMBDA, LEARNING_RATE)}`);
console.log(`weighted ${LAMBDA}, rate ${LEARNING_RATE / LAMBDA}:   ${train(LAMBDA, LEARNING_RATE / LAMBDA)}`);
console.log('\nSeed 1, 10 epochs. Under SGD equal weights only scale the step: half the weights at twice the rate is the sum again. Adam would undo such a scale.');
