// PyTorch's test_lrscheduler: rates that follow a metric, and what schedulers refuse.
import { optim } from 'gradloom';
import { keywords, L, py, type Row } from './row.ts';
import { build, EXACT, optimizer, prelude as traces, type Spec, text } from './lrscheduler.rows.ts';

export const prelude = `${traces}
def watched(metrics, lrs=[0.5], **options):
    o = opt(lrs, "SGD", 0)
    s = S.ReduceLROnPlateau(o, **options)
    out = []
    for m in metrics:
        o.step()
        s.step(m)
        out.append([g["lr"] for g in o.param_groups])
    return [out, list(s.get_last_lr()), s.best, s.num_bad_epochs, s.cooldown_counter]
def watched_on(first, rest, **options):
    a, b = opt([0.5], "SGD", 0), opt([0.3], "SGD", 0)
    s, r = S.ReduceLROnPlateau(a, **options), S.ReduceLROnPlateau(b, **options)
    for m in first: s.step(m)
    b.load_state_dict(a.state_dict())
    r.load_state_dict(s.state_dict())
    out = []
    for m in rest:
        r.step(m)
        out.append(b.param_groups[0]["lr"])
    return out
`;

const { ReduceLROnPlateau } = optim.lrScheduler;
type Options = optim.lrScheduler.PlateauOptions;

function watched(metrics: readonly number[], options: Options, lrs?: readonly number[]): unknown {
  const o = optimizer(lrs ? { lrs } : {});
  const s = new ReduceLROnPlateau(o, options);
  const out = metrics.map((m) => {
    s.step(m);
    return o.paramGroups.map((g) => g.lr);
  });
  const { best, numBadEpochs, cooldownCounter } = s.stateDict();
  return [out, s.getLastLr(), best, numBadEpochs, cooldownCounter];
}
function watchedOn(first: readonly number[], rest: readonly number[], options: Options): unknown {
  const [a, b] = [optimizer({}), optimizer({ lrs: [0.3] })];
  const [s, r] = [new ReduceLROnPlateau(a, options), new ReduceLROnPlateau(b, options)];
  for (const m of first) s.step(m);
  b.loadStateDict(a.stateDict());
  r.loadStateDict(s.stateDict());
  return rest.map((m) => {
    r.step(m);
    return b.paramGroups[0]?.lr;
  });
}
const range = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i));
const metric = (name: string, metrics: readonly number[], options: Options, lrs?: readonly number[]): Row => ({
  name: `plateau: ${name} (${keywords(options)})`,
  js: () => watched(metrics, options, lrs),
  py: `watched(${py(metrics)}, ${keywords({ ...(lrs && { lrs }), ...options })})`,
  tolerance: EXACT,
});
const same = range(12, () => 1);
const falling = range(12, (i) => 10 - i);
const rising = range(12, (i) => i);
const slowly = range(14, (i) => 1 - 0.01 * i);

/** Arguments that are refused, but for those that say how they differ. */
const REFUSED: readonly [spec: Spec, differs?: string, lrs?: readonly number[]][] = [
  [['LinearLR', { startFactor: 0 }]],
  [['LinearLR', { startFactor: 2 }]],
  [['LinearLR', { startFactor: -0.5 }]],
  [['LinearLR', { endFactor: 2 }]],
  [['LinearLR', { endFactor: -0.1 }]],
  [['ConstantLR', { factor: 2 }]],
  [['ConstantLR', { factor: -0.5 }]],
  [['ConstantLR', { factor: 1.01, totalIters: 2 }]],
  [['CosineAnnealingWarmRestarts', { t0: 0 }]],
  [['CosineAnnealingWarmRestarts', { t0: -3 }]],
  [['CosineAnnealingWarmRestarts', { t0: 2.5 }]],
  [['CosineAnnealingWarmRestarts', { t0: 2, tMult: 0 }]],
  [['OneCycleLR', { maxLr: 0.1 }]],
  [['OneCycleLR', { maxLr: 0.1, totalSteps: 0 }]],
  [['OneCycleLR', { maxLr: 0.1, totalSteps: -2 }]],
  [['OneCycleLR', { maxLr: 0.1, epochs: 2 }]],
  [['OneCycleLR', { maxLr: 0.1, epochs: 0, stepsPerEpoch: 3 }]],
  [['OneCycleLR', { maxLr: 0.1, totalSteps: 5, pctStart: 1.5 }]],
  [['OneCycleLR', { maxLr: 0.1, totalSteps: 5, annealStrategy: 'sin' }]],
  [['OneCycleLR', { maxLr: [0.1, 0.2, 0.3], totalSteps: 5 }]],
  [['CyclicLR', { baseLr: 0.01, maxLr: 0.1, mode: 'square' }]],
  [['CyclicLR', { baseLr: [0.01, 0.02], maxLr: 0.1 }]],
  [['CyclicLR', { baseLr: 0.01, maxLr: [0.1, 0.2, 0.3] }]],
  [['LambdaLR', { lrLambda: [{ js: () => 1, py: '1' }] }], undefined, [0.5, 0.1]],
  [['MultiplicativeLR', { lrLambda: [{ js: () => 1, py: '1' }] }], undefined, [0.5, 0.1]],
  [['SequentialLR', { schedulers: [], milestones: [] }]],
  [['SequentialLR', { schedulers: [['StepLR', { stepSize: 1 }]], milestones: [2] }]],
  [
    [
      'SequentialLR',
      {
        schedulers: [
          ['StepLR', { stepSize: 1 }],
          ['ExponentialLR', { gamma: 0.9 }],
        ],
        milestones: [2, 4],
      },
    ],
  ],
  [['ChainedScheduler', { schedulers: [] }]],
  [['ExponentialLR', {}]],
  [['StepLR', { gamma: 0.5 }]],
  [['StepLR', { step: 3 }]],
  [['StepLR', { stepSize: 0 }], 'refused when built; PyTorch divides by 0 at the first step'],
  [['CosineAnnealingLR', { tMax: 0 }], 'refused when built; PyTorch divides by 0 at the first step'],
  [['PolynomialLR', { power: -1 }], 'refused: the rate would grow and end infinite'],
  [['MultiStepLR', { milestones: [-1] }], 'refused; PyTorch never comes to it'],
  [['LinearLR', { totalIters: 0 }], 'refused; in PyTorch the rate stays at its start for ever'],
];
const small: readonly Options[] = [{ factor: 1 }, { factor: 1.5 }, { mode: 'mid' as 'min' }, { thresholdMode: 'both' as 'rel' }, { minLr: [0.1, 0.2] }];

