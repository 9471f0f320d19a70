// Tensors as data: making, reading, types, random numbers.
import { arange, cat, eye, full, Generator, linspace, manualSeed, ones, optim, rand, randn, randperm, stack, Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

test('tensors from arrays, typed arrays and numbers', () => {
  assert.equal(
    tensor([
      [1, 2],
      [3, 4],
    ]).shape,
    [2, 2],
  );
  assert.equal(tensor(5).toArray(), 5);
  assert.equal(tensor(new Float32Array([1, 2, 3, 4]), { shape: [2, 2] }).toArray(), [
    [1, 2],
    [3, 4],
  ]);
  assert.is(tensor(new Int32Array([1])).dtype, 'int32');
  assert.is(tensor([true, false]).dtype, 'bool');
  assert.equal(tensor([true, false]).toArray(), [true, false]);
  assert.equal(tensor([]).shape, [0]);
  assert.equal(tensor([[], []]).shape, [2, 0]);
  throwsCode('SHAPE', /ragged/, () => tensor([[1, 2], [3]]));
  throwsCode('SHAPE', /ragged/, () => tensor([1, [2]]));
  throwsCode('SHAPE', /3 numbers.*needs 4/s, () => tensor(new Float32Array(3), { shape: [2, 2] }));
  throwsCode('DTYPE', /string/, () => tensor(['a'] as never));
});

test('zeros, ones, full, eye, arange, linspace', () => {
  assert.equal(zeros([2]).toArray(), [0, 0]);
  assert.equal(ones([2], { dtype: 'int32' }).toArray(), [1, 1]);
  assert.equal(full([2], 2.5).toArray(), [2.5, 2.5]);
  assert.equal(eye(2, 3).toArray(), [
    [1, 0, 0],
    [0, 1, 0],
  ]);
  assert.equal(arange(3).toArray(), [0, 1, 2]);
  assert.equal(arange(1, 2, 0.5).toArray(), [1, 1.5]);
  assert.equal(arange(3, 0, -1).toArray(), [3, 2, 1]);
  assert.equal(linspace(0, 1, 5).toArray(), [0, 0.25, 0.5, 0.75, 1]);
  throwsCode('SHAPE', /sizes ≥ 0/, () => zeros([-1]));
  assert.equal(zeros(3).shape, [3]);
  throwsCode('VALUE', /never arrives/, () => arange(0, 3, -1));
});

test('reading: item, data, toArray, toString', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  assert.equal([...x.t().data()], [1, 3, 2, 4]);
  assert.equal(x.t().toArray(), [
    [1, 3],
    [2, 4],
  ]);
  throwsCode('SHAPE', /4 elements/, () => x.item());
  assert.is(`${x.mul(tensor([1, -10]))}`, 'Tensor(float32 [2, 2])\n[[  1, -20],\n [  3, -40]]');
  assert.is(`${x.t().gt(1)}`, 'Tensor(bool [2, 2])\n[[false,  true],\n [ true,  true]]');
  assert.is(`${tensor([1e9 + 1, 2], { dtype: 'int32' })}`, 'Tensor(int32 [2]) [1000000001, 2]');
  assert.is(`${arange(2000).view([2, 1000]).t()}`, 'Tensor(int32 [1000, 2])\n[[   0, 1000],\n [   1, 1001],\n [   2, 1002],\n …,\n [ 997, 1997],\n [ 998, 1998],\n [ 999, 1999]]');
  assert.is(`${zeros([0, 3])} ${zeros([2 ** 31 - 1, 0])}`.match(/\[\]/g)?.length, 7, 'empty ones');
  x.data()[0] = 9;
  assert.is((x.toArray() as number[][])[0]?.[0], 1, 'data() is a copy');
});

test('data says which type it is to be', () => {
  assert.equal([...tensor([1, 2]).data('float32')], [1, 2]);
  assert.equal([...tensor([1, 2], { dtype: 'int32' }).data('int32')], [1, 2]);
  assert.equal([...tensor([true, false]).data('bool')], [1, 0]);
  throwsCode('DTYPE', /data: the tensor is int32 \[1\], not float32/, () => tensor([1], { dtype: 'int32' }).data('float32'));
  throwsCode('DTYPE', /not float64/, () => tensor([1]).data('float64' as never));
});

