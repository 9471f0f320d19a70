// Factors of some rows and columns of a matrix: the equations they solve, rows that are added one by one, rows that depend on others.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, randn, randperm, scope } from '../../src/entry/default.ts';
import { Cholesky, isDefinite, numbersOf, solveDefinite } from '../../src/multiloss/solve/cholesky.ts';
import { Laid, numbersOf as laidNumbers } from '../../src/multiloss/solve/laid.ts';
import { times } from '../../src/multiloss/solve/matrix.ts';
import { lend } from '../../src/tensor/lend.ts';
import { gramianOf } from './samples.ts';

const at = (a: Float64Array, i: number): number => a[i] as number;

/** n rows, independent and of lengths from 1e-8 to 1e8. */
function rowsOf(n: number): number[][] {
  return scope(() => (randn([n, n + 4]).toArray() as number[][]).map((row, i) => row.map((v) => v * 10 ** (((i * 5) % 17) - 8))));
}

function withFactor<T>(a: Float64Array, n: number, use: (factor: Cholesky) => T): T {
  return lend(2 * (laidNumbers(n) + numbersOf(n)), (address) => use(new Cholesky(new Laid(a, n, address), address + 8 * laidNumbers(n))));
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
    withFactor(a, n, (factor) => {
      for (let size = 0; size <= n; size++) {
        const set = Int32Array.from(scope(() => randperm(n).toArray() as number[]).slice(0, size));
        assert.ok(factor.factor(set, size), `${size} of ${n}`);
        const b = Float64Array.from(set, (row) => Math.sqrt(at(a, row * (n + 1))));
        const x = b.slice();
        factor.solve(x);
        assertSolved(a, n, set, x, (i) => at(b, i));
        // The same factor once more, and with more on the diagonal.
        const more = Float64Array.from({ length: n }, (_, i) => at(a, i * (n + 1)) * (1 + (i % 3)));
        const raised = a.map((v, place) => (place % (n + 1) === 0 ? v + at(more, place / (n + 1)) : v));
        assert.ok(factor.factor(set, size, 0, more));
        const y = b.slice();
        factor.solve(y);
        assertSolved(raised, n, set, y, (i) => at(b, i));
      }
    });
  }
});

test('rows that are added one by one; one that depends on them is refused and leaves them as they were', () => {
  manualSeed(2);
  for (let n = 2; n <= 21; n++) {
    const rows = rowsOf(n);
    // The last row is a sum of all others, each as long as the first.
    const lengths = rows.map((row) => Math.hypot(...row));
    rows[n - 1] = (rows[0] as number[]).map((_, k) => rows.slice(0, -1).reduce((s, row, i) => s + (row[k] as number) / (lengths[i] as number), 0));
    const a = gramianOf(rows);
    withFactor(a, n, (factor) => {
      const set = new Int32Array(n);
      for (let size = 0; size < n - 1; size++) {
        set[size] = n - 2 - size;
        assert.ok(factor.append(set));
        assert.is(factor.size, size + 1);
        if (size === n - 2) {
          set[n - 1] = n - 1;
          assert.is(factor.append(set), false);
          assert.is(factor.size, n - 1);
        }
        const standing = set.slice(0, size + 1);
        const b = Float64Array.from(standing, (row) => Math.sqrt(at(a, row * (n + 1))));
        const x = b.slice();
        factor.solve(x);
        assertSolved(a, n, standing, x, (i) => at(b, i));
      }
      assert.is(factor.factor(set, n), false);
    });
    assert.is(isDefinite(a, n), false);
    assert.is(solveDefinite(a, new Float64Array(n).fill(1)), null);
  }
});

test('a product with a symmetric matrix', () => {
  manualSeed(3);
  for (let n = 1; n <= 20; n++) {
    const a = gramianOf(rowsOf(n));
    const x = Float64Array.from({ length: n }, (_, i) => 1 / (i + 1));
    const y = new Float64Array(n);
    lend(2 * laidNumbers(n), (address) => new Laid(a, n, address).times(x, y));
    const expected = times(a, x, n);
    const size = times(a.map(Math.abs), x, n);
    for (let i = 0; i < n; i++) assert.ok(Math.abs(at(y, i) - at(expected, i)) <= 1e-15 * n * at(size, i));
  }
});

test.run();
