// Methods that look at losses only, differentiable ones: known answers, identities, edges. TorchJD's answers run in conformance.test.ts.
import * as fc from 'fast-check';
import { capture, manualSeed, multiloss, nn, optim, randn, scope, tensor, type Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';

const { anneal } = multiloss;

const namesOf = (losses: readonly number[]): string[] => losses.map((_, i) => 'abcdefgh'[i] as string);

/** What a step's methods are told where they look at the losses only. */
const stats = (losses: readonly number[]): multiloss.Stats => {
  const m = losses.length;
  return { names: namesOf(losses), losses: Float64Array.from(losses), norms: new Float64Array(m), gramian: new Float64Array(m * m) };
};

/** The scalar and the weights that a method gives to losses. */
function combined(method: multiloss.Scalarizer, losses: readonly number[]): { value: number; weights: number[] } {
  return scope(() => {
    const leaves = losses.map((l) => tensor(l, { requiresGrad: true }));
    const total = method.combine(leaves, namesOf(losses));
    total.backward();
    return { value: total.item(), weights: leaves.map((t) => (t.grad as Tensor).item()) };
  });
}

// Float32 chains of about ten functions.
const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, relative = 1e-5, absolute = 1e-6): void => {
  assert.is(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    const [a, e] = [actual[i] as number, expected[i] as number];
    assert.ok(Math.abs(a - e) <= absolute + relative * Math.abs(e), `${i}: ${a}, expected ${e}`);
  }
};

const losses = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 6 });

test('known answers', () => {
  near([combined(new multiloss.UncertaintyWeighting(3), [1, 2, 4]).value, combined(new multiloss.IMTLL(3), [1, 2, 4]).value], [3.5, 7]);
  near([combined(new multiloss.GeometricMean(), [1, 2, 4]).value], [2]);
  near([combined(new multiloss.PBI({ weights: [1, 1], theta: 1 }), [2, 0]).value], [2 * Math.SQRT2]);
  near([combined(new multiloss.COSMOS({ weights: [0.5, 0.5], lambda: 1 }), [1, 1]).value], [0]);
  near([combined(new multiloss.ScaleInvariant(), [2, 3]).value], [Math.log(6)]);
  near(combined(new multiloss.ScaleInvariant(), [2, 4]).weights, [0.5, 0.25]);
  // ½·L/σ² + ln(1 + σ²) at σ = 1.
  near([combined(new multiloss.UncertaintyWeighting(2, { regularizer: 'log1p' }), [1, 3]).value], [2 + 2 * Math.LN2]);
});

test('linear ones: the weights are the derivatives', () => {
  const given = [3, 0.5, 2];
  assert.equal([...new multiloss.Sum().weights(stats(given))], [1, 1, 1]);
  assert.equal([...new multiloss.Mean().weights(stats(given))], [1 / 3, 1 / 3, 1 / 3]);
  assert.equal([...new multiloss.Constant([1, 2, 0]).weights(stats(given))], [1, 2, 0]);
  assert.equal(combined(multiloss.weighted({ a: 1, b: 2, c: -4 }), given), { value: -4, weights: [1, 2, -4] });
});

test('IMTL-L at s is twice uncertainty weighting at −s', () => {
  fc.assert(
    fc.property(losses, fc.double({ min: -2, max: 2, noNaN: true }), (l, init) => {
      const imtl = combined(new multiloss.IMTLL(l.length, { init }), l);
      const uw = combined(new multiloss.UncertaintyWeighting(l.length, { init: -init }), l);
      near(
        imtl.weights,
        uw.weights.map((w) => 2 * w),
      );
      near([imtl.value], [2 * uw.value], 1e-5, 1e-4);
    }),
    { numRuns: 50 },
  );
});

