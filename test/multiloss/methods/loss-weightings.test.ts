// Weightings from loss values: known answers, properties, state. TorchJD's traces run in conformance.test.ts.
import * as fc from 'fast-check';
import { Generator, manualSeed, multiloss, rand, randn } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';

const namesOf = (losses: readonly number[]): string[] => losses.map((_, i) => 'abcdefgh'[i] as string);

/** A step's weights. */
const weigh = (method: multiloss.Weighting, losses: readonly number[]): number[] => [
  ...method.weights({ names: namesOf(losses), losses: Float64Array.from(losses), norms: new Float64Array(losses.length), gramian: new Float64Array(losses.length ** 2) }),
];

// Float64 throughout; Math.exp and ours differ by a few roundings.
const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-12): void => {
  assert.is(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) assert.ok(Math.abs((actual[i] as number) - (expected[i] as number)) <= tolerance, `${i}: ${actual[i]}, expected ${expected[i]}`);
};

const softmax = (x: readonly number[], total = 1): number[] => {
  const e = x.map(Math.exp);
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => (total * v) / sum);
};

const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);

test('DWA: two uniform epochs, then the ratios of their means', () => {
  const dwa = new multiloss.DWA({ temperature: 2 });
  assert.equal(weigh(dwa, [1, 1]), [1, 1]);
  dwa.epochEnd();
  assert.equal(weigh(dwa, [1, 2]), [1, 1]);
  assert.equal(weigh(dwa, [1, 6]), [1, 1]);
  dwa.epochEnd();
  near(weigh(dwa, [9, 9]), softmax([0.5, 2], 2));
  // By itself after so many steps.
  const own = new multiloss.DWA({ stepsPerEpoch: 1 });
  weigh(own, [1, 1]);
  weigh(own, [1, 4]);
  near(weigh(own, [9, 9]), softmax([0.5, 2], 2));
  // Losses at 0 divide by nothing.
  const zero = new multiloss.DWA({ temperature: 1e-3, stepsPerEpoch: 1 });
  weigh(zero, [0, 0]);
  weigh(zero, [0, 1]);
  near(weigh(zero, [0, 1]), [0, 2]);
});

test('FAMO: equal shares first, and always a convex combination of gradients', () => {
  const famo = new multiloss.FAMO();
  const first = weigh(famo, [1, 2]);
  near(first, [2 / 3, 1 / 3], 1e-8); // z = ½, ½; weights ∝ 1/L
  famo.update([0.5, 2]); // the first fell: the other one's share grows
  const [a, b] = (famo.stateDict().logits ?? []) as number[];
  assert.ok((a as number) < 0 && (b as number) > 0);
  const positive = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(positive, { minLength: 1, maxLength: 20 }), fc.constantFrom('update' as const, 'next' as const), (steps, after) => {
      const method = new multiloss.FAMO({ after });
      for (const losses of steps) {
        const w = weigh(method, losses);
        assert.ok(w.every((x) => x >= 0 && x <= 1));
        near([sum(w)], [1], 1e-9);
        if (after === 'update') method.update(losses.map((l) => l * 0.9));
      }
    }),
    { numRuns: 50 },
  );
});

test("FAMO: the next step's losses stand for those after, and are the same where they are", () => {
  const [told, cheap] = [new multiloss.FAMO(), new multiloss.FAMO({ after: 'next' })];
  const steps = [[1, 2], [0.5, 1.9], [0.4, 1], [0.4, 0.2]]; // biome-ignore format: one line
  for (const losses of steps) {
    if (losses !== steps[0]) told.update(losses);
    assert.equal(weigh(told, losses), weigh(cheap, losses));
  }
  throwsCode('VALUE', /next/, () => cheap.update([1, 1]));
});

test('FAMO: a millionth of a loss has a million times its weight', () => {
  const [a, b] = weigh(new multiloss.FAMO(), [1, 1e-6]) as [number, number];
  near([b / a / 1e6], [1], 0.02);
});

