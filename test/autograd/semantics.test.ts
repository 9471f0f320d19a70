// PyTorch's semantics, line by line.
import { autograd, enableGrad, GradloomError, inference, isGradEnabled, manualSeed, nn, noGrad, ones, optim, randn, setGradEnabled, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode, warnings } from '../helpers.ts';

const leaf = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });
const list = (t: Tensor | null): unknown => t?.toArray() ?? null;

// 1. Second backward
test('a second backward through freed values is an error that names the op and the remedy', () => {
  const x = leaf(1, 2);
  const y = x.exp().sum();
  y.backward();
  throwsCode('GRAPH', /exp a second time.*retainGraph/s, () => y.backward());
  assert.equal(list(x.grad), list(x.exp()), 'the failed call changed nothing');
});

test('ops that save nothing may be gone through again: gradients accumulate', () => {
  const x = leaf(1, 2);
  const y = x.add(1).sum();
  y.backward();
  y.backward();
  assert.equal(list(x.grad), [2, 2]);
});

test('two losses on a shared subgraph: the second fails unless the first retained', () => {
  const x = leaf(1);
  const shared = x.exp();
  const [a, b] = [shared.sum(), shared.mul(2).sum()];
  a.backward();
  throwsCode('GRAPH', /second time/, () => b.backward());
  const again = x.exp();
  const [c, d] = [again.sum(), again.mul(2).sum()];
  c.backward({ retainGraph: true });
  d.backward();
});

test('createGraph implies retainGraph', () => {
  const x = leaf(2);
  const y = x.pow(3).sum();
  autograd.grad(y, x, { createGraph: true });
  y.backward();
  assert.equal(list(x.grad), [12]);
});

// 2. Accumulation
test('two retained backwards give exactly twice the gradient', () => {
  const x = randn([5], { requiresGrad: true });
  const y = x.tanh().sum();
  y.backward({ retainGraph: true });
  const once = x.grad?.clone() as Tensor;
  y.backward();
  assert.equal(list(x.grad), list(once.mul(2)));
});

test('autograd.backward of a list is one pass with the sum', () => {
  const x = leaf(1, 2);
  let runs = 0;
  const h = x.mul(3);
  h.registerHook(() => void runs++);
  autograd.backward([h.sum(), h.square().sum()]);
  assert.is(runs, 1);
  assert.equal(list(x.grad), [3 + 2 * 3 * 3, 3 + 2 * 6 * 3]);
});

test('a stolen or shared gradient buffer never leaks into another leaf', () => {
  const [a, b] = [leaf(1, 2), leaf(3, 4)];
  const y = a.add(b);
  y.sum().backward();
  y.sum().backward();
  a.grad?.mul_(10);
  assert.equal(list(b.grad), [2, 2]);
  assert.equal(list(a.grad), [20, 20]);
});

test('one leaf used many times', () => {
  const x = leaf(3);
  x.mul(x).add(x).mul(x).sum().backward(); // x³ + x²
  assert.equal(list(x.grad), [33]);
});

// 3. Retained passes against one sum: equal but for rounding (training traces in test/conformance.test.ts)
test('independent backwards and the sum agree to rounding', () => {
  const x = randn([7], { requiresGrad: true });
  const make = (): [Tensor, Tensor] => {
    const h = x.tanh();
    return [h.square().sum(), h.exp().sum()];
  };
  const [a, b] = make();
  a.backward({ retainGraph: true });
  b.backward();
  const apart = x.grad?.data() as Float32Array;
  x.grad = null;
  const [c, d] = make();
  c.add(d).backward();
  const together = x.grad as Tensor | null;
  for (const [i, v] of (together?.data() ?? []).entries()) assert.ok(Math.abs(v - (apart[i] as number)) <= 1e-6 * Math.max(1, Math.abs(v)));
});

// 4. Non-scalar roots
test('a gradient is implied only for one element, of any rank', () => {
  const x = leaf(1, 2);
  throwsCode('GRAPH', /one-element.*\[2\].*gradient/s, () => x.mul(2).backward());
  x.mul(2).backward({ gradient: tensor([1, 10]) });
  assert.equal(list(x.grad), [2, 20]);
  const y = leaf(3);
  y.mul(2).reshape([1, 1, 1]).backward();
  assert.equal(list(y.grad), [2]);
  throwsCode('SHAPE', /\[3\].*\[2\]/s, () => x.mul(2).backward({ gradient: ones([3]) }));
});

// 5. No path
test('a loss without a graph is an error', () => {
  throwsCode('GRAPH', /does not require a gradient.*detach/s, () => ones([]).backward());
  throwsCode('GRAPH', /does not require/, () => leaf(1).detach().sum().backward());
});