test('STCH becomes the largest loss as μ → 0, and its weights sum to those of the losses', () => {
  fc.assert(
    fc.property(losses, (l) => {
      const m = l.length;
      const largest = Math.max(...l);
      const { value } = combined(new multiloss.STCH({ mu: 1e-4 }), l);
      // μ·ln Σ exp lies between the maximum and the maximum + μ·ln m.
      near([value * m], [largest], 1e-5, 1e-3 * m);
      const { weights } = combined(new multiloss.STCH({ mu: 0.5, weights: l.map(() => 1) }), l);
      near([weights.reduce((a, b) => a + b, 0)], [1]);
    }),
    { numRuns: 50 },
  );
  assert.ok(Number.isFinite(combined(new multiloss.STCH({ mu: 1e-3 }), [1e4, 1e-4]).value));
  near(combined(new multiloss.STCH({ mu: 1e-3, weights: { b: 1, a: 1 }, zeroPoint: { a: 5, b: 0 } }), [6, 2]).weights, [0, 1]);
});

test('STCH with a warm-up weighs by what the losses were', () => {
  const stch = new multiloss.STCH({ mu: 1, warmupSteps: 2 });
  near(combined(stch, [1, 100]).weights, [1, 0.01]);
  near(combined(stch, [3, 300]).weights, [1 / 3, 1 / 300]);
  // Both at their nadir, 2 and 200: m·(L/nadir-softmax)/L.
  near(combined(stch, [2, 200]).weights, [0.5, 0.005]);
  const resumed = new multiloss.STCH({ mu: 1, warmupSteps: 2 });
  resumed.loadStateDict(JSON.parse(JSON.stringify(stch.stateDict())));
  assert.equal(combined(resumed, [1, 300]), combined(stch, [1, 300]));
  stch.reset();
  near(combined(stch, [2, 4]).weights, [0.5, 0.25]);
});

test('the geometric mean neither overflows nor gives NaN at 0', () => {
  fc.assert(
    fc.property(losses, (l) => {
      const { value, weights } = combined(new multiloss.GeometricMean(), l);
      const mean = Math.exp(l.reduce((s, x) => s + Math.log(x), 0) / l.length);
      near([value], [mean]);
      near(
        weights,
        l.map((x) => mean / (l.length * x)),
      );
    }),
    { numRuns: 50 },
  );
  near([combined(new multiloss.GeometricMean(), [1e30, 1e30, 1e30]).value / 1e30], [1], 1e-4);
  assert.equal(combined(new multiloss.GeometricMean(), [0, 2]), { value: 0, weights: [0, 0] });
});

test('COSMOS and PBI have finite weights at 0 and on the ray', () => {
  assert.ok(combined(new multiloss.COSMOS({ weights: [1, 2] }), [0, 0]).weights.every(Number.isFinite));
  assert.ok(combined(new multiloss.PBI({ weights: [1, 2] }), [0, 0]).weights.every(Number.isFinite));
  const length = Math.sqrt(0.1 ** 2 + 0.7 ** 2);
  near(combined(new multiloss.PBI({ weights: [0.1, 0.7] }), [0.3, 2.1]).weights, [0.1 / length, 0.7 / length]);
  // The cosine draws towards the ray: the loss that is too high counts more.
  const { weights } = combined(new multiloss.COSMOS({ weights: [0.5, 0.5], lambda: 5 }), [3, 1]);
  assert.ok((weights[0] as number) > (weights[1] as number));
});

test('learnt weights come to rest where the papers say', () => {
  const rest = (method: multiloss.Scalarizer): number[] => {
    const optimizer = new optim.Adam(method.parameters(), { lr: 0.05 });
    for (let i = 0; i < 500; i++) {
      scope(() => {
        optimizer.zeroGrad();
        method
          .combine(
            [4, 0.25].map((l) => tensor(l)),
            ['a', 'b'],
          )
          .backward();
        optimizer.step();
      });
    }
    return combined(method, [4, 0.25]).weights;
  };
  near(rest(new multiloss.UncertaintyWeighting(2)), [1 / 8, 2], 1e-2); // 1/(2L)
  near(rest(new multiloss.IMTLL(2)), [1 / 4, 4], 1e-2); // 1/L
});

