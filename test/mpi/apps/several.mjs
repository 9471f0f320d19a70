// Several losses: world.backward on this rank's rows against multiloss.backward on all of them, from the same start, step by step. Rank 0
// prints, for each method, how far gradients and parameters went apart; every rank checks that all have the same bits.
import { manualSeed, multiloss, nn, optim, scope, tensor } from 'gradloom';
import { initMpi } from 'gradloom/mpi';

const M = multiloss;
const METHODS = {
  sum: () => undefined,
  Weighted: () => new M.Weighted({ a: 1, b: 0.5, c: 2 }),
  UncertaintyWeighting: () => new M.UncertaintyWeighting(['a', 'b', 'c']),
  IMTLL: () => new M.IMTLL(['a', 'b', 'c']),
  GeometricMean: () => new M.GeometricMean(),
  STCH: () => new M.STCH(),
  DWA: () => new M.DWA(),
  SoftAdapt: () => new M.SoftAdapt(),
  ReLoBRaLo: () => new M.ReLoBRaLo(),
  RLW: () => new M.RLW(),
  CoV: () => new M.CoV(),
  FAMO: () => new M.FAMO(),
  UPGrad: () => new M.UPGrad(),
  DualProj: () => new M.DualProj(),
  MGDA: () => new M.MGDA(),
  PCGrad: () => new M.PCGrad(),
  GradVac: () => new M.GradVac(),
  CAGrad: () => new M.CAGrad({ c: 0.5 }),
  NashMTL: () => new M.NashMTL(),
  FairGrad: () => new M.FairGrad(),
  IMTLG: () => new M.IMTLG(),
  AlignedMTL: () => new M.AlignedMTL(),
  GradNorm: () => new M.GradNorm(),
  GradDrop: () => new M.GradDrop(),
  ConFIG: () => new M.ConFIG(),
  PINNAnnealing: () => new M.PINNAnnealing({ main: 'a' }),
  MoCo: () => new M.MoCo(),
};

const world = await initMpi({ timeout: 60 });
const [batch, steps, only] = [Number(process.argv[2] ?? 24), Number(process.argv[3] ?? 3), process.argv[4]];

class Net extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(20, 32), new nn.Tanh(), new nn.Linear(32, 24), new nn.Tanh());
  a = new nn.Linear(24, 5);
  b = new nn.Linear(24, 3);
  c = new nn.Linear(24, 1);
  losses(x, labels, values) {
    const h = this.trunk.forward(x);
    return {
      a: nn.functional.crossEntropy(this.a.forward(h), labels),
      b: nn.functional.mseLoss(this.b.forward(h), values.narrow(1, 0, 3)),
      c: nn.functional.smoothL1Loss(this.c.forward(h), values.narrow(1, 3, 1)),
    };
  }
}

let state = 12345;
const uniform = () => {
  state = (state * 1103515245 + 12345) % 2147483648;
  return state / 1073741824 - 1;
};
const uniforms = (...shape) => tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, uniform), { shape });
const batchOf = () => [
  uniforms(batch, 20),
  tensor(
    Int32Array.from({ length: batch }, () => Math.floor((uniform() + 1) * 2.49)),
    { shape: [batch] },
  ),
  uniforms(batch, 4),
];

const apart = (mine, theirs) => {
  let [difference, length] = [0, 0];
  mine.forEach((v, i) => {
    difference += (v - theirs[i]) ** 2;
    length += theirs[i] ** 2;
  });
  return Math.sqrt(difference / length);
};
const gradientsOf = (model) => model.parameters().flatMap((p) => [...(p.grad?.data() ?? [])]);
const elementsOf = (model) => model.parameters().flatMap((p) => [...p.data()]);

/** One method: the largest distances of gradients and of weights, and of parameters at the end. */
function compare(make, options) {
  return scope(() => {
    manualSeed(7);
    const [mine, whole] = [new Net(), new Net()];
    whole.loadStateDict(mine.stateDict());
    const [own, reference] = [make(), make()];
    const optimizers = [
      [mine, own],
      [whole, reference],
    ].map(([model, method]) => new optim.SGD([...model.parameters(), ...(method?.parameters?.() ?? [])], { lr: 0.1 }));
    const result = { gradients: 0, weights: 0, parameters: 0 };
    for (let s = 0; s < steps; s++) {
      scope(() => {
        const [x, labels, values] = batchOf();
        for (const o of optimizers) o.zeroGrad();
        manualSeed(100 + s);
        const expected = multiloss.backward(whole.losses(x, labels, values), { combine: reference, ...options });
        manualSeed(100 + s + 1000 * world.rank); // each rank has a stream of its own
        const part = world.shard(x);
        const uneven = batch % world.size !== 0 ? { samples: part.shape[0] } : {};
        const got = world.backward(mine.losses(part, world.shard(labels), world.shard(values)), { combine: own, ...options, ...uneven });
        result.gradients = Math.max(result.gradients, apart(gradientsOf(mine), gradientsOf(whole)));
        result.weights = Math.max(
          result.weights,
          ...Object.keys(got.weights).map((k) => Math.abs(got.weights[k] - expected.weights[k]) / (Math.abs(expected.weights[k]) + 1e-3) || 0),
        );
        for (const o of optimizers) o.step();
      });
    }
    result.parameters = apart(elementsOf(mine), elementsOf(whole));
    result.hash = world.hash({ mine, method: own?.stateDict?.() ?? null });
    return result;
  });
}

const OPTIONS = {
  '': {},
  layers: { groups: 'layer' },
  weightedHeads: { heads: 'weighted' },
  measured: { measure: true },
};
const results = {};
for (const [name, make] of Object.entries(METHODS)) {
  if (only && name !== only) continue;
  for (const [kind, options] of Object.entries(OPTIONS)) {
    if (kind !== '' && !['MGDA', 'sum'].includes(name)) continue;
    if (kind === 'layers' && name === 'sum') continue;
    try {
      results[`${name} ${kind}`.trim()] = compare(make, options);
    } catch (error) {
      results[`${name} ${kind}`.trim()] = { error: String(error.stack) };
    }
  }
}
if (world.rank === 0) console.log(JSON.stringify({ size: world.size, version: world.version, results }));
world.finalize();
