// Two losses on one output: cross-entropy of the logits against classes, squared error of the probabilities against one-hot rows.
import { nn, optim, oneHot } from 'gradloom';
import { freshModel, loader, scores } from './problem.ts';

const WAYS = { 'cross-entropy alone': [1, 0], 'equal weights': [0.5, 0.5], 'by hand: 0.1, 0.9': [0.1, 0.9] } as const;
const EPOCHS = 10;

const crossEntropy = new nn.CrossEntropyLoss();
const mse = new nn.MSELoss();

for (const [name, [lambda1, lambda2]] of Object.entries(WAYS)) {
  const model = freshModel();
  const optimizer = new optim.Adam([...model.trunk.parameters(), ...model.classHead.parameters()], { lr: 0.01 });
  let sum2 = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    sum2 = 0;
    for (const [x, classes] of loader) {
      optimizer.zeroGrad();
      const { logits } = model.forward(x);
      const loss1 = crossEntropy.forward(logits, classes);
      const loss2 = mse.forward(logits.softmax(1), oneHot(classes, 3).float());
      loss1.mul(lambda1).add(loss2.mul(lambda2)).backward();
      optimizer.step();
      sum2 += loss2.item() / loader.length;
    }
  }
  console.log(`${name.padEnd(21)}${scores(model).replace(/squared error \S+/, `squared error of the probabilities ${sum2.toFixed(4)}`)}`);
}
console.log('\nSeed 1, 10 epochs. Losses may share an output as well as a trunk: the gradients add up at the logits. Both are least where the right class is sure,');
console.log('so the second adds nothing here.');
