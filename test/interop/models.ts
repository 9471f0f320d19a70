// Models for the tests against PyTorch: a batch, losses by name, and what trains them.
import { arange, autograd, cat, manualSeed, multiloss, nn, optim, rand, randn, type Tensor } from 'gradloom';

const { functional: F } = nn;

/** What is trained, by name. */
export interface Case {
  model: nn.Module;
  data: Tensor[];
  losses: (batch: Tensor[]) => Record<string, Tensor>;
  combine?: multiloss.Method;
  optimizer: optim.Optimizer<never>;
  scheduler?: optim.lrScheduler.LRScheduler;
}

class LSTMTagger extends nn.Module {
  readonly embed = new nn.Embedding(20, 8);
  readonly lstm = new nn.LSTM(8, 16, { numLayers: 2, batchFirst: true });
  readonly heads = { tag: new nn.Linear(16, 4), length: new nn.Linear(16, 1) };
  forward(tokens: Tensor): { tag: Tensor; length: Tensor } {
    const [output, [h]] = this.lstm.forward(this.embed.forward(tokens));
    return { tag: this.heads.tag.forward(output), length: this.heads.length.forward(h.select(0, -1)).squeeze(1) };
  }
}

class DoubleConv extends nn.Module {
  readonly body: nn.Sequential;
  constructor(inner: number, outer: number) {
    super();
    this.body = new nn.Sequential(new nn.Conv2d(inner, outer, 3, { padding: 1 }), new nn.GroupNorm(2, outer), new nn.SiLU());
  }
  forward(x: Tensor): Tensor {
    return this.body.forward(x);
  }
}

class UNet extends nn.Module {
  readonly down = [new DoubleConv(1, 4), new DoubleConv(4, 8)];
  readonly middle = new DoubleConv(8, 8);
  readonly up = [new nn.ConvTranspose2d(8, 8, 2, { stride: 2 }), new nn.ConvTranspose2d(8, 4, 2, { stride: 2 })];
  readonly join = [new DoubleConv(16, 8), new DoubleConv(8, 4)];
  readonly pool = new nn.MaxPool2d(2);
  readonly mask = new nn.Conv2d(4, 1, 1);
  readonly edge = new nn.Conv2d(4, 1, 1);
  forward(x: Tensor): [Tensor, Tensor] {
    const kept: Tensor[] = [];
    let h = x;
    for (const block of this.down) {
      h = block.forward(h);
      kept.push(h);
      h = this.pool.forward(h);
    }
    h = this.middle.forward(h);
    for (const [i, up] of this.up.entries()) h = (this.join[i] as DoubleConv).forward(cat([kept.pop() as Tensor, up.forward(h)], 1));
    return [this.mask.forward(h), this.edge.forward(h)];
  }
}

class Skip extends nn.Module {
  readonly norm = new nn.LayerNorm([12]);
  readonly wide = new nn.Linear(12, 24);
  readonly narrow = new nn.Linear(24, 12);
  readonly scale = new nn.Parameter(rand([12]).mul(0.1).add(0.5));
  forward(x: Tensor): Tensor {
    return x.add(this.narrow.forward(F.gelu(this.wide.forward(this.norm.forward(x)))).mul(this.scale));
  }
}

/** Skips, a part used twice, tied weights, a buffer, functions between layers. */
class Own extends nn.Module {
  readonly blocks = [new Skip(), new Skip()];
  readonly embed = new nn.Embedding(6, 12);
  readonly project = new nn.Linear(12, 6, { bias: false });
  readonly centre = new nn.Buffer(arange(12).float().mul(0.05));
  constructor() {
    super();
    Object.assign(this.project, { weight: this.embed.weight });
  }
  forward(x: Tensor, kind: Tensor): { value: Tensor; kind: Tensor } {
    let h = x.sub(this.centre).add(this.embed.forward(kind));
    for (const block of [...this.blocks, this.blocks[0] as Skip]) h = block.forward(h);
    const flat = h.reshape([h.shape[0] as number, 3, 4]);
    return {
      value: flat
        .softmax(2)
        .mul(flat)
        .sum({ dim: [1, 2] }),
      kind: this.project.forward(h),
    };
  }
}

const optimizerOf = (optimizer: unknown): optim.Optimizer<never> => optimizer as optim.Optimizer<never>;

