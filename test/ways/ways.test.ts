// Every row of test/ops by every way that a user has: each gives the same bits as the function, called plainly.
import { Worker } from 'node:worker_threads';
import { scope } from 'gradloom';
import { run } from 'gradloom/worker';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cases } from '../ops/cases.ts';
import { inputsOf } from '../ops/inputs.ts';
import { type Outcome, plain, ways } from './ways.ts';

const SIZES = [1, 5];

/** Rows that take another path there, to the same within roundings. */
const ROUNDED: Readonly<Record<string, string>> = {
  'one input at a time: crossEntropy soft targets': 'where the target needs no gradient, the loss is one op; softmax − target cancels',
};

/** Where two outcomes differ, or null. An input that nothing reaches has no gradient, or zeros. */
function difference(got: Outcome, right: Outcome, relative = 0): string | null {
  if (`${got.shape}` !== `${right.shape}`) return `shape [${got.shape}], right [${right.shape}]`;
  const lists: [string, readonly number[] | null, readonly number[] | null][] = [['value', got.value, right.value]];
  if (got.gradients) for (const [i, x] of got.gradients.entries()) lists.push([`gradient ${i}`, x, right.gradients?.[i] ?? null]);
  for (const [what, a, b] of lists) {
    const at = (a ?? b ?? []).findIndex((_, i) => {
      const [x, y] = [a?.[i] ?? 0, b?.[i] ?? 0];
      return !(Math.abs(x - y) <= relative * Math.abs(y) || Object.is(x, y));
    });
    if (at >= 0) return `${what}[${at}] is ${a?.[at]}, right ${b?.[at]}`;
  }
  return null;
}

const said: string[] = [];
for (const [name, way] of Object.entries(ways)) {
  test(name, () => {
    const left = new Map<string, number>();
    const wrong: string[] = [];
    for (const c of cases)
      for (const n of SIZES)
        scope(() => {
          const inputs = inputsOf(c, n);
          const got = way(c, inputs);
          const found = typeof got === 'string' ? null : difference(got, plain(c, inputs) as Outcome, `${name}: ${c.name}` in ROUNDED ? 1e-5 : 0);
          if (typeof got === 'string') left.set(got, (left.get(got) ?? 0) + 1);
          if (found) wrong.push(`${c.name} of size ${n}: ${found}`);
        });
    if (left.size > 0) said.push(`${name}: left out ${[...left].map(([why, times]) => `${times} (${why})`).join(', ')}, of ${SIZES.length * cases.length}`);
    assert.equal(wrong, []);
  });
}

test('in a worker', async () => {
  const source = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)}); });`;
  const worker = new Worker(source, { eval: true });
  try {
    for await (const { at, n, outcome } of run<{ at: number; n: number; outcome: Outcome }>(worker, SIZES)) {
      const c = cases[at] as (typeof cases)[number];
      scope(() => assert.is(difference(outcome, plain(c, inputsOf(c, n)) as Outcome), null, `${c.name} of size ${n}`));
    }
  } finally {
    await worker.terminate();
  }
});
test.after(() => console.log(said.join('\n')));
test.run();
