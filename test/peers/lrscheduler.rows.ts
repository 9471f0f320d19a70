// PyTorch's test_lrscheduler: the rates of each scheduler. Nests and states stand in lrscheduler-nested.rows.ts, plateaus and refusals in lrscheduler-plateau.rows.ts.
import { optim } from 'gradloom';
import { keywords, L, py, type Row } from './row.ts';

/** A function of the step count, on both sides. */
export interface Factor {
  js: (count: number) => number;
  py: string;
}
/** A scheduler with its options; parts of nests are such too. */
export type Spec = readonly [name: string, options?: Readonly<Record<string, unknown>>];
/** The optimizer: a rate for each group. */
export interface On {
  lrs?: readonly number[];
  kind?: 'SGD' | 'Adam';
  momentum?: number;
  steps?: number;
}

export const prelude = `
S = optim.lr_scheduler
def opt(lrs, kind, momentum):
    groups = [{"params": [L([1.0])], "lr": lr} for lr in lrs]
    return optim.Adam(groups) if kind == "Adam" else optim.SGD(groups, momentum=momentum)
def seen(o): return [[g["lr"], g["betas"][0] if "betas" in g else g["momentum"]] for g in o.param_groups]
def trace(build, lrs=[0.5], kind="SGD", momentum=0.25, steps=12):
    o = opt(lrs, kind, momentum)
    s = build(o)
    out = [seen(o)]
    for _ in range(steps):
        o.step()
        s.step()
        out.append([*seen(o), list(s.get_last_lr())])
    return out
`;

type Class = new (...args: unknown[]) => optim.lrScheduler.LRScheduler;
const classes = optim.lrScheduler as unknown as Readonly<Record<string, Class>>;
const isFactor = (v: unknown): v is Factor => typeof v === 'object' && v !== null && 'js' in v;
const own = (v: unknown): unknown => (isFactor(v) ? v.js : Array.isArray(v) ? v.map(own) : v);
const theirs = (v: unknown): string => (isFactor(v) ? `lambda e: ${v.py}` : Array.isArray(v) && v.some(isFactor) ? `[${v.map(theirs).join(', ')}]` : py(v));

export function build(o: optim.SGD, [name, options = {}]: Spec): optim.lrScheduler.LRScheduler {
  const Scheduler = classes[name] as Class;
  const parts = (options['schedulers'] as readonly Spec[] | undefined)?.map((s) => build(o, s));
  if (name === 'ChainedScheduler') return new Scheduler(parts);
  return new Scheduler(o, { ...Object.fromEntries(Object.entries(options).map(([k, v]) => [k, own(v)])), ...(parts && { schedulers: parts }) });
}
/** Names that PyTorch writes with a capital letter. */
const CAPITAL: Readonly<Record<string, string>> = { tMax: 'T_max', t0: 'T_0', tMult: 'T_mult' };
export function text([name, options = {}]: Spec): string {
  const { schedulers, ...rest } = options as { schedulers?: readonly Spec[] };
  const parts = schedulers && `[${schedulers.map(text).join(', ')}]`;
  if (name === 'ChainedScheduler') return `S.ChainedScheduler(${parts})`;
  const named = Object.entries(rest).map(([k, v]) => `${CAPITAL[k] ?? keywords({ [k]: 0 }).slice(0, -2)}=${k === 'pctStart' ? `float(${v})` : theirs(v)}`);
  return `S.${name}(${['o', ...(parts ? [parts] : []), ...named].join(', ')})`;
}

