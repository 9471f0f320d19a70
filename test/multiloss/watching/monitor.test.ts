// The monitor over reports whose course is known: what it keeps, what it warns of, and that it does not grow.
import { manualSeed, multiloss, nn, optim, randn } from 'gradloom';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';

type Report = Parameters<multiloss.Monitor['record']>[0];

/** A report of losses a and b. */
function report(a: number, b: number, more: { weights?: [number, number]; norms?: [number, number]; cosine?: number } = {}): Report {
  const [wa, wb] = more.weights ?? [1, 1];
  const [na, nb] = more.norms ?? [1, 1];
  const c = more.cosine;
  const g = na * nb * (c ?? 0);
  const conflict = { norms: { a: na, b: nb }, cosine: [[1, c ?? 0], [c ?? 0, 1]], gramian: [[na * na, g], [g, nb * nb]] }; // biome-ignore format: a matrix
  const { norms, cosine, gramian } = c === undefined ? { norms: null, cosine: null, gramian: null } : conflict;
  const layers = c === undefined ? null : [{ name: 'trunk.0', ...conflict, cosine: [[1, -c], [-c, 1]] }]; // biome-ignore format: a matrix
  return { branch: 'sum', names: ['a', 'b'], losses: { a, b }, weights: { a: wa, b: wb }, norms, cosine, gramian, rank: null, layers, groups: [] };
}

/** Values of one series. */
const series = (m: multiloss.Monitor, kind: string, name: string, layer?: string): (number | null)[] | undefined =>
  m.toJSON().series.find((s) => s.kind === kind && s.name === name && s.layer === layer)?.values;

test('keeps losses, weights, norms, cosines per layer, conflict, predicted and measured change', () => {
  const m = new multiloss.Monitor();
  m.record(report(4, 2, { weights: [0.5, 1], norms: [2, 3], cosine: -0.5 }), { lr: 0.1, phase: 'first' });
  m.record(report(3.9, 1.5, { norms: [1, 1], cosine: 0.25 }), { lr: 0.1, phase: 'second' });
  assert.equal(series(m, 'loss', 'a'), [4, 3.9]);
  assert.equal(series(m, 'weight', 'a'), [0.5, 1]);
  assert.equal(series(m, 'norm', 'b'), [3, 1]);
  assert.equal(series(m, 'cosine', 'a·b'), [-0.5, 0.25]);
  assert.equal(series(m, 'conflict', 'a·b'), [1, 0]);
  assert.equal(series(m, 'cosine', 'a·b', 'trunk.0'), [0.5, -0.25]);
  // G = [4 −3; −3 9], w = (½, 1): −0.1·(2 − 3) and −0.1·(−1.5 + 9).
  assert.equal(series(m, 'predicted', 'a'), [null, 0.1]);
  assert.equal(series(m, 'predicted', 'b'), [null, -0.75]);
  assert.equal(series(m, 'measured', 'b'), [null, -0.5]);
  const { pairs, phases, total } = m.toJSON();
  assert.equal([pairs[0]?.name, pairs[0]?.mean, pairs[0]?.conflictRate, total], ['a·b', -0.125, 0.5, 2]);
  // Of −0.5 and 0.25: each 0.375 from the mean, by n − 1.
  assert.ok(Math.abs((pairs[0]?.sd as number) - 0.375 * Math.SQRT2) < 1e-12, `${pairs[0]?.sd}`);
  assert.equal(phases, [
    { step: 0, phase: 'first' },
    { step: 1, phase: 'second' },
  ]);
});

