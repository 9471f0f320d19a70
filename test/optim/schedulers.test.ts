// Schedulers: what PyTorch's cases (conformance.test.ts) do not show.
import { nn, ones, optim } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const { lrScheduler } = optim;
const make = (lr = 0.1): optim.SGD => new optim.SGD([new nn.Parameter(ones([1]))], { lr });
const close = (a: number | undefined, b: number): void => assert.ok(Math.abs((a as number) - b) <= 1e-13 * Math.abs(b), `${a}, expected ${b}`);

/** The rates of the first n steps. */
function rates(n: number, build: (o: optim.SGD) => optim.lrScheduler.LRScheduler): number[] {
  const scheduler = build(make());
  return Array.from({ length: n }, () => {
    const [lr] = scheduler.getLastLr();
    scheduler.step();
    return lr as number;
  });
}

test('the series agree with the engine to the last digits', () => {
  const cosine = rates(40, (o) => new lrScheduler.CosineAnnealingLR(o, { tMax: 39 }));
  for (const [i, lr] of cosine.slice(0, 39).entries()) assert.ok(Math.abs(lr - (0.1 * (1 + Math.cos((Math.PI * i) / 39))) / 2) < 1e-16);
  for (const power of [0.5, 0.9, 1.5, 2.3]) {
    for (const [i, lr] of rates(30, (o) => new lrScheduler.PolynomialLR(o, { totalIters: 30, power })).entries()) close(lr, 0.1 * (1 - i / 30) ** power);
  }
});

test('a milestone named twice counts twice; a lambda scales', () => {
  close(rates(3, (o) => new lrScheduler.MultiStepLR(o, { milestones: [2, 2], gamma: 0.5 }))[2], 0.025);
  close(rates(3, (o) => new lrScheduler.LambdaLR(o, (count) => 1 / (1 + count)))[2], 0.1 / 3);
});

test('rates reach the step; a state resumes', () => {
  const optimizer = make(1);
  const scheduler = new lrScheduler.StepLR(optimizer, { stepSize: 2, gamma: 0.5 });
  for (let i = 0; i < 5; i++) scheduler.step();
  assert.is(optimizer.paramGroups[0]?.lr, 0.25);
  const other = make(1);
  const resumed = new lrScheduler.StepLR(other, { stepSize: 2, gamma: 0.5 });
  resumed.loadStateDict(JSON.parse(JSON.stringify(scheduler.stateDict())));
  assert.is(other.paramGroups[0]?.lr, 0.25);
  scheduler.step();
  resumed.step();
  assert.equal(resumed.getLastLr(), scheduler.getLastLr());
});

test('options outside their range are errors', () => {
  throwsCode('VALUE', /stepSize must be a whole number ≥ 1, got 0/, () => new lrScheduler.StepLR(make(), { stepSize: 0 }));
  throwsCode('VALUE', /power/, () => new lrScheduler.PolynomialLR(make(), { power: -1 }));
});

test('factors multiply from step to step; a state resumes them', () => {
  const lambda = (count: number): number => 1 - 1 / (count + 1);
  const values = rates(5, (o) => new lrScheduler.MultiplicativeLR(o, lambda));
  for (const [i, lr] of values.entries()) close(lr, 0.1 / (i + 1));
  const optimizer = make();
  const scheduler = new lrScheduler.MultiplicativeLR(optimizer, lambda);
  scheduler.loadStateDict({ count: 3, baseRates: [0.1] });
  close(optimizer.paramGroups[0]?.lr, 0.1 / 4);
  scheduler.loadStateDict({ count: 1, baseRates: [0.1] });
  close(optimizer.paramGroups[0]?.lr, 0.1 / 2);
});

test('chained schedulers multiply; parts see the first rate, not what other parts made of it', () => {
  const values = rates(
    4,
    (o) => new lrScheduler.ChainedScheduler([new lrScheduler.ConstantLR(o, { factor: 0.5, totalIters: 2 }), new lrScheduler.ExponentialLR(o, { gamma: 0.9 })]),
  );
  for (const [i, expected] of [0.05, 0.045, 0.081, 0.0729].entries()) close(values[i], expected);
  const apart = new lrScheduler.ExponentialLR(make(), { gamma: 0.9 });
  throwsCode('VALUE', /scheduler 1 belongs to another optimizer/, () => new lrScheduler.ChainedScheduler([new lrScheduler.ExponentialLR(make(), { gamma: 0.9 }), apart]));
});

test('momentum cycles through Adam’s first beta as well, inside a sequence too', () => {
  const optimizer = new optim.Adam([new nn.Parameter(ones([1]))]);
  const one = new lrScheduler.OneCycleLR(optimizer, { maxLr: 0.5, epochs: 2, stepsPerEpoch: 5 });
  assert.equal(optimizer.paramGroups[0]?.betas, [0.95, 0.999]);
  const whole = new lrScheduler.SequentialLR(optimizer, { schedulers: [new lrScheduler.ConstantLR(optimizer), one], milestones: [2] });
  for (let i = 0; i < 4; i++) whole.step();
  close(optimizer.paramGroups[0]?.lr, 0.5);
  close(optimizer.paramGroups[0]?.betas[0], 0.85);
  const again = new lrScheduler.OneCycleLR(make(), { maxLr: 1, totalSteps: 2 });
  again.step();
  again.step();
  throwsCode('VALUE', /cycle of 2 steps is over/, () => again.step());
});

test('on a plateau the rate falls; metrics may be tensors and grow; a state resumes', () => {
  const optimizer = make(1);
  const scheduler = new lrScheduler.ReduceLROnPlateau(optimizer, { mode: 'max', factor: 0.5, patience: 1, thresholdMode: 'abs', threshold: 0.1, minLr: 0.2 });
  for (const metric of [1, 1.05, ones([1])]) scheduler.step(metric);
  assert.is(optimizer.paramGroups[0]?.lr, 0.5);
  const other = make(1);
  const resumed = new lrScheduler.ReduceLROnPlateau(other, { mode: 'max', factor: 0.5, patience: 1, thresholdMode: 'abs', threshold: 0.1, minLr: 0.2 });
  resumed.loadStateDict(JSON.parse(JSON.stringify(scheduler.stateDict())));
  for (const metric of [1, 1, 1, 1, 1, 1, Number.NaN]) for (const s of [scheduler, resumed]) s.step(metric);
  assert.equal(resumed.getLastLr(), [0.2]);
  assert.equal(resumed.stateDict(), scheduler.stateDict());
});

test('options of the newer ones outside their range are errors', () => {
  throwsCode('VALUE', /factor must lie between 0 and 1, got 1/, () => new lrScheduler.ReduceLROnPlateau(make(), { factor: 1 }));
  throwsCode('VALUE', /one for each of the 1 groups/, () => new lrScheduler.CyclicLR(make(), { baseLr: [0.1, 0.2], maxLr: 1 }));
  throwsCode('VALUE', /length is missing/, () => new lrScheduler.OneCycleLR(make(), { maxLr: 1 }));
  throwsCode('VALUE', /neither momentum nor betas/, () => new lrScheduler.CyclicLR({ paramGroups: [{ lr: 1 }] }, { baseLr: 0.1, maxLr: 1 }));
  const o = make();
  const parts = [new lrScheduler.ConstantLR(o), new lrScheduler.ConstantLR(o)];
  throwsCode('VALUE', /2 schedulers need 1 milestones, got 0/, () => new lrScheduler.SequentialLR(o, { schedulers: parts, milestones: [] }));
});

test.run();
