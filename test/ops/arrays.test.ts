// Orders, scans, padding and sums of products: edges that rows and PyTorch's cases do not show.
import { arange, argsort, einsum, nn, ones, pad, rand, scope, tensor, type Tensor, topk, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const values = (x: Tensor): number[] => [...x.data()];

test('sorting is stable, puts NaN last (first when descending), and agrees with the engine’s', () => {
  const x = tensor([2, Number.NaN, 1, 2, -1, 1]);
  assert.equal(values(argsort(x)), [4, 2, 5, 0, 3, 1]);
  assert.equal(values(argsort(x, { descending: true })), [1, 0, 3, 2, 5, 4]);
  for (const n of [1, 2, 3, 31, 32, 33, 1000]) {
    scope(() => {
      const r = rand([n]);
      assert.equal(
        values(r.sort().values),
        values(r).sort((a, b) => a - b),
      );
    });
  }
  throwsCode('VALUE', /k must be a whole number from 0 to 6/, () => topk(x, 7));
});

test('a product’s gradient is right where factors are zero', () => {
  const x = tensor([2, 0, 3, 5], { requiresGrad: true });
  x.prod().backward();
  assert.equal(values(x.grad as Tensor), [0, 30, 0, 0]);
  assert.is(zeros([0]).prod().item(), 1);
  assert.equal(values(arange(1, 5).int().cumprod(0)), [1, 2, 6, 24]);
  assert.equal(values(tensor([true, false, true]).cumsum(0)), [1, 1, 2]);
});

test('scatter: the last of equal indices stays', () => {
  const index = tensor([1, 1], { dtype: 'int32' });
  assert.equal(values(zeros([3]).scatter(0, index, tensor([4, 5]))), [0, 5, 0]);
  assert.equal(values(ones([3]).scatter(0, index, 7)), [1, 7, 1]);
  throwsCode('DTYPE', /types differ: float32 and int32/, () => ones([3]).scatter(0, index, index));
  throwsCode('INDEX', /3/, () => ones([3]).scatter(0, tensor([3], { dtype: 'int32' }), 1));
});

test('einsum says what does not fit', () => {
  throwsCode('VALUE', /'ij,jk': names 2 tensors, got 1/, () => einsum('ij,jk', ones([2, 3])));
  throwsCode('VALUE', /j is 3 in one place and 4 in another/, () => einsum('ij,jk', ones([2, 3]), ones([4, 2])));
  throwsCode('VALUE', /rank 3/, () => einsum('ij->i', ones([2, 3, 4])));
  throwsCode('VALUE', /the result names z/, () => einsum('ij->z', ones([2, 3])));
  assert.equal(einsum('ba', ones([2, 3])).shape, [3, 2]);
});

test('large arguments of sinh and asin neither cancel nor turn NaN', () => {
  assert.equal(values(tensor([-100, 1e-6, 100]).sinh()), [Number.NEGATIVE_INFINITY, Math.fround(1e-6), Number.POSITIVE_INFINITY]);
  assert.ok(Math.abs((values(tensor([-20]).sinh())[0] as number) / Math.sinh(-20) - 1) < 1e-6);
  assert.equal(values(tensor([-1, 1]).asin()), [-Math.fround(Math.PI / 2), Math.fround(Math.PI / 2)]);
});

test('padding refuses what it cannot fill', () => {
  throwsCode('VALUE', /pairs/, () => pad(ones([2]), [1]));
  throwsCode('SHAPE', /cuts off more/, () => pad(ones([2]), [-2, -1]));
  throwsCode('SHAPE', /'reflect' margins of 2/, () => pad(ones([2]), [2, 0], { mode: 'reflect' }));
  assert.equal(nn.functional.pad(ones([1]), [1, 1], { value: 5 }).toArray(), [5, 1, 5]);
});

test.run();