export const optimizer = ({ lrs = [0.5], kind = 'SGD', momentum = 0.25 }: On): optim.SGD => {
  const groups = lrs.map((lr) => ({ params: [L([1])], lr }));
  return kind === 'Adam' ? (new optim.Adam(groups) as unknown as optim.SGD) : new optim.SGD(groups, { momentum });
};
export const seen = (o: optim.SGD): unknown[] => o.paramGroups.map((g) => [g.lr, (g as { betas?: number[] }).betas?.[0] ?? g.momentum]);
function trace(spec: Spec, on: On): unknown {
  const o = optimizer(on);
  const s = build(o, spec);
  const out: unknown[] = [seen(o)];
  for (let i = 0; i < (on.steps ?? 12); i++) {
    o.step();
    s.step();
    out.push([...seen(o), s.getLastLr()]);
  }
  return out;
}

// Rates are float64 on both sides.
export const EXACT = [1e-12, 1e-15] as const;
export const on = (o: On): string => keywords(o);
/** A row that follows rates and momenta. */
export const follow = (spec: Spec, o: On = {}, more: Partial<Row> = {}): Row => ({
  name: `${text(spec).replaceAll('S.', '').replaceAll('(o, ', '(')}${Object.keys(o).length ? ` on ${on(o)}` : ''}`,
  js: () => trace(spec, o),
  py: `trace(lambda o: ${text(spec)}${Object.keys(o).length ? `, ${on(o)}` : ''})`,
  tolerance: EXACT,
  ...more,
});
/** A row that compares the rates of one group with a formula of the count `e`. */
const closed = (name: string, spec: Spec, formula: string, steps = 12): Row => ({
  name: `${name} in closed form`,
  js: () => (trace(spec, { steps }) as [number, number][][]).map(([group]) => group?.[0]),
  py: `[${formula} for e in range(${steps + 1})]`,
  tolerance: [1e-9, 1e-12],
});

const power: Factor = { js: (e) => 0.9 ** e, py: '0.9 ** e' };
const steps: Factor = { js: (e) => 1 / (1 + Math.floor(e / 3)), py: '1 / (1 + e // 3)' };
const two = { lrs: [0.5, 0.05] };
const adam = { kind: 'Adam' } as const;
const cyclic = { baseLr: 0.01, maxLr: 0.2, stepSizeUp: 4 };

