// A world of one rank without MPI: what it computes is what multiloss.backward and checkpoint do. More ranks need `npm run test:mpi`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchNorm1d, capture, checkpoint, GradloomError, Linear, manualSeed, multiloss, nn, ones, optim, rand, scope, Sequential, type Tensor, tensor } from 'gradloom';
import { initMpi } from 'gradloom/mpi';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mpi } from '../../src/mpi/library.ts';
import { Watchdog } from '../../src/mpi/watchdog.ts';
import { World } from '../../src/mpi/world.ts';

/** One rank, which hears itself. */
const alone: Mpi = {
  version: 'none',
  rank: 0,
  size: 1,
  barrier: () => {},
  allGather: () => {},
  allToAll: (send, receive) => receive.set(send),
  broadcast: () => {},
  finalize: () => {},
};
const worlds: World[] = [];
const worldOf = (mpi: Mpi = alone): World => {
  const made = new World(mpi, 'here', new Watchdog('test', 60));
  worlds.push(made);
  return made;
};
const world = worldOf();

const throws = (run: () => unknown, code: string, text: RegExp): void =>
  assert.throws(run, (error: unknown) => error instanceof GradloomError && error.code === code && text.test(error.message));

function twins(): [Sequential, Sequential] {
  manualSeed(1);
  const make = (): Sequential => new Sequential(new Linear(6, 8), new nn.Tanh(), new Linear(8, 4));
  const [a, b] = [make(), make()];
  b.loadStateDict(a.stateDict());
  return [a, b];
}
const lossesOf = (model: Sequential, x: Tensor) => {
  const y = model.forward(x);
  return { a: y.narrow(1, 0, 2).pow(2).mean(), b: y.narrow(1, 2, 2).sub(1).abs().mean() };
};
const gradientsOf = (model: Sequential): number[] => model.parameters().flatMap((p) => [...(p.grad?.data() ?? [])]);
const near = (a: readonly number[], b: readonly number[], tolerance: number): void => {
  assert.is(a.length, b.length);
  a.forEach((v, i) => {
    assert.ok(Object.is(v, b[i]) || Math.abs(v - (b[i] as number)) <= tolerance, `${v} and ${b[i]}`);
  });
};

const METHODS: readonly (() => multiloss.Method | undefined)[] = [
  () => undefined,
  () => new multiloss.UncertaintyWeighting(['a', 'b']),
  () => new multiloss.DWA(),
  () => new multiloss.UPGrad(),
  () => new multiloss.PCGrad(),
  () => new multiloss.GradNorm(),
  () => new multiloss.GradDrop(),
];

for (const make of METHODS) {
  test(`backward over one rank is multiloss.backward: ${make()?.name ?? 'the sum'}`, () => {
    const [mine, theirs] = twins();
    const x = rand([5, 6]);
    const [own, reference] = [make(), make()];
    for (let s = 0; s < 2; s++) {
      manualSeed(2);
      const expected = multiloss.backward(lossesOf(theirs, x), reference ? { combine: reference } : {});
      manualSeed(2);
      const got = world.backward(lossesOf(mine, x), own ? { combine: own } : {});
      near(Object.values(got.weights), Object.values(expected.weights), 1e-6);
      near(Object.values(got.losses), Object.values(expected.losses), 0);
    }
    // Sums of products in another order.
    near(gradientsOf(mine), gradientsOf(theirs), 1e-6);
  });
}

test('groups, heads and measured norms as in multiloss.backward', () => {
  for (const options of [{ groups: 'layer' }, { groups: 'param' }, { heads: 'weighted' }, { measure: true }] as const) {
    const [mine, theirs] = twins();
    const x = rand([5, 6]);
    const expected = multiloss.backward(lossesOf(theirs, x), { combine: new multiloss.MGDA(), ...options });
    const got = world.backward(lossesOf(mine, x), { combine: new multiloss.MGDA(), samples: 5, ...options });
    near(gradientsOf(mine), gradientsOf(theirs), 1e-6);
    near((got.gramian as number[][]).flat(), (expected.gramian as number[][]).flat(), 1e-6);
  }
});

test('a captured step has the bits of a plain one', () => {
  const [plain, captured] = twins();
  const run = (model: Sequential, by: (step: (x: Tensor) => Tensor) => (x: Tensor) => Tensor): void => {
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
    const combine = new multiloss.UPGrad();
    const step = by((x) => {
      optimizer.zeroGrad();
      world.backward(lossesOf(model, x), { combine });
      optimizer.step();
      optimizer.zeroGrad();
      const loss = model.forward(x).pow(2).mean();
      loss.backward();
      world.average(model);
      optimizer.step();
      return loss;
    });
    for (let s = 0; s < 5; s++) scope(() => step(ones([3, 6]).mul(s / 5)));
  };
  run(plain, (step) => step);
  run(captured, (step) => capture(step));
  assert.is(world.hash({ model: plain }), world.hash({ model: captured }));
});