test('FAMO: bounds, and errors that name the loss and learn nothing', () => {
  near(weigh(new multiloss.FAMO({ lowerBounds: { a: -1, b: 1 } }), [0, 2]), [0.5, 0.5], 1e-8);
  const famo = new multiloss.FAMO();
  throwsCode('VALUE', /the loss 'b' is -1, below its bound 0/, () => weigh(famo, [1, -1]));
  throwsCode('VALUE', /no step since/, () => famo.update([1, 2]));
  weigh(famo, [1, 2]);
  const before = JSON.stringify(famo.stateDict());
  throwsCode('VALUE', /1 losses after a step with 2/, () => famo.update([1]));
  throwsCode('NONFINITE', /the loss 'b' is NaN/, () => famo.update([1, Number.NaN]));
  assert.is(JSON.stringify(famo.stateDict()), before);
});

test('RLW: positive, sums to 1, reproducible by the seed', () => {
  const run = (): number[][] => {
    manualSeed(11);
    const rlw = new multiloss.RLW();
    return [weigh(rlw, [1, 2, 3]), weigh(rlw, [1, 2, 3])];
  };
  const [one, two] = [run(), run()];
  assert.equal(one, two);
  assert.not.equal(one[0], one[1]);
  for (const w of one) {
    assert.ok(w.every((x) => x > 0));
    near([sum(w)], [1]);
  }
  manualSeed(11);
  near(one[0] as number[], softmax([...randn([3]).data()]));
  const own = (): number[] => weigh(new multiloss.RLW({ generator: new Generator(4) }), [1, 2]);
  assert.equal(own(), own());
});

test('ReLoBRaLo: relative to the step before and to the first', () => {
  const before = new multiloss.ReLoBRaLo({ temperature: 1, alpha: 0, rho: 1 });
  assert.equal(weigh(before, [1, 1]), [1, 1]);
  near(weigh(before, [1, 2]), softmax([1, 2], 2));
  near(weigh(before, [3, 2]), softmax([3, 1], 2));
  const first = new multiloss.ReLoBRaLo({ temperature: 1, alpha: 1, rho: 0 });
  weigh(first, [1, 1]);
  weigh(first, [5, 5]);
  near(weigh(first, [1, 2]), softmax([1, 2], 2));
  const still = new multiloss.ReLoBRaLo({ temperature: 1, alpha: 1, rho: 1 });
  weigh(still, [1, 1]);
  assert.equal(weigh(still, [1, 2]), [1, 1]);
  // α mixes; ρ is drawn from the seeded generator as rand would.
  manualSeed(2);
  const stays = rand([1]).item() < 0.5;
  manualSeed(2);
  const mixed = new multiloss.ReLoBRaLo({ temperature: 1, alpha: 0.5, rho: 0.5 });
  weigh(mixed, [1, 1]);
  const b = softmax([1, 2], 2);
  near(
    weigh(mixed, [1, 2]),
    b.map((x) => (stays ? 0.5 + 0.5 * x : x)),
  );
});

test('SoftAdapt: the loss that falls slower counts more', () => {
  const soft = new multiloss.SoftAdapt({ beta: 1 });
  assert.equal(weigh(soft, [2, 4]), [0.5, 0.5]);
  near(weigh(soft, [1, 4]), softmax([-1, 0]));
  const normalized = new multiloss.SoftAdapt({ beta: 1, normalized: true });
  weigh(normalized, [200, 400]);
  near(weigh(normalized, [100, 100]), softmax([-0.25, -0.75]), 1e-9);
  const weighted = new multiloss.SoftAdapt({ beta: 0, lossWeighted: true });
  weigh(weighted, [1, 1]);
  near(weigh(weighted, [1, 3]), [0.25, 0.75]);
});

