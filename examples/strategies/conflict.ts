// Seeing conflict: ask first what is wrong between two losses, then watch a run. `… conflict.ts report.html` writes the page.
import { writeFileSync } from 'node:fs';
import { multiloss, nn, optim, type Tensor } from 'gradloom';
import { monitorReport } from 'gradloom/report';
import { beside, freshModel, loader, scores } from './problem.ts';

const LR = 0.01;

const model = freshModel();
const optimizer = new optim.Adam(model.parameters(), { lr: LR });
/** Heights in another unit are a hundred times as large, and their squared error ten thousand times. */
function lossesOf([x, classes, heights]: readonly [Tensor, Tensor, Tensor], unit = 1): { classes: Tensor; height: Tensor } {
  const { logits, height } = model.forward(x);
  return { classes: nn.functional.crossEntropy(logits, classes), height: nn.functional.mseLoss(height.mul(unit), heights.mul(unit)) };
}

console.log(`heights in metres:\n${multiloss.diagnose(loader, (batch) => lossesOf(batch))}\n`);
console.log(`heights in centimetres:\n${multiloss.diagnose(loader, (batch) => lossesOf(batch, 100))}\n`);

console.log('Classes first, then both, in metres:');
const plan = multiloss
  .phases({ losses: ['classes', 'height'] })
  .phase('classes', { losses: ['classes'], until: multiloss.below('classes', 0.5, { ema: 0.9, for: 5 }) })
  .phase('both', { losses: ['classes', 'height'], backward: { measure: true } });
const monitor = new multiloss.Monitor();
for (let epoch = 0; epoch < 15; epoch++) {
  for (const batch of loader) {
    const { report, phase } = plan.step(() => lossesOf(batch), optimizer);
    for (const alarm of monitor.record(report, { lr: LR, phase })) console.log(alarm.message);
  }
}
for (const { name, mean, sd, conflictRate } of monitor.conflicts)
  console.log(`${name}: cosine ${mean.toFixed(2)} ± ${sd.toFixed(2)}, below 0 in ${(100 * conflictRate).toFixed(0)} % of the steps that trained both`);
console.log(`${scores(model)}\n${beside(15)}\n\nA spread much wider than its mean is noise between batches, not conflict: here the plain sum is enough.`);

const [file] = process.argv.slice(2);
if (file) writeFileSync(file, monitorReport(monitor, { title: 'Classes and heights', subtitle: 'Adam, learning rate 0.01, batches of 30' }));
