// Loops that let the event loop live, and end when they are told to.
import { DataLoader, keep, memory, ones, steps, TensorDataset, type Tensor, tick, zeros } from 'gradloom';
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
  for (const t of made) t.dispose(); // not later, while another test counts
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

const sleep = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** A training loop of a task: what it makes in front of each pause is read behind it. */
async function task(turns: number, size: number, pauses: readonly (() => Promise<unknown>)[], kept: Tensor[]): Promise<number> {
  let sum = 0;
  for (const step of steps(turns)) {
    let x = ones([size]);
    for (const pause of pauses) {
      await pause();
      const y = x.mul(2);
      await pause();
      x = y.add(step);
      await pause();
    }
    sum += x.sum().item();
    if (step === turns - 1) kept.push(keep(x));
  }
  return sum;
}

test('no tensor of a task dies with another task’s turn, and nothing stays', async () => {
  const pauses: Record<string, (() => Promise<unknown>)[]> = {
    'each tick a turn': [() => tick()],
    'ticks that do not yield': [() => tick({ after: 1e4 })],
    'a mixture': [() => tick(), () => tick({ after: 1e4 }), async () => tick()],
  };
  for (const [name, list] of Object.entries(pauses)) {
    const kept: Tensor[] = [];
    const [alone] = [await task(5, 3, list, kept), await task(7, 3, list, kept)];
    const before = memory().live;
    const sums = await Promise.all([task(5, 3, list, kept), task(7, 3, list, kept), task(5, 3, list, kept)]);
    assert.equal([sums[0], sums[2]], [alone, alone], name);
    assert.is(memory().live - before, 3 * 12, name);
    for (const t of kept) t.dispose();
  }
});

test('behind another await than tick, turns that find one another open leave their tensors to the collector', async () => {
  const loop = async (n: number): Promise<number> => {
    let sum = 0;
    for (const step of steps(6)) {
      const x = ones([n]);
      await sleep();
      const y = x.mul(2);
      sum += y.sum().item() + step;
    }
    return sum;
  };
  assert.equal(await Promise.all([loop(3), loop(4), loop(5)]), [51, 63, 75]);
  const before = memory().live;
  await loop(1000);
  assert.is(memory().live, before, 'a loop alone stays flat');
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
  throwsCode('VALUE', /steps: signal must be an AbortSignal.*, got an object/, () => steps(3, { signal: none }));
  throwsCode('VALUE', /DataLoader: signal must be an AbortSignal/, () => new DataLoader(new TensorDataset(ones([1])), { signal: none }));
  await tick({ after: -1 }).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /tick: after must be milliseconds ≥ 0, got -1/),
  );
  const refused = async (options: object, message: RegExp): Promise<void> => {
    const error = await tick(options).then(
      () => assert.unreachable(),
      (e) => e,
    );
    assert.is(error.code, 'VALUE');
    assert.match(error.message, message);
  };
  await refused({ afterMs: 3 }, /tick: there is no option 'afterMs'/);
  await refused({ after: '8' }, /tick: after must be a number, got '8'/);
  await refused(8 as unknown as object, /tick: options are an object/);
  throwsCode('VALUE', /Did you mean 'signal'/, () => steps(3, { signl: none } as object));
  for (const n of [-1, 1.5, Number.NaN, '3', undefined, null]) throwsCode('VALUE', /steps: n must be a whole number ≥ 0, or Infinity/, () => steps(n as number));
});

test.run();
