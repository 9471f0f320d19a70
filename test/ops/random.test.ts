// Random tensors beyond rand and randn: moments within six standard errors, seeds, captured steps, and what is refused.
import * as g from 'gradloom';
import { capture, Generator, manualSeed, memory, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const N = 20_000;
const WEIGHTS = tensor([1, 0, 3]);
const flat = (value: number): Tensor => g.full([N], value);

/** Mean and variance over the elements. */
function moments(x: Tensor): [mean: number, variance: number] {
  const values = [...x.data()];
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length];
}

/** Draws N numbers whose mean, variance and fourth central moment over the squared variance are known; null where the last is not finite. */
const rows: [name: string, draw: (options: g.DrawOptions) => Tensor, mean: number, variance: number, kurtosis: number][] = [
  ['randLike', (o) => g.randLike(flat(0), o), 0.5, 1 / 12, 1.8],
  ['randnLike', (o) => g.randnLike(flat(0), o), 0, 1, 3],
  ['bernoulli', (o) => g.bernoulli(flat(0.3), o), 0.3, 0.21, 1.76],
  ['bernoulli p', (o) => g.bernoulli(flat(7), 0.3, o), 0.3, 0.21, 1.76],
  ['normal of tensors', (o) => g.normal(flat(3), flat(2), o), 3, 4, 3],
  ['normal of numbers', (o) => g.normal(-1, 0.5, [N], o), -1, 0.25, 3],
  ['normal mixed', (o) => g.normal(2, flat(2), o), 2, 4, 3],
  ['randint', (o) => g.randint(1, 7, [N], o), 3.5, 35 / 12, 1.73],
  ['randint wide', (o) => g.randint(-(2 ** 31), 2 ** 31, [N], o), -0.5, 2 ** 64 / 12, 1.8],
  ['randintLike', (o) => g.randintLike(flat(0), 4, o), 1.5, 1.25, 1.64],
  ['poisson', (o) => g.poisson(flat(3.5), o), 3.5, 3.5, 3.29],
  ['poisson many', (o) => g.poisson(flat(40), o), 40, 40, 3.03],
  ['poisson just many', (o) => g.poisson(flat(10), o), 10, 10, 3.1],
  ['uniform_', (o) => g.uniform_(flat(0), -1, 3, o), 1, 16 / 12, 1.8],
  ['normal_', (o) => g.normal_(flat(0), { mean: 2, std: 3, ...o }), 2, 9, 3],
  ['bernoulli_', (o) => g.bernoulli_(flat(0), o), 0.5, 0.25, 1],
  ['exponential_', (o) => g.exponential_(flat(0), 2, o), 0.5, 0.25, 9],
  ['geometric_', (o) => g.geometric_(flat(0), 0.25, o), 4, 12, 9.08],
  ['logNormal_', (o) => g.logNormal_(flat(0), 0, 0.25, o), Math.exp(1 / 32), (Math.exp(1 / 16) - 1) * Math.exp(1 / 16), 4.1],
  ['random_', (o) => g.random_(flat(0), 2, 5, o), 3, 2 / 3, 1.5],
  ['multinomial', (o) => g.multinomial(WEIGHTS, N, true, o), 1.5, 0.75, 2.34],
];

for (const [name, draw, mean, variance, kurtosis] of rows) {
  test(`${name}: moments; a seed; fresh numbers in captured steps`, () => {
    const [m, v] = moments(draw({ generator: new Generator(11) }));
    const [sm, sv] = [Math.sqrt(variance / N), variance * Math.sqrt((kurtosis - 1 + 3 / N) / N)];
    assert.ok(Math.abs(m - mean) < 6 * sm, `mean ${m}, not ${mean} ± ${sm}`);
    assert.ok(Math.abs(v - variance) < 6 * sv + variance / N, `variance ${v}, not ${variance} ± ${sv}`);
    const again = (): number[] => [...draw({ generator: new Generator(3) }).data()];
    assert.equal(again(), again());
    assert.not.equal(again(), [...draw({ generator: new Generator(4) }).data()]);
    const run = (captured: boolean): number[][] => {
      manualSeed(5);
      const body = (x: Tensor): Tensor => draw({}).add(x);
      const step = captured ? capture(body) : body;
      return Array.from({ length: 5 }, (_, i) => [...step(tensor(i)).data()].slice(0, 50));
    };
    const plain = run(false);
    assert.equal(run(true), plain);
    assert.not.equal(
      plain[4],
      (plain[3] as number[]).map((x) => x + 1),
    );
  });
}

test('types, shapes, edges', () => {
  assert.equal([g.bernoulli(tensor([0, 1], { dtype: 'int32' })).toArray(), g.bernoulli(tensor([true, false])).dtype], [[0, 1], 'bool']);
  assert.equal([g.randint(3, [2, 0]).shape, g.randint(3, []).shape, g.randint(0, 3, [2]).dtype], [[2, 0], [], 'int32']);
  assert.equal([g.randint(2, [2], { dtype: 'bool' }).dtype, g.randint(9, [2], { dtype: 'float32' }).dtype, g.randintLike(zeros([3]), 9).dtype], ['bool', 'float32', 'float32']);
  assert.equal([g.normal(zeros([2, 1]), g.ones([3])).shape, g.normal(5, 0, [1]).toArray()], [[2, 3], [5]]);
  assert.equal(
    [g.poisson(tensor([0, 0])).toArray(), g.poisson(zeros([0, 2])).shape],
    [
      [0, 0],
      [0, 2],
    ],
  );
  assert.equal(
    [(g.multinomial(g.ones([2, 3]), 3).toArray() as number[][]).map((r) => [...r].sort()), g.multinomial(zeros([0, 3]), 2).shape],
    [
      [
        [0, 1, 2],
        [0, 1, 2],
      ],
      [0, 2],
    ],
  );
  assert.equal(g.multinomial(tensor([0, 5, 0, 1e-30]), 2).toArray(), [1, 3]);
  const view = zeros([3, 4]).t();
  assert.ok(g.uniform_(view, 1, 2).amin().item() >= 1);
  const leaf = new g.nn.Parameter(zeros([3]));
  assert.is(g.normal_(leaf), leaf);
  assert.equal([leaf.requiresGrad, leaf.isLeaf], [true, true]);
  for (const [dtype, most] of [
    ['float32', 2 ** 24],
    ['int32', 2 ** 31 - 1],
    ['bool', 1],
  ] as const) {
    const x = g.random_(zeros([200], { dtype })).float();
    assert.ok(x.amin().item() >= 0 && x.amax().item() <= most && x.std().item() > most / 5, dtype);
  }
  const { live } = memory();
  g.scope(() => void g.multinomial(g.ones([50]), 20));
  assert.is(memory().live, live);
});

