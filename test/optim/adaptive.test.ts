// What holds for every optimizer beside SGD and Adam. Numbers against PyTorch run in conformance.test.ts.
import { capture, manualSeed, optim, randn, scope, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

type Stepper = Pick<optim.SGD, 'step' | 'zeroGrad' | 'stateDict' | 'loadStateDict'>;

/** With the options that take each of its ways; a rate at which it finds the minimum of Σ p². */
const makers: [string, (params: Tensor[]) => Stepper][] = [
  ['RMSprop', (p) => new optim.RMSprop(p, { momentum: 0.5, centered: true })],
  ['Adagrad', (p) => new optim.Adagrad(p, { lr: 0.5, initialAccumulatorValue: 0.1, lrDecay: 1e-3 })],
  ['Adadelta', (p) => new optim.Adadelta(p, { eps: 1e-3 })],
  ['Adamax', (p) => new optim.Adamax(p, { lr: 0.05 })],
  ['NAdam', (p) => new optim.NAdam(p, { lr: 0.05, weightDecay: 0.01, decoupledWeightDecay: true })],
  ['RAdam', (p) => new optim.RAdam(p, { lr: 0.05, weightDecay: 0.01, decoupledWeightDecay: true })],
  ['Rprop', (p) => new optim.Rprop(p)],
  ['ASGD', (p) => new optim.ASGD(p, { lr: 0.1, lambd: 0.01, t0: 3 })],
];

function train(optimizer: Stepper, p: Tensor, steps: number): void {
  for (let i = 0; i < steps; i++) {
    scope(() => {
      optimizer.zeroGrad();
      p.square().sum().backward();
      optimizer.step();
    });
  }
}

const leaf = (values: ArrayLike<number>): Tensor => tensor([...Array.from(values)], { requiresGrad: true });

for (const [name, make] of makers) {
  test(`${name} finds a minimum`, () => {
    const p = leaf([1, -0.5, 0.25]);
    train(make([p]), p, 400);
    assert.ok(p.abs().max().item() < 0.05, `${p.toArray()}`);
  });

  test(`${name}: every element alike, whatever the size`, () => {
    manualSeed(6);
    const values = randn([19]).data();
    const whole = leaf(values);
    train(make([whole]), whole, 5);
    for (const n of [1, 2, 3, 5, 8]) {
      const part = leaf(values.slice(0, n));
      train(make([part]), part, 5);
      assert.equal([...part.data()], [...whole.data().slice(0, n)]);
    }
  });

  test(`${name}: a state dict resumes training to the bit`, () => {
    const [p, q] = [leaf([1, -2, 3, 4, 5]), leaf([0, 0, 0, 0, 0])];
    const [a, b] = [make([p]), make([q])];
    train(a, p, 8);
    q.detach().copy_(p.detach());
    b.loadStateDict(a.stateDict());
    train(a, p, 8);
    train(b, q, 8);
    assert.equal(q.toArray(), p.toArray());
  });

  test(`${name}: a captured step gives the same bits`, () => {
    const run = (captured: boolean): unknown => {
      const p = leaf([1, -2, 3, 4, 5]);
      const optimizer = make([p]);
      const step = (x: Tensor): Tensor => {
        optimizer.zeroGrad();
        const loss = p.sub(x).square().sum();
        loss.backward();
        optimizer.step();
        return loss;
      };
      const call = captured ? capture(step) : step;
      for (let i = 0; i < 8; i++) scope(() => call(tensor([0.1 * i, 0, 1, 0, 0])));
      return p.toArray();
    };
    assert.equal(run(true), run(false));
  });
}

test('RAdam divides by nothing while the variance is unknown, Adagrad begins where it is told', () => {
  const p = leaf([1]);
  p.grad = tensor([4]);
  new optim.RAdam([p], { lr: 0.125 }).step();
  assert.is(p.item(), 0.5); // 1 − 0.125·4
  const q = leaf([1]);
  q.grad = tensor([3]);
  new optim.Adagrad([q], { lr: 0.5, initialAccumulatorValue: 16, eps: 0 }).step();
  assert.ok(Math.abs(q.item() - (1 - (0.5 * 3) / 5)) < 1e-6);
});

test('Rprop does not hide a gradient that is NaN', () => {
  const p = leaf([1, 1]);
  p.grad = tensor([Number.NaN, 2]);
  new optim.Rprop([p], { lr: 0.25 }).step();
  assert.equal([...p.data()], [Number.NaN, 0.75]);
});

test('ASGD keeps the mean of the parameters after t0', () => {
  const p = leaf([1]);
  const optimizer = new optim.ASGD([p], { lr: 0.25, lambd: 0, t0: 1 });
  const seen: number[] = [];
  for (let i = 0; i < 5; i++) {
    train(optimizer, p, 1);
    seen.push(p.item());
  }
  // p halves; μ is 1 up to t = t0 + 1, then 1/2, 1/3: the mean from the third step on.
  const ax = optimizer.stateDict().state[0]?.ax as Tensor;
  const after = seen.slice(2);
  assert.ok(Math.abs(ax.item() - after.reduce((a, b) => a + b, 0) / after.length) < 1e-7);
});

test('bad options are errors', () => {
  const p = [leaf([1])];
  throwsCode('VALUE', /RMSprop: alpha must lie in \[0, ∞\), got -1/, () => new optim.RMSprop(p, { alpha: -1 }));
  throwsCode('VALUE', /Adagrad: initialAccumulatorValue/, () => new optim.Adagrad(p, { initialAccumulatorValue: -1 }));
  throwsCode('VALUE', /Adadelta: rho/, () => new optim.Adadelta(p, { rho: 1.1 }));
  throwsCode('VALUE', /Adamax: beta1/, () => new optim.Adamax(p, { betas: [1, 0.9] }));
  throwsCode('VALUE', /NAdam: momentumDecay/, () => new optim.NAdam(p, { momentumDecay: -1 }));
  throwsCode('VALUE', /RAdam: beta2/, () => new optim.RAdam(p, { betas: [0.9, 1] }));
  throwsCode('VALUE', /etas must be 0 < η⁻ < 1 < η⁺, got 0.5 and 1/, () => new optim.Rprop(p, { etas: [0.5, 1] }));
  throwsCode('VALUE', /stepSizes/, () => new optim.Rprop(p, { stepSizes: [1, 0.5] }));
  throwsCode('VALUE', /t0 must be finite/, () => new optim.ASGD(p, { t0: Number.NaN }));
});

test.run();
