// multiloss.backward against single passes: what shared parameters and heads receive, options, reports, capture, errors before change.
import { autograd, capture, manualSeed, multiloss, nn, optim, randn, scope, steps, memory, tensor, type Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode, warnings } from '../../helpers.ts';

const F = nn.functional;

class Net extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(8, 6), new nn.Tanh(), new nn.Linear(6, 5), new nn.ReLU());
  a = new nn.Linear(5, 3);
  b = new nn.Linear(5, 2);
  c = new nn.Linear(5, 1);
  idle = new nn.Linear(2, 2);

  forward(x: Tensor): Tensor {
    return this.features(x);
  }
  features(x: Tensor): Tensor {
    return this.trunk.forward(x);
  }
  losses(h: Tensor, [y, v, u]: readonly Tensor[]): Record<'a' | 'b' | 'c', Tensor> {
    return {
      a: F.crossEntropy(this.a.forward(h), y as Tensor),
      b: F.mseLoss(this.b.forward(h), v as Tensor),
      c: F.mseLoss(this.c.forward(h), u as Tensor).mul(4),
    };
  }
}

const NAMES = ['a', 'b', 'c'] as const;

function setUp(batch = 4): { net: Net; x: Tensor; targets: Tensor[]; losses: () => Record<'a' | 'b' | 'c', Tensor> } {
  manualSeed(11);
  const net = new Net();
  [...net.namedParameters()];
  const x = randn([batch, 8]);
  const targets = [tensor([0, 1, 2, 1].slice(0, batch), { dtype: 'int32' }), randn([batch, 2]), randn([batch, 1])];
  return { net, x, targets, losses: () => net.losses(net.features(x), targets) };
}

/** Weights that say where they are used. */
const fixed = (needs: multiloss.Needs, ...w: number[]): multiloss.Weighting => ({
  name: 'fixed',
  needs,
  weights: () => Float64Array.from(w),
  stateDict: () => ({}),
  loadStateDict: () => {},
  reset: () => {},
});

/** .grad of every parameter, null where there is none. */
const gradients = (net: Net): (number[] | null)[] => net.parameters().map((p) => (p.grad ? [...p.grad.data()] : null));

function clear(net: Net): void {
  for (const p of net.parameters()) p.grad = null;
}

/** What Σ wᵢ·lossᵢ gives, each loss with weights of its own for the trunk and for its head. */
function expected(net: Net, losses: () => Record<'a' | 'b' | 'c', Tensor>, trunk: readonly number[], heads: readonly number[]): (number[] | null)[] {
  const total = new Map<Tensor, Float64Array>();
  const shared = new Set<Tensor>(net.trunk.parameters());
  NAMES.forEach((name, i) => {
    const loss = losses()[name];
    const parameters = net.parameters();
    autograd.grad(loss, parameters, { allowUnused: true }).forEach((g, p) => {
      if (!g) return;
      const leaf = parameters[p] as Tensor;
      const w = (shared.has(leaf) ? trunk : heads)[i] as number;
      const sum = total.get(leaf) ?? new Float64Array(leaf.size);
      g.data().forEach((v, c) => {
        (sum[c] as number) += w * v;
      });
      total.set(leaf, sum);
    });
  });
  return net.parameters().map((p) => (total.has(p) ? [...(total.get(p) as Float64Array)] : null));
}

function assertClose(got: readonly (readonly number[] | null)[], want: readonly (readonly number[] | null)[], tolerance = 2e-6): void {
  want.forEach((row, p) => {
    if (!row) assert.is(got[p], null, `parameter ${p}`);
    row?.forEach((v, i) => {
      const g = got[p]?.[i] as number;
      assert.ok(Math.abs(g - v) <= tolerance * Math.max(1, Math.abs(v)), `parameter ${p}, element ${i}: ${g} for ${v}`);
    });
  });
}

for (const needs of ['losses', 'norms', 'gramian', 'jacobian'] as const) {
  for (const heads of [undefined, 'weighted', 'unweighted'] as const) {
    test(`weights from ${needs}, heads ${heads ?? 'as the method has it'}`, () => {
      const { net, losses } = setUp();
      const w = [0.5, 2, -1];
      const report = multiloss.backward(losses(), { combine: fixed(needs, ...w), heads });
      const weighted = (heads ?? (needs === 'gramian' ? 'unweighted' : 'weighted')) === 'weighted';
      assertClose(gradients(net), expected(net, losses, w, weighted ? w : [1, 1, 1]));
      assert.equal(report.weights, { a: 0.5, b: 2, c: -1 });
      assert.is(report.norms === null, needs === 'losses');
    });
  }
}

test('the sum is the default; parameters that no loss reaches keep a null gradient; gradients accumulate', () => {
  const { net, losses } = setUp();
  multiloss.backward(losses());
  assertClose(gradients(net), expected(net, losses, [1, 1, 1], [1, 1, 1]));
  assert.is(net.idle.weight.grad, null);
  multiloss.backward(losses(), { combine: fixed('gramian', 1, 1, 1) });
  assertClose(gradients(net), expected(net, losses, [2, 2, 2], [2, 2, 2]));
});

