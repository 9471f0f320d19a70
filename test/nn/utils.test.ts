// nn.utils, nn.init and swaUtils against recorded answers of PyTorch (test/fixtures/nn/utils.py), and what they refuse.
import { readFileSync } from 'node:fs';
import { capture, Generator, manualSeed, memory, nn, ones, optim, randn, scope, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

type Json = number[];
type State = Record<string, Json>;
interface Recorded {
  parametrized: {
    kind: string;
    layer: string;
    options: Record<string, unknown>;
    state: State;
    x: Json;
    runs: { training: boolean; y: Json; grads: State; state: State }[];
  }[];
  averages: { name: string; steps: { model: State; averaged: State }[]; batches: Json[]; after: State }[];
  rates: { options: { swa_lr: number; anneal_epochs?: number; anneal_strategy?: 'cos' | 'linear' }; lrs: number[][] }[];
}
const recorded = JSON.parse(readFileSync(new URL('../fixtures/nn/utils.json', import.meta.url), 'utf8')) as Recorded;
const { utils, init } = nn;
const { swaUtils } = optim;

/** Float32 throughout on both sides: a few roundings of numbers up to 10. */
function near(actual: Tensor, expected: Json, what: string): void {
  const right = tensor(expected);
  assert.equal(actual.shape, right.shape, what);
  if (actual.size > 0) assert.ok(actual.detach().float().sub(right).abs().max().item() <= 2e-6 * (1 + right.abs().max().item()), `${what}: ${actual.toArray()}, not ${expected}`);
}

const layers: Record<string, () => nn.Module & nn.Layer> = { Linear: () => new nn.Linear(3, 4), Conv2d: () => new nn.Conv2d(2, 3, 2) };

for (const [i, { kind, layer, options, state, x, runs }] of recorded.parametrized.entries()) {
  test(`${kind} ${i}: state, output and gradients as PyTorch’s; undone again`, () => {
    const { n_power_iterations: nPowerIterations, ...rest } = options;
    const given = { ...rest, ...(nPowerIterations !== undefined && { nPowerIterations }) };
    const m = (layers[layer] as () => nn.Module & nn.Layer)();
    assert.is(kind === 'weight_norm' ? utils.weightNorm(m, given as object) : utils.spectralNorm(m, given as object), m);
    const name = (options.name as string) ?? 'weight';
    assert.equal([utils.isParametrized(m), utils.isParametrized(m, name), utils.isParametrized(m, 'other')], [true, true, false]);
    assert.equal(Object.keys(m.stateDict()).sort(), Object.keys(state).sort());
    m.loadStateDict(Object.fromEntries(Object.entries(state).map(([key, v]) => [key, tensor(v)])));
    for (const run of runs) {
      m.train(run.training);
      m.zeroGrad();
      const y = m.forward(tensor(x));
      y.square().sum().backward();
      near(y, run.y, 'y');
      for (const [key, p] of m.namedParameters()) near(p.grad as Tensor, run.grads[key] as Json, key);
      for (const [key, t] of Object.entries(m.stateDict())) near(t, run.state[key] as Json, key);
    }
    m.eval();
    const y = m.forward(tensor(x)).toArray() as Json;
    if (kind === 'weight_norm') utils.removeWeightNorm(m, name);
    else utils.removeParametrizations(m, name);
    near(m.forward(tensor(x)), y, 'after');
    assert.equal([...m.namedParameters()].map(([n]) => n).sort(), ['bias', 'weight']);
    assert.is(utils.isParametrized(m), false);
    throwsCode('VALUE', /is not parametrized|has no weightNorm/, () => (kind === 'weight_norm' ? utils.removeWeightNorm(m, name) : utils.removeParametrizations(m, name)));
  });
}

test('a parametrization of one’s own, on top of another; trained in captured steps', () => {
  class Doubled extends nn.Module {
    scale = new nn.Parameter(tensor(2));
    forward(w: Tensor): Tensor {
      return w.mul(this.scale);
    }
  }
  const train = (captured: boolean): unknown => {
    manualSeed(1);
    const layer = utils.registerParametrization(utils.spectralNorm(new nn.Linear(3, 2)), 'weight', new Doubled() as never);
    assert.equal([...layer.namedParameters()].map(([n]) => n).sort(), ['bias', 'parametrizations.weight.1.scale', 'parametrizations.weight.original']);
    const o = new optim.SGD(layer, { lr: 0.1 });
    const body = (x: Tensor): Tensor => {
      o.zeroGrad();
      const loss = layer.forward(x).square().sum();
      loss.backward();
      o.step();
      return loss;
    };
    const step = captured ? capture(body) : body;
    const losses = Array.from({ length: 4 }, (_, i) => step(tensor([[1, 2, i]])).item());
    return [losses, ...Object.values(layer.stateDict()).map((t) => t.toArray())];
  };
  assert.equal(train(true), train(false));
  const layer = new nn.Linear(3, 2);
  class Wide extends nn.Module {
    forward(w: Tensor): Tensor {
      return w.reshape(-1);
    }
  }
  const before = Object.keys(layer.stateDict());
  throwsCode('SHAPE', /registerParametrization: weight would change its shape/, () => utils.registerParametrization(layer, 'weight', new Wide() as never));
  throwsCode('VALUE', /Linear has no parameter or buffer 'weights' of its own/, () => utils.registerParametrization(layer, 'weights', new Doubled() as never));
  throwsCode('VALUE', /^registerParametrization: /, () => utils.registerParametrization(3 as never, 'weight', new Doubled() as never));
  throwsCode('VALUE', /^registerParametrization: /, () => utils.registerParametrization(layer, 'weight', 3 as never));
  throwsCode('VALUE', /^weightNorm: /, () => utils.weightNorm(layer, { dims: 0 } as never));
  throwsCode('DIM', /^weightNorm: /, () => utils.weightNorm(layer, { dim: 2 }));
  throwsCode('VALUE', /^spectralNorm: /, () => utils.spectralNorm(layer, { nPowerIterations: 0 }));
  throwsCode('VALUE', /weightNorm: 'weight' is parametrized already/, () => utils.weightNorm(utils.weightNorm(new nn.Linear(1, 1))));
  assert.equal(Object.keys(layer.stateDict()), before);
  const original = layer.weight.toArray();
  const twice = utils.registerParametrization(layer, 'weight', new Doubled() as never);
  utils.removeParametrizations(twice, 'weight', { leaveParametrized: false });
  assert.equal(layer.weight.toArray(), original);
});

test('spectralNorm of a transposed convolution goes by its outputs', () => {
  const m = utils.spectralNorm(new nn.ConvTranspose2d(2, 3, 2));
  assert.equal(m.stateDict()['parametrizations.weight.0._u']?.shape, [3]);
});

test('parametersToVector and back', () => {
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1));
  const vector = utils.parametersToVector(model.parameters());
  assert.equal(vector.shape, [13]);
  vector.sum().backward();
  assert.equal(
    model.parameters().map((p) => p.grad?.mean().item()),
    [1, 1, 1, 1],
  );
  const twice = vector.detach().mul(2);
  utils.vectorToParameters(twice, model.parameters());
  assert.equal(utils.parametersToVector(model).toArray(), twice.toArray());
  throwsCode('SHAPE', /vectorToParameters: the parameters have 13 elements together: \[12\]/, () => utils.vectorToParameters(zeros([12]), model));
  for (const bad of [3, 'x', {}, zeros([2]), null]) throwsCode('DTYPE', /^parametersToVector: /, () => utils.parametersToVector(bad as never));
  throwsCode('VALUE', /empty parameter list/, () => utils.parametersToVector([]));
  throwsCode('DTYPE', /parameter 1 must be a tensor/, () => utils.parametersToVector([zeros([1]), 3 as never]));
});

