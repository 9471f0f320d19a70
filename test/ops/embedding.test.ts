// Tables of vectors: rows that are shortened, gradients by frequency. Right values are PyTorch's.
import { nn, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const F = nn.functional;
const int = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const table = (): Tensor =>
  tensor(
    [
      [3, 4],
      [0, 1],
      [6, 8],
      [9, 12],
    ],
    { requiresGrad: true },
  );
const rounded = (x: Tensor): number[] => [...x.data()].map((v) => Math.round(v * 1e6) / 1e6);

test('maxNorm shortens the rows that are asked for, in the weight itself', () => {
  const w = table();
  const y = F.embedding(int([0, 1, 0, 2]), w, { maxNorm: 1 });
  assert.equal(rounded(y), [0.6, 0.8, 0, 1, 0.6, 0.8, 0.6, 0.8]);
  assert.equal(rounded(w), [0.6, 0.8, 0, 1, 0.6, 0.8, 9, 12]);
  y.sum().backward();
  assert.equal(rounded(w.grad as Tensor), [2, 2, 1, 1, 1, 1, 0, 0]);
  assert.equal(rounded(F.embeddingBag(int([[3, 3]]), w, null, { mode: 'sum', maxNorm: 7, normType: 1 })), [6, 8]);
  assert.equal(rounded(w.select(0, 3)), [3, 4]);
});

test('scaleGradByFreq divides by how often a row was asked for', () => {
  const w = table();
  F.embedding(int([[0, 1], [0, 0]]), w, { scaleGradByFreq: true, paddingIdx: 1 }).sum().backward(); // biome-ignore format: one line
  assert.equal(rounded(w.grad as Tensor), [1, 1, 0, 0, 0, 0, 0, 0]);
  const bag = new nn.EmbeddingBag(4, 2, { mode: 'mean', scaleGradByFreq: true });
  bag
    .forward(int([2, 2, 1]), int([0, 1]))
    .sum()
    .backward();
  assert.equal(rounded(bag.weight.grad as Tensor), [0, 0, 0.5, 0.5, 0.75, 0.75, 0, 0]);
});

test('layers take them too; what is wrong is refused before the weight is touched', () => {
  const layer = new nn.Embedding(4, 2, { maxNorm: 0.5 });
  assert.ok(layer.forward(int([0, 1, 2, 3])).square().sum(1).data().every((v) => v <= 0.25001)); // biome-ignore format: one line
  const w = table();
  throwsCode('VALUE', /maxNorm must be/, () => F.embedding(int([0]), w, { maxNorm: -1 }));
  throwsCode('INDEX', /embedding/, () => F.embedding(int([0, 4]), w, { maxNorm: 1 }));
  throwsCode('VALUE', /scaleGradByFreq goes with/, () => F.embeddingBag(int([[0]]), w, null, { mode: 'max', scaleGradByFreq: true }));
  assert.equal(w.toArray(), table().toArray());
});

test.run();
