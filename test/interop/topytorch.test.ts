// What is written for PyTorch, and what is refused. Whether PyTorch agrees: npm run test:interop.
import { autograd, checkpoint, eye, linalg, manualSeed, multiloss, nn, ones, optim, randn, scope, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromPyTorch, loadOptimizer, saveOptimizer, toPyTorch } from '../../src/entry/interop.ts';
import { throwsCode } from '../helpers.ts';
import { METHODS, small } from './models.ts';

const text = (files: ReturnType<typeof toPyTorch>, name = 'model.py'): string => files[name] as string;

/** A module of one function. */
function of(fn: (x: Tensor) => unknown): nn.Module {
  class Net extends nn.Module {
    forward(x: Tensor): unknown {
      return fn(x);
    }
  }
  return new Net();
}
const forwardOf = (fn: (x: Tensor) => unknown, x = randn([4, 6])): string => /def forward[\s\S]*?(?=\n\n)/.exec(text(toPyTorch({ model: of(fn), example: [x] })))?.[0] ?? '';

test('layers keep their names and options', () => {
  class Net extends nn.Module {
    readonly conv = new nn.Conv2d(1, 4, 3, { padding: 1, stride: [2, 1], bias: false });
    readonly heads = { a: new nn.Linear(4, 2), b: new nn.Sequential(new nn.Flatten(), new nn.Dropout(0.25)) };
    readonly list = [new nn.Identity(), new nn.BatchNorm2d(4, { momentum: 0.2 })];
    readonly scale = new nn.Parameter(ones([4]));
    readonly seen = new nn.Buffer(zeros([2], { dtype: 'int32' }));
    forward(image: Tensor): Tensor[] {
      const h = (this.list[1] as nn.BatchNorm2d).forward(this.conv.forward(image));
      return [this.heads.a.forward(h.mean([2, 3]).mul(this.scale)), this.heads.b.forward(h)];
    }
  }
  const model = text(toPyTorch({ model: new Net(), example: [randn([6, 1, 4, 4])] }));
  for (const line of [
    'self.conv = nn.Conv2d(1, 4, 3, stride=(2, 1), padding=1, bias=False)',
    '"a": nn.Linear(4, 2),',
    'nn.Dropout(p=0.25),',
    'nn.BatchNorm2d(4, momentum=0.2),',
    'self.scale = nn.Parameter(torch.empty((4,)))',
    'self.register_buffer("seen", torch.zeros((2,), dtype=torch.int64))',
    'def forward(self, image):',
    'mean = list_1.mean((2, 3))',
    'mul = mean * self.scale',
    'a = self.heads["a"](mul)',
  ])
    assert.ok(model.includes(line), `${line}\n${model}`);
});

test('gradients of a gradient are calls of torch.autograd.grad', () => {
  const lines = forwardOf((x) => {
    const at = x.detach().requiresGrad_();
    const y = at.square().sum();
    const [first] = autograd.grad(y, [at], { createGraph: true });
    const start = tensor([1.5, 2], { requiresGrad: true });
    const [second, none] = autograd.grad([start.exp(), first.sum()], [start, tensor([1], { requiresGrad: true })], {
      gradOutputs: [ones([2]), null],
      allowUnused: true,
      retainGraph: true,
    });
    return [first, second, none];
  });
  for (const line of [
    'detach = x.detach().requires_grad_()',
    'grad = torch.autograd.grad([sum], detach, create_graph=True)[0]',
    'leaf = torch.tensor([1.5, 2.0]).requires_grad_()',
  ])
    assert.ok(lines.includes(line), lines);
});