test('schedules begin and end where they should and survive JSON', () => {
  const all: [multiloss.Schedule, number[]][] = [
    [anneal.linear(0, 1, { steps: 10, from: 5 }), [0, 0, 0, 0, 0, 0, 0.1]],
    [anneal.cosine(1, 0, { steps: 4 }), [1, (1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2, 0, 0]],
    [anneal.exponential(1, 16, { steps: 4 }), [1, 2, 4, 8, 16, 16]],
    [anneal.warmup(2, { steps: 2 }), [0, 1, 2, 2]],
    [anneal.cyclical(0, 1, { steps: 8, cycles: 2 }), [0, 0.5, 1, 1, 0, 0.5, 1, 1, 1, 1]],
    [
      anneal.piecewise([
        [0, 3],
        [2, 5],
      ]),
      [3, 3, 5, 5],
    ],
    [
      anneal.piecewise(
        [
          [1, 0],
          [3, 4],
        ],
        { interpolate: 'linear' },
      ),
      [0, 0, 2, 4, 4],
    ],
    [anneal.constant(0.3), [0.3, 0.3]],
  ];
  for (const [schedule, expected] of all) {
    const loaded = anneal.load(JSON.parse(JSON.stringify(schedule)));
    near(
      expected.map((_, step) => schedule.value(step)),
      expected,
      1e-12,
      1e-12,
    );
    assert.equal(
      expected.map((_, step) => loaded.value(step)),
      expected.map((_, step) => schedule.value(step)),
    );
  }
});

test('schedules stay between their ends', () => {
  const end = fc.double({ min: 0.001, max: 10, noNaN: true });
  fc.assert(
    fc.property(end, end, fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 150 }), (a, b, steps, step) => {
      for (const s of [anneal.linear(a, b, { steps }), anneal.cosine(a, b, { steps }), anneal.exponential(a, b, { steps }), anneal.cyclical(a, b, { steps })]) {
        const v = s.value(step);
        assert.ok(v >= Math.min(a, b) * (1 - 1e-12) && v <= Math.max(a, b) * (1 + 1e-12), `${s.plan.kind}: ${v}`);
        if (step >= steps) assert.is(v, b);
      }
    }),
  );
});

test('weights follow schedules step by step, resume, and begin again', () => {
  const make = (): multiloss.Weighted<'a' | 'b'> => multiloss.weighted({ a: 1, b: anneal.linear(0, 1, { steps: 4 }) });
  const method = make();
  const seen = (m: multiloss.Scalarizer): number => combined(m, [1, 1]).weights[1] as number;
  assert.equal([seen(method), seen(method), seen(method)], [0, 0.25, 0.5]);
  const resumed = make();
  resumed.loadStateDict(JSON.parse(JSON.stringify(method.stateDict())));
  assert.equal([seen(resumed), seen(resumed), seen(resumed)], [0.75, 1, 1]);
  method.reset();
  assert.is(seen(method), 0);
  const report = make().backward({ a: tensor(1, { requiresGrad: true }), b: tensor(1, { requiresGrad: true }) });
  assert.equal(report.weights, { a: 1, b: 0 });
});

test('a captured step follows schedules and preferences to the bit', () => {
  const train = (captured: boolean): number[][] => {
    manualSeed(5);
    const layer = new nn.Linear(3, 2);
    const optimizer = new optim.SGD(layer.parameters(), { lr: 0.1 });
    const cosmos = new multiloss.COSMOS({ weights: [0.2, 0.8] });
    const methods = [multiloss.weighted({ a: 1, b: anneal.cosine(0, 2, { steps: 5 }) }), cosmos, new multiloss.STCH({ weights: [1, 2] })];
    const step = (x: Tensor): Tensor => {
      optimizer.zeroGrad();
      const y = layer.forward(x);
      const pair = (): Tensor[] => [y.square().mean(), y.sub(1).square().mean()];
      const total = methods.map((m) => m.combine(pair(), ['a', 'b'])).reduce((a, b) => a.add(b));
      total.backward();
      optimizer.step();
      return total;
    };
    const run = captured ? capture(step) : step;
    const results: number[][] = [];
    for (let i = 0; i < 6; i++) {
      scope(() => {
        if (i === 4) cosmos.setWeights([0.9, 0.1]);
        run(randn([4, 3]));
        results.push([...layer.weight.data()]);
      });
    }
    return results;
  };
  assert.equal(train(true), train(false));
});