test('what is reported: values, norms, cosines, the Gramian, layer by layer', () => {
  const { net, losses } = setUp();
  const l = losses();
  const values = NAMES.map((n) => l[n].item());
  const rows = multiloss.jacobian(Object.values(l), net.trunk.parameters(), { retainGraph: true });
  const r = multiloss.backward(l, { measure: true });
  assert.equal(Object.values(r.losses), values);
  const dot = (list: readonly Tensor[], i: number, j: number): number =>
    list.reduce((s, t) => s + Array.from(t.select(0, i).data(), (v, c) => v * (t.select(0, j).data()[c] as number)).reduce((p, q) => p + q, 0), 0);
  assert.equal(
    r.layers?.map((layer) => layer.name),
    ['trunk.2', 'trunk.0'],
  );
  const byLayer = { 'trunk.0': rows.slice(0, 2), 'trunk.2': rows.slice(2) };
  for (const [list, part] of [[rows, r] as const, ...(r.layers ?? []).map((layer) => [byLayer[layer.name as 'trunk.0'], layer] as const)]) {
    NAMES.forEach((name, i) => {
      assert.ok(Math.abs((part.norms?.[name] as number) - Math.sqrt(dot(list, i, i))) < 1e-5);
      NAMES.forEach((_, j) => {
        assert.ok(Math.abs((part.gramian?.[i]?.[j] as number) - dot(list, i, j)) < 1e-5);
        assert.ok(Math.abs((part.cosine?.[i]?.[j] as number) - dot(list, i, j) / Math.sqrt(dot(list, i, i) * dot(list, j, j))) < 1e-5);
      });
    });
  }
  assert.equal(JSON.parse(JSON.stringify(r)).weights, { a: 1, b: 1, c: 1 });
});

test('shared parameters by name: the rest are heads', () => {
  const { net, losses } = setUp();
  const first = (net.trunk as unknown as { parameters(): Tensor[] }).parameters().slice(0, 2);
  const r = multiloss.backward(losses(), { combine: fixed('gramian', 3, 0, 0), shared: first });
  const [weighted, plain] = [expected(net, losses, [3, 0, 0], [1, 1, 1]), expected(net, losses, [1, 1, 1], [1, 1, 1])];
  assertClose(
    gradients(net),
    weighted.map((g, i) => (i < 2 ? g : (plain[i] as number[] | null))),
  );
  assert.equal(
    r.layers?.map((l) => l.name),
    ['trunk.0'],
  );
});

test('points by which losses were differentiated are no shared parameters, unless there is nothing else', () => {
  const net = new nn.Sequential(new nn.Linear(1, 4), new nn.Tanh(), new nn.Linear(4, 1));
  const x = randn([6, 1]).requiresGrad_();
  const lossesOf = (): Record<'slope' | 'value', Tensor> => {
    const y = net.forward(x);
    const [dx] = autograd.grad(y.sum(), [x], { createGraph: true });
    return { slope: dx.square().mean(), value: y.square().mean() };
  };
  const named = multiloss.backward(lossesOf(), { combine: new multiloss.UPGrad(), shared: net.parameters().filter((p) => p !== net.at(2)?.parameters()[1]) });
  const found = multiloss.backward(lossesOf(), { combine: new multiloss.UPGrad() });
  assert.equal(found.gramian, named.gramian);
  // What only points share is resolved at the points, as by TorchJD.
  for (const p of net.parameters()) p.requiresGrad_(false);
  x.grad = null;
  multiloss.backward(lossesOf(), { combine: new multiloss.UPGrad() });
  assert.ok(x.grad);
});

test('at a tensor: compared and combined there, one pass behind it', () => {
  const { net, x, targets, losses } = setUp();
  const h = net.features(x);
  const r = multiloss.backward(net.losses(h, targets), { combine: fixed('gramian', 1, 2, 3), at: h });
  assertClose(gradients(net), expected(net, losses, [1, 2, 3], [1, 1, 1]));
  const h2 = net.features(x);
  const rows = multiloss.jacobian(Object.values(net.losses(h2, targets)), [h2]);
  const norm = (rows[0] as Tensor).select(0, 1).square().sum().sqrt().item();
  assert.ok(Math.abs((r.norms?.b as number) - norm) < 1e-6);
  // Features that end there, as of a frozen trunk.
  const leaf = net.features(x).detach().requiresGrad_();
  multiloss.backward(net.losses(leaf, targets), { combine: fixed('gramian', 1, 2, 3), at: leaf });
  const combined = (rows[0] as Tensor).mul(tensor([1, 2, 3]).reshape([3, 1, 1])).sum({ dim: 0 });
  assertClose([[...(leaf.grad as Tensor).data()]], [[...combined.data()]]);
});

test('on: the method looks at one layer, its weights act on all', () => {
  const { net, losses } = setUp();
  const last = (net.trunk.parameters() as Tensor[]).slice(2);
  const r = multiloss.backward(losses(), { combine: fixed('norms', 1, 2, 3), on: last });
  assertClose(gradients(net), expected(net, losses, [1, 2, 3], [1, 2, 3]));
  const rows = multiloss.jacobian(Object.values(losses()), last);
  const norm = Math.sqrt(rows.reduce((s, t) => s + t.select(0, 2).square().sum().item(), 0));
  assert.ok(Math.abs((r.norms?.c as number) - norm) < 1e-5);
});

