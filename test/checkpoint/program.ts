// A training run that checkpoints as it goes, for the test that kills it: rows in epochs, phases, three losses, a schedule. Prints 'begins', or
// 'resumes' where the file had a state, and then a hash of all that it holds in the end.
// tsx program.ts FILE OPTIMIZER METHOD
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { checkpoint, DataLoader, lrScheduler, manualSeed, multiloss, nn, optim, randn, type Tensor, TensorDataset } from 'gradloom';
import { makers } from '../multiloss/makers.ts';

type Optimizer = ConstructorParameters<typeof lrScheduler.StepLR>[0] & multiloss.Steppable;

/** Every optimizer, each with all that it can remember. */
export const OPTIMIZERS: Readonly<Record<string, (parameters: Tensor[]) => Optimizer>> = {
  Adam: (p) => new optim.Adam(p, { lr: 0.01, amsgrad: true }),
  SGD: (p) => new optim.SGD(p, { lr: 0.01, momentum: 0.9, nesterov: true }),
  AdamW: (p) => new optim.AdamW(p, { lr: 0.01 }),
  RMSprop: (p) => new optim.RMSprop(p, { lr: 0.01, momentum: 0.9, centered: true }),
  Adagrad: (p) => new optim.Adagrad(p, { lr: 0.01, lrDecay: 0.1 }),
  Adadelta: (p) => new optim.Adadelta(p),
  Adamax: (p) => new optim.Adamax(p, { lr: 0.01 }),
  NAdam: (p) => new optim.NAdam(p, { lr: 0.01 }),
  RAdam: (p) => new optim.RAdam(p, { lr: 0.01 }),
  Rprop: (p) => new optim.Rprop(p, { lr: 0.01 }),
  ASGD: (p) => new optim.ASGD(p, { lr: 0.01, t0: 3 }),
  Adafactor: (p) => new optim.Adafactor(p, { lr: 0.01 }),
  Muon: (p) => new optim.Muon(matrices(p), { lr: 0.01 }),
  LBFGS: (p) => new optim.LBFGS(p, { lr: 0.1, maxIter: 3, lineSearchFn: 'strong_wolfe' }),
};
const matrices = (parameters: Tensor[]): Tensor[] => parameters.filter((p) => p.rank === 2);

/** Every method, for losses a, b and c, that takes three. */
export const METHODS = Object.keys(makers).filter((name) => name !== 'Krum');

/** Trains to the end, from what the file has. */
async function train(file: string, optimizerName: string, methodName: string): Promise<string> {
  manualSeed(1);
  const data = new TensorDataset(randn([22, 4]), randn([22, 1]), randn([22, 2]));
  const trunk = new nn.Sequential(new nn.Linear(4, 6), new nn.BatchNorm1d(6), new nn.ReLU(), new nn.Dropout(0.2));
  const heads = new nn.ModuleList([new nn.Linear(6, 1), new nn.Linear(6, 2), new nn.Linear(6, 1)]);
  const model = new nn.ModuleList([trunk, heads]);
  const combine = (makers[methodName] as () => multiloss.Method & multiloss.Stateful)();
  const learnt = 'parameters' in combine ? (combine.parameters() as Tensor[]) : [];
  const optimizer = (OPTIMIZERS[optimizerName] as (p: Tensor[]) => Optimizer)([...model.parameters(), ...learnt]);
  const scheduler = new lrScheduler.StepLR(optimizer, { stepSize: 2, gamma: 0.5 });
  const loader = new DataLoader(data, { batchSize: 4, shuffle: true, seed: 3 });
  const plan = multiloss
    .phases({ losses: ['a', 'b', 'c'] })
    .phase('one', { losses: ['a'], until: multiloss.afterSteps(5) })
    .phase('all', { losses: ['a', 'b', 'c'], combine, backTo: ['one', multiloss.allOf(multiloss.afterSteps(9), multiloss.below('b', 1e6, { ema: 0.9 }))] });
  const parts = { model, optimizer, scheduler, plan, combine, loader };

  const from = await checkpoint.read<{ epoch: number }>(file, parts, { optional: true });
  console.log(from ? 'resumes' : 'begins');
  let step = 0;
  for (let epoch = from?.epoch ?? 0; epoch < 5; epoch++) {
    for (const [x, y, z] of loader) {
      const losses = () => {
        const h = trunk.forward(x);
        const [a, b, c] = [...heads].map((head) => (head as nn.Linear).forward(h)) as [Tensor, Tensor, Tensor];
        return { a: nn.functional.mseLoss(a, y).add(0.1), b: nn.functional.mseLoss(b, z).add(0.1), c: c.sub(1).square().mean().add(0.1) };
      };
      if (optimizer instanceof optim.LBFGS) {
        optimizer.step(() => {
          optimizer.zeroGrad();
          const { a, b, c } = losses();
          multiloss.backward({ a, b, c }, { combine });
          return a.add(b).add(c);
        });
      } else plan.step(losses, optimizer);
      // Not after each step: what is killed between is done again.
      if (step++ % 2 === 0) await checkpoint.write(file, { ...parts, epoch });
    }
    scheduler.step();
    await checkpoint.write(file, { ...parts, epoch: epoch + 1 });
  }
  return createHash('sha256').update(checkpoint.toBytes(parts)).digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file, optimizer, method] = process.argv.slice(2) as [string, string, string];
  console.log(await train(file, optimizer, method));
}
