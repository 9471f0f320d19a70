// Kernels that a program can call: the build refuses others.
import { test } from 'uvu';
import * as assert from 'uvu/assert';

type Signatures = Map<string, { types: string[] }>;
const { assertWords } = (await import(new URL('../../scripts/replay.mjs', import.meta.url).href)) as { assertWords: (all: Signatures, names: string[]) => void };

test('a kernel takes addresses, counts and flags of 32 bits', () => {
  const bad = ['f32', 'f64', 'i64', 'bool'];
  const all: Signatures = new Map(bad.map((type) => [type, { types: ['usize', type] }]));
  all.set('good', { types: ['usize', 'i32', 'u32'] });
  assertWords(all, ['good']);
  for (const type of bad) assert.throws(() => assertWords(all, ['good', type]), new RegExp(`^${type} takes ${type}: .* Pass its address`));
});

test.run();