test('tensors are reduced, handed round and shared out in place', () => {
  const x = tensor([1, -2]);
  for (const op of ['sum', 'mean', 'max', 'min'] as const) assert.equal([...world.allReduce(x, { op }).data()], [1, -2]);
  world.broadcast([new Sequential(new Linear(2, 2), new BatchNorm1d(2)), x]);
  assert.equal(world.shard(x).shape, [2]);
  world.barrier();
  const w = ones([4, 3]).requiresGrad_();
  w.t().mul(2).sum().backward();
  world.average(w);
  assert.equal([...(w.grad as Tensor).data()], new Array(12).fill(2));
});

test('a run is written and read back, with each rank’s random stream', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gradloom-world-'));
  const file = join(folder, 'run');
  const [model] = twins();
  assert.is(await world.restore(file, { model }, { optional: true }), null);
  manualSeed(5);
  const hash = await world.checkpoint(file, { model, step: 3 });
  const drawn = rand([3]).data().join();
  const [, other] = twins();
  for (const p of other.parameters()) p.data().fill(0);
  assert.equal(await world.restore(file, { model: other }), { step: 3 });
  assert.is(rand([3]).data().join(), drawn);
  assert.is(world.hash({ model: other, step: 3 }), hash);
  // A single process reads it too.
  assert.is((await checkpoint.read<{ step: number }>(file, { model: other })).step, 3);
  rmSync(folder, { recursive: true });
  await world.restore(file, { model }).then(
    () => assert.unreachable(),
    (error: GradloomError) => assert.is(error.code, 'STATE'),
  );
});

test('what ranks disagree on is refused before anything is changed', () => {
  /** A second rank whose numbers are those of the first, but for one. */
  const pair = (differs: number): Mpi => ({
    ...alone,
    size: 2,
    allGather: (all) => {
      const numbers = new Float64Array(all.buffer);
      const half = numbers.length / 2;
      numbers.copyWithin(half, 0, half);
      numbers[half + differs] = (numbers[half + differs] as number) + 1;
    },
  });
  const w = ones([2]).requiresGrad_();
  w.sum().backward();
  throws(() => worldOf(pair(0)).average(w), 'STATE', /rank 1 is at another call than rank 0/);
  throws(() => worldOf(pair(1)).average(w), 'STATE', /which of them have gradients, of rank 1 are not those of rank 0/);
  throws(() => worldOf(pair(1)).backward({ a: w.sum() }), 'STATE', /the losses of rank 1 are not those/);
  throws(() => worldOf(pair(3)).hash({ model: w, step: 1 }), 'STATE', /rank 1 has other bits than rank 0 in model\./);
  assert.equal([...(w.grad as Tensor).data()], [1, 1]);
});

test('bad arguments are refused by name', async () => {
  const w = ones([2]).requiresGrad_();
  throws(() => world.average(w, { sample: 3 } as never), 'VALUE', /world\.average: there is no option 'sample'\. Did you mean 'samples'/);
  throws(() => world.average(w, { samples: -1 }), 'VALUE', /samples must be a number of samples > 0, got -1/);
  throws(() => world.average('w' as never), 'DTYPE', /world\.average: parameters are tensors/);
  throws(() => world.backward({ a: w.sum() }, { at: w } as never), 'VALUE', /world\.backward: there is no option 'at'/);
  throws(() => world.backward({ a: w }), 'SHAPE', /world\.backward: the loss 'a' has shape/);
  throws(() => world.allReduce(tensor([1], { dtype: 'int32' })), 'DTYPE', /takes float32/);
  throws(() => world.allReduce(w, { op: 'product' as never }), 'VALUE', /op must be "sum" or/);
  throws(() => world.broadcast([w], { root: 1 }), 'INDEX', /no rank 1 among 1/);
  throws(() => world.shard(ones([])), 'SHAPE', /no row for each of 1 ranks/);
  throws(() => world.hash(3 as never), 'VALUE', /world\.hash: takes a run's parts by name/);
  for (const call of [world.checkpoint('x', { ranks: [] }), initMpi({ timeout: 0 }), initMpi({ timeouts: 3 } as never), initMpi({ library: '' })]) {
    await call.then(
      () => assert.unreachable(),
      (error: GradloomError) => assert.is(error.code, 'VALUE'),
    );
  }
});

test('without koffi initMpi says what to install', async () => {
  await initMpi().then(
    () => assert.unreachable(),
    (error: GradloomError) => assert.match(error.message, /initMpi: the package koffi, which calls MPI, could not be loaded: .*npm install koffi/s),
  );
});

test('nothing goes after finalize', () => {
  const ended = worldOf();
  ended.finalize();
  ended.finalize();
  ended.exit(1);
  throws(() => ended.barrier(), 'RUNTIME', /world\.barrier: comes after finalize/);
});

test.after(() => {
  for (const made of worlds) made.finalize();
});
test.run();