test('sizes that go by the batch are taken from it', () => {
  assert.match(
    forwardOf((x) => x.reshape([3 * (x.shape[0] as number), 2])),
    /x\.reshape\(\(3 \* x\.size\(0\), 2\)\)/,
  );
  assert.match(
    forwardOf((x) => x.sum().div(4)),
    /\/ 4\.0/,
  );
  assert.match(
    forwardOf((x) => x.sum().div(x.shape[0] as number)),
    /\/ x\.size\(0\)/,
  );
  const odd = text(toPyTorch({ model: of((x) => (x.shape[0] === 4 ? x.mul(2) : x.add(1))), example: [randn([4, 6])] }));
  assert.match(text(toPyTorch({ model: of((x) => x.reshape([12, 2])), example: [randn([4, 6])] })), /Some sizes are those of the example batch/);
  assert.match(odd, /Some sizes are those of the example batch/);
});

test('modules of one class that differ in their parts share one in Python', () => {
  class Block extends nn.Module {
    readonly layer: nn.Linear;
    constructor(inner: number, outer: number) {
      super();
      this.layer = new nn.Linear(inner, outer);
    }
    forward(x: Tensor): Tensor {
      return this.layer.forward(x).relu();
    }
  }
  const model = text(toPyTorch({ model: new nn.Sequential(new Block(6, 3), new Block(3, 2)), example: [randn([4, 6])] }));
  assert.is(model.match(/class Block/g)?.length, 1);
  assert.match(model, /def __init__\(self, layer\):/);
  assert.match(model, /Block\(nn\.Linear\(6, 3\)\),\n\s+Block\(nn\.Linear\(3, 2\)\)/);
});

test('what training and evaluation do differently is an if', () => {
  class Net extends nn.Module {
    forward(x: Tensor): Tensor {
      return this.training ? x.mul(2) : x;
    }
  }
  const model = text(toPyTorch({ model: new Net(), example: [randn([4, 6])] }));
  assert.match(model, /if self\.training:\n {12}mul = x \* 2\.0\n {12}return mul\n {8}else:\n {12}return x/);
  assert.match(model, /has branches or loops/);
});

test('parts that were not called, tied and frozen ones are said', () => {
  class Net extends nn.Module {
    readonly a = new nn.Linear(6, 6, { bias: false });
    readonly b = new nn.Linear(6, 6, { bias: false });
    readonly again = this.a;
    readonly aux = of((x) => x);
    constructor() {
      super();
      Object.assign(this.b, { weight: this.a.weight });
      this.a.weight.requiresGrad_(false);
    }
    forward(x: Tensor): Tensor {
      return this.b.forward(this.again.forward(x));
    }
  }
  const model = text(toPyTorch({ model: new Net(), example: [randn([4, 6])] }));
  for (const line of [
    'aux: forward was not called',
    'self.b.weight = self.a.weight  # tied',
    'self.again = self.a  # one module under two names',
    'self.a.weight.requires_grad_(False)',
  ])
    assert.ok(model.includes(line), `${line}\n${model}`);
});

test('in-place writes, random numbers, dropout as a function, constants', () => {
  assert.match(
    forwardOf((x) => {
      const y = x.clone();
      y.select(1, 0).mul_(2);
      return y;
    }),
    /clone = x\.clone\(\)\n.*select = clone\.select\(1, 0\)\n.*mul = select \* 2\.0\n.*copy = select\.copy_\(mul\)\n.*return clone/,
  );
  assert.match(
    forwardOf((x) => nn.functional.dropout(x, { p: 0.1 })),
    /F\.dropout\(x, 0\.1, self\.training\)/,
  );
  assert.match(
    forwardOf((x) => x.add(randn([6]))),
    /x \+ torch\.randn\(6\)/,
  );
  const large = toPyTorch({ model: of((x) => x.matmul(randn([6, 9]).detach())), example: [randn([4, 6])] });
  assert.match(text(large), /torch\.randn\(6, 9\)/);
  const table = randn([6, 9]);
  const x = randn([4, 6]);
  manualSeed(5);
  const next = [...randn([2]).data()];
  manualSeed(5);
  const files = toPyTorch({ model: of((h) => nn.functional.dropout(h.matmul(table))), example: [x] });
  assert.equal([...randn([2]).data()], next, 'the random stream is left alone');
  assert.match(text(files), /x @ CONSTANTS\["c0"\]/);
  assert.equal(checkpoint.loadSafetensors(files['constants.safetensors'] as Uint8Array).c0?.data(), table.data());
});

