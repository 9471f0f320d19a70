// Datasets and loaders.
import { arange, DataLoader, manualSeed, memory, ones, TensorDataset, tensor } from 'gradloom';
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
});

test.run();