// 6. Leaves
test('a non-leaf has no .grad, and says so once, unless it retains it', () => {
  const x = leaf(1, 2);
  const y = x.mul(2);
  y.sum().backward();
  const said = warnings(() => assert.is(y.grad, null));
  assert.match(said.join(), /non-leaf.*retainGrad/s);
  const z = x.mul(2).retainGrad();
  z.square().sum().backward();
  assert.equal(list(z.grad), [4, 8]);
  throwsCode('GRAPH', /retainGrad/, () => ones([2]).retainGrad());
});

test('requiresGrad changes on leaves only, and on floats only', () => {
  const x = leaf(1);
  throwsCode('GRAPH', /only leaves.*detach/s, () => {
    x.mul(2).requiresGrad = false;
  });
  throwsCode('DTYPE', /float32/, () => tensor([1], { dtype: 'int32', requiresGrad: true }));
  throwsCode('DTYPE', /float32/, () => tensor([1], { dtype: 'int32' }).requiresGrad_());
  assert.is(x.isLeaf, true);
  assert.is(x.mul(2).isLeaf, false);
  assert.is(x.mul(2).gradFn, 'mul');
  x.requiresGrad = false;
  assert.is(x.mul(2).requiresGrad, false);
});

// 7. In place
test('a leaf that requires a gradient, or a view of one, refuses writes outside noGrad', () => {
  const x = leaf(1, 2);
  throwsCode('INPLACE', /leaf that requires/, () => x.add_(1));
  throwsCode('INPLACE', /view of a leaf/, () => x.slice(0, 0, 1).add_(1));
  const version = x.version;
  noGrad(() => x.add_(1));
  assert.is(x.version, version + 1);
  assert.equal(list(x), [2, 3]);
});

test('a saved value that was written to is an error naming op, tensor, writer and versions', () => {
  const x = leaf(1, 2);
  const y = x.exp();
  y.mul_(2);
  throwsCode('VERSION', /exp.*output.*float32 \[2\].*mul_.*version 1.*version 0/s, () => y.sum().backward());
  assert.is(x.grad, null);
});

test('writing to a value that nothing saved is legal and followed', () => {
  const x = leaf(1, 2);
  const y = x.mul(3);
  y.add_(1);
  y.mul_(2);
  assert.equal(list(y), [8, 14]);
  y.sum().backward();
  assert.equal(list(x.grad), [6, 6]);
});

test('a write with an operand that requires a gradient makes a plain tensor part of the graph', () => {
  const w = leaf(2, 3);
  const t = ones([2]);
  t.mul_(w);
  assert.is(t.isLeaf, false);
  t.sum().backward();
  assert.equal(list(w.grad), [1, 1]);
});

test('a write through a view reaches the base, and later views of it', () => {
  const x = leaf(1, 2, 3, 4);
  const y = x.mul(1);
  const old = y.slice(0, 1, 3);
  const window = y.slice(0, 0, 2);
  window.mul_(10);
  assert.equal(list(y), [10, 20, 3, 4]);
  y.sum().backward({ retainGraph: true });
  assert.equal(list(x.grad), [10, 10, 1, 1]);
  x.grad = null;
  old.sum().backward(); // made before the write, sees it
  assert.equal(list(x.grad), [0, 10, 1, 0]);
});

test('a write of constants cuts what it covers', () => {
  const x = leaf(1, 2, 3);
  const y = x.mul(2);
  y.slice(0, 1).fill_(7);
  y.sum().backward();
  assert.equal(list(x.grad), [2, 0, 0]);
  const z = x.mul(2);
  z.zero_();
  x.grad = null;
  z.sum().backward();
  assert.equal(list(x.grad), [0, 0, 0]);
});

test('views share the version counter; several outputs of one call refuse writes', () => {
  const t = ones([4]);
  t.reshape([2, 2]).transpose(0, 1).add_(1);
  assert.is(t.version, 1);
  assert.equal(list(t), [2, 2, 2, 2]);
  const y = leaf(1, 2).mul(1);
  throwsCode('INPLACE', /unbind/, () => y.unbind()[0]?.add_(1));
  throwsCode('INPLACE', /expanded/, () => ones([1]).expand([3]).add_(1));
});

// 8. The commonest bug of training with several losses
test('optimizer.step() between two backwards of one graph is caught and explained', () => {
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Linear(3, 1));
  const optimizer = new optim.Adam(model.parameters());
  const y = model.forward(randn([4, 2]));
  const [loss1, loss2] = [y.square().mean(), y.abs().mean()];
  loss1.backward({ retainGraph: true });
  optimizer.step();
  throwsCode('VERSION', /linear.*'2\.weight'.*Adam\.step\(\).*after the last backward/s, () => loss2.backward());
});