test('what cannot be written is refused by name', () => {
  const refused = (what: RegExp, fn: (x: Tensor) => unknown, code: 'VALUE' | 'CAPTURE' = 'VALUE'): unknown => throwsCode(code, what, () => forwardOf(fn));
  refused(/^item: a value is read while a model is traced/, (x) => x.mul(x.sum().item()), 'CAPTURE');
  refused(/the op 'cholesky'.*has no counterpart/, (x) => linalg.cholesky(x.t().matmul(x).add(eye(6))));
  const hooked = new nn.Sequential(new nn.Linear(6, 2));
  hooked.at(0)?.registerForwardHook(() => {});
  throwsCode('VALUE', /the module 0 has hooks/, () => toPyTorch({ model: hooked, example: [randn([4, 6])] }));
  const lstm = new (class extends nn.Module {
    readonly lstm = new nn.LSTM(6, 2, { batchFirst: true });
    forward(x: Tensor): Tensor {
      return this.lstm.forward(x, null, { lengths: [1, 2, 2, 1] })[0];
    }
  })();
  throwsCode('VALUE', /lstm \(LSTM\) is called with lengths/, () => toPyTorch({ model: lstm, example: [randn([4, 2, 6])] }));
  const c = small({});
  const out = { model: c.model, example: c.data, losses: c.losses };
  throwsCode('VALUE', /the method GradNorm is not written to PyTorch, only Sum/, () => toPyTorch({ ...out, combine: new multiloss.GradNorm() }));
  throwsCode('VALUE', /the method ema\(MGDA\) is not written/, () => toPyTorch({ ...out, combine: multiloss.ema(new multiloss.MGDA(), 0.9) }));
  throwsCode('VALUE', /the optimizer LBFGS is not written/, () => toPyTorch({ ...out, optimizer: new optim.LBFGS(c.model.parameters()) }));
  const rate = new optim.lrScheduler.LambdaLR(c.optimizer, { lrLambda: () => 1 });
  throwsCode('VALUE', /the scheduler LambdaLR is not written/, () => toPyTorch({ ...out, optimizer: c.optimizer, scheduler: rate }));
  throwsCode('VALUE', /parameter 0 of the optimizer's group 0.*is none of the model/, () => toPyTorch({ ...out, optimizer: new optim.SGD([new nn.Parameter(ones([2]))]) }));
  throwsCode('VALUE', /losses must give scalar tensors by name/, () => toPyTorch({ ...out, losses: () => ones([2]) as never }));
  throwsCode('VALUE', /model must be a module/, () => toPyTorch({ example: c.data } as never));
  throwsCode('VALUE', /no option 'loses'. Did you mean 'losses'/, () => toPyTorch({ ...out, loses: 1 } as never));
});

test('every method that is compared has a file, and three losses under PCGrad', () => {
  for (const make of [...Object.values(METHODS), () => new multiloss.PCGrad()]) {
    const { model, data, losses, combine, optimizer } = small({ combine: make() });
    const files = toPyTorch({ model, example: data, losses, ...(combine && { combine }), optimizer });
    assert.match(text(files, 'method.py'), /^NEEDS = "(losses|gramian|jacobian)"$/m);
    assert.match(text(files, 'train.py'), /torchrun/);
    assert.is('method.safetensors' in files, combine instanceof multiloss.UncertaintyWeighting || combine instanceof multiloss.IMTLL);
  }
});

test("an optimizer's state in PyTorch's structure, and back", () => {
  const make = () => {
    manualSeed(1);
    const model = new nn.Linear(3, 2);
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 });
    return { model, optimizer, scheduler: new optim.lrScheduler.StepLR(optimizer, { stepSize: 1 }) };
  };
  const step = ({ model, optimizer, scheduler }: ReturnType<typeof make>): void =>
    scope(() => {
      optimizer.zeroGrad();
      model
        .forward(ones([4, 3]))
        .sum()
        .backward();
      optimizer.step();
      scheduler.step();
    });
  const a = make();
  step(a);
  const bytes = saveOptimizer(a.optimizer, { scheduler: a.scheduler });
  assert.equal(Object.keys(checkpoint.loadSafetensors(bytes)).sort(), [
    'state.0.exp_avg',
    'state.0.exp_avg_sq',
    'state.0.step',
    'state.1.exp_avg',
    'state.1.exp_avg_sq',
    'state.1.step',
  ]);
  const metadata = checkpoint.readMetadata(bytes);
  assert.equal(JSON.parse(metadata.optimizer as string).param_groups[0].params, [0, 1]);
  assert.equal(JSON.parse(metadata.scheduler as string), { last_epoch: 1, base_lrs: [0.1], _step_count: 2, _last_lr: [0.1 * 0.1] });
  const b = make();
  fromPyTorch({ 'weights.safetensors': checkpoint.saveSafetensors(a.model.stateDict()), 'optimizer.safetensors': bytes }, b);
  step(a);
  step(b);
  assert.equal(a.model.weight.data(), b.model.weight.data());
  assert.is(b.optimizer.paramGroups[0]?.lr, a.optimizer.paramGroups[0]?.lr);
});

