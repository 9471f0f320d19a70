// Models that follow one another: what was trained in a scope, a turn or a `using` block, and what is left of it.
import { capture, GradloomError, keep, manualSeed, memory, multiloss, nn, optim, rand, scope, steps, type Tensor } from 'gradloom';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('models');
const KB = 1024;

const build = (): nn.Sequential => new nn.Sequential(new nn.Linear(64, 128), new nn.LayerNorm(128), new nn.ReLU(), new nn.Linear(128, 64));

/** A few steps; 64 kB of parameters, with gradients and two moments 256 kB. */
function train(model: nn.Module, optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })): typeof optimizer {
  const x = scope(() => rand([8, 64]));
  for (const _ of steps(3)) {
    optimizer.zeroGrad();
    const y = (model as nn.Sequential).forward(x) as Tensor;
    multiloss.backward({ size: y.square().mean(), level: y.mean() });
    optimizer.step();
  }
  return optimizer;
}

/** Live bytes that `n` runs leave, after one that may make what lasts. */
function left(run: () => void, n = 20): number {
  run();
  const before = memory().live;
  for (let i = 0; i < n; i++) run();
  return memory().live - before;
}

test.before(() => {
  manualSeed(3);
});

const optimizers = { SGD: { lr: 0.1, momentum: 0.9 }, Adam: { lr: 1e-3, amsgrad: true }, NAdam: {}, RMSprop: { momentum: 0.5, centered: true }, Adagrad: {}, ASGD: {}, Rprop: {} };
for (const [name, options] of Object.entries(optimizers)) {
  test(`a model made in a scope goes with it, and what ${name} remembers of it`, () => {
    const make = optim[name as 'Adam'];
    assert.ok(left(() => scope(() => void train(build(), new make(build().parameters(), options as optim.AdamOptions))), 3) < 2 * KB);
    assert.ok(
      left(() =>
        scope(() => {
          const model = build();
          train(model, new make(model.parameters(), options as optim.AdamOptions));
        }),
      ) <
        20 * 2 * KB,
    );
  });
}

test('a model that a scope returns lives on, in lists and objects too, with its gradients and its optimizer’s state', () => {
  const { model, optimizer } = scope(() => {
    const model = build();
    return { model, optimizer: train(model) };
  });
  const gradients = model.parameters().map((p) => p.grad?.toArray());
  scope(() => rand([64, 1024])); // writes over what was given back
  assert.equal(
    model.parameters().map((p) => p.grad?.toArray()),
    gradients,
  );
  const { state } = optimizer.stateDict();
  assert.ok(Object.values(state).every((s) => Object.values(s).every((t) => t.data().every(Number.isFinite))));
  train(model, optimizer);
  const [own] = scope(() =>
    [
      class extends nn.Module {
        #hidden = 1;
        readonly layer = new nn.Linear(2, 2);
        forward(x: Tensor): Tensor {
          return this.layer.forward(x).mul(this.#hidden);
        }
      },
    ].map((C) => new C()),
  );
  assert.is(own?.forward(rand([1, 2])).size, 2);
});

test('keep makes a model last', () => {
  let model: nn.Sequential | undefined;
  scope(() => {
    model = keep(build());
  });
  train(model as nn.Sequential);
  assert.throws(() => keep({} as never), /keep: input must be a tensor/);
});

test('a model that a scope took is named by the error', () => {
  let model: nn.Sequential | undefined;
  scope(() => {
    model = build();
  });
  assert.throws(
    () => model?.forward(rand([2, 64])),
    (e: Error) => e instanceof GradloomError && e.code === 'SCOPE' && /ended with a scope.*keep/.test(e.message),
  );
});

test('a model made in a turn of a loop outlives the turn', () => {
  let model: nn.Sequential | undefined;
  let optimizer: optim.Adam | undefined;
  for (const _ of steps(3)) {
    model ??= build();
    optimizer = train(model, optimizer);
  }
  assert.is(((model as nn.Sequential).forward(rand([2, 64])) as Tensor).size, 128);
});

test('dispose of a model takes gradients and moments along', () => {
  assert.ok(
    left(() => {
      const model = build();
      train(model);
      model.dispose();
    }) <
      20 * 3 * KB,
  );
});

test('nothing of an optimizer outlasts its model', () => {
  assert.is(
    left(() => {
      using model = build();
      const optimizer = new optim.Adam(model.parameters());
      for (const _ of steps(1)) {
        (model.forward(rand([8, 64])) as Tensor).sum().backward();
        optimizer.step();
      }
    }),
    0,
  );
});

test('an optimizer steps on where the first of its parameters was given back', () => {
  const [a, b] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
  const optimizer = new optim.SGD([...a.parameters(), ...b.parameters()], { lr: 1 });
  a.dispose();
  const before = b.weight.data();
  b.weight.sum().backward();
  optimizer.step();
  assert.equal(
    b.weight.data(),
    before.map((w) => w - 1),
  );
});

test('an optimizer’s state in a scope belongs to the parameter outside', () => {
  const model = build();
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  for (let i = 0; i < 3; i++) scope(() => void train(model, optimizer));
  const { state } = optimizer.stateDict();
  assert.is(Object.values(state)[0]?.step?.item(), 9);
});

test('loaded state goes with its parameters too', () => {
  const first = build();
  const saved = JSON.parse(JSON.stringify(train(first).stateDict()));
  assert.ok(
    left(() => {
      const model = build();
      const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
      optimizer.loadStateDict(saved);
      train(model, optimizer);
      model.dispose();
    }) <
      20 * 3 * KB,
  );
});

test('a captured step on a model of a scope', () => {
  assert.ok(
    left(() =>
      scope(() => {
        const model = build();
        const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
        const step = capture((x: Tensor) => {
          optimizer.zeroGrad();
          const loss = (model.forward(x) as Tensor).square().mean();
          loss.backward();
          optimizer.step();
          return loss;
        });
        const x = rand([8, 64]);
        const losses = Array.from({ length: 6 }, () => step(x).item());
        assert.ok((losses[5] as number) < (losses[0] as number));
        step.release();
      }),
    ) <
      20 * 4 * KB,
  );
});

test.run();
