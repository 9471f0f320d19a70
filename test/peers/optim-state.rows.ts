// PyTorch's test_optim: groups, closures, missing gradients, states and what is refused. The paths stand in optim.rows.ts.
import { nn, noGrad, type optim, type Tensor } from 'gradloom';
import { I, keywords, L, py, type Row, t } from './row.ts';
import { lossOf, type Maker, makers, optimizers, params, prelude as paths, step, times } from './optim.rows.ts';

export const prelude = `${paths}
def make(name, ps, **options): return getattr(optim, name)(ps, **options)
def built(name, ps, **options): return len(make(name, ps, **options).param_groups)
def partial(o, ps, steps):
    for _ in range(steps):
        o.zero_grad()
        (ps[0].square().sum()).backward()
        o.step()
    return ps
def resumed(name, **options):
    import copy
    ps = params()
    a = make(name, ps, **options)
    for _ in range(4): step(a, ps)
    qs = [L(p.tolist()) for p in ps]
    b = make(name, qs, **{**options, "lr": 0.7})
    b.load_state_dict(copy.deepcopy(a.state_dict()))
    return [*[step(b, qs) for _ in range(4)], *qs, b.param_groups[0]["lr"]]
def loaded(name, state, group, steps=3):
    ps = params()
    o = make(name, ps)
    def tensors(v): return t(v)
    o.load_state_dict({"state": {i: {k: tensors(v) for k, v in s.items()} for i, s in state.items()}, "param_groups": [{**group, "params": [0, 1]}]})
    return [*[step(o, ps) for _ in range(steps)], *ps]
`;

const make = (name: string, ps: unknown, options?: object): optim.Optimizer<optim.OptimizerOptions> => new (makers[name] as Maker)(ps, options);
const built = (name: string, ps: unknown, options?: object): number => make(name, ps, options).paramGroups.length;
const named = (name: string): string => JSON.stringify(name);

/** Steps by the gradient of the first parameter alone. */
function partial(o: optim.Optimizer<optim.OptimizerOptions>, ps: readonly [Tensor, Tensor], steps: number): unknown[] {
  for (const _ of times(steps, (i) => i)) {
    o.zeroGrad();
    ps[0].square().sum().backward();
    o.step();
  }
  return [...ps];
}

/** A state taken half way and loaded into an optimizer with another rate over copies. */
function resumed(name: string, options: object): unknown[] {
  const ps = params();
  const a = make(name, ps, options);
  times(4, () => step(a, ps));
  const qs = ps.map((p) => p.detach().clone().requiresGrad_());
  const b = make(name, qs, { ...options, lr: 0.7 });
  b.loadStateDict(a.stateDict());
  return [...times(4, () => step(b, qs)), ...qs, b.paramGroups[0]?.lr];
}

type Saved = Readonly<Record<string, unknown>>;
/** Goes on from a state in PyTorch's names, as numbers. */
function loaded(name: string, state: Readonly<Record<number, Saved>>, group: Saved, steps = 3): unknown[] {
  const ps = params();
  const o = make(name, ps);
  o.loadStateDict({ state, param_groups: [{ ...group, params: [0, 1] }] });
  return [...times(steps, () => step(o, ps)), ...ps];
}
const loading = (name: string, what: string, state: Readonly<Record<number, Saved>>, group: Saved): Row => ({
  name: `${name}: ${what}`,
  js: () => loaded(name, state, group),
  py: `loaded(${named(name)}, {${Object.entries(state).map(([i, s]) => `${i}: ${py(s)}`)}}, ${py(group)})`,
});
const matrix = (x: number): number[][] => [
  [x, x],
  [x, x],
];
const adamState = (step: number): Record<number, Saved> => ({
  0: { step, exp_avg: matrix(0.1), exp_avg_sq: matrix(0.02) },
  1: { step, exp_avg: [0.1, -0.1], exp_avg_sq: [0.02, 0.03] },
});
const ADAM = { lr: 0.1, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 0, amsgrad: false, maximize: false };
const BOOK = { foreach: null, capturable: false, differentiable: false, fused: null };

