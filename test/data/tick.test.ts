// Loops that let the event loop live, and end when they are told to.
import { DataLoader, memory, ones, steps, TensorDataset, type Tensor, tick, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

test('timers and messages run during a tick, whatever the runtime offers', async () => {
  const host = globalThis as Record<string, unknown>;
  const { setImmediate: immediate, MessageChannel: channel, setTimeout: timeout } = globalThis;
  const hidden = [[], ['setImmediate'], ['setImmediate', 'MessageChannel']];
  try {
    for (const names of hidden) {
      for (const name of names) delete host[name];
      let ran = false;
      timeout(() => {
        ran = true;
      }, 0);
      for (let i = 0; i < 100 && !ran; i++) {
        await tick();
        await new Promise((resolve) => immediate(resolve));
      }
      assert.ok(ran, `without ${names.join()}`);
    }
    let asked = 0;
    host['scheduler'] = {
      postTask: (run: () => void) => {
        asked++;
        run();
      },
    };
    await tick();
    assert.is(asked, 1);
  } finally {
    delete host['scheduler'];
    Object.assign(globalThis, { setImmediate: immediate, MessageChannel: channel });
  }
});

test('with `after`, most ticks cost nothing', async () => {
  const host = globalThis as Record<string, unknown>;
  let yields = 0;
  host['scheduler'] = {
    postTask: (run: () => void) => {
      yields++;
      run();
    },
  };
  try {
    await tick();
    for (let i = 0; i < 50; i++) await tick({ after: 10_000 });
    assert.is(yields, 1);
  } finally {
    delete host['scheduler'];
  }
});

test('what runs during a tick is outside of the loop’s scopes', async () => {
  const made: Tensor[] = [];
  const before = memory().live;
  for (const step of steps(3)) {
    const mine = ones([1000]);
    setImmediate(() => made.push(zeros([step + 1])));
    await tick();
    await tick();
    assert.is(mine.sum().item(), 1000);
    const after = ones([10]);
    assert.is(after.sum().item(), 10);
  }
  assert.equal(
    made.map((t) => t.data().length),
    [1, 2, 3],
  );
  assert.ok(memory().live - before < 1000, 'the turns gave their tensors back');
});

test('two loops that take turns do not mix their tensors', async () => {
  const loop = async (n: number): Promise<number> => {
    let sum = 0;
    for (const step of steps(5)) {
      const x = ones([n]);
      await tick();
      sum += x.sum().item() + step;
    }
    return sum;
  };
  assert.equal(await Promise.all([loop(3), loop(4)]), [25, 30]);
});

test('an aborted signal ends loops with its reason, and their memory goes back', async () => {
  const dataset = new TensorDataset(ones([8, 2]));
  const loops = [(signal: AbortSignal) => steps(8, { signal }), (signal: AbortSignal) => new DataLoader(dataset, { signal })];
  for (const loop of loops) {
    const before = memory().live;
    const stop = new AbortController();
    let turns = 0;
    try {
      for (const _ of loop(stop.signal)) {
        ones([100]);
        if (++turns === 3) stop.abort(new Error('enough'));
      }
      assert.unreachable();
    } catch (error) {
      assert.is((error as Error).message, 'enough');
    }
    assert.is(turns, 3);
    assert.is(memory().live, before);
  }
});

test('tick ends with the signal’s reason, before and after it yields', async () => {
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  let turns = 0;
  const before = memory().live;
  try {
    for (const _ of steps(1000)) {
      ones([10]);
      turns++;
      await tick({ signal: stop.signal });
    }
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).name, 'AbortError');
  }
  assert.ok(turns < 100);
  assert.is(memory().live, before);
  await tick({ signal: stop.signal }).then(
    () => assert.unreachable(),
    (error) => assert.is(error.name, 'AbortError'),
  );
});

test('options are checked at once', async () => {
  const none = {} as AbortSignal;
  throwsCode('VALUE', /steps: signal must be an AbortSignal, got object/, () => steps(3, { signal: none }));
  throwsCode('VALUE', /DataLoader: signal must be an AbortSignal/, () => new DataLoader(new TensorDataset(ones([1])), { signal: none }));
  await tick({ after: -1 }).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /tick: after must be milliseconds ≥ 0, got -1/),
  );
});

test.run();
