// Images: what the rows of cases.ts do not show. PyTorch's cases run in conformance.test.ts.
import { nn, ones, randn, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const { conv2d, maxPool2d, maxPool2dWithIndices } = nn.functional;

test('windows in pairs and windows in general choose alike: the first of equals, a NaN first of all', () => {
  const rows = [
    [1, 2, 5, 5, 0, 0, 7, 1, 3, 3],
    [3, 0, 5, 4, 0, 0, 7, 8, 3, 3],
    [Number.NaN, 1, 2, Number.NaN, 1, 1, 9, 9, -1, -2],
    [Number.NaN, 9, 3, 4, 1, Number.NaN, 9, 9, -3, -4],
  ];
  const x = tensor([rows]);
  const pairs = maxPool2dWithIndices(x, 2);
  // Without its last column a last window hangs over, which takes the general way; all but that column's windows are the same.
  const general = maxPool2dWithIndices(x.narrow(2, 0, 9), 2, { ceilMode: true });
  assert.equal(general.values.shape, [1, 2, 5]);
  assert.equal(general.values.narrow(2, 0, 4).toArray(), pairs.values.narrow(2, 0, 4).toArray());
  assert.equal(general.indices.narrow(2, 0, 4).toArray(), [
    [
      [9, 2, 4, 16],
      [18, 21, 32, 24],
    ],
  ]);
  assert.equal(pairs.indices.toArray(), [
    [
      [10, 2, 4, 17, 8],
      [20, 23, 35, 26, 28],
    ],
  ]);
});

test('a pooled gradient goes to one element', () => {
  const x = ones([1, 4, 4], { requiresGrad: true });
  maxPool2d(x, 2).sum().backward();
  assert.equal(x.grad?.toArray(), [
    [
      [1, 0, 1, 0],
      [0, 0, 0, 0],
      [1, 0, 1, 0],
      [0, 0, 0, 0],
    ],
  ]);
});

test('images that do not fit are errors with shapes and remedy', () => {
  throwsCode('SHAPE', /3 channels for each of 1 groups: \[1, 2, 5, 5\] × \[4, 3, 3, 3\]/, () => conv2d(ones([1, 2, 5, 5]), ones([4, 3, 3, 3])));
  throwsCode('SHAPE', /larger than the padded image/, () => conv2d(ones([1, 1, 2, 2]), ones([1, 1, 3, 3])));
  throwsCode('SHAPE', /larger than the padded image/, () => maxPool2d(ones([1, 1, 1]), 2));
  throwsCode('VALUE', /more than half of the window/, () => maxPool2d(ones([1, 4, 4]), 2, { padding: 2 }));
  throwsCode('VALUE', /stride/, () => conv2d(ones([1, 1, 5, 5]), ones([1, 1, 3, 3]), null, { stride: 0 }));
  throwsCode('VALUE', /'same' needs stride 1/, () => conv2d(ones([1, 1, 5, 5]), ones([1, 1, 3, 3]), null, { padding: 'same', stride: 2 }));
  throwsCode('VALUE', /groups/, () => new nn.Conv2d(3, 4, 3, { groups: 2 }));
  throwsCode('VALUE', /paddingMode/, () => new nn.Conv2d(3, 4, 3, { paddingMode: 'mirror' as never }));
  throwsCode('SHAPE', /'reflect' margins/, () => new nn.Conv2d(1, 1, 3, { padding: 3, paddingMode: 'reflect' }).forward(ones([1, 1, 3, 3])));
});

test('padding modes see what they say', () => {
  const x = tensor([[[1, 2, 3]]]);
  const show = (paddingMode: 'zeros' | 'reflect' | 'replicate' | 'circular'): unknown => {
    const layer = new nn.Conv2d(1, 1, [1, 3], { padding: [0, 1], paddingMode, bias: false });
    layer.loadStateDict({ weight: tensor([[[[1, 0, 0]]]]) }); // the left neighbour
    return layer.forward(x).toArray();
  };
  assert.equal(show('zeros'), [[[0, 1, 2]]]);
  assert.equal(show('reflect'), [[[2, 1, 2]]]);
  assert.equal(show('replicate'), [[[1, 1, 2]]]);
  assert.equal(show('circular'), [[[3, 1, 2]]]);
});

test('a small convolution net trains with two losses', () => {
  const trunk = new nn.Sequential(new nn.Conv2d(1, 2, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten());
  const y = trunk.forward(randn([2, 1, 4, 4]));
  assert.equal(y.shape, [2, 8]);
  y.sum().backward({ retainGraph: true });
  y.square().sum().backward();
  assert.ok(trunk.parameters().every((p) => p.grad));
});

test.run();
