// Modes that are set for a while.
import { nn } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withModes } from '../../src/module/modes.ts';

test('every part has its own mode again, also where it throws', () => {
  const [one, other] = [new nn.Sequential(new nn.Dropout(), new nn.ReLU()), new nn.Linear(1, 1)];
  one.at(0)?.eval();
  const modes = (): boolean[] => [...one.modules(), other].map((m) => m.training);
  const before = modes();
  assert.equal(before, [true, false, true, true]);
  const ran = withModes([one, other], () => {
    one.train();
    other.eval();
    return modes();
  });
  assert.equal([ran, modes()], [[true, true, true, false], before]);
  assert.throws(() =>
    withModes([one], () => {
      one.eval();
      throw new Error('no');
    }),
  );
  assert.equal(modes(), before);
});

test.run();
