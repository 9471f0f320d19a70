// Projections onto the dual cone: of gradients of any rank and lengths, and by Gramians that float32 rounded.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nonnegative } from '../../../src/multiloss/solve/nonnegative.ts';
import { manualSeed, randn, scope } from '../../../src/entry/default.ts';
import { project, projectEach } from '../../../src/multiloss/solve/dual-cone.ts';
import { times } from '../../../src/multiloss/solve/matrix.ts';
import { atRank, roundedProducts } from '../../../src/multiloss/solve/rank.ts';
import { anyRows, gramianOf, manyRows, scaled } from '../samples.ts';

const anyScale = fc.constantFrom(1e-10, 1e-3, 1, 1e4, 1e10);
/** What a method gets of a Gramian that float32 rounds. */
const roundedOf = (g: Float64Array, m: number): Float64Array => atRank(g.map(Math.fround), m, roundedProducts(m)).gramian;
const at = (a: Float64Array, i: number): number => a[i] as number;

test('the projection onto the dual cone: v ≥ u, Gv ≥ 0, (v − u)ᵀGv = 0', () => {
  fc.assert(
    fc.property(anyRows, anyScale, fc.infiniteStream(fc.integer({ min: 0, max: 4 })), (rows, scale, preferences) => {
      const m = rows.length;
      const real = scaled(rows, scale);
      const g = gramianOf(real);
      const u = Float64Array.from({ length: m }, () => preferences.next().value as number);
      const v = project(g, u);
      const gv = times(g, v, m);
      const terms = (i: number): number => Array.from({ length: m }, (_, j) => Math.abs(at(g, i * m + j) * at(v, j))).reduce((a, b) => a + b, 0);
      for (let i = 0; i < m; i++) {
        assert.ok(at(v, i) >= at(u, i), 'v ≥ u');
        assert.ok(at(gv, i) >= -1e-11 * terms(i), `conflict ${at(gv, i)} of ${terms(i)}`);
        assert.ok(Math.abs((at(v, i) - at(u, i)) * at(gv, i)) <= 1e-10 * Math.max(at(v, i), 1) * terms(i), 'slack');
      }
    }),
    { seed: 2, numRuns: 500 },
  );
});

test('projections of 64 rows of rank 20, 64 and of lengths from 1e-4 to 1e4 raise no loss', () => {
  let state = 7;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  for (const [n, spread] of [
    [20, 0],
    [70, 0],
    [100, 8],
  ] as const) {
    const rows = Array.from({ length: 64 }, (_, i) => Array.from({ length: n }, () => next() * 10 ** (((i % 9) / 8 - 0.5) * spread)));
    const g = gramianOf(rows);
    const v = project(g, new Float64Array(64).fill(1 / 64));
    const gv = times(g, v, 64);
    for (let i = 0; i < 64; i++) {
      const terms = Array.from({ length: 64 }, (_, j) => Math.abs(at(g, i * 64 + j) * at(v, j))).reduce((a, b) => a + b, 0);
      assert.ok(at(gv, i) >= -1e-10 * terms, `${n} ${spread}: ${at(gv, i)} of ${terms}`);
    }
  }
});

const unlikeRows = fc
  .tuple(manyRows, fc.array(fc.constantFrom('as it is', 'as it is', 'zero', 'double', 'opposed', 'nearly double'), { minLength: 40, maxLength: 40 }))
  .map(([rows, kinds]) => {
    const by: Record<string, number> = { zero: 0, double: 1, opposed: -0.5, 'nearly double': 1 };
    return rows.map((row, i) => {
      const before = rows[i - 1];
      const factor = by[kinds[i] as string];
      if (factor === undefined || before === undefined) return row;
      return before.map((v, k) => factor * v + (kinds[i] === 'nearly double' ? 1e-7 * (row[k] as number) : 0));
    });
  });

for (const [name, some] of [
  ['at any rank', manyRows],
  ['with zero, double and opposed rows', unlikeRows],
] as const) {
  test(`projections of one gradient each, as UPGrad has them, raise no loss: ${name}`, () => {
    fc.assert(
      fc.property(some, (rows) => {
        const m = rows.length;
        const g = gramianOf(rows);
        for (let row = 0; row < m; row++) {
          const u = new Float64Array(m);
          u[row] = 1;
          for (const v of [project(g, u), projectEach(g, u)]) {
            const gv = times(g, v, m);
            for (let i = 0; i < m; i++) {
              let terms = 0;
              for (let j = 0; j < m; j++) terms += Math.abs(at(g, i * m + j) * at(v, j));
              assert.ok(at(v, i) >= at(u, i), 'v ≥ u');
              assert.ok(at(gv, i) >= -1e-11 * terms, `conflict ${at(gv, i)} of ${terms}`);
              assert.ok((at(v, i) - at(u, i)) * at(gv, i) <= 1e-10 * Math.max(at(v, i), 1) * terms, 'slack');
            }
          }
        }
      }),
      { seed: 8, numRuns: 60 },
    );
  });
}

