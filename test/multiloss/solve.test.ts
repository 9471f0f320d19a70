// The small solvers, by the conditions that define their answers.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, randn, scope } from '../../src/entry/default.ts';
import { conflictAverse } from '../../src/multiloss/solve/conflict-averse.ts';
import { project, projectEach } from '../../src/multiloss/solve/dual-cone.ts';
import { eigen } from '../../src/multiloss/solve/eigen.ts';
import { fair } from '../../src/multiloss/solve/fair.ts';
import { cosinesOf, times, total } from '../../src/multiloss/solve/matrix.ts';
import { isStationary, minNorm } from '../../src/multiloss/solve/min-norm.ts';
import { ontoSimplex } from '../../src/multiloss/solve/simplex.ts';
import { pseudoSolve, spectrum } from '../../src/multiloss/solve/spectrum.ts';
import { anyRows, gramianOf, independentRows, longest, scaled } from './samples.ts';

const SCALES = [1e-10, 1e-3, 1, 1e4, 1e10];
const anyScale = fc.constantFrom(...SCALES);
const at = (a: Float64Array, i: number): number => a[i] as number;

test('the shortest point of a hull: no row comes nearer (Gw)ᵢ ≥ wᵀGw, with equality where wᵢ > 0', () => {
  fc.assert(
    fc.property(anyRows, anyScale, (rows, scale) => {
      const g = gramianOf(scaled(rows, scale));
      const m = rows.length;
      const w = minNorm(g, m);
      const square = longest(scaled(rows, scale)) ** 2;
      assert.ok(Math.abs(total(w) - 1) < 1e-12 && w.every((v) => v >= 0), `${w}`);
      const gw = times(g, w, m);
      const least = w.reduce((sum, v, i) => sum + v * at(gw, i), 0);
      for (let i = 0; i < m; i++) {
        assert.ok(at(gw, i) >= least - 1e-11 * square, `row ${i}: ${at(gw, i)} < ${least}`);
        if (at(w, i) > 1e-9) assert.ok(Math.abs(at(gw, i) - least) <= 1e-11 * square, `row ${i} is active: ${at(gw, i)}, ${least}`);
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});

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

test('fair weights: G·w = w^(−1/α), or 0 at stationary points', () => {
  fc.assert(
    fc.property(anyRows, fc.constantFrom(0.5, 1, 2, 3), fc.constantFrom(1e-6, 1, 1e6), (rows, alpha, scale) => {
      const m = rows.length;
      const real = scaled(rows, scale);
      const g = gramianOf(real);
      const w = fair(g, m, alpha);
      const { norms, cosines } = cosinesOf(g, m);
      assert.ok(w.every(Number.isFinite), `${w}`);
      if (w.every((v) => v === 0)) return assert.ok(norms.every((v) => v === 0) || isStationary(cosines, m));
      const gw = times(g, w, m);
      for (let i = 0; i < m; i++) {
        if (at(norms, i) === 0) assert.is(at(w, i), 0);
        else assert.ok(Math.abs(at(gw, i) * at(w, i) ** (1 / alpha) - 1) < 1e-6, `${alpha}: ${at(gw, i)} · ${at(w, i)}^${1 / alpha}`);
      }
    }),
    { seed: 3, numRuns: 300 },
  );
});

test('fair weights of gradients whose lengths differ a million times, for small and large α', () => {
  const lengths = fc.double({ min: -3, max: 3, noNaN: true });
  fc.assert(
    fc.property(independentRows, fc.array(lengths, { minLength: 12, maxLength: 12 }), fc.constantFrom(0.1, 0.25, 0.5, 1, 2, 5), (rows, exponents, alpha) => {
      const m = rows.length;
      const g = gramianOf(rows.map((row, i) => row.map((v) => v * 10 ** (exponents[i % 12] as number))));
      const w = fair(g, m, alpha);
      if (w.every((v) => v === 0)) return;
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
    fc.property(fc.integer({ min: 4, max: 14 }), fc.constantFrom(0.1, 0.5, 2), fc.integer({ min: 1, max: 2 ** 30 }), (n, alpha, seed) => {
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
        // FairGrad's docstring: 1e-10 but for an α of 0.1.
        assert.ok(Math.abs(sum - at(w, i) ** (-1 / alpha)) <= (alpha === 0.1 ? 1e-6 : 1e-10) * scale, `${alpha}, row ${i}: ${sum} of ${scale}, ${at(w, i)}`);
      }
    }),
    { seed: 23, numRuns: 300 },
  );
});

test("CAGrad's weights: no other point of the simplex is better", () => {
  fc.assert(
    fc.property(independentRows, fc.constantFrom(0.1, 0.5, 0.9, 1.5), anyScale, (rows, c, scale) => {
      const m = rows.length;
      const g = gramianOf(scaled(rows, scale));
      const w = conflictAverse(g, m, c);
      if (w.every((v) => v === 0)) return;
      // w = 1/m + k·v with v on the simplex: the objective ⟨g_v, g₀⟩ + c·‖g₀‖·‖g_v‖ and its slope.
      const v = w.map((x) => x - 1 / m);
      const sum = total(v);
      const point = v.map((x) => x / sum);
      const mean = new Float64Array(m).fill(1 / m);
      const b = times(g, mean, m);
      const gp = times(g, point, m);
      const norm = (x: Float64Array, gx: Float64Array): number =>
        Math.sqrt(
          Math.max(
            x.reduce((s, y, i) => s + y * at(gx, i), 0),
            0,
          ),
        );
      const [g0, length] = [norm(mean, b), norm(point, gp)];
      const slope = b.map((x, i) => x + (c * g0 * at(gp, i)) / length);
      const average = point.reduce((s, y, i) => s + y * at(slope, i), 0);
      const size = longest(scaled(rows, scale)) ** 2;
      for (let i = 0; i < m; i++) assert.ok(at(slope, i) >= average - 1e-8 * size, `${at(slope, i)} < ${average} of ${size}`);
      assert.ok(point.every((x) => x >= -1e-12));
    }),
    { seed: 4, numRuns: 300 },
  );
});

test('eigenvalues and vectors make the matrix; the pseudo-inverse solves what can be solved', () => {
  fc.assert(
    fc.property(anyRows, anyScale, (rows, scale) => {
      const m = rows.length;
      const g = gramianOf(scaled(rows, scale));
      const { values, vectors } = eigen(g, m);
      const size = Math.max(...values, 0);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < m; j++) {
          let made = 0;
          let product = 0;
          for (let k = 0; k < m; k++) {
            made += at(vectors, k * m + i) * at(values, k) * at(vectors, k * m + j);
            product += at(vectors, i * m + k) * at(vectors, j * m + k);
          }
          assert.ok(Math.abs(made - at(g, i * m + j)) <= 1e-13 * size * m);
          assert.ok(Math.abs(product - (i === j ? 1 : 0)) <= 1e-13 * m);
        }
      }
      // G·x = G·1 has solutions; the one found has the same product.
      const b = times(g, new Float64Array(m).fill(1), m);
      const back = times(g, pseudoSolve(g, b, m), m);
      for (let i = 0; i < m; i++) assert.ok(Math.abs(at(back, i) - at(b, i)) <= 1e-11 * size * m);
    }),
    { seed: 5, numRuns: 300 },
  );
});

/** 17 to 40 rows of any rank, whose lengths differ by up to 10^spread: enough rows that QL is taken where lengths are alike. */
const manyRows = fc.tuple(fc.integer({ min: 17, max: 40 }), fc.constantFrom(0.2, 0.6, 1, 3), fc.constantFrom(0, 1, 6), fc.integer()).map(([m, share, spread, seed]) => {
  let state = seed | 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
  const n = Math.max(2, Math.round(m * share));
  return Array.from({ length: m }, (_, i) => Array.from({ length: n }, () => next() * 10 ** (((i % 5) / 5) * spread)));
});

test('a spectrum is that of Jacobi, and f(A)·b the same by either way', () => {
  fc.assert(
    fc.property(manyRows, anyScale, (rows, scale) => {
      const m = rows.length;
      const g = gramianOf(scaled(rows, scale));
      const b = Float64Array.from({ length: m }, (_, i) => (i % 3) - 1);
      const { values, along, back } = spectrum(g, b, m, m * Number.EPSILON);
      const slow = eigen(g, m);
      const size = Math.max(...slow.values);
      const sorted = slow.values.slice().sort();
      values
        .slice()
        .sort()
        .forEach((v, i) => {
          assert.ok(Math.abs(v - at(sorted, i)) <= 1e-15 * m * size, `${v} ≠ ${at(sorted, i)}`);
        });
      // The identity, and A itself.
      back(along.slice()).forEach((v, i) => {
        assert.ok(Math.abs(v - at(b, i)) <= 1e-14 * m);
      });
      const gb = times(g, b, m);
      back(along.map((v, k) => v * at(values, k))).forEach((v, i) => {
        assert.ok(Math.abs(v - at(gb, i)) <= 1e-14 * m * size);
      });
      // A⁺·A·x comes back to A·x.
      const again = times(g, pseudoSolve(g, gb, m), m);
      for (let i = 0; i < m; i++) assert.ok(Math.abs(at(again, i) - at(gb, i)) <= 1e-11 * size * m);
    }),
    { seed: 7, numRuns: 100 },
  );
});

test('dependent rows whose Gramian float32 rounds: f(A)·b gives the direction that the exact one gives', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 12 }), fc.constantFrom(3, 5), fc.constantFrom(0, 3), anyScale, fc.integer(), (n, share, spread, scale, seed) => {
      manualSeed(seed >>> 0);
      const m = n * share;
      const rows = scaled(
        scope(() => randn([m, n]).toArray() as number[][]).map((row, i) => row.map((v) => v * 10 ** (((i % 5) / 5) * spread))),
        scale,
      );
      const g = gramianOf(rows);
      const norms = Float64Array.from(rows, (_, i) => Math.sqrt(at(g, i * m + i)));
      const direction = (gramian: Float64Array): number[] => {
        const x = pseudoSolve(gramian, norms, m);
        return (rows[0] as number[]).map((_, k) => rows.reduce((sum, row, i) => sum + at(x, i) * (row[k] as number), 0));
      };
      const [exact, rounded] = [direction(g), direction(g.map(Math.fround))];
      const length = Math.hypot(...exact);
      // Roundings of 6e-8 times how unlike the rows' eigenvalues are, up to 1e5 for rows of lengths 1e3 apart.
      exact.forEach((v, k) => {
        assert.ok(Math.abs(v - (rounded[k] as number)) <= 1e-2 * length, `${rounded} instead of ${exact}`);
      });
    }),
    { seed: 17, numRuns: 100 },
  );
});

