import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as g from 'gradloom';
import type { Graph, Node, Value } from '../../src/interop/graph.ts';
import { trace } from '../../src/interop/trace.ts';

const { nn } = g;
const ops = ({ nodes }: Graph): string[] => nodes.map((n) => n.op);

test('ops in order, with options, shapes, and the names of parameters', () => {
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 2));
  const graph = trace(model, [g.randn([5, 3])]);
  assert.equal(ops(graph), ['linear', 'relu', 'linear']);
  const [first] = graph.nodes as [Node];
  assert.equal(
    first.inputs.map((v) => [v.kind, ...v.names]),
    [
      ['input', '0'],
      ['parameter', '0.weight'],
      ['parameter', '0.bias'],
    ],
  );
  assert.equal(first.output.shape, [5, 4]);
  assert.equal(first.output.dtype, 'float32');
  assert.is(graph.output, graph.nodes[2]?.output);
});

test('module calls: who made which nodes, with class and options', () => {
  class Net extends nn.Module {
    readonly conv = new nn.Conv2d(1, 2, 3, { padding: 1 });
    readonly unused = new nn.Linear(1, 1);
    forward(x: g.Tensor, flag: boolean): { y: g.Tensor; flag: boolean } {
      return { y: this.conv.forward(x).add(x), flag };
    }
  }
  const graph = trace(new Net(), [g.randn([1, 1, 4, 4]), true]);
  assert.equal(
    graph.calls.map((c) => [c.path, c.className, c.first, c.last, c.parent?.path]),
    [
      ['', 'Net', 0, 2, undefined],
      ['conv', 'Conv2d', 0, 1, ''],
    ],
  );
  assert.equal(graph.calls[1]?.settings.padding, 1);
  assert.equal(graph.calls[0]?.inputs[1], true);
  assert.is((graph.output as { y: Value }).y, graph.nodes[1]?.output);
  assert.equal(
    graph.state.map((v) => v.names),
    [['conv.weight'], ['conv.bias'], ['unused.weight'], ['unused.bias']],
  );
});

test('a tied parameter is one value of several names', () => {
  class Tied extends nn.Module {
    readonly embed = new nn.Embedding(5, 3);
    readonly out = new nn.Linear(3, 5, { bias: false });
    constructor() {
      super();
      Object.assign(this.out, { weight: this.embed.weight });
    }
    forward(i: g.Tensor): g.Tensor {
      return this.out.forward(this.embed.forward(i));
    }
  }
  const graph = trace(new Tied(), [g.tensor([1, 2], { dtype: 'int32' })]);
  assert.equal(
    graph.state.map((v) => v.names),
    [['embed.weight', 'out.weight']],
  );
  assert.is(graph.nodes.at(-1)?.inputs[1], graph.state[0]);
});

class Fn extends nn.Module {
  readonly w = new nn.Parameter(g.ones([3]));
  readonly #fn: (x: g.Tensor, w: g.Tensor) => unknown;
  constructor(fn: (x: g.Tensor, w: g.Tensor) => unknown) {
    super();
    this.#fn = fn;
  }
  forward(x: g.Tensor): unknown {
    return this.#fn(x, this.w);
  }
}
const of = (fn: (x: g.Tensor, w: g.Tensor) => unknown, x = g.randn([2, 3])): Graph => trace(new Fn(fn), [x]);

test('constants say where they come from', () => {
  const outside = g.tensor([1, 2, 3]);
  const graph = of((x) =>
    x
      .add(outside)
      .mul(2)
      .add(g.tensor([4, 5, 6]))
      .add(g.arange(3))
      .mul(g.randn([3]))
      .mul(g.zeros([3]))
      .add(g.eye(3).select(0, 1)),
  );
  const constants = graph.nodes.flatMap((n) => n.inputs.filter((v) => v.kind === 'constant'));
  assert.equal(
    constants.map((v) => v.origin),
    [
      { kind: 'outside' },
      { kind: 'outside' },
      { kind: 'literal' },
      { kind: 'computed', from: 'arange 0 3 1 int32' },
      { kind: 'random', kernel: 'normal', p: 0 },
      { kind: 'literal' },
      { kind: 'computed', from: 'eye 3 3 float32' },
    ],
  );
  assert.equal([...(constants[0]?.data ?? [])], [1, 2, 3]);
  assert.equal([...(constants[1]?.data ?? [])], [2]);
});

