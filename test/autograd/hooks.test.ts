// What hooks on gradients see and do, by one table, under `loss.backward()` and under `multiloss.backward`, whose methods walk over rows of gradients.
import { autograd, multiloss as M, nn, noGrad, ones, optim, scope, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const leaf = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });
const list = (t: Tensor | null): unknown => t?.toArray() ?? null;
const total = (kept: readonly Tensor[]): number[] => kept.reduce((s, g) => s.map((v, i) => v + (g.data()[i] as number)), [0, 0]);

/** w [2] → h = 2w → losses h·[1, 2] and h·[3, −1]: gradients at h [1, 2] and [3, −1], their sum [4, 1]. */
function problem(): { w: Tensor; h: Tensor; losses: { a: Tensor; b: Tensor } } {
  const w = leaf(1, 2);
  const h = w.mul(2);
  return { w, h, losses: { a: h.mul(tensor([1, 2])).sum(), b: h.mul(tensor([3, -1])).sum() } };
}

/** A method that works on gradients and adds them up, so that every way below has the same result. */
const summing = (needs: 'gramian' | 'losses'): M.Method => ({
  name: 'summing',
  needs,
  weights: ({ losses }) => new Float64Array(losses.length).fill(1),
  stateDict: () => ({}),
  loadStateDict: () => {},
  reset: () => {},
});

type Problem = ReturnType<typeof problem>;
type Way = (p: Problem, retainGraph?: boolean) => void;
/** Where each loss's gradient goes its own way, hooks between run once for each loss; else once. */
const ways: Record<string, Way> = {
  'loss.backward()': ({ losses }, retainGraph) => losses.a.add(losses.b).backward({ retainGraph }),
  'backward of a list': ({ losses }, retainGraph) => autograd.backward([losses.a, losses.b], { retainGraph }),
  'one loss after the other': ({ losses }, retainGraph) => {
    losses.a.backward({ retainGraph: true });
    losses.b.backward({ retainGraph });
  },
  'a method of losses': ({ losses }, retainGraph) => void M.backward(losses, { combine: summing('losses'), retainGraph }),
  'a method of gradients': ({ losses }, retainGraph) => void M.backward(losses, { combine: summing('gramian'), retainGraph }),
  'a method of gradients, at h': ({ losses, h }, retainGraph) => void M.backward(losses, { combine: summing('gramian'), at: h, retainGraph }),
  'Sum, at h': ({ losses, h }, retainGraph) => void M.backward(losses, { combine: new M.Sum(), at: h, retainGraph }),
  'Sum, measured': ({ losses }, retainGraph) => void M.backward(losses, { combine: new M.Sum(), measure: true, retainGraph }),
};
const ONCE = ['loss.backward()', 'backward of a list', 'a method of losses'];
/** With `at` the losses part at h; behind it their combined gradient goes on. */
const AT = ['a method of gradients, at h', 'Sum, at h'];

