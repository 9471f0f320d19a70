// The program: pictures that come when asked for, two heads, metrics by head, early stopping, a checkpoint that survives a kill, and where the time of a step goes.
// It runs the same in Node (main.ts) and in a page (page.ts), which say where checkpoints lie and how progress is shown.
import {
  checkpoint,
  DataLoader,
  EarlyStopping,
  evaluate,
  lrScheduler,
  manualSeed,
  metrics,
  multiloss,
  nn,
  optim,
  type Profile,
  profile,
  summary,
  type Tensor,
  transforms,
  zeros,
} from 'gradloom';
import { Album, SIZE } from './data.ts';

const { crossEntropy, mseLoss } = nn.functional;

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

/** A batch as a loader puts it together: see data.ts. */
type Batch = { picture: Tensor; shape: Tensor; place: Tensor };

/** Where checkpoints lie. */
export interface Store {
  read(run: checkpoint.Parts): Promise<{ epoch: number } | null>;
  write(run: checkpoint.Parts): Promise<void>;
}

/** What a file or a file handle does for it. */
export const storeIn = (file: string | checkpoint.FileHandle): Store => ({
  read: (run) => checkpoint.read<{ epoch: number }>(file, run, { optional: true }),
  write: (run) => checkpoint.write(file, run),
});

/** How progress is shown. */
export interface Show {
  line(text: string): void;
  batch(progress: { epoch: number; done: number; total: number; shape: number; place: number }): void;
}

/** Trains from where the store's checkpoint stands; returns the SHA-256 of the best weights, which is that of every other run, and a profile. */
export async function train(store: Store, show: Show, { epochs = 12, rows = 1024 } = {}): Promise<{ hash: string; profile: Profile }> {
  manualSeed(7);
  const model = new Net();
  const optimizer = new optim.Adam(model.parameters(), { lr: 3e-3 });
  const scheduler = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: epochs });
  const combine = new multiloss.UPGrad();
  const training = new DataLoader(new Album(0, rows), { batchSize: 32, shuffle: true, seed: 1 });
  const validation = new DataLoader(new Album(5000, rows / 4), { batchSize: 64 });
  const jitter = new transforms.ColorJitter({ brightness: 0.2, contrast: 0.2 });
  const stopping = new EarlyStopping<{ shape: number; place: number }>({ model, patience: 3, tolerance: 0.01 });
  const measures = new metrics.MetricCollection({ shape: new metrics.Accuracy(), place: new metrics.MeanAbsoluteError() });
  const run = { model, optimizer, scheduler, combine, training, stopping };

  const lossesOf = (out: ReturnType<Net['forward']>, { shape, place }: Batch) => ({
    shape: crossEntropy(out.shape, shape.reshape([-1])),
    place: mseLoss(out.place, place).mul(10),
  });
  const step = (batch: Batch) => {
    optimizer.zeroGrad();
    const losses = lossesOf(model.forward(jitter.forward(batch.picture)), batch);
    multiloss.backward(losses, { combine });
    optimizer.step();
    return losses;
  };

  show.line(`${summary(model, zeros([1, 1, SIZE, SIZE]))}\n`);
  const from = await store.read(run);
  if (from) show.line(`Goes on from epoch ${from.epoch + 1}, batch ${training.stateDict().position}.`);
  for (let epoch = from?.epoch ?? 0; epoch < epochs; epoch++) {
    for await (const batch of training) {
      const { shape, place } = step(batch);
      const done = training.stateDict().position;
      show.batch({ epoch: epoch + 1, done, total: training.length, shape: shape.item(), place: place.item() });
      if (done % 4 === 0) await store.write({ ...run, epoch });
    }
    scheduler.step();
    measures.reset();
    const validated = await evaluate(model, validation, (batch) => {
      const out = model.forward(batch.picture);
      measures.update({ shape: [out.shape, batch.shape.reshape([-1])], place: [out.place, batch.place] });
      return lossesOf(out, batch);
    });
    const { shape, place } = measures.compute();
    show.line(`epoch ${`${epoch + 1}`.padStart(2)}: ${(100 * shape).toFixed(1)} % of shapes, middle off by ${(place * SIZE).toFixed(2)} pixels`);
    const isOver = stopping.step(validated);
    await store.write({ ...run, epoch: isOver ? epochs : epoch + 1 });
    if (isOver) break;
  }
  show.line(`The best was epoch ${stopping.restore() + 1}.`);
  const digest = await crypto.subtle.digest('SHA-256', checkpoint.saveSafetensors(model.stateDict()));
  const hash = Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('');

  let found: Profile | undefined;
  for await (const batch of validation) {
    found = profile(() => step(batch), { model, losses: () => lossesOf(model.forward(batch.picture), batch) });
    break;
  }
  return { hash, profile: found as Profile };
}
