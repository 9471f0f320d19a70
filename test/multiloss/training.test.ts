// Every method in a training loop: finite, remembered by its state, and the same bits when the step is captured.
import { capture, GradloomError, manualSeed, multiloss, nn, optim, randn, steps, tensor, type Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const M = multiloss;

const makers: Readonly<Record<string, () => multiloss.Method>> = {
  Sum: () => new M.Sum(),
  Mean: () => new M.Mean(),
  Constant: () => new M.Constant([1, 2, 0.5]),
  Weighted: () => M.weighted({ a: 1, b: M.anneal.cosine(0, 1, { steps: 6 }), c: M.anneal.linear(1, 0.5, { steps: 4 }) }),
  UncertaintyWeighting: () => new M.UncertaintyWeighting(3),
  IMTLL: () => new M.IMTLL(['a', 'b', 'c']),
  GeometricMean: () => new M.GeometricMean(),
  ScaleInvariant: () => new M.ScaleInvariant(),
  STCH: () => new M.STCH({ mu: 0.5 }),
  PBI: () => new M.PBI({ weights: [1, 1, 1] }),
  COSMOS: () => new M.COSMOS({ weights: [0.2, 0.3, 0.5], lambda: 1 }),
  DWA: () => new M.DWA({ stepsPerEpoch: 3 }),
  RLW: () => new M.RLW(),
  FAMO: () => new M.FAMO({ after: 'next' }),
  ReLoBRaLo: () => new M.ReLoBRaLo(),
  SoftAdapt: () => new M.SoftAdapt(),
  CoV: () => new M.CoV(),
  constrain: () => M.constrain({ main: 'a', limits: { b: 0.5, c: 0.5 }, lr: 0.1 }),
  GradNorm: () => new M.GradNorm(),
  VQGANWeight: () => new M.VQGANWeight({ rec: 'a', gan: 'b' }),
  EnCodecBalancer: () => new M.EnCodecBalancer(),
  PINNAnnealing: () => new M.PINNAnnealing({ main: 'a' }),
  UPGrad: () => new M.UPGrad(),
  DualProj: () => new M.DualProj(),
  MGDA: () => new M.MGDA(),
  PCGrad: () => new M.PCGrad(),
  GradVac: () => new M.GradVac(),
  CAGrad: () => new M.CAGrad({ c: 0.5 }),
  IMTLG: () => new M.IMTLG(),
  NashMTL: () => new M.NashMTL(),
  FairGrad: () => new M.FairGrad({ alpha: 2 }),
  AlignedMTL: () => new M.AlignedMTL(),
  ConFIG: () => new M.ConFIG(),
  SDMGrad: () => new M.SDMGrad(),
  MoDo: () => new M.MoDo(),
  GradDrop: () => new M.GradDrop(),
  TrimmedMean: () => new M.TrimmedMean({ trimNumber: 1 }),
  ExcessMTL: () => new M.ExcessMTL(),
  MoCo: () => new M.MoCo(),
  DBMTL: () => new M.DBMTL(),
  'ema(NashMTL)': () => M.ema(new M.NashMTL(), 0.9),
  'clipWeights(GradNorm)': () => M.clipWeights(new M.GradNorm(), { min: 0.1, max: 2 }),
  'normalize(PCGrad)': () => M.normalize(new M.PCGrad()),
  'normalize(Mean)': () => M.normalize(new M.Mean()),
  'every(3, MGDA)': () => M.every(3, new M.MGDA()),
  'warmup(Mean, PCGrad)': () => M.warmup(new M.Mean(), new M.PCGrad(), 4),
};

/** What a captured step cannot hold, and says so: rows that are weighed by host numbers. */
const REFUSED = new Set(['MoCo', 'DBMTL']);

const COUNT = 10;

/** A net with three heads, trained by a method; resumed: half way a new one takes up its state. */
function train(make: () => multiloss.Method, way: 'eager' | 'captured' | 'resumed'): { finals: number[][]; states: string } {
  manualSeed(3);
  const trunk = new nn.Sequential(new nn.Linear(5, 8), new nn.Tanh(), new nn.Linear(8, 6), new nn.ReLU());
  const heads = [new nn.Linear(6, 3), new nn.Linear(6, 2), new nn.Linear(6, 1)] as const;
  let method = make();
  const learnt = 'parameters' in method ? method.parameters() : [];
  const parameters = [trunk, ...heads].flatMap((m) => m.parameters() as Tensor[]);
  const optimizer = new optim.Adam([...parameters, ...learnt], { lr: 1e-2 });
  const [y, v, u] = [tensor([0, 1, 2, 1, 0, 2], { dtype: 'int32' }), randn([6, 2]), randn([6, 1])];
  const step = (x: Tensor): void => {
    optimizer.zeroGrad();
    const h = trunk.forward(x);
    const [a, b, c] = [
      nn.functional.crossEntropy(heads[0].forward(h), y),
      nn.functional.mseLoss(heads[1].forward(h), v).add(0.1),
      nn.functional.mseLoss(heads[2].forward(h), u).add(0.1),
    ] as const;
    M.backward({ a, b, c }, { combine: method });
    optimizer.step();
  };
  const run = way === 'captured' ? capture(step) : step;
  manualSeed(4);
  for (const i of steps(COUNT)) {
    if (way === 'resumed' && i === COUNT / 2 && learnt.length === 0) {
      const state = JSON.parse(JSON.stringify(method.stateDict()));
      method = make();
      method.loadStateDict(state);
    }
    run(randn([6, 5]));
  }
  return { finals: [...parameters, ...learnt].map((p) => [...p.data()]), states: JSON.stringify(method.stateDict()) };
}

for (const [name, make] of Object.entries(makers)) {
  test(`${name} trains; its state resumes it; captured it has the same bits`, () => {
    const eager = train(make, 'eager');
    assert.ok(eager.finals.flat().every(Number.isFinite));
    assert.equal(train(make, 'resumed'), eager);
    if (!REFUSED.has(name)) return assert.equal(train(make, 'captured'), eager);
    try {
      train(make, 'captured');
      assert.unreachable('a captured step took it');
    } catch (error) {
      assert.instance(error, GradloomError, String(error));
      assert.is((error as GradloomError).code, 'CAPTURE', String(error));
    }
  });
}

test('UPGrad where losses depend on one another: captured it has the same bits', () => {
  const run = (captured: boolean): number[] => {
    manualSeed(5);
    const layer = new nn.Linear(6, 2);
    const optimizer = new optim.SGD(layer.parameters(), { lr: 0.1 });
    const combine = new M.UPGrad();
    const step = (x: Tensor): void => {
      optimizer.zeroGrad();
      const [a, b] = layer.forward(x).unbind(1) as [Tensor, Tensor];
      M.backward({ a: a.mean(), again: a.mean(), b: b.square().mean(), against: b.square().mean().neg().sub(a.mean()) }, { combine });
      optimizer.step();
    };
    const go = captured ? capture(step) : step;
    for (const _ of steps(12)) go(randn([8, 6]));
    return layer.parameters().flatMap((p) => [...p.data()]);
  };
  assert.equal(run(true), run(false));
});

test.run();