for (const [way, run] of Object.entries(ways)) {
  test(`${way}: hooks run once for each gradient that arrives, with that gradient`, () => {
    const p = problem();
    const seen: Record<string, unknown[]> = { h: [], w: [] };
    p.h.registerHook((g) => void seen.h?.push(list(g)));
    p.w.registerHook((g) => void seen.w?.push(list(g)));
    run(p);
    const [each, sum] = [
      (f: number) => [
        [f, 2 * f],
        [3 * f, -f],
      ],
      (f: number) => [[4 * f, f]],
    ];
    assert.equal(seen.h, ONCE.includes(way) ? sum(1) : each(1));
    assert.equal(seen.w, ONCE.includes(way) || AT.includes(way) ? sum(2) : each(2));
  });

  test(`${way}: gradients are added to those that are there; a graph that is retained can be gone through again, one that is not can not`, () => {
    const p = problem();
    p.h.retainGrad();
    p.w.grad = tensor([1, 1]);
    run(p, true);
    assert.equal(list(p.w.grad), [9, 3]);
    run(p);
    assert.equal(list(p.w.grad), [17, 5]);
    assert.equal(list(p.h.grad), [8, 2]);
    throwsCode('GRAPH', /second time/, () => run(p));
    assert.equal(list(p.w.grad), [17, 5]);
  });

  test(`${way}: what ended is found before anything changes`, () => {
    const p = problem();
    const v = leaf(1, 1);
    p.losses.a = p.losses.a.add(v.sum());
    p.losses.b = p.losses.b.add(v.sum());
    scope(() => {
      p.w.grad = tensor([1, 1]);
      (p.w as unknown as { gradient: Tensor }).gradient.dispose();
    });
    throwsCode('SCOPE', /ended/, () => run(p));
    assert.is(v.grad, null);
  });

  test(`${way}: anomaly mode names the op whose rule gave NaN, and where its forward ran`, () => {
    const p = problem();
    autograd.setDetectAnomaly(true);
    try {
      const root = p.w.sub(tensor([1, 0])).sqrt();
      p.losses = { a: root.mul(tensor([0, 1])).sum(), b: root.mul(tensor([0, 2])).sum() };
      p.h = root;
      throwsCode('NONFINITE', /sqrt returned NaN.*hooks\.test/s, () => run(p));
      assert.is(p.w.grad, null);
    } finally {
      autograd.setDetectAnomaly(false);
    }
  });

  test(`${way}: what hooks between keep adds up to the gradient, and lives on`, () => {
    const p = problem();
    const kept: Tensor[] = [];
    p.h.registerHook((g) => void kept.push(g));
    run(p);
    zeros([64]); // would take the memory of what was given back
    assert.equal(total(kept), [4, 1]);
    assert.equal(list(p.w.grad), [8, 2]);
  });

  test(`${way}: what a hook between returns goes on, once`, () => {
    const p = problem();
    p.h.registerHook((g) => g.mul(10));
    run(p);
    assert.equal(list(p.w.grad), [80, 20]);
  });

  test(`${way}: hooks run in order, twice where registered twice; a handle removes one`, () => {
    const p = problem();
    const order: string[] = [];
    const double = (g: Tensor): Tensor => {
      order.push('double');
      return g.mul(2);
    };
    const first = p.h.registerHook(double);
    p.h.registerHook(double);
    p.h.registerHook((g) => {
      order.push('look');
      return g.mul(1);
    });
    first.remove();
    first.remove();
    const again = p.h.registerHook(double);
    run(p);
    assert.equal(order.slice(0, 3), ['double', 'look', 'double']);
    assert.equal(list(p.w.grad), [32, 8]);
    again.remove();
  });

  test(`${way}: hooks that are registered or removed by a hook count from the next gradient on`, () => {
    const p = problem();
    let seen = 0;
    const late = (): void => void seen++;
    p.h.registerHook(() => {
      handle.remove();
      p.h.registerHook(late);
    });
    const handle = p.h.registerHook((g) => g.mul(3));
    run(p);
    // Of two passes the second is the next one: [1, 2] three times, [3, −1] once and seen by the late hook.
    const isTwice = way === 'one loss after the other';
    assert.equal(list(p.w.grad), isTwice ? [12, 10] : [24, 6]);
    assert.is(seen, isTwice ? 1 : 0);
  });

  test(`${way}: a hook on a leaf sees its gradient before it is added, and may replace it`, () => {
    const p = problem();
    const kept: Tensor[] = [];
    p.w.registerHook((g) => {
      kept.push(g);
      return g.mul(-1);
    });
    run(p);
    assert.equal(total(kept), [8, 2]);
    assert.equal(list(p.w.grad), [-8, -2]);
  });

  test(`${way}: retainGrad keeps what the last hook leaves, in memory of its own`, () => {
    const p = problem();
    p.h.retainGrad();
    const kept: Tensor[] = [];
    p.h.registerHook((g) => {
      kept.push(g.mul(2));
      return kept.at(-1);
    });
    run(p);
    assert.equal(list(p.h.grad), [8, 2]);
    noGrad(() => p.h.grad?.zero_());
    assert.equal(total(kept), [8, 2]);
    assert.equal(list(p.w.grad), [16, 4]);
    noGrad(() => p.w.grad?.mul_(100));
    assert.equal(total(kept), [8, 2]);
  });

  test(`${way}: post-accumulate hooks run when .grad is whole, in order, and may step`, () => {
    const p = problem();
    const other = leaf(5, 5);
    p.losses.b = p.losses.b.add(other.sum());
    const seen: string[] = [];
    const optimizer = new optim.SGD([p.w], { lr: 1 });
    const note = (t: Tensor): void => void seen.push(`${t === p.w ? 'w' : 'other'} ${t.grad?.toArray()}`);
    if (way !== 'one loss after the other') {
      p.w.registerPostAccumulateGradHook(note);
      p.w.registerPostAccumulateGradHook(note);
      p.w.registerPostAccumulateGradHook(() => {
        optimizer.step();
        optimizer.zeroGrad();
      });
      other.registerPostAccumulateGradHook((t) => void t.sub_(t.grad as Tensor)); // gradients are off in hooks
      run(p);
      assert.equal(seen, ['w 8,2', 'w 8,2']);
      assert.is(p.w.grad, null);
      assert.equal(list(p.w), [-7, 0]);
      assert.equal(list(other), [4, 4]);
    }
  });

  test(`${way}: a leaf that was frozen since forward gets no gradient, nor its post-accumulate hook; others do`, () => {
    const p = problem();
    const v = leaf(1, 1);
    const q = v.mul(2);
    p.losses.a = p.losses.a.add(q.sum());
    p.losses.b = p.losses.b.add(q.sum());
    let ran = 0;
    v.registerPostAccumulateGradHook(() => void ran++);
    v.requiresGrad = false;
    run(p);
    assert.is(v.grad, null);
    assert.is(ran, 0);
    assert.equal(list(p.w.grad), [8, 2]);
  });

  test(`${way}: what a hook returns is checked`, () => {
    for (const [bad, message] of [
      [ones([3]), /registerHook.*\[3\].*\[2\]/s],
      [tensor([1, 2], { dtype: 'int32' }), /registerHook.*int32/s],
      [5, /registerHook.*5/s],
      [Promise.resolve(), /registerHook.*Promise/s],
      ['', /registerHook/],
      [false, /registerHook/],
    ] as const) {
      const p = problem();
      p.h.registerHook((() => bad) as never);
      throwsCode(bad instanceof Object && 'shape' in bad && bad.dtype === 'float32' ? 'SHAPE' : 'DTYPE', message, () => run(p));
      assert.is(p.w.grad, null);
    }
    const p = problem();
    p.h.registerHook(() => null);
    run(p);
    assert.equal(list(p.w.grad), [8, 2]);
  });
}

