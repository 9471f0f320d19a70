// Modules: finding state, saving it, hooks, modes.
import { keep, nn, noGrad, ones, scope, steps, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

class Digits extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU(), new nn.Linear(3, 2));
  heads = [new nn.Linear(2, 1), new nn.Linear(2, 5, { bias: false })];
  scale = new nn.Parameter(ones([1]));
  mean = new nn.Buffer(zeros([2]));
  note = 'not state';

  forward(x: Tensor) {
    const h = this.trunk.forward(x).mul(this.scale);
    return { a: (this.heads[0] as nn.Linear).forward(h), b: (this.heads[1] as nn.Linear).forward(h) };
  }
}

test('fields that are modules, parameters or buffers are found, with dotted names', () => {
  const model = new Digits();
  assert.equal(
    [...model.namedParameters()].map(([name, p]) => [name, p.shape]),
    [
      ['scale', [1]],
      ['trunk.0.weight', [3, 4]],
      ['trunk.0.bias', [3]],
      ['trunk.2.weight', [2, 3]],
      ['trunk.2.bias', [2]],
      ['heads.0.weight', [1, 2]],
      ['heads.0.bias', [1]],
      ['heads.1.weight', [5, 2]],
    ] as never,
  );
  assert.equal(
    [...model.namedBuffers()].map(([name]) => name),
    ['mean'],
  );
  assert.is(model.parameters()[1]?.label, 'trunk.0.weight');
});

test('a parameter shared by two modules counts once', () => {
  class Tied extends nn.Module {
    a = new nn.Linear(2, 2);
    b = this.a;
    forward(x: Tensor): Tensor {
      return this.b.forward(this.a.forward(x));
    }
  }
  assert.is(new Tied().parameters().length, 2);
});

test('a state dict round trip gives the same outputs; a bad one changes nothing', () => {
  const [a, b] = [new Digits(), new Digits()];
  const x = tensor([[1, 2, 3, 4]]);
  assert.not.equal(a.forward(x).b.toArray(), b.forward(x).b.toArray());
  b.loadStateDict(a.stateDict());
  assert.equal(a.forward(x).b.toArray(), b.forward(x).b.toArray());
  const before = b.forward(x).b.toArray();
  const { scale, ...rest } = new Digits().stateDict();
  throwsCode('STATE', /missing scale/, () => b.loadStateDict(rest));
  throwsCode('STATE', /unexpected extra/, () => b.loadStateDict({ ...rest, scale: scale as Tensor, extra: ones([1]) }));
  throwsCode('STATE', /scale is \[1\] here, \[2\] there/, () => b.loadStateDict({ ...rest, scale: ones([2]) }, { strict: false }));
  assert.equal(b.forward(x).b.toArray(), before);
  b.loadStateDict({ scale: tensor([3]) }, { strict: false });
  assert.is(b.scale.item(), 3);
});

test('parameters outlive the turn of a loop that made them, and a scope that returns them', () => {
  const model = scope(() => new nn.Linear(2, 2));
  assert.equal(model.forward(ones([1, 2])).shape, [1, 2]);
  let late: nn.Linear | undefined;
  for (const _ of steps(1)) {
    late = new nn.Linear(2, 2);
    late
      .forward(ones([1, 2]))
      .sum()
      .backward();
  }
  assert.equal(late?.weight.grad?.toArray(), [
    [1, 1],
    [1, 1],
  ]);
});

test('Linear starts uniform within ±1/√in and refuses other inputs by shape', () => {
  const layer = new nn.Linear(100, 50);
  const bound = 1 / 10;
  assert.ok(layer.weight.abs().max().item() <= bound && layer.weight.abs().max().item() > 0.9 * bound);
  layer.parameters();
  throwsCode('SHAPE', /linear.*inFeatures of 'weight': \[2, 4\] × \[50, 100\].*inFeatures/s, () => layer.forward(ones([2, 4])));
  throwsCode('VALUE', /inFeatures must be a whole number ≥ 1, got 0/, () => new nn.Linear(0, 3));
});

test('train and eval reach every module; freezing stops gradients', () => {
  const model = new Digits().eval();
  assert.is((model.heads[0] as nn.Linear).training, false);
  assert.is(model.train().trunk.training, true);
  model.trunk.requiresGrad_(false);
  const { a, b } = model.forward(ones([1, 4]));
  a.add(b).sum().backward();
  assert.is(model.parameters().filter((p) => p.grad).length, 4);
  model.zeroGrad();
  assert.is(model.parameters().filter((p) => p.grad).length, 0);
});

test('forward hooks wrap the one forward, and come off', () => {
  const layer = new nn.Linear(2, 2);
  const seen: string[] = [];
  const pre = layer.registerForwardPreHook((_, [x]) => {
    seen.push('pre');
    return [(x as Tensor).mul(0)];
  });
  const post = layer.registerForwardHook((_, __, y) => {
    seen.push('post');
    return (y as Tensor).add(1);
  });
  const y = layer.forward(ones([1, 2]));
  assert.equal(seen, ['pre', 'post']);
  assert.equal(y.toArray(), layer.bias?.add(1).reshape([1, 2]).toArray());
  pre.remove();
  post.remove();
  layer.forward(ones([1, 2]));
  assert.is(seen.length, 2);
});

