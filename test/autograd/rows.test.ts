// One walk for many losses equals a pass for each: for every op, for graphs that part and meet, for weights that stay factors.
import { autograd, capture, manualSeed, multiloss, nn, randn, reverseGrad, scaleGrad, scope, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flatRows } from '../../src/autograd/jacobian.ts';
import { withRows } from '../../src/autograd/walk.ts';
import { nodeOf } from '../../src/tensor/op.ts';
import { Node } from '../../src/tensor/tape.ts';
import { throwsCode } from '../helpers.ts';
import { cases } from '../ops/cases.ts';
import { inputsOf } from '../ops/inputs.ts';

/** Largest difference relative to the largest element. */
function distance(a: Tensor, b: Tensor): number {
  assert.equal(a.shape, b.shape);
  const [x, y] = [a.data(), b.data()];
  const scale = Math.max(1, ...Array.from(y, Math.abs));
  return Math.max(0, ...Array.from(x, (v, i) => Math.abs(v - (y[i] as number)) / scale));
}

/** Rounding: sums may come in another order, in float32. */
const ROUNDING = 2e-6;

function assertRows(losses: readonly Tensor[], params: readonly Tensor[]): void {
  const expected = losses.map((loss) => autograd.grad(loss, params, { retainGraph: true, allowUnused: true, materializeGrads: true }) as Tensor[]);
  const rows = multiloss.jacobian(losses, params, { retainGraph: true });
  rows.forEach((r, p) => {
    losses.forEach((_, i) => {
      const error = distance(r.select(0, i), expected[i]?.[p] as Tensor);
      assert.ok(error <= ROUNDING, `parameter ${p}, loss ${i}: ${error}`);
    });
  });
  const products = multiloss.gramian(losses, params).data();
  const m = losses.length;
  const norms = losses.map((_, i) => Math.sqrt(rows.reduce((s, r) => s + r.select(0, i).square().sum().item(), 0)));
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      const exact = rows.reduce((s, r) => s + Array.from(r.select(0, i).data(), (v, c) => v * (r.select(0, j).data()[c] as number)).reduce((a, b) => a + b, 0), 0);
      const error = Math.abs((products[i * m + j] as number) - exact);
      assert.ok(error <= 1e-5 * (norms[i] as number) * (norms[j] as number) + 1e-12, `product ${i}, ${j}: ${products[i * m + j]} for ${exact}`);
    }
  }
}

// Each input meets the op through a product, so that the op's rule is inside the graph and sees three rows.
const ways: Record<string, (x: Tensor) => Tensor> = {
  '': (x) => x.mul(1),
  ', through views': (x) =>
    x
      .permute([...x.shape.keys()].reverse())
      .mul(1)
      .permute([...x.shape.keys()].reverse()),
};

for (const c of cases) {
  for (const [way, given] of Object.entries(ways)) {
    test(`${c.name}: three losses in one walk${way}`, () => {
      manualSeed(5);
      for (const n of [1, 5]) {
        scope(() => {
          const leaves = inputsOf(c, n);
          const y = c.run(...leaves.map(given));
          if (y.size === 0) return;
          const losses = [1, 2, 3].map(() => y.mul(randn(y.shape)).sum());
          assertRows(losses, leaves);
        });
      }
    });
  }
}

test('ops that trunks are made of have a rule for several cotangents', () => {
  const without = new Set<string>();
  for (const c of cases)
    scope(() => {
      const met = new Set<unknown>();
      const visit = (node: unknown): void => {
        if (!(node instanceof Node) || met.has(node)) return;
        met.add(node);
        if (!node.op.batched) without.add(node.op.name);
        node.edges.forEach(visit);
      };
      visit(nodeOf(c.run(...inputsOf(c, 5))));
    });
  const trunk =
    'matmul bmm linear conv2d maxPool2d avgPool2d layerNorm batchNorm softmax logSoftmax slice select permute view expand cat pad flip diagonal sum norm amax amin indexSelect gather scatter scatterAdd';
  assert.equal(
    trunk.split(' ').filter((name) => without.has(name)),
    [],
  );
});

const F = nn.functional;

/** Three heads on one trunk. */
function heads(h: Tensor): Tensor[] {
  const n = h.shape[1] as number;
  return [0, 1, 2].map((i) => F.mseLoss(h.matmul(randn([n, i + 1])), randn([h.shape[0] as number, i + 1])));
}

test('linear layers: fewer rows than inputs, about as many, and more', () => {
  manualSeed(1);
  for (const batch of [3, 10, 50]) {
    const trunk = new nn.Sequential(new nn.Linear(12, 9), new nn.ReLU(), new nn.Linear(9, 7), new nn.Tanh());
    assertRows(heads(trunk.forward(randn([batch, 12]))), trunk.parameters());
  }
});

test('a linear layer over three dimensions', () => {
  const layer = new nn.Linear(6, 5);
  assertRows(heads(layer.forward(randn([2, 2, 6])).reshape([2, 10])), layer.parameters());
});

test('convolutions: few positions against many inputs, and the other way round; strides and groups', () => {
  manualSeed(2);
  const layers = [new nn.Conv2d(16, 4, 3), new nn.Conv2d(1, 4, 3, { padding: 1, stride: 2 }), new nn.Conv2d(4, 6, 2, { groups: 2 })];
  const images = [randn([1, 16, 4, 4]), randn([4, 1, 9, 9]), randn([2, 4, 5, 5])];
  layers.forEach((layer, i) => {
    assertRows(heads(layer.forward(images[i] as Tensor).flatten(1)), layer.parameters());
  });
});