test('hooks stay with the value that they were registered for; kept gradients follow the tensor', () => {
  const w = leaf(1, 2);
  const h = w.mul(1);
  const seen: unknown[] = [];
  h.registerHook((g) => void seen.push(['before', list(g)]));
  h.retainGrad();
  h.mul_(3);
  h.registerHook((g) => void seen.push(['after', list(g)]));
  h.sum().backward();
  assert.equal(seen, [
    ['after', [1, 1]],
    ['before', [3, 3]],
  ]);
  assert.equal(list(h.grad), [1, 1]);
  assert.equal(list(w.grad), [3, 3]);
});

test('a view that keeps its gradient and is written to is a new value, which its base does not come from', () => {
  const w = leaf(1, 2, 3);
  const y = w.mul(1);
  const v = y.slice(0, 0, 2).retainGrad();
  v.mul_(3);
  y.sum().backward({ retainGraph: true });
  assert.is(v.grad, null);
  assert.equal(list(w.grad), [3, 3, 1]);
  v.sum().backward();
  assert.equal(list(v.grad), [1, 1]);
});

test('autograd.grad runs hooks and keeps gradients, but adds to no .grad and runs no post-accumulate hook', () => {
  const x = leaf(2);
  const h = x.mul(3).retainGrad();
  let ran = 0;
  x.registerPostAccumulateGradHook(() => void ran++);
  x.registerHook((g) => g.mul(10));
  const [g] = autograd.grad(h.square().sum(), x);
  assert.equal(list(g as Tensor), [360]);
  assert.equal(list(h.grad), [12]);
  assert.is(x.grad, null);
  assert.is(ran, 0);
});

test('backward with inputs runs the hooks of those, post-accumulate ones too', () => {
  const [x, w] = [leaf(2), leaf(3)];
  const seen: string[] = [];
  for (const [name, t] of [
    ['x', x],
    ['w', w],
  ] as const) {
    t.registerHook(() => void seen.push(name));
    t.registerPostAccumulateGradHook(() => void seen.push(`${name} added`));
  }
  x.mul(w).sum().backward({ inputs: x });
  assert.equal(seen, ['x', 'x added']);
});

test('a hook may go backward through the same graph', () => {
  const x = leaf(2);
  const a = x.mul(3);
  const [c, d, e] = [a.mul(5), a.mul(7), a.mul(11)];
  let inner: unknown;
  c.registerHook(() => {
    inner = list(autograd.grad(e, x, { retainGraph: true })[0] as Tensor);
  });
  c.add(d).sum().backward();
  assert.equal(inner, [33]);
  assert.equal(list(x.grad), [36]);
});

test('a backward pass inside a hook adds to .grad as any other', () => {
  const x = leaf(2);
  const a = x.mul(3);
  const e = a.mul(11);
  const c = a.mul(5);
  c.registerHook(() => e.backward({ retainGraph: true }));
  c.sum().backward();
  assert.equal(list(x.grad), [33 + 15]);
});

test('a hook that throws ends the pass; the next one is as if it had not been', () => {
  const x = leaf(1, 2);
  const h = x.exp();
  const handle = h.registerHook(() => {
    throw new Error('mine');
  });
  const y = h.add(h.mul(2)).sum();
  assert.throws(() => y.backward({ retainGraph: true }), /mine/);
  handle.remove();
  y.backward();
  assert.equal(list(x.grad), list(x.exp().mul(3)));
});

test('what is no function is refused as a hook', () => {
  const x = leaf(1);
  throwsCode('VALUE', /registerHook.*function/, () => x.registerHook(undefined as never));
  throwsCode('VALUE', /registerPostAccumulateGradHook.*function/, () => x.registerPostAccumulateGradHook(5 as never));
});

test('a pass that waits sees flags as they were when it was asked for', () => {
  const model = new nn.Linear(2, 1, { bias: false });
  const y = model.forward(ones([1, 2]));
  y.sum().backward({ retainGraph: true });
  model.requiresGrad_(false);
  assert.equal(list(model.weight.grad), [[1, 1]] as never);
  model.requiresGrad_(true);
  y.mul(2).sum().backward({ retainGraph: true });
  model.weight.requiresGrad = false;
  assert.equal(list(model.weight.grad), [[3, 3]] as never);
});

test.run();
