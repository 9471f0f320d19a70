// Roots of falling functions: where they are, and how few evaluations that takes.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootBelow } from '../../../src/multiloss/solve/root.ts';

/** The root and the evaluations until it is found to 1e-12; what is found is what was evaluated last. */
function search(f: (x: number) => number, high: number, tolerance = 1e-12): { root: number; count: number } {
  let [count, last] = [0, Number.NaN];
  const root = rootBelow(
    high,
    (x) => {
      [count, last] = [count + 1, x];
      return f(x);
    },
    tolerance,
  );
  assert.ok(Object.is(last, root));
  return { root, count };
}

const rows: readonly [what: string, f: (x: number) => number, high: number, root: number, count: number][] = [
  ['a line, whose root lies in the first bracket', (x) => 1 - x, 2, 1, 3],
  ['a line, one bracket further down', (x) => 0.1 - x, 2, 0.1, 4],
  ['one at the end of a bracket', (x) => 0.125 - x, 2, 0.125, 3],
  ['nine brackets further down', (x) => 1e-11 - x, 2, 1e-11, 12],
  ['bent up', (x) => 1 / x - 1, 2, 1, 15],
  ['bent up, two brackets further down', (x) => 0.01 / x - 1, 2, 0.01, 11],
  ['bent down', (x) => 1 - x ** 3, 2, 1, 13],
  ['flat, then steep', (x) => 0.01 - Math.max(0, x - 1) ** 2, 2, 1.1, 21],
  ['steep, then flat', (x) => 1 / (1 + x) ** 4 - 1e-4, 12, 9, 18],
  ['a step', (x) => (x < 0.7 ? 1 : -1), 2, 0.7, 62],
  ['a slope beside a step', (x) => (x < 0.7 ? 1 - x : -1), 2, 0.7, 62],
];

for (const [what, f, high, root, count] of rows) {
  test(`a root: ${what}`, () => {
    const found = search(f, high);
    assert.ok(Math.abs(found.root - root) <= 1e-12 * root || Math.abs(f(found.root)) <= 1e-12 * root, `${found.root} is not ${root}`);
    assert.is(found.count, count);
  });
}

test('a root that is not there: an end all the same, inside the bracket', () => {
  const rows: [f: (x: number) => number, count: number][] = [
    [(x) => -x, 72],
    [(x) => -x * x - 1, 72],
    [() => -1, 72],
    [() => 1, 62],
    [() => 0, 3],
    [() => Number.NaN, 62],
  ];
  for (const [f, count] of rows) {
    const found = search(f, 1);
    assert.is(found.count, count);
    assert.ok(found.root > 0 && found.root <= 1, `${found.root}`);
  }
});

test.run();