test('types promote: bool < int32 < float32', () => {
  const i = tensor([1, 2], { dtype: 'int32' });
  assert.is(i.add(1).dtype, 'int32');
  assert.is(i.add(0.5).dtype, 'float32');
  assert.is(i.div(2).dtype, 'float32');
  assert.is(i.add(tensor([0.5, 1])).dtype, 'float32');
  assert.is(tensor([true]).add(tensor([true])).dtype, 'bool');
  assert.equal(tensor([true, false]).sum().item(), 1);
  assert.equal(tensor([1.9, -1.9]).int().toArray(), [1, -1]);
  assert.equal(tensor([0, 2]).bool().toArray(), [false, true]);
  assert.equal(tensor([16777217, 3], { dtype: 'int32' }).add(1).toArray(), [16777218, 4], 'beyond 2²⁴');
  assert.equal(i.mul(tensor([3, 4], { dtype: 'int32' })).toArray(), [3, 8]);
  assert.equal(i.lt(2).logicalOr(i.eq(2)).all().item(), 1);
});

test('views share memory, copies do not', () => {
  const x = zeros([2, 3]);
  x.select(0, 1).fill_(5);
  assert.equal(x.toArray(), [
    [0, 0, 0],
    [5, 5, 5],
  ]);
  x.clone().fill_(1);
  assert.equal(x.sum().item(), 15);
  throwsCode('SHAPE', /row-major/, () => x.t().view([6]));
  assert.equal(x.t().reshape([6]).shape, [6]);
});

test('movement refuses what does not fit', () => {
  const x = ones([2, 3]);
  throwsCode('SHAPE', /6 elements.*\[4\]/s, () => x.reshape([4]));
  throwsCode('DIM', /out of range/, () => x.transpose(0, 2));
  throwsCode('INDEX', /index 2/, () => x.select(0, 2));
  throwsCode('DIM', /order/, () => x.permute([0, 0]));
  throwsCode('SHAPE', /expand/, () => x.expand([3, 3]));
  throwsCode('SHAPE', /cat/, () => cat([x, ones([3, 4])], 1));
  throwsCode('SHAPE', /stack/, () => stack([x, ones([2])]));
  throwsCode('VALUE', /empty list/, () => cat([]));
  throwsCode('INDEX', /index 3 at position 1/, () => x.indexSelect(1, tensor([0, 3], { dtype: 'int32' })));
  throwsCode('DTYPE', /int32/, () => x.indexSelect(1, tensor([0])));
});

test('shapes that do not fit name op, shapes and remedy', () => {
  throwsCode('SHAPE', /^matmul: inner sizes differ: \[32, 64\] × \[32, 10\]\. Transpose one side/, () => ones([32, 64]).matmul(ones([32, 10])));
  throwsCode('SHAPE', /^add: shapes do not broadcast: \[2, 3\] × \[4\]/, () => ones([2, 3]).add(ones([4])));
});

test('a seed gives the same numbers, and streams are independent', () => {
  manualSeed(7);
  const a = randn([5]).toArray();
  manualSeed(7);
  assert.equal(randn([5]).toArray(), a);
  assert.not.equal(randn([5]).toArray(), a);
  const g = new Generator(3);
  const first = rand([4], { generator: g }).toArray();
  const state = g.getState();
  const second = rand([4], { generator: g }).toArray();
  g.setState(state);
  assert.equal(rand([4], { generator: g }).toArray(), second);
  assert.equal(rand([4], { generator: new Generator(3) }).toArray(), first);
  throwsCode('VALUE', /seed/, () => manualSeed(-1));
});

test('the generator is Philox4x32-10: the published vector for key 0, counter 0', () => {
  // Random123's kat_vectors: 6627e8d5 e169c58d bc57ac4c 9b00dbd8
  const words = rand([4], { generator: new Generator(0) }).data();
  const expected = [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8].map((w) => Math.fround((w >>> 8) / 2 ** 24));
  assert.equal([...words], expected);
});