test('activations match their functions', () => {
  const x = tensor([[-1, 0.5, 2]]);
  const pairs: [nn.Layer, Tensor][] = [
    [new nn.ReLU(), x.relu()],
    [new nn.Tanh(), x.tanh()],
    [new nn.Sigmoid(), x.sigmoid()],
    [new nn.GELU(), nn.functional.gelu(x)],
    [new nn.SiLU(), nn.functional.silu(x)],
    [new nn.LeakyReLU({ negativeSlope: 0.3 }), nn.functional.leakyRelu(x, { negativeSlope: 0.3 })],
    [new nn.ELU({ alpha: 2 }), nn.functional.elu(x, { alpha: 2 })],
    [new nn.Softplus({ beta: 3 }), nn.functional.softplus(x, { beta: 3 })],
    [new nn.Softmax(1), x.softmax(1)],
    [new nn.LogSoftmax(1), x.logSoftmax(1)],
    [new nn.Flatten(), x],
    [new nn.Identity(), x],
  ];
  for (const [layer, expected] of pairs) assert.equal(layer.forward(x).toArray(), expected.toArray());
});

test('an embedding looks rows up; the padding row starts at zero and gets no gradient', () => {
  const table = new nn.Embedding(4, 3, { paddingIdx: -1 });
  const index = tensor(
    [
      [1, 3],
      [1, 0],
    ].flat(),
    { dtype: 'int32' },
  ).reshape([2, 2]);
  const y = table.forward(index);
  assert.equal(y.shape, [2, 2, 3]);
  assert.equal((y.toArray() as number[][][])[0]?.[1], [0, 0, 0]);
  y.sum().backward();
  assert.equal(table.weight.grad?.toArray(), [
    [1, 1, 1],
    [2, 2, 2],
    [0, 0, 0],
    [0, 0, 0],
  ] as never);
  throwsCode('INDEX', /index 4 at position 0/, () => table.forward(tensor([4], { dtype: 'int32' })));
  throwsCode('VALUE', /paddingIdx/, () => new nn.Embedding(4, 3, { paddingIdx: 4 }));
});

test('keep lets a tensor of the loop live on as module state', () => {
  const held = scope(() => keep(ones([2])));
  noGrad(() => held.add_(1));
  assert.equal(held.toArray(), [2, 2]);
});

test('options of PyTorch that are not there are refused', () => {
  const model = new nn.Sequential(new nn.Linear(1, 1)) as unknown as Record<string, (...given: unknown[]) => unknown>;
  const hook = (): void => {};
  const calls: [string, ...unknown[]][] = [
    ['parameters', { recurse: false }],
    ['stateDict', { prefix: 'm.' }],
    ['train', true, {}],
    ['requiresGrad_', true, {}],
    ['registerForwardHook', hook, { prepend: true }],
    ['registerForwardPreHook', hook, { withKwargs: true }],
    ['registerFullBackwardHook', hook, { prepend: true }],
  ];
  for (const [name, ...given] of calls) throwsCode('VALUE', new RegExp(`^${name}: takes at most`), () => model[name]?.(...given));
  for (const name of ['namedParameters', 'namedBuffers'])
    throwsCode('VALUE', new RegExp(`^${name}: takes at most 0`), () => Array.from(model[name]?.({ prefix: 'm.' }) as Iterable<unknown>));
  throwsCode('VALUE', /^namedModules: the prefix/, () => Array.from(model.namedModules?.({ removeDuplicate: false }) as Iterable<unknown>));
  throwsCode('VALUE', /^Buffer: takes at most 1/, () => Reflect.construct(nn.Buffer, [zeros([1]), { persistent: false }]));
});

test('parts by name and by path; apply goes from the inside out', () => {
  const model = new Digits();
  const shared = new nn.ModuleList([model.trunk, model.trunk, new nn.ReLU()]);
  assert.equal(
    [...model.namedChildren()].map(([name]) => name),
    ['trunk', 'heads.0', 'heads.1'],
  );
  assert.equal(model.children(), [model.trunk, ...model.heads]);
  assert.equal(shared.children(), [model.trunk, shared.at(2)]);
  assert.is(Object.keys(shared.stateDict()).length, 8);
  assert.equal(model.modules()[0], model);
  assert.is(model.modules().length, 7);
  assert.equal(model.buffers(), [model.mean]);
  assert.equal(
    [model.getSubmodule(''), model.getSubmodule('heads.1'), model.getSubmodule('trunk.2'), shared.getSubmodule('1.0')],
    [model, model.heads[1], model.trunk.at(2), model.trunk.at(0)],
  );
  assert.equal([model.getParameter('trunk.0.weight'), model.getParameter('scale'), model.getBuffer('mean')], [model.parameters()[1], model.scale, model.mean]);
  assert.is(shared.getParameter('1.0.weight'), shared.getParameter('0.0.weight'));
  for (const find of [
    () => model.getSubmodule('trunk.weight'),
    () => model.getSubmodule('heads'),
    () => model.getSubmodule('trunk.'),
    () => model.getParameter('mean'),
    () => model.getParameter(''),
    () => model.getBuffer('scale'),
  ])
    throwsCode('STATE', /there is none at '/, find as () => void);
  throwsCode('VALUE', /getSubmodule: the path must be text, got 3/, () => model.getSubmodule(3 as never));
  const order: string[] = [];
  assert.is(
    model.apply((m) => order.push(m.constructor.name)),
    model,
  );
  assert.equal(order, ['Linear', 'ReLU', 'Linear', 'Sequential', 'Linear', 'Linear', 'Digits']);
  model.apply((m) => void m.eval());
  assert.is(model.heads[0]?.training, false);
  throwsCode('VALUE', /apply: the function must be a function/, () => model.apply(3 as never));
});

test('apply, train and getSubmodule end where a module holds what is around it', () => {
  class Inner extends nn.Module {
    outer: nn.Module | null = null;
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const [a, b] = [new Inner(), new Inner()];
  a.outer = b;
  b.outer = a;
  let count = 0;
  a.apply(() => count++).eval();
  assert.equal([count, b.training, a.getSubmodule('outer.outer')], [2, false, a]);
});

test.run();
