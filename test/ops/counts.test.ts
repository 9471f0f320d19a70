// Counting, ordering and searching: NaN, whole numbers, nothing, and what is refused.
import * as g from 'gradloom';
import { arange, capture, full, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const int = (v: number[] | number[][]): Tensor => tensor(v, { dtype: 'int32' });
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const list = (x: Tensor): number[] => [...x.data()];

test('NaN as in PyTorch', () => {
  const x = tensor([3, nan, 1, 2, nan]);
  assert.equal(list(g.median(x)), [nan]);
  assert.equal(g.median(x, 0).indices.item(), 1);
  assert.equal([g.nanmedian(x).item(), g.nanmedian(x, 0).indices.item()], [2, 3]);
  assert.equal(list(g.msort(x)), [1, 2, 3, nan, nan]);
  assert.equal(g.kthvalue(x, 3).values.item(), 3);
  assert.equal(list(g.quantile(x, 0.5)), [nan]);
  assert.is(g.nanquantile(x, 0.5).item(), 2);
  assert.equal(
    [list(g.cummax(x, 0).values), list(g.cummax(x, 0).indices)],
    [
      [3, nan, nan, nan, nan],
      [0, 1, 1, 1, 4],
    ],
  );
  assert.equal([g.nansum(x).item(), g.nanmean(x).item(), g.countNonzero(x).item()], [6, 2, 5]);
  assert.equal(list(g.unique(x)), [1, 2, 3, nan, nan]);
  assert.equal(list(g.searchsorted(tensor([1, 2]), tensor([nan, 1, inf]))), [2, 0, 2]);
  assert.equal(list(g.nanmedian(full([2], nan))), [nan]);
  assert.ok(
    g
      .isclose(tensor([nan, inf, 1]), tensor([nan, inf, 1.000001]), { equalNan: true })
      .data()
      .every((v) => v === 1),
  );
  assert.not.ok(g.allclose(tensor([nan]), tensor([nan])));
  assert.ok(g.equal(x.index([0, 2]), tensor([3, 1])) && !g.equal(x, x));
});

test('whole numbers and bools stay what they are', () => {
  const x = int([
    [3, 1, 3],
    [2, 2, 1],
  ]);
  assert.equal(g.mode(x, 1).values.toArray(), [3, 2]);
  assert.equal(g.mode(x, 1).indices.toArray(), [2, 1]);
  assert.equal(g.cummin(x, 1).values.toArray(), [
    [3, 1, 1],
    [2, 2, 1],
  ]);
  assert.equal(g.diff(x).toArray(), [
    [-2, 2],
    [0, -1],
  ]);
  assert.equal(g.diff(x.gt(1)).toArray(), [
    [true, true],
    [false, true],
  ]);
  assert.equal(g.scatterReduce(x, 1, int([[0], [0]]), int([[9], [-1]]), 'mean').toArray(), [
    [6, 1, 3],
    [0, 2, 1],
  ]);
  assert.equal(g.bincount(int([1, 3, 1])).toArray(), [0, 2, 0, 1]);
  assert.equal(g.bincount(int([1, 0]), tensor([0.5, 2]), 3).toArray(), [2, 0.5, 0]);
  const { values, inverse, counts } = g.unique(x, { returnInverse: true, returnCounts: true });
  assert.equal([list(values), inverse?.toArray(), counts?.toArray()], [
    [1, 2, 3],
    [
      [2, 0, 2],
      [1, 1, 0],
    ],
    [2, 2, 2],
  ] as never);
  assert.equal(g.repeatInterleave(int([1, 0, 2])).toArray(), [0, 2, 2]);
  assert.equal(g.nonzero(x.eq(1), { asTuple: true }).map(list), [
    [0, 1],
    [1, 2],
  ]);
});

test('nothing gives nothing', () => {
  assert.equal(g.unique(zeros([0])).shape, [0]);
  assert.equal(g.nonzero(zeros([0, 3])).shape, [0, 2]);
  assert.equal(g.nonzero(tensor(1)).shape, [1, 0]);
  assert.equal(g.maskedSelect(zeros([0]), zeros([0]).bool()).shape, [0]);
  assert.equal(g.bincount(int([])).shape, [0]);
  assert.equal(g.cummax(zeros([0, 2]), 1).values.shape, [0, 2]);
  assert.equal(g.cdist(zeros([2, 0]), zeros([3, 0])).toArray(), zeros([2, 3]).toArray());
  assert.equal(g.diff(zeros([1])).shape, [0]);
  assert.equal(g.combinations(zeros([1])).shape, [0, 2]);
  assert.equal(list(g.median(zeros([0]))), [nan]);
  assert.equal(g.blockDiag().shape, [1, 0]);
});

test('shapes that depend on data are refused by name inside capture', () => {
  const x = arange(4).float();
  const calls: Record<string, (x: Tensor) => Tensor> = {
    nonzero: (x) => g.nonzero(x),
    argwhere: g.argwhere,
    maskedSelect: (x) => g.maskedSelect(x, x.gt(1)),
    unique: (x) => g.unique(x),
    uniqueConsecutive: (x) => g.uniqueConsecutive(x),
    bincount: (x) => g.bincount(x.int()),
    repeatInterleave: (x) => g.repeatInterleave(x, x.int()),
    oneHot: (x) => g.oneHot(x.int()),
  };
  const refused = (name: string, why: string, call: (x: Tensor) => Tensor): void => {
    const step = capture(call);
    throwsCode('CAPTURE', new RegExp(`${name}: ${why}`), () => [0, 1, 2].map(() => step(x)));
  };
  for (const [name, call] of Object.entries(calls)) refused(name, 'the shape of its result depends on what the tensor holds', call);
  refused('allclose', 'values are read', (x) => zeros([g.allclose(x, x) ? 1 : 2]));
  refused('equal', 'values are read', (x) => zeros([g.equal(x, x) ? 1 : 2]));
});

test('searching, histograms and running extremes run in captured steps', () => {
  const edges = tensor([0, 1, 2]);
  const run = (x: Tensor): Tensor =>
    g.hstack([g.searchsorted(edges, x), g.histc(x, 3), g.cummax(x, 0).indices, g.median(x), g.quantile(x, 0.4), g.cov(x, { aweights: edges.add(1) })]);
  const step = capture(run);
  for (let k = 0; k < 5; k++) {
    const x = tensor([k, 0.5 * k, 2 - k]);
    assert.equal(list(step(x)), list(run(x)), `call ${k}`);
  }
  step.release();
});

test('what cannot be is refused', () => {
  const x = zeros([2, 3]);
  throwsCode('VALUE', /kthvalue: k must be a whole number from 1 to 3, got 4/, () => g.kthvalue(x, 4));
  throwsCode('VALUE', /quantile: q must lie in \[0, 1\], got 1.5/, () => g.quantile(x, 1.5));
  throwsCode('VALUE', /scatterReduce: reduce must be .*, got 'max'/, () => g.scatterReduce(x, 0, int([[0]]), zeros([1, 1]), 'max' as never));
  throwsCode('INDEX', /bincount: value -1/, () => g.bincount(int([-1])));
  throwsCode('INDEX', /maskedScatter: element 1/, () => g.maskedScatter(zeros([2]), tensor([true, true]), zeros([1])));
  throwsCode('SHAPE', /cdist: takes rows of one length/, () => g.cdist(zeros([2, 3]), zeros([2, 2])));
  throwsCode('SHAPE', /hsplit: dimension 1 of \[2, 3\] does not part into 2/, () => g.hsplit(x, 2));
  throwsCode('SHAPE', /selectScatter: the source does not fit its place/, () => g.selectScatter(x, zeros([2]), 0, 0));
  throwsCode('DTYPE', /indexFill: types differ/, () => g.indexFill(x, 0, int([0]), int([1]).index(0)));
  throwsCode('MEMORY', /combinations/, () => g.combinations(zeros([1000]), 5));
});

test.run();
