// Random numbers that the host draws for decisions of its own.
import { capture, Generator, manualSeed, rand, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawPermutations, drawUniform } from '../../src/tensor/random.ts';
import { throwsCode } from '../helpers.ts';

test('seeded: the same numbers again, others with another seed', () => {
  manualSeed(1);
  const [a, b] = [drawUniform(9), drawPermutations(3, 5)];
  manualSeed(1);
  assert.equal([drawUniform(9), drawPermutations(3, 5)], [a, b]);
  assert.not.equal(drawUniform(9), a);
  assert.ok(a.every((v) => v >= 0 && v < 1) && new Set(a).size === 9);
  for (let i = 0; i < 3; i++) assert.equal([...b.subarray(5 * i, 5 * i + 5)].sort(), [0, 1, 2, 3, 4]);
  assert.is(drawUniform(0).length, 0);
});

test('a captured step cannot draw on the host', () => {
  const step = capture((x: ReturnType<typeof zeros>) => {
    drawUniform(1);
    return x.add(1);
  });
  throwsCode('CAPTURE', /random numbers are drawn for the host/, () => {
    step(zeros([1]));
    step(zeros([1]));
  });
});

test('many numbers at once are the same stream as a few at a time, across the low word of the counter too', () => {
  for (const low of [0, 5, 0xfffffff9]) {
    const [a, b] = [new Generator(3), new Generator(3)];
    for (const g of [a, b]) g.setState([3, 0, low, 1]);
    const many = [...rand([66], { generator: a }).data()];
    const few = Array.from({ length: 17 }, (_, i) => [...rand([i < 16 ? 4 : 2], { generator: b }).data()]).flat();
    assert.equal(many, few);
    assert.equal(a.getState(), b.getState());
  }
});

test.run();
