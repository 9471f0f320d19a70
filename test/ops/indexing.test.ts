// Indices: what is outside the dimension is refused before kernels see it.
import * as g from 'gradloom';
import { arange, full, nn, ones, TensorDataset, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const F = nn.functional;
const int = (v: number[] | number[][]): Tensor => tensor(v, { dtype: 'int32' });

test('an index outside the dimension is INDEX everywhere, −1 too, and nothing is written', () => {
  const x = arange(6).float().reshape(2, 3);
  const calls: Record<string, (i: number) => unknown> = {
    indexSelect: (i) => x.indexSelect(0, int([0, i])),
    indexAdd: (i) => x.indexAdd(0, int([0, i]), ones([2, 3])),
    gather: (i) => x.gather(1, int([[0], [i]])),
    scatter: (i) => x.scatter(1, int([[0], [i]]), ones([2, 1])),
    scatterAdd: (i) => x.scatterAdd(1, int([[0], [i]]), ones([2, 1])),
    embedding: (i) => F.embedding(int([[0, i]]), x),
    oneHot: (i) => F.oneHot(int([0, i]), 3),
    'TensorDataset.batch': (i) => new TensorDataset(x).batch(int([0, i])),
    multiMarginLoss: (i) => F.multiMarginLoss(x, int([0, i])),
    ctcLoss: (i) => F.ctcLoss(zeros([4, 1, 3]).logSoftmax(2), int([[1, i]]), [4], [2]),
  };
  const bystanders = Array.from({ length: 40 }, () => full([16], 7));
  for (const [name, call] of Object.entries(calls)) {
    for (const i of [-1, -2, 3, 2 ** 31 - 1, -(2 ** 31)]) throwsCode('INDEX', new RegExp(`^${name}: (index|class) -?${Math.abs(i)} at position`), () => call(i));
  }
  assert.ok(bystanders.every((t) => t.data().every((v) => v === 7)));
});

test('an empty dimension has no index; no index asks for nothing', () => {
  throwsCode('INDEX', /none to choose/, () => zeros([0, 2]).indexSelect(0, int([0])));
  assert.equal(zeros([0, 2]).indexSelect(0, int([])).shape, [0, 2]);
  assert.equal(F.embedding(int([]), ones([0, 2])).shape, [0, 2]);
});

test('a class may be ignored by its number only, which int32 must hold', () => {
  const x = zeros([2, 2]);
  assert.is(F.crossEntropy(x, int([-1, 0]), { ignoreIndex: -1 }).item(), Math.fround(Math.log(2)));
  throwsCode('INDEX', /be -1 \(ignored\)/, () => F.crossEntropy(x, int([-2, 0]), { ignoreIndex: -1 }));
  throwsCode('INDEX', /class -1/, () => F.crossEntropy(x, int([-1, 0])));
  throwsCode('VALUE', /int32/, () => F.crossEntropy(x, int([-1, 0]), { ignoreIndex: 2 ** 32 - 1 }));
});

test('int32 adds up as int32; types must agree', () => {
  const zero = zeros([3], { dtype: 'int32' });
  const big = 2 ** 30 + 1; // float32 has no place for it
  assert.equal(zero.scatterAdd(0, int([0, 0, 2]), int([-1, -2, big])).toArray(), [-3, 0, big]);
  assert.equal(zero.indexAdd(0, int([0, 0, 2]), int([-1, -2, big])).toArray(), [-3, 0, big]);
  assert.equal(
    zeros([3, 5], { dtype: 'int32' })
      .indexAdd(0, int([2, 0, 2]), arange(15).reshape(3, 5))
      .toArray(),
    [
      [5, 6, 7, 8, 9],
      [0, 0, 0, 0, 0],
      [10, 12, 14, 16, 18],
    ],
  );
  for (const op of ['scatterAdd', 'indexAdd', 'scatter'] as const)
    throwsCode('DTYPE', new RegExp(`${op}: types differ: int32 and float32`), () => zero[op](0, int([0]), ones([1])));
  for (const op of ['scatterAdd', 'indexAdd'] as const) throwsCode('DTYPE', /bools/, () => zero.bool()[op](0, int([0]), tensor([true])));
});

test('what is no tensor, no class count or no padding index is refused by name', () => {
  const x = ones([2, 2]) as unknown as Record<string, (...a: unknown[]) => unknown>;
  for (const op of ['indexSelect', 'gather']) throwsCode('DTYPE', new RegExp(`${op}: the index must be a tensor, got \\[0\\]`), () => x[op]?.(0, [0]));
  for (const op of ['indexAdd', 'scatterAdd', 'scatter']) throwsCode('DTYPE', new RegExp(`${op}: the source must be a tensor`), () => x[op]?.(0, int([0]), null));
  throwsCode('DTYPE', /indexSelect: the index tensor must be int32/, () => ones([2]).indexSelect(0, ones([1])));
  for (const classes of [0, -2, 1.5, Number.NaN]) throwsCode('VALUE', /oneHot: the number of classes/, () => g.oneHot(int([0]), classes as never));
  throwsCode('MEMORY', /no room/, () => g.oneHot(int([0]), 2 ** 40));
  for (const paddingIdx of [2, -3]) throwsCode('INDEX', /embedding: paddingIdx/, () => F.embedding(int([0]), ones([2, 2]), { paddingIdx }));
  throwsCode('VALUE', /embedding: there is no option 'padding_idx'/, () => F.embedding(int([0]), ones([2, 2]), { padding_idx: 1 } as never));
  throwsCode('DTYPE', /TensorDataset: tensors\[1\]/, () => new TensorDataset(ones([2]), [1] as never));
});

test.run();
