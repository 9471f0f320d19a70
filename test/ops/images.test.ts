// Images: what the rows of cases.ts do not show. PyTorch's cases run in conformance.test.ts.
import { nn, ones, randn, type Tensor, tensor, unfoldDim, zeros } from 'gradloom';
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
  for (const pool of [
    (x: Tensor) => maxPool2d(x, 3, { padding: 1 }),
    (x: Tensor) => nn.functional.avgPool2d(x, 3, { padding: 1 }),
    (x: Tensor) => nn.functional.adaptiveAvgPool2d(x, 3),
    (x: Tensor) => nn.functional.adaptiveMaxPool2d(x, 3),
    (x: Tensor) => nn.functional.maxPool3d(x.unsqueeze(1), [1, 3, 3], { padding: [0, 1, 1] }),
    (x: Tensor) => nn.functional.avgPool3d(x.unsqueeze(1), [1, 3, 3], { padding: [0, 1, 1] }),
    (x: Tensor) => nn.functional.adaptiveAvgPool3d(x.unsqueeze(1), [1, 2, 2]),
  ])
    throwsCode('SHAPE', /nothing to pool/, () => pool(ones([2, 4, 0, 6])));
  const hole = (): never => [2].concat(new Array(1)) as never;
  throwsCode('VALUE', /stride/, () => conv2d(ones([1, 1, 5, 5]), ones([1, 1, 3, 3]), null, { stride: hole() }));
  throwsCode('VALUE', /kernelSize/, () => maxPool2d(ones([1, 4, 4]), hole()));
  throwsCode('VALUE', /outputSize/, () => new nn.AdaptiveAvgPool2d(hole()));
  throwsCode('VALUE', /normalizedShape/, () => new nn.LayerNorm(hole()));

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

const F = nn.functional;
const ints = (values: number[]) => tensor(values, { dtype: 'int32' });

test('pictures in other sizes, columns and places refuse what does not fit', () => {
  const image = ones([1, 2, 4, 4]);
  throwsCode('VALUE', /outputPadding 2 must be below the stride 2 or the dilation 1/, () => F.convTranspose2d(image, ones([2, 3, 2, 2]), null, { stride: 2, outputPadding: 2 }));
  throwsCode('SHAPE', /does not have 3 channels/, () => F.convTranspose2d(image, ones([3, 3, 2, 2])));
  throwsCode('SHAPE', /nothing is left/, () => F.convTranspose2d(image, ones([2, 3, 1, 1]), null, { padding: 2 }));
  throwsCode('VALUE', /outputSize must be from \[7, ?7\]/, () => new nn.ConvTranspose2d(2, 2, 1, { stride: 2 }).forward(image, [9, 8]));
  throwsCode('SHAPE', /larger than the padded volume/, () => F.conv3d(ones([1, 1, 2, 4, 4]), ones([1, 1, 3, 1, 1])));
  throwsCode('VALUE', /three of them/, () => F.conv3d(ones([1, 1, 2, 4, 4]), ones([1, 1, 1, 1, 1]), null, { stride: [1, 1] as never }));
  throwsCode('VALUE', /either size or scaleFactor/, () => F.interpolate(image));
  throwsCode('VALUE', /'linear' is for 1 directions/, () => F.interpolate(image, { size: 2, mode: 'linear' }));
  throwsCode('VALUE', /alignCorners has no meaning/, () => F.interpolate(image, { size: 2, alignCorners: true }));
  throwsCode('VALUE', /antialias goes with/, () => F.interpolate(image, { size: 2, antialias: true }));
  throwsCode('SHAPE', /sizes are whole numbers ≥ 1/, () => F.interpolate(image, { scaleFactor: 0.1 }));
  throwsCode('VALUE', /mode must be/, () => F.interpolate(image, { size: 2, mode: 'cubic' as never }));
  throwsCode('SHAPE', /a grid \[N, OH, OW, 2\]/, () => F.gridSample(image, ones([1, 2, 2, 3])));
  throwsCode('SHAPE', /theta is not \[1, 2, 3\]/, () => F.affineGrid(ones([1, 3, 3]), [1, 1, 2, 2]));
  throwsCode('SHAPE', /no multiple of 2²/, () => F.pixelShuffle(ones([1, 3, 2, 2]), 2));
  throwsCode('SHAPE', /takes \[N, C·4, 9\]/, () => F.fold(ones([1, 4, 8]), 4, 2));
  throwsCode('VALUE', /a window of 5 is larger/, () => unfoldDim(image, 2, 5, 1));
  throwsCode('VALUE', /outputSize must be \[8, ?8\]/, () => F.maxUnpool2d(image, image.int(), 2, { outputSize: [4, 4] }));
  throwsCode('INDEX', /out of range/, () => F.maxUnpool2d(image, image.int().mul(64), 2));
});

