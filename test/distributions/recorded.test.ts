// Densities, entropies, moments and divergences with first and second gradients against PyTorch's; slopes of draws against quadrature (test/fixtures/distributions/record.py).
import { readFileSync } from 'node:fs';
import { autograd, distributions, full, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dirichletSlope, gammaSlope } from '../../src/distributions/slopes.ts';
import { throwsCode } from '../helpers.ts';

interface Encoded {
  shape: number[];
  data: (number | null | 'inf' | '-inf')[];
}
interface Answer {
  y: Encoded;
  first: Encoded[];
  second: Encoded[];
}
interface Law {
  family: string;
  params: Record<string, Encoded>;
  value: Encoded;
  batch: number[];
  event: number[];
  logProb: Answer;
  entropy: Answer;
  moments: Record<string, Encoded>;
  cdf?: Answer;
  icdf?: Answer & { at: Encoded };
  matrices?: Record<string, Encoded>;
}
interface Recorded {
  laws: Law[];
  divergences: (Answer & { p: string; a: Record<string, Encoded>; q: string; b: Record<string, Encoded> })[];
  missing: [string, string][];
  slopes: { gamma: number[][]; dirichlet: number[][] };
}
const recorded = JSON.parse(readFileSync(new URL('../fixtures/distributions/distributions.json', import.meta.url), 'utf8')) as Recorded;
type Any = distributions.Distribution & Record<string, Tensor> & { cdf(x: Tensor): Tensor; icdf(x: Tensor): Tensor };

const camel = (name: string): string => name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase());
const numberOf = (v: number | null | string): number => (v === null ? Number.NaN : v === 'inf' ? Infinity : v === '-inf' ? -Infinity : (v as number));
const elements = (e: Encoded): number[] => e.data.map(numberOf);
const leaf = (e: Encoded): Tensor => tensor(elements(e), { shape: e.shape, requiresGrad: true });

/** The law of some parameters, and these. Options by name where one of several may be given. */
function build(family: string, params: Record<string, Encoded>): { law: Any; leaves: Tensor[] } {
  const named = Object.entries(params).map(([k, v]) => [camel(k), leaf(v)] as const);
  const leaves = named.map(([, t]) => t);
  const Family = (distributions as unknown as Record<string, new (...args: unknown[]) => Any>)[family] as new (...args: unknown[]) => Any;
  const rest = family === 'Bernoulli' || family === 'Categorical' ? named : family === 'MultivariateNormal' ? named.slice(1) : [];
  const law = rest.length > 0 ? new Family(...leaves.slice(0, named.length - rest.length), Object.fromEntries(rest)) : new Family(...leaves);
  return { law, leaves };
}

/**
 * Float32 on our side: functions within a few units in the last place, of numbers that may cancel: 2e-5 of the largest in the answer. Second gradients of
 * factors are sums of a few dozen such products: 1e-4.
 */
function near(actual: Tensor, expected: Encoded, what: string, relative = 2e-5): void {
  assert.equal(actual.shape, expected.shape, `${what}: shape`);
  const right = elements(expected);
  const scale = Math.max(1, ...right.filter(Number.isFinite).map(Math.abs));
  for (const [i, v] of [...actual.data()].entries()) {
    const r = right[i] as number;
    assert.ok(Number.isFinite(r) ? Math.abs(v - r) <= relative * scale : Object.is(v, r), `${what}: element ${i} is ${v}, not ${r}`);
  }
}

const weighted = (t: Tensor, shift = 1): Tensor =>
  t
    .mul(
      tensor(
        Float64Array.from({ length: t.size }, (_, i) => Math.cos(i + shift)),
        { shape: t.shape },
      ),
    )
    .sum();

function check(what: string, y: Tensor, leaves: Tensor[], right: Answer): void {
  near(y, right.y, what);
  if (!y.requiresGrad) {
    for (const g of [...right.first, ...right.second])
      assert.ok(
        elements(g).every((v) => v === 0),
        what,
      );
    return;
  }
  const finite = y.detach().sub(y.detach()).eq(0);
  const s = weighted(finite.all().item() ? y : y.maskedFill(finite.logicalNot(), 0));
  const zero = (gs: readonly (Tensor | null)[]): Tensor[] => gs.map((g, i) => g ?? full((leaves[i] as Tensor).shape, 0));
  const first = zero(autograd.grad(s, leaves, { createGraph: true, allowUnused: true }));
  first.forEach((g, i) => void near(g, right.first[i] as Encoded, `${what}, gradient ${i}`));
  const t = first.map((g, i) => weighted(g, 2 + i)).reduce((a, b) => a.add(b));
  const second = zero(t.requiresGrad ? autograd.grad(t, leaves, { allowUnused: true, retainGraph: true }) : leaves.map(() => null));
  second.forEach((g, i) => void near(g, right.second[i] as Encoded, `${what}, second gradient ${i}`, 1e-4));
}

for (const [i, law] of recorded.laws.entries()) {
  test(`${law.family} ${i} (${Object.keys(law.params)})`, () => {
    const { law: p, leaves } = build(law.family, law.params);
    const x = leaf(law.value);
    assert.equal([p.batchShape, p.eventShape], [law.batch, law.event]);
    check('logProb', p.logProb(x), [...leaves, x], law.logProb);
    check('entropy', p.entropy(), leaves, law.entropy);
    for (const [name, right] of Object.entries(law.moments)) near(p[name] as Tensor, right, name);
    if (law.cdf) check('cdf', p.cdf(x), [...leaves, x], law.cdf);
    if (law.icdf) {
      const at = leaf(law.icdf.at);
      check('icdf', p.icdf(at), [...leaves, at], law.icdf);
    }
    for (const [name, right] of Object.entries(law.matrices ?? {})) near(p[camel(name)] as Tensor, right, name);
    const wide = p.expand([2, ...law.batch]);
    assert.equal(
      [wide.batchShape, wide.logProb(x).shape, wide.mean.shape],
      [
        [2, ...law.batch],
        [2, ...law.batch],
        [2, ...law.batch, ...law.event],
      ],
    );
  });
}

for (const [i, { p, a, q, b, ...right }] of recorded.divergences.entries()) {
  test(`klDivergence ${i}: ${p} to ${q}`, () => {
    const [from, to] = [build(p, a), build(q, b)];
    check('kl', distributions.klDivergence(from.law, to.law), [...from.leaves, ...to.leaves], right);
  });
}

test('pairs that PyTorch lacks are refused', () => {
  for (const [p, q] of recorded.missing) {
    const of = (family: string): Any => {
      const { params } = recorded.laws.find((l) => l.family === family) as Law;
      return build(family, params).law;
    };
    throwsCode('VALUE', new RegExp(`klDivergence: there is no formula from ${p} to ${q}`), () => distributions.klDivergence(of(p), of(q)));
  }
});

test('slopes of gamma and beta draws: to 1e-9, of quadrature; to 1e-6 where the shape is past 1e4', () => {
  for (const [a, x, right] of recorded.slopes.gamma as [number, number, number][])
    assert.ok(Math.abs(gammaSlope(a, x) / right - 1) < (a > 1e4 ? 1e-6 : 1e-9), `${a} ${x}: ${gammaSlope(a, x)}, not ${right}`);
  for (const [x, a, total, right] of recorded.slopes.dirichlet as [number, number, number, number][])
    assert.ok(Math.abs(dirichletSlope(x, a, total) / right - 1) < 1e-9, `${x} ${a} ${total}: ${dirichletSlope(x, a, total)}, not ${right}`);
});

test.run();
