// A run in a worker, driven from outside (Node's threads here; pages, Deno and Bun in test/runtimes).
import { Worker } from 'node:worker_threads';
import { GradloomError } from 'gradloom';
import { run, serve } from 'gradloom/worker';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

interface Turn {
  step: number;
  sum: number;
  data: Float32Array;
}

let worker: Worker;
const start = (): Worker => {
  // tsx in a thread: Node 20 does not take loaders from execArgv there.
  const source = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(new URL('./jobs.ts', import.meta.url).href)}); });`;
  return new Worker(source, { eval: true });
};
test.before(() => {
  worker = start();
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

/** What a run's first turn rejects with. */
const rejection = (turns: AsyncIterator<unknown>): Promise<GradloomError> =>
  turns.next().then(
    () => assert.unreachable() as never,
    (error) => error,
  );

test('what cannot be sent is told in words, and the generator is closed', async () => {
  const before = await live();
  const said: Record<string, RegExp> = {
    'a function': /^serve: what the job yields cannot be sent: .*could not be cloned.*loss\.item\(\)/,
    'a tensor': /^serve: what the job yields cannot be sent: it holds a tensor/,
    'a plain object thrown': /^\{"reason":"no data","at":3\}$/,
    'text thrown': /^no data$/,
    'nothing thrown': /^undefined$/,
    'an error with a cause': /^outer$/,
  };
  for (const [awkwardly, message] of Object.entries(said)) {
    const error = await rejection(run(worker, { turns: 1, awkwardly }));
    assert.instance(error, Error, awkwardly);
    assert.match(error.message, message);
    if (message.source.startsWith('^serve')) assert.equal([error.code, error instanceof GradloomError], ['WORKER', true]);
    assert.is(await live(), before, awkwardly);
  }
  const error = await rejection(run(worker, { turns: 1, callback: () => 1 }));
  assert.equal([error.code, error.op], ['WORKER', 'run']);
  assert.match(error.message, /the input cannot be sent: .*could not be cloned.*tensor\.data\(\)/);
  assert.is((await run(worker, { turns: 1 }).next()).done, false, 'the worker serves on');
});

test('a worker that exits, is terminated or is dead already rejects with the reason', async () => {
  const ended = async (turns: AsyncIterator<unknown>, message: RegExp): Promise<void> => {
    const error = await rejection(turns);
    assert.equal([error.code, error.op], ['WORKER', 'run']);
    assert.match(error.message, message);
  };
  const exiting = start();
  await ended(run(exiting, { turns: 3, awkwardly: 'exit' }), /the worker ended with exit code 3 before its run did\. Start a new worker/);
  await ended(run(exiting, {}), /the worker ended/);
  const between = start();
  const turns = run<Turn>(between, { turns: 1000 });
  await turns.next();
  await between.terminate();
  await ended(turns, /the worker ended with exit code 1/);
  const silent = new Worker("require('node:worker_threads').parentPort.on('message', () => {})", { eval: true });
  setTimeout(() => void silent.terminate(), 100);
  await ended(run(silent, {}), /the worker ended/);
  const thrown = new Worker("throw { code: 'E', why: [1] }", { eval: true });
  await ended(run(thrown, {}), /the worker failed: \{"code":"E","why":\[1\]\}/);
});

test('in a page, error, messageerror and Bun’s close reject; listeners go with the run', async () => {
  const fake = () => {
    const target = new EventTarget();
    const added = new Set<string>();
    return {
      added,
      tell: (event: Event) => target.dispatchEvent(event),
      postMessage: () => {},
      addEventListener: (type: string, f: (event: Event) => void) => {
        added.add(type);
        target.addEventListener(type, f);
      },
      removeEventListener: (type: string, f: (event: Event) => void) => {
        added.delete(type);
        target.removeEventListener(type, f);
      },
    };
  };
  const events: [Event, RegExp][] = [
    [Object.assign(new Event('error'), { message: 'Uncaught TypeError: x' }), /the worker failed: Uncaught TypeError: x/],
    [new Event('error'), /its script did not load/],
    [new Event('messageerror'), /a message of the worker could not be read/],
    [Object.assign(new Event('close'), { code: 9 }), /the worker ended with exit code 9/],
  ];
  for (const [event, message] of events) {
    const page = fake();
    const waiting = rejection(run(page, {}));
    page.tell(event);
    const error = await waiting;
    assert.match(error.message, message);
    assert.equal([error.code, page.added.size], ['WORKER', 0]);
  }
});

test('arguments of run and serve are checked', async () => {
  const refused = async (turns: AsyncIterator<unknown>, message: RegExp): Promise<void> => {
    const error = await rejection(turns);
    assert.is(error.code, 'VALUE');
    assert.match(error.message, message);
  };
  await refused(run(worker, {}, { sginal: 1 } as object), /run: there is no option 'sginal'/);
  await refused(run(worker, {}, { signal: {} as AbortSignal }), /run: options are an object \{ signal \}/);
  await refused(run(worker, {}, 3 as unknown as object), /run: options are an object/);
  await refused(run(worker, {}, null as unknown as object), /run: options are an object/);
  for (const wrong of [undefined, null, 'train.js', {}]) await refused(run(wrong as never, {}), /run: takes a Worker/);
  throwsCode('VALUE', /serve: takes a generator function, got 3/, () => serve(3 as never));
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
  throwsCode('WORKER', /serve belongs in the script of a worker.*run\(worker, input\)/, () => serve(function* () {}));
});

test.run();
