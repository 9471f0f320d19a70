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

test('defaults are the documented ones', () => {
  const pairs: [multiloss.Scalarizer, multiloss.Scalarizer][] = [
    [new multiloss.PBI({ weights: [1, 2] }), new multiloss.PBI({ weights: [1, 2], theta: 5, zeroPoint: [0, 0] })],
    [new multiloss.COSMOS({ weights: [1, 2] }), new multiloss.COSMOS({ weights: [1, 2], lambda: 1 })],
    [new multiloss.STCH(), new multiloss.STCH({ mu: 1, weights: [0.5, 0.5], zeroPoint: [0, 0] })],
    [new multiloss.ScaleInvariant(), new multiloss.ScaleInvariant({ eps: 0 })],
    [new multiloss.UncertaintyWeighting(2), new multiloss.UncertaintyWeighting(2, { regularizer: 'log', init: 0 })],
    [new multiloss.IMTLL(2), new multiloss.IMTLL(2, { init: 0 })],
  ];
  for (const [plain, told] of pairs) assert.equal(combined(plain, [3, 1]), combined(told, [3, 1]), plain.name);
  const four = anneal.cyclical(0, 1, { steps: 20 });
  assert.equal(four.plan, anneal.cyclical(0, 1, { steps: 20, cycles: 4, ratio: 0.5 }).plan);
});

test('PBI and COSMOS as their formulas say, also at the edges of float32', () => {
  // L − z = (2, 1.5) on the ray (1, 2)/√5: 5/√5 along it, the rest beside it.
  const beside = Math.hypot(2 - 1, 1.5 - 2);
  for (const zeroPoint of [[1, 0.5], { b: 0.5, a: 1 }]) near([combined(new multiloss.PBI({ weights: [1, 2], theta: 3, zeroPoint }), [3, 2]).value], [Math.sqrt(5) + 3 * beside]);
  const pbi = (b: number): number => combined(new multiloss.PBI({ weights: [1, 0], theta: 1 }), [1, b]).weights[1] as number;
  // The root's slope x/√(x² + 1e-12); below 8 units in the last place of 1 it counts as on the ray.
  near([pbi(1e-6), pbi(7.5 * 2 ** -24), pbi(8.5 * 2 ** -24)], [Math.SQRT1_2, 0, 8.5 * 2 ** -24 / Math.hypot(8.5 * 2 ** -24, 1e-6)]); // biome-ignore format: one line
  near([combined(new multiloss.PBI({ weights: [1, 0], theta: 1 }), [1, 0]).value], [1]);
  const cosmos = new multiloss.COSMOS({ weights: [3, 4] });
  const value = (...losses: number[]): number => combined(cosmos, losses).value;
  near([value(1, 0), value(0, 2), value(0, 0)], [3 - 0.6, 8 - 0.8, 0]);
  // Squares that add up to 2⁻¹²⁶, float32's smallest normal number, and to less.
  near([value(2 ** -63, 0), value(0.85 * 2 ** -63, 0)], [-0.6, 0]);
  cosmos.setWeights({ b: 0, a: 1 });
  near([value(2, 0)], [1]);
  throwsCode('VALUE', /COSMOS.setWeights.*not all 0, got \[0, 0\]/s, () => cosmos.setWeights([0, 0]));
  near([value(2, 0)], [1]);
});

test('STCH: values after a warm-up, losses that come late, and of any sign where there is none', () => {
  near([combined(new multiloss.STCH({ mu: 2, weights: [1, 3] }), [-1, 2]).value], [2 * Math.log(Math.exp(-0.5) + Math.exp(3))]);
  const stch = new multiloss.STCH({ mu: 2, warmupSteps: 2 });
  const step = (...losses: number[]): number => combined(stch, losses).value;
  near([step(1, 100), step(3, 300)], [Math.log(100), Math.log(900)]);
  assert.equal(stch.stateDict(), { steps: 2, names: ['a', 'b'], sum: [4, 400], count: [2, 2] });
  // m·μ·ln Σ (L/nadir)^(1/μ); c is measured by its first value, 5.
  near([step(2, 200), step(2, 200, 5), step(8, 200, 20)], [4 * Math.log(2), 6 * Math.log(3), 6 * Math.log(5)]);
  const inputs = [2, 200, 5].map((l) => tensor(l));
  const captured = capture((): Tensor => stch.combine(inputs, ['a', 'b', 'c']));
  scope(() => near([captured().item(), captured().item(), captured().item()], [6 * Math.log(3), 6 * Math.log(3), 6 * Math.log(3)]));
  assert.equal(stch.stateDict().names, ['a', 'b', 'c']);
});

test('losses of one element, whatever their shape', () => {
  for (const method of [new multiloss.STCH(), new multiloss.GeometricMean(), new multiloss.IMTLL(3)]) {
    const plain = combined(method, [1, 2, 4]).value;
    near([method.combine([tensor(1), tensor([2]), tensor([[4]])], ['a', 'b', 'c']).item()], [plain]);
  }
});