test('padSequence: to the longest, on either side, with gradients; what does not fit', () => {
  const [a, b] = [tensor([1, 2, 3], { requiresGrad: true }), tensor([4])];
  assert.equal(utils.padSequence([a, b]).tolist(), [
    [1, 4],
    [2, 0],
    [3, 0],
  ]);
  assert.equal(utils.padSequence([a, b], true, -1, 'left').tolist(), [
    [1, 2, 3],
    [-1, -1, 4],
  ]);
  utils.padSequence([b, a], { batchFirst: true }).square().sum().backward();
  assert.equal(a.grad?.tolist(), [2, 4, 6]);
  assert.equal(utils.padSequence([zeros([0, 2]), zeros([3, 2])]).shape, [3, 2, 2]);
  assert.equal(utils.padSequence([tensor([true]), tensor([false, true])], { batchFirst: true, paddingValue: 1 }).tolist(), [
    [true, true],
    [false, true],
  ]);
  throwsCode('SHAPE', /behind their first dimension: \[2, 3\] × \[2, 4\]/, () => utils.padSequence([zeros([2, 3]), zeros([2, 4])]));
  throwsCode('SHAPE', /^padSequence: /, () => utils.padSequence([tensor(1)]));
  throwsCode('DTYPE', /float32 and int32/, () => utils.padSequence([zeros([1]), zeros([1], { dtype: 'int32' })]));
  throwsCode('DTYPE', /sequence 1 must be a tensor/, () => utils.padSequence([zeros([1]), [2] as never]));
  throwsCode('VALUE', /list of tensors/, () => utils.padSequence([]));
  throwsCode('VALUE', /batchFirst/, () => utils.padSequence([a], { batch_first: true } as never));
});