/** Nests that cannot be. */
const plateauIn = (name: 'SequentialLR' | 'ChainedScheduler'): Row => ({
  name: `ReduceLROnPlateau in ${name} is refused when built`,
  js: () => {
    const o = optimizer({});
    const parts = [build(o, ['ExponentialLR', { gamma: 0.9 }]), new ReduceLROnPlateau(o)] as never;
    return name === 'SequentialLR' ? new optim.lrScheduler.SequentialLR(o, { schedulers: parts, milestones: [2] }) : new optim.lrScheduler.ChainedScheduler(parts);
  },
  py: `o = opt([0.5], "SGD", 0); parts = [S.ExponentialLR(o, 0.9), S.ReduceLROnPlateau(o)]; return ${name === 'SequentialLR' ? 'S.SequentialLR(o, parts, milestones=[2])' : 'S.ChainedScheduler(parts)'}.last_epoch`,
});
const strangers = (name: 'SequentialLR' | 'ChainedScheduler'): Row => ({
  name: `${name} of schedulers of two optimizers is refused`,
  js: () => {
    const [a, b] = [optimizer({}), optimizer({})];
    const parts = [build(a, ['ExponentialLR', { gamma: 0.9 }]), build(b, ['StepLR', { stepSize: 2 }])];
    return name === 'SequentialLR' ? new optim.lrScheduler.SequentialLR(a, { schedulers: parts, milestones: [2] }) : new optim.lrScheduler.ChainedScheduler(parts);
  },
  py: `a, b = opt([0.5], "SGD", 0), opt([0.5], "SGD", 0); parts = [S.ExponentialLR(a, 0.9), S.StepLR(b, 2)]; return ${name === 'SequentialLR' ? 'S.SequentialLR(a, parts, milestones=[2])' : 'S.ChainedScheduler(parts)'}.last_epoch`,
});

