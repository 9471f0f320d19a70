// Weights whose losses gain alike, by their equations.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, randn, scope } from '../../../src/entry/default.ts';
import { fair } from '../../../src/multiloss/solve/fair.ts';
import { cosinesOf, times } from '../../../src/multiloss/solve/matrix.ts';
import { isStationary } from '../../../src/multiloss/solve/min-norm.ts';
import { atRank, roundedProducts } from '../../../src/multiloss/solve/rank.ts';
import { anyRows, gramianOf, independentRows, scaled } from '../samples.ts';

const at = (a: Float64Array, i: number): number => a[i] as number;

test('fair weights: G·w = w^(−1/α), or 0 at stationary points', () => {
  const seen = { none: 0, some: 0 };
  fc.assert(
    fc.property(anyRows, fc.constantFrom(0.5, 1, 2, 3), fc.constantFrom(1e-6, 1, 1e6), (rows, alpha, scale) => {
      const m = rows.length;
      const real = scaled(rows, scale);
      const g = gramianOf(real);
      const w = fair(g, m, alpha);
      const { norms, cosines } = cosinesOf(g, m);
      assert.ok(w.every(Number.isFinite), `${w}`);
      const none = w.every((v) => v === 0);
      seen[none ? 'none' : 'some']++;
      if (none) return assert.ok(norms.every((v) => v === 0) || isStationary(cosines, m));
      const gw = times(g, w, m);
      for (let i = 0; i < m; i++) {
        if (at(norms, i) === 0) assert.is(at(w, i), 0);
        else assert.ok(Math.abs(at(gw, i) * at(w, i) ** (1 / alpha) - 1) < 1e-6, `${alpha}: ${at(gw, i)} · ${at(w, i)}^${1 / alpha}`);
      }
    }),
    { seed: 3, numRuns: 300 },
  );
  assert.ok(seen.none > 30 && seen.some > 30, JSON.stringify(seen));
});

test('fair weights of gradients whose lengths differ a million times, for small and large α', () => {
  const lengths = fc.double({ min: -3, max: 3, noNaN: true });
  fc.assert(
    fc.property(independentRows, fc.array(lengths, { minLength: 12, maxLength: 12 }), fc.constantFrom(0.1, 0.25, 0.5, 1, 2, 5), (rows, exponents, alpha) => {
      const m = rows.length;
      const g = gramianOf(rows.map((row, i) => row.map((v) => v * 10 ** (exponents[i % 12] as number))));
      const w = fair(g, m, alpha);
      assert.ok(
        w.some((v) => v > 0),
        'independent gradients have weights',
      );
      for (let i = 0; i < m; i++) {
        const terms = Array.from(w, (v, j) => at(g, i * m + j) * v);
        const sum = terms.reduce((a, b) => a + b, 0);
        const scale = terms.reduce((a, b) => a + Math.abs(b), 0);
        assert.ok(Math.abs(sum - at(w, i) ** (-1 / alpha)) <= 1e-10 * scale, `row ${i}: ${sum}, ${at(w, i)}`);
      }
    }),
    { seed: 5, numRuns: 400 },
  );
});

test('fair weights of dependent gradients whose lengths differ 1e20 times', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 14 }), fc.constantFrom(0.1, 0.5, 1, 2, 5), fc.integer({ min: 1, max: 2 ** 30 }), (n, alpha, seed) => {
      manualSeed(seed);
      // On one side of a plane, so that 0 is not in their hull.
      const [given, places] = scope(() => [randn([2 * n + 2, n]).toArray() as number[][], randn([2 * n + 2]).toArray() as number[]]);
      const half = given.map((row) => row.map((v, k) => (k === 0 ? Math.abs(v) + 0.5 : v)));
      const rows = half.map((row, i) => (i % 3 === 0 ? (half[(i + 5) % half.length] as number[]) : row).map((v) => v * 10 ** (10 * Math.tanh(places[i] as number))));
      const g = gramianOf(rows);
      const w = fair(g, rows.length, alpha);
      assert.ok(w.some((v) => v > 0));
      for (let i = 0; i < rows.length; i++) {
        const terms = Array.from(w, (v, j) => at(g, i * rows.length + j) * v);
        const [sum, scale] = [terms.reduce((a, b) => a + b, 0), terms.reduce((a, b) => a + Math.abs(b), 0)];
        // The solver ends at 1e-13 of the terms; powers of weights up to 1e50 have their own roundings.
        assert.ok(Math.abs(sum - at(w, i) ** (-1 / alpha)) <= 1e-11 * scale, `${alpha}, row ${i}: ${sum} of ${scale}, ${at(w, i)}`);
      }
    }),
    // Of thousands, those where rows must be dealt with alone again between steps.
    { seed: 23, numRuns: 300, examples: [[14, 5, 1791], [14, 5, 3243], [8, 5, 3765]] }, // biome-ignore format: rows
  );
});

