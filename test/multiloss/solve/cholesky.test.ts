// Factors of some rows and columns of a matrix: the equations they solve, rows that depend on others.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, randn, randperm, scope } from '../../../src/entry/default.ts';
import { Cholesky, solveDefinite } from '../../../src/multiloss/solve/cholesky.ts';
import { indices } from '../../../src/multiloss/solve/matrix.ts';
import { gramianOf } from '../samples.ts';

const at = (a: Float64Array, i: number): number => a[i] as number;

/** n rows, independent and of lengths from 1e-8 to 1e8. */
function rowsOf(n: number): number[][] {
  return scope(() => (randn([n, n + 4]).toArray() as number[][]).map((row, i) => row.map((v) => v * 10 ** (((i * 5) % 17) - 8))));
}

/** Asserts A·x = b over the set. A solution is off by a few roundings of each row's terms; 21 rows make a few hundred. */
function assertSolved(a: Float64Array, n: number, set: Int32Array, x: Float64Array, b: (i: number) => number): void {
  set.forEach((row, i) => {
    const terms = Array.from(set, (column, j) => at(a, row * n + column) * at(x, j));
    const [sum, size] = [terms.reduce((s, v) => s + v, 0), terms.reduce((s, v) => s + Math.abs(v), Math.abs(b(i)))];
    assert.ok(Math.abs(sum - b(i)) <= 1e-12 * size, `row ${row} of ${set.length}: ${sum}, ${b(i)}`);
  });
}

test('the equations of any rows in any order, at every size', () => {
  manualSeed(1);
  for (let n = 1; n <= 21; n++) {
    const a = gramianOf(rowsOf(n));
    const factor = new Cholesky(a, n);
    for (let size = 0; size <= n; size++) {
      const set = Int32Array.from(scope(() => randperm(n).toArray() as number[]).slice(0, size));
      const b = Float64Array.from(set, (row) => Math.sqrt(at(a, row * (n + 1))));
      // At once, then with more on the diagonal, then from where half of it is done.
      const more = Float64Array.from({ length: n }, (_, i) => at(a, i * (n + 1)) * (1 + (i % 3)));
      const raised = a.map((v, place) => (place % (n + 1) === 0 ? v + at(more, place / (n + 1)) : v));
      const half = size >> 1;
      for (const [matrix, found] of [
        [a, () => factor.factor(set, size)],
        [raised, () => factor.factor(set, size, { diagonal: more })],
        [a, () => factor.factor(set, half) && factor.factor(set, size, { done: half })],
      ] as const) {
        assert.ok(found(), `${size} of ${n}`);
        const x = b.slice();
        factor.solve(x);
        assertSolved(matrix, n, set, x, (i) => at(b, i));
      }
    }
    const b = Float64Array.from({ length: n }, (_, i) => Math.sqrt(at(a, i * (n + 1))));
    assertSolved(a, n, indices(n), solveDefinite(a, b) as Float64Array, (i) => at(b, i));
  }
});

test('a row that is the sum of others is found to depend on them', () => {
  manualSeed(2);
  for (let n = 2; n <= 21; n++) {
    const rows = rowsOf(n);
    const lengths = rows.map((row) => Math.hypot(...row));
    // Each of the others as long as the first.
    rows[n - 1] = (rows[0] as number[]).map((_, k) => rows.slice(0, -1).reduce((s, row, i) => s + (row[k] as number) / (lengths[i] as number), 0));
    assert.is(solveDefinite(gramianOf(rows), new Float64Array(n).fill(1)), null);
    assert.ok(solveDefinite(gramianOf(rows.slice(0, -1)), new Float64Array(n - 1).fill(1)));
  }
});

test('a matrix with a negative eigenvalue has no factor', () => {
  assert.is(new Cholesky(Float64Array.of(1, 2, 2, 1), 2).factor(Int32Array.of(0, 1), 2), false);
});

test('rows count as dependent where 1 − R² is below 1e-12', () => {
  const solved = (rest: number): boolean => solveDefinite(gramianOf([[1, 0], [1, Math.sqrt(rest)]]), new Float64Array(2).fill(1)) !== null; // biome-ignore format: rows
  assert.equal([solved(5e-12), solved(2e-13)], [true, false]);
});

test.run();