/** How each case is made; seeded, so that it can be made again. */
export const CASES: Readonly<Record<string, () => Case>> = {
  Sequential() {
    manualSeed(1);
    const model = new nn.Sequential(new nn.Linear(8, 32), new nn.Tanh(), new nn.Linear(32, 16), new nn.ReLU(), new nn.Linear(16, 3));
    const data = [randn([48, 8]), rand([48]).mul(3).int(), randn([48, 3])];
    const optimizer = new optim.Adam(model.parameters(), { lr: 5e-3 });
    const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, { tMax: 120 });
    const losses = ([x, y, z]: Tensor[]): Record<string, Tensor> => {
      const out = model.forward(x as Tensor);
      return { classes: F.crossEntropy(out, y as Tensor), values: F.mseLoss(out, z as Tensor) };
    };
    return { model, data, losses, combine: multiloss.weighted({ classes: 1, values: 0.3 }), optimizer: optimizerOf(optimizer), scheduler };
  },
  LSTM() {
    manualSeed(2);
    const model = new LSTMTagger();
    const data = [rand([32, 7]).mul(20).int(), rand([32, 7]).mul(4).int(), rand([32])];
    const optimizer = new optim.AdamW(model.parameters(), { lr: 5e-3, weightDecay: 0.01 });
    const losses = ([x, y, z]: Tensor[]): Record<string, Tensor> => {
      const { tag, length } = model.forward(x as Tensor);
      return { tag: F.crossEntropy(tag.reshape([-1, 4]), (y as Tensor).reshape([-1])), length: F.smoothL1Loss(length, z as Tensor) };
    };
    return { model, data, losses, combine: new multiloss.UPGrad(), optimizer: optimizerOf(optimizer) };
  },
  UNet() {
    manualSeed(3);
    const model = new UNet();
    const data = [randn([8, 1, 16, 16]), rand([8, 1, 16, 16]).gt(0.7).float(), rand([8, 1, 16, 16])];
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9 });
    const scheduler = new optim.lrScheduler.StepLR(optimizer, { stepSize: 30, gamma: 0.5 });
    const losses = ([x, y, z]: Tensor[]): Record<string, Tensor> => {
      const [mask, edge] = model.forward(x as Tensor);
      return { mask: F.binaryCrossEntropyWithLogits(mask, y as Tensor), edge: F.l1Loss(edge.sigmoid(), z as Tensor) };
    };
    return { model, data, losses, combine: new multiloss.MGDA(), optimizer: optimizerOf(optimizer), scheduler };
  },
  Own() {
    manualSeed(4);
    const model = new Own();
    const data = [randn([40, 12]), rand([40]).mul(6).int(), randn([40]), rand([40]).mul(6).int()];
    const groups = [{ params: model.blocks.flatMap((b) => b.parameters()), lr: 4e-4 }, { params: model.embed.parameters() }];
    const optimizer = new optim.RMSprop(groups, { lr: 2e-4, momentum: 0.5 });
    const losses = ([x, k, v, y]: Tensor[]): Record<string, Tensor> => {
      const { value, kind } = model.forward(x as Tensor, k as Tensor);
      return { value: F.mseLoss(value, v as Tensor), kind: F.crossEntropy(kind, y as Tensor), small: model.embed.weight.square().mean() };
    };
    return { model, data, losses, combine: new multiloss.NashMTL(), optimizer: optimizerOf(optimizer) };
  },
  PINN() {
    manualSeed(5);
    const net = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 1));
    const data = [rand([40, 1]), rand([40, 1])];
    const losses = ([x0, t0]: Tensor[]): Record<string, Tensor> => {
      const [x, t] = [x0, t0].map((v) => (v as Tensor).detach().requiresGrad_()) as [Tensor, Tensor];
      const u = net.forward(cat([x, t], 1));
      const [ux, ut] = autograd.grad(u.sum(), [x, t], { createGraph: true });
      const [uxx] = autograd.grad(ux.sum(), [x], { createGraph: true });
      const start = net.forward(cat([x, t.mul(0)], 1));
      return { equation: ut.sub(uxx.mul(0.1)).square().mean(), start: F.mseLoss(start, x.mul(Math.PI).sin()) };
    };
    return { model: net, data, losses, combine: new multiloss.ConFIG(), optimizer: optimizerOf(new optim.Adam(net.parameters(), { lr: 1e-3 })) };
  },
};

/** A small network with two heads, for whatever trains it. */
export function small({
  combine = new multiloss.Sum() as multiloss.Method,
  optimizer = (params: Iterable<Tensor>): unknown => new optim.Adam([...params], { lr: 2e-3 }),
  scheduler = (_: optim.Optimizer<never>): unknown => undefined,
}): Case {
  manualSeed(7);
  class Heads extends nn.Module {
    readonly trunk = new nn.Sequential(new nn.Linear(6, 10), new nn.Tanh());
    readonly a = new nn.Linear(10, 3);
    readonly b = new nn.Linear(10, 1);
    readonly c = new nn.Linear(10, 1);
    forward(x: Tensor): Tensor[] {
      const h = this.trunk.forward(x);
      return [this.a.forward(h), this.b.forward(h), this.c.forward(h)];
    }
  }
  const model = new Heads();
  const learned = (combine as { parameters?: () => Tensor[] }).parameters?.() ?? [];
  const made = optimizerOf(optimizer([...model.parameters(), ...learned]));
  const losses = ([x, y, z, v]: Tensor[]): Record<string, Tensor> => {
    const [a, b, c] = model.forward(x as Tensor) as [Tensor, Tensor, Tensor];
    return { a: F.crossEntropy(a, y as Tensor), b: F.mseLoss(b, z as Tensor), c: F.huberLoss(c, v as Tensor) };
  };
  const data = [randn([48, 6]), rand([48]).mul(3).int(), randn([48, 1]), randn([48, 1]).mul(3)];
  return { model, data, losses, combine, optimizer: made, scheduler: scheduler(made) as never };
}

