// Optimizer states: what loads (also through JSON, also PyTorch's), and what is refused before anything changes.
import { readFileSync } from 'node:fs';
import { checkpoint, GradloomError, nn, ones, optim, Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

type State = Record<string, unknown>;
type Maker = new (params: unknown, ...options: unknown[]) => optim.Adam;
const makers = optim as unknown as Record<string, Maker>;
const leaf = (values: unknown): Tensor => tensor(values as number[], { requiresGrad: true });

/** A state as JSON gives it back. */
function throughJson(value: unknown): unknown {
  if (value instanceof Tensor) return throughJson(value.toArray());
  if (Array.isArray(value)) return value.map(throughJson);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, throughJson(v)]));
  return JSON.parse(JSON.stringify(value));
}

test('PyTorch’s states load from JSON, and training goes on as there', () => {
  const file = new URL('../fixtures/optim/states.json', import.meta.url);
  const { gradients, cases } = JSON.parse(readFileSync(file, 'utf8')) as { gradients: unknown[][]; cases: { name: string; state: State; start: unknown[]; end: unknown[] }[] };
  for (const { name, state, start, end } of cases) {
    const ps = start.map(leaf);
    const o = new (makers[name] as Maker)(name === 'Muon' || name === 'LBFGS' ? ps : [{ params: ps.slice(0, 1) }, { params: ps.slice(1) }]);
    o.loadStateDict(state);
    for (const gs of gradients) {
      ps.forEach((p, i) => {
        p.grad = gs[i] === undefined ? null : leaf(gs[i]).detach();
      });
      // LBFGS: a loss whose gradients these are.
      if (name === 'LBFGS') o.step(() => ps.slice(0, gs.length).reduce((sum, p, i) => sum + p.detach().mul(leaf(gs[i])).sum().item(), 0));
      else o.step();
    }
    for (const [i, p] of ps.entries()) {
      const right = leaf(end[i]).detach();
      assert.ok(p.detach().sub(right).abs().max().item() < 2e-6, `${name}: ${p.toArray()}, right ${right.toArray()}`);
    }
  }
});

const all: [name: string, options: object][] = [
  ['SGD', { momentum: 0.9 }],
  ['Adam', { amsgrad: true }],
  ['AdamW', {}],
  ['RMSprop', { momentum: 0.9, centered: true }],
  ['Adagrad', {}],
  ['Adadelta', {}],
  ['Adamax', {}],
  ['NAdam', {}],
  ['RAdam', {}],
  ['Rprop', {}],
  ['ASGD', {}],
  ['Adafactor', {}],
];

for (const [name, options] of all) {
  const build = (): { p: Tensor; o: optim.Adam; step: () => void } => {
    const p = leaf([1, -2]);
    const o = new (makers[name] as Maker)([p], options);
    const step = (): void => {
      p.grad = p.detach().mul(0.5);
      o.step();
    };
    for (let i = 0; i < 3; i++) step();
    return { p, o, step };
  };

  test(`${name}: a state goes through JSON and through a file to the bit`, () => {
    const a = build();
    for (const way of [throughJson, (s: unknown) => checkpoint.load(checkpoint.save({ s }))['s']]) {
      const b = build();
      b.o.zeroGrad();
      b.p.detach().copy_(a.p.detach());
      b.o.loadStateDict(way(a.o.stateDict()) as State);
      const [p, state] = [a.p.toArray(), throughJson(a.o.stateDict())];
      a.step();
      b.step();
      assert.equal(b.p.toArray(), a.p.toArray());
      a.p.detach().copy_(tensor(p as number[]));
      a.o.loadStateDict(state as State);
    }
  });

  test(`${name}: what does not fit is STATE, and nothing changes`, () => {
    const { p, o } = build();
    const good = o.stateDict();
    const moments = good.state[0] as Record<string, Tensor>;
    const group = good.paramGroups[0] as Record<string, unknown>;
    const withMoment = (key: string, value: unknown): State => ({ ...good, state: { 0: { ...moments, [key]: value } } });
    const withGroup = (key: string, value: unknown): State => ({ ...good, paramGroups: [{ ...group, [key]: value }] });
    const bad: unknown[] = [null, undefined, 0, 'state', [], {}, { ...good, state: null }, { ...good, state: [] }, { ...good, state: 5 }, { state: good.state }];
    bad.push({ ...good, paramGroups: 3 }, { ...good, paramGroups: [] }, { ...good, paramGroups: [null] }, { ...good, paramGroups: [{}] }, { ...good, paramGroups: [group, group] });
    bad.push({ ...good, state: { 7: moments } }, { ...good, state: { 0: null } }, { ...good, state: { 0: 5 } }, { ...good, state: { x: moments } });
    bad.push(withGroup('params', null), withGroup('params', [0, 1]), withGroup('lr', null), withGroup('lr', '0.1'), withGroup('lr', Number.NaN), withGroup('lr', -1));
    bad.push(withGroup('maximize', 1), withGroup('maximise', true), withGroup('lr', undefined));
    bad.push(withMoment('another', zeros([2])));
    for (const key of Object.keys(moments)) {
      for (const value of [
        5.5,
        null,
        'x',
        {},
        { shape: [2] },
        [1],
        [[1, 2]],
        [1, null],
        zeros([3]),
        zeros([1, 2]),
        zeros([2], { dtype: 'int32' }),
        tensor(0, { dtype: 'int32' }),
      ]) {
        const optional = ['momentumBuffer', 'maxExpAvgSq', 'gradAvg'].includes(key) && value === null;
        if (!optional && !(value === 5.5 && ['eta', 'mu', 'muProduct'].includes(key))) bad.push(withMoment(key, value));
      }
      if ((moments[key] as Tensor).rank > 0) bad.push(withMoment(key, tensor(0)), withMoment(key, 0));
      else bad.push(withMoment(key, Number.NaN), withMoment(key, zeros([1])));
      if (key === 'step') bad.push(withMoment(key, -1), withMoment(key, 2 ** 25));
      const { [key]: _, ...rest } = moments;
      if (!['momentumBuffer', 'maxExpAvgSq', 'gradAvg'].includes(key)) bad.push({ ...good, state: { 0: rest } });
    }
    const before = [throughJson(good), p.toArray()];
    for (const [i, state] of bad.entries()) {
      const e = throwsCode('STATE', /loadStateDict: /, () => o.loadStateDict(state as State));
      assert.ok(e.message.startsWith(`${name}.`), `${i} ${e.message}`);
      assert.equal([throughJson(o.stateDict()), p.toArray()], before);
    }
    o.loadStateDict({ ...good, state: {} });
    assert.equal(o.stateDict().state, {});
  });
}

