// The run with a known hash, on the sources: the suite over runtimes (main.ts) compares the packed library with the same hash.
import * as gradloom from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HASH, smoke } from './smoke.mjs';

test('the seeded run ends in the known bits', () => {
  assert.is(smoke(gradloom).hash, HASH, 'where kernels or random numbers changed on purpose, put the new hash into smoke.mjs');
});

test.run();