test('a leaf saved directly is caught too', () => {
  const w = leaf(1, 2);
  const loss = w.square().sum();
  noGrad(() => w.sub_(0.1));
  throwsCode('VERSION', /square.*sub_/s, () => loss.backward());
});

// 9. detach
test('detach shares memory and the version counter', () => {
  const x = leaf(1, 2);
  const y = x.mul(2);
  const z = y.square().sum();
  y.detach().mul_(10);
  throwsCode('VERSION', /square/, () => z.backward());
  assert.is(y.detach().requiresGrad, false);
});

// 10. Modes
test('modes nest and are restored', () => {
  const x = leaf(1);
  noGrad(() => {
    assert.is(x.mul(2).requiresGrad, false);
    enableGrad(() => assert.is(x.mul(2).requiresGrad, true));
    assert.is(isGradEnabled(), false);
  });
  assert.throws(() =>
    noGrad(() => {
      throw new Error('out');
    }),
  );
  assert.is(isGradEnabled(), true);
  setGradEnabled(false);
  assert.is(x.mul(2).requiresGrad, false);
  setGradEnabled(true);
});

test('inference tensors stay out of graphs', () => {
  const x = leaf(1, 2);
  const y = inference(() => x.mul(2));
  throwsCode('GRAPH', /inference/, () => x.mul(y));
  throwsCode('INPLACE', /inference/, () => y.add_(1));
  throwsCode('GRAPH', /inference/, () => y.requiresGrad_());
  inference(() => y.add_(1));
  assert.equal(list(x.add(y)), [4, 7]);
});

// 11. Broadcasting
test('gradients are summed over what broadcasting stretched', () => {
  const a = zeros([3, 1]).add(1).detach().requiresGrad_();
  const b = ones([1, 4], { requiresGrad: true });
  a.mul(b).sum().backward();
  assert.equal(list(a.grad), [[4], [4], [4]] as never);
  assert.equal(list(b.grad), [[3, 3, 3, 3]] as never);
});

// 12. autograd.grad
test('grad returns gradients and touches no .grad', () => {
  const [x, unused] = [leaf(1, 2), leaf(5)];
  const y = x.square().sum();
  const [g] = autograd.grad(y, [x], { retainGraph: true });
  assert.equal(list(g as Tensor), [2, 4]);
  assert.is(x.grad, null);
  throwsCode('GRAPH', /input 1.*allowUnused/s, () => autograd.grad(y, [x, unused], { retainGraph: true }));
  assert.equal(autograd.grad(y, [x, unused], { allowUnused: true, retainGraph: true }).map(list), [[2, 4], null]);
  assert.equal(autograd.grad(y, [x, unused], { materializeGrads: true, retainGraph: true }).map(list), [[2, 4], [0]]);
  throwsCode('VALUE', /allowUnused/, () => autograd.grad(y, x, { materializeGrads: true, allowUnused: false } as never));
  throwsCode('GRAPH', /does not require/, () => autograd.grad(y, ones([2])));
});

test('grad with respect to something in the middle', () => {
  const x = leaf(1, 2);
  const h = x.mul(3);
  const y = h.square().sum();
  const [gh, gx] = autograd.grad(y, [h, x]);
  assert.equal(list(gh as Tensor), [6, 12]);
  assert.equal(list(gx as Tensor), [18, 36]);
});

test('batched start gradients give a Jacobian', () => {
  const x = leaf(1, 2);
  const y = x.square();
  const [jacobian] = autograd.grad(y, x, {
    gradOutputs: tensor([
      [1, 0],
      [0, 1],
    ]),
    isGradsBatched: true,
  });
  assert.equal(list(jacobian as Tensor), [
    [2, 0],
    [0, 4],
  ] as never);
});

