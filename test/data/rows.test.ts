// Data by rows: datasets of items, streams, samplers, and loaders that go on where they were.
import {
  type Collated,
  ConcatDataset,
  DataLoader,
  type DataLoaderOptions,
  defaultCollate,
  Generator,
  keep,
  manualSeed,
  memory,
  ones,
  randomSplit,
  scope,
  Subset,
  type Tensor,
  TensorDataset,
  tensor,
  WeightedRandomSampler,
} from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const rowsOf = (t: Tensor): number[] => Array.from(t.data());
const later = <T>(value: T, ms = 0): Promise<T> => new Promise((resolve) => setTimeout(resolve, ms, value));

test('rows are put together part by part', () => {
  const rows = [
    { x: [1, 2], y: 3, ok: true, name: 'a', words: new Int32Array([7, 8]), pair: [tensor([1]), 4] as const },
    { x: [5, 6], y: 7, ok: false, name: 'b', words: new Int32Array([9, 0]), pair: [tensor([2]), 8] as const },
  ];
  const batch: Collated<(typeof rows)[number]> = defaultCollate(rows);
  assert.equal(batch.x.toArray(), [
    [1, 2],
    [5, 6],
  ]);
  assert.equal([batch.x.dtype, batch.y.dtype, batch.ok.dtype, batch.words.dtype], ['float32', 'float32', 'bool', 'int32']);
  assert.equal(batch.y.toArray(), [3, 7]);
  assert.equal(batch.name, ['a', 'b']);
  assert.equal(batch.words.toArray(), [
    [7, 8],
    [9, 0],
  ]);
  assert.equal(
    batch.pair.map((t) => (t as Tensor).toArray()),
    [
      [[1], [2]],
      [4, 8],
    ],
  );
});

test('rows of different form are refused by name', () => {
  throwsCode('VALUE', /collate: row 1 of the batch is float32 \[3\], row 0 float32 \[2\]/, () => defaultCollate([ones([2]), ones([3])]));
  throwsCode('VALUE', /collate: row 1\.x of the batch/, () => defaultCollate([{ x: [1, 2] }, { x: [1] }]));
  throwsCode('VALUE', /collate: row 1\.x of the batch has 3 numbers, row 0 2\. Pad them .*padSequence/, () =>
    defaultCollate([{ x: new Float32Array(2) }, { x: new Float32Array(3) }]),
  );
  throwsCode('VALUE', /is int32 \[2\], row 0 float32 \[2\]\. Rows of one batch/, () => defaultCollate([ones([2]), ones([2], { dtype: 'int32' })]));
  throwsCode('VALUE', /collate: row 1 of the batch/, () => defaultCollate([[1, 2], [1]]));
  throwsCode('VALUE', /collate: row 2\[1\] of the batch is 'b'/, () =>
    defaultCollate([
      [1, 2],
      [1, 3],
      [1, 'b' as never],
    ]),
  );
  throwsCode('VALUE', /collate: row 1\.x of the batch is null/, () => defaultCollate([{ x: [1, 2] }, { x: null as never }]));
  throwsCode('VALUE', /collate: takes at most 1/, () => Reflect.apply(defaultCollate, null, [[1], { dropLast: true }]));
  throwsCode('VALUE', /takes a list of rows/, () => defaultCollate([]));
});

test('any object with length and get(i), lists, and iterables', () => {
  const squares = { length: 5, get: (i: number) => [i, i * i] as const };
  const seen: number[][] = [];
  for (const [x, y] of new DataLoader(squares, { batchSize: 2 })) seen.push([...rowsOf(x), ...rowsOf(y)]);
  assert.equal(seen, [
    [0, 1, 0, 1],
    [2, 3, 4, 9],
    [4, 16],
  ]);
  assert.equal([...new DataLoader([3, 4, 5], { batchSize: 2, dropLast: true })].length, 1);
  const streamed: number[][] = [];
  for (const x of new DataLoader(new Set([1, 2, 3]), { batchSize: 2 })) streamed.push(rowsOf(x));
  assert.equal(streamed, [[1, 2], [3]]);
  throwsCode('VALUE', /the length of an iterable is not known/, () => new DataLoader(new Set([1])).length);
  throwsCode('VALUE', /gives rows as they come, without shuffle/, () => new DataLoader(new Set([1]), { shuffle: true }));
});

