// A method on a Jacobian of numbers: what it is told, and what its answer becomes.
import { multiloss as M, sum, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';

const rows = [[1, -2, 0], [3, 0, 4]]; // biome-ignore format: rows

test('lengths, products and elements of the rows; weights make the direction', () => {
  for (const jacobian of [rows, tensor(rows)]) {
    let seen: M.Stats | undefined;
    const method: M.Weighting = { name: 'mine', needs: 'jacobian', weights: (stats) => { seen = stats; return Float64Array.of(2, 0.5); } }; // biome-ignore format: one line
    assert.equal(M.applyCombiner(method, jacobian, { names: ['a', 'b'], losses: [7, 8] }), { weights: [2, 0.5], direction: [3.5, -4, 2] });
    const { names, losses, norms, gramian, elements } = seen as M.Stats;
    assert.equal([names, [...losses], [...gramian]], [['a', 'b'], [7, 8], [5, 3, 3, 25]]); // biome-ignore format: one line
    assert.equal([[...norms], elements?.largest, elements?.mean].map((v) => [...(v as number[])]), [[Math.sqrt(5), 5], [2, 4], [1, 7 / 3]]); // biome-ignore format: one line
  }
});

test('a direction is as the method gives it', () => {
  const method: M.Aggregator = { name: 'mine', needs: 'jacobian', directions: (all) => all.map((r) => sum(r, { dim: 0 }) as Tensor) };
  assert.equal(M.applyCombiner(method, rows), { weights: null, direction: [4, -2, 4] });
});

test('rows that are not finite are refused, by name', () => {
  throwsCode('NONFINITE', /the gradient of 'loss2' is not finite/, () => M.applyCombiner(new M.Mean(), [[1, 2], [Number.NaN, 0]])); // biome-ignore format: rows
  throwsCode('NONFINITE', /the gradient of 'loss1' is not finite/, () => M.applyCombiner(new M.Mean(), [[1e200, 2], [0, 0]])); // biome-ignore format: rows
});

test.run();
