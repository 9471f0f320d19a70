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
  scheduler.loadStateDict({ count: 3, baseRates: [0.1], rates: [0.1 / 4] });
  scheduler.step();
  close(optimizer.paramGroups[0]?.lr, 0.1 / 5);
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

const any = lrScheduler as unknown as Record<string, new (...args: unknown[]) => optim.lrScheduler.LRScheduler & { step(metric?: unknown): void }>;
const after = (steps: number, name: string, ...args: unknown[]): number => {
  const o = make(1);
  const s = new (any[name] as (typeof any)[string])(o, ...args);
  for (let i = 0; i < steps; i++) s.step(...(name === 'ReduceLROnPlateau' ? [1] : []));
  return o.paramGroups[0]?.lr as number;
};

test('options by position are PyTorch’s, with an object of others behind', () => {
  close(after(2, 'StepLR', 2, 0.5), 0.5);
  close(after(2, 'StepLR', 2, { gamma: 0.5 }), 0.5);
  close(after(1, 'ExponentialLR', 0.5), 0.5);
  close(after(3, 'MultiStepLR', [1, 3], 0.5), 0.25);
  close(after(0, 'ConstantLR', 0.25, 3), 0.25);
  close(after(2, 'LinearLR', 0.5, 0.25, 2), 0.25);
  close(after(1, 'PolynomialLR', 2), 0.5);
  close(after(2, 'CosineAnnealingLR', 2, 0.1), 0.1);
  close(after(2, 'CosineAnnealingWarmRestarts', 4, 1, 0.5), 0.75);
  close(after(1, 'CyclicLR', 0.1, 0.3, 2), 0.2);
  close(after(0, 'OneCycleLR', 0.5, 10, { divFactor: 5 }), 0.1);
  close(after(3, 'ReduceLROnPlateau', 'min', 0.5, 1), 0.5);
});

test('what is no option is refused by name', () => {
  const bad: [name: string, message: RegExp, ...args: unknown[]][] = [
    ['StepLR', /no option 'gama'. Did you mean 'gamma'/, { stepSize: 1, gama: 0.5 }],
    ['StepLR', /stepSize is missing/, {}],
    ['StepLR', /stepSize is missing/],
    ['StepLR', /by position and by name/, 2, { stepSize: 2 }],
    ['StepLR', /at most 2 options/, 2, 0.1, -1],
    ['ExponentialLR', /at most 1 option,/, 0.5, -1],
    ['LambdaLR', /at most 1 option,/, () => 1, -1],
    ['StepLR', /gamma must be a finite number, got null/, 2, null],
    ['ExponentialLR', /gamma must be a finite number, got 'a'/, 'a'],
    ['LinearLR', /startFactor must lie in \(0, 1\], got 0/, { startFactor: 0 }],
    ['LinearLR', /startFactor must lie in \(0, 1\], got 2/, { startFactor: 2 }],
    ['LinearLR', /endFactor must lie in \[0, 1\], got 2/, { endFactor: 2 }],
    ['ConstantLR', /factor must lie in \[0, 1\], got 2/, { factor: 2 }],
    ['ConstantLR', /factor must lie in \[0, 1\], got -0.5/, { factor: -0.5 }],
    ['MultiStepLR', /each milestone must be a whole number/, [1.5]],
    ['LambdaLR', /lrLambda must be a function/, 0.5],
    ['LambdaLR', /one for each of the 1 groups, got 2/, [() => 1, () => 1]],
    ['MultiplicativeLR', /one for each of the 1 groups, got 2/, [() => 1, () => 1]],
    ['LambdaLR', /lrLambda\(0\) must be a number/, () => undefined],
    ['LambdaLR', /would be NaN at step 0/, () => Number.NaN],
    ['ReduceLROnPlateau', /minLr must be one or one for each of the 1 groups/, { minLr: [0, 0] }],
    ['ReduceLROnPlateau', /minLr/, { minLr: [Number.NaN] }],
    ['CyclicLR', /mode must be "triangular"/, 0.1, 0.2, { mode: 'square' }],
  ];
  for (const [name, message, ...args] of bad) {
    const o = make();
    throwsCode('VALUE', new RegExp(`^${name}: .*${message.source}`), () => new (any[name] as (typeof any)[string])(o, ...args));
    assert.equal([o.paramGroups[0]?.lr, o.paramGroups[0]?.initialLr], [0.1, undefined]);
  }
  throwsCode('VALUE', /the first argument is an optimizer/, () => new lrScheduler.ExponentialLR([0.1] as never, { gamma: 0.5 }));
});

