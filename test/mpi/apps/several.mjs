// Several losses: world.backward on this rank's rows against multiloss.backward on all of them, from the same start, step by step. Rank 0
// prints, for each method, how far gradients and parameters went apart; every rank checks that all have the same bits.
import { manualSeed, multiloss, nn, optim, scope, tensor } from 'gradloom';
import { initMpi } from 'gradloom/mpi';
import { makers } from '../../multiloss/makers.ts';

// Without a method, and every method that takes what world.backward has.
const METHODS = { none: () => undefined, ...makers };

const world = await initMpi({ timeout: 60 });
const [batch, steps, only] = [Number(process.argv[2] ?? 24), Number(process.argv[3] ?? 3), process.argv[4]];

class Net extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(20, 32), new nn.Tanh(), new nn.Linear(32, 24), new nn.Tanh());
  a = new nn.Linear(24, 5);
  b = new nn.Linear(24, 3);
  c = new nn.Linear(24, 1);
  losses(x, labels, values, four) {
    const h = this.trunk.forward(x);
    return {
      a: nn.functional.crossEntropy(this.a.forward(h), labels),
      b: nn.functional.mseLoss(this.b.forward(h), values.narrow(1, 0, 3)),
      c: nn.functional.smoothL1Loss(this.c.forward(h), values.narrow(1, 3, 1)),
      // Krum takes four losses or more.
      ...(four ? { d: this.c.forward(h).sub(1).abs().mean() } : {}),
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

/** How far a weight is from another; one of a thousandth counts as such where it is 0. Methods without weights say NaN. */
const relative = (mine, theirs) => (Object.is(mine, theirs) ? 0 : Math.abs(mine - theirs) / (Math.abs(theirs) + 1e-3));
/** How far numbers are from others, by their length. */
const apart = (mine, theirs) => {
  if (mine.length !== theirs.length || mine.length === 0) throw new Error(`${mine.length} numbers, and ${theirs.length} of one process`);
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
function compare(make, options, four) {
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
        const expected = multiloss.backward(whole.losses(x, labels, values, four), { combine: reference, ...options });
        manualSeed(100 + s + 1000 * world.rank); // each rank has a stream of its own
        const part = world.shard(x);
        const uneven = batch % world.size !== 0 ? { samples: part.shape[0] } : {};
        const got = world.backward(mine.losses(part, world.shard(labels), world.shard(values), four), { combine: own, ...options, ...uneven });
        result.gradients = Math.max(result.gradients, apart(gradientsOf(mine), gradientsOf(whole)));
        result.weights = Math.max(result.weights, ...Object.keys(expected.weights).map((k) => relative(got.weights[k], expected.weights[k])));
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
    if (kind !== '' && !['MGDA', 'none'].includes(name)) continue;
    if (kind === 'layers' && name === 'none') continue;
    try {
      results[`${name} ${kind}`.trim()] = compare(make, options, name === 'Krum');
    } catch (error) {
      results[`${name} ${kind}`.trim()] = { error: String(error.stack) };
    }
  }
}
if (world.rank === 0) console.log(JSON.stringify({ size: world.size, version: world.version, results }));
world.finalize();
