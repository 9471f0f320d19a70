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

test('one row, three rows, rows of one small number, and the rank that a method on inner products gets', () => {
  assert.equal(M.applyCombiner(new M.Sum(), [[1, 2]]), { weights: [1], direction: [1, 2] });
  const sums: M.Aggregator = { name: 'mine', needs: 'jacobian', directions: (all) => all.map((r) => sum(r, { dim: 0 }) as Tensor) };
  assert.equal(M.applyCombiner(sums, [[1, 2]]).direction, [1, 2]);
  const seen = (jacobian: number[][], more: Partial<M.Weighting> = {}): M.Stats => {
    let stats: M.Stats | undefined;
    M.applyCombiner({ name: 'mine', needs: 'gramian', weights: (s) => { stats = s; return s.losses; }, ...more }, jacobian); // biome-ignore format: one line
    return stats as M.Stats;
  };
  const three = seen([[1, 2], [3, 0], [0, 5]], { eps: 0 }); // biome-ignore format: rows
  assert.equal(
    [
      [...three.gramian],
      seen([
        [1, 2],
        [3, 0],
        [0, 5],
      ]).rank,
      [...three.losses],
    ],
    [[5, 3, 10, 3, 9, 0, 10, 0, 25], 2, [0, 0, 0]],
  );
  const small = seen([[0.5], [-0.25]], { needs: 'jacobian' }); // biome-ignore format: rows
  assert.equal([[...(small.elements as M.Elements).largest], [...(small.elements as M.Elements).mean], small.rank], [[0.5, 0.25], [0.5, 0.25], undefined]); // biome-ignore format: one line
  assert.is(seen([[1], [2]], { eps: 0 }).rank, undefined);
  throwsCode('NONFINITE', /the gradient of 'loss3' is not finite/, () => M.applyCombiner(new M.Mean(), [[1], [2], [Number.NaN]])); // biome-ignore format: rows
});

test('what is no Jacobian or no method is refused', () => {
  const given =
    (method: unknown, jacobian: unknown, ...more: unknown[]) =>
    () =>
      (M.applyCombiner as (...given: unknown[]) => unknown)(method, jacobian, ...more);
  throwsCode('SHAPE', /a list of m rows of numbers/, given(new M.Sum(), [['a', 'b']]));
  throwsCode('SHAPE', /a list of m rows of numbers/, given(new M.Sum(), [1, 2]));
  throwsCode('SHAPE', /row 1 has 2 numbers, row 0 has 1/, given(new M.Sum(), [[1], [1, 2]]));
  throwsCode('SHAPE', /no rows/, given(new M.Sum(), []));
  throwsCode('SHAPE', /a Jacobian is \[m, n\], got \[2\]/, given(new M.Sum(), tensor([1, 2])));
  throwsCode('VALUE', /method must be a method/, given({}, rows));
  throwsCode('VALUE', /names has 1 entries for a Jacobian of 2 rows/, given(new M.Sum(), rows, { names: ['a'] }));
  throwsCode('VALUE', /argument/, given(new M.Sum(), rows, {}, 1));
});

test.run();