test('a rate that is none is refused before anything changes, also in a chain', () => {
  const o = make(1);
  const step = new lrScheduler.StepLR(o, 1, 0.5);
  (o.paramGroups[0] as { lr: unknown }).lr = null;
  throwsCode('VALUE', /StepLR: lr of group 0 must be a finite number, got null/, () => step.step());
  (o.paramGroups[0] as { lr: number }).lr = 1;
  const lambda = new lrScheduler.LambdaLR(o, (count) => (count === 2 ? Number.NaN : 1));
  const chain = new lrScheduler.ChainedScheduler([step, new lrScheduler.MultiplicativeLR(o, (count) => (count === 2 ? Number.NaN : 1))]);
  chain.step();
  const before = [chain.stateDict(), o.paramGroups[0]?.lr];
  throwsCode('VALUE', /would be NaN at step 2/, () => chain.step());
  assert.equal([chain.stateDict(), o.paramGroups[0]?.lr], before);
  lambda.step();
  throwsCode('VALUE', /LambdaLR: the rate of group 0 would be NaN at step 2/, () => lambda.step());
});

test('groups added later follow, also those with lists refuse by name; groups taken out are refused', () => {
  const two = (): optim.SGD => new optim.SGD([{ params: [new nn.Parameter(ones([1]))] }, { params: [new nn.Parameter(ones([1]))] }], { lr: 1, momentum: 0.5 });
  const add = (o: optim.SGD): void => o.addParamGroup({ params: [new nn.Parameter(ones([1]))], lr: 0.5 });
  const lrs = (o: optim.SGD): number[] => o.paramGroups.map((g) => g.lr);
  for (const [make, right] of [
    [(o: optim.SGD) => new lrScheduler.LambdaLR(o, (e) => 1 / (1 + e)), [1 / 3, 1 / 3, 0.5 / 3]],
    [(o: optim.SGD) => new lrScheduler.CyclicLR(o, 0.1, 0.5, 2), [0.5, 0.5, 0.5]],
    [(o: optim.SGD) => new lrScheduler.CosineAnnealingWarmRestarts(o, 4), [0.5, 0.5, 0.25]],
    [(o: optim.SGD) => new lrScheduler.OneCycleLR(o, 0.8, 10), [0.8, 0.8, 0.8]],
  ] as const) {
    const o = two();
    const s = make(o);
    s.step();
    add(o);
    s.step();
    for (const [i, lr] of lrs(o).entries()) close(lr, right[i] as number);
  }
  const o = two();
  const listed = new lrScheduler.LambdaLR(o, [() => 0.5, () => 1]);
  assert.equal(lrs(o), [0.5, 1]);
  const plateau = new lrScheduler.ReduceLROnPlateau(o, { minLr: [0.1, 0.2] });
  add(o);
  throwsCode('VALUE', /LambdaLR: lrLambda must be one or one for each of the 3 groups, got 2/, () => listed.step());
  throwsCode('VALUE', /ReduceLROnPlateau: minLr must be one or one for each of the 3 groups, got 2/, () => plateau.step(1));
  assert.equal(lrs(o), [0.5, 1, 0.5]);
  const p = two();
  const s = new lrScheduler.ExponentialLR(p, 0.5);
  p.paramGroups.pop();
  throwsCode('VALUE', /1 groups, it had 2/, () => s.step());
});

