// What the worker of ways.test.ts serves: every row, run plainly.
import { scope } from 'gradloom';
import { serve } from 'gradloom/worker';
import { cases } from '../ops/cases.ts';
import { inputsOf } from '../ops/inputs.ts';
import { plain } from './ways.ts';

serve(function* (sizes: readonly number[]): Generator<unknown, void, undefined> {
  for (const [at, c] of cases.entries()) for (const n of sizes) yield { at, n, outcome: scope(() => plain(c, inputsOf(c, n))) };
});
