// The small solvers, by the conditions that define their answers.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, randn, scope } from '../../../src/entry/default.ts';
import { conflictAverse } from '../../../src/multiloss/solve/conflict-averse.ts';
import { eigen } from '../../../src/tensor/eigen.ts';
import { cosinesOf, quadratic, times, total } from '../../../src/multiloss/solve/matrix.ts';
import { isStationary, minNorm } from '../../../src/multiloss/solve/min-norm.ts';
import { nonnegative } from '../../../src/multiloss/solve/nonnegative.ts';
import { atRank, roundedElements, roundedProducts } from '../../../src/multiloss/solve/rank.ts';
import { ontoSimplex } from '../../../src/multiloss/solve/simplex.ts';
import { pseudoSolve, smallestCounted, spectrum } from '../../../src/multiloss/solve/spectrum.ts';
import { anyRows, gramianOf, independentRows, inner, length, longest, manyRows, normals, type Rows, scaled } from '../samples.ts';

const anyScale = fc.constantFrom(1e-10, 1e-3, 1, 1e4, 1e10);
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

test('the shortest point of a hull around 0 is none but for the roundings of the lengths, however unlike they are', () => {
  const normal = normals(7);
  for (const [m, n, spread] of [[5, 3, 0], [20, 10, 3], [20, 10, 8]] as const) {
    for (let draw = 0; draw < 20; draw++) {
      const rows = Array.from({ length: m }, (_, i) => Array.from({ length: n }, () => normal() * 10 ** (((i % 9) / 8) * spread)));
      const g = gramianOf(rows);
      if (!isStationary(cosinesOf(g, m).cosines, m)) continue;
      const [lengths, gw] = [rows.map(length), times(g, minNorm(g, m), m)];
      gw.forEach((v, i) => {
        assert.ok(Math.abs(v) <= 1e-12 * Math.min(...lengths) * (lengths[i] as number), `${m} · ${n}: ${v}`);
      });
    }
  }
}); // biome-ignore format: a table

