// PyTorch's test_optim: the path of each optimizer with each of its options. States, groups and refusals stand in optim-state.rows.ts.
import { optim, scope, type Tensor } from 'gradloom';
import { keywords, L, type Row, t } from './row.ts';

export type Maker = new (params: unknown, options?: object) => optim.Optimizer<optim.OptimizerOptions>;
export const makers = optim as unknown as Readonly<Record<string, Maker>>;

/** The same parameters, data and loss on both sides. */
export const prelude = `
X, Y = t([[1, 2], [3, -1], [0.5, 0.5]]), t([[1, 0], [-1, 0.5], [0, 1]])
def params(): return [L([[0.3, -0.7], [1.2, 0.4]]), L([0.1, -0.2])]
def loss_of(ps): return (torch.tanh(X @ ps[0] + ps[1]) - Y).square().mean()
def step(o, ps):
    o.zero_grad()
    loss = loss_of(ps)
    loss.backward()
    o.step()
    return loss.item()
def path(name, steps=7, **options):
    ps = params()
    o = getattr(optim, name)(ps, **options)
    return [*[step(o, ps) for _ in range(steps)], *ps]
`;

const [X, Y] = [
  t([
    [1, 2],
    [3, -1],
    [0.5, 0.5],
  ]),
  t([
    [1, 0],
    [-1, 0.5],
    [0, 1],
  ]),
];
export const params = (): [Tensor, Tensor] => [
  L([
    [0.3, -0.7],
    [1.2, 0.4],
  ]),
  L([0.1, -0.2]),
];
export const lossOf = ([p, q]: readonly Tensor[]): Tensor =>
  X.matmul(p as Tensor)
    .add(q as Tensor)
    .tanh()
    .sub(Y)
    .square()
    .mean();

/** One step; the loss before it. */
export const step = (o: { zeroGrad(): void; step(): void }, ps: readonly Tensor[]): number =>
  scope(() => {
    o.zeroGrad();
    const loss = lossOf(ps);
    loss.backward();
    o.step();
    return loss.item();
  });
export const times = <T>(n: number, f: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => f(i));

/** The losses over some steps, and where the parameters end. */
export function path(name: string, options: object, steps = 7): unknown[] {
  const ps = params();
  const o = new (makers[name] as Maker)(ps, options);
  return [...times(steps, () => step(o, ps)), ...ps];
}

