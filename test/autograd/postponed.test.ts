// A pass that retains its graph may wait for the next one. Nobody can tell, but by the time it takes and by roundings.
import fc from 'fast-check';
import { autograd, capture, GradloomError, manualSeed, nn, noGrad, ones, optim, randn, scope, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withoutSettling } from '../../src/runtime/call.ts';
import { throwsCode } from '../helpers.ts';

const list = (t: Tensor | null): unknown => t?.toArray() ?? null;
/** Whether a leaf's gradient has not been made yet. */
const waits = (t: Tensor): boolean => withoutSettling(() => t.gathered === null);
const came = (t: Tensor): void => assert.not(waits(t));

/** Two losses over w². */
function problem(): { w: Tensor; own: Tensor; loss1: Tensor; loss2: Tensor; square: Tensor } {
  const w = tensor([1, 2, 3], { requiresGrad: true });
  const own = tensor([5], { requiresGrad: true });
  const square = w.mul(w);
  return { w, own, square, loss1: square.sum(), loss2: square.mul(own).sum() };
}

/** Gradients of loss1, of loss2, of both, with respect to w. */
const FIRST = [2, 4, 6];
const BOTH = [12, 24, 36];

/** What each does between two passes; the first must have been made by then. */
const OBSERVERS: Readonly<Record<string, (p: ReturnType<typeof problem>) => void>> = {
  'reads .grad': ({ w }) => assert.equal(list(w.grad), FIRST),
  'reads .grad of what has none': ({ own, w }) => {
    assert.is(own.grad, null);
    came(w);
  },
  'holds .grad, which is added to': ({ w, loss1 }) => {
    const { grad } = w;
    loss1.backward({ retainGraph: true });
    assert.equal(list(grad), [4, 8, 12]);
    w.grad = tensor(FIRST);
  },
  'asks for gradients of its own': ({ w, loss2 }) => {
    assert.equal(list(autograd.grad(loss2, w, { retainGraph: true })[0] as Tensor), [10, 20, 30]);
    came(w);
  },
  'fills one leaf only': ({ w, own, loss2 }) => {
    loss2.backward({ retainGraph: true, inputs: own });
    came(w);
    own.grad = null;
  },
  'registers a hook': ({ w }) => {
    w.registerHook((g) => assert.equal(list(g), [10, 20, 30], 'the gradient of the second loss alone'));
  },
  'registers a hook on what is between': ({ square }) => {
    square.registerHook((g) => assert.equal(list(g), [5, 5, 5]));
  },
  'keeps what is between': ({ square }) => {
    square.retainGrad();
  },
  'freezes a leaf and lets it go': ({ w }) => {
    w.requiresGrad = false;
    assert.ok(waits(w));
    assert.equal(list(w.grad), FIRST);
    w.requiresGrad = true;
  },
  'ends a scope': ({ w }) => {
    scope(() => {});
    assert.ok(waits(w), 'nothing was in it');
    scope(() => void ones([1]));
    came(w);
  },
  'runs any kernel': ({ w }) => {
    noGrad(() => tensor([1]).add_(1));
    came(w);
  },
  'runs a captured step': ({ w }) => {
    capture((x) => x.mul(2))(1);
    came(w);
  },
  nothing: ({ w }) => assert.ok(waits(w)),
};

for (const [what, observe] of Object.entries(OBSERVERS)) {
  test(`between two passes over one graph the program ${what}`, () => {
    const p = problem();
    p.loss1.backward({ retainGraph: true });
    observe(p);
    p.loss2.backward();
    came(p.w);
    assert.equal(list(p.w.grad), BOTH);
    assert.equal(list(p.own.grad), [14]);
    throwsCode('GRAPH', /second time/, () => p.loss1.backward());
  });
}

test('hooks that were removed watch no more', () => {
  const { w, square, loss1, loss2 } = problem();
  const seen: unknown[] = [];
  const see = (g: Tensor): void => void seen.push(list(g));
  const handles = [w.registerHook(see), square.registerHook(see), w.registerPostAccumulateGradHook((leaf) => void seen.push(list(leaf.grad)))];
  loss1.backward({ retainGraph: true });
  assert.equal(seen, [[1, 1, 1], FIRST, FIRST]);
  for (const handle of [...handles, ...handles]) handle.remove();
  w.grad = null;
  loss1.backward({ retainGraph: true });
  assert.ok(waits(w));
  loss2.backward();
  assert.equal([list(w.grad), seen.length], [BOTH, 3]);
});