/** Every method that is written, as it is compared. PCGrad's order of three losses is drawn: see the unit test. */
export const METHODS: Readonly<Record<string, () => multiloss.Method>> = {
  Mean: () => new multiloss.Mean(),
  Constant: () => new multiloss.Constant([1, 2, 0.5]),
  weighted: () => multiloss.weighted({ a: 1, b: 0.5, c: 2 }),
  GeometricMean: () => new multiloss.GeometricMean(),
  ScaleInvariant: () => new multiloss.ScaleInvariant({ eps: 1e-3 }),
  UncertaintyWeighting: () => new multiloss.UncertaintyWeighting(['a', 'b', 'c']),
  IMTLL: () => new multiloss.IMTLL(3),
  UPGrad: () => new multiloss.UPGrad(),
  'UPGrad preferring': () => new multiloss.UPGrad({ preference: { a: 1, b: 2, c: 3 } }),
  DualProj: () => new multiloss.DualProj(),
  MGDA: () => new multiloss.MGDA(),
  NashMTL: () => new multiloss.NashMTL(),
  FairGrad: () => new multiloss.FairGrad({ alpha: 2 }),
  AlignedMTL: () => new multiloss.AlignedMTL(),
  CAGrad: () => new multiloss.CAGrad(),
  IMTLG: () => new multiloss.IMTLG(),
  ConFIG: () => new multiloss.ConFIG(),
  Krum: () => new multiloss.Krum({ nByzantine: 0 }),
  TrimmedMean: () => new multiloss.TrimmedMean({ trimNumber: 1 }),
};

type Make = (params: Iterable<Tensor>) => unknown;
const made =
  (Class: new (params: Tensor[], options: never) => unknown, options: object): Make =>
  (params) =>
    new Class([...params], options as never);

/** Every optimizer. */
export const OPTIMIZERS: Readonly<Record<string, Make>> = {
  SGD: made(optim.SGD, { lr: 0.02, momentum: 0.9, nesterov: true, weightDecay: 1e-3 }),
  Adam: made(optim.Adam, { lr: 2e-3, amsgrad: true, betas: [0.8, 0.99] }),
  AdamW: made(optim.AdamW, { lr: 2e-3 }),
  Adamax: made(optim.Adamax, { lr: 2e-3 }),
  NAdam: made(optim.NAdam, { lr: 2e-3, decoupledWeightDecay: true, weightDecay: 0.01 }),
  RAdam: made(optim.RAdam, { lr: 2e-3 }),
  Adagrad: made(optim.Adagrad, { lr: 1e-2, lrDecay: 0.01 }),
  Adadelta: made(optim.Adadelta, { lr: 0.5 }),
  RMSprop: made(optim.RMSprop, { lr: 1e-3, centered: true, momentum: 0.5 }),
  Rprop: made(optim.Rprop, { lr: 1e-3 }),
  ASGD: made(optim.ASGD, { lr: 1e-2, t0: 5 }),
  Adafactor: made(optim.Adafactor, { lr: 1e-2 }),
  Muon: (params) =>
    new optim.Muon(
      [...params].filter((p) => p.dim() === 2),
      { lr: 1e-2 },
    ),
};

const S = optim.lrScheduler;
type Rates = (optimizer: optim.Optimizer<never>) => unknown;

/** Every scheduler. */
export const SCHEDULERS: Readonly<Record<string, Rates>> = {
  StepLR: (o) => new S.StepLR(o, { stepSize: 7, gamma: 0.3 }),
  MultiStepLR: (o) => new S.MultiStepLR(o, { milestones: [3, 9, 9] }),
  ExponentialLR: (o) => new S.ExponentialLR(o, { gamma: 0.9 }),
  ConstantLR: (o) => new S.ConstantLR(o, { factor: 0.2, totalIters: 8 }),
  LinearLR: (o) => new S.LinearLR(o, { totalIters: 12 }),
  PolynomialLR: (o) => new S.PolynomialLR(o, { totalIters: 18, power: 2 }),
  CosineAnnealingLR: (o) => new S.CosineAnnealingLR(o, { tMax: 12, etaMin: 1e-4 }),
  CosineAnnealingWarmRestarts: (o) => new S.CosineAnnealingWarmRestarts(o, { t0: 4, tMult: 2 }),
};