test('writes a line per step, and gives lines of what it keeps', () => {
  const lines: string[] = [];
  const m = new multiloss.Monitor({ write: (line) => lines.push(line) });
  m.record(report(1, Number.NaN, { cosine: 0.5 }), { phase: 'p' });
  m.record(report(0.5, 2));
  assert.ok(lines.every((l) => l.endsWith('\n')));
  const [first, second] = lines.map((l) => JSON.parse(l));
  assert.equal([first.step, first.phase, first.losses, first.layers], [0, 'p', { a: 1, b: null }, { 'trunk.0': { a·b: -0.5 } }]);
  assert.match(first.alarms[0].message, /the loss 'b' is NaN/);
  assert.equal(second, { step: 1, losses: { a: 0.5, b: 2 }, weights: { a: 1, b: 1 } });
  const kept = m.toJSONLines().trimEnd().split('\n').map((l) => JSON.parse(l)); // biome-ignore format: short
  assert.equal(kept[0].losses, { a: 1 });
  assert.equal(kept[1], second);
});

test('memory is bounded: neighbours are averaged, the whole run stays in view', () => {
  const m = new multiloss.Monitor({ budget: 1000 });
  for (let i = 0; i < 10_000; i++) m.record(report(i, 1, { cosine: i % 2 ? 0.5 : -0.5 }));
  const { steps, series: all, stride } = m.toJSON();
  assert.ok((all.length + 1) * steps.length <= 1000, `${all.length} × ${steps.length}`);
  assert.ok(steps.length >= 50);
  assert.is(steps.at(-1), 9999);
  const a = series(m, 'loss', 'a') as number[];
  assert.is(a[0], (stride - 1) / 2);
  assert.is(series(m, 'conflict', 'a·b')?.[0], 0.5);
  // Many series more than fit are not kept rather than grow.
  const many = new multiloss.Monitor({ budget: 1000 });
  for (let i = 0; i < 200; i++) many.record({ ...report(1, 1), names: [`l${i}`], losses: { [`l${i}`]: 1 }, weights: { [`l${i}`]: 1 } });
  const data = many.toJSON();
  assert.ok((data.series.length + 1) * data.steps.length <= 1000);
});

test('averaging loses nothing: points stand for as many steps each', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1000, max: 4000 }), (n, budget) => {
      const m = new multiloss.Monitor({ budget });
      for (let i = 0; i < n; i++) m.record(report(i, -i));
      const { steps, stride } = m.toJSON();
      const a = series(m, 'loss', 'a') as number[];
      let from = 0;
      for (const [k, last] of steps.entries()) {
        assert.ok(last - from + 1 === stride || k === steps.length - 1);
        assert.ok(Math.abs((a[k] as number) - (from + last) / 2) < 1e-6);
        from = last + 1;
      }
      assert.is(from, n);
    }),
    { numRuns: 40, seed: 1 },
  );
});

test('of phases the latest 200 are remembered', () => {
  const m = new multiloss.Monitor();
  const begun = (): [number, number | undefined] => [m.toJSON().phases.length, m.toJSON().phases[0]?.step];
  for (let i = 0; i < 200; i++) m.record(report(1, 1), { phase: `${i}` });
  assert.equal(begun(), [200, 0]);
  m.record(report(1, 1), { phase: 'last' });
  assert.equal(begun(), [200, 1]);
});

test('alarms: each once until it clears, by name', () => {
  const m = new multiloss.Monitor({ patience: 5 });
  assert.equal(m.record(report(1, Number.POSITIVE_INFINITY)).map((x) => [x.kind, x.loss]), [['non-finite', 'b']]); // biome-ignore format: short
  assert.equal(m.record(report(1, Number.NaN)), []);
  assert.is(m.alarms.length, 1);
  m.record(report(2, 1));
  assert.equal(m.alarms, []);
  assert.equal(m.toJSON().alarms[0]?.cleared, 2);
  assert.is(m.record(report(1, Number.NaN)).length, 1);
});

test('a weight that collapses, whatever it began with', () => {
  const run = (weights: (i: number) => [number, number]): string[] => {
    const m = new multiloss.Monitor({ patience: 10 });
    return Array.from({ length: 400 }, (_, i) => m.record(report(1 / (i + 1), 1 / (i + 1), { weights: weights(i) }))).flat().map((x) => `${x.kind} ${x.loss}`); // biome-ignore format: short
  };
  assert.equal(run(() => [1, 1e-5]), []); // biome-ignore format: short
  assert.equal(run((i) => (i < 100 ? [1, 1] : [2, 0])), ['collapse b']); // biome-ignore format: short
  assert.equal(run((i) => (i % 200 < 100 ? [1, 1] : [2, 0])), ['collapse b', 'collapse b']); // biome-ignore format: short
});

