// A world of one rank without MPI: what it computes is what multiloss.backward and checkpoint do. More ranks need `npm run test:mpi`.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchNorm1d, capture, checkpoint, Linear, manualSeed, multiloss, nn, noGrad, ones, optim, rand, scope, Sequential, type Tensor, tensor } from 'gradloom';
import { initMpi } from 'gradloom/mpi';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mpi } from '../../src/mpi/library.ts';
import { Watchdog } from '../../src/mpi/watchdog.ts';
import { World } from '../../src/mpi/world.ts';
import { rejection, rejectsCode, throwsCode } from '../helpers.ts';

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
/** Gradients, weights and products here are below 4, and are sums of some ten numbers in another order: a few halves of a place of 2.4e-7. */
const ROUNDED = 1e-6;
const near = (a: readonly number[], b: readonly number[], tolerance = ROUNDED): void => {
  assert.is(a.length, b.length);
  assert.ok(a.length > 0);
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
      near(Object.values(got.weights), Object.values(expected.weights));
      near(Object.values(got.losses), Object.values(expected.losses), 0);
    }
    near(gradientsOf(mine), gradientsOf(theirs));
  });
}

test('groups, heads and measured norms as in multiloss.backward', () => {
  for (const options of [{ groups: 'layer' }, { groups: 'param' }, { heads: 'weighted' }, { measure: true }] as const) {
    const [mine, theirs] = twins();
    const x = rand([5, 6]);
    const expected = multiloss.backward(lossesOf(theirs, x), { combine: new multiloss.MGDA(), ...options });
    const got = world.backward(lossesOf(mine, x), { combine: new multiloss.MGDA(), samples: 5, ...options });
    near(gradientsOf(mine), gradientsOf(theirs));
    near((got.gramian as number[][]).flat(), (expected.gramian as number[][]).flat());
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
  noGrad(() => {
    for (const p of other.parameters()) p.zero_();
  });
  assert.not.equal(world.hash({ model: other, step: 3 }), hash);
  assert.equal(await world.restore(file, { model: other }), { step: 3 });
  assert.is(rand([3]).data().join(), drawn);
  assert.is(world.hash({ model: other, step: 3 }), hash);
  // A single process reads it too.
  assert.is((await checkpoint.read<{ step: number }>(file, { model: other })).step, 3);
  rmSync(folder, { recursive: true });
  await rejectsCode('STATE', /rank 0 has no file/, () => world.restore(file, { model }));
});

/** One of two ranks; the other's numbers are its own, but for what `change` does to them. */
const pair = (change: (theirs: Float64Array) => void, rank = 0): Mpi => ({
  ...alone,
  rank,
  size: 2,
  allGather: (all) => {
    const numbers = new Float64Array(all.buffer);
    const half = numbers.length / 2;
    numbers.copyWithin((1 - rank) * half, rank * half, (rank + 1) * half);
    change(numbers.subarray((1 - rank) * half, (2 - rank) * half));
  },
});

test('what ranks disagree on is refused before anything is changed', () => {
  const differing = (at: number): World =>
    worldOf(
      pair((theirs) => {
        theirs[at] = (theirs[at] as number) + 1;
      }),
    );
  const w = ones([2]).requiresGrad_();
  w.sum().backward();
  throwsCode('STATE', /rank 1 is at another call than rank 0/, () => differing(0).average(w));
  throwsCode('STATE', /which of them have gradients, of rank 1 are not those of rank 0/, () => differing(1).average(w));
  throwsCode('STATE', /the losses of rank 1 are not those/, () => differing(1).backward({ a: w.sum() }));
  throwsCode('STATE', /rank 1 has other bits than rank 0 in model\./, () => differing(3).hash({ model: w, step: 1 }));
  // The number of samples comes first among the numbers; few of them go with what is compared, three before them.
  const forgets = (): World => worldOf(pair((theirs) => theirs.fill(0, theirs.length === 12 ? 3 : 0, theirs.length === 12 ? 4 : 1)));
  for (const call of [() => forgets().average(w, { samples: 5 }), () => forgets().backward({ a: w.sum() }, { samples: 5 })])
    throwsCode('STATE', /rank 0 gave samples, 5, and rank 1 gave none, so nothing was changed/, call);
  assert.equal([...(w.grad as Tensor).data()], [1, 1]);
});

test('a file that fails on rank 0 is told to all, and other calls wait for it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gradloom-world-'));
  try {
    const told: number[][] = [];
    const first = worldOf(pair((theirs) => void (theirs[2] === 2 && told.push([...theirs.subarray(3, 5)]))));
    assert.is((await rejection(first.checkpoint(join(folder, 'none', 'run'), { step: 1 }))).code, 'ENOENT');
    assert.is((await rejection(first.restore(folder))).code, 'EISDIR');
    assert.equal(told, [
      [1, 0],
      [1, 0],
    ]);
    const fails = (): World =>
      worldOf(
        pair((theirs) => {
          if (theirs[2] === 2) theirs[3] = 1;
        }, 1),
      );
    for (const [name, call] of [
      ['checkpoint', () => fails().checkpoint(join(folder, 'run'), { step: 1 })],
      ['restore', () => fails().restore(join(folder, 'run'))],
    ] as const)
      assert.match((await rejection(call())).message, new RegExp(`^world\\.${name}: rank 0, which has the file, failed`));
    assert.equal(readdirSync(folder), []);

    const writing = world.checkpoint(join(folder, 'run'), { step: 1 });
    throwsCode('STATE', /world\.barrier: comes while world\.checkpoint is not done\. Await that first/, () => world.barrier());
    assert.is((await rejection(world.restore(join(folder, 'run')))).code, 'STATE');
    await writing;
    world.barrier();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a watchdog that ends leaves nothing open; one without a shell says so', async () => {
  const watchdog = new Watchdog('test', 60) as unknown as { file: number; shell: ChildProcess; end(): void };
  watchdog.shell.ref();
  const ended = once(watchdog.shell, 'exit');
  watchdog.end();
  assert.throws(() => fstatSync(watchdog.file), /EBADF/);
  assert.equal(await ended, [0, null]);
  const { error } = console;
  try {
    const said = new Promise<string>((resolve) => {
      console.error = resolve;
    });
    const none = new Watchdog('test', 60, '/no/shell');
    assert.match(await said, /^gradloom: a rank on .* is not watched: spawn \/no\/shell ENOENT\. /);
    none.end();
  } finally {
    console.error = error;
  }
});