export const rows: readonly Row[] = [
  metric('falling', falling, { patience: 1 }),
  metric('equal', same, { patience: 3 }),
  metric('equal, patience 0', same, { patience: 0, factor: 0.5 }),
  metric('rising', rising, { mode: 'max', patience: 1 }),
  metric('falling', falling, { mode: 'max', patience: 2, factor: 0.5 }),
  metric('slowly falling', slowly, { threshold: 0.02, patience: 2 }),
  metric('slowly falling', slowly, { threshold: 0.02, thresholdMode: 'abs', patience: 2 }),
  metric('slowly falling', slowly, { threshold: 0.005, thresholdMode: 'abs', patience: 1 }),
  metric('slowly rising', slowly.toReversed(), { mode: 'max', threshold: 0.02, patience: 2 }),
  metric('slowly rising', slowly.toReversed(), { mode: 'max', threshold: 0.02, thresholdMode: 'abs', patience: 2 }),
  metric('equal', same, { patience: 1, cooldown: 2, factor: 0.5 }),
  metric('equal', same, { patience: 2, cooldown: 4, factor: 0.2 }),
  metric('equal, a least rate', same, { patience: 0, minLr: 0.1, factor: 0.5 }),
  metric('equal, a least rate for each group', same, { patience: 0, minLr: [0.1, 0.02], factor: 0.5 }, [0.5, 0.3]),
  metric('equal, small reductions left out', same, { patience: 0, eps: 0.1, factor: 0.5 }),
  metric(
    'negative and falling',
    falling.map((x) => x - 20),
    { patience: 1, threshold: 0.2 },
  ),
  metric('infinite at first', [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 1, 1, 1], { patience: 1, factor: 0.5 }),
  metric('infinitely small at first', [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 2, 2, 2, 2], { mode: 'max', patience: 0, factor: 0.5 }),
  metric('NaN in between', [3, Number.NaN, Number.NaN, 2, Number.NaN, 1], { patience: 0, factor: 0.5 }),
  metric('two groups', same, { patience: 4 }, [0.5, 0.1]),
  ...(
    [
      [same.slice(0, 3), same.slice(0, 4), { patience: 4, factor: 0.5 }],
      [[5, 4, 4, 4], [4, 4, 3, 3, 3], { patience: 1, cooldown: 2 }],
      [[1, 2], [2, 2, 2], { mode: 'max', patience: 1 }],
    ] as const
  ).map(
    ([first, rest, options]): Row => ({
      name: `plateau: (${keywords(options)}) resumed after ${first}`,
      js: () => watchedOn(first, rest, options),
      py: `watched_on(${py(first)}, ${py(rest)}, ${keywords(options)})`,
      tolerance: EXACT,
    }),
  ),
  {
    name: 'plateau: a tensor as metric',
    js: () => {
      const o = optimizer({});
      const s = new ReduceLROnPlateau(o, { patience: 0, factor: 0.5 });
      for (const x of [1, 1, 1]) s.step(L([x]).sum());
      return s.getLastLr();
    },
    py: 'o = opt([0.5], "SGD", 0); s = S.ReduceLROnPlateau(o, patience=0, factor=0.5); [s.step(L([x]).sum()) for x in [1.0, 1.0, 1.0]]; return s.get_last_lr()',
    tolerance: EXACT,
  },
  { name: 'plateau: no metric is refused', js: () => new ReduceLROnPlateau(optimizer({})).step(undefined as never), py: 'S.ReduceLROnPlateau(opt([0.5], "SGD", 0)).step()' },
  {
    name: 'plateau beside a scheduler that counts',
    js: () => {
      const o = optimizer({});
      const [s, r] = [build(o, ['ExponentialLR', { gamma: 0.9 }]), new ReduceLROnPlateau(o, { patience: 1, factor: 0.5 })];
      return same.map((m) => {
        s.step();
        r.step(m);
        return o.paramGroups[0]?.lr;
      });
    },
    py: `o = opt([0.5], "SGD", 0); s, r = S.ExponentialLR(o, 0.9), S.ReduceLROnPlateau(o, patience=1, factor=0.5); return [(s.step(), r.step(m), o.param_groups[0]["lr"])[2] for m in ${py(same)}]`,
    tolerance: EXACT,
  },
  ...REFUSED.map(
    ([spec, differs, lrs]): Row => ({
      differs,
      name: `${text(spec).replaceAll('S.', '').replaceAll('(o, ', '(')} is refused`,
      js: () => build(optimizer({ lrs: lrs ?? [0.5] }), spec).getLastLr(),
      py: `o = opt(${py(lrs ?? [0.5])}, "SGD", 0.25); return list(${text(spec)}.get_last_lr())`,
    }),
  ),
  ...small.map(
    (options): Row => ({
      name: `ReduceLROnPlateau(${keywords(options)}) is refused`,
      js: () => new ReduceLROnPlateau(optimizer({}), options).getLastLr(),
      py: `S.ReduceLROnPlateau(opt([0.5], "SGD", 0), ${keywords(options)}).get_last_lr()`,
    }),
  ),
  {
    name: 'CyclicLR of an optimizer without momentum is refused',
    js: () => new optim.lrScheduler.CyclicLR(new optim.Adagrad([L([1])]), { baseLr: 0.1, maxLr: 0.2 }),
    py: 'S.CyclicLR(optim.Adagrad([L([1])]), 0.1, 0.2).last_epoch',
  },
  {
    name: 'OneCycleLR of an optimizer without momentum is refused',
    js: () => new optim.lrScheduler.OneCycleLR(new optim.Rprop([L([1])]), { maxLr: 0.2, totalSteps: 4 }),
    py: 'S.OneCycleLR(optim.Rprop([L([1])]), 0.2, total_steps=4).last_epoch',
  },
  { name: 'what is no optimizer is refused', js: () => new optim.lrScheduler.StepLR(L([1]) as never, 2), py: 'S.StepLR(L([1]), 2).last_epoch' },
  ...(['SequentialLR', 'ChainedScheduler'] as const).flatMap((name) => [plateauIn(name), strangers(name)]),
];