test('one loss that dominates, and a dead one', () => {
  const run = (of: (i: number) => Report): string[] => {
    const m = new multiloss.Monitor({ patience: 10 });
    return Array.from({ length: 60 }, (_, i) => m.record(of(i))).flat().map((x) => `${x.kind} ${x.loss} ${x.step}`); // biome-ignore format: short
  };
  const falling = (i: number): number => 1 / (i + 1);
  assert.equal(run((i) => report(falling(i), 1, { norms: [1, 20], cosine: 0 })), []); // biome-ignore format: short
  assert.equal(run((i) => report(falling(i), 1, { norms: [1, 40], cosine: 0 })), ['dominating b 9']); // biome-ignore format: short
  assert.equal(run((i) => report(falling(i), falling(i), { norms: [1, 40], weights: [1, 0.025], cosine: 0 })), []); // biome-ignore format: short
  assert.ok(run((i) => report(falling(i), 1, { norms: [1, 0], cosine: 0 })).includes('dead b 9'));
  assert.equal(run((i) => report(falling(i), 1)), ['dead b 10']); // biome-ignore format: short
});

test('where alarms begin and end: 30 times all others and half of that, a hundredth and twice that, over the last 20 steps or so', () => {
  /** Kinds that last after a long time with each of the values, one after the other. */
  const course = (values: readonly number[], of: (value: number, i: number) => Report, steps = 300): string[] => {
    const m = new multiloss.Monitor({ patience: 10 });
    return values.map((value) => {
      for (let i = 0; i < steps; i++) m.record(of(value, i));
      return m.alarms.map((a) => a.kind).join();
    });
  };
  const louder = (times: number, i: number): Report => report(i, i + 1, { norms: [1, times], cosine: 0 });
  assert.equal(course([29, 31, 15.5, 14.5, 29], louder), ['', 'dominating', 'dominating', '', '']);
  // ½ of the highest share relative to an even one: w/(w + 1)·2.
  const lighter = (share: number, i: number): Report => report(i, i + 1, { weights: [share / (2 - share), 1] });
  assert.equal(course([1, 0.011, 0.009, 0.019, 0.021], lighter), ['', '', 'collapse', 'collapse', '']);
  // From even parts to a thousand times: the mean passes 30/31 after 54 steps.
  assert.equal(course([1, 1000], louder, 50), ['', '']);
  assert.equal(course([1, 1000], louder, 58), ['', 'dominating']);
  const many = new multiloss.Monitor({ patience: 10 });
  for (let i = 0; i < 300; i++) many.record(report(1, i % 2 ? 1 : Number.NaN));
  assert.is(many.toJSON().alarms.length, 100);
});

test('what alarms say, and at which step', () => {
  const raised = (patience: number, steps: number, of: (i: number) => Report): [number, string][] => {
    const m = new multiloss.Monitor({ patience });
    return Array.from({ length: steps }, (_, i) => m.record(of(i))).flat().map((a) => [a.step, a.message.replace(/[.:] .*/, '')]); // biome-ignore format: short
  };
  // As a part of the first, the mean of x, 0, 0, … is 0.05·0.95ⁱ/(1 − 0.95ⁱ⁺¹): 0.0099 at i = 35 for the first time below 0.01.
  const falls = raised(1, 60, (i) => report(i, -i, { weights: i === 0 ? [3, 1] : [1, 0] }));
  assert.equal(falls, [[35, "the weight of 'b' has fallen to 0.99 % of its highest share"]]);
  assert.equal(raised(2, 2, (i) => report(i, -i, { norms: [1, 99], cosine: 0 })), [[1, "'b' makes up 99 % of the weighted gradients, more than 30 times all others"]]); // biome-ignore format: one line
  assert.equal(raised(3, 5, (i) => report(i, 1, { norms: [1, i > 0 ? 0 : 1], cosine: 0 })), [[3, "the loss 'b' sends no gradient to the shared parameters for 3 steps"]]); // biome-ignore format: one line
  assert.equal(
    raised(3, 5, (i) => report(i, 1)),
    [[3, "the loss 'b' has not changed for 3 steps"]],
  );
});