test('bad arguments are refused by name', async () => {
  const w = ones([2]).requiresGrad_();
  throwsCode('VALUE', /world\.average: there is no option 'sample'\. Did you mean 'samples'/, () => world.average(w, { sample: 3 } as never));
  throwsCode('VALUE', /samples must be a number of samples > 0, got -1/, () => world.average(w, { samples: -1 }));
  throwsCode('DTYPE', /world\.average: parameters are tensors/, () => world.average('w' as never));
  throwsCode('VALUE', /world\.backward: there is no option 'at'/, () => world.backward({ a: w.sum() }, { at: w } as never));
  throwsCode('SHAPE', /world\.backward: the loss 'a' has shape/, () => world.backward({ a: w }));
  throwsCode('DTYPE', /takes float32/, () => world.allReduce(tensor([1], { dtype: 'int32' })));
  throwsCode('VALUE', /op must be "sum" or/, () => world.allReduce(w, { op: 'product' as never }));
  throwsCode('INDEX', /no rank 1 among 1/, () => world.broadcast([w], { root: 1 }));
  throwsCode('SHAPE', /no row for each of 1 ranks/, () => world.shard(ones([])));
  throwsCode('VALUE', /world\.hash: takes a run's parts by name/, () => world.hash(3 as never));
  for (const [message, call] of [
    [/the part 'ranks' is what/, () => world.checkpoint('x', { ranks: [] })],
    [/timeout must be/, () => initMpi({ timeout: 0 })],
    [/there is no option 'timeouts'/, () => initMpi({ timeouts: 3 } as never)],
    [/library must be/, () => initMpi({ library: '' })],
  ] as const)
    await rejectsCode('VALUE', message, call);
});

test('without koffi initMpi says what to install', async () => {
  await rejectsCode('RUNTIME', /initMpi: the package koffi, which calls MPI, could not be loaded: .*npm install koffi/s, () => initMpi());
});

test('nothing goes after finalize', () => {
  const ended = worldOf();
  ended.finalize();
  ended.finalize();
  ended.exit(1);
  throwsCode('RUNTIME', /world\.barrier: comes after finalize/, () => ended.barrier());
});

test.after(() => {
  for (const made of worlds) made.finalize();
});
test.run();