test('only: a loss trains what it is given, no more', () => {
  const { net, losses } = setUp();
  const [w0, b0] = net.trunk.parameters() as [Tensor, Tensor];
  multiloss.backward(losses(), { only: { b: [w0, b0], c: net.c.parameters() } });
  const all = expected(net, losses, [1, 0, 0], [1, 0, 1]);
  const ab = expected(net, losses, [1, 1, 0], [1, 0, 1]);
  assertClose(
    gradients(net),
    net.parameters().map((p, i) => (net.b.parameters().includes(p as never) ? null : ((i < 2 ? ab : all)[i] as number[] | null))),
  );
});

test('only, of every loss', () => {
  const { net, losses } = setUp();
  const [first, last] = [net.trunk.parameters().slice(0, 2), net.trunk.parameters().slice(2)];
  multiloss.backward(losses(), { only: { a: first, b: last, c: net.c.parameters() } });
  const alone = ([1, 2, 3] as const).map((n) => [1, 2, 3].map((k) => Number(k === n))).map((w) => expected(net, losses, w, w));
  const trainer = (p: Tensor): number => [first, last, net.c.parameters()].findIndex((list) => list.includes(p as never));
  assertClose(gradients(net), net.parameters().map((p, i) => alone[trainer(p)]?.[i] ?? null)); // biome-ignore format: one line
});

test('groups: each is resolved by its own Gramian', () => {
  const { net, losses } = setUp();
  const seen: number[] = [];
  const method: multiloss.Weighting = {
    ...fixed('gramian'),
    weights: ({ gramian }) => {
      seen.push(gramian[0] as number);
      return Float64Array.of(seen.length, 0, 0);
    },
  };
  const r = multiloss.backward(losses(), { combine: method, groups: 'layer' });
  assert.is(seen.length, 2);
  assert.equal(
    r.groups.map((g) => [g.name, g.weights.a]),
    [
      ['trunk.2', 1],
      ['trunk.0', 2],
    ],
  );
  const [one, two] = [expected(net, losses, [1, 0, 0], [1, 1, 1]), expected(net, losses, [2, 0, 0], [1, 1, 1])];
  assertClose(
    gradients(net),
    one.map((g, i) => (i < 2 ? (two[i] as number[]) : g)),
  );
  throwsCode('VALUE', /remembers between steps/, () => multiloss.backward(losses(), { combine: { ...method, stateDict: () => ({ t: 1 }) }, groups: 'param' }));
});

test('the losses of another batch: products across', () => {
  const { net, x, targets, losses } = setUp();
  let seen: Float64Array | undefined;
  const method: multiloss.Weighting = {
    ...fixed('gramian'),
    weights: ({ gramian }) => {
      seen = gramian.slice();
      return Float64Array.of(1, 1, 1);
    },
  };
  const other = (): Record<'a' | 'b' | 'c', Tensor> => net.losses(net.features(x.mul(2)), targets);
  multiloss.backward(losses(), { combine: method, other: other() });
  const [j, k] = [losses(), other()].map((l) => multiloss.jacobian(Object.values(l), net.trunk.parameters()));
  for (let a = 0; a < 3; a++) {
    for (let b = 0; b < 3; b++) {
      const exact = (j as Tensor[]).reduce(
        (s, t, p) =>
          s +
          t
            .select(0, a)
            .mul(((k as Tensor[])[p] as Tensor).select(0, b))
            .sum()
            .item(),
        0,
      );
      assert.ok(Math.abs((seen?.[a * 3 + b] as number) - exact) < 1e-4);
    }
  }
});

test('a scalarizer: weights are its derivatives, what it learns gets gradients', () => {
  const { net, losses } = setUp();
  const s = new nn.Parameter(tensor([0.3, -0.2, 0.1]));
  const method: multiloss.Scalarizer = {
    ...fixed('losses'),
    needs: 'losses',
    combine: (list) => list.map((loss, i) => loss.mul(s.select(0, i).neg().exp()).add(s.select(0, i))).reduce((a, b) => a.add(b)),
    parameters: () => [s],
  };
  const values = Object.values(losses()).map((l) => l.item());
  const w = [0.3, -0.2, 0.1].map((v) => Math.exp(-v));
  for (const measure of [false, true]) {
    clear(net);
    s.grad = null;
    const r = multiloss.backward(losses(), { combine: method, measure });
    assertClose(gradients(net), expected(net, losses, w, w));
    assertClose([[...(s.grad as unknown as Tensor).data()]], [w.map((v, i) => 1 - v * (values[i] as number))]);
    assertClose([Object.values(r.weights)], [w]);
    assert.is(r.norms === null, !measure);
  }
});

