// Captured equals eager, bit for bit; what cannot be replayed is refused; nothing grows.
import { capture, DataLoader, memory, multiloss, manualSeed, nn, noGrad, ones, optim, rand, randn, scope, type Tensor, TensorDataset, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';
import { cases } from '../ops/cases.ts';

interface Trainee {
  parameters: Tensor[];
  step: (x: Tensor, classes: Tensor, values: Tensor) => { loss1: Tensor; loss2: Tensor };
  /** The same with one backward pass over both losses. */
  sumStep: Trainee['step'];
  batch: () => [Tensor, Tensor, Tensor];
  optimizer: { paramGroups: { lr: number }[] };
}

/** A trunk with two heads, cross-entropy and MSE, Adam. */
function trainee(trunk: nn.Sequential, features: number, classes: number, values: number, input: readonly number[]): Trainee {
  const [a, b] = [new nn.Linear(features, classes), new nn.Linear(features, values)];
  const parameters = [trunk, a, b].flatMap((m) => m.parameters());
  const optimizer = new optim.Adam(parameters, { lr: 1e-2 });
  const losses = (x: Tensor, y: Tensor, v: Tensor): [Tensor, Tensor] => {
    optimizer.zeroGrad();
    const h = trunk.forward(x);
    return [nn.functional.crossEntropy(a.forward(h), y), nn.functional.mseLoss(b.forward(h), v)];
  };
  return {
    parameters,
    optimizer,
    sumStep: (x, y, v) => {
      const [loss1, loss2] = losses(x, y, v);
      loss1.add(loss2).backward();
      optimizer.step();
      return { loss1, loss2 };
    },
    batch: () => [
      rand(input),
      rand([input[0] as number])
        .mul(classes)
        .int(),
      randn([input[0] as number, values]),
    ],
    step: (x, y, v) => {
      const [loss1, loss2] = losses(x, y, v);
      loss1.backward({ retainGraph: true });
      loss2.backward();
      optimizer.step();
      return { loss1, loss2 };
    },
  };
}

const models: Record<string, () => Trainee> = {
  tiny: () => trainee(new nn.Sequential(new nn.Linear(2, 32), new nn.Tanh(), new nn.Linear(32, 32), new nn.Tanh()), 32, 3, 1, [32, 2]),
  mlp: () => trainee(new nn.Sequential(new nn.Linear(50, 40), new nn.ReLU(), new nn.Linear(40, 20), new nn.ReLU()), 20, 10, 50, [16, 50]),
  cnn: () =>
    trainee(
      new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Conv2d(4, 6, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
      ),
      54,
      10,
      1,
      [4, 1, 12, 12],
    ),
};

const bits = (t: Tensor | null): string => (t ? Buffer.from(t.data().buffer).toString('hex') : 'null');

for (const [name, make] of Object.entries(models)) {
  test(`${name}: 100 captured steps are 100 eager steps, to the bit`, () => {
    manualSeed(5);
    const eager = make();
    manualSeed(5);
    const other = make();
    const step = capture(other.step);
    for (let i = 0; i < 100; i++) {
      scope(() => {
        if (i === 50) for (const t of [eager, other]) for (const group of t.optimizer.paramGroups) group.lr = 1e-3;
        const batch = eager.batch();
        const [expected, got] = [eager.step(...batch), step(...batch)];
        assert.is(got.loss1.item(), expected.loss1.item(), `step ${i}`);
        assert.is(got.loss2.item(), expected.loss2.item(), `step ${i}`);
      });
    }
    assert.equal(other.parameters.map(bits), eager.parameters.map(bits));
    assert.equal(
      other.parameters.map((p) => bits(p.grad)),
      eager.parameters.map((p) => bits(p.grad)),
    );
    assert.ok((step.program?.calls ?? 0) > 20);
  });
}

test('every op case: value and gradients, captured as eager', () => {
  for (const c of cases) {
    scope(() => {
      const inputs = (c.shapes?.(5) ?? [[5]]).map((s, i) =>
        rand(s)
          .mul(0.4)
          .add(0.5 + i * 0.05),
      );
      const run = (...xs: Tensor[]): Tensor[] => {
        const leaves = xs.map((x) => x.clone().requiresGrad_());
        const y = c.run(...leaves);
        if (y.requiresGrad) y.mul(y).sum().backward();
        return [y, ...leaves.map((x) => x.grad ?? zeros([0]))];
      };
      const expected = run(...inputs).map(bits);
      const captured = capture(run);
      const calls = (): void => {
        for (let i = 0; i < 6; i++) assert.equal(captured(...inputs).map(bits), expected, `${c.name}, call ${i}`);
      };
      if (c.dataShape) throwsCode('CAPTURE', /depends on what the tensor holds/, calls);
      else calls();
      captured.release();
    });
  }
});

test('a strategy captures; its weights are read anew', () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const strategy = new multiloss.Weighted({ a: 1, b: 1 });
  const step = capture((x: Tensor) => {
    w.grad = null;
    strategy.backward({ a: w.mul(x).sum(), b: w.square().sum() });
    return w.grad as unknown as Tensor;
  });
  const x = ones([2]);
  const gradient = (): unknown => step(x).toArray();
  assert.equal(
    [gradient(), gradient(), gradient()],
    [
      [3, 5],
      [3, 5],
      [3, 5],
    ],
  );
  strategy.weights.b = 0.5;
  assert.equal(gradient(), [2, 3]);
});

