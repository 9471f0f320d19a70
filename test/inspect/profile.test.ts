// Where a step's time goes.
import { memory, multiloss, nn, optim, profile, randn, type Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

class Heads extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU());
  a = new nn.Linear(16, 1);
  b = new nn.Linear(16, 2);
  forward(x: Tensor): [Tensor, Tensor] {
    const h = this.trunk.forward(x);
    return [this.a.forward(h), this.b.forward(h)];
  }
}
const model = new Heads();
const optimizer = new optim.Adam(model.parameters());
const x = randn([4, 8]);
const losses = (): { a: Tensor; b: Tensor } => {
  const [a, b] = model.forward(x);
  return { a: a.square().mean(), b: b.square().mean() };
};
const step = (): void => {
  optimizer.zeroGrad();
  const { a, b } = losses();
  a.add(b).backward();
  optimizer.step();
};

test('calls, time and bytes by op and by layer, forward and backward', () => {
  const found = profile(step, { model, steps: 4, losses });
  const calls = (op: string, pass: string, layer: string): number => found.rows.find((r) => r.op === op && r.pass === pass && r.layer === layer)?.calls ?? 0;
  for (const pass of ['forward', 'backward']) {
    assert.is(calls('linear', pass, 'trunk.0'), 1);
    assert.is(calls('relu', pass, 'trunk.1'), 1);
    assert.is(calls('linear', pass, 'a'), 1);
    assert.is(calls('add', pass, ''), 1);
  }
  assert.is(found.rows.find((r) => r.op === 'linear' && r.pass === 'forward' && r.layer === 'trunk.0')?.bytes, 4 * 4 * 16);
  assert.ok(calls('adamAll', 'other', '') > 0);
  assert.ok(found.rows.every((r) => r.ms >= 0 && Number.isFinite(r.ms)));
  assert.ok(found.rows.reduce((sum, r) => sum + r.ms, 0) <= found.ms * 1.001);
  assert.equal(Object.keys(found.losses), ['a', 'b']);
  assert.match(String(found), /linear +forward +3 .*\n[\s\S]*trunk\.0 +forward[\s\S]*gradient of +ms\n[\s\S]*ms a step while watched$/);
});

test('the trace is one step of events that do not overlap', () => {
  const { traceEvents } = profile(step, { steps: 2 }).trace;
  assert.ok(traceEvents.length > 10);
  const sorted = [...traceEvents].sort((p, q) => p.ts - q.ts);
  sorted.slice(1).forEach((e, i) => {
    const before = sorted[i] as typeof e;
    assert.ok(before.ts + before.dur <= e.ts + 1e-3, `${before.name} and ${e.name}`);
  });
  assert.equal(Object.keys(JSON.parse(JSON.stringify(traceEvents[0]))), ['name', 'cat', 'ts', 'dur', 'args', 'ph', 'pid', 'tid']);
});

test('several losses in one walk', () => {
  const combine = new multiloss.UPGrad();
  const { rows } = profile(
    () => {
      optimizer.zeroGrad();
      multiloss.backward(losses(), { combine });
      optimizer.step();
    },
    { model, steps: 2 },
  );
  assert.ok(rows.some((r) => r.pass === 'backward' && r.layer === 'trunk.0'));
});

test('the same bits while watched; nothing stays, also after an error', () => {
  const before = memory().live;
  profile(step, { steps: 2 });
  assert.ok(memory().live <= before + 4096);
  let calls = 0;
  throwsCode('DTYPE', /stop/, () =>
    profile(() => {
      if (++calls === 7) model.forward('stop' as never);
    }),
  );
  step();
  throwsCode('VALUE', /no option 'step'. Did you mean 'steps'/, () => profile(step, { step: 1 } as never));
  throwsCode('VALUE', /Give model too/, () => profile(step, { losses }));
  throwsCode('VALUE', /the step must be a function/, () => profile(1 as never));
});

test.run();
