// Every call of a world once, its errors, captured steps, a model of several buckets. Rank 0 prints what each check found.
import { capture, init, manualSeed, multiloss, nn, ones, optim, scope, tensor, zeros } from 'gradloom';
import { initMpi } from 'gradloom/mpi';

if (process.argv[2]) await init({ threads: Number(process.argv[2]) });
const world = await initMpi({ timeout: 60 });
const { rank, size } = world;
const checks = {};
const same = (found, expected) => JSON.stringify(found) === JSON.stringify(expected) || `got ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`;
const check = (name, run) => {
  try {
    checks[name] = scope(() => run());
  } catch (error) {
    checks[name] = String(error.stack);
  }
};
/** The code of what is thrown. */
const codeOf = (run) => {
  try {
    run();
  } catch (error) {
    return error.code ?? String(error);
  }
  return 'nothing';
};
const ranks = Array.from({ length: size }, (_, r) => r);
const sum = (list) => list.reduce((a, b) => a + b, 0);

check('barrier', () => {
  world.barrier();
  return true;
});
check('allReduce', () => {
  const of = (op) => [...world.allReduce(tensor([rank, -rank, 1.5]), { op }).data()];
  const most = size - 1;
  return same(
    [of('sum'), of('mean'), of('max'), of('min')],
    [[sum(ranks), -sum(ranks), 1.5 * size].map((v) => v + 0), [sum(ranks) / size, -sum(ranks) / size, 1.5].map((v) => v + 0), [most, 0, 1.5], [0, -most, 1.5]].map((l) =>
      l.map((v) => (v === 0 ? 0 : v)),
    ),
  );
});
check('allReduce of a view', () => {
  const x = tensor([
    [rank, 1],
    [rank, 2],
  ]);
  world.allReduce(x.select(1, 0));
  return same([...x.data()], [sum(ranks), 1, sum(ranks), 2]);
});
check('broadcast', () => {
  const x = tensor([rank, rank + 1]);
  world.broadcast([x], { root: size - 1 });
  return same([...x.data()], [size - 1, size]);
});
check('broadcast of a module with buffers', () => {
  manualSeed(rank);
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4));
  model.forward(ones([5, 3]).mul(rank + 1));
  const before = codeOf(() => world.hash({ model }));
  world.broadcast(model);
  return same([before, typeof world.hash({ model })], [size > 1 ? 'STATE' : 'nothing', 'string']);
});
check('shard', () => {
  const x = tensor(
    Float32Array.from({ length: 4 * size + 1 }, (_, i) => i),
    { shape: [4 * size + 1, 1] },
  );
  const part = world.shard(x);
  const total = world.allReduce(tensor([part.shape[0], part.sum().item()]));
  return same([...total.data()], [4 * size + 1, sum(Array.from({ length: 4 * size + 1 }, (_, i) => i))]);
});
check('average', () => {
  const w = ones([3]).requiresGrad_();
  const never = ones([2]).requiresGrad_();
  w.mul(tensor([rank, 1, 2]))
    .sum()
    .backward();
  world.average([w, never]);
  return same([[...w.grad.data()], never.grad], [[Math.fround(sum(ranks) / size), 1, 2], null]);
});
check('average of unequal batches', () => {
  const w = ones([1]).requiresGrad_();
  w.mul(rank).sum().backward();
  world.average(w, { samples: rank + 1 });
  const expected = sum(ranks.map((r) => (r * (r + 1)) / sum(ranks.map((q) => q + 1))));
  // Sums below 4 in float32.
  return Math.abs(w.grad.item() - expected) < 1e-6 || `${w.grad.item()} instead of ${expected}`;
});
check('several buckets', () => {
  const list = [3, 1_500_000, 7, 700_001].map((n, i) =>
    zeros([n])
      .add(i + 1)
      .requiresGrad_(),
  );
  list.forEach((p) => {
    p.mul(p)
      .mul(rank + 1)
      .sum()
      .backward();
  });
  world.average(list);
  const mean = sum(ranks.map((r) => r + 1)) / size;
  return same(
    list.map((p) => [p.grad.amin().item(), p.grad.amax().item()]),
    [1, 2, 3, 4].map((v) => [2 * v * mean, 2 * v * mean].map(Math.fround)),
  );
});
check('averaged Gramians are another method', () => {
  // Two losses whose gradients agree on the whole batch and not on the ranks' parts.
  const w = zeros([2]).requiresGrad_();
  const spread = rank % 2 === 0 ? 10 : -10;
  const losses = () => ({ a: w.mul(tensor([1, spread])).sum(), b: w.mul(tensor([1, 0.5])).sum() });
  const whole = world.backward(losses(), { combine: new multiloss.MGDA(), measure: true });
  const exact = whole.gramian[0][0];
  const local = multiloss.backward(losses(), { combine: new multiloss.MGDA(), measure: true }).gramian[0][0];
  const averaged = world.allReduce(tensor([local]), { op: 'mean' }).item();
  const mean = sum(ranks.map((r) => (r % 2 === 0 ? 10 : -10))) / size;
  // At most 101, of which a float32's place is 8e-6.
  return (Math.abs(exact - (1 + mean ** 2)) < 1e-4 && averaged === 101) || `${exact} and ${averaged} instead of ${1 + mean ** 2} and 101`;
});
check('captured step', () => {
  const runs = [false, true].map((captured) => {
    manualSeed(5);
    const model = new nn.Sequential(new nn.Linear(6, 8), new nn.Tanh(), new nn.Dropout(0.3), new nn.Linear(8, 3));
    manualSeed(50 + rank);
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
    const combine = new multiloss.PCGrad();
    const step = (x, y) => {
      optimizer.zeroGrad();
      const out = model.forward(x);
      const report = world.backward({ a: nn.functional.mseLoss(out, y), b: out.abs().mean(), c: out.sub(1).pow(2).mean().mul(3) }, { combine });
      optimizer.step();
      optimizer.zeroGrad();
      const again = nn.functional.mseLoss(model.forward(x), y);
      again.backward();
      world.average(model);
      optimizer.step();
      return { loss: again, report };
    };
    const run = captured ? capture(step) : step;
    for (let s = 0; s < 6; s++) {
      scope(() => {
        const x = tensor(
          Float32Array.from({ length: 24 }, (_, i) => Math.fround(((i * 7 + s * 3 + rank * 5) % 11) / 11)),
          { shape: [4, 6] },
        );
        run(x, x.narrow(1, 0, 3));
      });
    }
    return world.hash({ model, optimizer });
  });
  return same(runs[0], runs[1]);
});
check('errors', () =>
  same(
    [
      codeOf(() => world.average(ones([2]).requiresGrad_(), { sample: 3 })),
      codeOf(() => world.average(ones([2]).requiresGrad_(), { samples: 0 })),
      codeOf(() => world.average('w')),
      codeOf(() => world.backward({})),
      codeOf(() => world.backward({ a: 3 })),
      codeOf(() => world.backward({ a: ones([]).requiresGrad_() }, { at: ones([1]) })),
      codeOf(() => world.allReduce(tensor([1], { dtype: 'int32' }))),
      codeOf(() => world.allReduce(ones([1]), { op: 'median' })),
      codeOf(() => world.broadcast([ones([1])], { root: size })),
      codeOf(() => world.shard(ones([]))),
      codeOf(() => world.hash({ a: Symbol('a') })),
    ],
    ['VALUE', 'VALUE', 'DTYPE', 'VALUE', 'DTYPE', 'VALUE', 'DTYPE', 'VALUE', 'INDEX', 'SHAPE', 'VALUE'],
  ),
);
check('ranks that differ', () => {
  if (size === 1) return true;
  const w = ones([rank === 1 ? 3 : 2]).requiresGrad_();
  w.sum().backward();
  const other = rank === 1 ? () => world.broadcast([ones([2])]) : () => world.average([ones([2]).requiresGrad_()]);
  const losses = rank === 1 ? { a: w.sum(), c: w.sum() } : { a: w.sum(), b: w.sum() };
  const found = [codeOf(() => world.average(w)), codeOf(other), codeOf(() => world.backward(losses))];
  return same([found, w.grad.data()[0]], [['STATE', 'STATE', 'STATE'], 1]);
});
try {
  await initMpi();
  checks.twice = 'a second initMpi went through';
} catch (error) {
  checks.twice = same(error.code, 'RUNTIME');
}
// One line of all ranks: a check that failed anywhere shows.
const bad = Object.entries(checks).filter(([, v]) => v !== true);
const failures = world.allReduce(tensor([bad.length])).item();
if (bad.length > 0) console.error(`rank ${rank}: ${bad.map(([k, v]) => `${k}: ${v}`).join('\n')}`);
if (rank === 0) console.log(JSON.stringify({ checks: Object.keys(checks).length, failures, size, version: world.version }));
world.finalize();
if (codeOf(() => world.barrier()) !== 'RUNTIME') throw new Error('a call after finalize went through');