for (const { name, steps, batches, after } of recorded.averages) {
  test(`AveragedModel ${name}: as PyTorch’s, captured too; updateBn`, () => {
    const make = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm1d(2));
    const load = (m: nn.Module, state: State): unknown =>
      m.loadStateDict(Object.fromEntries(Object.entries(state).map(([key, v]) => [key, key.endsWith('tracked') ? tensor(v, { dtype: 'int32' }) : tensor(v)])));
    for (const captured of [false, true]) {
      const [model, options] = [make(), name === 'mean' ? {} : { multiAvgFn: swaUtils.getEmaMultiAvgFn(0.8), useBuffers: name === 'emaAll' }];
      const averaged = new swaUtils.AveragedModel(model, make(), options);
      const update = captured ? capture(() => averaged.updateParameters(model)) : (): void => averaged.updateParameters(model);
      for (const step of steps) {
        load(model, step.model);
        update();
        for (const [key, t] of Object.entries(averaged.stateDict())) near(t, step.averaged[key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)] as Json, key);
      }
      averaged.eval();
      swaUtils.updateBn(
        batches.map((b) => tensor(b)),
        averaged,
      );
      for (const [key, t] of Object.entries(averaged.stateDict())) near(t, after[key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)] as Json, key);
      assert.equal([averaged.training, (averaged.module.at(1) as nn.BatchNorm1d).momentum], [false, 0.1]);
      const { live } = memory();
      scope(() => averaged.updateParameters(model));
      assert.is(memory().live, live);
      throwsCode('STATE', /not those that are averaged/, () => averaged.updateParameters(new nn.Linear(2, 2)));
    }
  });
}

test('AveragedModel: functions for one value; what is refused', () => {
  const [a, b] = [new nn.Linear(1, 1), new nn.Linear(1, 1)];
  const pick = (fn: unknown): number => {
    const averaged = new swaUtils.AveragedModel(a, b, { avgFn: fn as never });
    init.constant_(a.weight, 1);
    averaged.updateParameters(a);
    init.constant_(a.weight, 3);
    averaged.updateParameters(a);
    return b.weight.item();
  };
  assert.equal([pick(null), pick(swaUtils.getSwaAvgFn()), pick((x: Tensor, y: Tensor) => x.maximum(y))], [2, 2, 3]);
  assert.ok(Math.abs(pick(swaUtils.getEmaAvgFn(0.9)) - 1.2) < 1e-6);
  throwsCode('VALUE', /got avgFn and multiAvgFn/, () => new swaUtils.AveragedModel(a, b, { avgFn: () => a.weight, multiAvgFn: () => {} }));
  throwsCode('VALUE', /the copy must be a second module .*got undefined\. Modules are not copied/, () => Reflect.construct(swaUtils.AveragedModel, [a]));
  throwsCode('VALUE', /the copy is the model itself/, () => new swaUtils.AveragedModel(a, a));
  throwsCode('STATE', /./, () => new swaUtils.AveragedModel(a, new nn.Linear(2, 1)));
  for (const bad of [-0.1, 1.1, 'x', Number.NaN]) throwsCode('VALUE', /decay must/, () => swaUtils.getEmaMultiAvgFn(bad as number));
  throwsCode('VALUE', /^updateBn: /, () => swaUtils.updateBn(3 as never, a));
  throwsCode('VALUE', /^updateBn: a batch is a tensor/, () => swaUtils.updateBn([3] as never, new nn.Sequential(new nn.BatchNorm1d(2))));
});

