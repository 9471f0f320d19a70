// Methods made of methods, and what the base of all methods checks, to the number.
import { multiloss as M, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';
import { type Rows, statsOf } from '../samples.ts';

const rows: Rows = [[3, 0], [0, 4], [1, 0]]; // biome-ignore format: rows
/** Weights 1, 2, …; and what it was told. */
function counting(more: Partial<M.Weighting> = {}): M.Weighting & { told: M.Stats[] } {
  const told: M.Stats[] = [];
  return { name: 'counting', needs: 'gramian', weights: (s) => Float64Array.from(s.names, (_, i) => (i === 0 ? Math.min(told.push(s), 1) : i + 1)), told, ...more };
}
const step = (method: M.Weighting, names = ['a', 'b', 'c']): number[] => [...method.weights({ ...statsOf(rows.slice(0, names.length)), names })];

test('every: kept in between; a loss that was never weighed counts as the others on average', () => {
  const inner: M.Weighting = { name: 'ones', needs: 'gramian', weights: ({ names }) => Float64Array.from(names, (n) => ({ a: 2, b: 4, c: 7 })[n as 'a']) };
  const method = M.every(2, inner);
  assert.equal([method.needs, step(method, ['a', 'b']), method.needs, step(method)], ['gramian', [2, 4], 'losses', [2, 4, 3]]); // biome-ignore format: one line
  assert.equal(step(method), [2, 4, 7]);
});

test('clipWeights: bounds by default, equal ones, and none that is a number', () => {
  const inner = (): M.Weighting => ({ name: 'mine', needs: 'losses', weights: () => Float64Array.of(-1, 0.5, 3) });
  assert.equal(step(M.clipWeights(inner(), {})), [0, 0.5, 3]);
  assert.equal(step(M.clipWeights(inner(), { min: 1, max: 1 })), [1, 1, 1]);
  assert.equal(step(M.clipWeights(inner(), { min: -2, max: 2 })), [-1, 0.5, 2]);
  for (const bad of [{ min: Number.NaN }, { max: Number.NaN }, { min: 2, max: 1 }]) throwsCode('VALUE', /min must not be above max/, () => M.clipWeights(inner(), bad));
});

test('warmup and the others pass on the losses after a step to the method whose step it was', () => {
  type Told = Float64Array[];
  const updated = (list: Told): M.Weighting => counting({ update: (after: Float64Array) => void list.push(after) } as Partial<M.Weighting>);
  const after = (method: M.Weighting, value: number): void => (method as { update?(after: Float64Array): void }).update?.(Float64Array.of(value));
  for (const [first, then] of [[true, true], [true, false], [false, true]] as const) {
    const [one, two]: [Told, Told] = [[], []];
    const method = M.warmup(first ? updated(one) : counting(), then ? updated(two) : counting({ needs: 'losses' }), 2);
    for (let i = 0; i < 4; i++) {
      step(method);
      after(method, i);
    }
    assert.equal([one.map((v) => v[0]), two.map((v) => v[0])], [first ? [0, 1] : [], then ? [2, 3] : []]);
  } // biome-ignore format: one line
  const two: Told = [];
  for (const steps of [0, 1]) {
    const method = M.warmup(counting(), updated(two), steps);
    step(method);
    after(method, steps);
  }
  assert.equal(two.map((v) => v[0]), [0]); // biome-ignore format: one line
  assert.is('update' in M.warmup(counting(), counting(), 1), false);
  const list: Told = [];
  const wrapped = M.ema(updated(list));
  step(wrapped);
  after(wrapped, 5);
  assert.equal([list.map((v) => v[0]), 'update' in M.ema(counting())], [[5], false]); // biome-ignore format: one line
  throwsCode('VALUE', /decay must be/, () => M.ema(counting(), 1.5));
  throwsCode('VALUE', /n must be/, () => M.every(counting(), 0));
  throwsCode('VALUE', /steps must be/, () => M.warmup(counting(), counting(), 0.5));
});

test('normalize: cosines with 1 on the diagonal, of lengths above 1e-12, whatever they are', () => {
  const inner = counting({ needs: 'jacobian' });
  const method = M.normalize(inner);
  const tiny: Rows = [[3e-6, 0, 1e-7], [0.1, 0.7, 0.3], [0, 0, 0], [0, 1e-13, 0]]; // biome-ignore format: rows
  const largest = Float64Array.of(3, 0.7, 0, 1);
  const weights = method.weights({ ...statsOf(tiny), elements: { largest, mean: largest } });
  const told = inner.told[0] as M.Stats;
  const lengths = tiny.map((r) => Math.hypot(...r));
  assert.equal([0, 1, 2, 3].map((i) => told.gramian[i * 4 + i]), [1, 1, 0, 0]); // biome-ignore format: one line
  assert.equal([...told.norms], [1, 1, 0, 0]);
  const cosine = (3e-6 * 0.1 + 1e-7 * 0.3) / ((lengths[0] as number) * (lengths[1] as number));
  for (const at of [1, 4]) assert.ok(Math.abs((told.gramian[at] as number) - cosine) < 1e-15);
  assert.ok(Math.abs((told.elements?.largest[1] as number) - 0.7 / (lengths[1] as number)) < 1e-15);
  assert.equal([...weights].slice(2), [3, 4]);
  assert.equal([M.normalize(new M.DWA()).needs, method.needs, M.normalize(counting({ needs: 'losses', heads: 'weighted' })).heads], ['norms', 'jacobian', 'unweighted']); // biome-ignore format: one line
  const direct: M.Aggregator = { name: 'direct', needs: 'jacobian', directions: (all) => all.map((r) => r.sum({ dim: 0 }) as Tensor) };
  const outer = M.normalize(direct);
  assert.equal(M.applyCombiner(outer, [[3, 4], [0, 0.5]]).direction.map((v) => Math.fround(v)), [0.6, 1.8].map(Math.fround)); // biome-ignore format: rows
  assert.equal([outer.name, outer.stateDict()], ['normalize(direct)', {}]);
});

test('what parameters of single losses get, where a method does not say', () => {
  const heads = (method: M.Weighting | M.Aggregator): number[] => {
    const [u, v] = [tensor([1, 1], { requiresGrad: true }), tensor([1], { requiresGrad: true })];
    M.backward({ a: u.sum().add(v.sum()), b: u.square().sum() }, { combine: method });
    return [...(v.grad as Tensor).data()];
  };
  const twos = (needs: M.Needs): M.Weighting => ({ name: 'twos', needs, weights: () => Float64Array.of(2, 2) });
  const sum: M.Aggregator = { name: 'sum', needs: 'jacobian', directions: (all) => all.map((r) => r.sum({ dim: 0 }) as Tensor) };
  assert.equal([heads(twos('gramian')), heads(twos('norms')), heads(twos('jacobian')), heads(twos('losses')), heads(sum)], [[1], [2], [2], [2], [1]]); // biome-ignore format: one line
});

test('arguments of methods are checked before the formula sees them', () => {
  const call =
    (of: object, key: string, ...given: unknown[]) =>
    () =>
      (of as Record<string, (...given: unknown[]) => unknown>)[key]?.(...given);
  const stats = statsOf(rows);
  const method = new M.MGDA();
  throwsCode('VALUE', /names must be/, call(method, 'weights', { ...stats, names: [] }));
  throwsCode('VALUE', /elements must be { largest, mean }/, call(method, 'weights', { ...stats, elements: { largest: new Float64Array(3) } }));
  throwsCode('VALUE', /elements must be { largest, mean }/, call(method, 'weights', { ...stats, elements: 5 }));
  throwsCode('VALUE', /elements must be/, call(method, 'weights', { ...stats, elements: { largest: new Float64Array(3), mean: new Float64Array(2) } }));
  throwsCode('VALUE', /argument/, call(method, 'weights', stats, 1));
  throwsCode('VALUE', /argument/, call(new M.COSMOS({ weights: [1] }), 'setWeights', [1], 1));
  throwsCode('VALUE', /argument/, call(new M.FocalKPI(), 'update', { a: 1 }, 1));
  // A method may be replaced by one of your own.
  const own = () => Float64Array.of(1);
  method.weights = own;
  assert.is(method.weights, own);
  Object.defineProperty(method, 'weights', { value: 5 });
  assert.is(method.weights as unknown, 5);
});

test.run();
