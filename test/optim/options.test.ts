// What optimizers take: options by name and by position, parameters in the forms in which programs have them, groups changed by hand.
import { type ErrorCode, full, nn, ones, optim, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

type Group = Record<string, unknown> & { params: Tensor[] };
type Maker = new (
  params: unknown,
  ...options: unknown[]
) => { paramGroups: Group[]; step(closure?: unknown): unknown; zeroGrad(options?: unknown): void; addParamGroup(g: unknown): void };
const makers = optim as unknown as Record<string, Maker>;
const names = ['SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax', 'NAdam', 'RAdam', 'Rprop', 'ASGD', 'Adafactor'];
const params = (): Tensor[] => [new nn.Parameter(ones([1]))];
const build = (name: string, ...options: unknown[]): InstanceType<Maker> => new (makers[name] as Maker)(params(), ...options);
const first = (o: InstanceType<Maker>): Group => o.paramGroups[0] as Group;

/** PyTorch's options by position. */
const positions: Record<string, Record<string, unknown>> = {
  SGD: { lr: 0.5, momentum: 0.5, dampening: 0, weightDecay: 0.25, nesterov: true },
  Adam: { lr: 0.5, betas: [0.5, 0.25], eps: 0.125, weightDecay: 0.25, amsgrad: true },
  AdamW: { lr: 0.5, betas: [0.5, 0.25], eps: 0.125, weightDecay: 0.25, amsgrad: true },
  RMSprop: { lr: 0.5, alpha: 0.75, eps: 0.125, weightDecay: 0.25, momentum: 0.5, centered: true },
  Adagrad: { lr: 0.5, lrDecay: 0.25, weightDecay: 0.125, initialAccumulatorValue: 2, eps: 0.5 },
  Adadelta: { lr: 0.5, rho: 0.25, eps: 0.125, weightDecay: 0.75 },
  Adamax: { lr: 0.5, betas: [0.5, 0.25], eps: 0.125, weightDecay: 0.25 },
  NAdam: { lr: 0.5, betas: [0.5, 0.25], eps: 0.125, weightDecay: 0.25, momentumDecay: 0.5, decoupledWeightDecay: true },
  RAdam: { lr: 0.5, betas: [0.5, 0.25], eps: 0.125, weightDecay: 0.25, decoupledWeightDecay: true },
  Rprop: { lr: 0.5, etas: [0.25, 2], stepSizes: [0.5, 5] },
  Adafactor: { lr: 0.5, beta2Decay: -0.5, eps: [null, 0.125], d: 2, weightDecay: 0.25 },
  ASGD: { lr: 0.5, lambd: 0.25, alpha: 0.5, t0: 3, weightDecay: 0.125 },
};

for (const name of names) {
  const table = Object.entries(positions[name] as Record<string, unknown>);
  const values = table.map(([, v]) => v);

  test(`${name}: options by position, by name, and both`, () => {
    for (const o of [build(name, ...values), build(name, Object.fromEntries(table)), build(name, values[0], Object.fromEntries(table.slice(1)))]) {
      const group = first(o);
      for (const [key, value] of table) assert.equal(group[key], value, key);
    }
    assert.is(first(build(name, undefined, { maximize: true })).maximize, true);
    throwsCode('VALUE', new RegExp(`${name}: got lr by position and by name`), () => build(name, 0.1, { lr: 0.1 }));
    throwsCode('VALUE', new RegExp(`${name}: takes at most`), () => build(name, ...values, false, false, false));
  });

  test(`${name}: what is no option, or no value of one, is refused; undefined is the default`, () => {
    const defaults = first(build(name));
    for (const [key] of table) {
      assert.equal(first(build(name, { [key]: undefined }))[key], defaults[key]);
      for (const value of [null, 'x', '0.1', {}, [[]], Number.NaN, () => 1, [1, 2, 3]]) {
        const e = throwsCode('VALUE', new RegExp(`^${name}: .*(${key}|beta1)`), () => build(name, { [key]: value }));
        assert.match(e.message, /got /);
        throwsCode('VALUE', new RegExp(`^${name}: .*(${key}|beta1)`), () => new (makers[name] as Maker)([{ params: params(), [key]: value }]));
        const o = build(name);
        const p = first(o).params[0] as Tensor;
        p.grad = ones([1]);
        first(o)[key] = value;
        throwsCode('VALUE', new RegExp(`^${name}: .*(${key}|beta1)`), () => o.step());
        assert.is(p.item(), 1);
      }
    }
    throwsCode('VALUE', /maximize must be true or false, got 1/, () => build(name, { maximize: 1 }));
    throwsCode('VALUE', /there is no option 'learningRate'/, () => build(name, { learningRate: 0.5 }));
    throwsCode('VALUE', /there is no option 'maximise'. Did you mean 'maximize'/, () => build(name, { maximise: true }));
    for (const options of [null, true, '0.1', [], () => 1, new Map()]) throwsCode('VALUE', /lr must be a number, got/, () => build(name, options));
  });

  test(`${name}: parameters as modules, lists of modules, names, maps, one tensor, generators`, () => {
    const model = new nn.Linear(2, 1);
    const make = (p: unknown): Tensor[] => first(new (makers[name] as Maker)(p)).params;
    const all = model.parameters();
    const forms = [model, [model], model.namedParameters(), [...model.namedParameters()], new Map(model.namedParameters()), new Set(all), all.values(), [{ params: model }]];
    for (const form of [...forms, [{ params: model.namedParameters() }]]) assert.equal(make(form), all);
    assert.equal(make(all[0]), [all[0]]);
    assert.equal(make([{ params: all[0] }]), [all[0]]);
    const detached = new Float32Array(2);
    structuredClone(null, { transfer: [detached.buffer] });
    for (const bad of [undefined, null, 3, 'params', {}, detached, new Float32Array(2), { params: all }, [undefined], [3], [[all]], [['a', 3]], [...all, { params: all }]])
      throwsCode('DTYPE', new RegExp(`${name}: parameters are tensors, got `), () => make(bad));
    throwsCode('VALUE', /empty parameter list/, () => make(new Map()));
    throwsCode('DTYPE', /only float32/, () => make([tensor([1], { dtype: 'int32' })]));
    for (const bad of [[{}], [{ lr: 1 }]]) throwsCode('DTYPE', new RegExp(`${name}: parameters are tensors, got undefined`), () => make(bad));
    for (const bad of [[{ params: [] }], [{ params: all }, 3]]) throwsCode('VALUE', new RegExp(`${name}: `), () => make(bad));
  });

  test(`${name}: parameters put into a group's list are trained, or refused before anything moves`, () => {
    const run = (late: boolean): number[] => {
      const ps = [...params(), ...params(), ...params()];
      const o = new (makers[name] as Maker)(late ? ps.slice(0, 1) : ps, { lr: 0.1 });
      const bystanders = Array.from({ length: 8 }, () => full([8], 7));
      if (late) first(o).params.push(...ps.slice(1));
      for (let i = 0; i < 3; i++) {
        for (const p of ps) p.grad = ones([1]);
        o.step();
      }
      for (const t of bystanders) assert.equal([...t.data()], Array(8).fill(7));
      return ps.map((p) => p.item());
    };
    assert.equal(run(true), run(false));
    const o = build(name, { lr: 0.1 });
    const [p] = first(o).params as [Tensor];
    p.grad = ones([1]);
    const bads: [ErrorCode, unknown][] = [
      ['DTYPE', 3],
      ['DTYPE', null],
      ['DTYPE', undefined],
      ['VALUE', p],
      ['GRAPH', p.mul(1)],
      ['DTYPE', tensor([1], { dtype: 'int32' })],
      ['DTYPE', new nn.Linear(1, 1)],
    ];
    for (const [code, bad] of bads) {
      first(o).params.push(bad as never);
      throwsCode(code, new RegExp(`${name}: `), () => o.step());
      throwsCode(code, new RegExp(`${name}: `), () => o.zeroGrad());
      assert.is(p.item(), 1);
      first(o).params.pop();
    }
    first(o).params = null as never;
    throwsCode('VALUE', /params of a group is a list of tensors, got null/, () => o.step());
  });
}

test('groups keep labels, and refuse what is nearly an option, also when written by hand', () => {
  const o = new optim.SGD([{ params: params(), name: 'trunk', depth: 3, tags: ['a'] } as never]) as unknown as InstanceType<Maker>;
  assert.equal([first(o).name, first(o).depth, first(o).tags], ['trunk', 3, ['a']]);
  for (const key of ['weightdecay', 'weight_decay', 'momentun', 'LR', 'nestrov', 'initial_lr', 'param'])
    throwsCode('VALUE', new RegExp(`SGD: there is no option '${key}'. Did you mean`), () => o.addParamGroup({ params: params(), [key]: 1 }));
  for (const key of ['learningRate', 'learning_rate']) throwsCode('VALUE', /there is no option 'learning/, () => o.addParamGroup({ params: params(), [key]: 1 }));
  first(o).colour = 'red';
  o.step();
  first(o).weight_decay = 0.1;
  throwsCode('VALUE', /SGD: there is no option 'weight_decay'. Did you mean 'weightDecay'/, () => o.step());
  for (const bad of [undefined, null, 3, 'x', [], params()[0]]) throwsCode('VALUE', /SGD: a group is an object/, () => o.addParamGroup(bad));
});

test('a group pushed by hand is stepped where it is whole, else refused', () => {
  const o = new optim.SGD(params(), { lr: 0.5 });
  const [p] = params() as [Tensor];
  p.grad = ones([1]);
  o.paramGroups.push({ params: [p] } as never);
  throwsCode('VALUE', /SGD: lr must be a number, got undefined/, () => o.step());
  o.paramGroups[1] = { ...(o.paramGroups[0] as optim.ParamGroup<optim.SGDOptions>), params: [p] };
  o.step();
  assert.is(p.item(), 0.5);
  o.paramGroups[1] = null as never;
  throwsCode('VALUE', /SGD: /, () => o.step());
});

test('a list in one group reaches no other, nor the defaults', () => {
  const o = new optim.Adam([{ params: params() }, { params: params() }]);
  (o.paramGroups[0]?.betas as unknown as number[])[0] = 0.5;
  assert.equal(
    [o.paramGroups[1]?.betas, new optim.Adam(params()).paramGroups[0]?.betas],
    [
      [0.9, 0.999],
      [0.9, 0.999],
    ],
  );
  (o.paramGroups[0]?.betas as unknown as number[])[0] = 5;
  throwsCode('VALUE', /beta1 must lie in \[0, 1\), got 5/, () => o.step());
});

test('closures and zeroGrad’s options', () => {
  const o = build('SGD', { lr: 0.5 });
  const p = first(o).params[0] as Tensor;
  p.grad = ones([1]);
  for (const bad of [3, null, 'x', {}]) throwsCode('VALUE', /SGD.step: the closure must be a function/, () => o.step(bad));
  throwsCode('SCOPE', /SGD.step: the function is async/, () => o.step(async () => 1));
  for (const bad of [false, null, { setToNone: true }, { setToNull: 1 }]) throwsCode('VALUE', /SGD.zeroGrad/, () => o.zeroGrad(bad));
  assert.equal([p.item(), p.grad?.item()], [1, 1]);
  o.zeroGrad({ setToNull: false });
  assert.is(p.grad?.item(), 0);
});

test('an optimizer prints its options, group by group', () => {
  const text = `${build('SGD', { lr: 0.5, momentum: 0.9 })}`;
  assert.is(text, 'SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.5\n    maximize: false\n    momentum: 0.9\n    nesterov: false\n    weightDecay: 0\n    params: 1\n)');
});

test.run();