test('what waits goes through what the losses share once; the second loss alone is freed', () => {
  const w = tensor([2], { requiresGrad: true });
  const shared = w.exp();
  const loss1 = shared.mul(shared).sum();
  const loss2 = shared.sum();
  const apart = w.mul(w).sum();
  apart.backward({ retainGraph: true });
  loss1.backward({ retainGraph: true });
  loss2.backward();
  const [e] = shared.toArray() as [number];
  assert.ok(Math.abs((w.grad?.item() as number) - (4 + 2 * e * e + e)) < 1e-4 * e * e, 'float32');
  apart.backward();
  throwsCode('GRAPH', /exp a second time/, () => loss1.backward());
});

test('clearing gradients takes away what a pass that waits would have added', () => {
  const { w, own, loss1, loss2 } = problem();
  const optimizer = new optim.SGD([w, own], { lr: 1 });
  loss1.backward({ retainGraph: true });
  optimizer.zeroGrad();
  loss2.backward();
  assert.equal(list(w.grad), [10, 20, 30]);
});

test('a step between two passes uses the first one, and the second finds its graph stale', () => {
  const { w, own, loss1, loss2 } = problem();
  const optimizer = new optim.SGD([w, own], { lr: 0.5 });
  loss1.backward({ retainGraph: true });
  optimizer.step();
  assert.equal(list(w), [0, 0, 0]);
  throwsCode('VERSION', /SGD.step/, () => loss2.backward());
  assert.equal(list(w.grad), FIRST, 'the failed call changed nothing');
});

test('a second pass that fails leaves the first one as it was', () => {
  const { w, loss1, loss2 } = problem();
  const freed = randn([2], { requiresGrad: true }).exp().sum();
  freed.backward();
  loss1.backward({ retainGraph: true });
  throwsCode('GRAPH', /exp a second time/, () => loss2.add(freed).backward());
  assert.equal(list(w.grad), FIRST);
  loss2.backward();
  assert.equal(list(w.grad), BOTH);
});

test('a gradient that is there already is added to at once, pass by pass', () => {
  const { w, loss1, loss2 } = problem();
  w.grad = ones([3]);
  const { grad } = w;
  loss1.backward({ retainGraph: true });
  assert.equal(list(grad), [3, 5, 7]);
  loss2.backward();
  assert.equal(list(grad), [13, 25, 37]);
});

test('passes over graphs that share nothing do not pile up', () => {
  const w = tensor([1], { requiresGrad: true });
  const leaves = Array.from({ length: 3 }, () => tensor([1], { requiresGrad: true }));
  for (const leaf of leaves) leaf.mul(leaf).sum().backward({ retainGraph: true });
  assert.equal(leaves.map(waits), [false, false, true], 'each runs the one before; the last waits');
  w.mul(w).sum().backward();
  assert.equal(
    leaves.map((leaf) => list(leaf.grad)),
    [[2], [2], [2]],
  );
});

test('many retained passes over one graph are one walk, and count as often as they were called', () => {
  const { w, loss1 } = problem();
  for (let i = 0; i < 5; i++) loss1.backward({ retainGraph: true });
  assert.equal(list(w.grad), [10, 20, 30]);
});

test('inside a scope: the pass runs before its graph ends', () => {
  const w = tensor([3], { requiresGrad: true });
  scope(() => w.mul(w).sum().backward({ retainGraph: true }));
  assert.equal(list(w.grad), [6]);
});

/** What a program may do, with one of four losses over shared and separate parts, or with one of three leaves. */
const deeds = ['backward', 'backward', 'backward', 'backward', 'grad', 'inputs', 'clear', 'step', 'hook', 'write', 'scope', 'forward', 'freeze', 'retain'] as const;
const action = fc.record({ deed: fc.constantFrom(...deeds), loss: fc.nat(3), leaf: fc.nat(2), retainGraph: fc.boolean() });
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