test('bags refuse what does not fit', () => {
  const w = ones([3, 2]);
  throwsCode('VALUE', /needs offsets/, () => F.embeddingBag(ints([0, 1]), w));
  throwsCode('VALUE', /takes no offsets/, () => F.embeddingBag(ints([0, 1]).reshape([1, 2]), w, ints([0])));
  throwsCode('VALUE', /mode 'sum', not with 'mean'/, () => F.embeddingBag(ints([0, 1]), w, ints([0]), { perSampleWeights: ones([2]) }));
  throwsCode('INDEX', /first offset 1/, () => F.embeddingBag(ints([0, 1]), w, ints([1])));
  throwsCode('INDEX', /offset 3 at position 1/, () => F.embeddingBag(ints([0, 1]), w, ints([0, 3])));
  throwsCode('INDEX', /index 3/, () => F.embeddingBag(ints([0, 3]), w, ints([0])));
  for (const mode of ['sum', 'mean', 'max'] as const) {
    // Bags without indices, and without any that counts, give zeros.
    assert.equal(F.embeddingBag(ints([0, 2]), w, ints([0, 1, 1]), { mode, paddingIdx: 0 }).toArray(), [
      [0, 0],
      [0, 0],
      [1, 1],
    ]);
    assert.equal(F.embeddingBag(ints([]), w, ints([0, 0]), { mode }).toArray(), zeros([2, 2]).toArray());
  }
});

test('empty batches give empty pictures, and gradients of zero to weights', () => {
  const x = zeros([0, 2, 4, 4], { requiresGrad: true });
  const w = ones([2, 3, 2, 2], { requiresGrad: true });
  F.convTranspose2d(x, w, null, { stride: 2 }).sum().backward();
  assert.equal([x.grad?.shape, w.grad?.sum().item()], [[0, 2, 4, 4], 0]);
  const v = zeros([0, 2, 4, 4, 4]);
  assert.equal(F.conv3d(v, ones([3, 2, 2, 2, 2])).shape, [0, 3, 3, 3, 3]);
  assert.equal(F.convTranspose3d(v, ones([2, 3, 2, 2, 2])).shape, [0, 3, 5, 5, 5]);
  assert.equal(F.maxPool3d(v, 2).shape, [0, 2, 2, 2, 2]);
  assert.equal(F.interpolate(x, { scaleFactor: 2, mode: 'bicubic' }).shape, [0, 2, 8, 8]);
  assert.equal(F.unfold(x, 2).shape, [0, 8, 9]);
  assert.equal(F.gridSample(x, zeros([0, 3, 3, 2])).shape, [0, 2, 3, 3]);
});

test('what lies outside of the picture is not read, and what is not finite stays where it is', () => {
  const picture = tensor([
    [
      [
        [1, 2],
        [3, Number.POSITIVE_INFINITY],
      ],
    ],
  ]);
  const places = tensor([
    [
      [
        [-3, -3],
        [-1, -0.5],
        [Number.NaN, 0],
      ],
    ],
  ]);
  assert.equal([...F.gridSample(picture, places).data()].slice(0, 2), [0, 0.5]);
  assert.equal(
    F.interpolate(picture, { size: [2, 4], mode: 'bilinear' })
      .select(2, 0)
      .reshape([4])
      .toArray(),
    [1, 1.25, 1.75, 2],
  );
});

test('a transposed convolution is told its output', () => {
  const up = new nn.ConvTranspose2d(2, 3, 3, { stride: 2, padding: 1 });
  assert.equal(up.forward(ones([1, 2, 4, 4])).shape, [1, 3, 7, 7]);
  assert.equal(up.forward(ones([1, 2, 4, 4]), [8, 7]).shape, [1, 3, 8, 7]);
});

test('padding modes of volumes', () => {
  for (const paddingMode of ['reflect', 'replicate', 'circular'] as const)
    assert.equal(new nn.Conv3d(1, 2, 3, { padding: [1, 0, 1], paddingMode }).forward(ones([1, 1, 3, 4, 5])).shape, [1, 2, 3, 2, 5]);
  assert.equal(new nn.Conv3d(1, 2, [2, 3, 4], { padding: 'same', paddingMode: 'replicate' }).forward(ones([1, 1, 3, 4, 5])).shape, [1, 2, 3, 4, 5]);
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