test('a weighting that needs the Jacobian sees the largest and the mean element: of all shared parameters, of some, at a tensor, when captured', () => {
  const { net, x, targets, losses } = setUp();
  let seen: multiloss.Elements | undefined;
  const method: multiloss.Weighting = {
    ...fixed('jacobian'),
    weights: ({ elements, losses: values }) => {
      seen = elements;
      return new Float64Array(values.length).fill(1);
    },
  };
  const check = (rows: readonly Tensor[]): void => {
    const sizes = [0, 1, 2].map((i) => rows.flatMap((r) => [...r.select(0, i).contiguous().data()].map(Math.abs)));
    sizes.forEach((list, i) => {
      assert.is(seen?.largest[i], Math.max(...list));
      const mean = list.reduce((a, b) => a + b, 0) / list.length;
      assert.ok(Math.abs((seen?.mean[i] as number) - mean) <= 1e-6 * mean, `${seen?.mean[i]} is not ${mean}`);
    });
  };
  const trunk = net.trunk.parameters() as Tensor[];
  const rowsOf = (params: readonly Tensor[]): Tensor[] => multiloss.jacobian(Object.values(losses()), params);
  multiloss.backward(losses(), { combine: method });
  check(rowsOf(trunk));
  multiloss.backward(losses(), { combine: method, on: trunk.slice(2) });
  check(rowsOf(trunk.slice(2)));
  const h = net.features(x);
  multiloss.backward(net.losses(h, targets), { combine: method, at: h });
  const h2 = net.features(x);
  check(multiloss.jacobian(Object.values(net.losses(h2, targets)), [h2]));
  const step = capture((input: Tensor) => {
    for (const p of net.parameters()) p.grad = null;
    multiloss.backward(net.losses(net.features(input), targets), { combine: method });
  });
  for (const scale of [1, 2, 3]) {
    const input = x.mul(scale);
    step(input);
    check(multiloss.jacobian(Object.values(net.losses(net.features(input), targets)), trunk));
  }
});

test('an aggregator: directions from gradients, heads their own', () => {
  const { net, losses } = setUp();
  const method: multiloss.Aggregator = { ...fixed('losses'), needs: 'jacobian', directions: (rows) => rows.map((r) => r.mul(tensor([[1], [2], [3]])).sum({ dim: 0 })) };
  multiloss.backward(losses(), { combine: method });
  assertClose(gradients(net), expected(net, losses, [1, 2, 3], [1, 1, 1]));
  throwsCode('VALUE', /gives a direction/, () => multiloss.backward(losses(), { combine: method, heads: 'weighted' }));
});

test('a second pass adds to the gradients where they are', () => {
  const sums: multiloss.Aggregator = { ...fixed('losses'), needs: 'jacobian', directions: (rows) => rows.map((r) => r.sum({ dim: 0 })) };
  for (const combine of [fixed('losses', 1, 1, 1), fixed('gramian', 1, 1, 1), sums]) {
    const { net, losses } = setUp();
    multiloss.backward(losses(), { combine });
    const before = net.parameters().map((p) => p.grad);
    multiloss.backward(losses(), { combine });
    assert.ok(net.parameters().every((p, i) => p.grad === before[i]));
    assertClose(gradients(net), expected(net, losses, [2, 2, 2], [2, 2, 2]));
  }
});

test('gradients of heads that one op made as one have memory of their own', () => {
  const [w, a, b, c] = [1, 2, 3, 4].map((v) => tensor([v, v + 0.5], { requiresGrad: true })) as [Tensor, Tensor, Tensor, Tensor];
  const losses = {
    x: w
      .mul(tensor([3, 1]))
      .add(a.add(b).mul(tensor([5, 7])))
      .sum(),
    y: w.add(c.mul(tensor([2, 4]))).sum(),
  };
  multiloss.backward(losses, { combine: fixed('gramian', 1, 1) });
  assert.equal(
    [w, a, b, c].map((t) => t.grad?.toArray()),
    [
      [4, 2],
      [5, 7],
      [5, 7],
      [2, 4],
    ],
  );
  (a.grad as Tensor).mul_(0);
  assert.equal(b.grad?.toArray(), [5, 7]);
});

test('normalize of an aggregator: every gradient with length 1', () => {
  const { net, losses } = setUp();
  const { norms } = multiloss.backward(losses(), { combine: fixed('norms', 0, 0, 0), heads: 'unweighted' });
  clear(net);
  const method: multiloss.Aggregator = { ...fixed('losses'), needs: 'jacobian', directions: (rows) => rows.map((r) => r.sum({ dim: 0 })) };
  multiloss.backward(losses(), { combine: multiloss.normalize(method) });
  const scale = NAMES.map((name) => 1 / (norms?.[name] as number));
  assertClose(gradients(net), expected(net, losses, scale, [1, 1, 1]));
});

test('Independent: a pass for each loss, of which the last frees the graph', () => {
  const { net, losses } = setUp();
  const l = losses();
  new multiloss.Independent().backward(l);
  assertClose(gradients(net), expected(net, losses, [1, 1, 1], [1, 1, 1]));
  throwsCode('GRAPH', /second time/, () => l.c.backward());
});

test('one loss alone is its own gradient', () => {
  const { net, losses } = setUp();
  multiloss.backward({ b: losses().b }, { combine: fixed('gramian', 1) });
  assertClose(
    gradients(net),
    expected(net, losses, [0, 1, 0], [0, 1, 0]).map((g, i) => (i < 4 || net.parameters()[i] === net.b.weight || net.parameters()[i] === net.b.bias ? g : null)),
  );
});

