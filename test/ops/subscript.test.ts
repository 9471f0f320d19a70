// x.index(…) and x.indexPut_(…): what the rows of cases.ts do not show.
import { arange, capture, full, indexPut, ones, scope, slice, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const int = (v: number[] | number[][]): Tensor => tensor(v, { dtype: 'int32' });
const x = arange(12).reshape(3, 4);

test('numbers, ranges, null and ... show a view; index tensors, lists and masks copy', () => {
  assert.equal(x.index(1).toArray(), [4, 5, 6, 7]);
  assert.equal(x.index(-1, 2).item(), 10);
  assert.equal(x.index('...', slice(1, -1)).toArray(), x.slice(1, 1, 3).toArray());
  assert.equal(x.index(slice(2)).shape, [2, 4]);
  assert.equal(x.index(slice(null, null, 2), null).shape, [2, 1, 4]);
  assert.equal(x.index([0, -1], [1, 2]).toArray(), [1, 10]);
  assert.equal(x.index([[0], [2]], [0, 3]).toArray(), [
    [0, 3],
    [8, 11],
  ]);
  assert.equal(x.index([true, false, true]).toArray(), [
    [0, 1, 2, 3],
    [8, 9, 10, 11],
  ]);
  assert.equal(x.index(x.gt(9)).toArray(), [10, 11]);
  assert.equal(x.index([int([0, 1]), int([1, 1])]).toArray(), [1, 5]);
  assert.equal(x.index(true).shape, [1, 3, 4]);
  assert.equal(x.index(false).shape, [0, 3, 4]);
  assert.equal(x.index([]).shape, [0, 4]);
  const y = zeros([2, 2]);
  y.index(0).fill_(1);
  y.index('...').add_(1);
  assert.equal(y.toArray(), [
    [2, 2],
    [1, 1],
  ]);
});

test('indices side by side stay in place, apart they come first', () => {
  const cube = zeros([2, 3, 4, 5]);
  assert.equal(cube.index(slice(), int([0, 1]), int([2, 2])).shape, [2, 2, 5]);
  assert.equal(cube.index(int([0, 1]), slice(), int([2, 2])).shape, [2, 3, 5]);
  assert.equal(cube.index(slice(), int([0, 1]), 0, int([2, 2])).shape, [2, 2]);
  assert.equal(cube.index(slice(), int([0, 1]), null, int([2, 2])).shape, [2, 2, 1, 5]);
});

test('indexPut_ writes in place, in views too, and adds where asked', () => {
  const y = zeros([3, 3]);
  assert.is(y.indexPut_(1, slice(1, null), 5), y);
  y.indexPut_([0, 2], [0, 2], tensor([1, 2]));
  assert.equal(y.toArray(), [
    [1, 0, 0],
    [0, 5, 5],
    [0, 0, 2],
  ]);
  y.indexPut_(int([0, 0]), int([1, 1]), 3, { accumulate: true });
  y.indexPut_(y.eq(5), -1);
  assert.equal(y.toArray(), [
    [1, 6, 0],
    [0, -1, -1],
    [0, 0, 2],
  ]);
  y.index(slice(), 2).indexPut_([1, 2], tensor([7, 8]));
  assert.equal(y.index(slice(), 2).toArray(), [0, 7, 8]);
  assert.equal(zeros([2], { dtype: 'int32' }).indexPut_(0, 7).toArray(), [7, 0]);
  assert.equal(zeros([2], { dtype: 'bool' }).indexPut_(1, true).toArray(), [false, true]);
  assert.equal(indexPut(zeros([3]), [int([0, 0])], tensor([1, 2])).toArray(), [2, 0, 0]);
});

test('what does not fit is refused by name before anything is written', () => {
  const y = zeros([2, 3]);
  throwsCode('INDEX', /index: index 3 is out of range/, () => y.index(0, 3));
  throwsCode('INDEX', /index: index 2 at position 1 .* \[-2, 1\]/, () => y.index(int([0, 2])));
  throwsCode('INDEX', /index: 3 indices do not fit \[2, 3\]/, () => y.index(0, 0, 0));
  throwsCode('INDEX', /0 indices/, () => y.index());
  throwsCode('INDEX', /'...' once/, () => y.index('...', '...'));
  throwsCode('SHAPE', /index: the mask does not fit its dimensions: \[3\] × \[2\]/, () => y.index(ones([3]).bool()));
  throwsCode('SHAPE', /index: shapes do not broadcast/, () => y.index(int([0, 1]), int([0, 1, 2])));
  throwsCode('DTYPE', /index: an index is .* got a tensor float32/, () => y.index(ones([2])));
  for (const wrong of [':', [1.5], [true, 1], [[true, 1]], undefined, {}]) throwsCode('DTYPE', /index: an index is/, () => y.index(wrong as never));
  throwsCode('INDEX', /index: index 1.5 is out of range/, () => y.index(1.5));
  throwsCode('VALUE', /slice: start must be a whole number or null/, () => slice(0.5, 1));
  throwsCode('VALUE', /index: the step/, () => y.index(slice(null, null, -1)));
  throwsCode('SHAPE', /indexPut_: shapes do not broadcast: \[2\] × \[3\]/, () => y.indexPut_(0, ones([2])));
  throwsCode('SHAPE', /indexPut_: the values do not fit what is indexed: \[2, 3\] × \[3\]/, () => y.indexPut_(0, ones([2, 3])));
  throwsCode('DTYPE', /indexPut_: int32 \[1\] cannot hold 0.5/, () => zeros([1], { dtype: 'int32' }).indexPut_(0, 0.5));
  throwsCode('DTYPE', /indexPut_: takes tensors and numbers/, () => y.indexPut_(0, [1] as never));
  throwsCode('VALUE', /indexPut_: there is no option 'accumulated'/, () => y.indexPut_(0, 1, { accumulated: true } as never));
  throwsCode('INPLACE', /a leaf that requires a gradient/, () => zeros([2], { requiresGrad: true }).indexPut_(0, 1));
  assert.ok(y.data().every((v) => v === 0));
});

test('a captured step indexes by numbers, tensors and lists; masks with a single value', () => {
  const step = capture((a: Tensor, i: Tensor) => {
    const y = a.clone();
    y.indexPut_(a.gt(2), 0);
    y.indexPut_([0, -1], i, 9);
    return y.index(i, slice(1, null)).add(y.index(i.index(0)).index([1, 2]));
  });
  for (let k = 0; k < 6; k++)
    scope(() => {
      const [a, i] = [arange(9).float().sub(k).reshape(3, 3), int([k % 3, -1])];
      const y = a.clone();
      y.indexPut_(a.gt(2), 0);
      y.indexPut_([0, -1], i, 9);
      const expected = y.index(i, slice(1, null)).add(y.index(i.index(0)).index([1, 2]));
      assert.equal(step(a, i).toArray(), expected.toArray(), `call ${k}`);
    });
  step.release();
  const masked = capture((a: Tensor) => a.index(a.gt(0)));
  throwsCode('CAPTURE', /index: the shape of its result depends on what the tensor holds/, () => [0, 1, 2].map(() => masked(full([2], 1))));
});

test('small conveniences', () => {
  assert.equal([x.numel(), x.dim(), x.ndim], [12, 2, 2]);
  assert.equal(x.T.shape, [4, 3]);
  assert.equal(x.T.tolist(), x.t().toArray());
  throwsCode('VALUE', /numel: takes at most 0 arguments/, () => (x as unknown as { numel(n: number): number }).numel(1));
});

test.run();