test('a sequence says what it cannot hold; sequences and chains nest and resume', () => {
  const o = make(1);
  const linear = new lrScheduler.LinearLR(o);
  const plateau = new lrScheduler.ReduceLROnPlateau(o) as never;
  throwsCode('VALUE', /SequentialLR: scheduler 1 is .*ReduceLROnPlateau takes a metric/, () => new lrScheduler.SequentialLR(o, [linear, plateau], [1]));
  throwsCode('VALUE', /ChainedScheduler: scheduler 0 is .*ReduceLROnPlateau takes a metric/, () => new lrScheduler.ChainedScheduler([plateau]));
  throwsCode('VALUE', /scheduler 1 is undefined/, () => new lrScheduler.ChainedScheduler([linear, undefined as never]));
  throwsCode('VALUE', /a list of schedulers/, () => new lrScheduler.ChainedScheduler(linear as never));
  const build = (optimizer: optim.SGD): optim.lrScheduler.LRScheduler => {
    const inner = new lrScheduler.ChainedScheduler([new lrScheduler.ConstantLR(optimizer, 0.5, 2), new lrScheduler.ExponentialLR(optimizer, 0.9)]);
    const cyclic = new lrScheduler.CyclicLR(optimizer, 0.1, 0.3, 2);
    return new lrScheduler.SequentialLR(optimizer, { schedulers: [new lrScheduler.LinearLR(optimizer, 0.5, 1, 2), inner, cyclic], milestones: [2, 5] });
  };
  const [a, b] = [make(1), make(1)];
  const [whole, half] = [build(a), build(b)];
  const seen: number[] = [];
  for (let i = 0; i < 9; i++) {
    if (i === 4) {
      half.loadStateDict(JSON.parse(JSON.stringify(whole.stateDict())));
      assert.equal(half.stateDict(), whole.stateDict());
    }
    seen.push(a.paramGroups[0]?.lr as number);
    whole.step();
    if (i >= 4) half.step();
    if (i >= 4) assert.equal(half.stateDict(), whole.stateDict());
  }
  for (const [i, right] of [0.5, 0.75, 0.5, 0.45, 0.81, 0.1, 0.2, 0.3, 0.2].entries()) close(seen[i], right);
});

test('a sequence goes by closed forms where it comes to a part: a constant factor over no steps is none', () => {
  const parts = (o: optim.SGD) => [new lrScheduler.ExponentialLR(o, 0.5), new lrScheduler.ConstantLR(o, 0.25, 0)];
  const seen = rates(5, (o) => new lrScheduler.SequentialLR(o, parts(o), [2]));
  assert.equal(seen, [0.1, 0.05, 0.1, 0.1, 0.1]); // PyTorch 2.15
  throwsCode('VALUE', /minLr/, () => new lrScheduler.ReduceLROnPlateau(make(), { minLr: new Array(1) }));
});