test('errors name the loss and change nothing', () => {
  const { net, x, losses } = setUp();
  const untouched = (): void => assert.ok(net.parameters().every((p) => p.grad === null));
  const combine = fixed('gramian', 1, 1, 1);
  throwsCode('NONFINITE', /the loss 'b' is NaN/, () => multiloss.backward({ ...losses(), b: losses().b.mul(Number.NaN) }, { combine }));
  throwsCode('GRAPH', /the loss 'c' does not require/, () => multiloss.backward({ ...losses(), c: losses().c.detach() }, { combine }));
  throwsCode('SHAPE', /the loss 'a' has shape \[4, 5\]/, () => multiloss.backward({ a: net.features(x) }, { combine }));
  throwsCode('VALUE', /names the loss 'z'/, () => multiloss.backward(losses(), { only: { z: [] } as never }));
  throwsCode('NONFINITE', /gave the weights \[NaN/, () => multiloss.backward(losses(), { combine: fixed('gramian', Number.NaN, 1, 1) }));
  throwsCode('GRAPH', /share no parameter/, () => {
    multiloss.backward({ p: net.idle.forward(randn([1, 2])).sum(), q: net.a.forward(randn([1, 5])).sum() }, { combine: fixed('gramian', 1, 1) });
  });
  throwsCode('VALUE', /is in none of the groups/, () => multiloss.backward(losses(), { combine, groups: [[net.trunk.parameters()[0] as Tensor]] }));
  throwsCode('GRAPH', /no loss is computed from the tensor `at`/, () => multiloss.backward(losses(), { combine, at: net.features(x) }));
  for (const key of ['on', 'shared'] as const) for (const list of [{}, net.a.weight]) throwsCode('VALUE', RegExp(`${key} must be`), () => multiloss.backward(losses(), { combine, [key]: list as never })); // biome-ignore format: one line
  throwsCode('GRAPH', /none of the parameters `on`/, () => multiloss.backward(losses(), { combine, on: net.a.parameters() }));
  untouched();
  autograd.setDetectAnomaly(true);
  throwsCode('NONFINITE', /sqrt returned NaN/, () => {
    const h = net.features(x).mul(0).sqrt();
    multiloss.backward({ p: h.mul(0).sum(), q: h.sum().mul(0) }, { combine: fixed('gramian', 1, 1) });
  });
  autograd.setDetectAnomaly(false);
  untouched();
  const l = losses();
  multiloss.backward(l, { combine });
  throwsCode('GRAPH', /second time/, () => multiloss.backward(l, { combine }));
});

test('a loss that shares nothing is said', () => {
  const { net, losses } = setUp();
  const said = warnings(() => multiloss.backward({ ...losses(), lonely: net.idle.forward(randn([1, 2])).sum() }, { combine: fixed('gramian', 1, 1, 1, 1) }));
  assert.is(said.length, 1);
  assert.match(said[0] as string, /the loss 'lonely' reaches none of the shared/);
  assert.ok(net.idle.weight.grad);
});

test('hooks see each loss on its own; a retained gradient is the sum', () => {
  const { net, x, targets, losses } = setUp();
  const h = net.features(x);
  h.retainGrad();
  let calls = 0;
  const handle = (net.trunk.parameters()[0] as Tensor).registerHook((g) => {
    calls++;
    return g.mul(2);
  });
  multiloss.backward(net.losses(h, targets), { combine: fixed('gramian', 1, 1, 1) });
  handle.remove();
  assert.is(calls, 3);
  const want = expected(net, losses, [1, 1, 1], [1, 1, 1]);
  assertClose(gradients(net), [(want[0] as number[]).map((v) => 2 * v), ...want.slice(1)]);
  const h2 = net.features(x);
  h2.retainGrad();
  const l = net.losses(h2, targets);
  l.a.add(l.b).add(l.c).backward();
  assertClose([[...(h.grad as Tensor).data()]], [[...(h2.grad as Tensor).data()]]);
});

/** A weighting that depends on every number it gets. */
const lively = (needs: 'losses' | 'gramian'): multiloss.Weighting => {
  let t = 0;
  return {
    ...fixed(needs),
    weights: ({ losses, gramian }) => losses.map((l, i) => 1 / (1 + l + Math.sqrt(gramian[i * 4] as number)) + 0.01 * (++t % 7)),
    reset: () => {
      t = 0;
    },
  };
};

for (const [kind, options] of Object.entries({
  losses: () => ({ combine: lively('losses') }),
  gramian: () => ({ combine: lively('gramian') }),
  'gramian by layer': () => ({ combine: lively('gramian'), groups: 'layer' as const }),
  measured: () => ({ combine: lively('losses'), measure: true }),
})) {
  test(`captured equals eager, bit for bit: ${kind}`, () => {
    const run = (captured: boolean): { weights: number[][]; final: (readonly number[])[] } => {
      const { net, targets } = setUp();
      const optimizer = new optim.Adam(net.parameters(), { lr: 1e-2 });
      const given = options();
      let last: multiloss.BackwardReport | undefined;
      const step = (x: Tensor): { a: Tensor } => {
        optimizer.zeroGrad();
        const losses = net.losses(net.features(x), targets);
        last = multiloss.backward(losses, given);
        optimizer.step();
        return { a: losses.a };
      };
      const one = captured ? capture(step) : step;
      const weights: number[][] = [];
      manualSeed(2);
      for (const _ of steps(30)) {
        one(randn([4, 8]));
        if ('program' in one && one.program) assert.is((one.program as { parts: number }).parts, 2);
        weights.push([...Object.values(last?.weights ?? {}), ...Object.values(last?.norms ?? {}), ...Object.values(last?.losses ?? {})]);
      }
      return { weights, final: net.parameters().map((p) => [...p.data()]) };
    };
    assert.equal(run(true), run(false));
  });
}

test('the report that a captured step handed out last shows the latest call, whichever shape it had', () => {
  const w = new nn.Parameter(tensor([1, 2]));
  let report: multiloss.BackwardReport<'a' | 'b'> | undefined;
  const step = capture((x: Tensor) => {
    w.grad = null;
    report = multiloss.backward({ a: w.mul(x).sum(), b: w.sum() }, { combine: new multiloss.UPGrad() });
  });
  for (let i = 1; i <= 24; i++) {
    const x = i % 2 ? tensor([i, 1]) : tensor([[i, 1], [0, 1]]); // biome-ignore format: rows
    step(x);
    assert.is(report?.losses.a, i % 2 ? i + 2 : i + 4, `call ${i}`);
  }
});

test('a captured step refuses a loss that is not finite, by name, and steps nothing', () => {
  const { net, targets } = setUp();
  const optimizer = new optim.SGD(net.parameters(), { lr: 0.1 });
  const step = capture((x: Tensor) => {
    optimizer.zeroGrad();
    multiloss.backward(net.losses(net.features(x), targets), { combine: fixed('gramian', 1, 1, 1) });
    optimizer.step();
  });
  for (let i = 0; i < 3; i++) step(randn([4, 8]));
  const before = net.parameters().map((p) => [...p.data()]);
  throwsCode('NONFINITE', /the loss 'a' is/, () => step(randn([4, 8]).mul(Number.NaN)));
  assert.equal(
    net.parameters().map((p) => [...p.data()]),
    before,
  );
});

test('a captured method whose needs change is recorded anew', () => {
  const { net, targets } = setUp();
  const method = { ...fixed('losses', 1, 1, 1), needs: 'losses' as 'losses' | 'gramian' };
  const step = capture((x: Tensor) => {
    clear(net);
    multiloss.backward(net.losses(net.features(x), targets), { combine: method });
  });
  for (let i = 0; i < 3; i++) step(randn([4, 8]));
  method.needs = 'gramian';
  for (let i = 0; i < 6; i++) {
    const x = randn([4, 8]);
    step(x);
    const got = gradients(net);
    clear(net);
    multiloss.backward(net.losses(net.features(x), targets), { combine: method });
    assert.equal(got, gradients(net));
    assert.is(step.program?.parts, 2);
  }
});

/** Losses a, b, c of two plain tensors, of gradients (1, 1), (2, 0) and (0, 0) in u and (1, 1), (0, 1), (1, 0) in v. */
function plain(): { u: Tensor; v: Tensor; losses: () => Record<'a' | 'b' | 'c', Tensor> } {
  const [u, v] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4], { requiresGrad: true })];
  const of = (x: number[], y: number[]): Tensor =>
    u
      .mul(tensor(x))
      .sum()
      .add(v.mul(tensor(y)).sum());
  return { u, v, losses: () => ({ a: of([1, 1], [1, 1]), b: of([2, 0], [0, 1]), c: of([0, 0], [1, 0]) }) };
}

