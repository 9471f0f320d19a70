// Datasets and loaders.
import { arange, DataLoader, Generator, manualSeed, memory, ones, type Tensor, TensorDataset, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const dataset = new TensorDataset(arange(10).float().reshape([10, 1]), arange(10));
const rowsOf = (loader: DataLoader<unknown>): number[][] => Array.from(loader as Iterable<readonly [{ data(): ArrayLike<number> }]>, ([x]) => Array.from(x.data()));

test('batches in order, the last one smaller or left out', () => {
  assert.equal(rowsOf(new DataLoader(dataset, { batchSize: 4 })), [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9],
  ]);
  const dropping = new DataLoader(dataset, { batchSize: 4, dropLast: true });
  assert.is(dropping.length, 2);
  assert.is(rowsOf(dropping).length, 2);
  assert.is(new DataLoader(dataset).length, 10);
});

test('a shuffled pass holds each row once, tuples stay together, seeds repeat', () => {
  const passes = (seed: number): number[][] => {
    const loader = new DataLoader(dataset, { batchSize: 3, shuffle: true, seed });
    return [rowsOf(loader).flat(), rowsOf(loader).flat()];
  };
  const [first, second] = passes(4) as [number[], number[]];
  assert.equal(
    [...first].sort((a, b) => a - b),
    [...arange(10).data()],
  );
  assert.not.equal(first, second, 'each pass has an order of its own');
  assert.equal(passes(4), [first, second]);
  for (const [x, y] of new DataLoader(dataset, { batchSize: 3, shuffle: true })) assert.equal([...x.data()], [...y.data()]);
  const follow = (): number[][] => {
    manualSeed(9);
    return rowsOf(new DataLoader(dataset, { shuffle: true }));
  };
  assert.equal(follow(), follow());
});

test('a pass leaves nothing behind', () => {
  const loader = new DataLoader(dataset, { batchSize: 3, shuffle: true });
  ones([1]).mul(2); // numbers in ops are kept as constants: this one from here on
  const before = memory().live;
  for (const [x] of loader) x.mul(2);
  for (const _ of loader) break;
  assert.is(memory().live, before);
});

test('batches are copies', () => {
  for (const [x] of new DataLoader(dataset, { batchSize: 10 })) x.fill_(0);
  assert.is((dataset.tensors[0] as { sum(): { item(): number } }).sum().item(), 45);
});

test('datasets of unequal rows and bad batch sizes are errors', () => {
  throwsCode('SHAPE', /\[2\], \[3\]/, () => new TensorDataset(ones([2]), ones([3])));
  throwsCode('SHAPE', /none/, () => new TensorDataset());
  throwsCode('SHAPE', /rows/, () => new TensorDataset(tensor(1)));
  throwsCode('VALUE', /batchSize/, () => new DataLoader(dataset, { batchSize: 0 }));
  throwsCode('DTYPE', /TensorDataset: tensors\[1\] must be a tensor, got \[1, 2\]/, () => new TensorDataset(ones([2]), [1, 2] as unknown as Tensor));
});

test('batchSize and shuffle count by position, as in PyTorch; what else is given is refused', () => {
  const data = new TensorDataset(arange(10));
  const Loader = DataLoader as unknown as new (...given: unknown[]) => DataLoader<readonly [Tensor]>;
  assert.equal(
    Array.from(new Loader(data, 4), ([x]) => x.shape[0]),
    [4, 4, 2],
  );
  const seen: number[] = [];
  for (const [x] of new Loader(data, 4, true)) seen.push(...x.data());
  assert.not.equal(seen, [...Array(10).keys()]);
  assert.equal(
    seen.sort((a, b) => a - b),
    [...Array(10).keys()],
  );
  throwsCode('VALUE', /DataLoader: takes at most 3 arguments, got 4/, () => new Loader(data, 4, true, null));
  throwsCode('VALUE', /DataLoader: takes at most 2 arguments/, () => new Loader(data, {}, true));
  throwsCode('VALUE', /DataLoader: shuffle must be true or false, got 'yes'/, () => new Loader(data, 4, 'yes'));
  throwsCode('VALUE', /no option 'batch_size'. Did you mean 'batchSize'/, () => new Loader(data, { batch_size: 4 }));
  throwsCode('VALUE', /batchSize must be a whole number ≥ 1, got null/, () => new Loader(data, { batchSize: null }));
  throwsCode('VALUE', /options are an object/, () => new Loader(data, '4'));
  throwsCode('VALUE', /seed or generator, not both/, () => new Loader(data, { seed: 1, generator: new Generator(2) }));
  throwsCode('VALUE', /generator must be a Generator/, () => new Loader(data, { generator: 3 }));
});

test('what is no dataset is refused by what it lacks', () => {
  for (const wrong of [undefined, null, 3, ones([4, 2]), 'rows', { length: 4 }]) {
    throwsCode('VALUE', /DataLoader: the dataset must have a length and batch\(indices\).*new TensorDataset/, () => new DataLoader(wrong as never));
  }
  for (const length of [undefined, -1, 2.5, '3', Number.NaN]) {
    throwsCode('VALUE', /the dataset's length must be its number of rows/, () => new DataLoader({ length, batch: () => 0 } as never));
  }
  assert.is([...new DataLoader({ length: 0, batch: () => 0 })].length, 0);
});

test.run();
