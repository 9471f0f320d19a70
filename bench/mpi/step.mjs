// One rank of the bench: node step.mjs MODEL BATCH SECONDS captured|eager. Rank 0 prints the median milliseconds of a step and of a step's
// exchange alone.
import { capture, manualSeed, nn, optim, rand, randint, randn, scope } from 'gradloom';
import { initMpi } from 'gradloom/mpi';
import { TRUNKS } from '../trunks.ts';

const [name, size, seconds, way] = process.argv.slice(2);
const batch = Number(size);
const world = await initMpi({ timeout: 60 });

// The widths of both heads: 10 classes, and a picture or one value.
const HEADS = { mlp: [128, 784], cnn: [784, 1] };

manualSeed(1);
const [width, values] = HEADS[name];
const [trunk, first, second] = [TRUNKS[name](), new nn.Linear(width, 10), new nn.Linear(width, values)];
const model = new nn.Sequential(trunk, first, second);
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
const x = rand(name === 'mlp' ? [batch, 784] : [batch, 1, 28, 28]);
const rows = [x, randint(0, 10, [batch], { dtype: 'int32' }), name === 'mlp' ? x : randn([batch, 1])].map((t) => world.shard(t).clone());
world.broadcast(model);

const train = (x, labels, values) => {
  optimizer.zeroGrad();
  const h = trunk.forward(x);
  const loss = nn.functional.crossEntropy(first.forward(h), labels).add(nn.functional.mseLoss(second.forward(h), values));
  loss.backward();
  if (world.size > 1) world.average(model);
  optimizer.step();
  return loss;
};
const step = way === 'captured' ? capture(train) : train;

/** The median milliseconds of a piece of work; every rank does it as often. */
const median = (work, count) => {
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    work();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
};
const once = () => scope(() => step(...rows).item());
const warm = median(once, 20);
const count = Math.max(20, Math.round((Number(seconds) * 1000) / warm));
const agreed = scope(() => world.allReduce(x.flatten().narrow(0, 0, 1).clone().mul(0).add(count), { op: 'min' }).item());
const stepMs = median(once, agreed);
const averageMs = world.size > 1 ? median(() => world.average(model), agreed) : 0;
if (world.rank === 0) console.log(JSON.stringify({ stepMs, averageMs, steps: agreed }));
world.finalize();