test("CAGrad's weights: no other point of the simplex is better", () => {
  fc.assert(
    fc.property(independentRows, fc.constantFrom(0.1, 0.5, 0.9, 1.5), anyScale, (rows, c, scale) => {
      const m = rows.length;
      const g = gramianOf(scaled(rows, scale));
      const w = conflictAverse(g, m, c);
      assert.ok(
        w.some((v) => v !== 0),
        'independent gradients are not stationary',
      );
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

test('CAGrad where 0 lies in the hull of flat gradients: no point of the simplex is better, or the step raises no loss and is nearer', () => {
  const seen = { away: 0, near: 0 };
  const normal = normals(5);
  const projected = (rows: Rows, w: Float64Array): number[] => (rows[0] as number[]).map((_, k) => rows.reduce((s, row, i) => s + at(w, i) * (row[k] as number), 0));
  for (let draw = 0; draw < 2000; draw++) {
    const m = 3 + Math.floor(2 * Math.abs(normal()));
    const flat = 10 ** (-2 * Math.abs(normal()));
    const rows = Array.from({ length: m }, () => [normal(), flat * normal()]);
    const [g, c, mean] = [gramianOf(rows), [0.1, 0.5, 0.9, 1.5][draw % 4] as number, new Float64Array(m).fill(1 / m)];
    if (!isStationary(cosinesOf(g, m).cosines, m)) continue;
    const w = conflictAverse(g, m, c);
    const [d, g0, size] = [projected(rows, w), projected(rows, mean), longest(rows) ** 2];
    const reach = c * length(g0);
    const leaning = w.map((x) => x - 1 / m);
    if (length(projected(rows, leaning)) < (1 - 1e-6) * reach) {
      seen.near++;
      const terms = times(g.map(Math.abs), w.map(Math.abs), m);
      rows.forEach((row, i) => {
        assert.ok(inner(row, d) >= -1e-11 * at(terms, i), `${inner(row, d)} of ${at(terms, i)}`);
      });
      continue;
    }
    seen.away++;
    const sum = total(leaning);
    const point = projected(rows, leaning.map((x) => x / sum)); // biome-ignore format: one line
    const slope = rows.map((row) => inner(row, g0) + (reach * inner(row, point)) / length(point));
    const average = slope.reduce((s, v, i) => s + (v * at(leaning, i)) / sum, 0);
    for (const v of slope) assert.ok(v >= average - 1e-8 * size, `draw ${draw}: ${v} < ${average}`);
  }
  assert.ok(seen.away > 300 && seen.near > 100, JSON.stringify(seen));
});

test('CAGrad: sums within 1e-11 of their terms, squared, are what roundings make of 0', () => {
  const step = (rows: Rows, c: number): number[] => {
    const w = conflictAverse(gramianOf(rows), rows.length, c);
    return (rows[0] as number[]).map((_, k) => rows.reduce((s, row, i) => s + at(w, i) * (row[k] as number), 0));
  };
  // The mean itself, then a hull's nearest point that is none: beside it the step goes no further than it must.
  assert.equal(step([[1, 1e-6], [-1, 1e-6]], 0.5), [0, 0]); // biome-ignore format: rows
  assert.ok(length(step([[1, 1e-5], [-1, 1e-5]], 0.5)) > 1e-6); // biome-ignore format: rows
  assert.ok(Math.abs((step([[1, 1e-6], [-1, 1e-6], [1, 1]], 1)[1] as number) - 1 / 3) < 1e-4); // biome-ignore format: rows
  assert.ok(Math.abs((step([[1, 1e-5], [-1, 1e-5], [1, 1]], 1)[1] as number) - 2 / 3) < 1e-4); // biome-ignore format: rows
});

test('CAGrad of nothing, within nothing of the mean, of what is shorter than normEps', () => {
  assert.equal([...conflictAverse(new Float64Array(4), 2, 0.5)], [0, 0]);
  assert.equal([...conflictAverse(gramianOf([[1, 0], [1, 2]]), 2, 0)], [0.5, 0.5]); // biome-ignore format: rows
  // The hull's shortest point has length 1e-3; beside one that opposes it exactly there is a safe step.
  const nearly = gramianOf([[1, 1e-3], [-1, 1e-3]]); // biome-ignore format: rows
  const opposed = gramianOf([[1, 0], [-1, 0], [0, 1]]); // biome-ignore format: rows
  for (const [g, m] of [
    [nearly, 2],
    [opposed, 3],
  ] as const) {
    // biome-ignore format: rows
    assert.equal([1e-6, 1e-1].map((eps) => conflictAverse(g, m, 1, eps).some((v) => v !== 0)), [m === 2, false]); // biome-ignore format: one line
  }
  assert.ok(conflictAverse(opposed, 3, 1).some((v) => v !== 0));
});

test('CAGrad: what counts as nothing is a share of the lengths of the terms, and normEps one of all lengths', () => {
  const moves = (rows: Rows, c: number, normEps = 0): boolean => conflictAverse(gramianOf(rows), rows.length, c, normEps).some((v) => v !== 0);
  // Weights of 1/8 each, two gradients of length 1: a quarter.
  const around = (d: number): Rows => [[1, d], [-1, d], ...Array.from({ length: 6 }, () => [0, 0])]; // biome-ignore format: rows
  assert.equal([moves(around(2.5e-6), 0.5), moves(around(4e-6), 0.5)], [false, true]);
  // Far from the mean the best is the hull's shortest point, of length 1/√5; all lengths together are √1.25.
  const axes = [[1, 0], [0, 0.5]]; // biome-ignore format: rows
  assert.equal([moves(axes, 1e6, 0.399), moves(axes, 1e6, 0.401)], [true, false]);
});

test('CAGrad at c = 1, where the safe step is as far from the mean as it may be but for roundings: weights are finite and the step is none', () => {
  const normal = normals(6);
  let seen = 0;
  for (let draw = 0; draw < 1000; draw++) {
    const rows = Array.from({ length: 5 }, () => [normal(), normal()]);
    const g = gramianOf(rows);
    if (!isStationary(cosinesOf(g, 5).cosines, 5)) continue;
    seen++;
    const w = conflictAverse(g, 5, 1);
    assert.ok(w.every(Number.isFinite), `draw ${draw}: ${w}`);
    assert.ok(Math.sqrt(quadratic(g, w, 5)) <= 1e-6 * longest(rows), `draw ${draw}`);
  }
  assert.ok(seen > 300, `${seen}`);
});

test('cosines: of both halves, no further than ±1, none of a gradient without length', () => {
  const of = (...g: number[]): number[][] => Object.values(cosinesOf(Float64Array.from(g), 2)).map((v: Float64Array) => [...v]);
  assert.equal(of(1, 0.5, 0.25, 1), [[1, 1], [1, 0.375, 0.375, 1]]); // biome-ignore format: rows
  assert.equal(of(1, 1 + 1e-7, 1 + 1e-7, 1), [[1, 1], [1, 1, 1, 1]]); // biome-ignore format: rows
  assert.equal(of(1, -1 - 1e-7, -1 - 1e-7, 1), [[1, 1], [1, -1, -1, 1]]); // biome-ignore format: rows
  for (const none of [0, -1e-20]) assert.equal(of(none, 0, 0, 4), [[0, 2], [0, 0, 0, 1]]); // biome-ignore format: rows
  assert.is(quadratic(Float64Array.of(-1e-20), Float64Array.of(1), 1), 0);
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
      const again = times(g, pseudoSolve(g, b, m, m * Number.EPSILON), m);
      for (let i = 0; i < m; i++) assert.ok(Math.abs(at(again, i) - at(b, i)) <= 1e-11 * size * m);
    }),
    { seed: 5, numRuns: 300 },
  );
});

test('a spectrum is that of Jacobi, and f(A)·b the same by either way', () => {
  fc.assert(
    fc.property(manyRows, anyScale, (rows, scale) => {
      const m = rows.length;
      const g = gramianOf(scaled(rows, scale));
      const b = Float64Array.from({ length: m }, (_, i) => (i % 3) - 1);
      const { values, projected, expand } = spectrum(g, b, m);
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
      expand(projected.slice()).forEach((v, i) => {
        assert.ok(Math.abs(v - at(b, i)) <= 1e-14 * m);
      });
      const gb = times(g, b, m);
      expand(projected.map((v, k) => v * at(values, k))).forEach((v, i) => {
        assert.ok(Math.abs(v - at(gb, i)) <= 1e-14 * m * size);
      });
      // A·A⁺·(A·b) is A·b again.
      const again = times(g, pseudoSolve(g, gb, m, m * Number.EPSILON), m);
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
      const direction = (gramian: Float64Array, rank: number): number[] => {
        const x = pseudoSolve(gramian, norms, m, m * Number.EPSILON, rank);
        return (rows[0] as number[]).map((_, k) => rows.reduce((sum, row, i) => sum + at(x, i) * (row[k] as number), 0));
      };
      const seen = atRank(g.map(Math.fround), m, roundedProducts(m));
      assert.is(seen.rank, n);
      const [exact, rounded] = [direction(g, n), direction(seen.gramian, n)];
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
      fc.pre(n !== m);
      const g = gramianOf(scaled(rows, scale).map((row, i) => row.map((v) => v * 10 ** exponent(i, m))));
      const b = new Float64Array(m).fill(1);
      const cut = m * Number.EPSILON;
      const { values, projected, expand } = spectrum(g, b, m);
      const slow = eigen(g, m);
      const sorted = slow.values.slice().sort();
      const made = values.slice().sort();
      // What is left of the cosines' condition, about 1e3, and m² roundings. Beyond the rank there are only roundings.
      for (let i = m - Math.min(m, n); i < m; i++) assert.ok(Math.abs(at(made, i) - at(sorted, i)) <= 1e-10 * at(sorted, i), `${at(made, i)} ≠ ${at(sorted, i)}`);
      const least = at(sorted, m - 1) * cut;
      const root = (v: number, value: number): number => (value > least ? v / Math.sqrt(value) : 0);
      const x = expand(projected.map((v, k) => root(v, at(values, k))));
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

test('what float32 leaves of dependent rows is no rank: of rounded products 3·2⁻²³ of the largest eigenvalue, of rounded elements the square of that', () => {
  const rank = (rest: number, share: number): number => atRank(gramianOf([[1, 0, 0], [0, 1, 0], [1, 1, rest]]), 3, share).rank; // biome-ignore format: rows
  assert.equal([rank(1e-3, roundedProducts(3)), rank(4e-3, roundedProducts(3))], [2, 3]);
  const whole = gramianOf([[1, 2], [3, 5]]); // biome-ignore format: rows
  assert.is(atRank(whole, 2, roundedProducts(2)).gramian, whole);
  assert.equal([rank(3e-7, roundedElements(3)), rank(2e-6, roundedElements(3))], [2, 3]);
});

test('a pseudo-inverse counts eigenvalues of either sign, no more than the rank, and ends where there are none', () => {
  assert.is(smallestCounted(Float64Array.of(-4, 1, 0.5), 0, 2), 0.5);
  assert.is(smallestCounted(Float64Array.of(-4, 1, 0.5), 0.5), 2);
  assert.equal([...pseudoSolve(Float64Array.of(2, 0, 0, -1), Float64Array.of(2, 1), 2, 0)], [1, -1]);
  assert.equal([...pseudoSolve(Float64Array.of(2, 0, 0, 1e-3), Float64Array.of(2, 1), 2, 0, 1)], [1, 0]);
  assert.ok(eigen(new Float64Array(4).fill(Number.NaN), 2).values.every(Number.isNaN));
});

test('two rows that oppose one another but for roundings are stationary, and but for more than that not', () => {
  const apart = (by: number): Float64Array => Float64Array.of(1, by - 1, by - 1, 1);
  assert.equal([isStationary(apart(1e-15), 2), isStationary(apart(1e-12), 2)], [true, false]);
  // Of m unit rows, half of them opposed to the others, the shortest point's square is half of that; up to 1e-14 of it for each is rounding.
  const pairs = (m: number, by: number): Float64Array => Float64Array.from({ length: m * m }, (_, i) => ((Math.floor(i / m) - (i % m)) % 2 === 0 ? 1 : by - 1));
  assert.equal([isStationary(pairs(2, 1e-13), 2), isStationary(pairs(20, 1e-13), 20)], [false, true]);
});

test('where only roundings are left of a cone, weights are no larger than a ridge of 1e-10 lets them be', () => {
  for (const left of [1e-13, 1e-14, 1e-15]) {
    const z = nonnegative(Float64Array.of(1, left - 1, left - 1, 1), 2, (solve) => solve(Float64Array.of(-1e-7, -1e-7)));
    // Without one 1e-7/left; four steps with it go 1e-7/1e-10 each.
    assert.ok(at(z, 0) > 3.9e3 && at(z, 0) <= 4.001e3, `${z}`);
  }
});

test('a matrix that no gradients have: weights are finite', () => {
  // Cosines of −0.6 among three: an eigenvalue of −0.2.
  const c = Float64Array.of(1, -0.6, -0.6, -0.6, 1, -0.6, -0.6, -0.6, 1);
  const z = nonnegative(c, 3, (solve) => solve(new Float64Array(3).fill(-1)));
  assert.ok(z.every((v) => v >= 0 && Number.isFinite(v)), `${z}`); // biome-ignore format: one line
});

test("the simplex's nearest point", () => {
  assert.equal([...ontoSimplex(Float64Array.of(1e17, 1e17, 0))], [0.5, 0.5, 0]);
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