test('CoV: equal at first, then by the coefficient of variation, whatever the scale', () => {
  const run = (scale: number): number[][] => {
    const cov = new multiloss.CoV();
    return [[1, 1], [2, 1.1], [1, 0.9], [2, 1.1]].map(([a, b]) => weigh(cov, [(a as number) * scale, b as number])); // biome-ignore format: one line
  };
  const steps = run(1);
  assert.equal(steps[0], [0.5, 0.5]);
  assert.equal(steps[1], [0.5, 0.5]);
  const third = steps[2] as number[];
  // After two steps: ratios 1, 2 (mean 1.5, deviation ½) and 1, 1.1 (1.05, 0.05); 1e-8 is added to each variance.
  const [a, b] = [Math.sqrt(0.25 + 1e-8) / 1.5, Math.sqrt(0.0025 + 1e-8) / 1.05];
  near(third, [a / (a + b), b / (a + b)]);
  near(run(1000).flat(), steps.flat());
});

test('FocalKPI: solved tasks count nothing, hard ones most', () => {
  const kpi = new multiloss.FocalKPI({ gamma: 2, alpha: 0.5 });
  assert.equal(weigh(kpi, [1, 1]), [1, 1]);
  kpi.update({ a: 1, b: 0.5 });
  near(weigh(kpi, [1, 1]), [0, 0.25 * Math.LN2]);
  kpi.update({ b: 0.25 });
  near(weigh(kpi, [1, 1]), [0, -(0.625 ** 2) * Math.log(0.375)]);
  throwsCode('VALUE', /score of 'a'.*got 0/, () => kpi.update({ a: 0 }));
});

const makers: [string, () => multiloss.Weighting & multiloss.Stateful][] = [
  ['DWA', () => new multiloss.DWA({ stepsPerEpoch: 2 })],
  ['FAMO', () => new multiloss.FAMO({ after: 'next' })],
  ['RLW', () => new multiloss.RLW()],
  ['ReLoBRaLo', () => new multiloss.ReLoBRaLo()],
  ['SoftAdapt', () => new multiloss.SoftAdapt()],
  ['CoV', () => new multiloss.CoV({ decay: 0.9 })],
  ['FocalKPI', () => new multiloss.FocalKPI()],
];
const course = Array.from({ length: 9 }, (_, i) => [2 / (i + 1), 1 + 0.1 * (i % 3), 3 - 0.2 * i]);

for (const [name, make] of makers) {
  test(`${name}: state makes the round trip through JSON; reset begins again`, () => {
    manualSeed(1);
    const method = make();
    const start = course.map((l) => weigh(method, l));
    method.reset();
    manualSeed(1);
    assert.equal(
      course.map((l) => weigh(method, l)),
      start,
    );
    const resumed = make();
    resumed.loadStateDict(JSON.parse(JSON.stringify(method.stateDict())));
    manualSeed(9);
    const on = course.map((l) => weigh(method, l));
    manualSeed(9);
    assert.equal(
      course.map((l) => weigh(resumed, l)),
      on,
    );
  });

  test(`${name}: weights are finite and ≥ 0 for float32 losses ≥ 0 of any scale`, () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.float({ min: 0, max: 1e10, noNaN: true }), { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 8 }), (steps) => {
        const method = make();
        for (const losses of steps) assert.ok(weigh(method, losses).every((w) => Number.isFinite(w) && w >= 0));
      }),
      { numRuns: 100 },
    );
  });

  test(`${name}: a loss that is not finite is named, and nothing changes`, () => {
    const method = make();
    weigh(method, [1, 2, 3]);
    const before = JSON.stringify(method.stateDict());
    throwsCode('NONFINITE', /the loss 'b' is NaN/, () => weigh(method, [1, Number.NaN, 3]));
    assert.is(JSON.stringify(method.stateDict()), before);
  });
}