test('random numbers have their moments; permutations hold each index once', () => {
  const generator = new Generator(1);
  const u = rand([100_000], { generator });
  assert.ok(Math.abs(u.mean().item() - 0.5) < 0.005 && u.min().item() >= 0 && u.max().item() < 1);
  const z = randn([100_001], { generator });
  assert.ok(Math.abs(z.mean().item()) < 0.02 && Math.abs(z.std().item() - 1) < 0.02);
  const p = randperm(1000, { generator });
  assert.equal(
    [...p.data()].sort((a, b) => a - b),
    [...arange(1000).data()],
  );
  assert.not.equal([...p.data()], [...arange(1000).data()]);
});

test('comparisons and where', () => {
  const x = tensor([1, 2, 3]);
  assert.equal(x.ge(2).toArray(), [false, true, true]);
  assert.equal(x.ne(2).logicalNot().toArray(), [false, true, false]);
  assert.is(x.any().item(), 1);
  const list: Tensor[] = x.unbind();
  assert.is(list.length, 3);
});

test('shape and strides cannot be written to', () => {
  const x = ones([2, 3]);
  const write = (list: readonly number[]): void => {
    (list as number[])[0] = 64;
  };
  for (const t of [x, x.t(), x.reshape(6), x.detach(), x.add(1)]) {
    const before = `${t.shape} ${t.strides}`;
    assert.throws(() => write(t.shape), TypeError);
    assert.throws(() => write(t.strides), TypeError);
    assert.is(`${t.shape} ${t.strides}`, before);
  }
});

test('a Proxy of a tensor, as state libraries make them, is that tensor to every op', () => {
  const x = tensor([[3, 1, 2]]);
  const p = new Proxy(x, {});
  assert.equal([p.shape, p.toArray(), p.sum().item(), p.argmin().item()], [[1, 3], [[3, 1, 2]], 6, 1]);
  const w = ones([3, 1]).requiresGrad_();
  p.matmul(w).sum().backward();
  assert.equal(w.grad?.toArray(), [[3], [1], [2]]);
  assert.match(`${p}`, /^Tensor\(float32 \[1, 3\]\)/);
  // One that wraps what it is asked for, too.
  const deep = <T extends object>(of: T): T =>
    new Proxy(of, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        return key === 'meta' && value ? deep(value) : value;
      },
    });
  assert.equal(deep(w).grad?.toArray(), [[3], [1], [2]]);
});

test('a one-element tensor is a number to JavaScript, others are refused', () => {
  const loss = tensor(0.25);
  assert.ok((loss as never) < 0.5);
  assert.is(+(tensor([3]) as never), 3);
  assert.is(`${loss}`, '0.25');
  assert.is(`${tensor(true)}`, 'true');
  assert.match(`${tensor([0.25])}`, /^Tensor\(float32 \[1\]\) \[0.25\]$/);
  assert.is(`loss: ${loss}`, 'loss: 0.25');
  throwsCode('VALUE', /operators take numbers.*item\(\)/, () => +(ones([2]) as never));
  throwsCode('VALUE', /operators/, () => (ones([2]) as never) < 1);
  assert.is(JSON.stringify({ w: tensor([[1, 2]]), b: tensor([true]), s: loss }), '{"w":[[1,2]],"b":[true],"s":0.25}');
});

test('a tensor is not made by new, nor an optimizer without a rule: both say what is', () => {
  for (const given of [[], [[1, 2, 3]], [[1, 2, 3], [3]], [2, 3], [new Float32Array(3), [3]], [{ address: 64 }, [3]]])
    throwsCode('VALUE', /^Tensor: is not made by new. Use tensor/, () => Reflect.construct(Tensor, given));
  throwsCode('VALUE', /^Optimizer: is not made by new. Use SGD/, () => Reflect.construct(optim.Optimizer, [[tensor([1], { requiresGrad: true })]]));
});

test.run();
