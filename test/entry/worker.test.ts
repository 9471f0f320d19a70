// A run in a worker, driven from outside (Node's threads here; pages, Deno and Bun in test/runtimes).
import { Worker } from 'node:worker_threads';
import { run, serve } from 'gradloom/worker';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

interface Turn {
  step: number;
  sum: number;
  data: Float32Array;
}

let worker: Worker;
test.before(() => {
  // tsx in a thread: Node 20 does not take loaders from execArgv there.
  const source = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(new URL('./jobs.ts', import.meta.url).href)}); });`;
  worker = new Worker(source, { eval: true });
});
test.after(() => worker.terminate().then(() => undefined));

/** Bytes that tensors of the worker hold. */
const live = async (): Promise<unknown> => (await run(worker, { turns: 0 }).next()).value;

test('values come in order, then the result', async () => {
  const turns = run<Turn, number>(worker, { turns: 4 });
  for (const step of [0, 1, 2, 3]) assert.equal(await turns.next(), { done: false, value: { step, sum: 100 * (step + 1), data: Float32Array.of(step) } });
  assert.equal(await turns.next(), { done: true, value: 400 });
});

test('leaving the loop closes the generator: its tensors go back, and the next run starts afresh', async () => {
  const before = await live();
  for (let i = 0; i < 3; i++) for await (const { step } of run<Turn>(worker, { turns: 1000 })) if (step === 2) break;
  assert.is(await live(), before);
});

test('an abort rejects at once with its reason and ends the run', async () => {
  const before = await live();
  const stop = new AbortController();
  let turns = 0;
  try {
    for await (const _ of run<Turn>(worker, { turns: 1e9 }, { signal: stop.signal })) if (++turns === 3) setTimeout(() => stop.abort(new Error('enough')), 5);
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, 'enough');
  }
  assert.ok(turns >= 3);
  assert.is(await live(), before);
  await run(worker, {}, { signal: AbortSignal.abort() })
    .next()
    .then(
      () => assert.unreachable(),
      (error) => assert.is(error.name, 'AbortError'),
    );
});

test('what the job throws arrives as itself', async () => {
  const turns = run<Turn>(worker, { turns: 9, fail: true });
  let error: unknown;
  try {
    for await (const _ of turns);
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, RangeError);
  assert.is((error as Error).message, 'the job failed');
  assert.is((await run(worker, { turns: 1 }).next()).done, false, 'the worker serves on');
});

test('an error of the library keeps its code and op', async () => {
  const turns = run<Turn>(worker, { turns: 2, fail: true });
  await turns.next();
  await turns.next().then(
    () => assert.unreachable(),
    (error) => {
      assert.instance(error, Error);
      assert.equal([error.name, error.code, error.op], ['GradloomError', 'SHAPE', 'matmul']);
      assert.match(error.message, /inner sizes differ/);
    },
  );
});

test('a second run on the same worker ends the first, which says so', async () => {
  const first = run<Turn>(worker, { turns: 9 });
  await first.next();
  const second = run<Turn>(worker, { turns: 1 });
  assert.is(((await second.next()).value as Turn).step, 0);
  await first.next().then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /a later one started on the same worker/),
  );
  assert.is((await second.next()).value, 100);
});

test('a worker that does not load says so', async () => {
  const broken = new Worker('throw new Error("no such script")', { eval: true });
  await run(broken, {})
    .next()
    .then(
      () => assert.unreachable(),
      (error) => assert.match(error.message, /no such script/),
    );
});

test('serve outside of a worker is refused', () => {
  assert.throws(() => serve(function* () {}), /serve belongs in the script of a worker.*run\(worker, input\)/);
});

test.run();