test('a report to the number, and as an object', () => {
  const { u, losses } = plain();
  const r = multiloss.backward(losses(), { combine: fixed('gramian', 1, 2, 0) });
  assert.equal(Object.keys(r), ['branch', 'names', 'losses', 'weights', 'norms', 'cosine', 'gramian', 'rank', 'layers', 'groups']);
  assert.equal({ ...r }, JSON.parse(JSON.stringify(r)));
  assert.is(Object.hasOwn(r, 'lossValues'), false);
  assert.equal([r.branch, r.names, r.losses, r.weights, r.rank, r.groups], ['fixed', ['a', 'b', 'c'], { a: 10, b: 6, c: 3 }, { a: 1, b: 2, c: 0 }, 3, []]);
  assert.equal(r.gramian, [[4, 3, 1], [3, 5, 0], [1, 0, 1]]); // biome-ignore format: a matrix
  assert.equal(r.norms, { a: 2, b: Math.sqrt(5), c: 1 });
  const ab = 3 / (2 * Math.sqrt(5));
  assertClose(r.cosine as number[][], [[1, ab, 0.5], [ab, 1, 0], [0.5, 0, 1]], 1e-12); // biome-ignore format: a matrix
  // Layers of tensors without names are those that one op takes; c has no gradient in u.
  assert.equal(r.layers?.map((l) => [l.name, l.gramian]), [['mul 0', [[2, 1, 1], [1, 1, 0], [1, 0, 1]]], ['mul 1', [[2, 2, 0], [2, 4, 0], [0, 0, 0]]]]); // biome-ignore format: a matrix
  assert.equal(r.layers?.[1]?.cosine[2], [0, 0, 0]);
  for (const combine of [new multiloss.DWA(), new multiloss.STCH(), new multiloss.Sum()]) assert.equal(multiloss.backward(losses(), { combine }).losses, { a: 10, b: 6, c: 3 });
  const reading = (key: 'gramian' | 'weights') => capture(() => multiloss.backward({ a: u.sum(), b: u.square().sum() }, { measure: true })[key]);
  for (const key of ['gramian', 'weights'] as const) {
    const read = reading(key);
    throwsCode('CAPTURE', /a number is read/, () => [read(), read(), read()]);
  }
});

