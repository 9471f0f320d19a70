// Independent: each loss runs a backward pass of its own, and the gradients add up in .grad until the step.
import { nn, optim } from 'gradloom';
import { beside, freshModel, loader, scores } from './problem.ts';

const EPOCHS = 10;

const crossEntropy = new nn.CrossEntropyLoss();
const mse = new nn.MSELoss();

const model = freshModel();
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
/** Size of the gradient that has gathered in the trunk's first layer. */
const trunkGradient = (): number => model.trunk.parameters()[0]?.grad?.norm().item() ?? 0;

for (let epoch = 0; epoch < EPOCHS; epoch++) {
  let [first, both] = [0, 0];
  for (const [x, classes, heights] of loader) {
    optimizer.zeroGrad();
    const { logits, height } = model.forward(x);
    const loss1 = crossEntropy.forward(logits, classes);
    const loss2 = mse.forward(height, heights);
    loss1.backward({ retainGraph: true }); // the trunk is needed once more
    first = trunkGradient();
    loss2.backward();
    both = trunkGradient();
    optimizer.step();
  }
  if (epoch % 3 === 0) console.log(`epoch ${epoch}: the trunk's gradient is ${first.toFixed(3)} after loss 1, ${both.toFixed(3)} after both`);
}
console.log(`\nindependent, seed 1:  ${scores(model)}`);
console.log(beside(EPOCHS));
console.log('\nThe gradients are those of loss1 + loss2, and so is the result. Reading .grad between the passes costs time, and shows (or lets you clip) what each loss asks for.');
