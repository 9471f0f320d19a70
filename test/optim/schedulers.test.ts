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

test.run();