test('attention and normalisation over a batch, slices and picks of it; captured, the same bits', () => {
  const run = (captured: boolean): number[][] => {
    manualSeed(3);
    const [norm, q, k, v] = [new nn.LayerNorm(6), new nn.Linear(6, 6), new nn.Linear(6, 6), new nn.Linear(6, 6)] as const;
    const params = [norm, q, k, v].flatMap((layer) => layer.parameters() as Tensor[]);
    const losses = (x: Tensor): Tensor[] => {
      const heads = (y: Tensor): Tensor => y.unflatten(-1, [2, 3]).transpose(1, 2);
      const h = norm.forward(x);
      const y = F.scaledDotProductAttention(heads(q.forward(h)), heads(k.forward(h)), heads(v.forward(h)), { isCausal: true });
      const channels = F.batchNorm(y.transpose(1, 2).flatten(2), null, null, { training: true });
      return [channels.select(1, -1).square().sum(), channels.slice(1, 1, 5, 2).tanh().sum(), F.groupNorm(channels, 1).amax(-1).sum()];
    };
    const x = randn([3, 5, 6]);
    if (!captured) assertRows(losses(x), params);
    const step = (input: Tensor): void => {
      for (const p of params) p.grad = null;
      const [a, b, c] = losses(input) as [Tensor, Tensor, Tensor];
      multiloss.backward({ a, b, c }, { combine: new multiloss.UPGrad() });
    };
    const go = captured ? capture(step) : step;
    for (let i = 0; i < 3; i++) scope(() => go(x));
    return params.map((p) => [...(p.grad as Tensor).data()]);
  };
  assert.equal(run(true), run(false));
});

test('each leaf is found with an op that it went into', () => {
  const [layer, scale] = [new nn.Linear(2, 2), randn([2], { requiresGrad: true })];
  const losses = [0, 1].map((i) =>
    layer
      .forward(randn([3, 2]))
      .mul(scale)
      .select(1, i)
      .sum(),
  );
  const ops = withRows(losses, {}, ({ users }) => [...layer.parameters(), scale].map((leaf) => users.get(leaf)?.op.name));
  assert.equal(ops, ['linear', 'linear', 'mul']);
});

test('Jacobians of parameters of any rank stand side by side', () => {
  const parts = [randn([2, 3, 2]), randn([2]), randn([2, 1])];
  const flat = flatRows(parts);
  assert.equal(flat.shape, [2, 8]);
  assert.equal([...flat.select(0, 1).data()], [...(parts[0] as Tensor).select(0, 1).data(), ...(parts[1] as Tensor).data().slice(1), ...(parts[2] as Tensor).data().slice(1)]);
});

test('rows of a table, some named twice', () => {
  const table = randn([40, 3]).mul(1).detach();
  table.requiresGrad = true;
  assertRows(heads(table.indexSelect(0, tensor([3, 7, 3, 39], { dtype: 'int32' }))), [table]);
});

test('a weight used twice, a graph that parts and meets, losses that reach only a part', () => {
  manualSeed(4);
  const [shared, side] = [new nn.Linear(5, 5), new nn.Linear(5, 5)];
  const h = shared.forward(shared.forward(randn([4, 5])).tanh());
  const both = h.add(side.forward(h));
  const losses = [h.square().sum(), both.sum(), both.mul(h).mean(), side.forward(randn([2, 5])).sum()];
  assertRows(losses, [...shared.parameters(), ...side.parameters()]);
});

test('nothing is added to .grad, and the graph is freed unless retained', () => {
  const layer = new nn.Linear(3, 2);
  const losses = heads(layer.forward(randn([2, 3])));
  multiloss.jacobian(losses, layer.parameters(), { retainGraph: true });
  multiloss.jacobian(losses, layer.parameters());
  assert.is(layer.weight.grad, null);
  throwsCode('GRAPH', /second time/, () => multiloss.gramian(losses, layer.parameters()));
});

test('what cannot be differentiated is named', () => {
  const layer = new nn.Linear(3, 2);
  const y = layer.forward(randn([2, 3]));
  throwsCode('SHAPE', /loss 1 has shape \[2, 2\]/, () => multiloss.jacobian([y.sum(), y], layer.parameters()));
  throwsCode('GRAPH', /loss 0 does not require/, () => multiloss.gramian([y.sum().detach()], layer.parameters()));
  throwsCode('VALUE', /0 parameters/, () => multiloss.jacobian([y.sum()], []));
  throwsCode('GRAPH', /parameter float32 \[3\]/, () => multiloss.jacobian([y.sum()], [randn([3])]));
});

test('scaleGrad and reverseGrad are identities forward and factors backward', () => {
  const x = randn([4], { requiresGrad: true });
  assert.equal(scaleGrad(x, 0.1).data(), x.data());
  const [g] = autograd.grad(scaleGrad(x, 0.5).square().sum(), [x]) as [Tensor];
  assert.equal(g.data(), x.data());
  const [r] = autograd.grad(reverseGrad(x, 2).sum(), [x]) as [Tensor];
  assert.equal([...r.data()], [-2, -2, -2, -2]);
  assertRows([scaleGrad(x, 3).square().sum(), reverseGrad(x).exp().sum()], [x]);
  throwsCode('VALUE', /finite/, () => scaleGrad(x, Number.NaN));
});

test.run();
