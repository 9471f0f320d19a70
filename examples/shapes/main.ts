// Everything around the step: pictures that come when asked for, two heads, metrics by head, early stopping, and a checkpoint that survives a kill.
// npx tsx examples/shapes/main.ts, Ctrl-C at any time, and the same line again: it goes on where it was.
import { rmSync } from 'node:fs';
import cliProgress from 'cli-progress';
import { checkpoint, DataLoader, EarlyStopping, evaluate, lrScheduler, manualSeed, metrics, multiloss, nn, optim, summary, type Tensor, transforms, zeros } from 'gradloom';
import { Album, SIZE } from './data.ts';

const { crossEntropy, mseLoss } = nn.functional;
const file = process.argv[2] ?? 'shapes.safetensors';
const EPOCHS = 12;

class Net extends nn.Module {
  trunk = new nn.Sequential(
    new nn.Conv2d(1, 8, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(8, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
  );
  shape = new nn.Linear(256, 3);
  place = new nn.Linear(256, 2);

  forward(x: Tensor): { shape: Tensor; place: Tensor } {
    const h = this.trunk.forward(x);
    return { shape: this.shape.forward(h), place: this.place.forward(h) };
  }
}

manualSeed(7);
const model = new Net();
const optimizer = new optim.Adam(model.parameters(), { lr: 3e-3 });
const scheduler = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: EPOCHS });
const combine = new multiloss.UPGrad();
const training = new DataLoader(new Album(0, 1024), { batchSize: 32, shuffle: true, seed: 1 });
const validation = new DataLoader(new Album(5000, 256), { batchSize: 64 });
const jitter = new transforms.ColorJitter({ brightness: 0.2, contrast: 0.2 });
const stopping = new EarlyStopping<{ shape: number; place: number }>({ model, patience: 3, tolerance: 0.01 });
const measures = new metrics.MetricCollection({ shape: new metrics.Accuracy(), place: new metrics.MeanAbsoluteError() });
const run = { model, optimizer, scheduler, combine, training, stopping };

/** A batch as a loader puts it together: see data.ts. */
type Batch = { picture: Tensor; shape: Tensor; place: Tensor };
const lossesOf = (out: ReturnType<Net['forward']>, { shape, place }: Batch) => ({ shape: crossEntropy(out.shape, shape.reshape([-1])), place: mseLoss(out.place, place).mul(10) });

console.log(`${summary(model, zeros([1, 1, SIZE, SIZE]))}\n`);
const from = await checkpoint.read<{ epoch: number }>(file, run, { optional: true });
if (from) console.log(`Goes on from ${file}: epoch ${from.epoch + 1}, batch ${training.stateDict().position}.`);
const bar = new cliProgress.SingleBar(
  { format: 'epoch {epoch} {bar} {value}/{total}  {eta_formatted} left  shape {shape}  place {place}', noTTYOutput: false },
  cliProgress.Presets.shades_classic,
);

for (let epoch = from?.epoch ?? 0; epoch < EPOCHS; epoch++) {
  bar.start(training.length, 0, { epoch: epoch + 1, shape: '–', place: '–' });
  for await (const batch of training) {
    optimizer.zeroGrad();
    const losses = lossesOf(model.forward(jitter.forward(batch.picture)), batch);
    multiloss.backward(losses, { combine });
    optimizer.step();
    bar.update(training.stateDict().position, { shape: losses.shape.item().toFixed(3), place: losses.place.item().toFixed(3) });
    if (training.stateDict().position % 8 === 0) await checkpoint.write(file, { ...run, epoch });
  }
  bar.stop();
  scheduler.step();
  measures.reset();
  const validated = await evaluate(model, validation, (batch) => {
    const out = model.forward(batch.picture);
    measures.update({ shape: [out.shape, batch.shape.reshape([-1])], place: [out.place, batch.place] });
    return lossesOf(out, batch);
  });
  const { shape, place } = measures.compute();
  console.log(`epoch ${`${epoch + 1}`.padStart(2)}: ${(100 * shape).toFixed(1)} % of shapes, middle off by ${(place * SIZE).toFixed(2)} pixels`);
  if (stopping.step(validated)) break;
  await checkpoint.write(file, { ...run, epoch: epoch + 1 });
}
console.log(`The best was epoch ${stopping.restore() + 1}.`);
console.log(
  'Beside it at seed 7, after 12 epochs: a sum with the same × 10 on place 85.9 % and 0.46 pixels, with equal weights 91.4 % and 0.60. No winner: this is about what stands around the step.',
);
rmSync(file, { force: true });