/** Each optimizer with the options that its tests ask for. */
export const optimizers: Readonly<Record<string, readonly object[]>> = {
  SGD: [
    {},
    { lr: 0.5 },
    { lr: 0.1, momentum: 0.9 },
    { lr: 0.1, momentum: 0.9, dampening: 0.5 },
    { lr: 0.1, momentum: 0.9, nesterov: true },
    { lr: 0.1, weightDecay: 0.5 },
    { lr: 0.1, momentum: 1, weightDecay: 0.1, nesterov: true },
    { lr: 0.1, momentum: 0.9, dampening: -0.5, maximize: true },
    { lr: 0.1, weightDecay: 0.1, maximize: true },
    { lr: 0 },
  ],
  Adam: [
    {},
    { lr: 0.1 },
    { lr: 0.1, betas: [0.5, 0.6] },
    { lr: 0.1, betas: [0, 0.9] },
    { lr: 0.1, betas: [0.5, 0.1] },
    { lr: 0.1, eps: 0.1 },
    { lr: 0.1, weightDecay: 0.5 },
    { lr: 0.3, betas: [0.5, 0.3], amsgrad: true },
    { lr: 0.1, weightDecay: 0.9, amsgrad: true },
    { lr: 0.01, weightDecay: 0.1, amsgrad: true, maximize: true },
    { lr: 0, weightDecay: 0.1 },
  ],
  AdamW: [
    {},
    { lr: 0.1, weightDecay: 0.5 },
    { lr: 0.1, weightDecay: 0 },
    { lr: 0.3, betas: [0.5, 0.3], amsgrad: true },
    { lr: 0.1, eps: 0.1, betas: [0.8, 0.9] },
    { lr: 0.01, weightDecay: 0.1, maximize: true },
    { lr: 0.01, weightDecay: 0.1, amsgrad: true, maximize: true },
  ],
  Adamax: [{}, { lr: 0.1 }, { lr: 0.1, betas: [0.5, 0.6] }, { lr: 0.1, weightDecay: 0.5 }, { lr: 0.1, eps: 0.1 }, { lr: 0.01, weightDecay: 0.1, maximize: true }],
  NAdam: [
    {},
    { lr: 0.1 },
    { lr: 0.1, momentumDecay: 0.6 },
    { lr: 0.1, betas: [0.5, 0.6], momentumDecay: 0 },
    { lr: 0.1, weightDecay: 0.5 },
    { lr: 0.1, weightDecay: 0.5, decoupledWeightDecay: true },
    { lr: 0.1, eps: 0.1, weightDecay: 0.1, momentumDecay: 0.6, maximize: true },
  ],
  RAdam: [
    {},
    { lr: 0.1 },
    { lr: 0.1, betas: [0.5, 0.6] },
    { lr: 0.1, weightDecay: 0.5 },
    { lr: 0.1, weightDecay: 0.5, decoupledWeightDecay: true },
    { lr: 0.1, eps: 0.1 },
    { lr: 0.01, weightDecay: 0.1, maximize: true },
  ],
  RMSprop: [
    {},
    { lr: 0.1, alpha: 0.5 },
    { lr: 0.1, eps: 0.1 },
    { lr: 0.05, centered: true, alpha: 0.8 },
    { lr: 0.05, momentum: 0.9 },
    { lr: 0.05, momentum: 0.1, centered: true, weightDecay: 0.1 },
    { lr: 0.05, weightDecay: 0.5, maximize: true },
  ],
  Adagrad: [
    {},
    { lr: 0.3 },
    { lr: 0.3, lrDecay: 0.5 },
    { lr: 0.3, initialAccumulatorValue: 0.5 },
    { lr: 0.3, weightDecay: 0.5 },
    { lr: 0.3, eps: 0.1 },
    { lr: 0.1, initialAccumulatorValue: 0.1, lrDecay: 0.1, maximize: true },
  ],
  Adadelta: [{}, { lr: 0.5 }, { rho: 0.5 }, { rho: 1 }, { rho: 0 }, { weightDecay: 0.5 }, { eps: 0.01 }, { lr: 0.5, weightDecay: 0.1, maximize: true }],
  ASGD: [
    {},
    { lr: 0.3 },
    { lr: 0.3, t0: 2 },
    { lr: 0.3, lambd: 0.5 },
    { lr: 0.3, lambd: 0.5, alpha: 0.2, t0: 0 },
    { lr: 0.3, weightDecay: 0.5 },
    { lr: 0.1, lambd: 0.1, weightDecay: 0.1, maximize: true },
  ],
  Rprop: [{}, { lr: 0.3 }, { lr: 0.3, etas: [0.2, 3] }, { lr: 0.3, stepSizes: [0.1, 0.4] }, { lr: 0.05, etas: [0.9, 1.05], maximize: true }],
};

const AFTER = { SGD: { lr: 0.5 }, Adam: { lr: 0.1, amsgrad: true }, RAdam: { lr: 0.1 }, RMSprop: { lr: 0.1, momentum: 0.5 } };

export const rows: readonly Row[] = [
  ...Object.entries(optimizers).flatMap(([name, all]) =>
    all.map((options): Row => ({ name: `${name}(${keywords(options)})`, js: () => path(name, options), py: `path(${JSON.stringify(name)}, ${keywords(options)})` })),
  ),
  ...Object.entries(AFTER).map(
    ([name, options]): Row => ({
      name: `${name} after 60 steps`,
      js: () => path(name, options, 60).slice(-2),
      py: `path(${JSON.stringify(name)}, 60, ${keywords(options)})[-2:]`,
      tolerance: [1e-4, 1e-5],
    }),
  ),
  { name: 'SparseAdam', js: null, py: 'len(path("SparseAdam", 0))' },
  { name: 'LBFGS', js: null, py: 'len(path("LBFGS", 0))' },
  { name: 'Adafactor', js: null, py: 'path("Adafactor")' },
  { name: 'Muon', js: null, py: 'hasattr(optim, "Muon")' },
];