test('states of no step and of one are taken up as they are', () => {
  for (const [name, make] of makers) {
    const method = name === 'FAMO' ? new multiloss.FAMO() : make();
    for (let steps = 0; steps < 2; steps++) {
      const state = JSON.stringify(method.stateDict());
      const other = name === 'FAMO' ? new multiloss.FAMO() : make();
      other.loadStateDict(JSON.parse(state));
      assert.is(JSON.stringify(other.stateDict()), state);
      weigh(method, [1, 2]);
    }
  }
});

test('losses may come and go; a foreign state is an error', () => {
  const famo = new multiloss.FAMO();
  weigh(famo, [1, 2, 3]);
  near([sum(weigh(famo, [1, 2]))], [1]);
  near([sum(weigh(famo, [1, 2, 3, 4]))], [1]);
  throwsCode('STATE', /'names' is missing/, () => new multiloss.DWA().loadStateDict({ steps: 1 }));
});

test('defaults are the documented ones', () => {
  const pairs: [() => multiloss.Weighting, () => multiloss.Weighting][] = [
    [() => new multiloss.DWA({ stepsPerEpoch: 2 }), () => new multiloss.DWA({ temperature: 2, stepsPerEpoch: 2 })],
    [() => new multiloss.FAMO({ after: 'next' }), () => new multiloss.FAMO({ after: 'next', lr: 0.025, weightDecay: 1e-3, lowerBounds: [0, 0, 0] })],
    [() => new multiloss.ReLoBRaLo(), () => new multiloss.ReLoBRaLo({ temperature: 0.1, alpha: 0.999, rho: 0.99 })],
    [() => new multiloss.SoftAdapt(), () => new multiloss.SoftAdapt({ beta: 0.1, normalized: false, lossWeighted: false })],
  ];
  for (const pair of pairs) {
    const [plain, told] = pair.map((make) => {
      manualSeed(3);
      const method = make();
      return Array.from({ length: 300 }, (_, i) => weigh(method, course[i % 9] as number[]));
    });
    assert.equal(plain, told);
  }
  const kpi = new multiloss.FocalKPI();
  kpi.update({ a: 0.9 });
  kpi.update({ a: 0.5 });
  near(weigh(kpi, [1]), [0.5 * Math.LN2]);
  const limited = multiloss.constrain({ main: 'a', limits: { b: 1 } });
  near(weigh(limited, [1, 3]), [1, 0.02]);
});

test('losses that come later start as their methods say', () => {
  // b comes in the second epoch: its ratio is 1 until it has two.
  const dwa = new multiloss.DWA({ temperature: 1, stepsPerEpoch: 1 });
  weigh(dwa, [1]);
  weigh(dwa, [3, 5]);
  assert.equal(dwa.stateDict(), { steps: 0, names: ['a', 'b'], sum: [0, 0], count: [0, 0], last: [3, 5], before: [1, 0], epochs: [2, 1] });
  near(weigh(dwa, [6, 5]), softmax([3, 1], 2));
  near(weigh(dwa, [6, 5]), softmax([2, 1], 2));
  const open = new multiloss.DWA();
  weigh(open, [1, 2]);
  assert.equal(open.stateDict(), { steps: 1, names: ['a', 'b'], sum: [1, 2], count: [1, 1], last: [0, 0], before: [0, 0], epochs: [0, 0] });
  // c has the others' mean weight.
  const cov = new multiloss.CoV();
  for (const losses of [[1, 1], [2, 1.1]]) weigh(cov, losses); // biome-ignore format: one line
  const [a, b] = [Math.sqrt(0.25 + 1e-8) / 1.5, Math.sqrt(0.0025 + 1e-8) / 1.05];
  near(
    weigh(cov, [1, 1, 7]),
    [a, b, (a + b) / 2].map((w) => w / (1.5 * (a + b))),
  );
  const soft = new multiloss.SoftAdapt({ lossWeighted: true });
  weigh(soft, [0, 0]);
  assert.equal(weigh(soft, [0, 0]), [0.5, 0.5]);
});