test('eigenvalues of rows whose lengths differ 1e8 times keep their digits, and so does f(A)·b', () => {
  const lengths = fc.constantFrom<(i: number, m: number) => number>(
    (i) => (i % 9) - 4,
    (i) => ((i * i) % 7) - 3,
    (i, m) => 4 - (8 * i) / m,
    (i) => (i === 3 ? 4 : -4),
  );
  fc.assert(
    fc.property(manyRows, lengths, anyScale, (rows, exponent, scale) => {
      const m = rows.length;
      // Square ones are too badly conditioned for that.
      const n = (rows[0] as number[]).length;
      if (n === m) return;
      const g = gramianOf(scaled(rows, scale).map((row, i) => row.map((v) => v * 10 ** exponent(i, m))));
      const b = new Float64Array(m).fill(1);
      const cut = m * Number.EPSILON;
      const { values, along, back } = spectrum(g, b, m, cut);
      const slow = eigen(g, m);
      const sorted = slow.values.slice().sort();
      const made = values.slice().sort();
      // What is left of the cosines' condition, about 1e3, and m² roundings. Beyond the rank there are only roundings.
      for (let i = m - Math.min(m, n); i < m; i++) assert.ok(Math.abs(at(made, i) - at(sorted, i)) <= 1e-10 * at(sorted, i), `${at(made, i)} ≠ ${at(sorted, i)}`);
      const least = at(sorted, m - 1) * cut;
      const root = (v: number, value: number): number => (value > least ? v / Math.sqrt(value) : 0);
      const x = back(along.map((v, k) => root(v, at(values, k))));
      const expected = new Float64Array(m);
      for (let k = 0; k < m; k++) {
        const share = root(total(slow.vectors.slice(k * m, k * m + m)), at(slow.values, k));
        for (let i = 0; i < m; i++) expected[i] = at(expected, i) + share * at(slow.vectors, k * m + i);
      }
      const size = Math.max(...expected.map(Math.abs));
      x.forEach((v, i) => {
        assert.ok(Math.abs(v - at(expected, i)) <= 1e-9 * size, `${v} ≠ ${at(expected, i)} of ${size}`);
      });
    }),
    { seed: 9, numRuns: 100 },
  );
});