test('learnt numbers belong to losses by name, in whatever order they come', () => {
  const method = new multiloss.IMTLL(['a', 'b']);
  method.loadStateDict({ s: [0.25, -1] });
  near([method.combine([tensor(3), tensor(2)], ['b', 'a']).item()], [Math.exp(0.25) * 2 - 0.25 + Math.exp(-1) * 3 + 1]);
  assert.is(method.parameter.label, "IMTLL's parameter");
  near([combined(new multiloss.IMTLL(2, { init: 1 }), [0, 2]).value], [2 * Math.E - 1]);
  near([combined(new multiloss.UncertaintyWeighting(2, { init: 1 }), [0, 2]).value], [1 / Math.E + 0.5]);
  throwsCode('STATE', /'names' must be the names a, b, got/, () => method.loadStateDict({ s: [0, 0], names: ['a', 'c'] }));
  const open = new multiloss.IMTLL(2);
  throwsCode('VALUE', /made for 2 losses, got a, b, c\./, () => combined(open, [1, 2, 3]));
  throwsCode('STATE', /'names' must be at most 2 names, got/, () => open.loadStateDict({ s: [0, 0], names: ['a', 'b', 'c'] }));
  combined(open, [1]);
  throwsCode('VALUE', /made for 2 losses \(a\), got b, c\./, () => open.combine([tensor(1), tensor(1)], ['b', 'c']));
  combined(open, [1, 2]);
  open.reset();
  assert.ok(open.combine([tensor(1), tensor(1)], ['c', 'd']));
  // A captured step goes by the positions.
  const inputs = [tensor(1), tensor(2)];
  const both = capture((): Tensor => open.combine(inputs, ['c', 'd']));
  const values = (): number[] => Array.from({ length: 3 }, () => scope(() => both().item()));
  open.loadStateDict({ s: [0, 1], names: ['c', 'd'] });
  near(values(), new Array(3).fill(2 * Math.E));
  open.loadStateDict({ s: [0, 1], names: ['d', 'c'] });
  near(values(), new Array(3).fill(Math.E + 1));
  const loading = capture(() => open.loadStateDict({ s: [0, 1] }));
  throwsCode('CAPTURE', /parameters are written/, () => [loading(), loading(), loading()]);
});

test('weighted: gradients, states, and losses that are refused leave the schedules where they stand', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const method = multiloss.weighted({ a: 2, b: anneal.linear(1, 3, { steps: 2 }) });
  const losses = (): { a: Tensor; b: Tensor } => ({ a: x.sum(), b: x.square().sum() });
  assert.equal(method.backward(losses()), { branch: 'weighted', weights: { a: 2, b: 1 } });
  assert.equal([...(x.grad as Tensor).data()], [2 + 2, 2 + 4]);
  throwsCode('NONFINITE', /./, () => multiloss.backward({ ...losses(), a: x.mul(Number.NaN).sum() }, { combine: method }));
  assert.equal(multiloss.backward(losses(), { combine: method }).weights, { a: 2, b: 2 });
  method.loadStateDict({ weights: { b: { kind: 'constant', at: 7 }, a: 5 }, steps: 3 });
  assert.equal(JSON.parse(JSON.stringify(method.stateDict())), { weights: { a: 5, b: { kind: 'constant', at: 7 } }, steps: 3 });
  throwsCode('STATE', /the weight of 'a' is none/, () => method.loadStateDict({ weights: { a: Number.POSITIVE_INFINITY, b: 1 }, steps: 0 }));
  throwsCode('VALUE', /the weight of 'a' must be finite, got NaN/, () => multiloss.weighted({ a: Number.NaN }));
  assert.is(method.weights.a, 5);
});

test('schedules of three points, and what no schedule takes', () => {
  const bent = anneal.piecewise([[1, 2], [3, 6], [5, -2]], { interpolate: 'linear' }); // biome-ignore format: one line
  near([0, 1, 2, 3, 4, 5, 6].map((step) => bent.value(step)), [2, 2, 4, 6, 2, -2, -2], 0, 1e-12); // biome-ignore format: one line
  const refused: [RegExp, () => unknown][] = [
    [/anneal.linear.*from must be finite, got NaN/s, () => anneal.linear(Number.NaN, 1, { steps: 5 })],
    [/anneal.cosine.*steps must be/s, () => anneal.cosine(0, 1, {} as never)],
    [/anneal.constant.*value must be finite/s, () => anneal.constant(Number.NaN)],
    [/anneal.exponential.*both weights must be > 0, got 1 and 0/s, () => anneal.exponential(1, 0, { steps: 5 })],
    [/anneal.cyclical.*to must be finite/s, () => anneal.cyclical(0, Number.POSITIVE_INFINITY, { steps: 5 })],
    [/anneal.cyclical.*steps must be/s, () => anneal.cyclical(0, 1, {} as never)],
    [/the points are a list/, () => anneal.piecewise([])],
    [/the points are a list/, () => anneal.piecewise('abc' as never)],
    [/the points are a list/, () => anneal.piecewise([[0, 1], 2] as never)],
    [/step 0 must be a whole number/, () => anneal.piecewise([[0.5, 1]])],
    [/weight 0 must be finite/, () => anneal.piecewise([[0, Number.NaN]])],
    [/number of losses.*got \[\]/s, () => new multiloss.IMTLL([])],
    [/number of losses/, () => new multiloss.IMTLL(['a', 'a'])],
    [/PBI.*weights must be a number ≥ 0 for each loss, in a list or by name, not all 0/s, () => new multiloss.PBI({} as never)],
    [/COSMOS.*weights must be/s, () => new multiloss.COSMOS({} as never)],
    [/takes at most 2 arguments|got 3/, () => new (multiloss.UncertaintyWeighting as unknown as new (...given: unknown[]) => object)(1, {}, 1)],
  ];
  for (const [text, make] of refused) throwsCode('VALUE', text, make);
  assert.is(new multiloss.IMTLL(['a']).parameter.size, 1);
});

test.run();