test('batched start gradients are one pass, whose rows can be differentiated again', () => {
  manualSeed(3);
  const [x, v] = [randn([4, 3]), randn([2, 4, 5])];
  const [w, b] = [randn([5, 3], { requiresGrad: true }), randn([5], { requiresGrad: true })];
  const y = nn.functional.linear(x, w, b).tanh();
  const rows = autograd.grad(y, [w, b], { gradOutputs: v, isGradsBatched: true, createGraph: true });
  const each = [0, 1].map((i) => autograd.grad(y, [w, b], { gradOutputs: v.select(0, i), createGraph: true }));
  const second = (gradients: readonly Tensor[]): Tensor[] =>
    autograd.grad(
      gradients.map((g) => g.square().sum()).reduce((a, c) => a.add(c)),
      [w, b],
      { retainGraph: true },
    );
  const near = (a: Tensor, c: Tensor): void => assert.ok(a.sub(c).abs().max().item() < 1e-5, `${a} for ${c}`);
  rows.forEach((r, p) => {
    assert.equal(r.shape, [2, ...(p === 0 ? w : b).shape]);
    for (const i of [0, 1]) near(r.select(0, i), each[i]?.[p] as Tensor);
  });
  second(rows).forEach((g, p) => {
    near(g, second(each.flat())[p] as Tensor);
  });
  const single = autograd.grad(y, [w], { gradOutputs: v.slice(0, 0, 1), isGradsBatched: true });
  near((single[0] as Tensor).select(0, 0), each[0]?.[0] as Tensor);
  const [none] = autograd.grad(y, [leaf(1, 2)], { gradOutputs: v, isGradsBatched: true, materializeGrads: true, retainGraph: true });
  assert.equal(none?.shape, [2, 2]);
});

// 13. inputs
test('backward({ inputs }) fills only those, leaves or not', () => {
  const [x, w] = [leaf(1, 2), leaf(3, 4)];
  const h = x.mul(w);
  h.square()
    .sum()
    .backward({ inputs: [x], retainGraph: true });
  assert.ok(x.grad);
  assert.is(w.grad, null);
  h.square()
    .sum()
    .backward({ inputs: [h] });
  assert.equal(list(h.grad), [6, 16]);
  throwsCode('VALUE', /inputs/, () => x.sum().backward({ inputs: [] }));
});

// 14. Double backward
test('a gradient made with createGraph can be differentiated', () => {
  const x = leaf(2);
  const [g] = autograd.grad(x.pow(3).sum(), x, { createGraph: true });
  assert.ok(g?.gradFn);
  g?.sum().backward();
  assert.equal(list(x.grad), [12]);
});

test('gradient penalty: backward through backward into parameters', () => {
  const w = leaf(3);
  const x = leaf(2);
  const [g] = autograd.grad(w.mul(x.square()).sum(), x, { createGraph: true }); // 2wx
  g?.square().sum().backward(); // d(4w²x²)/dw = 8wx²
  assert.equal(list(w.grad), [96]);
});

// 15. Hooks
test('a hook sees the gradient before accumulation and may replace it', () => {
  const x = leaf(1, 2);
  const seen: unknown[] = [];
  const handle = x.registerHook((g) => {
    seen.push(list(g));
    return g.mul(10);
  });
  x.mul(2).sum().backward();
  assert.equal(seen, [[2, 2]]);
  assert.equal(list(x.grad), [20, 20]);
  handle.remove();
  x.mul(2).sum().backward();
  assert.equal(list(x.grad), [22, 22]);
  throwsCode('GRAPH', /hook/, () => ones([2]).registerHook(() => {}));
  throwsCode('SHAPE', /hook/, () => {
    const y = leaf(1);
    y.registerHook(() => ones([2]));
    y.sum().backward();
  });
});

test('a leaf hook sees the whole gradient once; what it keeps stays usable', () => {
  const x = leaf(1, 2);
  const kept: Tensor[] = [];
  x.registerHook((g) => void kept.push(g.mul(1)));
  x.mul(2).add(x.mul(3)).sum().backward();
  assert.is(kept.length, 1);
  assert.equal(list(kept[0] as Tensor), [5, 5]);
});

test('a post-accumulate hook sees .grad; leaves only', () => {
  const x = leaf(1);
  let seen: unknown;
  x.registerPostAccumulateGradHook((p) => {
    seen = list(p.grad);
  });
  x.mul(2).sum().backward();
  x.mul(2).sum().backward();
  assert.equal(seen, [4]);
  throwsCode('GRAPH', /leaves/, () => x.mul(2).registerPostAccumulateGradHook(() => {}));
});

test('a module backward hook gets gradients of inputs and output', () => {
  const layer = new nn.Linear(2, 1, { bias: false });
  noGrad(() => layer.weight.copy_(tensor([[3, 4]])));
  const x = tensor([[1, 2]], { requiresGrad: true });
  let seen: unknown;
  layer.registerFullBackwardHook((_, gradInput, gradOutput) => {
    seen = [gradInput.map(list), gradOutput.map(list)];
  });
  layer.forward(x).mul(5).add(x.sum()).sum().backward();
  assert.equal(seen, [[[[15, 20]]], [[[5]]]]);
  assert.equal(list(x.grad), [[16, 21]] as never);
});