test('fair weights of gradients that hardly any direction serves', () => {
  // Of thousands, those that want more than 30 steps, halved ones, more than two rounds for one, lower bounds that hold at the end, the order of rows, coordinates
  // one by one, or roundings of the slope.
  for (const seed of [17, 276, 300, 488]) {
    manualSeed(seed);
    const m = 10 + (seed % 19);
    const [n, alpha] = [Math.round(m * ([0.4, 0.7, 1, 2][seed % 4] as number)), [0.1, 0.25, 0.5, 1, 2, 5][seed % 6] as number];
    const [given, sizes] = scope(() => [randn([m, n]).toArray() as number[][], randn([m]).toArray() as number[]]);
    const g = gramianOf(given.map((row, i) => row.map((v, k) => 2 ** Math.round(10 * (sizes[i] as number)) * (k === 0 ? 2 ** (-3 * (seed % 7)) : v))));
    const w = fair(g, m, alpha);
    for (let i = 0; i < m; i++) {
      const terms = Array.from(w, (v, j) => at(g, i * m + j) * v);
      const [sum, scale] = [terms.reduce((a, b) => a + b, 0), terms.reduce((a, b) => a + Math.abs(b), 0)];
      assert.ok(Math.abs(sum - at(w, i) ** (-1 / alpha)) <= 1e-12 * scale, `seed ${seed}, row ${i}: ${sum} of ${scale}, ${at(w, i)}`);
    }
  }
});

test('fair weights of lengths that differ beyond what float64 holds of weights; none where it holds none, and none of nothing', () => {
  const two = (a: number, b: number, cosine: number): Float64Array => Float64Array.of(a * a, a * b * cosine, a * b * cosine, b * b);
  for (const [a, b, cosine] of [
    [1e150, 1e-150, 0.5],
    [1e100, 1, 0.9],
  ] as const) {
    // biome-ignore format: rows
    // The first weight would be below 1e-400.
    const w = fair(two(a, b, cosine), 2, 5);
    assert.ok(at(w, 0) >= 0 && at(w, 0) < 1e-160 && Math.abs(b * b * at(w, 1) * at(w, 1) ** 0.2 - 1) < 1e-12, `${w}`);
  }
  assert.equal([...fair(two(1e150, 1e150, 0.5), 2, 0.1)], [0, 0]);
  assert.equal([...fair(new Float64Array(4), 2, 1)], [0, 0]);
  assert.equal([...fair(Float64Array.of(4), 1, 1)], [0.5]);
});

test('fair weights end where products are no numbers', () => {
  assert.not.ok(fair(Float64Array.of(1, Number.NaN, Number.NaN, 1), 2, 1).some((v) => v > 0));
});

test('gradients that no direction serves: weights are 0 too where float32 rounds their Gramian to one that no gradients have', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 64 }), fc.constantFrom(0, 6), fc.integer({ min: 1, max: 2 ** 30 }), (m, spread, seed) => {
      manualSeed(seed);
      const [given, places] = scope(() => [randn([m, Math.round(0.45 * m)]).toArray() as number[][], randn([m]).toArray() as number[]]);
      const g = gramianOf(given.map((row, i) => row.map((v) => v * 10 ** (spread * Math.tanh(places[i] as number)))));
      fc.pre(fair(g, m, 1).every((v) => v === 0));
      for (const alpha of [1, 2]) assert.ok(fair(atRank(g.map(Math.fround), m, roundedProducts(m)).gramian, m, alpha).every((v) => v === 0));
    }),
    { seed: 31, numRuns: 150 },
  );
});

test.run();