test('a gradient that is not finite is named, wherever it is and whoever looks', () => {
  const { u, v, losses } = plain();
  const column: multiloss.Aggregator = { name: 'column', needs: 'jacobian', directions: (rows) => rows.map((r) => r.sum({ dim: 0 }) as Tensor) };
  for (const combine of [fixed('gramian', 1, 1, 1), fixed('norms', 1, 1, 1), column]) {
    for (const name of NAMES) {
      const all = losses();
      throwsCode('NONFINITE', new RegExp(`the gradient of '${name}' is not finite`), () =>
        multiloss.backward({ ...all, [name]: all[name].add(v.sub(v).sum().sqrt()) }, { combine }),
      );
      assert.equal([u.grad, v.grad], [null, null]);
    }
  }
  const all = losses();
  throwsCode('NONFINITE', /the gradient of 'b' is not finite/, () =>
    multiloss.backward({ ...all, b: all.b.add(v.sub(v).sum().sqrt()) }, { combine: fixed('gramian', 1, 1, 1), shared: [u] }),
  );
});

test('directions of a method of your own: one float32 tensor for each parameter, which stays its own', () => {
  const { u, losses } = plain();
  const kept = [tensor([5, 6]), tensor([7, 8])];
  const giving = (directions: unknown): multiloss.Aggregator => ({ name: 'mine', needs: 'jacobian', directions: () => directions as Tensor[] });
  for (const bad of [null, [], [kept[0]], [kept[0], 5], [kept[0], tensor([1, 2], { dtype: 'int32' })], [kept[0], tensor([1, 2, 3])], { length: 2 }])
    throwsCode('SHAPE', /must return one float32 tensor for each of the 2 parameters/, () => multiloss.backward(losses(), { combine: giving(bad) }));
  multiloss.backward(losses(), { combine: giving(kept) });
  multiloss.backward(losses(), { combine: giving(kept) });
  assert.equal(kept.map((t) => [...t.data()]), [[5, 6], [7, 8]]); // biome-ignore format: one line
  assert.ok([10, 14].includes((u.grad as Tensor).data()[0] as number));
});

test('a scalarizer of your own that leaves a loss out, with two numbers to learn', () => {
  const { u, losses } = plain();
  const learnt = [tensor(2, { requiresGrad: true }), tensor(3, { requiresGrad: true })] as [Tensor, Tensor];
  const combine: multiloss.Scalarizer = {
    name: 'mine',
    needs: 'losses',
    parameters: () => learnt,
    combine: ([a, b]) => (a as Tensor).mul(learnt[0]).add((b as Tensor).mul(learnt[1])),
  };
  assert.equal(multiloss.backward(losses(), { combine }).weights, { a: 2, b: 3, c: 0 });
  assert.equal([...learnt, u].map((t) => [...(t.grad as Tensor).data()]), [[10], [6], [8, 2]]); // biome-ignore format: one line
});