test('nothing changes where a file is missing or does not fit', () => {
  const { model, optimizer } = small({});
  const weights = checkpoint.saveSafetensors(Object.fromEntries(Object.entries(model.stateDict()).map(([name, t]) => [name, t.mul(2)])));
  const before = model.parameters().map((p) => [...p.data()]);
  throwsCode('STATE', /there is no optimizer\.safetensors/, () => fromPyTorch({ 'weights.safetensors': weights }, { model, optimizer }));
  const other = saveOptimizer(new optim.SGD(new nn.Linear(2, 2).parameters()));
  throwsCode('STATE', /do not fit/, () => fromPyTorch({ 'weights.safetensors': weights, 'optimizer.safetensors': other }, { model, optimizer }));
  throwsCode('FORMAT', /metadata has no optimizer/, () => loadOptimizer(optimizer, weights));
  assert.equal(
    model.parameters().map((p) => [...p.data()]),
    before,
  );
});

test('modes, buffers and the random stream are as before', () => {
  const model = new nn.Sequential(new nn.BatchNorm1d(6), new nn.Dropout(), new nn.Linear(6, 1));
  model.at(1)?.eval();
  const seen = (): unknown[] => [model.modules().map((m) => m.training), ...model.buffers().map((b) => [...b.data()])];
  const [before, x] = [seen(), randn([4, 6])];
  manualSeed(5);
  const next = [...randn([2]).data()];
  manualSeed(5);
  const files = toPyTorch({ model, example: [x], losses: ([h]) => ({ l: nn.functional.dropout(model.forward(h as Tensor)).sum() }) });
  assert.ok('expected.json' in files);
  assert.equal([seen(), [...randn([2]).data()]], [before, next]);
});

test('a layer frozen in evaluation mode is named; tensors of an example keep their types', () => {
  const model = new nn.Sequential(new nn.Linear(6, 6), new nn.BatchNorm1d(6));
  model.at(1)?.eval();
  assert.match(text(toPyTorch({ model, example: [randn([4, 6])] })), /EVALUATING = \["1"\]/);
  const files = toPyTorch({ model: new nn.Embedding(5, 2), example: [tensor([1, 2], { dtype: 'int32' })] });
  assert.is(checkpoint.loadSafetensors(files['example.safetensors'] as Uint8Array)['0']?.dtype, 'int32');
});

test.run();