test('a stream that is left is closed', () => {
  let closed = 0;
  const rows = {
    *[Symbol.iterator]() {
      try {
        yield* [1, 2, 3, 4];
      } finally {
        closed++;
      }
    },
  };
  for (const _ of new DataLoader(rows, { batchSize: 2 })) break;
  assert.is(closed, 1);
});

test('rows that come later: for await asks for the next batch while one is used', async () => {
  const log: string[] = [];
  const dataset = {
    length: 4,
    get: async (i: number) => {
      log.push(`get ${i}`);
      return later(i);
    },
  };
  for await (const x of new DataLoader(dataset, { batchSize: 2 })) log.push(`use ${rowsOf(x).join()}`);
  assert.equal(log, ['get 0', 'get 1', 'get 2', 'get 3', 'use 0,1', 'use 2,3']);
  log.length = 0;
  for await (const x of new DataLoader(dataset, { batchSize: 2, prefetchFactor: 0 })) log.push(`use ${rowsOf(x).join()}`);
  assert.equal(log, ['get 0', 'get 1', 'use 0,1', 'get 2', 'get 3', 'use 2,3']);
  throwsCode('VALUE', /gives promises. Loop with for await/, () => [...new DataLoader(dataset)]);
});

test('for await over async iterables, lists and tensors', async () => {
  async function* stream() {
    for (let i = 0; i < 5; i++) yield await later(i);
  }
  const seen: number[][] = [];
  for await (const x of new DataLoader(stream(), { batchSize: 2 })) seen.push(rowsOf(x));
  assert.equal(seen, [[0, 1], [2, 3], [4]]);
  throwsCode('VALUE', /Loop with for await/, () => [...new DataLoader(stream())]);
  seen.length = 0;
  for await (const [x] of new DataLoader(new TensorDataset(tensor([1, 2, 3])), 2)) seen.push(rowsOf(x));
  assert.equal(seen, [[1, 2], [3]]);
});

test('an async loop keeps memory flat, and gives back what it made where it is left', async () => {
  const dataset = { length: 64, get: (i: number) => later(new Float32Array(1000).fill(i)) };
  ones([1]).mul(2); // constants are kept
  const before = memory().live;
  const live: number[] = [];
  for await (const x of new DataLoader(dataset, { batchSize: 4 })) {
    x.mul(2).sum().item();
    live.push(memory().live - before);
  }
  assert.is(Math.max(...live), live[0]);
  assert.ok(memory().live <= before, `${memory().live - before}`);
  for await (const _ of new DataLoader(dataset, { batchSize: 4 })) break;
  assert.ok(memory().live <= before, `${memory().live - before}`);
});

test('an error of a row reaches the loop, and none goes unhandled after a break', async () => {
  const dataset = { length: 4, get: async (i: number) => (i === 3 ? Promise.reject(new Error('row 3')) : i) };
  let error: unknown;
  try {
    for await (const _ of new DataLoader(dataset)) void _;
  } catch (e) {
    error = e;
  }
  assert.match(String(error), /row 3/);
  for await (const x of new DataLoader(dataset)) if (x.item() === 2) break;
  await later(0, 5);
});

test('an abort ends an async loop', async () => {
  const controller = new AbortController();
  let turns = 0;
  try {
    for await (const _ of new DataLoader({ length: 9, get: (i: number) => later(i) }, { signal: controller.signal })) {
      if (++turns === 2) controller.abort(new Error('stopped'));
    }
    assert.unreachable();
  } catch (e) {
    assert.match(String(e), /stopped/);
  }
  assert.is(turns, 2);
});

