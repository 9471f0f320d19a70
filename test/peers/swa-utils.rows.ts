// PyTorch's test_swa_utils: averages of models. There is no class for them here: they are written with what modules and tensors offer.
import { nn, noGrad, optim, scope, type Tensor } from 'gradloom';
import { fill, L, py, type Row, t } from './row.ts';

export const prelude = `
U = optim.swa_utils
X, Y = t([[1, 2], [3, -1], [0.5, 0.5], [-1, 1]]), t([[1, 0], [-1, 0.5], [0, 1], [0.5, 0.5]])
def model(): return fill(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 2)))
def average(steps=5, every=1, start=0, **options):
    m = model()
    a = U.AveragedModel(m, **options)
    o = optim.SGD(m.parameters(), lr=0.5)
    for i in range(steps):
        o.zero_grad()
        (m(X) - Y).square().mean().backward()
        o.step()
        if i >= start and i % every == 0: a.update_parameters(m)
    return m, a
def values(m): return [*m.parameters(), *[b.float() for b in m.buffers()]]
def rates(steps=8, **options):
    o = optim.SGD([{"params": [L([1.0])], "lr": lr} for lr in [0.5, 0.1]])
    s = U.SWALR(o, **options)
    out = [[g["lr"] for g in o.param_groups]]
    for _ in range(steps):
        o.step()
        s.step()
        out.append([g["lr"] for g in o.param_groups])
    return out
`;

const [X, Y] = [
  t([
    [1, 2],
    [3, -1],
    [0.5, 0.5],
    [-1, 1],
  ]),
  t([
    [1, 0],
    [-1, 0.5],
    [0, 1],
    [0.5, 0.5],
  ]),
];
const model = (): nn.Sequential => fill(new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.Tanh(), new nn.Linear(3, 2)));
const values = (m: nn.Module): Tensor[] => [...m.parameters(), ...[...m.namedBuffers()].map(([, b]) => b.float())];

/** How far the average goes to the model, from how many models it has. */
type Share = (models: number) => number;
interface How {
  steps?: number;
  every?: number;
  start?: number;
  buffers?: boolean;
}

/** A model that is trained, and another that follows it. */
function average(share: Share, { steps = 5, every = 1, start = 0, buffers = false }: How = {}): [nn.Sequential, nn.Sequential] {
  const [m, a] = [model(), model()];
  const o = new optim.SGD(m.parameters(), { lr: 0.5 });
  let models = 0;
  for (let i = 0; i < steps; i++) {
    scope(() => {
      o.zeroGrad();
      m.forward(X).sub(Y).square().mean().backward();
      o.step();
      if (i < start || i % every !== 0) return;
      const sources = buffers ? values(m) : m.parameters();
      if (models === 0) a.loadStateDict(buffers ? m.stateDict() : Object.fromEntries(m.namedParameters()), { strict: false });
      else
        noGrad(() => {
          for (const [k, p] of (buffers ? [...a.namedParameters(), ...a.namedBuffers()].map(([, x]) => x) : a.parameters()).entries())
            if (p.dtype === 'float32') p.copy_(p.lerp(sources[k] as Tensor, share(models)));
        });
      models++;
    });
  }
  return [m, a];
}
const equally: Share = (n) => 1 / (n + 1);
const toward =
  (decay: number): Share =>
  () =>
    1 - decay;
const averages = (name: string, share: Share, options: string, how: How = {}): Row => ({
  name: `average: ${name}`,
  js: () => average(share, how)[1].parameters(),
  py: `list(average(${[...(how.steps ? [`steps=${how.steps}`] : []), ...(how.every ? [`every=${how.every}`] : []), ...(how.start ? [`start=${how.start}`] : []), options].filter(Boolean).join(', ')})[1].module.parameters())`,
});