// 16. Setting .grad
test('a gradient set by hand is checked', () => {
  const x = leaf(1, 2);
  throwsCode('SHAPE', /\[3\].*\[2\]/s, () => {
    x.grad = ones([3]);
  });
  throwsCode('DTYPE', /float32/, () => {
    x.grad = tensor([1, 2], { dtype: 'int32' });
  });
  x.grad = ones([2]);
  x.mul(2).sum().backward();
  assert.equal(list(x.grad), [3, 3]);
});

// 17. Reading
test('numbers can be read from tensors that require gradients', () => {
  assert.is(leaf(2).mul(3).item(), 6);
  assert.equal([...leaf(1, 2).data()], [1, 2]);
});

// 18. Anomaly detection
test('anomaly detection names the op whose gradient is NaN, and where it ran', () => {
  autograd.setDetectAnomaly(true);
  try {
    const x = leaf(0);
    const error = throwsCode('NONFINITE', /sqrt.*NaN/s, () => x.sqrt().mul(0).sum().backward());
    assert.match(error.message, /semantics\.test/);
  } finally {
    autograd.setDetectAnomaly(false);
  }
});

// 19. null against zero
test('a step skips null gradients and applies zero ones', () => {
  const make = (): { p: Tensor; optimizer: optim.Adam } => {
    const p = leaf(1);
    const optimizer = new optim.Adam([p], { lr: 0.1 });
    p.mul(2).sum().backward();
    optimizer.step();
    return { p, optimizer };
  };
  const skipped = make();
  const before = skipped.p.item();
  skipped.optimizer.zeroGrad();
  assert.is(skipped.p.grad, null);
  skipped.optimizer.step();
  assert.is(skipped.p.item(), before);
  const moved = make();
  moved.optimizer.zeroGrad({ setToNull: false });
  assert.equal(list(moved.p.grad), [0]);
  moved.optimizer.step();
  assert.ok(moved.p.item() < before, 'momentum carries a zero gradient on');
  assert.equal(Object.keys(new optim.Adam([leaf(1)]).stateDict().state), []);
});

test('the head of a loss that rests keeps a null gradient and does not move', () => {
  const trunk = new nn.Linear(2, 3);
  const [a, b] = [new nn.Linear(3, 1), new nn.Linear(3, 1)];
  const optimizer = new optim.Adam(
    [trunk, a, b].flatMap((m) => m.parameters()),
    { lr: 0.1 },
  );
  const step = (which: nn.Linear): void => {
    optimizer.zeroGrad();
    which
      .forward(trunk.forward(ones([1, 2])).tanh())
      .square()
      .sum()
      .backward();
    optimizer.step();
  };
  step(a);
  step(b);
  const resting = list(a.weight);
  step(b);
  assert.is(a.weight.grad, null);
  assert.equal(list(a.weight), resting);
});

// 21. Clipping
test('clipGradNorm_ returns the norm before and scales after', () => {
  const [x, y] = [leaf(0, 0), leaf(0)];
  x.grad = tensor([3, 0]);
  y.grad = tensor([4]);
  assert.is(nn.clipGradNorm_([x, y], 1).item(), 5);
  const scale = 1 / (5 + 1e-6);
  assert.ok(Math.abs((x.grad as Tensor).select(0, 0).item() - 3 * scale) < 1e-6);
  x.grad = tensor([Number.POSITIVE_INFINITY, 0]);
  throwsCode('NONFINITE', /norm/, () => nn.clipGradNorm_([x, y], 1, { errorIfNonfinite: true }));
  y.grad = tensor([4]);
  nn.clipGradValue_([y], 0.5);
  assert.equal(list(y.grad), [0.5]);
  assert.is(nn.clipGradNorm_([leaf(1)], 1).item(), 0);
});

test('the gradient of a norm, a deviation or a logsumexp is finite where there is nothing', () => {
  for (const p of [2, 3, 0.5, -1]) {
    const x = leaf(0, 0);
    x.norm({ p }).backward();
    assert.equal(list(x.grad), [0, 0], `p = ${p}`);
  }
  const y = leaf(2, 2);
  y.std().backward();
  assert.equal(list(y.grad), [0, 0]);
  assert.is(tensor([-Infinity, -Infinity]).logsumexp(0).item(), -Infinity);
  assert.is(tensor([Infinity, 0]).logsumexp(0).item(), Infinity);
});

test('errors are GradloomError', () => {
  assert.instance(
    throwsCode('GRAPH', /./, () => ones([]).backward()),
    GradloomError,
  );
});

test.run();