test('subsets, splits and datasets one after the other', () => {
  const data = new TensorDataset(tensor(count(10)));
  const [train, rest] = randomSplit(data, [0.7, 0.3], { seed: 3 }) as [Subset<typeof data>, Subset<typeof data>];
  assert.equal([train.length, rest.length], [7, 3]);
  assert.equal(
    [...train.indices, ...rest.indices].sort((a, b) => a - b),
    count(10),
  );
  assert.equal(randomSplit(data, [7, 3], { seed: 3 })[0]?.indices, train.indices);
  assert.equal(
    randomSplit(count(10), [0.55, 0.45]).map((s) => s.length),
    [6, 4],
  );
  const seen: number[] = [];
  for (const [x] of new DataLoader(train, { batchSize: 3 })) seen.push(...rowsOf(x));
  assert.equal(seen, train.indices);
  const both = new ConcatDataset([[1, 2], { length: 2, get: (i: number) => 10 + i }]);
  assert.is(both.length, 4);
  assert.equal([...new DataLoader(both, { batchSize: 4 })].length, 1);
  scope(() => {
    for (const x of new DataLoader(both, { batchSize: 4 })) assert.equal(rowsOf(x), [1, 2, 10, 11]);
  });
  throwsCode('VALUE', /the lengths sum to 9, the dataset has 10 rows/, () => randomSplit(data, [4, 5]));
  throwsCode('VALUE', /Subset: the index must be a whole number from 0 to 9, got 10/, () => new Subset(data, [10]));
  throwsCode('VALUE', /ConcatDataset.get: the index must be a whole number from 0 to 3/, () => both.get(4));
});

test('weighted draws follow their weights; without replacement no row comes twice, nor one of weight 0', () => {
  const n = 40000;
  const counts = [0, 0, 0, 0, 0];
  for (const i of new WeightedRandomSampler([1, 0, 2, 5, 2], n, { seed: 5 })) counts[i] = (counts[i] as number) + 1;
  // six standard deviations of a binomial count
  [0.1, 0, 0.2, 0.5, 0.2].forEach((p, i) => {
    assert.ok(Math.abs((counts[i] as number) - n * p) <= 6 * Math.sqrt(n * p * (1 - p)), `${counts}`);
  });
  for (let seed = 0; seed < 50; seed++) {
    const drawn = [...new WeightedRandomSampler([1e-9, 0, 1e9, 5, 2], 4, { seed, replacement: false })];
    assert.equal(
      drawn.sort((a, b) => a - b),
      [0, 2, 3, 4],
    );
  }
  throwsCode('VALUE', /weight 1 is -1/, () => new WeightedRandomSampler([1, -1], 1));
  throwsCode('VALUE', /3 rows cannot be drawn without replacement from 2/, () => new WeightedRandomSampler([1, 1, 0], 3, { replacement: false }));
  throwsCode('VALUE', /no option 'replace'/, () => new WeightedRandomSampler([1], 1, { replace: true } as never));
});

test('samplers give the order', () => {
  const loader = new DataLoader(count(6), { batchSize: 2, sampler: [5, 4, 3] });
  assert.is(loader.length, 2);
  assert.equal(
    Array.from(loader, (x) => x.shape[0]),
    [2, 1],
  );
  const batches = new DataLoader(new TensorDataset(tensor(count(6))), { batchSampler: [[5], [1, 2, 3]] });
  const seen: number[][] = [];
  for (const [x] of batches) seen.push(rowsOf(x));
  assert.equal(seen, [[5], [1, 2, 3]]);
  throwsCode('VALUE', /takes one of shuffle, sampler and batchSampler/, () => new DataLoader([1], { shuffle: true, sampler: [0] }));
  throwsCode('VALUE', /index must be a whole number from 0 to 5, got 6/, () => [...new DataLoader(count(6), { sampler: [6] })]);
});

