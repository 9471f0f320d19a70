// PyTorch's test_nn: modules, containers, hooks, names, states, modes, clipping. Layers stand in nn-layers.rows.ts, losses in nn-losses.rows.ts.
import { manualSeed, nn, noGrad, ones, optim, randn, type Tensor } from 'gradloom';
import { fill, L, py, type Row, t } from './row.ts';

export const prelude = `
def camel(s): return re.sub(r"(?<=[a-z])_([a-z])", lambda m: m[1].upper(), s)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(t([0.5]))
        self.first = nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)
        self.heads = nn.ModuleDict({"a": nn.Linear(3, 1), "b": nn.Linear(3, 2, bias=False)})
        self.blocks = nn.ModuleList([nn.Sequential(nn.Tanh(), nn.Linear(3, 3)), nn.Dropout(0.5)])
    def forward(self, x):
        h = self.blocks[0](self.norm(self.first(x) * self.scale))
        return torch.cat([self.heads["a"](h), self.heads["b"](h)], 1)
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(2, 2)
        self.two = nn.Linear(2, 2)
        self.two.weight = self.one.weight
        self.again = self.one
    def forward(self, x): return self.again(self.two(self.one(x)))
class Untied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.again = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)
    def forward(self, x): return self.again(self.two(self.one(x)))
def net(): return fill(Net())
X = t([[1, 2], [3, -1], [0.5, 0.5]])
def names(it): return [n for n, _ in it]
def keys(d): return list(d)
def grads(m): return [p.grad for p in m.parameters()]
def doubled(state): return {k: v * 2 if v.is_floating_point() else v for k, v in state.items()}
def clipped(values, *args, **kw):
    ps = [L([0.0] * len(v)) for v in values]
    for p, v in zip(ps, values): p.grad = t(v)
    n = nn.utils.clip_grad_norm_(ps, *args, **kw)
    return [n, [p.grad for p in ps]]
def hooked(m, x, hooks):
    log = []
    for h in hooks: h(m, log)
    x = L(x)
    y = m(x)
    if y.requires_grad: y.sum().backward()
    return [y, x.grad, log]
`;

class Net extends nn.Module {
  readonly scale = new nn.Parameter(t([0.5]));
  readonly first = new nn.Linear(2, 3);
  readonly norm = new nn.BatchNorm1d(3);
  readonly heads = new nn.ModuleDict({ a: new nn.Linear(3, 1), b: new nn.Linear(3, 2, { bias: false }) });
  readonly blocks = new nn.ModuleList<nn.Module & nn.Layer>([new nn.Sequential(new nn.Tanh(), new nn.Linear(3, 3)), new nn.Dropout(0.5)]);
  forward(x: Tensor): Tensor {
    const h = this.blocks.at(0).forward(this.norm.forward(this.first.forward(x).mul(this.scale)));
    const of = (name: string): Tensor => (this.heads.get(name) as nn.Linear).forward(h);
    return cat(of('a'), of('b'));
  }
}
const cat = (a: Tensor, b: Tensor): Tensor => {
  const whole = t(Array.from({ length: a.shape[0] as number }, () => new Array<number>(3).fill(0)));
  return whole.add(nn.functional.pad(a, [0, 2])).add(nn.functional.pad(b, [1, 0]));
};
class Tied extends nn.Module {
  readonly one = new nn.Linear(2, 2);
  readonly two = new nn.Linear(2, 2);
  readonly again: nn.Linear;
  constructor() {
    super();
    Object.assign(this.two, { weight: this.one.weight });
    this.again = this.one;
  }
  forward(x: Tensor): Tensor {
    return this.again.forward(this.two.forward(this.one.forward(x)));
  }
}
class Untied extends nn.Module {
  readonly one = new nn.Linear(2, 2);
  readonly two = new nn.Linear(2, 2);
  readonly again = new nn.Linear(2, 2);
  forward(x: Tensor): Tensor {
    return this.again.forward(this.two.forward(this.one.forward(x)));
  }
}
const net = (): Net => fill(new Net());
const X = t([
  [1, 2],
  [3, -1],
  [0.5, 0.5],
]);
const names = (it: Iterable<[string, unknown]>): string[] => Array.from(it, ([n]) => n);
const grads = (m: nn.Module): (Tensor | null)[] => m.parameters().map((p) => p.grad);
const doubled = (state: nn.StateDict): nn.StateDict => Object.fromEntries(Object.entries(state).map(([k, v]) => [k, v.dtype === 'float32' ? v.mul(2) : v]));
const moved = <M extends nn.Module & { forward(x: Tensor): Tensor }>(m: M): M => {
  m.forward(X).square().sum().backward();
  return m;
};
const without = (state: nn.StateDict, ...keys: string[]): nn.StateDict => Object.fromEntries(Object.entries(state).filter(([k]) => !keys.includes(k)));