test('learnt state makes the round trip, and begins again', () => {
  for (const make of [() => new multiloss.UncertaintyWeighting(['a', 'b'], { init: 0.5 }), () => new multiloss.IMTLL(['a', 'b'], { init: 0.5 })]) {
    const [method, other] = [make(), make()];
    other.loadStateDict({ s: [0.25, -1] });
    method.loadStateDict(JSON.parse(JSON.stringify(other.stateDict())));
    assert.equal(method.stateDict().s, [0.25, -1]);
    assert.equal(combined(method, [1, 2]), combined(other, [1, 2]));
    method.reset();
    assert.equal(method.stateDict().s, [0.5, 0.5]);
    throwsCode('STATE', /a list of 2, each a number that float32 holds/, () => method.loadStateDict({ s: [1] }));
    throwsCode('VALUE', /made for a, b, got a, c/, () => method.combine([tensor(1), tensor(2)], ['a', 'c'] as never));
  }
});

test('losses out of range are errors that name the loss', () => {
  throwsCode('VALUE', /the loss 'b' is -1; it must be ≥ 0/, () => combined(new multiloss.GeometricMean(), [1, -1]));
  throwsCode('VALUE', /the loss 'b' is 0; it must be > 0.*eps/s, () => combined(new multiloss.ScaleInvariant(), [1, 0]));
  assert.ok(Number.isFinite(combined(new multiloss.ScaleInvariant({ eps: 1e-8 }), [1, 0]).value));
  throwsCode('VALUE', /the loss 'a' is -2/, () => combined(new multiloss.STCH({ warmupSteps: 1 }), [-2]));
  throwsCode('VALUE', /weights has no number for the loss 'b', only for a/, () => combined(new multiloss.PBI({ weights: { a: 1 } }), [1, 2]));
  throwsCode('VALUE', /2 numbers for 3 losses \(a, b, c\)/, () => combined(new multiloss.COSMOS({ weights: [1, 2] }), [1, 2, 3]));
  throwsCode('VALUE', /1 weights for 2 losses/, () => new multiloss.Constant([1]).weights(stats([1, 2])));
});

test('options are checked when made', () => {
  throwsCode('VALUE', /number of losses.*got 0/, () => new multiloss.UncertaintyWeighting(0));
  throwsCode('VALUE', /regularizer/, () => new multiloss.UncertaintyWeighting(1, { regularizer: 'none' as 'log' }));
  throwsCode('VALUE', /init/, () => new multiloss.IMTLL(1, { init: Number.NaN }));
  throwsCode('VALUE', /mu must be a number > 0, got 0/, () => new multiloss.STCH({ mu: 0 }));
  throwsCode('VALUE', /warmupSteps/, () => new multiloss.STCH({ warmupSteps: 1.5 }));
  throwsCode('VALUE', /warm-up finds the scales/, () => new multiloss.STCH({ warmupSteps: 1, weights: [1] }));
  throwsCode('VALUE', /weights must be a number ≥ 0 for each loss, in a list or by name, got \[1, NaN\]/, () => new multiloss.STCH({ weights: [1, Number.NaN] }));
  throwsCode('VALUE', /theta/, () => new multiloss.PBI({ weights: [1], theta: -1 }));
  throwsCode('VALUE', /not all 0/, () => new multiloss.PBI({ weights: [0, 0] }));
  throwsCode('VALUE', /lambda/, () => new multiloss.COSMOS({ weights: [1], lambda: Number.NaN }));
  throwsCode('VALUE', /eps/, () => new multiloss.ScaleInvariant({ eps: -1 }));
  throwsCode('VALUE', /weight 1 must be finite/, () => new multiloss.Constant([1, Number.POSITIVE_INFINITY]));
  throwsCode('VALUE', /steps must be a whole number ≥ 1, got 0/, () => anneal.linear(0, 1, { steps: 0 }));
  throwsCode('VALUE', /anneal.exponential.*> 0/s, () => anneal.exponential(0, 1, { steps: 5 }));
  throwsCode('VALUE', /ratio/, () => anneal.cyclical(0, 1, { steps: 5, ratio: 0 }));
  throwsCode('VALUE', /steps must rise, got 2 after 2/, () => anneal.piecewise([[2, 1], [2, 2]])); // biome-ignore format: one line
  throwsCode('VALUE', /there is no schedule 'spline'/, () => anneal.load({ kind: 'spline' } as never));
});

test.run();
