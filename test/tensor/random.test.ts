// Random numbers that the host draws for decisions of its own.
import { capture, manualSeed, zeros } from 'gradloom';
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

test.run();