export const rows: readonly Row[] = [
  follow(['LambdaLR', { lrLambda: power }]),
  follow(['LambdaLR', { lrLambda: steps }], two),
  follow(['LambdaLR', { lrLambda: [power, steps] }], two),
  follow(['MultiplicativeLR', { lrLambda: steps }]),
  follow(['MultiplicativeLR', { lrLambda: [power, steps] }], two),
  follow(['StepLR', { stepSize: 3, gamma: 0.1 }]),
  follow(['StepLR', { stepSize: 5 }], two),
  follow(['StepLR', { stepSize: 1, gamma: -0.5 }], {}, { differs: 'an optimizer refuses to step by a negative rate' }),
  follow(['MultiStepLR', { milestones: [2, 5, 9], gamma: 0.1 }]),
  follow(['MultiStepLR', { milestones: [9, 2, 5, 5], gamma: 0.5 }], two),
  follow(['MultiStepLR', { milestones: [0, 4], gamma: 0.5 }]),
  follow(['MultiStepLR', { milestones: [] }]),
  follow(['ConstantLR', { factor: 0.5, totalIters: 4 }]),
  follow(['ConstantLR', {}], two),
  follow(['ConstantLR', { factor: 1, totalIters: 3 }]),
  follow(['ConstantLR', { factor: 0.5, totalIters: 0 }]),
  follow(['LinearLR', { startFactor: 0.5, totalIters: 4 }]),
  follow(['LinearLR', {}], two),
  follow(['LinearLR', { startFactor: 1, endFactor: 0.25, totalIters: 7 }]),
  follow(['LinearLR', { startFactor: 0.1, endFactor: 0.1, totalIters: 3 }]),
  follow(['LinearLR', { startFactor: 1, endFactor: 0, totalIters: 5 }], {}, { tolerance: [1e-9, 1e-12] }),
  follow(['ExponentialLR', { gamma: 0.9 }]),
  follow(['ExponentialLR', { gamma: 0 }], two),
  follow(['ExponentialLR', { gamma: 1.1 }], adam),
  follow(['PolynomialLR', { totalIters: 8, power: 0.9 }], {}, { tolerance: [1e-9, 1e-12] }),
  follow(['PolynomialLR', {}], two),
  follow(['PolynomialLR', { totalIters: 10, power: 2 }]),
  follow(['CosineAnnealingLR', { tMax: 6 }], {}, { tolerance: [1e-9, 1e-12] }),
  follow(['CosineAnnealingLR', { tMax: 5, etaMin: 0.01 }], { ...two, steps: 25 }, { tolerance: [1e-9, 1e-12] }),
  follow(['CosineAnnealingLR', { tMax: 1, etaMin: 0.1 }], {}, { tolerance: [1e-9, 1e-12] }),
  follow(['CosineAnnealingWarmRestarts', { t0: 4 }]),
  follow(['CosineAnnealingWarmRestarts', { t0: 2, tMult: 2, etaMin: 0.01 }], { ...two, steps: 20 }),
  follow(['CosineAnnealingWarmRestarts', { t0: 1, tMult: 3 }], { steps: 20 }),
  follow(['CyclicLR', { ...cyclic, cycleMomentum: false }], { steps: 20 }),
  follow(['CyclicLR', cyclic], { steps: 20 }),
  follow(['CyclicLR', { ...cyclic, stepSizeDown: 2 }], { steps: 20 }),
  follow(['CyclicLR', { ...cyclic, mode: 'triangular2', baseMomentum: 0.5, maxMomentum: 0.7 }], { steps: 24 }),
  follow(['CyclicLR', { ...cyclic, mode: 'exp_range', gamma: 0.9 }], { steps: 20 }),
  follow(['CyclicLR', { baseLr: [0.01, 0.1], maxLr: [0.2, 0.3], stepSizeUp: 3, stepSizeDown: 5 }], { ...two, steps: 20 }),
  follow(['CyclicLR', { baseLr: 0.1, maxLr: [0.2, 0.3], stepSizeUp: 3, mode: 'triangular2', cycleMomentum: false }], { ...two, steps: 20 }),
  follow(['CyclicLR', cyclic], { ...adam, steps: 10 }),
  follow(['OneCycleLR', { maxLr: 1, totalSteps: 10 }], { steps: 9 }),
  follow(['OneCycleLR', { maxLr: 1, totalSteps: 10, annealStrategy: 'linear' }], { steps: 9 }),
  follow(['OneCycleLR', { maxLr: 0.5, epochs: 4, stepsPerEpoch: 5, pctStart: 0.4, threePhase: true }], { steps: 19 }),
  follow(['OneCycleLR', { maxLr: [0.5, 1], totalSteps: 12, divFactor: 5, finalDivFactor: 100, cycleMomentum: false }], { ...two, steps: 11 }),
  follow(['OneCycleLR', { maxLr: 0.5, totalSteps: 12, baseMomentum: 0.7, maxMomentum: 0.8, annealStrategy: 'linear', threePhase: true }], { ...adam, steps: 11 }),
  follow(['OneCycleLR', { maxLr: 0.5, totalSteps: 8, pctStart: 0 }], { steps: 7 }),
  follow(['OneCycleLR', { maxLr: 0.5, totalSteps: 8, pctStart: 1 }], { steps: 7 }),
  closed('StepLR', ['StepLR', { stepSize: 3, gamma: 0.5 }], '0.5 * 0.5 ** (e // 3)'),
  closed('MultiStepLR', ['MultiStepLR', { milestones: [2, 5], gamma: 0.1 }], '0.5 * 0.1 ** ((e >= 2) + (e >= 5))'),
  closed('ConstantLR', ['ConstantLR', { factor: 0.25, totalIters: 5 }], '0.5 * (0.25 if e < 5 else 1)'),
  closed('LinearLR', ['LinearLR', { startFactor: 0.25, totalIters: 5 }], '0.5 * (0.25 + 0.75 * min(e, 5) / 5)'),
  closed('ExponentialLR', ['ExponentialLR', { gamma: 0.8 }], '0.5 * 0.8 ** e'),
  closed('PolynomialLR', ['PolynomialLR', { totalIters: 6, power: 2.5 }], '0.5 * (1 - min(e, 6) / 6) ** 2.5'),
  closed('CosineAnnealingLR', ['CosineAnnealingLR', { tMax: 10, etaMin: 0.1 }], '0.1 + 0.4 * (1 + math.cos(math.pi * e / 10)) / 2', 40),
  closed('CosineAnnealingWarmRestarts', ['CosineAnnealingWarmRestarts', { t0: 10 }], '0.5 * (1 + math.cos(math.pi * (e % 10) / 10)) / 2', 35),
  closed('400 steps of CosineAnnealingWarmRestarts', ['CosineAnnealingWarmRestarts', { t0: 7 }], '0.5 * (1 + math.cos(math.pi * (e % 7) / 7)) / 2', 400),
  ...[4, 13].map(
    (t0): Row => ({
      name: `CosineAnnealingWarmRestarts(${t0}) after 100 001 steps`,
      js: () => {
        const o = optimizer({});
        const s = build(o, ['CosineAnnealingWarmRestarts', { t0 }]);
        for (let i = 0; i < 100001; i++) s.step();
        return s.getLastLr();
      },
      py: `[0.5 * (1 + math.cos(math.pi * (100001 % ${t0}) / ${t0})) / 2]`,
      tolerance: [1e-9, 1e-12],
    }),
  ),
  {
    name: 'OneCycleLR behind its last step is refused',
    js: () => trace(['OneCycleLR', { maxLr: 1, totalSteps: 5 }], { steps: 7 }),
    py: 'trace(lambda o: S.OneCycleLR(o, max_lr=1, total_steps=5), steps=7)',
  },
  {
    name: 'a rate set by hand between steps goes on from there',
    js: () => {
      const o = optimizer({});
      const s = build(o, ['ExponentialLR', { gamma: 0.5 }]);
      s.step();
      (o.paramGroups[0] as { lr: number }).lr = 8;
      s.step();
      return [seen(o), s.getLastLr()];
    },
    py: 'o = opt([0.5], "SGD", 0.25); s = S.ExponentialLR(o, 0.5); s.step(); o.param_groups[0]["lr"] = 8.0; s.step(); return [seen(o), s.get_last_lr()]',
  },
  {
    name: 'a rate set by hand is overwritten by a function of the count',
    js: () => {
      const o = optimizer({});
      const s = build(o, ['LambdaLR', { lrLambda: power }]);
      (o.paramGroups[0] as { lr: number }).lr = 8;
      s.step();
      return [seen(o), o.paramGroups[0]?.initialLr];
    },
    py: 'o = opt([0.5], "SGD", 0.25); s = S.LambdaLR(o, lambda e: 0.9 ** e); o.param_groups[0]["lr"] = 8.0; s.step(); return [seen(o), o.param_groups[0]["initial_lr"]]',
  },
  {
    name: 'lastEpoch of a scheduler that is built',
    js: null,
    py: 'o = opt([0.5], "SGD", 0); o.param_groups[0]["initial_lr"] = 0.5; return S.ExponentialLR(o, 0.5, last_epoch=3).get_last_lr()',
  },
  { name: 'step with an epoch', js: null, py: 's = S.CosineAnnealingWarmRestarts(opt([0.5], "SGD", 0), 4); s.step(2.5); return s.get_last_lr()' },
  { name: 'a function as scaleFn of CyclicLR', js: null, py: 'trace(lambda o: S.CyclicLR(o, 0.01, 0.2, 4, scale_fn=lambda x: 0.5))' },
];