const GROUPS: readonly [name: string, options: object, first: object, second: object, differs?: string][] = [
  ['SGD', { lr: 0.1 }, { lr: 0.5, momentum: 0.9 }, {}],
  ['SGD', { lr: 0.1, momentum: 0.9 }, { momentum: 0 }, { nesterov: true, weightDecay: 0.1 }],
  ['Adam', { lr: 0.1 }, { lr: 0.3, amsgrad: true }, { betas: [0.5, 0.6], eps: 0.1 }],
  ['AdamW', { lr: 0.1 }, { weightDecay: 0 }, { weightDecay: 0.7, maximize: true }],
  ['Adagrad', { lr: 0.1 }, { lrDecay: 0.5 }, { initialAccumulatorValue: 0.3 }, 'a group’s own initialAccumulatorValue counts; PyTorch takes the optimizer’s for all'],
  ['Adagrad', { lr: 0.1, initialAccumulatorValue: 0.2 }, { lrDecay: 0.5, eps: 0.1 }, { weightDecay: 0.3 }],
  ['RMSprop', { lr: 0.1 }, { centered: true, momentum: 0.5 }, { alpha: 0.5 }],
  ['Rprop', { lr: 0.1 }, { etas: [0.4, 1.5] }, { stepSizes: [0.01, 0.02] }],
  ['ASGD', { lr: 0.1 }, { lambd: 0.1 }, { t0: 0, alpha: 0.1 }],
];
const grouped = (name: string, options: object, first: object, second: object): unknown[] => {
  const ps = params();
  const o = make(
    name,
    [
      { params: [ps[0]], ...first },
      { params: ps[1], ...second },
    ],
    options,
  );
  return [...times(6, () => step(o, ps)), ...ps];
};
const pair = (list: string, options: object): string => `dict([("params", ${list})], ${keywords(options)})`;

/** Options out of their range. */
const REFUSED: readonly [name: string, options: object][] = [
  ['SGD', { lr: -0.1 }],
  ['SGD', { momentum: -0.5 }],
  ['SGD', { weightDecay: -1 }],
  ['SGD', { nesterov: true }],
  ['SGD', { momentum: 0.9, dampening: 0.1, nesterov: true }],
  ['Adam', { lr: -1 }],
  ['Adam', { betas: [1, 0.5] }],
  ['Adam', { betas: [0.5, 1.01] }],
  ['Adam', { eps: -1e-8 }],
  ['Adam', { weightDecay: -1e-2 }],
  ['AdamW', { betas: [-0.1, 0.5] }],
  ['AdamW', { lr: -1e-9 }],
  ['Adamax', { betas: [0, 1] }],
  ['Adamax', { eps: -1 }],
  ['NAdam', { betas: [1, 0] }],
  ['NAdam', { momentumDecay: -0.2 }],
  ['RAdam', { betas: [1, 0] }],
  ['RAdam', { weightDecay: -1 }],
  ['RMSprop', { momentum: -1 }],
  ['RMSprop', { alpha: -0.1 }],
  ['Adagrad', { lrDecay: -0.5 }],
  ['Adagrad', { initialAccumulatorValue: -1 }],
  ['Adadelta', { rho: 1.1 }],
  ['Adadelta', { rho: -0.1 }],
  ['ASGD', { weightDecay: -0.5 }],
  ['ASGD', { lr: -0.5 }],
  ['Rprop', { etas: [1, 0.5] }],
  ['Rprop', { etas: [0, 1.2] }],
  ['Rprop', { lr: -1 }],
  ['SGD', { learningRate: 0.1 }],
  ['Adam', { beta: [0.5, 0.6] }],
];

