// What tensors are made of, and what is refused before anything is made.
import vm from 'node:vm';
import * as g from 'gradloom';
import { arange, eye, full, GradloomError, linspace, ones, rand, randperm, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const told = (t: Tensor): unknown => [t.dtype, t.toArray()];

test('data: nested lists, typed arrays, rows of them, one-element tensors, big integers', () => {
  const cases: [data: unknown, right: unknown][] = [
    [
      [Float32Array.of(1, 2), Float64Array.of(3, 4)],
      [
        'float32',
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ],
    [
      [Int32Array.of(1, 2), Int32Array.of(3, 4)],
      [
        'int32',
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ],
    [
      [Int32Array.of(1), [2.5]],
      ['float32', [[1], [2.5]]],
    ],
    [
      [[Uint8Array.of(1)], [Uint8Array.of(2)]],
      ['float32', [[[1]], [[2]]]],
    ],
    [
      [tensor(1), tensor([2])],
      ['float32', [1, 2]],
    ],
    [BigInt64Array.of(1n, -2n), ['int32', [1, -2]]],
    [
      [1n, 2n],
      ['int32', [1, 2]],
    ],
    [
      [true, 2.5],
      ['float32', [1, 2.5]],
    ],
    [
      [true, false],
      ['bool', [true, false]],
    ],
  ];
  for (const [data, right] of cases) assert.equal(told(tensor(data as never)), right);
  assert.equal(told(tensor([0.5, Number.NaN, 0], { dtype: 'bool' })), ['bool', [true, true, false]]);
  assert.equal(told(tensor([1.9, -1.9], { dtype: 'int32' })), ['int32', [1, -1]], 'cut off, as in PyTorch');
});

test('data of another realm, as a test runner makes it', () => {
  const far = (code: string): never => vm.runInNewContext(code) as never;
  assert.equal(told(tensor(far('[[1, 2], [3, 4]]'))), [
    'float32',
    [
      [1, 2],
      [3, 4],
    ],
  ]);
  assert.equal(told(tensor(far('new Int32Array([1, 2])'))), ['int32', [1, 2]]);
  assert.equal(told(tensor(far('[new Float32Array([1, 2])]'), far('({ dtype: "int32" })'))), ['int32', [[1, 2]]]);
  assert.equal(zeros(far('[2, 1]')).toArray(), [[0], [0]]);
});

test('what is no data is refused by what it is', () => {
  for (const data of [undefined, null, '1', () => 1, Symbol('a'), new Date(), {}, new Set([1]), [1, undefined], new Array(1), ['1'], new DataView(new ArrayBuffer(4))]) {
    throwsCode('DTYPE', /^tensor: elements are numbers or booleans/, () => tensor(data as never));
  }
  throwsCode('DTYPE', /several elements.*stack/, () => tensor([ones([2])] as never));
  throwsCode('DTYPE', /lose its graph.*stack/, () => tensor([ones([1], { requiresGrad: true })] as never));
  throwsCode('SHAPE', /ragged/, () => tensor([Float32Array.of(1, 2), [3]] as never));
  const endless: unknown[] = [];
  endless.push(endless);
  throwsCode('SHAPE', /deep/, () => tensor(endless as never));
  throwsCode('MEMORY', /typed array/, () => tensor(new Array(2 ** 32 - 1) as never));
});

test('int32 holds what lies in its range', () => {
  for (const value of [3e9, -3e9, 1e10, Number.NaN, Number.POSITIVE_INFINITY]) {
    throwsCode('VALUE', /tensor: .* does not fit int32/, () => tensor([0, value], { dtype: 'int32' }));
    throwsCode('VALUE', /full: .* does not fit int32/, () => full([2], value, { dtype: 'int32' }));
  }
  throwsCode('VALUE', /arange: 2147483648 does not fit/, () => arange(2 ** 31, 2 ** 31 + 2));
  throwsCode('VALUE', /arange/, () => arange(2 ** 33));
  assert.equal(arange(2 ** 31 - 2, 2 ** 31).toArray(), [2 ** 31 - 2, 2 ** 31 - 1]);
  assert.equal(arange(2 ** 31, 2 ** 31 + 512, 256, { dtype: 'float32' }).toArray(), [2 ** 31, 2 ** 31 + 256]);
});

test('shapes as lists or size by size; the list stays the caller’s own', () => {
  assert.equal(zeros(2, 3).shape, [2, 3]);
  assert.equal(ones(2, { dtype: 'int32' }).toArray(), [1, 1]);
  assert.equal(rand(2, 1, { requiresGrad: true }).requiresGrad, true);
  const list = [2, 3];
  const x = zeros(list);
  list[0] = 64;
  assert.equal(x.shape, [2, 3]);
  for (const shape of [undefined, null, new Array(2), [Number.NaN], [1.5], ['2'], [-1], {}, 'a', new Array(65).fill(1)]) {
    for (const make of [zeros, ones, rand]) throwsCode('SHAPE', /a shape is a list/, () => make(shape as never));
    throwsCode('SHAPE', /a shape is a list/, () => full(shape as never, 1));
  }
});

test('requests beyond memory are MEMORY', () => {
  for (const shape of [[2 ** 31], [2 ** 33], [2 ** 40], [2 ** 30, 2 ** 30, 2 ** 30], [0, 2 ** 40]]) throwsCode('MEMORY', /no room/, () => zeros(shape));
  for (const make of [() => eye(1e6), () => linspace(0, 1, 2 ** 33), () => randperm(2 ** 33), () => arange(0, 1, 1e-11)]) throwsCode('MEMORY', /no room/, make);
  assert.is(ones([3]).sum().item(), 3);
});

test('options: unknown ones, wrong types and element types that do not exist are refused by name', () => {
  const makers: Record<string, (options: never) => Tensor> = {
    tensor: (o) => tensor([1], o),
    zeros: (o) => zeros([1], o),
    full: (o) => full([1], 2, o),
    arange: (o) => arange(0, 3, 1, o),
    linspace: (o) => linspace(0, 1, 2, o),
    eye: (o) => eye(2, 2, o),
    rand: (o) => rand([1], o),
    onesLike: (o) => g.onesLike(ones([1]), o),
    fullLike: (o) => g.fullLike(ones([1]), 1, o),
  };
  for (const [name, make] of Object.entries(makers)) {
    for (const dtype of ['float64', 'int64', 'float', 'Float32', 3, null]) throwsCode('DTYPE', new RegExp(`^${name}: dtype must be 'float32'`), () => make({ dtype } as never));
    throwsCode('VALUE', new RegExp(`^${name}: there is no option 'requires_grad'. Did you mean 'requiresGrad'`), () => make({ requires_grad: true } as never));
    throwsCode('VALUE', new RegExp(`^${name}: requiresGrad must be true or false`), () => make({ requiresGrad: 1 } as never));
    throwsCode('DTYPE', /only float32 tensors can require|gives float32 only/, () => make({ dtype: 'int32', requiresGrad: true } as never));
    assert.ok(make({ dtype: undefined, requiresGrad: undefined } as never));
    assert.instance(assert.throws(() => make('int32' as never)) ?? new GradloomError('VALUE', '', ''), GradloomError);
  }
  throwsCode('DTYPE', /rand: gives float32 only/, () => rand([3], { dtype: 'int32' }));
  throwsCode('DTYPE', /randperm: gives int32 only/, () => randperm(3, { dtype: 'float32' }));
  assert.equal(arange(3, { dtype: 'float32' }).dtype, 'float32');
  assert.equal(eye(2, { dtype: 'bool' }).toArray(), [
    [true, false],
    [false, true],
  ]);
  assert.equal(full([2], true).dtype, 'bool');
});

test('arange, linspace and eye inside a captured step are copies of what was worked out once', () => {
  const w = ones([3], { requiresGrad: true });
  const step = g.capture(() =>
    w
      .mul(arange(3))
      .add(linspace(0, 1, 3))
      .add(eye(3).sum({ dim: 0 })),
  );
  for (let i = 0; i < 3; i++) assert.equal([...step().data()], [1, 2.5, 4]);
});

test.run();