test('functional dropout has its probability', () => {
  const graph = of((x) => g.nn.functional.dropout(x, { p: 0.25 }));
  assert.equal(graph.nodes[0]?.inputs[1]?.origin, { kind: 'random', kernel: 'dropoutMask', p: 0.25 });
});

test('views, detached windows and writes in place', () => {
  const graph = of((x) => {
    const y = x.clone();
    y.select(0, 1).mul_(2);
    return y.detach().transpose(0, 1);
  });
  assert.equal(
    graph.nodes.map((n) => [n.kind, n.op]),
    [
      ['op', 'clone'],
      ['view', 'select'],
      ['op', 'mul'],
      ['write', 'copy_'],
      ['detach', 'detach'],
      ['view', 'permute'],
    ],
  );
  assert.equal(graph.nodes[3]?.inputs, [graph.nodes[1]?.output, graph.nodes[2]?.output]);
});

test('a function that calls the model: losses', () => {
  const model = new nn.Linear(3, 2);
  const batch = [g.randn([4, 3]), g.randn([4, 2])];
  const graph = trace(model, batch, (x: g.Tensor, y: g.Tensor) => ({ mse: nn.functional.mseLoss(model.forward(x), y) }));
  assert.equal(ops(graph), ['linear', 'mseLoss']);
  assert.equal([graph.nodes[0]?.call?.path, graph.nodes[1]?.call], ['', null]);
  assert.is((graph.output as { mse: Value }).mse, graph.nodes[1]?.output);
});

test('a gradient is one node, whatever runs in it; .grad is not to be filled', () => {
  const graph = of((x) => {
    const at = x.detach().requiresGrad_();
    const [dx] = g.autograd.grad(at.pow(3).sum(), [at], { createGraph: true });
    return dx.square();
  });
  const node = graph.nodes.find((n) => n.kind === 'grad') as Node;
  assert.equal(ops(graph), ['detach', 'pow', 'sum', 'grad', 'square']);
  assert.equal(node.inputs, [graph.nodes[2]?.output, graph.nodes[0]?.output]);
  assert.equal([...graph.leaves], [graph.nodes[0]?.output]);
  assert.throws(() => of((x) => x.detach().requiresGrad_().sum().backward()), /^backward: gradients are added up in \.grad while a model is traced/);
});

test('what cannot be written down is refused, and nothing stays set', () => {
  for (const [fn, what] of [
    [(x: g.Tensor) => x.mul(x.sum().item()), /^item: a value is read while a model is traced/],
    [(x: g.Tensor) => g.keep(x.mul(2)), /^keep: /],
    [(x: g.Tensor) => g.nonzero(x), /^nonzero: /],
  ] as const) {
    assert.throws(() => of(fn), what);
    assert.is(g.tensor([1]).add(1).item(), 2);
  }
  assert.throws(() => trace({} as never, []), /^trace: takes a module first/);
  assert.throws(() => trace(new nn.ReLU(), 1 as never), /^trace: inputs are a list/);
});

test('buffers, the default stream and memory are as before', () => {
  const model = new nn.Sequential(new nn.BatchNorm1d(3), new nn.Dropout());
  const x = g.randn([4, 3]);
  g.manualSeed(3);
  const expected = [...g.rand([2]).data()];
  g.manualSeed(3);
  trace(model, [x]);
  const before = g.memory().live;
  const graph = trace(model, [x]);
  assert.is(g.memory().live, before);
  assert.equal([...g.rand([2]).data()], expected);
  assert.equal([...(model.buffers()[0] as g.Tensor).data()], [0, 0, 0]);
  assert.is((model.buffers()[2] as g.Tensor).item(), 0);
  assert.is(graph.askedMode.size, 2);
});

test('hooks of the program are told from those of the trace', () => {
  const model = new nn.Sequential(new nn.ReLU(), new nn.Tanh());
  model.at(1)?.registerForwardHook(() => {});
  const flags = (): (boolean | undefined)[] => trace(model, [g.randn([2])]).calls.map((c) => c.hooked);
  assert.equal(flags(), [false, false, true]);
  assert.equal(flags(), [false, false, true]);
});

test.run();