test('alarms look at shares: of weights and gradients of any size, of however many losses, one alone or nothing at all', () => {
  /** Kinds raised by so many steps with each of the reports. */
  const raised = (...course: [steps: number, of: (i: number) => Report][]): string[] => {
    const m = new multiloss.Monitor({ patience: 10 });
    return course.flatMap(([steps, of]) => Array.from({ length: steps }, (_, i) => m.record(of(i)))).flat().map((a) => `${a.kind} ${a.loss}`); // biome-ignore format: short
  };
  const weights = (a: number, b: number): ((i: number) => Report) => (i) => report(i, -i, { weights: [a, b] }); // biome-ignore format: one line
  const norms = (a: number, b: number): ((i: number) => Report) => (i) => report(i, -i, { norms: [a, b], weights: [0.01, 0.01], cosine: 0 }); // biome-ignore format: one line
  assert.equal(raised([100, weights(0.1, 0.1)], [100, weights(0.2, 0)]), ['collapse b']);
  assert.equal(raised([5, weights(0, 0)], [100, weights(1, 1)], [100, weights(1, 0)]), ['collapse b']);
  assert.equal(raised([100, weights(1, 0)]), []);
  assert.equal(raised([5, norms(0, 0)], [100, norms(1, 40)]), ['dominating b']);
  /** Losses a, l1, l2, …, each of weight and norm 1. */
  const even = (count: number) => (i: number): Report => {
    const names = ['a', ...Array.from({ length: count - 1 }, (_, k) => `l${k}`)];
    const all = (value: number): Record<string, number> => Object.fromEntries(names.map((n) => [n, value]));
    return { ...report(0, 0), names, losses: all(i), weights: all(1), norms: all(1) };
  }; // biome-ignore format: short
  assert.equal(raised([100, even(1)]), []);
  assert.equal(raised([100, even(2)], [100, even(300)]), []);
  // Steps of a alone say nothing of its share beside b.
  assert.equal(raised([100, weights(1, 1)], [400, (i) => (i % 2 ? even(1)(i) : weights(1e-4, 1)(i))]), ['collapse a']);
});

test('options are checked', () => {
  throwsCode('VALUE', /budget/, () => new multiloss.Monitor({ budget: 10 }));
  throwsCode('VALUE', /patience/, () => new multiloss.Monitor({ patience: 0 }));
  assert.ok(new multiloss.Monitor({ budget: 1000, patience: 1 }));
  const m = new multiloss.Monitor();
  for (const bad of [null, {}, { ...report(1, 1), names: 'ab' }, { ...report(1, 1), losses: { a: 1 } }, { ...report(1, 1), weights: null }])
    throwsCode('VALUE', /report must be a report of multiloss.backward/, () => m.record(bad as never));
  throwsCode('VALUE', /got 3|at most 2/, () => (m.record as (...given: unknown[]) => unknown)(report(1, 1), {}, 1));
  assert.is(m.steps, 0);
});

test('by default a loss is dead after 50 steps, and 250 000 numbers are kept', () => {
  const m = new multiloss.Monitor();
  const step = (i: number): Report => ({ ...report(0, 0), names: ['a'], losses: { a: i }, weights: { a: 1 }, norms: { a: 0 } });
  const raised = Array.from({ length: 60 }, (_, i) => m.record(step(i))).flat().map((a) => a.step); // biome-ignore format: short
  assert.equal(raised, [49]);
  // Columns of steps, losses, weights and norms: 62 500 points.
  for (let i = 60; i < 62_500; i++) m.record(step(i));
  assert.is(m.toJSON().stride, 1);
  m.record(step(62_500));
  assert.is(m.toJSON().stride, 2);
});

