// Losses at their edges: nothing that counts, weights and variances that do not fit, vectors of zeros. Values are PyTorch 2.15's.
import { capture, nn, ones, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const F = nn.functional;
const classes = (...values: number[]): Tensor => tensor(values, { dtype: 'int32' });
const gradientOf = (loss: (x: Tensor) => Tensor, x: Tensor): number[] => {
  x.requiresGrad = true;
  loss(x).backward();
  return [...(x.grad as Tensor).data()].map((v) => v + 0);
};

test('nllLoss: where nothing counts the mean is NaN and the gradient 0; what is ignored may be infinite', () => {
  const weight = tensor([1, 3]);
  for (const options of [{}, { weight }]) {
    const loss = (x: Tensor): Tensor => F.nllLoss(x, classes(-100, -100), options);
    assert.ok(Number.isNaN(loss(ones([2, 2])).item()));
    assert.equal(gradientOf(loss, ones([2, 2])), [0, 0, 0, 0]);
  }
  const x = tensor([[Number.NEGATIVE_INFINITY, 2], [3, 4]]); // biome-ignore format: one line
  assert.is(F.nllLoss(x, classes(-100, 1)).item(), -4);
  assert.equal(
    gradientOf((v) => F.nllLoss(v, classes(-100, 1)), x),
    [0, 0, 0, -1],
  );
  assert.is(F.nllLoss(x, classes(-100, -100), { reduction: 'sum' }).item(), 0);
});

test('classes outside the range, class weights of another length, ignoreIndex beside probabilities', () => {
  const x = ones([2, 3]);
  for (const loss of [F.nllLoss, F.crossEntropy, F.multiMarginLoss]) {
    throwsCode('INDEX', /class 3 at position 1/, () => loss(x, classes(0, 3)));
    throwsCode('DTYPE', /int32/, () => loss(x, tensor([0, 0.5])));
    for (const weight of [ones([4]), ones([2]), ones([3, 1]), ones([3], { dtype: 'int32' })])
      throwsCode('SHAPE', /weight is not one number per class.*3 classes/, () => loss(x, classes(0, 1), { weight }));
  }
  for (const loss of [F.nllLoss, F.crossEntropy]) throwsCode('INDEX', /class -1/, () => loss(x, classes(0, -1)));
  throwsCode('VALUE', /ignoreIndex is 0.*probabilities/, () => F.crossEntropy(x, ones([2, 3]), { ignoreIndex: 0 }));
  assert.ok(Number.isFinite(F.crossEntropy(x, ones([2, 3]), { ignoreIndex: -1 }).item()));
});

test('a weight that would broadcast the loss is refused; multilabelSoftMarginLoss takes it, as PyTorch', () => {
  const [p, t] = [ones([2, 3]).mul(0.5), ones([2, 3])];
  for (const shape of [[3], [1], [2, 1], []]) assert.ok(Math.abs(F.binaryCrossEntropy(p, t, { weight: ones(shape) }).item() - Math.LN2) < 1e-6);
  throwsCode('SHAPE', /binaryCrossEntropy: the weight is larger/, () => F.binaryCrossEntropy(p, t, { weight: ones([4, 2, 3]) }));
  throwsCode('SHAPE', /the weight is larger/, () => F.binaryCrossEntropyWithLogits(ones([2, 1]), ones([2, 1]), { weight: ones([3]) }));
  throwsCode('SHAPE', /the posWeight is larger/, () => F.binaryCrossEntropyWithLogits(ones([2, 1]), ones([2, 1]), { posWeight: ones([3]) }));
  assert.ok(Math.abs(F.multilabelSoftMarginLoss(p, t, { weight: ones([4, 2, 3]) }).item() - 0.474077) < 1e-5);
});

test('gaussianNllLoss refuses negative variances, in replays too; one number serves all', () => {
  const [x, t] = [ones([2]), ones([2])];
  throwsCode('VALUE', /the variance must not be negative, got -1 at position 1/, () => F.gaussianNllLoss(x, t, tensor([1, -1])));
  throwsCode('VALUE', /negative/, () => F.gaussianNllLoss(x, t, -0.5));
  assert.ok(Math.abs(F.gaussianNllLoss(x, t, 0.5).item() - Math.log(0.5) / 2) < 1e-6);
  assert.ok(Number.isNaN(F.gaussianNllLoss(x, t, tensor([1, Number.NaN])).item()));
  const step = capture((variance: Tensor) => F.gaussianNllLoss(x, t, variance));
  for (let i = 0; i < 4; i++) assert.is(step(ones([2])).item(), 0);
  throwsCode('VALUE', /negative, got -2 at position 0/, () => step(tensor([-2, 1])));
});

test('cosineEmbeddingLoss of a vector of zeros that shall be apart has the gradient 0', () => {
  assert.equal(
    gradientOf((x) => F.cosineEmbeddingLoss(x, ones([1, 2]), tensor([-1])), zeros([1, 2])),
    [0, 0],
  );
});

test('norms: one value a group is refused, no momentum counts as 0 for instances', () => {
  throwsCode('VALUE', /one value/, () => F.groupNorm(ones([1, 3]), 3));
  throwsCode('VALUE', /one value/, () => new nn.GroupNorm(3, 3).forward(ones([1, 3, 1, 1])));
  assert.equal(F.groupNorm(ones([2, 3]), 3).shape, [2, 3]);
  const norm = new nn.InstanceNorm1d(2, { momentum: null, trackRunningStats: true });
  norm.forward(ones([3, 2, 4]));
  assert.equal([norm.runningMean?.toArray(), norm.runningVar?.toArray()], [[0, 0], [1, 1]]); // biome-ignore format: one line
  throwsCode('INDEX', /paddingIdx 3 is out of range/, () => F.embedding(classes(0), ones([3, 2]), { paddingIdx: 3 }));
});

test.run();