/** The same with zero, double, opposed and nearly double rows among them. */
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
      const rounded = g.map(Math.fround);
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

test('every gradient with an opposed one, a Gramian that float32 rounds: weights stay small, and nothing is left to move', () => {
  fc.assert(
    fc.property(fc.constantFrom(4, 20, 64), fc.integer({ min: 1, max: 2 ** 30 }), (m, seed) => {
      manualSeed(seed);
      const half = scope(() => randn([m / 2, 100]).toArray() as number[][]);
      // Factors that float32 does not hold.
      const g = gramianOf([...half, ...half.map((row, i) => row.map((v) => -v * 10 ** ((i % 7) - 3)))]);
      const v = projectEach(g.map(Math.fround), new Float64Array(m).fill(1 / m));
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

test("the simplex's nearest point", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 8 }), (list) => {
      const v = Float64Array.from(list);
      const w = ontoSimplex(v);
      assert.ok(Math.abs(total(w) - 1) < 1e-9 && w.every((x) => x >= 0));
      // v − w is the same number θ where w > 0, and at most θ elsewhere.
      const theta = Math.max(...list.map((x, i) => x - at(w, i)));
      list.forEach((x, i) => {
        if (at(w, i) > 0) assert.ok(Math.abs(x - at(w, i) - theta) < 1e-9 * (1 + Math.abs(theta)));
      });
    }),
    { seed: 6, numRuns: 300 },
  );
});

test.run();