test('what is no state is refused, and nothing changes', () => {
  const o = make(1);
  const schedulers = [
    new lrScheduler.StepLR(o, 2),
    new lrScheduler.CyclicLR(o, 1, 2, 5),
    new lrScheduler.ReduceLROnPlateau(o),
    new lrScheduler.ChainedScheduler([new lrScheduler.ExponentialLR(o, 1)]),
  ] as const;
  for (const s of schedulers) {
    const good = s.stateDict() as unknown as Record<string, unknown>;
    const bad: unknown[] = [{}, null, undefined, 0, 'text', [], { ...good, rates: undefined }, { ...good, rates: [null] }, { ...good, rates: [1, 1] }, { ...good, rates: 1 }];
    bad.push({ ...good, rates: [-1] }, { ...good, rates: new Array(1) });
    if ('best' in good) bad.push({ ...good, best: 'x' }, { ...good, numBadEpochs: -1 }, { ...good, cooldownCounter: 0.5 });
    else
      bad.push({ ...good, count: -1 }, { ...good, count: 1.5 }, { ...good, count: null }, { ...good, baseRates: [] }, { ...good, baseRates: ['1'] }, { ...good, baseRates: [-1] });
    if ('schedulers' in good) bad.push({ ...good, schedulers: [] }, { ...good, schedulers: [{}] });
    for (const state of bad) {
      throwsCode('STATE', /(LR|Plateau|Scheduler)\.loadStateDict: /, () => s.loadStateDict(state as never));
      assert.equal([s.stateDict(), o.paramGroups[0]?.lr], [good, 1]);
    }
    s.loadStateDict(good as never);
  }
  const one = new lrScheduler.OneCycleLR(make(), 1, 5);
  throwsCode('STATE', /count is 6, the cycle has 5 steps/, () => one.loadStateDict({ ...one.stateDict(), count: 6 }));
  // PyTorch's names.
  const step = new lrScheduler.StepLR(o, 2, 0.5);
  step.loadStateDict({ step_size: 2, gamma: 0.5, base_lrs: [1], last_epoch: 3, _last_lr: [0.5], _step_count: 4 } as never);
  step.step();
  assert.is(o.paramGroups[0]?.lr, 0.25);
});

test('restarts of equal length cost the same at every step', () => {
  const o = make(1);
  const s = new lrScheduler.CosineAnnealingWarmRestarts(o, { t0: 1 });
  s.loadStateDict({ count: 2 ** 50, baseRates: [1], rates: [1] });
  s.step();
  assert.is(o.paramGroups[0]?.lr, 1);
});

test('what a group starts with stays with it, and goes through the optimizer’s state', () => {
  const o = make(1);
  const first = new lrScheduler.ExponentialLR(o, 0.5);
  first.step();
  assert.equal([o.paramGroups[0]?.lr, o.paramGroups[0]?.initialLr], [0.5, 1]);
  const other = make(1);
  other.loadStateDict(o.stateDict());
  const lambda = new lrScheduler.LambdaLR(other, (count) => 1 - 0.1 * count);
  lambda.step();
  close(other.paramGroups[0]?.lr, 0.9);
  assert.equal(first.getLastLr(), [0.5]);
});

test('a scheduler of one’s own', () => {
  class Halving extends lrScheduler.LRScheduler {
    constructor(o: optim.SGD) {
      super('Halving', o);
      this.begin();
    }
    protected next(rate: number): number {
      return rate / 2;
    }
  }
  const o = make(1);
  const whole = new lrScheduler.SequentialLR(o, [new lrScheduler.ConstantLR(o, 0.5, 9), new Halving(o)], [1]);
  whole.step();
  whole.step();
  assert.is(o.paramGroups[0]?.lr, 0.5);
});

test('a step takes no epoch, and of a plateau only the metric', () => {
  const optimizer = new optim.SGD([ones([1]).requiresGrad_()], { lr: 1 });
  const step = (s: object, ...given: unknown[]): void => (s as { step(...given: unknown[]): void }).step(...given);
  throwsCode('VALUE', /StepLR.step: takes at most 0/, () => step(new optim.lrScheduler.StepLR(optimizer, 2), 5));
  throwsCode('VALUE', /ReduceLROnPlateau.step: takes at most 1/, () => step(new optim.lrScheduler.ReduceLROnPlateau(optimizer), 0.5, 5));
  throwsCode('VALUE', /ChainedScheduler: takes at most 2/, () =>
    Reflect.construct(optim.lrScheduler.ChainedScheduler, [[new optim.lrScheduler.StepLR(optimizer, 2)], optimizer, {}]),
  );
  throwsCode('VALUE', /SGD.step: takes at most 1/, () => Reflect.apply(optimizer.step, optimizer, [undefined, {}]));
  throwsCode('VALUE', /SGD.zeroGrad: takes at most 1/, () => Reflect.apply(optimizer.zeroGrad, optimizer, [{}, { setToNull: false }]));
});

test.run();