const names = Object.keys(optimizers);
const WIDE: Readonly<Record<string, object>> = {
  SGD: { lr: 0.1, momentum: 0.9, nesterov: true },
  Adam: { lr: 0.1, amsgrad: true, weightDecay: 0.1 },
  RMSprop: { lr: 0.05, momentum: 0.5, centered: true },
  ASGD: { lr: 0.1, t0: 2 },
};
const withRate = (name: string): object => WIDE[name] ?? { lr: 0.1 };

export const rows: readonly Row[] = [
  ...GROUPS.map(
    ([name, options, first, second, differs]): Row => ({
      differs,
      name: `${name}: groups with (${keywords(first)}) and (${keywords(second)})`,
      js: () => grouped(name, options, first, second),
      py: `ps = params(); o = make(${named(name)}, [${pair('[ps[0]]', first)}, ${pair('ps[1]', second)}], ${keywords(options)}); return [*[step(o, ps) for _ in range(6)], *ps]`,
    }),
  ),
  ...names.map((name): Row => {
    const options = withRate(name);
    return { name: `${name}: a state loaded half way`, js: () => resumed(name, options), py: `resumed(${named(name)}, ${keywords(options)})` };
  }),
  ...names.map(
    (name): Row => ({
      name: `${name}: a parameter without a gradient stays`,
      js: () => {
        const ps = params();
        return partial(make(name, ps, { lr: 0.1 }), ps, 3);
      },
      py: `ps = params(); return partial(make(${named(name)}, ps, lr=0.1), ps, 3)`,
    }),
  ),
  ...names.map(
    (name): Row => ({
      name: `${name}: a gradient of zeros`,
      js: () => {
        const ps = params();
        const o = make(name, ps, { lr: 0.1, ...(name === 'Rprop' ? {} : { weightDecay: 0.1 }) });
        times(2, () => step(o, ps));
        o.zeroGrad({ setToNull: false });
        o.step();
        return ps;
      },
      py: `ps = params(); o = make(${named(name)}, ps, lr=0.1${name === 'Rprop' ? '' : ', weight_decay=0.1'}); step(o, ps); step(o, ps); o.zero_grad(set_to_none=False); o.step(); return ps`,
    }),
  ),
  ...REFUSED.map(
    ([name, options]): Row => ({
      name: `${name}(${keywords(options)}) is refused`,
      js: () => built(name, params(), options),
      py: `built(${named(name)}, params(), ${keywords(options)})`,
    }),
  ),
  ...(
    [
      ['SGD', { lr: 0.1, momentum: 0.5 }, { lr: 0.9 }],
      ['Adam', { lr: 0.1 }, { lr: 0.01 }],
      ['Adam', { lr: 0.1, amsgrad: true }, { weightDecay: 0.5 }],
      ['Adagrad', { lr: 0.1 }, { lr: 0 }],
      ['RMSprop', { lr: 0.1, momentum: 0.5 }, { alpha: 0.1 }],
      ['SGD', { lr: 0.1 }, { momentum: 0.9 }],
    ] as const
  ).map(
    ([name, options, later]): Row => ({
      name: `${name}(${keywords(options)}) with (${keywords(later)}) set by hand later`,
      js: () => {
        const ps = params();
        const o = make(name, ps, options);
        times(3, () => step(o, ps));
        Object.assign(o.paramGroups[0] as object, later);
        return [...times(4, () => step(o, ps)), ...ps];
      },
      py: `ps = params(); o = make(${named(name)}, ps, ${keywords(options)}); [step(o, ps) for _ in range(3)]; o.param_groups[0].update(dict(${keywords(later)})); return [*[step(o, ps) for _ in range(4)], *ps]`,
    }),
  ),
  loading('Adam', 'PyTorch’s state', adamState(3), { ...ADAM, ...BOOK, decoupled_weight_decay: false }),
  loading('Adam', 'PyTorch’s state, foreach', adamState(7), { ...ADAM, ...BOOK, foreach: true, decoupled_weight_decay: false }),
  loading('Adam', 'an old state without bookkeeping', adamState(1), ADAM),
  loading('AdamW', 'PyTorch’s state, capturable: false, fused: false', adamState(3), { ...ADAM, ...BOOK, fused: false, weight_decay: 0.1, decoupled_weight_decay: true }),
  loading(
    'Adam',
    'a state with the largest second moments',
    { ...Object.fromEntries(Object.entries(adamState(3)).map(([i, s]) => [i, { ...s, max_exp_avg_sq: i === '0' ? matrix(0.5) : [0.5, 0.6] }])) },
    { ...ADAM, amsgrad: true },
  ),
  loading(
    'SGD',
    'PyTorch’s momentum',
    { 0: { momentum_buffer: matrix(0.3) }, 1: { momentum_buffer: [1, -1] } },
    { lr: 0.1, momentum: 0.9, dampening: 0.5, weight_decay: 0, nesterov: false, maximize: false, ...BOOK },
  ),
  loading(
    'SGD',
    'momentum of one parameter',
    { 0: { momentum_buffer: matrix(0.3) } },
    { lr: 0.1, momentum: 0.9, dampening: 0.5, weight_decay: 0, nesterov: false, maximize: false },
  ),
  loading(
    'Adagrad',
    'PyTorch’s sums',
    { 0: { step: 5, sum: matrix(0.3) }, 1: { step: 5, sum: [1, 2] } },
    { lr: 0.1, lr_decay: 0.1, eps: 1e-10, weight_decay: 0, initial_accumulator_value: 0, maximize: false },
  ),
  loading(
    'RMSprop',
    'PyTorch’s squares',
    { 0: { step: 5, square_avg: matrix(0.3) }, 1: { step: 5, square_avg: [1, 2] } },
    { lr: 0.1, momentum: 0, alpha: 0.5, eps: 1e-8, centered: false, weight_decay: 0, maximize: false, ...BOOK },
  ),
  {
    name: 'a state of other groups is refused',
    js: () => {
      const [p, q] = params();
      make('SGD', [p, q]).loadStateDict(make('SGD', [{ params: [p] }, { params: [q] }]).stateDict());
    },
    py: 'p, q = params(); return make("SGD", [p, q]).load_state_dict(make("SGD", [{"params": [p]}, {"params": [q]}]).state_dict())',
  },
  {
    name: 'a state of fewer parameters is refused',
    js: () => make('Adam', params()).loadStateDict(make('Adam', params().slice(1)).stateDict()),
    py: 'make("Adam", params()).load_state_dict(make("Adam", params()[1:]).state_dict())',
  },
  {
    name: 'what stateDict says of groups',
    js: () =>
      make('SGD', [{ params: params()[0], lr: 0.5 }, { params: params() }], { momentum: 0.25 })
        .stateDict()
        .paramGroups.map(({ lr, momentum, params: list }) => [lr, momentum, list]),
    py: '[[g["lr"], g["momentum"], g["params"]] for g in make("SGD", [{"params": params()[0], "lr": 0.5}, {"params": params()}], momentum=0.25).state_dict()["param_groups"]]',
  },
  {
    name: 'state dicts keep what schedulers note',
    js: () => {
      const o = make('SGD', params(), { lr: 0.25 });
      Object.assign(o.paramGroups[0] as object, { initialLr: 0.5, label: 'trunk' });
      const b = make('SGD', params());
      b.loadStateDict(o.stateDict());
      const { initialLr, lr, label } = b.paramGroups[0] as unknown as Record<string, unknown>;
      return [initialLr, lr, label];
    },
    py: 'o = make("SGD", params(), lr=0.25); o.param_groups[0].update(initial_lr=0.5, label="trunk"); b = make("SGD", params()); b.load_state_dict(o.state_dict()); g = b.param_groups[0]; return [g["initial_lr"], g["lr"], g["label"]]',
  },
  {
    name: 'a group added later has the optimizer’s options, and its own',
    js: () => {
      const [p, q] = params();
      const o = make('Adam', [p], { lr: 0.1, amsgrad: true });
      step(o, [p, q]);
      o.addParamGroup({ params: q, lr: 0.3 });
      return [...times(4, () => step(o, [p, q])), p, q, o.paramGroups.map((g) => [g.lr, (g as unknown as { amsgrad: boolean }).amsgrad, g.params.length])];
    },
    py: 'p, q = params(); o = make("Adam", [p], lr=0.1, amsgrad=True); step(o, [p, q]); o.add_param_group({"params": q, "lr": 0.3}); return [*[step(o, [p, q]) for _ in range(4)], p, q, [[g["lr"], g["amsgrad"], len(g["params"])] for g in o.param_groups]]',
  },
  {
    name: 'a group that has a parameter of another is refused',
    js: () => {
      const [p, q] = params();
      make('SGD', [p, q]).addParamGroup({ params: [q] });
    },
    py: 'p, q = params(); return make("SGD", [p, q]).add_param_group({"params": [q]})',
  },
  { name: 'a group without params is refused', js: () => built('SGD', [{ lr: 0.1 }]), py: 'built("SGD", [{"lr": 0.1}])' },
  { name: 'no parameters are refused', js: () => built('Adam', []), py: 'built("Adam", [])' },
  { name: 'a text is no parameter', js: () => built('Adam', 'model'), py: 'built("Adam", "model")' },
  { name: 'a list of numbers is no list of parameters', js: () => built('Adam', [1, 2]), py: 'built("Adam", [1, 2])' },
  { name: 'what was computed is refused', js: () => built('SGD', [L([1]).mul(2)]), py: 'built("SGD", [L([1]) * 2])' },
  { name: 'what needs no gradient is taken', js: () => built('SGD', [t([1])]), py: 'built("SGD", [t([1])])' },
  { name: 'integers', js: () => built('SGD', [I([1])]), py: 'built("SGD", [I([1])])', differs: 'only float32 is trained: refused when built, not at the step' },
  { name: 'one tensor instead of a list', js: () => built('SGD', L([1])), py: 'built("SGD", L([1]))', differs: 'one parameter or module stands for a list of it' },
  {
    name: 'named parameters',
    js: () =>
      make(
        'SGD',
        [
          ['a', L([1])],
          ['b', L([2])],
        ],
        { lr: 0.5 },
      ).paramGroups.map((g) => g.params.length),
    py: '[len(g["params"]) for g in make("SGD", [("a", L([1])), ("b", L([2]))], lr=0.5).param_groups]',
  },
  {
    name: 'named parameters of a module',
    js: () => make('Adam', new nn.Linear(2, 3).namedParameters(), { lr: 0.5 }).paramGroups.map((g) => g.params.map((p) => p.shape)),
    py: '[[list(p.shape) for p in g["params"]] for g in make("Adam", nn.Linear(2, 3).named_parameters(), lr=0.5).param_groups]',
  },
  {
    name: 'options switched on half way',
    js: () => {
      const ps = params();
      const o = make('SGD', ps, { lr: 0.1, momentum: 0.5 });
      times(2, () => step(o, ps));
      Object.assign(o.paramGroups[0] as object, { nesterov: true });
      times(2, () => step(o, ps));
      Object.assign(o.paramGroups[0] as object, { nesterov: false, maximize: true, weightDecay: 0.1 });
      return [...times(2, () => step(o, ps)), ...ps];
    },
    py: 'ps = params(); o = make("SGD", ps, lr=0.1, momentum=0.5); g = o.param_groups[0]; [step(o, ps) for _ in range(2)]; g["nesterov"] = True; [step(o, ps) for _ in range(2)]; g.update(nesterov=False, maximize=True, weight_decay=0.1); return [*[step(o, ps) for _ in range(2)], *ps]',
  },
  {
    name: 'a state of two groups, one added later, goes on',
    js: () => {
      const over = ([p, q]: readonly [Tensor, Tensor]): optim.Optimizer<optim.OptimizerOptions> => {
        const o = make('RMSprop', [p], { lr: 0.05, momentum: 0.5 });
        o.addParamGroup({ params: [q], lr: 0.01 });
        return o;
      };
      const ps = params();
      const a = over(ps);
      times(3, () => step(a, ps));
      const b = over(ps);
      b.loadStateDict(a.stateDict());
      return [...times(3, () => step(b, ps)), ...ps];
    },
    py: `
def over(ps):
    o = make("RMSprop", [ps[0]], lr=0.05, momentum=0.5)
    o.add_param_group({"params": [ps[1]], "lr": 0.01})
    return o
ps = params()
a = over(ps)
[step(a, ps) for _ in range(3)]
b = over(ps)
b.load_state_dict(a.state_dict())
return [*[step(b, ps) for _ in range(3)], *ps]`,
  },
  ...names.map(
    (name): Row => ({
      name: `${name}: a parameter that is a transposed view, one of rank 0, one of nothing`,
      js: () => {
        const ps = [
          t([
            [1, 2, 3],
            [4, 5, 6],
          ])
            .t()
            .requiresGrad_(),
          L(0.5),
          L([]),
        ] as const;
        const o = make(name, ps, { lr: 0.1 });
        for (let i = 0; i < 3; i++) {
          o.zeroGrad();
          ps[0].mul(ps[1]).sin().sum().add(ps[2].sum()).backward();
          o.step();
        }
        return ps.slice(0, 2);
      },
      py: `
ps = [t([[1, 2, 3], [4, 5, 6]]).t().requires_grad_(), L(0.5), L([])]
o = make(${named(name)}, ps, lr=0.1)
for _ in range(3):
    o.zero_grad()
    ((ps[0] * ps[1]).sin().sum() + ps[2].sum()).backward()
    o.step()
return ps[:2]`,
    }),
  ),
  {
    name: 'a closure’s loss comes back, with gradients on',
    js: () => {
      const ps = params();
      const o = make('SGD', ps, { lr: 0.5 });
      const closure = (): Tensor => {
        o.zeroGrad();
        const loss = lossOf(ps);
        loss.backward();
        return loss;
      };
      return [...noGrad(() => times(3, () => o.step(closure).item())), ...ps];
    },
    py: `
ps = params()
o = make("SGD", ps, lr=0.5)
def closure():
    o.zero_grad()
    loss = loss_of(ps)
    loss.backward()
    return loss
with torch.no_grad(): losses = [o.step(closure).item() for _ in range(3)]
return [*losses, *ps]`,
  },
  {
    name: 'a parameter frozen between steps keeps what it has gathered',
    js: () => {
      const ps = params();
      const o = make('SGD', ps, { lr: 0.5 });
      step(o, ps);
      ps[1].requiresGrad_(false);
      return [step(o, ps), ps[1].grad, ...ps];
    },
    py: 'ps = params(); o = make("SGD", ps, lr=0.5); step(o, ps); ps[1].requires_grad_(False); return [step(o, ps), ps[1].grad, *ps]',
  },
  {
    name: 'zeroGrad leaves zeros where asked',
    js: () => {
      const ps = params();
      const o = make('SGD', ps, { lr: 0.5 });
      lossOf(ps).backward();
      o.zeroGrad({ setToNull: false });
      const zeros = ps.map((p) => p.grad?.clone());
      o.zeroGrad();
      return [zeros, ps.map((p) => p.grad)];
    },
    py: 'ps = params(); o = make("SGD", ps); loss_of(ps).backward(); o.zero_grad(set_to_none=False); zeros = [p.grad.clone() for p in ps]; o.zero_grad(); return [zeros, [p.grad for p in ps]]',
  },
  { name: 'lr as a tensor', js: null, py: 'path("SGD", lr=t(0.1))' },
  { name: 'hooks of steps', js: null, py: 'o = make("SGD", params()); o.register_step_pre_hook(lambda *_: None); return 1' },
  { name: 'hooks of states', js: null, py: 'o = make("SGD", params()); o.register_state_dict_pre_hook(lambda *_: None); return 1' },
];
