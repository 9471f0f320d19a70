// Views and copies, their bounds, and arguments one by one.
import * as g from 'gradloom';
import { arange, autograd, cat, noGrad, ones, pad, scope, stack, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const shares = (x: Tensor, y: Tensor): boolean => {
  const before = JSON.stringify(x);
  noGrad(() => y.add_(1));
  const same = JSON.stringify(x) !== before;
  noGrad(() => y.sub_(1));
  return same;
};

test('a view that changes nothing is a tensor of its own on the same memory', () => {
  const views: Record<string, (x: Tensor) => Tensor> = {
    reshape: (x) => x.reshape([2, 3]),
    view: (x) => x.view(2, 3),
    expand: (x) => x.expand(2, 3),
    unflatten: (x) => x.unflatten(1, [3]),
    squeeze: (x) => x.squeeze(),
    permute: (x) => x.permute(0, 1),
    transpose: (x) => x.transpose(1, 1),
    movedim: (x) => x.movedim(0, 0),
    slice: (x) => x.slice(0),
    narrow: (x) => x.narrow(0, 0, 2),
    detach: (x) => x.detach(),
  };
  for (const [name, view] of Object.entries(views)) {
    const x = arange(6).float().reshape(2, 3).clone();
    const y = view(x);
    assert.is.not(y, x, name);
    assert.equal(y.toArray(), x.toArray(), name);
    assert.ok(shares(x, y), name);
    if (name === 'detach') continue;
    const w = ones([2, 3], { requiresGrad: true });
    const v = view(w);
    const [through] = autograd.grad(v.sum().add(w.square().sum()), v);
    assert.equal([...(through as Tensor).data()], [1, 1, 1, 1, 1, 1], `${name}: the gradient through it is its own`);
  }
});

test('as in PyTorch, only contiguous, a cast to the same type and flatten of one dimension give x itself', () => {
  const x = ones([2]);
  for (const y of [x.contiguous(), x.float(), x.to('float32'), x.flatten(), ones([2, 3]).flatten(1, 1)]) assert.ok(y === x || y.rank === 2);
});

test('copies are copies, also where there is nothing to do', () => {
  const copies: Record<string, (x: Tensor) => Tensor> = {
    clone: (x) => x.clone(),
    'roll 0': (x) => x.roll(0),
    'roll by the size': (x) => x.roll([2, 3], [0, 1]),
    repeat: (x) => x.repeat(1, 1),
    tile: (x) => x.tile([1]),
    flip: (x) => x.flip([]),
    pad: (x) => pad(x, [0, 0]),
    'pad reflect': (x) => pad(x, [0, 0], { mode: 'reflect' }),
    'pad circular': (x) => pad(x, [0, 0], { mode: 'circular' }),
    cat: (x) => cat([x]),
    tril: (x) => x.tril(9),
  };
  for (const [name, copy] of Object.entries(copies)) {
    const x = arange(6).float().reshape(2, 3).clone();
    const y = copy(x);
    assert.equal(y.toArray(), x.toArray(), name);
    assert.not.ok(shares(x, y), name);
  }
});

test('reshape and view show elements where strides can, as ATen does', () => {
  const wide = arange(12).reshape(2, 6);
  const part = wide.slice(1, 0, 4); // rows of 4, 6 apart
  assert.equal(part.view(2, 2, 2).toArray(), [
    [
      [0, 1],
      [2, 3],
    ],
    [
      [6, 7],
      [8, 9],
    ],
  ]);
  assert.ok(shares(part, part.reshape(2, 2, 2)));
  assert.equal(wide.slice(1, 0, 6, 2).view(2, 3, 1).toArray(), [
    [[0], [2], [4]],
    [[6], [8], [10]],
  ]);
  assert.equal(wide.slice(1, 0, 6, 2).view(6).toArray(), [0, 2, 4, 6, 8, 10], 'evenly spaced');
  assert.equal(wide.slice(1, 0, 1).unsqueeze(1).view(2).toArray(), [0, 6]);
  assert.equal(wide.t().view(6, 2).toArray(), wide.t().toArray());
  throwsCode('SHAPE', /not row-major.*reshape/, () => wide.t().view(12));
  throwsCode('SHAPE', /not row-major/, () => part.view(8));
  assert.not.ok(shares(part, part.reshape(8)));
  assert.ok(zeros([3, 0]).t().isContiguous());
  assert.equal(zeros([3, 0]).t().view([0, 5]).shape, [0, 5]);
  assert.equal(ones([1]).expand(3).view(3, 1).toArray(), [[1], [1], [1]]);
  assert.equal(tensor(2).view(1, 1).toArray(), [[2]]);
});

test('gradients go through strided views', () => {
  const w = arange(12).float().reshape(2, 6).clone().requiresGrad_();
  w.slice(1, 0, 6, 2).view(6).mul(arange(6)).sum().backward();
  assert.equal((w.grad as Tensor).toArray(), [
    [0, 0, 1, 0, 2, 0],
    [3, 0, 4, 0, 5, 0],
  ]);
});

test('sizes and dimensions one by one', () => {
  const x = arange(6).reshape(2, 3);
  assert.equal(x.reshape(3, -1).shape, [3, 2]);
  assert.equal(x.permute(1, 0).shape, [3, 2]);
  assert.equal(x.permute(-1, 0).toArray(), x.t().toArray());
  assert.equal(ones([1]).expand(2, 4).shape, [2, 4]);
  assert.equal(ones([2, 1]).expand(-1, 3).shape, [2, 3]);
  assert.equal(x.repeat(2, 1, 1).shape, [2, 2, 3]);
  assert.equal(x.tile(2).shape, [2, 6]);
  assert.equal(x.flip(0, 1).toArray(), [
    [5, 4, 3],
    [2, 1, 0],
  ]);
  assert.equal(g.reshape(x, 6).shape, [6]);
  assert.equal(x.diagonal(1).toArray(), [1, 5]);
  assert.equal(x.diagonal({ offset: -1 }).toArray(), [3]);
  assert.equal(x.diagonal(0, 1, 0).toArray(), [0, 4]);
  assert.equal(ones([2]).diagEmbed(1).shape, [3, 3]);
  throwsCode('SHAPE', /a shape is a list/, () => x.reshape(undefined as never));
  throwsCode('SHAPE', /2, 3|do not fit/, () => x.reshape(-1, -1));
  throwsCode('DIM', /missing/, () => (x.flip as () => Tensor)());
  throwsCode('VALUE', /diagonal/, () => x.diagonal({ ofset: 1 } as never));
});

test('bounds are whole numbers within the tensor', () => {
  const x = arange(6).reshape(3, 2);
  for (const bad of [0.5, Number.NaN, Number.POSITIVE_INFINITY, null, '1', true]) {
    const v = bad as number;
    const calls: Record<string, () => unknown> = {
      slice: () => x.slice(0, v),
      slice_: () => x.slice(0, 0, v),
      slice__: () => x.slice(0, 0, 1, v),
      narrow: () => x.narrow(0, v, 1),
      narrow_: () => x.narrow(0, 0, v),
      select: () => x.select(0, v),
      split: () => x.split(v),
      split_: () => x.split([v, 1]),
      chunk: () => x.chunk(v),
      unsqueeze: () => x.unsqueeze(v),
      roll: () => x.roll(v),
      diag: () => g.diag(x, v),
      diagonal: () => x.diagonal({ offset: v }),
      diagEmbed: () => x.diagEmbed({ offset: v }),
      tril: () => x.tril(v),
      triu: () => x.triu(v),
      repeat: () => x.repeat(v, 1),
      pad: () => pad(x, [v, 0]),
      asStrided: () => x.asStrided([2], [v]),
      asStrided_: () => x.asStrided([2], [1], v),
      asStrided__: () => x.asStrided([v], [1]),
    };
    for (const [name, call] of Object.entries(calls)) {
      assert.throws(call, (e: Error) => e.name === 'GradloomError' && e.message.startsWith(`${name.replace(/_+$/, '')}:`), `${name} of ${v}`);
    }
  }
  throwsCode('INDEX', /narrow/, () => x.narrow(0, 2, 2));
  throwsCode('INDEX', /asStrided/, () => x.asStrided([2], [1], 5));
  throwsCode('SHAPE', /strides differ/, () => x.asStrided([2, 2], [2]));
  assert.equal(x.slice(0, -2).toArray(), [
    [2, 3],
    [4, 5],
  ]);
});

test('a scalar has no dimension to cut along; empty dimensions split as in PyTorch', () => {
  for (const call of [
    (x: Tensor) => x.split(1),
    (x: Tensor) => x.chunk(1),
    (x: Tensor) => x.narrow(0, 0, 1),
    (x: Tensor) => x.unbind(),
    (x: Tensor) => x.select(0, 0),
    (x: Tensor) => x.slice(0),
  ]) {
    throwsCode('DIM', /scalar/, () => call(tensor(1)));
  }
  assert.is(zeros([0]).chunk(3).length, 3);
  assert.is(zeros([0]).split(0).length, 1);
  assert.is(arange(5).chunk(3).length, 3);
  throwsCode('VALUE', /chunk: chunks must be/, () => arange(5).chunk(-1));
});

test('views of more elements than memory has, and more views than fit, are MEMORY at once', () => {
  const one = ones([1]);
  const calls = [
    () => one.expand(2 ** 31),
    () => one.expand(1e9, 1e9),
    () => one.repeat(2 ** 20, 2 ** 20),
    () => one.expand(1e9).unbind(),
    () => one.expand(1e9).split(1),
    () => one.expand(1e9).chunk(1e9),
    () => one.expand(1e9).toArray(),
    () => zeros([2 ** 31 - 1, 0]).toArray(),
    () => one.asStrided([2 ** 33], [0]),
    () => pad(one, [2 ** 40, 0]),
    () => pad(one, [2 ** 33, 0], { mode: 'replicate' }),
  ];
  for (const call of calls) throwsCode('MEMORY', /room|at most/, call);
  assert.is(`${one.expand(1e9)}`, 'Tensor(float32 [1000000000]) [1, 1, 1, …, 1, 1, 1]');
});

test('triangles keep their type; diagonals beyond the matrix are whole or empty', () => {
  assert.equal(ones([2, 2], { dtype: 'bool' }).tril().toArray(), [
    [true, false],
    [true, true],
  ]);
  assert.is(ones([2, 2], { dtype: 'int32' }).triu().dtype, 'int32');
  assert.equal(ones([2, 2]).tril(1e10).toArray(), [
    [1, 1],
    [1, 1],
  ]);
  assert.equal(ones([2, 2]).triu(1e10).toArray(), [
    [0, 0],
    [0, 0],
  ]);
});

test('einsum: a letter three times, operands as a list, sizes that differ within one tensor', () => {
  assert.equal(g.einsum('iii->i', arange(8).float().reshape(2, 2, 2)).toArray(), [0, 7]);
  assert.is(g.einsum('i,i', [ones([2]), ones([2])]).item(), 2);
  throwsCode('VALUE', /sizes 1 and 3 of one tensor/, () => g.einsum('ii', ones([1, 3])));
  throwsCode('VALUE', /more than one/, () => g.einsum('i->i->i', ones([2])));
  throwsCode('VALUE', /equation/, () => g.einsum(5 as never, ones([2])));
});

test('lists of tensors are lists of tensors, however long', () => {
  throwsCode('DTYPE', /cat: tensors must be a list/, () => cat(ones([2]) as never));
  throwsCode('DTYPE', /cat: tensors\[1\]/, () => cat([ones([2]), undefined] as never));
  throwsCode('DTYPE', /stack: tensors\[1\]/, () => stack([ones([2]), 1] as never));
  const many = scope(() => {
    const w = ones([1], { requiresGrad: true });
    return stack(Array.from({ length: 130_000 }, () => w));
  });
  assert.is(many.size, 130_000);
});

test('a list of no dimensions does not hide that there is no tensor', () => {
  for (const move of [g.movedim, g.moveaxis]) throwsCode('DTYPE', /must be a tensor, got 'x'/, () => move('x' as never, [], []));
});

test.run();
