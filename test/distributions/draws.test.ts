// Draws: moments within six standard errors, gradients of expectations, seeds, captured steps, memory, and what is refused.
import { capture, distributions as D, Generator, manualSeed, memory, nn, ones, scope, tensor, type Tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const N = 20_000;
const columns = (x: Tensor): number[][] => {
  const [rows, k] = [x.shape[0] as number, x.size / (x.shape[0] as number)];
  const data = x.data();
  return Array.from({ length: k }, (_, j) => Array.from({ length: rows }, (__, i) => data[i * k + j] as number));
};
const meanOf = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;

const tril = tensor([
  [1, 0],
  [-0.5, 2],
]);
const laws: [string, () => D.Distribution][] = [
  ['Normal', () => new D.Normal(tensor([1, -2]), tensor([0.5, 3]))],
  ['LogNormal', () => new D.LogNormal(tensor([0, 0.5]), 0.4)],
  ['Uniform', () => new D.Uniform(tensor([0, -3]), tensor([1, 5]))],
  ['Exponential', () => new D.Exponential(tensor([0.5, 4]))],
  ['Gamma', () => new D.Gamma(tensor([0.3, 1, 7, 300]), tensor([1, 2, 0.5, 10]))],
  ['Beta', () => new D.Beta(tensor([0.4, 2, 30]), tensor([0.6, 5, 3]))],
  ['Dirichlet', () => new D.Dirichlet(tensor([0.3, 2, 4]))],
  ['Bernoulli', () => new D.Bernoulli(tensor([0.1, 0.5, 0.9]))],
  ['MultivariateNormal', () => new D.MultivariateNormal(tensor([1, -1]), { scaleTril: tril })],
  ['Independent', () => new D.Independent(new D.Normal(tensor([1, -2]), tensor([0.5, 3])), 1)],
];

for (const [name, make] of laws) {
  test(`${name}: moments; a seed; fresh draws in captured steps; nothing grows`, () => {
    const p = make();
    const x = p.sample([N], { generator: new Generator(5) });
    assert.equal([x.shape, x.requiresGrad], [[N, ...p.batchShape, ...p.eventShape], false]);
    const [means, variances] = [p.mean.data(), p.variance.data()];
    for (const [j, values] of columns(x).entries()) {
      const [m, v] = [means[j] as number, variances[j] as number];
      const own = meanOf(values);
      assert.ok(Math.abs(own - m) < 6 * Math.sqrt(v / N), `mean ${j}: ${own}, not ${m}`);
      // The standard error of a variance, from the draws' own fourth moment.
      const squares = values.map((t) => (t - m) ** 2);
      const spread = Math.sqrt(meanOf(squares.map((s) => (s - v) ** 2)) / N);
      assert.ok(Math.abs(meanOf(squares) - v) <= 6 * spread + 1e-6 * v, `variance ${j}: ${meanOf(squares)}, not ${v}`);
    }
    const seeded = (): unknown =>
      make()
        .sample([3], { generator: new Generator(1) })
        .toArray();
    assert.equal(seeded(), seeded());
    const run = (captured: boolean): unknown[] => {
      manualSeed(9);
      const q = make();
      const body = (y: Tensor): Tensor =>
        q
          .logProb(q.sample([2]))
          .sum()
          .add(y);
      const step = captured ? capture(body) : body;
      return [0, 1, 2, 3].map((i) => step(tensor(i)).item());
    };
    assert.equal(run(true), run(false));
    const { live } = memory();
    scope(
      () =>
        void p
          .logProb(p.sample([4]))
          .sum()
          .item(),
    );
    assert.is(memory().live, live);
  });
}

test('covariances of draws', () => {
  const p = new D.MultivariateNormal(zeros([2]), { scaleTril: tril });
  const [a, b] = columns(p.sample([N], { generator: new Generator(2) })) as [number[], number[]];
  assert.ok(Math.abs(meanOf(a.map((v, i) => v * (b[i] as number))) + 0.5) < 6 * Math.sqrt(4.5 / N));
});

test('Categorical: how often each class comes, in every row of the batch', () => {
  const p = new D.Categorical(
    tensor([
      [1, 3, 0],
      [2, 2, 4],
    ]),
  );
  const x = p.sample([N], { generator: new Generator(3) });
  assert.equal([x.shape, x.dtype], [[N, 2], 'int32']);
  for (const [j, values] of columns(x.float()).entries())
    for (const k of [0, 1, 2]) {
      const right = (p.probs.toArray() as number[][])[j]?.[k] as number;
      assert.ok(Math.abs(values.filter((v) => v === k).length / N - right) <= 6 * Math.sqrt((right * (1 - right)) / N), `${j} ${k}`);
    }
  assert.equal([p.sample().shape, p.sample([2, 0]).shape, p.enumerateSupport().shape, p.enumerateSupport(false).shape], [[2], [2, 0, 2], [3, 2], [3, 1]]);
  assert.equal(new D.Bernoulli(0.5).enumerateSupport().toArray(), [0, 1]);
});

/** d E[f]/dθ by draws, and as it is; f of the draws. */
const gradients: [string, (t: Tensor) => D.Distribution, at: number, f: (x: Tensor) => Tensor, right: number][] = [
  ['Normal loc', (t) => new D.Normal(t, 2), 1, (x) => x.square(), 2],
  ['Normal scale', (t) => new D.Normal(1, t), 2, (x) => x.square(), 4],
  ['Uniform', (t) => new D.Uniform(0, t), 3, (x) => x.square(), 2],
  ['Exponential', (t) => new D.Exponential(t), 2, (x) => x, -0.25],
  ['LogNormal', (t) => new D.LogNormal(t, 0.5), 0.2, (x) => x, Math.exp(0.2 + 0.125)],
  ['Gamma small', (t) => new D.Gamma(t, 2), 0.3, (x) => x, 0.5],
  ['Gamma squared', (t) => new D.Gamma(t, 1), 3, (x) => x.square(), 7],
  ['Gamma rate', (t) => new D.Gamma(3, t), 2, (x) => x, -0.75],
  ['Beta 1', (t) => new D.Beta(t, 2), 0.5, (x) => x, 2 / 6.25],
  ['Beta 0', (t) => new D.Beta(2, t), 3, (x) => x, -2 / 25],
  ['Dirichlet', (t) => new D.Dirichlet(t.mul(tensor([1, 0, 0])).add(tensor([0, 2, 1]))), 3, (x) => x.select(-1, 0), 3 / 36],
];
for (const [name, make, at, f, right] of gradients) {
  test(`rsample of ${name}: the gradient of an expectation`, () => {
    const t = tensor(at, { requiresGrad: true });
    // Batches, for the error of the mean.
    const parts = Array.from({ length: 40 }, (_, i) => {
      t.grad = null;
      f(make(t).rsample([1000], { generator: new Generator(100 + i) }))
        .mean()
        .backward();
      return (t.grad as Tensor | null)?.item() as number;
    });
    const m = meanOf(parts);
    const error = Math.sqrt(meanOf(parts.map((v) => (v - m) ** 2)) / parts.length);
    assert.ok(Math.abs(m - right) < 6 * error + 1e-6, `${m}, not ${right} ± ${error}`);
  });
}

test('a policy trains; an encoder with rsample trains in captured steps as in plain ones', () => {
  const train = (captured: boolean): unknown => {
    manualSeed(3);
    const layer = new nn.Linear(2, 4);
    const weights = layer.parameters();
    const body = (x: Tensor): Tensor => {
      layer.zeroGrad();
      const h = layer.forward(x);
      const q = new D.Gamma(h.slice(-1, 0, 2).exp(), h.slice(-1, 2).exp());
      const z = q.rsample();
      const loss = z
        .square()
        .mean()
        .add(D.klDivergence(q, new D.Exponential(1)).mean());
      loss.backward();
      return loss;
    };
    const step = captured ? capture(body) : body;
    const losses = [1, 2, 3, 4].map((i) => step(tensor([[i, 1]])).item());
    return [losses, weights.map((p) => p.grad?.toArray())];
  };
  assert.equal(train(true), train(false));
});

test('what is refused', () => {
  const bad: [Parameters<typeof throwsCode>[0], RegExp, () => unknown][] = [
    ['VALUE', /^Normal: scale must be > 0/, () => new D.Normal(0, 0)],
    ['VALUE', /^Normal: scale must be > 0/, () => new D.Normal(0, Number.NaN)],
    ['VALUE', /^Normal: loc must be a tensor or a number/, () => new D.Normal('x' as never, 1)],
    ['VALUE', /^Normal: scale must be a tensor or a number/, () => new (D.Normal as never as new (x: number) => unknown)(1)],
    ['VALUE', /^Normal: there is no option 'validate'/, () => new D.Normal(0, 1, { validate: true } as never)],
    ['SHAPE', /^Normal: shapes do not broadcast/, () => new D.Normal(zeros([2]), ones([3]))],
    ['VALUE', /^Uniform: low must be below high/, () => new D.Uniform(1, 1)],
    ['VALUE', /^Gamma: rate/, () => new D.Gamma(1, -1)],
    ['VALUE', /^Beta: concentration0/, () => new D.Beta(1, 0)],
    ['SHAPE', /^Dirichlet: /, () => new D.Dirichlet(tensor(1))],
    ['DTYPE', /^Dirichlet: /, () => new D.Dirichlet([1, 2] as never)],
    ['VALUE', /^Bernoulli: takes probs or logits, got neither/, () => new D.Bernoulli()],
    ['VALUE', /^Bernoulli: takes probs or logits, got both/, () => new D.Bernoulli(0.5, 0.5)],
    ['VALUE', /^Bernoulli: probs must lie in \[0, 1\]/, () => new D.Bernoulli(1.5)],
    ['VALUE', /^Categorical: probs must be finite/, () => new D.Categorical(tensor([0, 0]))],
    ['VALUE', /^Categorical: probs must be finite/, () => new D.Categorical(tensor([1, -1]))],
    ['SHAPE', /^Categorical: /, () => new D.Categorical(tensor(1))],
    ['VALUE', /^Categorical: probs must be a tensor/, () => new D.Categorical(0.5 as never)],
    ['VALUE', /^MultivariateNormal: takes one of/, () => new D.MultivariateNormal(zeros([2]))],
    ['SHAPE', /^MultivariateNormal: scaleTril does not fit/, () => new D.MultivariateNormal(zeros([3]), { scaleTril: tril })],
    ['VALUE', /lower triangular/, () => new D.MultivariateNormal(zeros([2]), { scaleTril: ones([2, 2]) })],
    ['VALUE', /positive definite/, () => new D.MultivariateNormal(zeros([2]), { covarianceMatrix: ones([2, 2]).neg() })],
    ['VALUE', /^Independent: /, () => new D.Independent(new D.Normal(0, 1), 1)],
    ['VALUE', /^Independent: the base must be a distribution/, () => new D.Independent(3 as never, 1)],
    ['VALUE', /^klDivergence: q must be a distribution/, () => D.klDivergence(new D.Normal(0, 1), 3 as never)],
    ['VALUE', /^Exponential.logProb: got a value/, () => new D.Exponential(1).logProb(tensor([-1]))],
    ['VALUE', /^Categorical.logProb: got a value/, () => new D.Categorical(ones([3])).logProb(tensor([3]))],
    ['VALUE', /^Bernoulli.logProb: got a value/, () => new D.Bernoulli(0.5).logProb(tensor([0.5]))],
    ['SHAPE', /^Normal.logProb: shapes do not broadcast/, () => new D.Normal(zeros([2]), 1).logProb(zeros([3]))],
    ['DTYPE', /^Normal.logProb: the value must be a tensor/, () => new D.Normal(0, 1).logProb(3 as never)],
    ['GRAPH', /^Bernoulli.rsample: draws of this family have no gradient/, () => new D.Bernoulli(0.5).rsample()],
    ['SHAPE', /^Normal.sample: /, () => new D.Normal(0, 1).sample([-1])],
    ['VALUE', /^Normal.sample: /, () => new D.Normal(0, 1).sample([1], { seed: 1 } as never)],
    ['VALUE', /^Normal.expand: /, () => new D.Normal(zeros([2]), 1).expand([1])],
  ];
  for (const [code, pattern, make] of bad) throwsCode(code, pattern, make as () => void);
  assert.is(new D.Exponential(1, { validateArgs: false }).logProb(tensor([-1])).item(), 1);
  const [p, x] = [tensor(2, { requiresGrad: true }), new D.Gamma(2, 1)];
  const g = new D.Gamma(p, 1).rsample().square();
  g.backward({ createGraph: true });
  throwsCode('GRAPH', /first gradients only/, () => (p.grad as Tensor).backward());
  assert.ok(x.hasRsample);
});

test.run();