function clipped(values: readonly number[][], maxNorm: number, ...more: readonly unknown[]): unknown {
  const ps = values.map((v) => L(v.map(() => 0)));
  for (const [i, p] of ps.entries()) p.grad = t(values[i] as number[]);
  const n = (clip as (...a: unknown[]) => Tensor)(ps, maxNorm, ...more);
  return [n, ps.map((p) => p.grad)];
}
const clip = nn.clipGradNorm_;
const clipping = (values: readonly number[][], maxNorm: number, normType = 2, errorIfNonfinite = false): Row => ({
  name: `clipGradNorm_ of ${py(values)} to ${maxNorm}, norm ${normType}${errorIfNonfinite ? ', an error where not finite' : ''}`,
  js: () => clipped(values, maxNorm, { normType, errorIfNonfinite }),
  py: `clipped(${py(values)}, ${maxNorm}, ${py(normType)}, ${py(errorIfNonfinite)})`,
});

type Model = nn.Module & { forward(x: Tensor): Tensor };
type Log = unknown[];
function hooked(m: Model, x: number[][], hooks: readonly ((m: Model, log: Log) => unknown)[]): unknown {
  const log: Log = [];
  for (const h of hooks) h(m, log);
  const input = L(x);
  const y = m.forward(input);
  if (y.requiresGrad) y.sum().backward();
  return [y, input.grad, log];
}
const HOOKS: Readonly<Record<string, readonly [js: (m: Model, log: Log) => unknown, py: string]>> = {
  'pre: x + 1': [(m) => m.registerForwardPreHook((_, [x]) => (x as Tensor).add(1)), 'm.register_forward_pre_hook(lambda m, i: i[0] + 1)'],
  'pre: x · 10': [(m) => m.registerForwardPreHook((_, [x]) => [(x as Tensor).mul(10)]), 'm.register_forward_pre_hook(lambda m, i: (i[0] * 10,))'],
  'pre: look': [(m, log) => m.registerForwardPreHook((_, [x]) => void log.push((x as Tensor).detach())), 'm.register_forward_pre_hook(lambda m, i: log.append(i[0].detach()))'],
  'post: look': [
    (m, log) => m.registerForwardHook((_, [x], y) => void log.push([(x as Tensor).detach(), (y as Tensor).detach()])),
    'm.register_forward_hook(lambda m, i, o: log.append([i[0].detach(), o.detach()]))',
  ],
  'post: y · 2': [(m) => m.registerForwardHook((_, __, y) => (y as Tensor).mul(2)), 'm.register_forward_hook(lambda m, i, o: o * 2)'],
  'post: y + 1': [(m) => m.registerForwardHook((_, __, y) => (y as Tensor).add(1)), 'm.register_forward_hook(lambda m, i, o: o + 1)'],
  'post, removed': [(m) => m.registerForwardHook((_, __, y) => (y as Tensor).mul(7)).remove(), 'm.register_forward_hook(lambda m, i, o: o * 7).remove()'],
  back: [
    (m, log) => m.registerFullBackwardHook((_, i, o) => void log.push([i.map((g) => g?.clone()), o.map((g) => g?.clone())])),
    'm.register_full_backward_hook(lambda m, i, o: log.append([[g if g is None else g.clone() for g in i], [g.clone() for g in o]]))',
  ],
};
const INPUT = [
  [1, 2],
  [3, -1],
];
const hooks = (...list: (keyof typeof HOOKS & string)[]): Row => ({
  name: `hooks: ${list.join(', then ')}`,
  js: () =>
    hooked(
      fill(new nn.Linear(2, 2)),
      INPUT,
      list.map((h) => (HOOKS[h] as (typeof HOOKS)[string])[0]),
    ),
  py: `hooked(fill(nn.Linear(2, 2)), ${py(INPUT)}, [${list.map((h) => `lambda m, log: ${(HOOKS[h] as (typeof HOOKS)[string])[1]}`).join(', ')}])`,
});