test('options that do not go together, or are none, change nothing', () => {
  const { u, v, losses } = plain();
  const h = u.mul(2);
  const column: multiloss.Aggregator = { name: 'column', needs: 'jacobian', directions: (rows) => rows.map((r) => r.sum({ dim: 0 }) as Tensor) };
  const apart = (): Record<'a' | 'b' | 'c', Tensor> => ({ a: h.detach().requiresGrad_().sum(), b: h.detach().requiresGrad_().sum(), c: h.detach().requiresGrad_().sum() });
  const { a, b, c } = losses();
  const refused: [Parameters<typeof throwsCode>[0], RegExp, object][] = [
    ['VALUE', /Leave out `on`, `at` and `other`/, { combine: column, on: [u] }],
    ['VALUE', /Leave out `on`, `at` and `other`/, { combine: column, at: u }],
    ['VALUE', /Leave out `on`, `at` and `other`/, { combine: column, other: losses() }],
    ['VALUE', /gives a direction. Leave `heads` out/, { combine: column, heads: 'weighted' }],
    ['VALUE', /does not weigh gradients: it takes no groups/, { combine: column, groups: 'layer' }],
    ['VALUE', /does not weigh gradients: it takes no groups/, { groups: 'layer' }],
    ['VALUE', /remembers between steps: it takes no groups/, { combine: multiloss.ema(new multiloss.MGDA()), groups: 'layer' }],
    ['VALUE', /shared must be a list of tensors/, { shared: u }],
    ['VALUE', /shared must be a list of tensors/, { shared: null }],
    ['VALUE', /shared must be a list of tensors/, { shared: {} }],
    ['VALUE', /only must be an object/, { only: [u] }],
    ['VALUE', /only must be an object/, { only: { a: 5 } }],
    ['GRAPH', /`shared`: .* does not require a gradient/, { shared: [tensor([1])] }],
    ['GRAPH', /`shared`: 5 does not require a gradient/, { shared: [5] }],
    ['VALUE', /`shared` is empty/, { shared: [] }],
    ['VALUE', /`other` has the losses a, b, the step a, b, c/, { combine: fixed('gramian', 1, 1, 1), other: { a, b } }],
    ['VALUE', /`other` has the losses a, b, d, the step/, { combine: fixed('gramian', 1, 1, 1), other: { a, b, d: c } }],
    ['VALUE', /`other` has the losses a, b, c, d, the step/, { combine: fixed('gramian', 1, 1, 1), other: { ...losses(), d: u.sum() } }],
    ['GRAPH', /share no parameter with the step/, { combine: fixed('gramian', 1, 1, 1), other: apart() }],
  ];
  for (const [code, text, options] of refused) {
    throwsCode(code, text, () => multiloss.backward(losses(), options));
    assert.equal([u.grad, v.grad], [null, null], `${text}`);
  }
  throwsCode('VALUE', /argument/, () => (multiloss.backward as (...given: unknown[]) => unknown)(losses(), {}, 1));
  multiloss.backward(losses(), { combine: fixed('gramian', 1, 1, 1), only: { a: undefined } });
  assert.equal([...(u.grad as Tensor).data()], [3, 1]);
  // One parameter is enough to compare two batches by.
  const one = (): Record<'a' | 'b', Tensor> => ({ a: u.sum(), b: u.mul(3).sum() });
  assert.equal(multiloss.backward(one(), { combine: fixed('gramian', 1, 1), other: one() }).weights, { a: 1, b: 1 });
  const alone = new multiloss.Independent();
  assert.equal(alone.backward(one()).weights, { a: 1, b: 1 });
  throwsCode('VALUE', /argument/, () => new (multiloss.Independent as unknown as new (...given: unknown[]) => object)({}));
});

test('nothing grows', () => {
  const { net, targets } = setUp();
  const x = randn([4, 8]);
  const live: number[] = [];
  for (const i of steps(200)) {
    clear(net);
    multiloss.backward(net.losses(net.features(x), targets), { combine: fixed('gramian', 1, 1, 1), groups: 'layer' });
    if (i % 100 === 50) live.push(memory().live);
  }
  assert.is(live[0], live[1]);
  scope(() => multiloss.jacobian(Object.values(net.losses(net.features(x), targets)), net.trunk.parameters()));
});

test("what a method needs is what a pass makes: for products a weight's one gradient, for the Jacobian each loss's", () => {
  const [layer, x, ways] = [new nn.Linear(256, 256), randn([2, 256]), randn([6, 256])];
  const whole = 4 * 256 * 256;
  const made = (needs: multiloss.Needs): number =>
    scope(() => {
      for (const p of layer.parameters()) p.grad = null;
      const h = layer.forward(x).tanh();
      const losses = Object.fromEntries(ways.unbind(0).map((way, i) => [`${i}`, h.mul(way).mean()]));
      const before = memory({ resetPeak: true }).live;
      multiloss.backward(losses, { combine: fixed(needs, 1, 1, 1, 1, 1, 1) });
      return (memory().peak - before) / whole;
    });
  for (const needs of ['losses', 'norms', 'gramian'] as const) assert.ok(made(needs) < 2, `${needs}: ${made(needs)}`);
  assert.ok(made('jacobian') >= 6);
});

test('layers whose weights are smaller than what reaches them: few rows, many rows, convolutions and groups', () => {
  manualSeed(12);
  const x = randn([5, 2, 9, 9]);
  for (const groups of [1, 2]) {
    const trunk = new nn.Sequential(
      new nn.Conv2d(2, 4, 3, { groups }),
      new nn.ReLU(),
      new nn.Conv2d(4, 2, 3, { groups }),
      new nn.Flatten(2),
      new nn.Linear(25, 2),
      new nn.Flatten(),
    );
    const heads = [new nn.Linear(4, 2), new nn.Linear(4, 3)];
    const losses = (): Tensor[] => {
      const h = trunk.forward(x);
      return heads.map((head) => head.forward(h).square().mean());
    };
    const [a, b] = losses() as [Tensor, Tensor];
    const wanted = autograd.grad(a.mul(0.5).add(b.mul(2)), trunk.parameters());
    const [c, d] = losses() as [Tensor, Tensor];
    multiloss.backward({ c, d }, { combine: fixed('gramian', 0.5, 2) });
    assertClose(
      trunk.parameters().map((p) => [...(p.grad as Tensor).data()]),
      wanted.map((g) => [...(g as Tensor).data()]),
    );
  }
});

test.run();