/** SWALR as a function of the count: a share of the rate that is left. */
function rates(swaLr: number | readonly number[], epochs: number, anneal: (x: number) => number): unknown[] {
  const o = new optim.SGD([0.5, 0.1].map((lr) => ({ params: [L([1])], lr })));
  const seen = (): unknown => o.paramGroups.map((g) => g.lr);
  const s = new optim.lrScheduler.LambdaLR(
    o,
    [0.5, 0.1].map((lr, i) => (e: number) => {
      const end = (typeof swaLr === 'number' ? swaLr : (swaLr[i] as number)) / lr;
      const share = anneal(epochs === 0 ? 1 : Math.min(e / epochs, 1));
      return end * share + 1 - share;
    }),
  );
  const out = [seen()];
  for (let i = 0; i < 8; i++) {
    o.step();
    s.step();
    out.push(seen());
  }
  return out;
}
const cosine = (x: number): number => (1 - Math.cos(Math.PI * x)) / 2;
const rising = (swaLr: number | readonly number[], epochs: number, strategy: 'cos' | 'linear'): Row => ({
  name: `rates towards ${swaLr} in ${epochs} steps, ${strategy}`,
  js: () => rates(swaLr, epochs, strategy === 'cos' ? cosine : (x) => x),
  py: `rates(swa_lr=${py(swaLr)}, anneal_epochs=${epochs}, anneal_strategy="${strategy}")`,
});

/** Running statistics over all batches, each counted alike. */
function statistics(momentum: number | null): Tensor[] {
  const m = model();
  const norm = m.at(1) as nn.BatchNorm1d & { momentum: number | null };
  const before = norm.momentum;
  noGrad(() => {
    norm.runningMean?.zero_();
    norm.runningVar?.fill_(1);
    norm.numBatchesTracked?.zero_();
    norm.momentum = momentum;
    for (const x of [X.narrow(0, 0, 2), X.narrow(0, 2, 2), X.narrow(0, 1, 3)]) m.forward(x);
    norm.momentum = before;
  });
  return values(m);
}

export const rows: readonly Row[] = [
  averages('equal parts', equally, ''),
  averages('equal parts of every second step', equally, '', { steps: 7, every: 2 }),
  averages('equal parts from step 3 on', equally, '', { steps: 8, start: 3 }),
  averages('exponential, 0.9', toward(0.9), 'multi_avg_fn=U.get_ema_multi_avg_fn(0.9)'),
  averages('exponential, 0.5', toward(0.5), 'multi_avg_fn=U.get_ema_multi_avg_fn(0.5)', { steps: 8 }),
  averages('exponential by a function', toward(0.75), 'avg_fn=U.get_ema_avg_fn(0.75)'),
  averages('by a function of the count', (n) => 0.3 / n, 'avg_fn=lambda a, p, n: a + (p - a) * 0.3 / n'),
  { name: 'average: buffers too', js: () => average(equally, { buffers: true })[1].parameters(), py: 'list(average(use_buffers=True)[1].module.parameters())' },
  {
    name: 'average: running means with the parameters',
    js: () => [...average(toward(0.9), { buffers: true })[1].namedBuffers()].slice(0, 2).map(([, b]) => b),
    py: 'list(average(use_buffers=True, multi_avg_fn=U.get_ema_multi_avg_fn(0.9))[1].module.buffers())[:2]',
  },
  {
    name: 'average: what the averaged model says in evaluation',
    js: () => average(equally, { buffers: true })[1].eval().forward(X),
    py: 'average(use_buffers=True)[1].eval()(X)',
    tolerance: [1e-4, 1e-5],
  },
  { name: 'average: the model that is followed stays as it is', js: () => average(equally)[0].parameters(), py: 'list(average()[0].parameters())' },
  rising(0.05, 4, 'cos'),
  rising(0.05, 5, 'linear'),
  rising([0.05, 0.5], 3, 'cos'),
  rising([0.2, 0.01], 1, 'linear'),
  rising(0.3, 0, 'linear'),
  { name: 'statistics of the averaged model over a loader', js: () => statistics(null), py: 'm = model(); U.update_bn([X[:2], X[2:], X[1:]], m); return values(m)' },
  {
    name: 'statistics with a momentum',
    js: () => statistics(0.3),
    py: 'm = model(); m[1].reset_running_stats(); m[1].momentum = 0.3; [m(x) for x in [X[:2], X[2:], X[1:]]]; return values(m)',
  },
  { name: 'a class AveragedModel', js: null, py: 'U.AveragedModel(model()).n_averaged' },
];
