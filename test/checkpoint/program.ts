// A training run that checkpoints as it goes, for the test that kills it: pictures in epochs, two losses, a phase, a schedule. Prints a hash of where it ends.
// tsx program.ts FILE OPTIMIZER METHOD
import { createHash } from 'node:crypto';
import { checkpoint, DataLoader, lrScheduler, manualSeed, multiloss, nn, optim, randn, TensorDataset } from 'gradloom';

const [file, optimizerName, methodName] = process.argv.slice(2) as [string, string, string];
manualSeed(1);
const data = new TensorDataset(randn([22, 4]), randn([22, 1]), randn([22, 2]));
class Heads extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(4, 6), new nn.BatchNorm1d(6), new nn.ReLU(), new nn.Dropout(0.2));
  a = new nn.Linear(6, 1);
  b = new nn.Linear(6, 2);
  forward(x: Parameters<nn.Linear['forward']>[0]) {
    const h = this.trunk.forward(x);
    return [this.a.forward(h), this.b.forward(h)] as const;
  }
}
const model = new Heads();
const Optimizer = optim[optimizerName as 'Adam'];
const optimizer = new Optimizer(model.parameters(), { lr: 0.01 });
const scheduler = new lrScheduler.StepLR(optimizer, { stepSize: 2, gamma: 0.5 });
const Method = multiloss[methodName as 'UPGrad'];
const combine = new Method();
const loader = new DataLoader(data, { batchSize: 4, shuffle: true, seed: 3 });
const parts = { model, optimizer, scheduler, combine, loader };
const loss = new nn.MSELoss();

const from = await checkpoint.read<{ epoch: number }>(file, parts, { optional: true });
for (let epoch = from?.epoch ?? 0; epoch < 4; epoch++) {
  for (const [x, y, z] of loader) {
    optimizer.zeroGrad();
    const [a, b] = model.forward(x);
    multiloss.backward({ a: loss.forward(a, y), b: loss.forward(b, z) }, { combine });
    optimizer.step();
    await checkpoint.write(file, { ...parts, epoch });
  }
  scheduler.step();
}
const bytes = checkpoint.save({ model: model.stateDict(), optimizer: optimizer.stateDict() });
console.log(createHash('sha256').update(bytes).digest('hex'));