test('random numbers move on from replay to replay', () => {
  manualSeed(11);
  const plain = Array.from({ length: 4 }, () => rand([3]).toArray());
  manualSeed(11);
  const step = capture(() => rand([3]));
  assert.equal(
    Array.from({ length: 4 }, () => step().toArray()),
    plain,
  );
});

test('what cannot be replayed is refused, with the line, and eager work goes on', () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const refused = (step: () => unknown, message: RegExp): void => {
    const captured = capture(step);
    captured();
    throwsCode('CAPTURE', message, captured);
    assert.equal(ones([2]).add(1).toArray(), [2, 2]);
  };
  refused(() => w.sum().item(), /item: a value is read inside a captured step \(.*capture\.test.*\)/s);
  refused(() => w.toArray(), /data: a value is read/);
  refused(() => String(w), /toString: a value is read/);
  refused(() => tensor([1]), /numbers of the host/);
  refused(() => manualSeed(3), /seeded/);
  refused(() => {
    const y = w.mul(2);
    y.registerHook(() => {});
    y.sum().backward();
  }, /hook/);
  refused(() => capture(() => ones([1]))(), /inside another/);
});

test('wrong inputs are refused; bad labels are found in replays too', () => {
  const layer = new nn.Linear(2, 3);
  const optimizer = new optim.SGD(layer.parameters(), { lr: 0.1 });
  const step = capture((x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(layer.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
  const y = tensor([0, 2], { dtype: 'int32' });
  for (let i = 0; i < 3; i++) step(ones([2, 2]), y);
  throwsCode('CAPTURE', /called with 1 input, the first time with 2/, () => (step as unknown as (x: Tensor) => unknown)(ones([2, 2])));
  throwsCode('CAPTURE', /input 1 is 'no', neither a tensor nor a number/, () => step(ones([2, 2]), 'no' as never));
  throwsCode('CAPTURE', /input 1 is undefined/, () => step(ones([2, 2]), undefined as never));
  throwsCode('SHAPE', /do not fit/, () => step(ones([3, 2]), y)); // as the plain step
  throwsCode('CAPTURE', /requires a gradient/, () => step(ones([2, 2], { requiresGrad: true }), y));
  const before = bits(layer.weight);
  throwsCode('INDEX', /class 7 at position 1/, () => step(ones([2, 2]), tensor([0, 7], { dtype: 'int32' })));
  assert.is(bits(layer.weight), before, 'nothing stepped');
  assert.ok(Number.isFinite(step(ones([2, 2]), y).item()));
});

test('gradients cleared outside of a step that adds to them', () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const step = capture(() => w.square().sum().backward());
  for (let i = 1; i < 20; i++) {
    step();
    const times = 1 + ((i - 1) % 7);
    assert.equal(w.grad?.toArray(), [2 * times, 4 * times]);
    if (i % 7 === 0) w.grad = null;
  }
});

test('what is no step is refused', () => {
  throwsCode('VALUE', /capture: the step must be a function, got 3/, () => capture(3 as never));
  throwsCode('VALUE', /at most 1 argument/, () => (capture as (...given: unknown[]) => unknown)(() => 1, {}));
  const step = capture(async () => ones([1]));
  throwsCode('CAPTURE', /the step is async.*Await outside/, step);
  assert.is(ones([1]).item(), 1);
});

test('several shapes have programs of their own, 8 at most; a number may be an input', () => {
  const live = memory().live;
  const step = capture((x: Tensor, beta: Tensor) => x.mul(beta).tanh());
  let most = 0;
  for (let round = 0; round < 4; round++) {
    for (let n = 1; n <= 12; n++) {
      scope(() => {
        const x = rand([n * 100]);
        for (let i = 0; i < 8; i++) assert.is(bits(step(x, i / 8)), bits(x.mul(i / 8).tanh()));
      });
      most = Math.max(most, step.program?.bytes ?? 0);
      assert.ok((step.program?.bytes ?? 0) <= memory().live - live);
    }
  }
  // Of 1200 numbers in, and 1200 out (in one place with what is between), and less for the seven others.
  assert.ok(most > 8 * 4 * 2 * 800 && most < 8 * 4 * 2 * 1300, `${most}`);
  step.release();
  assert.is(step.program, null);
  assert.ok(memory().live - live < 1000, `${memory().live - live} left`);
  assert.is(bits(step(ones([100]), 0.5)), bits(ones([100]).mul(0.5).tanh()));
  assert.is(bits(step(ones([100]), 1)), bits(ones([100]).tanh()));
});

test('a report that the step leaves to the host shows the latest call, whichever program ran', () => {
  const run = (captured: boolean): string[] => {
    manualSeed(1);
    const w = tensor([1, -2], { requiresGrad: true });
    const combine = new multiloss.UPGrad();
    let report: multiloss.BackwardReport | undefined;
    const plain = (x: Tensor): void => {
      w.grad = null;
      report = multiloss.backward({ a: w.mul(x).sum(), b: w.square().sum() }, { combine });
    };
    const step = captured ? capture(plain) : plain;
    return Array.from({ length: 30 }, (_, i) => {
      scope(() => step(randn([i % 3 === 2 ? 1 : 4, 2])));
      return JSON.stringify(report);
    });
  };
  assert.equal(run(true), run(false));
});

test('constants that a step is the first to use, when many are kept already', () => {
  const x = ones([3]);
  for (const from of [5, 2000]) {
    for (let i = 0; i < from; i++) x.add(i + 0.25);
    let calls = 0;
    const step = capture((beta: Tensor) => {
      // The first call takes other numbers than the next: what is recorded is new to it.
      const own = calls++ === 0 ? 1 : 7000;
      return x
        .mul(own + from + 0.125)
        .add(own + from + 0.375)
        .mul(beta);
    });
    step(0);
    const expected = x.mul(7000 + from + 0.125).add(7000 + from + 0.375);
    for (let i = 1; i < 20; i++) assert.is(bits(step(i)), bits(expected.mul(i)), `call ${i}`);
  }
});

test('a number that changes: CAPTURE names both, and what the message says helps', () => {
  const x = ones([2]);
  let beta = 0;
  const step = capture(() => x.mul(beta).sum());
  const values = (f: () => Tensor): number[] =>
    [0, 1, 2, 3].map((v) => {
      beta = v;
      return f().item();
    });
  throwsCode('CAPTURE', /mul \(.*capture\.test.*takes the number 2, where 1 was recorded.*step\(x, 0\.5\).*release\(\)/s, () => values(step));
  const withInput = capture((b: Tensor) => x.mul(b).sum());
  assert.equal(
    values(() => withInput(beta)),
    [0, 2, 4, 6],
  );
  const released = capture(() => x.mul(beta).sum());
  assert.equal(
    values(() => {
      released.release();
      return released();
    }),
    [0, 2, 4, 6],
  );
  const branches = [capture(() => x.mul(2).sum()), capture(() => x.exp().log().sum())] as const;
  for (let i = 0; i < 12; i++) assert.ok(Math.abs((branches[i % 2] as () => Tensor)().item() - (i % 2 ? 2 : 4)) < 1e-6);
});

test('a tensor from outside that has ended is noticed', () => {
  let step: (() => Tensor) | undefined;
  scope(() => {
    const outside = ones([2]);
    step = capture(() => outside.mul(2));
    step();
    step();
  });
  throwsCode('CAPTURE', /ended with a scope/, () => step?.());
});

test('10 000 captured steps over a loader: memory is flat, and what a release gives back is all of it', () => {
  manualSeed(2);
  const t = (models.tiny as () => Trainee)();
  const [x, y, v] = t.batch();
  const loader = new DataLoader(new TensorDataset(x, y, v), { batchSize: 8, shuffle: true });
  const step = capture(t.step);
  let done = 0;
  let warm = 0;
  for (; done < 10_000; ) {
    for (const batch of loader) {
      step(...batch);
      done++;
    }
    if (done === 100) warm = memory().live;
  }
  assert.is(memory().live, warm);
  const bytes = step.program?.bytes ?? 0;
  const expected = t.parameters.map((p) => bits(p.grad));
  step.release();
  // Gradients lay in the program's memory; leaves keep them.
  const gradients = t.parameters.reduce((n, p) => n + 4 * p.size, 0);
  assert.ok(warm - memory().live >= bytes - gradients, `${warm - memory().live} of ${bytes} - ${gradients} given back`);
  assert.equal(
    t.parameters.map((p) => bits(p.grad)),
    expected,
  );
  t.step(x, y, v);
});

test('element-by-element results take the place of what is read last', () => {
  const x = rand([1000]);
  const run = (v: Tensor): Tensor => noGrad(() => v.tanh().exp().mul(v).sigmoid().add(1));
  const step = capture(run);
  for (let i = 0; i < 6; i++) assert.equal(bits(step(x)), bits(run(x)));
  // The input, which is read again in the middle, one buffer for all five results (aligned to 64 bytes), and the words of the calls.
  assert.is(step.program?.bytes, 4000 + 4032 + 4 * (5 + 3 * 3 + 2 * 12));
});

/** The bench’s models in their own sizes. */
const large: Record<string, () => Trainee> = {
  tiny: models.tiny as () => Trainee,
  mlp: () => trainee(new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 128), new nn.ReLU()), 128, 10, 784, [64, 784]),
  cnn: () =>
    trainee(
      new nn.Sequential(
        new nn.Conv2d(1, 8, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Conv2d(8, 16, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
      ),
      784,
      10,
      1,
      [32, 1, 28, 28],
    ),
};

for (const [name, make] of Object.entries(large)) {
  test(`${name}: a captured step needs at most 60 % of the eager one’s memory, gradients included`, () => {
    const t = make();
    const batch = t.batch();
    scope(() => t.sumStep(...batch));
    const base = memory().live - t.parameters.reduce((n, p) => n + 4 * p.size, 0);
    memory({ resetPeak: true });
    scope(() => t.sumStep(...batch));
    const eager = memory().peak - base;
    const step = capture(t.sumStep);
    scope(() => step(...batch));
    scope(() => step(...batch));
    const captured = step.program?.bytes ?? Number.POSITIVE_INFINITY;
    assert.ok(captured <= 0.6 * eager, `${captured} of ${eager} bytes`);
  });
}

test('gradients of a captured step stand until the next call, and are none where it fails', () => {
  const layer = new nn.Linear(2, 3);
  const step = capture((x: Tensor, y: Tensor) => {
    layer.zeroGrad();
    nn.functional.crossEntropy(layer.forward(x), y).backward();
  });
  const labels = (k: number): Tensor => tensor([0, k], { dtype: 'int32' });
  for (let i = 0; i < 6; i++) {
    const x = rand([2, 2]);
    step(x, labels(2));
    const got = bits(layer.weight.grad);
    layer.zeroGrad();
    nn.functional.crossEntropy(layer.forward(x), labels(2)).backward();
    assert.is(got, bits(layer.weight.grad), `call ${i}`);
  }
  throwsCode('INDEX', /class 7/, () => step(ones([2, 2]), labels(7)));
  assert.is(layer.weight.grad, null);
});

test.run();