test('SWALR as PyTorch’s', () => {
  for (const { options, lrs } of recorded.rates) {
    const { swa_lr: swaLr, anneal_epochs: annealEpochs, anneal_strategy: annealStrategy } = options;
    const o = new optim.SGD([{ params: [zeros([1])] }, { params: [zeros([1])], lr: 1 }], { lr: 0.1 });
    const s = new swaUtils.SWALR(o, { swaLr, ...(annealEpochs !== undefined && { annealEpochs }), ...(annealStrategy && { annealStrategy }) });
    for (const [at, right] of lrs.entries()) {
      for (const [i, r] of right.entries()) assert.ok(Math.abs((o.paramGroups[i]?.lr as number) - r) < 1e-12, `step ${at}: ${o.paramGroups[i]?.lr}, not ${r}`);
      s.step();
    }
  }
  const o = new optim.SGD([zeros([1])]);
  for (const bad of [{}, { swaLr: 'x' }, { swaLr: [1, 2] }, { swaLr: 1, annealEpochs: -1 }, { swaLr: 1, annealStrategy: 'exp' }])
    throwsCode('VALUE', /^SWALR: /, () => new swaUtils.SWALR(o, bad as never));
});

/** Mean, deviation, least and largest of a filled tensor. */
function stats(t: Tensor): number[] {
  return [t.mean(), t.std(), t.min(), t.max()].map((x) => (x as Tensor).item());
}

test('init: shapes of distributions', () => {
  const generator = new Generator(7);
  const w = (): nn.Parameter => new nn.Parameter(zeros([40, 25, 2, 2]));
  const [fanIn, fanOut] = [100, 160];
  const rows: [Tensor, mean: number, std: number, bound: number][] = [
    [init.uniform_(w(), { from: -1, to: 3, generator }), 1, Math.sqrt(16 / 12), 3],
    [init.normal_(w(), { mean: 1, std: 2, generator }), 1, 2, Infinity],
    [init.xavierUniform_(w(), { gain: 2, generator }), 0, 2 * Math.sqrt(2 / (fanIn + fanOut)), 2 * Math.sqrt(6 / (fanIn + fanOut))],
    [init.xavierNormal_(w(), { gain: 2, generator }), 0, 2 * Math.sqrt(2 / (fanIn + fanOut)), Infinity],
    [init.kaimingUniform_(w(), { generator }), 0, Math.sqrt(2 / fanIn), Math.sqrt(6 / fanIn)],
    [init.kaimingNormal_(w(), { mode: 'fan_out', nonlinearity: 'relu', generator }), 0, Math.sqrt(2 / fanOut), Infinity],
    [init.kaimingNormal_(w(), 1, 'fan_in'), 0, Math.sqrt(1 / fanIn), Infinity],
    [init.truncNormal_(w(), { generator }), 0, 0.8796, 2],
    [init.truncNormal_(w(), { mean: 1, std: 2, a: 1.5, b: 2, generator }), 1.7456, 0.1442, 2],
    [init.truncNormal_(w(), { a: 3, b: Infinity, generator }), 3.2831, 0.2657, Infinity],
    [init.truncNormal_(w(), { a: -Infinity, b: -3, generator }), -3.2831, 0.2657, Infinity],
  ];
  for (const [i, [t, mean, std, bound]] of rows.entries()) {
    const [m, s, least, most] = stats(t) as [number, number, number, number];
    const error = (6 * std) / Math.sqrt(t.size);
    assert.ok(Math.abs(m - mean) < error && Math.abs(s - std) < 2 * error, `${i}: mean ${m}, not ${mean}; std ${s}, not ${std}`);
    assert.ok(Math.max(-least, most) <= bound * (1 + 1e-6) && t.requiresGrad, `${i}`);
  }
});