test('an optimizer’s state is not another’s; a parameter without a state begins anew', () => {
  const [p, q] = [leaf([1]), leaf([1])];
  for (const t of [p, q]) t.grad = ones([1]);
  const [adam, sgd] = [new optim.Adam([p]), new optim.SGD([q], { momentum: 0.9 })];
  adam.step();
  sgd.step();
  throwsCode('STATE', /momentumBuffer of parameter 0 is unknown/, () => adam.loadStateDict(sgd.stateDict()));
  throwsCode('STATE', /is unknown: the state is another/, () => sgd.loadStateDict(adam.stateDict()));
  throwsCode('STATE', /decoupledWeightDecay/, () => adam.loadStateDict({ param_groups: [{ params: [0], lr: 1, decoupled_weight_decay: true }], state: {} }));
  adam.loadStateDict({ ...adam.stateDict(), state: { 0: {} } });
  adam.step();
  assert.is(adam.stateDict().state[0]?.step?.item(), 1);
});

test('loaded lists and labels are the optimizer’s own; book-keeping is left out', () => {
  const o = new optim.Adam([leaf([1])]);
  const betas = [0.5, 0.6];
  o.loadStateDict({ state: {}, param_groups: [{ params: [3], lr: 0.2, betas, foreach: null, capturable: false, fused: true, initial_lr: 0.4, max_lr: 1 }] });
  betas[0] = 7;
  const { params: _, ...options } = o.paramGroups[0] as Record<string, unknown>;
  assert.equal(options, { lr: 0.2, betas: [0.5, 0.6], eps: 1e-8, weightDecay: 0, amsgrad: false, maximize: false, initialLr: 0.4, maxLr: 1 });
});

test('a count of steps that is none makes NaN, not a trap', () => {
  for (const [name] of all) {
    for (const value of [Number.NaN, -5, 1e20, Number.POSITIVE_INFINITY]) {
      const p = new nn.Parameter(ones([2]));
      const o = new (makers[name] as Maker)([p]);
      p.grad = ones([2]);
      o.step();
      for (const t of Object.values(o.stateDict().state[0] ?? {})) t.fill_(value);
      try {
        o.step();
      } catch (e) {
        assert.instance(e, GradloomError);
      }
    }
  }
});

test('a state loaded ten thousand times costs the last time what it cost the first', () => {
  const w = new nn.Parameter(ones([2]));
  const optimizer = new optim.SGD([w], { lr: 0.1, momentum: 0.9 });
  w.sum().backward();
  optimizer.step();
  const state = optimizer.stateDict();
  /** The least time of ten rounds of a hundred loads. */
  const least = (): number =>
    Math.min(
      ...Array.from({ length: 10 }, () => {
        const begin = performance.now();
        for (let i = 0; i < 100; i++) optimizer.loadStateDict(state);
        return performance.now() - begin;
      }),
    );
  least();
  const first = least();
  for (let i = 0; i < 12; i++) least();
  assert.ok(least() < 8 * first, 'what was replaced is not looked through at each load');
});

test.run();
