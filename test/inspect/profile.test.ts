// Where a step's time goes.
import { autograd, manualSeed, memory, multiloss, nn, optim, profile, randn, type Tensor, zeros } from 'gradloom';
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
  const trained = (watched: boolean): number[] => {
    manualSeed(3);
    const own = new nn.Linear(3, 2);
    const rate = new optim.Adam(own.parameters());
    const input = randn([5, 3]);
    const once = (): void => {
      rate.zeroGrad();
      own.forward(input).square().mean().backward();
      rate.step();
    };
    if (watched) profile(once, { steps: 4 });
    else for (let i = 0; i < 9; i++) once(); // five to warm up
    return own.parameters().flatMap((p) => [...p.data()]);
  };
  assert.equal(trained(true), trained(false));
  const before = memory().live;
  profile(step, { steps: 2 });
  assert.is(memory().live, before);
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
  throwsCode('SCOPE', /profile: the function is async/, () => profile(async () => step()));
  const timing = (given: unknown) => () => profile(step, { model, losses: given as never, steps: 1 });
  throwsCode(
    'VALUE',
    /losses must give tensors by name, got undefined/,
    timing(() => undefined),
  );
  throwsCode(
    'VALUE',
    /losses must give tensors by name/,
    timing(() => losses().a),
  );
  throwsCode(
    'SCOPE',
    /profile: the function is async/,
    timing(async () => losses()),
  );
  throwsCode('VALUE', /none of its parameters requires one/, () => profile(step, { model: new nn.ReLU(), losses, steps: 1 }));
});

test('a pass that waits is told as a pass; views stand in their layer; what a method combines is no forward', () => {
  const flat = new nn.Sequential(new nn.Flatten(), new nn.Linear(4, 1));
  const input = zeros([2, 2, 2]).requiresGrad_();
  const { rows } = profile(
    () => {
      flat.forward(input).square().mean().backward({ retainGraph: true });
      input.exp();
    },
    { model: flat, steps: 2 },
  );
  assert.ok(rows.some((r) => r.pass === 'backward' && r.op === 'square'));
  assert.ok(rows.filter((r) => r.pass === 'backward' && /reshape|view|flatten/.test(r.op)).every((r) => r.layer === '0'));
  assert.ok(rows.every((r) => Number.isInteger(r.calls * 2)));
  const combine = new multiloss.PCGrad();
  const several = profile(() => multiloss.backward(losses(), { combine }), { model, steps: 1 }).rows;
  assert.not.ok(several.some((r) => r.pass === 'forward' && /^(cat|matmul)$/.test(r.op)));
});

test('a profile and anomaly detection at once, begun and ended inside one another', () => {
  const wrong = (): Tensor => zeros([1]).requiresGrad_().mul(0).div(0);
  autograd.setDetectAnomaly(true, { strict: true });
  assert.ok(profile(step, { steps: 2 }).rows.length > 5);
  throwsCode('NONFINITE', /gave NaN/, () => profile(wrong, { steps: 1 }));
  autograd.setDetectAnomaly(false);
  profile(() => autograd.setDetectAnomaly(true, { strict: true }), { steps: 1 });
  throwsCode('NONFINITE', /gave NaN/, wrong);
  profile(() => autograd.setDetectAnomaly(false), { steps: 1 });
  wrong();
  const inner: number[] = [];
  const { rows } = profile(
    () => {
      inner.push(profile(() => randn([2]).exp(), { steps: 1 }).rows.length);
      step();
    },
    { steps: 1 },
  );
  assert.is(rows.find((r) => r.op === 'adamAll')?.calls, 1);
});

test('what waits when detection is turned on was asked for before', () => {
  const w = zeros([1]).requiresGrad_();
  w.sqrt().mul(0).backward({ retainGraph: true });
  autograd.setDetectAnomaly(true);
  assert.ok(Number.isNaN(w.grad?.item()));
  autograd.setDetectAnomaly(false);
});

test.run();