/** Whether starting values have the mean, deviation and bounds that PyTorch's have, to two digits of chance. */
const start = (name: string, js: () => Tensor, pyCode: string): Row => ({
  name: `${name}: starting values`,
  js: () => {
    manualSeed(1);
    const w = js().detach();
    return [w.mean().item(), w.std().item(), w.abs().max().item() > 3];
  },
  py: `w = ${pyCode}.detach(); return [w.mean().item(), w.std().item(), w.abs().max().item() > 3]`,
  tolerance: [0.02, 0.01],
});
/** A random mask's share of zeros and the value of the rest. */
const dropped = (name: string, js: () => Tensor, pyCode: string): Row => ({
  name,
  js: () => {
    manualSeed(3);
    const y = js();
    return [y.eq(0).float().mean().item(), y.max().item()];
  },
  py: `y = ${pyCode}; return [(y == 0).float().mean().item(), y.max().item()]`,
  tolerance: [0.03, 0.01],
});

export const rows: readonly Row[] = [
  { name: 'names of parameters', js: () => names(net().namedParameters()), py: 'names(net().named_parameters())' },
  { name: 'names of buffers', js: () => names(net().namedBuffers()), py: 'names(net().named_buffers())' },
  { name: 'names of modules', js: () => names(net().namedModules()), py: 'names(net().named_modules())' },
  { name: 'names of modules with a prefix', js: () => names(net().namedModules('net')), py: 'names(net().named_modules(prefix="net"))' },
  { name: 'names of children', js: () => names(net().namedChildren()), py: 'names(net().named_children())' },
  { name: 'names in a state', js: () => Object.keys(net().stateDict()).sort(), py: 'sorted(keys(net().state_dict()))' },
  { name: 'what a network gives', js: () => net().forward(X), py: 'net()(X)' },
  { name: 'its gradients', js: () => grads(moved(net())), py: 'm = net(); m(X).square().sum().backward(); return grads(m)' },
  { name: 'tied: names of parameters', js: () => names(new Tied().namedParameters()), py: 'names(Tied().named_parameters())' },
  { name: 'tied: names of modules', js: () => names(new Tied().namedModules()), py: 'names(Tied().named_modules())' },
  { name: 'tied: names in a state', js: () => Object.keys(new Tied().stateDict()).sort(), py: 'sorted(Tied().state_dict())' },
  { name: 'tied: gradients', js: () => grads(moved(fill(new Tied()))), py: 'm = fill(Tied()); m(X).square().sum().backward(); return grads(m)' },
  {
    name: 'tied: steps move what is shared once',
    js: () => {
      const m = moved(fill(new Tied()));
      new optim.SGD(m.parameters(), { lr: 0.01 }).step();
      return m.parameters();
    },
    py: 'm = fill(Tied()); m(X).square().sum().backward(); optim.SGD(m.parameters(), lr=0.01).step(); return list(m.parameters())',
  },
  {
    name: 'tied: a state loads into itself, doubled',
    js: () => {
      const m = fill(new Tied());
      m.loadStateDict(doubled(m.stateDict()));
      return m.parameters();
    },
    py: 'm = fill(Tied()); m.load_state_dict(doubled(m.state_dict())); return list(m.parameters())',
  },
  {
    name: 'tied: a state without the second name is refused',
    js: () => {
      const m = fill(new Tied());
      m.loadStateDict(without(m.stateDict(), 'two.weight'));
      return m.parameters();
    },
    py: 'm = fill(Tied()); s = m.state_dict(); del s["two.weight"]; m.load_state_dict(s); return list(m.parameters())',
    differs: 'a tied tensor is not missed where one of its names is there',
  },
  {
    name: 'tied: the state of an untied model; the last name counts',
    js: () => {
      const m = fill(new Tied());
      m.loadStateDict(fill(new Untied()).stateDict());
      return m.forward(X);
    },
    py: 'm = fill(Tied()); m.load_state_dict(fill(Untied()).state_dict()); return m(X)',
  },
  {
    name: 'tied: its state in an untied model',
    js: () => {
      const m = fill(new Untied());
      m.loadStateDict(doubled(fill(new Tied()).stateDict()));
      return m.forward(X);
    },
    py: 'm = fill(Untied()); m.load_state_dict(doubled(fill(Tied()).state_dict())); return m(X)',
  },
  {
    name: 'one layer in a list twice counts once',
    js: () => {
      const a = fill(new nn.Linear(2, 2));
      const m = new nn.Sequential(a, new nn.Tanh(), a);
      return [names(m.namedParameters()), Object.keys(m.stateDict()), grads(moved(m))];
    },
    py: 'a = fill(nn.Linear(2, 2)); m = nn.Sequential(a, nn.Tanh(), a); m(X).square().sum().backward(); return [names(m.named_parameters()), list(m.state_dict()), grads(m)]',
  },
  {
    name: 'a state loads into another model',
    js: () => {
      const m = net();
      m.loadStateDict(doubled(m.stateDict()));
      return m.eval().forward(X);
    },
    py: 'm = net(); m.load_state_dict(doubled(m.state_dict())); return m.eval()(X)',
  },
  {
    name: 'a missing entry is refused',
    js: () => net().loadStateDict(without(net().stateDict(), 'scale')),
    py: 's = net().state_dict(); del s["scale"]; return list(net().load_state_dict(s))',
  },
  {
    name: 'an unexpected entry is refused',
    js: () => net().loadStateDict({ ...net().stateDict(), more: ones([1]) }),
    py: 'list(net().load_state_dict({**net().state_dict(), "more": torch.ones(1)}))',
  },
  {
    name: 'strict: false says what was missing and unexpected',
    js: () => {
      const { missingKeys, unexpectedKeys } = net().loadStateDict(
        { ...without(net().stateDict(), 'scale', 'norm.running_var', 'heads.b.weight'), more: ones([1]) },
        { strict: false },
      );
      return [missingKeys.sort(), unexpectedKeys];
    },
    py: 's = {k: v for k, v in net().state_dict().items() if k not in ("scale", "norm.running_var", "heads.b.weight")}; r = net().load_state_dict({**s, "more": torch.ones(1)}, strict=False); return [sorted(keys(r.missing_keys)), r.unexpected_keys]',
  },
  {
    name: 'another shape is refused, strict or not',
    js: () => net().loadStateDict({ ...net().stateDict(), scale: ones([2]) }, { strict: false }),
    py: 'list(net().load_state_dict({**net().state_dict(), "scale": torch.ones(2)}, strict=False))',
  },
  {
    name: 'rank 0 for [1] is refused',
    js: () => net().loadStateDict({ ...net().stateDict(), scale: t(3) }).missingKeys,
    py: 'list(net().load_state_dict({**net().state_dict(), "scale": t(3)}).missing_keys)',
  },
  {
    name: 'a state of a part',
    js: () => names(Object.entries(net().heads.stateDict())),
    py: 'keys(net().heads.state_dict())',
  },
  {
    name: 'a state with a prefix',
    js: () => Object.fromEntries(Object.entries(net().blocks.stateDict()).map(([k, v]) => [`blocks.${k}`, v])),
    py: 'dict(net().blocks.state_dict(prefix="blocks."))',
  },
  {
    name: 'a state is a window on the parameters',
    js: () => {
      const m = net();
      const state = m.stateDict();
      noGrad(() => m.scale.fill_(4));
      return [state['scale'], state['scale']?.requiresGrad];
    },
    py: 'm = net(); s = m.state_dict()\nwith torch.no_grad(): m.scale.fill_(4)\nreturn [s["scale"], s["scale"].requires_grad]',
  },
  {
    name: 'loading keeps flags of gradients',
    js: () => {
      const m = net();
      m.first.requiresGrad_(false);
      m.loadStateDict(net().stateDict());
      return m.parameters().map((p) => p.requiresGrad);
    },
    py: 'm = net(); m.first.requires_grad_(False); m.load_state_dict(net().state_dict()); return [p.requires_grad for p in m.parameters()]',
  },
  {
    name: 'train and eval reach every part',
    js: () => {
      const m = net().eval();
      const all = (): boolean[] => Array.from(m.namedModules(), ([, x]) => x.training);
      const off = all();
      m.heads.train();
      return [off, all(), m.train().training, m.train(false).norm.training];
    },
    py: 'm = net().eval(); all = lambda: [x.training for x in m.modules()]; off = all(); m.heads.train(); return [off, all(), m.train().training, m.train(False).norm.training]',
  },
  {
    name: 'requiresGrad_ of a part',
    js: () => {
      const m = net();
      m.heads.requiresGrad_(false);
      m.first.requiresGrad_(false).requiresGrad_();
      return [m.parameters().map((p) => p.requiresGrad), grads(moved(m))];
    },
    py: 'm = net(); m.heads.requires_grad_(False); m.first.requires_grad_(False).requires_grad_(); m(X).square().sum().backward(); return [[p.requires_grad for p in m.parameters()], grads(m)]',
  },
  {
    name: 'zeroGrad to null and to zeros',
    js: () => {
      const m = moved(net());
      m.zeroGrad({ setToNull: false });
      const zeros = grads(m).map((g) => g?.clone());
      m.zeroGrad();
      return [zeros, grads(m)];
    },
    py: 'm = net(); m(X).square().sum().backward(); m.zero_grad(set_to_none=False); zeros = [g.clone() for g in grads(m)]; m.zero_grad(); return [zeros, grads(m)]',
  },
  {
    name: 'gradients of two passes add up',
    js: () => grads(moved(moved(net()))),
    py: 'm = net(); m(X).square().sum().backward(); m(X).square().sum().backward(); return grads(m)',
  },
  {
    name: 'running statistics after two batches, and evaluation by them',
    js: () => {
      const m = net();
      m.forward(X);
      m.forward(X.add(1));
      return [m.norm.runningMean, m.norm.runningVar, m.norm.numBatchesTracked, m.eval().forward(X)];
    },
    py: 'm = net(); m(X); m(X + 1); return [m.norm.running_mean, m.norm.running_var, m.norm.num_batches_tracked, m.eval()(X)]',
  },
  {
    name: 'a buffer assigned anew is state still',
    js: () => {
      const m = net();
      Object.assign(m.norm, { runningMean: t([1, 2, 3]) });
      return m.eval().forward(X);
    },
    py: 'm = net(); m.norm.running_mean = t([1, 2, 3]); return m.eval()(X)',
  },
  {
    name: 'a parameter by a tensor is refused',
    js: () => {
      const m = net();
      Object.assign(m, { scale: ones([1]) });
      return m.parameters().length;
    },
    py: 'm = net()\ntry: m.scale = torch.ones(1)\nexcept TypeError: raise ValueError\nreturn 1',
  },
  {
    name: 'Sequential: length, places, iteration',
    js: () => sequential(),
    py: 'm = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)); return [len(m), type(m[-1]).__name__, [type(x).__name__ for x in m]]',
  },
  { name: 'Sequential of nothing gives its input', js: () => new nn.Sequential().forward(X), py: 'nn.Sequential()(X)' },
  {
    name: 'ModuleList: append, insert, extend',
    js: () => lists(),
    py: 'm = nn.ModuleList([nn.Tanh()]); m.append(nn.ReLU()); m.insert(0, nn.Linear(1, 1)); m.extend([nn.Sigmoid()]); return [len(m), [type(x).__name__ for x in m], type(m[-2]).__name__, names(m.named_parameters())]',
  },
  { name: 'ModuleList: a place that there is not', js: () => new nn.ModuleList([new nn.Tanh()]).at(1), py: 'nn.ModuleList([nn.Tanh()])[1]' },
  {
    name: 'ModuleList: a place is taken by another',
    js: () => replaced(),
    py: 'm = nn.ModuleList([nn.Tanh(), nn.Linear(1, 2)]); m[1] = nn.Linear(2, 1); return [list(p.shape) for p in m.parameters()]',
  },
  { name: 'ModuleList: what is no module', js: () => new nn.ModuleList([3 as never]), py: 'len(nn.ModuleList([3]))' },
  { name: 'ModuleList has no forward', js: () => (new nn.ModuleList([new nn.Tanh()]) as unknown as Model).forward(X), py: 'nn.ModuleList([nn.Tanh()])(X)' },
  {
    name: 'ModuleDict: keys, values, update, delete',
    js: () => dicts(),
    py: 'm = nn.ModuleDict({"a": nn.Linear(1, 1)}); m["b"] = nn.Tanh(); m.update({"a": nn.Linear(2, 1), "c": nn.ReLU()}); del m["b"]; return [len(m), list(m.keys()), "b" in m, [list(p.shape) for p in m.parameters()]]',
  },
  { name: 'ModuleDict: a name with a dot', js: () => new nn.ModuleDict({ 'a.b': new nn.Tanh() }), py: 'len(nn.ModuleDict({"a.b": nn.Tanh()}))' },
  {
    name: 'ParameterList',
    js: () => parameterList(),
    py: 'm = nn.ParameterList([nn.Parameter(t([1, 2])), nn.Parameter(t([3]))]); m.append(nn.Parameter(t([4]))); return [names(m.named_parameters()), list(m)]',
  },
  {
    name: 'ParameterDict',
    js: () => parameterDict(),
    py: 'm = nn.ParameterDict({"w": nn.Parameter(t([1, 2]))}); m["b"] = nn.Parameter(t([3])); return [sorted(names(m.named_parameters())), m["w"]]',
  },
  hooks('pre: x + 1', 'pre: x · 10'),
  hooks('pre: x · 10', 'pre: x + 1'),
  hooks('pre: x + 1', 'post: look'),
  hooks('post: look', 'pre: x + 1', 'pre: look'),
  hooks('post: y · 2', 'post: y + 1'),
  hooks('post: y + 1', 'post: y · 2', 'post: look'),
  hooks('post, removed', 'post: look'),
  hooks('back'),
  hooks('back', 'back'),
  hooks('pre: x · 10', 'back', 'post: y · 2'),
  clipping([[3, 4]], 1),
  clipping([[3, 4], [12]], 6.5),
  clipping([[3, 4]], 10),
  clipping([[3, -4], [1]], 2, 1),
  clipping([[3, -4], [5]], 2, Number.POSITIVE_INFINITY),
  clipping(
    [
      [3, -4],
      [0, 1],
    ],
    2,
    3,
  ),
  clipping([[3, 0, 1]], 1, 0),
  clipping([[3, -4], [2]], 1, -1),
  clipping([[0, 0]], 1),
  clipping([], 1),
  clipping([[Number.POSITIVE_INFINITY, 1]], 1),
  clipping([[Number.NaN, 1], [2]], 1),
  clipping([[Number.POSITIVE_INFINITY, 1]], 1, 2, true),
  clipping([[Number.NaN, 1], [2]], 1, Number.POSITIVE_INFINITY, true),
  clipping([[1, 2]], 1, 2, true),
  clipping([[3, 4]], 0),
  { name: 'clipGradNorm_ of one parameter', js: () => clipOne(), py: 'p = L([0, 0]); p.grad = t([3, 4]); n = nn.utils.clip_grad_norm_(p, 1); return [n, p.grad]' },
  {
    name: 'clipGradNorm_ skips what has no gradient',
    js: () => clipSome(),
    py: 'p, q = L([0, 0]), L([1]); p.grad = t([3, 4]); return [nn.utils.clip_grad_norm_([p, q], 1), p.grad, q.grad]',
  },
  { name: 'clipGradNorm_ with foreach', js: null, py: 'clipped([[3.0, 4.0]], 1.0, foreach=True)' },
  { name: 'clipGradValue_', js: () => clipValue(1.5), py: 'p = L([0, 0, 0]); p.grad = t([-3, 1, 2]); nn.utils.clip_grad_value_([p], 1.5); return p.grad' },
  { name: 'clipGradValue_ to 0', js: () => clipValue(0), py: 'p = L([0, 0, 0]); p.grad = t([-3, 1, 2]); nn.utils.clip_grad_value_(p, 0); return p.grad' },
  start('Linear weight', () => new nn.Linear(64, 300).weight, 'nn.Linear(64, 300).weight'),
  start('Linear bias', () => new nn.Linear(4, 20000).bias as Tensor, 'nn.Linear(4, 20000).bias'),
  start('Conv1d weight', () => new nn.Conv1d(8, 200, 5).weight, 'nn.Conv1d(8, 200, 5).weight'),
  start('Conv2d weight', () => new nn.Conv2d(6, 100, 3, { groups: 2 }).weight, 'nn.Conv2d(6, 100, 3, groups=2).weight'),
  start('Conv2d bias', () => new nn.Conv2d(1, 20000, 2).bias as Tensor, 'nn.Conv2d(1, 20000, 2).bias'),
  start('Embedding weight', () => new nn.Embedding(200, 100).weight, 'nn.Embedding(200, 100).weight'),
  start('PReLU weight', () => new nn.PReLU(5).weight, 'nn.PReLU(5).weight'),
  start('LayerNorm weight', () => new nn.LayerNorm([3, 4]).weight as Tensor, 'nn.LayerNorm([3, 4]).weight'),
  dropped('Dropout: a share of zeros, the rest scaled', () => new nn.Dropout(0.3).forward(ones([20000])), 'nn.Dropout(0.3)(torch.ones(20000))'),
  dropped('Dropout of p 0.8', () => new nn.Dropout({ p: 0.8 }).forward(ones([200, 100])), 'nn.Dropout(0.8)(torch.ones(200, 100))'),
  dropped('Dropout2d drops planes', () => new nn.Dropout2d(0.4).forward(ones([100, 50, 2, 2])), 'nn.Dropout2d(0.4)(torch.ones(100, 50, 2, 2))'),
  {
    name: 'Dropout2d: a plane goes as a whole',
    js: () => planes(ones([60, 20, 3, 3])),
    py: 'y = nn.Dropout2d(0.5)(torch.ones(60, 20, 3, 3)).flatten(2).mean(2); return sorted(set(y.flatten().tolist()))',
  },
  {
    name: 'Dropout2d of three dimensions drops rows',
    js: () => planes(ones([60, 20, 3])),
    py: 'y = nn.Dropout2d(0.5)(torch.ones(60, 20, 3)).mean(2); return sorted(set(y.flatten().tolist()))',
  },
  { name: 'Dropout: the gradient has the same mask', js: () => sameMask(), py: 'x = L([1.0] * 50); y = nn.Dropout(0.5)(x); y.sum().backward(); return bool((x.grad == y).all())' },
  { name: 'apply', js: null, py: 'seen = []; net().apply(lambda m: seen.append(type(m).__name__)); return seen' },
  { name: 'a buffer that is not saved', js: null, py: 'm = nn.Module(); m.register_buffer("b", t([1]), persistent=False); return list(m.state_dict())' },
  { name: 'getSubmodule', js: null, py: 'type(net().get_submodule("blocks.0.1")).__name__' },
  { name: 'Sequential grows', js: null, py: 'm = nn.Sequential(nn.Tanh()); m.append(nn.ReLU()); return len(m)' },
];

