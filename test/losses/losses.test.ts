// Losses: what PyTorch's cases do not show (they run in conformance.test.ts): bad input, edges, warnings.
import { nn, ones, randn, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode, warnings } from '../helpers.ts';

const { crossEntropy, mseLoss } = nn.functional;
const classes = (...values: number[]): Tensor => tensor(values, { dtype: 'int32' });

test('cross-entropy of known logits', () => {
  const loss = crossEntropy(tensor([[1, 2, 3]]), classes(2));
  assert.ok(Math.abs(loss.item() - 0.40760596) < 1e-6);
});

test('a class out of range, labels that are not whole, and shapes that do not fit are errors', () => {
  const x = ones([2, 3]);
  throwsCode('INDEX', /class 3 at position 1.*\[0, 2\]/s, () => crossEntropy(x, classes(0, 3)));
  throwsCode('INDEX', /class -1/, () => crossEntropy(x, classes(-1, 0)));
  throwsCode('DTYPE', /labels must be whole numbers of type int32.*\.int\(\)/s, () => crossEntropy(x, tensor([0, 1])));
  throwsCode('SHAPE', /\[2, 3\] × \[3\].*\[2\]/s, () => crossEntropy(x, classes(0, 1, 2)));
  throwsCode('SHAPE', /weight/, () => crossEntropy(x, classes(0, 1), { weight: ones([2]) }));
  throwsCode('VALUE', /labelSmoothing.*1\.5/, () => crossEntropy(x, classes(0, 1), { labelSmoothing: 1.5 }));
  throwsCode('VALUE', /reduction.*avg/, () => new nn.CrossEntropyLoss({ reduction: 'avg' as never }));
  throwsCode('SHAPE', /class dimension/, () => crossEntropy(tensor(1), classes(0)));
});

test('ignored targets: out of the mean, no gradient; all ignored is NaN (mean) or 0 (sum)', () => {
  const x = randn([3, 4], { requiresGrad: true });
  const loss = crossEntropy(x, classes(1, -100, 2));
  const without = crossEntropy(x.indexSelect(0, classes(0, 2)), classes(1, 2));
  assert.ok(Math.abs(loss.item() - without.item()) < 1e-6);
  loss.backward();
  assert.equal(x.grad?.select(0, 1).toArray(), [0, 0, 0, 0]);
  const all = classes(-100, -100, -100);
  assert.ok(Number.isNaN(crossEntropy(x, all).item()));
  assert.is(crossEntropy(x, all, { reduction: 'sum' }).item(), 0);
});

test('probability targets are divided by the batch, not by weights', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  const p = tensor([
    [1, 0],
    [0, 1],
  ]);
  const w = tensor([2, 4]);
  const soft = crossEntropy(x, p, { weight: w }).item();
  const hard = crossEntropy(x, classes(0, 1), { weight: w }).item();
  assert.ok(Math.abs(soft - hard * (6 / 2)) < 1e-5);
});

test('large logits neither overflow nor lose the answer', () => {
  assert.is(crossEntropy(tensor([[1e4, 0]]), classes(0)).item(), 0);
  assert.is(crossEntropy(tensor([[1e4, 0]]), classes(1)).item(), 1e4);
  assert.ok(Number.isFinite(crossEntropy(tensor([[-1e30, 1e30]]), classes(1)).item()));
});

test('the loss of nothing is NaN', () => {
  assert.ok(Number.isNaN(crossEntropy(zeros([0, 3]), zeros([0], { dtype: 'int32' })).item()));
  assert.ok(Number.isNaN(mseLoss(zeros([0]), zeros([0])).item()));
  assert.is(mseLoss(zeros([0]), zeros([0]), { reduction: 'sum' }).item(), 0);
});

test('mseLoss broadcasts with a warning, once', () => {
  const said = warnings(() => {
    assert.is(mseLoss(ones([3, 1]), zeros([3])).item(), 1);
    mseLoss(ones([3, 1]), zeros([3]));
  });
  assert.is(said.length, 1);
  assert.match(said[0] as string, /\[3\].*\[3, 1\].*broadcast/s);
  throwsCode('SHAPE', /mseLoss/, () => mseLoss(ones([2]), ones([3])));
});

test('a NaN loss is named once, and the step still runs', () => {
  const w = tensor([1], { requiresGrad: true });
  const said = warnings(() => {
    for (let i = 0; i < 3; i++) mseLoss(w.log().mul(Number.NaN), zeros([1])).backward();
  });
  assert.is(said.length, 1);
  assert.match(said[0] as string, /mseLoss is NaN/);
});

test('losses of a difference: smooth L1 is not Huber, and both meet L1', () => {
  const { huberLoss, l1Loss, smoothL1Loss } = nn.functional;
  const [x, t] = [tensor([-3, -0.2, 0.4, 5]), zeros([4])];
  const close = (a: Tensor, b: Tensor): void => assert.ok(Math.abs(a.item() - b.item()) < 1e-6);
  close(huberLoss(x, t, { delta: 0.5 }), smoothL1Loss(x, t, { beta: 0.5 }).mul(0.5));
  close(smoothL1Loss(x, t, { beta: 0 }), l1Loss(x, t));
  const zero = tensor([0], { requiresGrad: true });
  l1Loss(zero, zeros([1])).backward();
  assert.equal(zero.grad?.toArray(), [0]);
  throwsCode('VALUE', /delta must be > 0/, () => huberLoss(x, t, { delta: 0 }));
  throwsCode('VALUE', /beta must be ≥ 0/, () => smoothL1Loss(x, t, { beta: -1 }));
});

test('losses of logits and logarithms: stable at the ends, nothing from targets of 0', () => {
  const { binaryCrossEntropyWithLogits, klDiv, nllLoss } = nn.functional;
  const [right, wrong] = binaryCrossEntropyWithLogits(tensor([50, 50]), tensor([1, 0]), { reduction: 'none' }).data();
  assert.ok(Math.abs((right as number) / Math.exp(-50) - 1) < 1e-6 && wrong === 50);
  const doubled = binaryCrossEntropyWithLogits(tensor([0, 0]), tensor([1, 0]), { posWeight: tensor(2), reduction: 'none' }).data();
  assert.ok(Math.abs((doubled[0] as number) - 2 * (doubled[1] as number)) < 1e-6);
  assert.is(klDiv(tensor([[-1, -2]]), tensor([[0, 0]]), { reduction: 'sum' }).item(), 0);
  assert.is(klDiv(tensor([[-1], [-1]]), tensor([[1], [1]]), { reduction: 'batchmean' }).item(), 1);
  const logits = randn([3, 4]);
  assert.ok(Math.abs(nllLoss(logits.logSoftmax(1), classes(1, -100, 3)).item() - crossEntropy(logits, classes(1, -100, 3)).item()) < 1e-6);
  throwsCode('INDEX', /class 4/, () => nllLoss(logits, classes(1, 2, 4)));
  throwsCode('SHAPE', /one shape/, () => binaryCrossEntropyWithLogits(ones([2]), ones([3])));
});

test('modules hold their options; a weight is a buffer of its own', () => {
  const weight = tensor([1, 5]);
  const loss = new nn.CrossEntropyLoss({ weight, reduction: 'sum' });
  weight.fill_(0);
  assert.equal(loss.stateDict().weight?.toArray(), [1, 5]);
  assert.ok(loss.forward(ones([1, 2]), classes(1)).item() > 3);
  assert.equal(new nn.MSELoss({ reduction: 'none' }).forward(tensor([3]), tensor([1])).toArray(), [4]);
});

test.run();
