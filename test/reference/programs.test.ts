// Random programs on the library and on the float64 reference. More of them, and PyTorch: `npm run programs`.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { check } from './check.ts';
import { generate } from './generate.ts';
import { run } from './program.ts';
import { reference } from './engines.ts';

for (let first = 1; first <= 500; first += 100) {
  test(`programs ${first} to ${first + 99} agree with the reference`, () => {
    for (let seed = first; seed < first + 100; seed++) assert.is(check(generate(seed)), null, `seed ${seed}`);
  });
}

test('programs have what can go wrong: writes, hooks, kept gradients, several losses, refusals', () => {
  const count: Record<string, number> = {};
  for (let seed = 1; seed <= 100; seed++) {
    const program = generate(seed);
    const { steps } = run(program, reference);
    for (const [i, { do: what }] of program.entries()) count[`${what} ${steps[i]}`] = (count[`${what} ${steps[i]}`] ?? 0) + 1;
  }
  for (const what of ['write ok', 'write INPLACE', 'view ok', 'backward ok', 'hook ok', 'postHook ok', 'retain ok', 'losses ok', 'grad ok', 'requiresGrad ok']) {
    assert.ok((count[what] ?? 0) >= 10, `${what}: ${count[what]}`);
  }
});

test.run();
