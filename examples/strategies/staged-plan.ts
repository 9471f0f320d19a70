// A plan of phases: loss 1 alone until it is low, loss 2 on a frozen trunk, then both, and back whenever loss 1 suffers.
import { multiloss, nn, optim } from 'gradloom';
import { beside, freshModel, loader, scores } from './problem.ts';

const EPOCHS = 20;

const crossEntropy = new nn.CrossEntropyLoss();
const mse = new nn.MSELoss();

const model = freshModel();
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
const { above, afterSteps, below, plateau } = multiloss;
const plan = multiloss
  .phases({ losses: ['classes', 'height'] })
  .phase('classes first', { losses: ['classes'], until: below('classes', 0.2, { ema: 0.9, for: 5 }) })
  .phase('height on a frozen trunk', { losses: ['height'], freeze: [model.trunk], until: multiloss.anyOf(plateau('height', { patience: 20, ema: 0.9 }), afterSteps(100)) })
  .phase('both', { losses: ['classes', 'height'], lrFactor: 0.5, optimizerState: 'reset', backTo: ['classes first', above('classes', 0.4, { ema: 0.9 })] });

let steps = 0;
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  for (const [x, classes, heights] of loader) {
    const step = plan.step(() => {
      const { logits, height } = model.forward(x);
      return { classes: crossEntropy.forward(logits, classes), height: mse.forward(height, heights) };
    }, optimizer);
    steps++;
    if (step.switched) console.log(`step ${steps}: '${step.phase}' ends at ${step.losses.classes.toFixed(3)} and ${step.losses.height.toFixed(3)}, '${step.next}' begins`);
  }
  if (epoch % 5 === 4) console.log(`epoch ${epoch}: ${scores(model)}`);
}
console.log(beside(EPOCHS));
console.log('\nNo better than equal weights here. A plan is for losses that need one: a head that is to learn on a finished trunk, a loss that must first be small.');
console.log(`Its state is ${JSON.stringify(plan.stateDict()).length} characters of JSON: a run that is taken up again goes on in mid-phase.`);
