// Batch and instance normalisation: running statistics over several batches, capture, refusals. Values: test/ops, conformance.
import { capture, nn, ones, optim, randn, scope, type Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const values = (x: Tensor | null): number[] => [...(x as Tensor).data()];
const close = (a: Tensor | null, b: Tensor, tolerance = 1e-6): void => {
  for (const [i, v] of values(a).entries()) assert.ok(Math.abs(v - (values(b)[i] as number)) <= tolerance, `${v}, expected ${values(b)[i]}`);
};

test('running statistics follow the batches: a moving average, or with momentum null the plain one', () => {
  const batches = [randn([6, 2, 3]), randn([6, 2, 3]).mul(2), randn([6, 2, 3]).add(1)];
  const moving = new nn.BatchNorm1d(2, { momentum: 0.25 });
  const plain = new nn.BatchNorm1d(2, { momentum: null });
  for (const x of batches) for (const layer of [moving, plain]) layer.forward(x);
  const means = batches.map((x) => x.mean({ dim: [0, 2] }));
  const variances = batches.map((x) => x.variance({ dim: [0, 2] }));
  const [a, b, c] = means as [Tensor, Tensor, Tensor];
  close(plain.runningMean, a.add(b).add(c).div(3));
  close(plain.runningVar, variances.reduce((x, y) => x.add(y)).div(3), 1e-5);
  close(
    moving.runningMean,
    a
      .mul(0.25 * 0.75 ** 2)
      .add(b.mul(0.25 * 0.75))
      .add(c.mul(0.25)),
  );
  assert.is(plain.numBatchesTracked?.item(), 3);
  const before = values(moving.runningMean);
  moving.eval().forward(batches[0] as Tensor);
  assert.equal(values(moving.runningMean), before);
});

test('captured steps are eager ones, to the bit, statistics included', () => {
  for (const momentum of [0.1, null]) {
    const make = () => {
      const model = new nn.Sequential(new nn.BatchNorm1d(4, { momentum }), new nn.Linear(4, 2));
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
      const step = (x: Tensor): Tensor => {
        optimizer.zeroGrad();
        const loss = model.forward(x).square().mean();
        loss.backward();
        optimizer.step();
        return loss;
      };
      return { model, step };
    };
    const [eager, other] = [make(), make()];
    other.model.loadStateDict(eager.model.stateDict());
    const step = capture(other.step);
    for (let i = 0; i < 8; i++) {
      scope(() => {
        const x = randn([5, 4]);
        assert.is(step(x).item(), eager.step(x).item());
      });
    }
    const [mine, theirs] = [eager.model.stateDict(), other.model.stateDict()];
    assert.equal(Object.keys(mine), ['0.weight', '0.bias', '1.weight', '1.bias', '0.running_mean', '0.running_var', '0.num_batches_tracked']);
    for (const [name, t] of Object.entries(mine)) assert.equal(values(theirs[name] as Tensor), values(t), name);
    assert.is(mine['0.num_batches_tracked']?.item(), 8);
  }
});

test('large means do not spoil the variance', () => {
  const x = randn([64, 1, 40]);
  const layer = new nn.BatchNorm1d(1, { affine: false });
  close(layer.forward(x.add(1000)), layer.forward(x), 2e-3); // the input itself is rounded to 6e-5 there
});

test('what has no spread, no channels or no statistics is refused', () => {
  throwsCode('VALUE', /one value.*eval\(\)/s, () => new nn.BatchNorm1d(3).forward(ones([1, 3])));
  throwsCode('SHAPE', /BatchNorm2d: takes 4 dimensions: \[2, 3\]/, () => new nn.BatchNorm2d(3).forward(ones([2, 3])));
  throwsCode('SHAPE', /\[4\]/, () => new nn.BatchNorm1d(3).forward(ones([2, 4])));
  throwsCode('VALUE', /numFeatures/, () => new nn.BatchNorm1d(0));
  throwsCode('VALUE', /momentum/, () => new nn.InstanceNorm1d(2, { momentum: Number.NaN }));
  throwsCode('VALUE', /2 groups do not divide 3 channels/, () => new nn.GroupNorm(2, 3));
  throwsCode('VALUE', /runningMean/, () => nn.functional.batchNorm(ones([2, 3]), null, null));
});

test.run();
