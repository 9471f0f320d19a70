// Evaluation and early stopping: modes, gradients and memory as they were; the best weights put back.
import { DataLoader, EarlyStopping, evaluate, isGradEnabled, memory, nn, noGrad, ones, rand, type Tensor, TensorDataset, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const model = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.Dropout(0.5), new nn.Linear(3, 1));
const modes = (m: nn.Module): boolean[] => Array.from(m.namedModules(), ([, part]) => part.training);
async function rejects(code: string, text: RegExp, fn: () => Promise<unknown>): Promise<void> {
  try {
    await fn();
  } catch (e) {
    assert.is((e as { code?: string }).code, code, String(e));
    assert.match(String(e), text);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

test('evaluation mode and no gradients inside, modes as they were after, also after an error', async () => {
  const net = model();
  (net.at(1) as nn.Module).eval(); // a frozen part
  const before = modes(net);
  const loader = new DataLoader(new TensorDataset(rand([5, 2])), 2);
  const rows: number[] = [];
  await evaluate(net, loader, ([x]) => {
    assert.not(isGradEnabled());
    assert.equal(new Set(modes(net)), new Set([false]));
    const y = net.forward(x);
    assert.not(y.requiresGrad);
    rows.push(y.shape[0] as number);
  });
  assert.equal(rows, [2, 2, 1]);
  assert.equal(modes(net), before);
  assert.ok(isGradEnabled());
  await rejects('VALUE', /stop/, () =>
    evaluate(net, loader, () => {
      throw Object.assign(new Error('stop'), { code: 'VALUE' });
    }),
  );
  assert.equal(modes(net), before);
});

test('means are over rows: a smaller last batch counts for less', async () => {
  const net = new nn.Linear(1, 1);
  const loader = new DataLoader(new TensorDataset(tensor([1, 2, 3, 4, 10])), 2);
  assert.is(await evaluate(net, loader, ([x]) => x.mean()), 4);
  assert.equal(await evaluate(net, loader, ([x], i) => ({ mean: x.mean(), turn: i })), { mean: 4, turn: (0 * 2 + 1 * 2 + 2) / 5 });
  assert.is(await evaluate(net, loader, () => {}), undefined);
});

test('lists, async rows, several models, and nothing kept', async () => {
  const [a, b] = [new nn.Linear(1, 1), new nn.Linear(1, 1)];
  assert.is(await evaluate([a, b], [1, 2], (n) => n), 1.5);
  const later = new DataLoader({ length: 3, get: (i: number) => Promise.resolve(i) }, { batchSize: 2 });
  assert.is(await evaluate(a, later, (x) => x.mean()), 1);
  const before = memory().live;
  await evaluate(a, [1, 2, 3], () => ones([1000]).sum());
  assert.is(memory().live, before);
});

test('what cannot be measured is refused', async () => {
  const net = new nn.Linear(1, 1);
  await rejects('SCOPE', /async/, () => evaluate(net, [1], (async () => 1) as never));
  for (const none of ['text', 3, null]) await rejects('VALUE', /takes batches in an iterable/, () => evaluate(net, none as never, () => 1));
  await rejects('VALUE', /no batch/, () => evaluate(net, [], () => 1));
  await rejects('VALUE', /module/, () => evaluate({} as never, [1], () => 1));
  await rejects('VALUE', /batch 1 gave b, those before a/, () => evaluate(net, [0, 1], ((_: number, i: number) => (i ? { b: 1 } : { a: 1 })) as never));
  await rejects('VALUE', /batch 1 gave nothing, those before a number/, () => evaluate(net, [0, 1], ((_: number, i: number) => (i ? undefined : 1)) as never));
  await rejects('VALUE', /batch 1 gave a number, those before nothing/, () => evaluate(net, [0, 1], ((_: number, i: number) => (i ? 1 : undefined)) as never));
  await rejects('VALUE', /tensor of one element/, () => evaluate(net, [0], () => ones([2])));
});

test('stops after patience, and puts the best weights back', () => {
  const net = new nn.Linear(1, 1, { bias: false });
  const stopping = new EarlyStopping<number>({ model: net, patience: 2, minDelta: 0.1 });
  const set = (v: number): Tensor => noGrad(() => net.weight.fill_(v));
  const stops = [3, 2, 1.95, Number.NaN, 0].map((loss) => {
    set(loss);
    return stopping.step(loss);
  });
  assert.equal(stops, [false, false, false, true, false]);
  assert.equal([stopping.best, stopping.bestStep, stopping.waited], [0, 4, 0]);
  set(9);
  assert.is(stopping.restore(), 4);
  assert.is(net.weight.item(), 0);
});

test('over several losses better is what makes none worse', () => {
  const stopping = new EarlyStopping<{ a: number; b: number }>({ patience: 1, tolerance: 0.5 });
  assert.not(stopping.step({ a: 3, b: 3 }));
  assert.not(stopping.step({ a: 2, b: 3.5 }));
  assert.equal(stopping.best, { a: 2, b: 3.5 });
  assert.ok(stopping.step({ a: 1, b: 4.1 }));
  const more = new EarlyStopping<number>({ mode: 'max' });
  more.step(1);
  more.step(2);
  assert.is(more.best, 2);
  const own = new EarlyStopping<number>({ isBetter: (v, best) => v > best + 5 });
  own.step(1);
  own.step(5);
  assert.is(own.best, 1);
});

test('a loss does not creep up by the tolerance at each best, also behind a state', () => {
  for (const mode of ['min', 'max'] as const) {
    const sign = mode === 'min' ? 1 : -1;
    let stopping = new EarlyStopping<{ a: number; b: number }>({ mode, tolerance: 0.5 });
    const better = Array.from({ length: 4 }, (_, i) => {
      const before = stopping.bestStep;
      stopping.step({ a: sign * (9 - i), b: sign * (1 + 0.4 * i) });
      const next = new EarlyStopping<{ a: number; b: number }>({ mode, tolerance: 0.5 });
      next.loadStateDict(stopping.stateDict());
      stopping = next;
      return stopping.bestStep > before;
    });
    assert.equal(better, [true, true, false, false]);
    assert.equal(stopping.best, { a: sign * 8, b: sign * 1.4 });
  }
});

test('goes on from a state', () => {
  const net = new nn.Linear(1, 1);
  const first = new EarlyStopping<number>({ model: net, patience: 3 });
  first.step(2);
  first.step(3);
  const second = new EarlyStopping<number>({ model: net, patience: 3 });
  second.loadStateDict(first.stateDict());
  assert.equal([second.step(4), second.step(4)], [false, true]);
  assert.is(second.restore(), 0);
  const state = second.stateDict();
  for (const bad of [{}, { ...state, steps: -1 }, { ...state, bestStep: -2 }, { ...state, best: 'x' }, { ...state, best: [] }])
    throwsCode('STATE', /takes what stateDict|best does not fit/, () => second.loadStateDict(bad as never));
  assert.equal(second.stateDict(), state);
});

test('what it cannot watch is refused', () => {
  const stopping = new EarlyStopping<number>();
  throwsCode('VALUE', /takes a number/, () => stopping.step(undefined as never));
  stopping.step(1);
  throwsCode('VALUE', /got a, before one number/, () => stopping.step({ a: 1 } as never));
  throwsCode('STATE', /no model was given/, () => stopping.restore());
  throwsCode('VALUE', /no option 'patient'/, () => new EarlyStopping({ patient: 3 } as never));
});

test.run();