test('a loader that is resumed anywhere sees the same batches as one that never stopped', async () => {
  type Make = () => DataLoader<Tensor>;
  const data = count(10);
  const makers: [string, Make][] = [
    ['in order', () => new DataLoader(data, { batchSize: 3 })],
    ['shuffled by a seed', () => new DataLoader(data, { batchSize: 3, shuffle: true, seed: 2 })],
    ['shuffled by manualSeed', () => new DataLoader(data, { batchSize: 3, shuffle: true })],
    ['weighted', () => new DataLoader(data, { batchSize: 3, sampler: new WeightedRandomSampler(data, 10, { seed: 2 }) })],
    ['batches of indices', () => new DataLoader(data, { batchSampler: [[1], [2, 3], [4, 5, 6]] })],
    ['a stream', () => new DataLoader(new Set(data), { batchSize: 3 })],
  ];
  const epochs = 3;
  for (const [name, make] of makers) {
    for (const wait of [false, true]) {
      /** Batches of all epochs; stops after `stop` batches with the state, or goes on from one. */
      const run = async (loader: DataLoader<Tensor>, from: { epoch: number } | null, stop = Infinity): Promise<{ batches: number[][]; epoch: number }> => {
        const batches: number[][] = [];
        for (let epoch = from?.epoch ?? 0; epoch < epochs; epoch++) {
          const take = (x: Tensor): boolean => batches.push(rowsOf(x)) === stop;
          if (wait) {
            for await (const x of loader) if (take(x)) return { batches, epoch };
          } else for (const x of loader) if (take(x)) return { batches, epoch };
        }
        return { batches, epoch: epochs };
      };
      manualSeed(9);
      const whole = await run(make(), null);
      for (let stop = 1; stop < whole.batches.length; stop++) {
        manualSeed(9);
        const first = make();
        const before = await run(first, null, stop);
        const state = JSON.parse(JSON.stringify({ ...first.stateDict(), order: null }));
        const { order } = first.stateDict();
        if (order) state.order = { rows: keep(tensor(order.rows.data())), sizes: order.sizes };
        const second = make();
        second.loadStateDict(state);
        const after = await run(second, { epoch: before.epoch });
        assert.equal([...before.batches, ...after.batches], whole.batches, `${name}, stopped after ${stop}, ${wait ? 'async' : 'sync'}`);
      }
    }
  }
});

test('states that are none, or of other data, are refused', () => {
  const loader = new DataLoader(count(4));
  const begun = { position: 0, generator: null, order: null, sampler: null };
  for (const wrong of [undefined, {}, { ...begun, position: -1 }, { ...begun, generator: [1] }, { ...begun, order: { rows: { dtype: 'int32' }, sizes: [2] } }]) {
    throwsCode('STATE', /DataLoader.loadStateDict: takes what stateDict\(\) gave/, () => loader.loadStateDict(wrong as never));
  }
  const plain = { position: 1, generator: null, order: null, sampler: null };
  const [generator, sampler] = [[1, 0, 0, 0], new WeightedRandomSampler([1, 1], 2, { seed: 1 })];
  const order = { rows: tensor([0, 1, 0, 1], { dtype: 'int32' }), sizes: [1, 1, 1, 1] };
  const misfits: [RegExp, DataLoaderOptions, object][] = [
    [/is at batch 5, the dataset has 4/, {}, { position: 5 }],
    [/is of a shuffled loader/, {}, { generator }],
    [/is of a loader with a sampler/, {}, { order }],
    [/is of a sampler that remembers/, { sampler: [0, 1] }, { order, sampler: {} }],
    [/is at batch 1 of an order that it does not tell/, { shuffle: true }, {}],
    [/is at batch 1 of an order that it does not tell/, { sampler }, {}],
    [/is at batch 5, the dataset has 4/, { sampler }, { position: 5, order }],
    [/has rows that the dataset of 4 has not/, { sampler }, { order: { rows: tensor([0, 4], { dtype: 'int32' }), sizes: [2] } }],
    [/has batches of more rows than it tells/, { sampler }, { order: { ...order, sizes: [3, 2] } }],
  ];
  for (const [text, options, wrong] of misfits) {
    const other = new DataLoader(count(4), options);
    const before = JSON.stringify(other.stateDict());
    throwsCode('STATE', text, () => other.loadStateDict({ ...plain, ...wrong } as never));
    assert.is(JSON.stringify(other.stateDict()), before);
  }
});

test('a state that was loaded is told until its pass begins', () => {
  for (const options of [{}, { shuffle: true, seed: 3 }, { sampler: new WeightedRandomSampler([1, 2, 3, 4], 4, { seed: 1 }) }]) {
    const loader = new DataLoader(count(4), options);
    const first = loader[Symbol.iterator]();
    first.next();
    const state = loader.stateDict();
    first.return();
    const second = new DataLoader(count(4), options);
    second.loadStateDict(state);
    const told = ({ order, ...rest }: typeof state): string => JSON.stringify({ ...rest, rows: order?.rows.toArray(), sizes: order?.sizes });
    assert.is(told(second.stateDict()), told(state));
  }
});

test("a generator of the program is the loader's own", () => {
  const rows = (generator: Generator): number[] => {
    const seen: number[] = [];
    for (const x of new DataLoader(count(8), { shuffle: true, generator })) seen.push(x.item());
    return seen;
  };
  assert.equal(rows(new Generator(4)), rows(new Generator(4)));
});

test.run();