test('memory to the number: of points, and of series that still fit', () => {
  const m = new multiloss.Monitor({ budget: 1200 });
  // Three columns with the steps: 400 points.
  const one = (name: string): Report => ({ ...report(0, 0), names: [name], losses: { [name]: 1 }, weights: { [name]: 2 } });
  for (let i = 0; i < 400; i++) m.record(one('a'));
  assert.equal([m.toJSON().stride, m.toJSON().steps.length], [1, 400]);
  m.record(one('a'));
  assert.equal([m.toJSON().stride, m.toJSON().steps.length, m.toJSON().steps[0]], [2, 201, 1]);
  // 32 points of 37 columns are 1184 numbers; 38 would be too many.
  const many = new multiloss.Monitor({ budget: 1200 });
  for (let i = 0; i < 30; i++) many.record(one(`l${i}`));
  assert.is(many.toJSON().series.length, 36);
  const exact = new multiloss.Monitor({ budget: 1184 });
  for (let i = 0; i < 30; i++) exact.record(one(`l${i}`));
  assert.is(exact.toJSON().series.length, 36);
});

test('three losses have three pairs; a cosine of 0 is no conflict; phases are told by steps that name one', () => {
  const m = new multiloss.Monitor();
  const all = (value: number): Record<string, number> => ({ a: value, b: value, c: value });
  const step = (ab: number, ac: number, bc: number): Report => ({ ...report(0, 0), names: ['a', 'b', 'c'], losses: all(1), weights: all(1), cosine: [[1, ab, ac], [ab, 1, bc], [ac, bc, 1]] }); // biome-ignore format: one line
  m.record(step(0.1, 0, -0.3), { phase: 'p' });
  m.record(step(0.4, 0, -0.6));
  m.record(step(0.7, 0, -0.6), { phase: 'p' });
  m.record(step(0.7, 0, 0.5), { phase: 'q' });
  m.record(step(0.6, 0, 0.5), { phase: 'q' });
  assert.equal(m.conflicts.map((p) => [p.name, p.conflictRate, p.steps]), [['a·b', 0, 5], ['a·c', 0, 5], ['b·c', 0.6, 5]]); // biome-ignore format: one line
  const [ab] = m.conflicts as [multiloss.PairSummary];
  assert.ok(Math.abs(ab.mean - 0.5) < 1e-12 && Math.abs(ab.sd - Math.sqrt((0.16 + 0.01 + 0.04 + 0.04 + 0.01) / 4)) < 1e-12, `${ab.mean} ${ab.sd}`);
  assert.equal(series(m, 'conflict', 'a·c'), [0, 0, 0, 0, 0]);
  assert.equal(m.toJSON().phases, [{ step: 0, phase: 'p' }, { step: 3, phase: 'q' }]); // biome-ignore format: one line
});

test('what a plain gradient step changes is what was predicted, to first order', () => {
  manualSeed(2);
  const layer = new nn.Linear(3, 2);
  const [x, y] = [randn([8, 3]), randn([8, 2])];
  const lr = 1e-3;
  const plan = multiloss.phases().phase('both', { losses: ['a', 'b'], backward: { measure: true } });
  const optimizer = new optim.SGD(layer.parameters(), { lr });
  const m = new multiloss.Monitor();
  for (let i = 0; i < 5; i++) {
    const step = plan.step(() => {
      const out = layer.forward(x);
      return { a: nn.functional.mseLoss(out, y), b: out.square().mean() };
    }, optimizer);
    m.record(step.report, { lr, phase: step.phase });
  }
  for (const name of ['a', 'b']) {
    const [predicted, measured] = [series(m, 'predicted', name) as number[], series(m, 'measured', name) as number[]];
    for (let i = 1; i < 5; i++) assert.ok(Math.abs((measured[i] as number) / (predicted[i] as number) - 1) < 0.01, `${name}: ${measured[i]} ${predicted[i]}`);
  }
});

test.run();
