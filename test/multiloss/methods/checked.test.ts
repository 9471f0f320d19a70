// What programs tell methods themselves: refused by name before a formula sees it, of every method.
import { GradloomError, multiloss, nn, ones, rand, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';
import { makers } from '../makers.ts';

const floats = (n: number): Float64Array => new Float64Array(n).fill(1);
const stats: multiloss.Stats = { names: ['a', 'b'], losses: floats(2), norms: floats(2), gramian: Float64Array.of(1, 0, 0, 1) };
const rows = ones([2, 3]);
const junk: unknown[] = [undefined, null, 1, 'a', Symbol('s'), 5n, [], {}, new Date(0), Object.create(null), () => 1, rand([2]), new Proxy({}, {})];

/** Stats in which one thing is wrong. */
const wrong: unknown[] = [
  ...junk,
  ...Object.keys(stats).flatMap((key) => [undefined, null, [1, 1], floats(3), new Float32Array(2), 'ab'].map((bad) => ({ ...stats, [key]: bad }))),
  // biome-ignore lint/suspicious/noSparseArray: a hole is no name
  ...[[], ['a'], ['a', 'a'], ['a', 1], ['a', ,]].map((names) => ({ ...stats, names })),
  { ...stats, bogus: 1 },
  { ...stats, elements: { largest: floats(2) } },
  { ...stats, rank: 0.5 },
];

const wrongFor: Record<string, readonly unknown[][]> = {
  weights: [...wrong.map((s) => [s]), [stats, {}]],
  directions: [...wrong.map((s) => [[rows], s]), ...junk.filter((r) => !Array.isArray(r)).map((r) => [r, stats]), [[rows.t()], stats], [[rows.int()], stats], [[rows], stats, {}]],
  combine: [...junk.map((l) => [l, ['a']]), ...junk.map((n) => [[tensor(1)], n]), [[ones([2])], ['a']], [[tensor(1)], ['a', 'b']], [[tensor(1)], ['a'], {}]],
  assert: [...junk.map((l) => [l, ['a']]), ...junk.map((n) => [floats(1), n]), [floats(2), ['a']], [floats(1), ['a'], {}]],
  loadStateDict: [[{}, { strict: false }]],
  stateDict: [[{ prefix: 'm.' }]],
  reset: [[1]],
  parameters: [[{ recurse: false }]],
};

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: junk and arguments beyond what it takes are refused`, () => {
    for (const [key, lists] of Object.entries(wrongFor)) {
      const method = make() as unknown as Record<string, (...given: unknown[]) => unknown>;
      if (typeof method[key] !== 'function') continue;
      const before = JSON.stringify(method.stateDict?.());
      for (const given of lists) {
        try {
          method[key]?.(...given);
        } catch (error) {
          assert.instance(error, GradloomError, `${name}.${key}: ${error}`);
          continue;
        }
        assert.unreachable(`${name}.${key} took argument list ${lists.indexOf(given)}`);
      }
      assert.is(JSON.stringify(method.stateDict?.()), before, `${name}.${key}`);
    }
  });
}

test('constructors and functions refuse what stands behind their options', () => {
  const more = { bogus: 1 };
  const { anneal, ...all } = multiloss as unknown as Record<string, new (...given: unknown[]) => unknown> & { anneal: Record<string, (...given: unknown[]) => unknown> };
  for (const name of 'AlignedMTL CAGrad ConFIG CoV DBMTL DWA DualProj EnCodecBalancer ExcessMTL FAMO FairGrad FocalKPI GeometricMean GradDrop GradNorm GradVac IMTLG MGDA Mean MoCo MoDo Monitor NashMTL PCGrad Plan RLW ReLoBRaLo SDMGrad STCH ScaleInvariant SoftAdapt Sum UPGrad'.split(
    ' ',
  ))
    for (const first of [undefined, {}]) throwsCode('VALUE', /takes at most 1/, () => new (all[name] as (typeof all)[string])(first, more));
  throwsCode('VALUE', /takes at most 0/, () => new (all.Independent as (typeof all)[string])(more));
  throwsCode('VALUE', /takes at most 1/, () => new (all.Constant as (typeof all)[string])([1], more));
  throwsCode('VALUE', /takes at most 1/, () => new (all.Weighted as (typeof all)[string])({ a: 1 }, more));
  throwsCode('VALUE', /takes at most 2/, () => new (all.IMTLL as (typeof all)[string])(2, {}, more));
  const ramp = [1, 2, { steps: 3 }];
  const schedules: [string, ...unknown[]][] = [
    ['constant', 1],
    ['linear', ...ramp],
    ['cosine', ...ramp],
    ['exponential', ...ramp],
    ['cyclical', ...ramp],
    ['warmup', 1, { steps: 3 }],
  ];
  for (const [kind, ...given] of [...schedules, ['piecewise', [[0, 1]], {}] as const, ['load', { kind: 'constant', at: 1 }] as const]) {
    anneal[kind]?.(...given);
    throwsCode('VALUE', /takes at most/, () => anneal[kind]?.(...given, more));
  }
  const mean = new multiloss.Mean();
  for (const [name, ...given] of [
    ['ema', mean, 0.5],
    ['every', mean, 2],
    ['clipWeights', mean, {}],
    ['warmup', mean, mean, 3],
    ['normalize', mean],
  ] as const) {
    const wrap = multiloss[name] as (...given: unknown[]) => unknown;
    wrap(...given);
    throwsCode('VALUE', /takes at most/, () => wrap(...given, more));
  }
  throwsCode('VALUE', /takes at most 1/, () => (multiloss.anneal.constant(1) as unknown as { value(...given: unknown[]): number }).value(1, more));
  throwsCode('VALUE', /finite/, () => anneal.exponential?.(Object.create(null), 1, { steps: 3 }));
  throwsCode('VALUE', /step/, () => multiloss.anneal.constant(1).value('x' as never));
  throwsCode('VALUE', /takes at most 1/, () => (new multiloss.Sum() as unknown as { backward(...given: unknown[]): void }).backward({ a: ones([]).requiresGrad_() }, more));
});

test('what is frozen are parameters, also in a list that an object says', () => {
  for (const parameters of [() => 1, () => [1], () => null])
    throwsCode('VALUE', /freeze takes a list/, () => multiloss.phases().phase('p', { losses: ['a'], freeze: [{ parameters } as never] }));
});

test('a condition of several conditions is none without them', () => {
  for (const of of [undefined, null, { every: 1 }, [1]])
    throwsCode('VALUE', /condition/, () => multiloss.phases().phase('p', { losses: ['a'], until: ['q', { kind: 'anyOf', of }] as never }));
});

/** Numbers that no method remembers, by where they lie in its state after four steps. */
const IMPOSSIBLE: readonly (readonly [maker: string, path: string, ...numbers: number[]])[] = [
  ['DWA', 'steps', -1, 0.5],
  ['DWA', 'epochs.0', -1],
  ['ReLoBRaLo', 'steps', 0.5],
  ['CoV', 'squares.0', -1],
  ['FocalKPI', 'score.0', -0.1, 1.1],
  ['FAMO', 'second.1', -1],
  ['FAMO', 'steps.0', -1, 0.5],
  ['FAMO', 'before.0', 0, -1],
  ['GradNorm', 'm2.0', -1],
  ['GradNorm', 'decay1.0', 1.5],
  ['GradNorm', 'decay2.0', 1.5],
  ['NashMTL', 'step', -1],
  ['NashMTL', 'w.0', -1],
  ['MoDo', 'share.0', -1],
  ['EnCodecBalancer', 'count.0', -1],
  ['MoCo', 'losses.steps.0', -1],
  ['MoCo', 'means.0.rows.0', 1e300],
  ['ExcessMTL', 'squares.0.rows.0', -1],
  ['ExcessMTL', 'losses.scale.0', 0],
  ['UncertaintyWeighting', 's.0', 1e300],
  ['every(3, MGDA)', 'own.step', -1],
  ['warmup(Mean, PCGrad)', 'own.step', 0.5],
];
test('a state with numbers that cannot be is refused before it is taken up', () => {
  for (const [maker, path, ...values] of IMPOSSIBLE) {
    const make = makers[maker] as NonNullable<(typeof makers)[string]>;
    const p = tensor([1, -2, 0.5], { requiresGrad: true });
    const method = make();
    for (let i = 0; i < 4; i++) {
      multiloss.backward({ a: p.square().sum(), b: p.sub(1).square().sum(), c: p.mul(i).square().sum().add(1) }, { combine: method });
      if (method instanceof multiloss.FocalKPI) method.update({ a: 0.5, b: 0.2, c: 0.7 });
    }
    const good = JSON.stringify(method.stateDict());
    for (const value of values) {
      const state = JSON.parse(good);
      const keys = path.split('.');
      const holder = keys.slice(0, -1).reduce((at, key) => at[key], state);
      const last = keys.at(-1) as string;
      assert.type(holder[last], 'number', `${maker} ${path}`);
      holder[last] = value;
      throwsCode('STATE', /loadStateDict/, () => method.loadStateDict(state));
      assert.is(JSON.stringify(method.stateDict()), good);
    }
    make().loadStateDict(JSON.parse(good));
  }
});

test('what is written into a state, given or taken, reaches no method', () => {
  const weighted = multiloss.weighted({ a: 1, b: multiloss.anneal.linear(0, 1, { steps: 4 }) });
  (weighted.stateDict() as { weights: { b: { end: number } } }).weights.b.end = 9;
  assert.is(weighted.weights.b instanceof Object && JSON.stringify(weighted.weights.b).includes('9'), false);
  const cosmos = new multiloss.COSMOS({ weights: { a: 1, b: 2 } });
  const state = { weights: { a: 3, b: 4 } };
  cosmos.loadStateDict(state);
  state.weights.a = 9;
  assert.equal(cosmos.stateDict(), { weights: { a: 3, b: 4 } });
});

test("what a method of the user's own returns is checked, whatever it says it needs", () => {
  const state = { stateDict: () => ({}), loadStateDict: () => {}, reset: () => {}, parameters: () => [] };
  const returned = [undefined, null, 3, 'x', {}, [], [1], Float64Array.of(1), Float64Array.of(Number.NaN, 1), [tensor([1])], tensor([1, 2]), () => 1];
  const model = new nn.Linear(2, 2);
  for (const needs of ['losses', 'norms', 'gramian', 'jacobian', 'rows', undefined]) {
    for (const part of ['weights', 'directions', 'combine']) {
      for (const value of returned) {
        const method = { name: 'mine', needs, ...state, [part]: () => value } as unknown as multiloss.Method;
        const y = model.forward(ones([3, 2]));
        assert.throws(
          () => multiloss.backward({ a: y.square().mean(), b: y.abs().mean() }, { combine: method }),
          (e: Error) => e instanceof GradloomError,
          `${needs} ${part} ${String(value)}`,
        );
        assert.is(model.weight.grad, null);
      }
    }
  }
});

test("a method of the user's own without a formula, or that needs what there is not, is refused by name", () => {
  const weights = (): Float64Array => floats(2);
  const w = tensor([1], { requiresGrad: true });
  for (const method of [{ needs: 'gramian' }, { needs: 'rows', weights }, { weights }, { needs: 'gramian', weights: floats(2) }])
    throwsCode('VALUE', /combine must be a method/, () => multiloss.backward({ a: w.sum(), b: w.sum() }, { combine: { name: 'mine', ...method } as never }));
});

test.run();