test('multinomial without replacement: the first draw goes by the weights, none comes twice', () => {
  const weights = tensor([1, 2, 3, 4]).expand([N / 10, 4]);
  const drawn = g.multinomial(weights, 3, { generator: new Generator(2) }).toArray() as number[][];
  const first = [0, 1, 2, 3].map((k) => drawn.filter((r) => r[0] === k).length / drawn.length);
  for (const [k, p] of first.entries()) assert.ok(Math.abs(p - (k + 1) / 10) < 6 * Math.sqrt(0.25 / drawn.length), `${first}`);
  for (const r of drawn) assert.is(new Set(r).size, 3);
});

test('what is refused', () => {
  const bad = (code: Parameters<typeof throwsCode>[0], pattern: RegExp, ...fns: (() => unknown)[]): void => {
    for (const fn of fns) throwsCode(code, pattern, fn as () => void);
  };
  bad(
    'VALUE',
    /bernoulli: probabilities must lie in \[0, 1\]/,
    () => g.bernoulli(tensor([1.5])),
    () => g.bernoulli(tensor([Number.NaN])),
    () => g.bernoulli(tensor([-1])),
  );
  bad(
    'VALUE',
    /p must lie in \[0, 1\]/,
    () => g.bernoulli(zeros([1]), 2),
    () => g.bernoulli_(zeros([1]), -1),
  );
  bad('VALUE', /^bernoulli: /, () => g.bernoulli(zeros([1]), { seed: 1 } as never));
  bad(
    'DTYPE',
    /must be a tensor/,
    () => g.bernoulli(0.5 as never),
    () => g.multinomial([1] as never, 1),
    () => g.poisson(3 as never),
    () => g.randLike([2] as never),
    () => g.uniform_(3 as never),
  );
  bad(
    'VALUE',
    /^normal: /,
    () => g.normal(0, 1),
    () => g.normal(0, -1, [2]),
    () => g.normal(zeros([2]), tensor([-1, 1])),
    () => g.normal(zeros([2]), 1, [2]),
    () => g.normal('x' as never, 1),
  );
  bad(
    'VALUE',
    /^randint: /,
    () => g.randint(0, [2]),
    () => g.randint(3, 3, [2]),
    () => g.randint(1.5, [2]),
    () => g.randint(2 ** 31 + 1, [2]),
    () => g.randint(3, [2], { lo: 1 } as never),
    () => g.randint(3, [2], { dtype: 'bool' }),
  );
  bad(
    'SHAPE',
    /^randint: /,
    () => g.randint(3, 4 as never, 'x' as never),
    () => g.randint(3, [-1]),
  );
  bad('DTYPE', /^randint: /, () => g.randint(3, [2], { dtype: 'int64' as never }));
  bad(
    'DTYPE',
    /^(uniform|normal|exponential|cauchy|geometric|logNormal)_: writes float32 only/,
    ...[g.uniform_, g.normal_, g.exponential_, g.cauchy_, g.logNormal_].map((f) => () => f(zeros([2], { dtype: 'int32' }))),
  );
  bad(
    'VALUE',
    /_: /,
    () => g.uniform_(zeros([1]), 2, 1),
    () => g.exponential_(zeros([1]), 0),
    () => g.cauchy_(zeros([1]), 0, -1),
    () => g.geometric_(zeros([1]), 1),
    () => g.logNormal_(zeros([1]), 0, 0),
    () => g.random_(zeros([1]), 5, 5),
  );
  bad(
    'VALUE',
    /^multinomial: /,
    () => g.multinomial(tensor([0, 0]), 1),
    () => g.multinomial(tensor([1, 0]), 2),
    () => g.multinomial(tensor([1, -1]), 1),
    () => g.multinomial(tensor([1, Infinity]), 1),
    () => g.multinomial(g.ones([2]), 3),
    () => g.multinomial(g.ones([2]), 0),
  );
  bad(
    'SHAPE',
    /^multinomial: /,
    () => g.multinomial(zeros([]), 1),
    () => g.multinomial(zeros([0]), 1),
    () => g.multinomial(zeros([1, 1, 1]), 1),
  );
  bad(
    'VALUE',
    /^poisson: /,
    () => g.poisson(tensor([-1])),
    () => g.poisson(tensor([Number.NaN])),
    () => g.poisson(tensor([1]), { rate: 1 } as never),
  );
});

test('cauchy_ has its median and quartiles', () => {
  const sorted = [...g.cauchy_(flat(0), 2, 3, { generator: new Generator(1) }).data()].sort((a, b) => a - b);
  for (const [q, right] of [
    [0.25, -1],
    [0.5, 2],
    [0.75, 5],
  ] as const)
    assert.ok(Math.abs((sorted[q * N] as number) - right) < 0.25, `${q}`);
});

test.run();
