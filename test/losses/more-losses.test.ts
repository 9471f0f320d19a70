// Probabilities, densities, distances, margins: what PyTorch's cases do not show.
import { nn, ones, randn, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const F = nn.functional;

test('binary cross-entropy at 0 and 1: certain mistakes cost 100, and the gradient stays finite', () => {
  const x = tensor([0, 1, 0, 1], { requiresGrad: true });
  const loss = F.binaryCrossEntropy(x, tensor([0, 1, 1, 0]), { reduction: 'none' });
  assert.equal(loss.toArray(), [0, 0, 100, 100]);
  loss.sum().backward();
  const [a, b, c, d] = (x.grad as Tensor).toArray() as number[];
  assert.equal([a, b], [0, 0]);
  assert.ok(Math.abs((c as number) / -1e12 - 1) < 1e-6 && Math.abs((d as number) / 1e12 - 1) < 1e-6);
  throwsCode('SHAPE', /\[4\] × \[3\]/, () => F.binaryCrossEntropy(x, ones([3])));
});

test('vectors of zeros: the cosine is 0, a unit vector stays 0, gradients are finite', () => {
  const x = zeros([2, 3], { requiresGrad: true });
  const y = ones([2, 3]);
  assert.equal(F.cosineSimilarity(x, y).toArray(), [0, 0]);
  assert.equal(F.normalize(x).sum().item(), 0);
  F.cosineSimilarity(x, y).sum().add(F.normalize(x).sum()).add(F.pairwiseDistance(x, x.detach()).sum()).backward();
  assert.ok(x.grad?.isfinite().all().item());
});

test('a variance below eps counts as eps, and its gradient passes', () => {
  const v = tensor([1e-9], { requiresGrad: true });
  const loss = F.gaussianNllLoss(zeros([1]), zeros([1]), v, { eps: 0.25 });
  assert.ok(Math.abs(loss.item() - Math.log(0.25) / 2) < 1e-6);
  loss.backward();
  assert.is(v.grad?.item(), 2);
});

test('options and shapes that do not fit are errors, when the module is built', () => {
  throwsCode('VALUE', /TripletMarginLoss: margin must be > 0, got 0/, () => new nn.TripletMarginLoss({ margin: 0 }));
  throwsCode('VALUE', /p must be 1 or 2, got 3/, () => new nn.MultiMarginLoss({ p: 3 as never }));
  throwsCode('VALUE', /reduction/, () => new nn.BCELoss({ reduction: 'avg' as never }));
  throwsCode('VALUE', /eps must be ≥ 0/, () => new nn.GaussianNLLLoss({ eps: -1 }));
  throwsCode('SHAPE', /\[2, 3\].*\[3\]/, () => F.cosineEmbeddingLoss(ones([2, 3]), ones([2, 3]), ones([3])));
  throwsCode('SHAPE', /variance/, () => F.gaussianNllLoss(ones([2, 3]), ones([2, 3]), ones([5, 2, 3])));
  throwsCode('SHAPE', /rank/, () => F.tripletMarginLoss(ones([2, 3]), ones([3]), ones([2, 3])));
  throwsCode('INDEX', /class 3/, () => F.multiMarginLoss(ones([1, 3]), tensor([3], { dtype: 'int32' })));
});

/** Σ over every path of T classes that reads as the target once repeats and then blanks are gone. */
function allPaths(logProbs: number[][], target: string): number {
  const classes = (logProbs[0] as number[]).length;
  let total = 0;
  const walk = (t: number, path: number[], score: number): void => {
    if (t === logProbs.length) {
      const read = path.filter((c, i) => c !== path[i - 1] && c !== 0).join('');
      if (read === target) total += Math.exp(score);
      return;
    }
    for (let c = 0; c < classes; c++) walk(t + 1, [...path, c], score + (logProbs[t]?.[c] as number));
  };
  walk(0, [], 0);
  return -Math.log(total);
}

test('ctc sums over every path; what does not fit costs infinity, or with zeroInfinity nothing', () => {
  const x = randn([5, 3]).logSoftmax(1);
  const table = x.toArray() as number[][];
  for (const target of ['12', '11', '1', '', '212']) {
    const list = tensor(target.split('').map(Number), { dtype: 'int32', shape: [target.length] });
    const padded = target === '' ? zeros([1, 1], { dtype: 'int32' }) : list.reshape([1, -1]);
    const loss = F.ctcLoss(x.reshape([5, 1, 3]), padded, [5], [target.length], { reduction: 'sum' });
    assert.ok(Math.abs(loss.item() - allPaths(table, target)) < 1e-5, `${target}: ${loss.item()}, expected ${allPaths(table, target)}`);
  }
  const long = zeros([1, 4], { dtype: 'int32' }).add(1);
  const logits = x.reshape([5, 1, 3]).detach().requiresGrad_();
  assert.is(F.ctcLoss(logits, long, [5], [4]).item(), Number.POSITIVE_INFINITY);
  const none = F.ctcLoss(logits, long, [5], [4], { zeroInfinity: true });
  assert.is(none.item(), 0);
  none.backward();
  assert.ok((logits.grad as Tensor).eq(0).all().item());
  throwsCode('VALUE', /input length/, () => F.ctcLoss(logits, long, [6], [4]));
  throwsCode('SHAPE', /do not add up/, () => F.ctcLoss(logits, tensor([1, 2], { dtype: 'int32' }), [5], [3]));
});

test.run();