/** Runs a program on whole numbers, which float32 adds up exactly; gives what it threw and the gradients in the end. `watched`: every pass runs at once. */
function perform(program: readonly Action[], watched: boolean): unknown {
  const leaves = [1, 2, 3].map((v) => tensor([v, -v], { requiresGrad: true })) as [Tensor, Tensor, Tensor];
  const [a, b, c] = leaves;
  const optimizer = new optim.SGD(leaves, { lr: 1 });
  const seen: unknown[] = [];
  const losses = (): Tensor[] => {
    const shared = a.mul(b);
    const own = c.mul(2);
    return [shared.sum(), shared.mul(shared).sum(), shared.mul(c).sum(), own.mul(own).sum()];
  };
  let now = losses();
  const run: Readonly<Record<(typeof deeds)[number], (loss: Tensor, leaf: Tensor, retainGraph: boolean) => unknown>> = {
    backward: (loss, _, retainGraph) => loss.backward({ retainGraph }),
    inputs: (loss, leaf, retainGraph) => loss.backward({ retainGraph, inputs: leaf }),
    grad: (loss, _, retainGraph) => seen.push(autograd.grad(loss, leaves, { retainGraph, allowUnused: true }).map(list)),
    clear: () => optimizer.zeroGrad(),
    step: () => optimizer.step(),
    hook: (_, leaf) => leaf.registerHook((g) => void seen.push(list(g))),
    write: (_, leaf) => noGrad(() => leaf.clamp_({ min: -4, max: 4 })),
    scope: (_, leaf) => scope(() => leaf.mul(2).sum().backward({ retainGraph: true })),
    forward: () => {
      now = losses();
    },
    freeze: (_, leaf) => leaf.requiresGrad_(!leaf.requiresGrad),
    retain: (loss) => loss.retainGrad(),
  };
  for (const { deed, loss, leaf, retainGraph } of program) {
    try {
      run[deed](now[loss] as Tensor, leaves[leaf] as Tensor, retainGraph);
    } catch (error) {
      assert.instance(error, GradloomError);
      seen.push((error as GradloomError).message);
    }
    if (watched) for (const l of leaves) void l.grad;
  }
  return [seen, leaves.map((l) => list(l)), leaves.map((l) => list(l.grad))];
}

test('whatever a program does, waiting changes neither errors nor hooks nor numbers', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 2, maxLength: 12 }), (program) => {
      assert.equal(perform(program, false), perform(program, true));
    }),
    { seed: 12, numRuns: 2000 },
  );
});

/** Ten steps of two losses on a small network; `between` runs between the two passes. */
function train(between: (parameters: readonly Tensor[]) => void, captured = false): number[] {
  manualSeed(3);
  const trunk = new nn.Sequential(new nn.Linear(3, 8), new nn.Tanh(), new nn.BatchNorm1d(8));
  const heads = [new nn.Linear(8, 2), new nn.Linear(8, 1)] as const;
  const all = new nn.Sequential(trunk, ...heads);
  const optimizer = new optim.Adam(all.parameters(), { lr: 0.01 });
  const step = (x: Tensor): { loss1: Tensor; loss2: Tensor } => {
    optimizer.zeroGrad();
    const h = trunk.forward(x);
    const loss1 = heads[0].forward(h).square().mean();
    const loss2 = heads[1].forward(h).sub(1).square().mean();
    loss1.backward({ retainGraph: true });
    between([...all.parameters()]);
    loss2.backward();
    optimizer.step();
    return { loss1, loss2 };
  };
  const run = captured ? capture(step) : step;
  const x = randn([5, 3]);
  for (let i = 0; i < 10; i++) scope(() => void run(x));
  return [...all.parameters()].flatMap((p) => [...p.data()]);
}

test('watched and unwatched training differ by roundings only; captured is plain, bit for bit', () => {
  const watched = train((parameters) => void parameters.map((p) => p.grad));
  const unwatched = train(() => {});
  assert.equal(
    train(() => {}, true),
    unwatched,
  );
  // Adam divides by the gradient's size, so a rounding of 1e-7 may become one of 1e-5 where a gradient is small.
  const off = watched.map((v, i) => Math.abs(v - (unwatched[i] as number)));
  assert.ok(Math.max(...off) < 1e-5, `${Math.max(...off)}`);
});

test.run();