test('init: exact ones', () => {
  assert.equal(
    [init.ones_(zeros([2])).toArray(), init.zeros_(ones([2])).toArray(), init.constant_(zeros([2], { dtype: 'int32' }), 3).toArray()],
    [
      [1, 1],
      [0, 0],
      [3, 3],
    ],
  );
  assert.equal(init.eye_(ones([2, 3])).toArray(), [
    [1, 0, 0],
    [0, 1, 0],
  ]);
  const conv = (shape: number[], groups?: number): unknown => {
    const [out, channels, ...kernel] = shape as [number, number, ...number[]];
    const d = init.dirac_(randn(shape), { groups: groups ?? 1 });
    return d.sum().item() === (groups ?? 1) * Math.min(out / (groups ?? 1), channels) && kernel.length;
  };
  assert.equal([conv([3, 2, 3]), conv([2, 4, 3, 3]), conv([4, 2, 3, 1, 3]), conv([6, 2, 5], 3)], [1, 2, 3, 1]);
  const [x, layer] = [randn([1, 2, 5, 5]), new nn.Conv2d(2, 2, 3, { padding: 1, bias: false })];
  init.dirac_(layer.weight);
  assert.equal(layer.forward(x).toArray(), x.toArray());
  for (const shape of [
    [4, 3],
    [3, 4],
    [5, 5],
    [2, 3, 2],
  ]) {
    const q = init.orthogonal_(zeros(shape), { gain: 2 }).reshape(shape[0] as number, -1);
    const [r, c] = q.shape as [number, number];
    const gram = r <= c ? q.matmul(q.t()) : q.t().matmul(q);
    assert.ok(
      gram
        .sub(init.eye_(zeros(gram.shape)).mul(4))
        .abs()
        .max()
        .item() < 1e-5,
      `${shape}`,
    );
  }
  const sparse = init.sparse_(zeros([10, 50]), 0.33, 1);
  assert.equal(sparse.eq(0).float().sum(0).toArray(), Array(50).fill(4));
  assert.ok(Math.abs((sparse.square().sum().item() as number) / 300 - 1) < 0.5);
  const gains = [
    init.calculateGain('linear'),
    init.calculateGain('tanh'),
    init.calculateGain('relu'),
    init.calculateGain('leaky_relu', 0.2),
    init.calculateGain('selu'),
    init.calculateGain('conv_transpose3d'),
  ];
  assert.equal(gains, [1, 5 / 3, Math.SQRT2, Math.sqrt(2 / 1.04), 0.75, 1]);
});

test('init: what is refused', () => {
  for (const f of [init.xavierUniform_, init.xavierNormal_, init.kaimingUniform_, init.kaimingNormal_, init.orthogonal_]) {
    throwsCode('SHAPE', /needs two dimensions/, () => f(zeros([3])));
    throwsCode('DTYPE', /must be a tensor/, () => f([[1]] as never));
    throwsCode('VALUE', /there is no option/, () => f(zeros([3, 3]), { seed: 1 } as never));
    assert.equal(f(zeros([0, 3])).shape, [0, 3]);
  }
  for (const fn of [() => init.eye_(zeros([2])), () => init.dirac_(zeros([2, 2])), () => init.sparse_(zeros([2]), 0.1)]) throwsCode('SHAPE', /takes/, fn);
  for (const fn of [
    () => init.calculateGain('gelu' as never),
    () => init.kaimingNormal_(zeros([2, 2]), { mode: 'fanIn' as never }),
    () => init.kaimingNormal_(zeros([2, 2]), { nonlinearity: 'gelu' as never }),
    () => init.dirac_(zeros([3, 2, 1]), 2),
    () => init.truncNormal_(zeros([1]), 0, 0),
    () => init.truncNormal_(zeros([1]), 0, 1, 2, 1),
    () => init.sparse_(zeros([2, 2]), 2),
    () => init.sparse_(zeros([2, 2]), {} as never),
    () => init.constant_(zeros([1]), 'x' as never),
  ])
    throwsCode('VALUE', /: /, fn as () => void);
});

test.run();