test('64 gradients of rank 32: projections raise no loss, and where 0 lies inside their hull their weights stay small', () => {
  const seen = { inside: 0, outside: 0 };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 30 }), (seed) => {
      manualSeed(seed);
      const rows = scope(() => randn([64, 32]).toArray() as number[][]);
      const g = gramianOf(rows);
      const v = projectEach(g, new Float64Array(64).fill(1 / 64));
      const gv = times(g, v, 64);
      const terms = times(g.map(Math.abs), v, 64);
      for (let i = 0; i < 64; i++) assert.ok(at(gv, i) >= -1e-11 * at(terms, i), `conflict ${at(gv, i)} of ${at(terms, i)}`);
      const inside = gv.every((d, i) => d <= 1e-9 * at(terms, i));
      seen[inside ? 'inside' : 'outside']++;
      assert.ok(Math.max(...v) <= 100, `weight ${Math.max(...v)}`);
    }),
    { seed: 13, numRuns: 24 },
  );
  assert.ok(seen.inside > 4 && seen.outside > 4, JSON.stringify(seen));
});

test('projections by a Gramian that float32 rounds raise no loss but for its roundings', () => {
  fc.assert(
    fc.property(unlikeRows, anyScale, (given, scale) => {
      const rows = scaled(given, scale);
      const m = rows.length;
      const g = gramianOf(rows);
      const u = new Float64Array(m).fill(1 / m);
      const rounded = roundedOf(g, m);
      for (const v of [project(rounded, u), projectEach(rounded, u)]) {
        const gv = times(g, v, m);
        const terms = v.reduce((sum, x, i) => sum + x * Math.sqrt(at(g, i * m + i)), 0);
        // 40 roundings of 2⁻²⁴ of cosines.
        for (let i = 0; i < m; i++) assert.ok(at(gv, i) >= -40 * 2 ** -24 * terms * Math.sqrt(at(g, i * m + i)), `${at(gv, i)} of ${terms}`);
      }
    }),
    { seed: 11, numRuns: 100 },
  );
});

test('64 gradients, half of them the others at other lengths, a Gramian that float32 rounds: no loss rises but for its roundings', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 30 }), (seed) => {
      manualSeed(seed);
      const half = scope(() => randn([32, 100]).toArray() as number[][]);
      const g = gramianOf([...half, ...half.map((row, i) => row.map((v) => v * 10 ** ((i % 7) - 3)))]);
      const v = projectEach(roundedOf(g, 64), new Float64Array(64).fill(1 / 64));
      const lengths = Float64Array.from(v, (_, i) => Math.sqrt(at(g, i * 65)));
      const terms = v.reduce((sum, x, i) => sum + x * at(lengths, i), 0);
      assert.ok(terms <= (100 * lengths.reduce((a, b) => a + b, 0)) / 64, `weights add up to ${terms}`);
      const gv = times(g, v, 64);
      // Ten roundings of 2⁻²⁴ of cosines.
      for (let i = 0; i < 64; i++) assert.ok(at(gv, i) >= -10 * 2 ** -24 * terms * at(lengths, i), `${at(gv, i)} of ${terms}`);
    }),
    { seed: 29, numRuns: 40 },
  );
});

test('every gradient with an opposed one, a Gramian that float32 rounds: weights stay small, and nothing is left to move', () => {
  fc.assert(
    fc.property(fc.constantFrom(4, 20, 64), fc.integer({ min: 1, max: 2 ** 30 }), (m, seed) => {
      manualSeed(seed);
      const half = scope(() => randn([m / 2, 100]).toArray() as number[][]);
      // Factors that float32 does not hold.
      const g = gramianOf([...half, ...half.map((row, i) => row.map((v) => -v * 10 ** ((i % 7) - 3)))]);
      const v = projectEach(roundedOf(g, m), new Float64Array(m).fill(1 / m));
      const terms = v.reduce((sum, x, i) => sum + x * Math.sqrt(at(g, i * m + i)), 0);
      const longest = Math.sqrt(Math.max(...g));
      // With exact cosines each pair cancels and terms are 2 of its lengths; roundings of 1e-7 reach through the other rows.
      assert.ok(terms <= 1000 * longest, `weights add up to ${terms / longest} times the longest gradient`);
      const gv = times(g, v, m);
      assert.ok(
        Math.sqrt(
          Math.max(
            v.reduce((sum, x, i) => sum + x * at(gv, i), 0),
            0,
          ),
        ) <=
          1e-3 * terms,
      );
    }),
    { seed: 19, numRuns: 40 },
  );
});

test('the projections together are the sum of each, for preferences of either sign', () => {
  fc.assert(
    fc.property(manyRows, fc.infiniteStream(fc.integer({ min: -3, max: 3 })), (rows, preferences) => {
      const m = rows.length;
      const g = gramianOf(rows);
      const u = Float64Array.from({ length: m }, () => preferences.next().value as number);
      const together = times(g, projectEach(g, u), m);
      const sum = new Float64Array(m);
      const size = new Float64Array(m);
      for (let row = 0; row < m; row++) {
        const one = new Float64Array(m);
        one[row] = at(u, row);
        const v = project(g, one);
        times(g, v, m).forEach((x, i) => {
          sum[i] = at(sum, i) + x;
        });
        for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) size[i] = at(size, i) + Math.abs(at(g, i * m + j) * at(v, j));
      }
      for (let i = 0; i < m; i++) assert.ok(Math.abs(at(together, i) - at(sum, i)) <= 1e-9 * at(size, i), `${at(together, i)} ≠ ${at(sum, i)} of ${at(size, i)}`);
    }),
    { seed: 10, numRuns: 30 },
  );
});

test('without finite numbers there are no weights, and an end', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
    assert.equal([...nonnegative(Float64Array.of(1, bad, bad, bad), 2, (solve) => solve(Float64Array.of(-1, -1)))], [Number.NaN, Number.NaN]);
});

test.run();