test('FAMO: the objective whose derivatives the weights are', () => {
  const famo = new multiloss.FAMO();
  throwsCode('VALUE', /no step since the last update/, () => famo.objective());
  weigh(famo, [1, 2]);
  // z = ½ each: c = ½·(1 + ½), (½·ln 1 + ½·ln 2)/c.
  near([famo.objective()], [(2 / 3) * Math.LN2], 1e-7);
  famo.update([0.5, 2]);
  throwsCode('VALUE', /no step since the last update/, () => famo.objective());
  weigh(famo, [3]);
  near([famo.objective()], [3 * Math.log(3)], 1e-6);
});

test('ReLoBRaLo draws one number a step', () => {
  manualSeed(2);
  const [, second] = [rand([1]).item(), rand([1]).item()];
  const method = new multiloss.ReLoBRaLo();
  weigh(method, [1, 2]);
  manualSeed(2);
  weigh(method, [1, 2]);
  assert.is(rand([1]).item(), second);
});

test('Constrained: what it takes, and which losses', () => {
  const make = (options: object): multiloss.Weighting => new multiloss.Constrained(options as multiloss.ConstrainOptions);
  const limits = { b: 1 };
  for (const bad of [{ b: 'x' }, { b: Number.NaN }, undefined])
    throwsCode('VALUE', /limits must be an object { name: limit } of finite numbers/, () => make({ main: 'a', limits: bad }));
  for (const bad of [0, '3', Number.NaN]) throwsCode('VALUE', /max must be a number > 0/, () => make({ main: 'a', limits, max: bad }));
  throwsCode('VALUE', /main must be/, () => make({ limits }));
  near(weigh(make({ main: 'a', limits, lr: 1, max: 0.5, damping: 0.1 }), [0, 5]), [1, 0.5 + 0.4]);
  throwsCode('VALUE', /main is 'c', but the losses are a, b/, () => weigh(make({ main: 'c', limits: { a: 1, b: 1 } }), [1, 1]));
  throwsCode('VALUE', /a name of limits is 'c', but/, () => weigh(make({ main: 'a', limits: { b: 1, c: 1 } }), [1, 1]));
  throwsCode('NONFINITE', /the loss 'b' is NaN/, () => weigh(make({ main: 'a', limits }), [1, Number.NaN]));
  throwsCode('VALUE', /got 2|at most 1/, () => (multiloss.constrain as (...given: unknown[]) => unknown)({ main: 'a', limits }, 1));
});

test('options are checked when made', () => {
  throwsCode('VALUE', /scores must be an object/, () => new multiloss.FocalKPI().update(null as never));
  throwsCode('VALUE', /must lie in \(0, 1\], got 1.5/, () => new multiloss.FocalKPI().update({ a: 1.5 }));
  throwsCode('VALUE', /temperature must be a number > 0, got 0/, () => new multiloss.DWA({ temperature: 0 }));
  throwsCode('VALUE', /stepsPerEpoch/, () => new multiloss.DWA({ stepsPerEpoch: 0 }));
  throwsCode('VALUE', /no step in this epoch/, () => new multiloss.DWA().epochEnd());
  throwsCode('VALUE', /lr/, () => new multiloss.FAMO({ lr: -1 }));
  throwsCode('VALUE', /after/, () => new multiloss.FAMO({ after: 'never' as 'next' }));
  throwsCode('VALUE', /alpha must be a number from 0 to 1, got 2/, () => new multiloss.ReLoBRaLo({ alpha: 2 }));
  throwsCode('VALUE', /rho/, () => new multiloss.ReLoBRaLo({ rho: Number.NaN }));
  throwsCode('VALUE', /beta/, () => new multiloss.SoftAdapt({ beta: Number.POSITIVE_INFINITY }));
  throwsCode('VALUE', /decay must be a number above 0 to 1, got 0/, () => new multiloss.CoV({ decay: 0 }));
  throwsCode('VALUE', /gamma/, () => new multiloss.FocalKPI({ gamma: -1 }));
});

test.run();