function sequential(): unknown {
  const m = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Linear(3, 1));
  return [m.length, m.at(-1)?.constructor.name, Array.from(m, (x) => x.constructor.name)];
}
function lists(): unknown {
  const m = new nn.ModuleList<nn.Module>([new nn.Tanh()]).append(new nn.ReLU()).insert(0, new nn.Linear(1, 1)).extend([new nn.Sigmoid()]);
  return [m.length, Array.from(m, (x) => x.constructor.name), m.at(-2).constructor.name, names(m.namedParameters())];
}
function replaced(): unknown {
  const m = new nn.ModuleList<nn.Module>([new nn.Tanh(), new nn.Linear(1, 2)]);
  m.set(1, new nn.Linear(2, 1));
  return m.parameters().map((p) => p.shape);
}
function dicts(): unknown {
  const m = new nn.ModuleDict<nn.Module>({ a: new nn.Linear(1, 1) });
  m.set('b', new nn.Tanh()).update({ a: new nn.Linear(2, 1), c: new nn.ReLU() });
  m.delete('b');
  return [m.size, [...m.keys()], m.has('b'), m.parameters().map((p) => p.shape)];
}
function parameterList(): unknown {
  const m = new nn.ParameterList([t([1, 2]), new nn.Parameter(t([3]))]).append(t([4]));
  return [names(m.namedParameters()), [...m]];
}
function parameterDict(): unknown {
  const m = new nn.ParameterDict({ w: t([1, 2]) }).set('b', t([3]));
  return [names(m.namedParameters()).sort(), m.get('w')];
}
function clipOne(): unknown {
  const p = L([0, 0]);
  p.grad = t([3, 4]);
  return [clip(p, 1), p.grad];
}
function clipSome(): unknown {
  const [p, q] = [L([0, 0]), L([1])];
  p.grad = t([3, 4]);
  return [clip([p, q], 1), p.grad, q.grad];
}
function clipValue(most: number): unknown {
  const p = L([0, 0, 0]);
  p.grad = t([-3, 1, 2]);
  nn.clipGradValue_([p], most);
  return p.grad;
}
/** Which means the rows or planes have. */
function planes(x: Tensor): number[] {
  manualSeed(2);
  const y = new nn.Dropout2d(0.5).forward(x);
  return [...new Set(y.flatten(2).mean(2).data())].sort();
}
function sameMask(): boolean {
  const x = L(new Array<number>(50).fill(1));
  const y = new nn.Dropout(0.5).forward(x.add(randn([50]).mul(0)));
  y.sum().backward();
  return (x.grad as Tensor).eq(y).all().item() === 1;
}
