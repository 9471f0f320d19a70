// PyTorch's test_lrscheduler: schedulers made of schedulers, several side by side, and states.
import { build, EXACT, type Factor, follow, type On, on, optimizer, prelude as traces, seen, type Spec, text } from './lrscheduler.rows.ts';
import type { Row } from './row.ts';

export const prelude = `${traces}
def resumed(build, at, **given):
    lrs, kind, momentum = given.get("lrs", [0.5]), given.get("kind", "SGD"), given.get("momentum", 0.25)
    a = opt(lrs, kind, momentum)
    s = build(a)
    for _ in range(at): a.step(); s.step()
    b = opt([0.3 for _ in lrs], kind, momentum)
    r = build(b)
    b.load_state_dict(a.state_dict())
    r.load_state_dict(s.state_dict())
    out = [seen(b)]
    for _ in range(8):
        b.step()
        r.step()
        out.append([*seen(b), list(r.get_last_lr())])
    return out
def beside(builds, steps=8):
    o = opt([0.5], "SGD", 0.25)
    all = [b(o) for b in builds]
    out = [seen(o)]
    for _ in range(steps):
        o.step()
        for s in all: s.step()
        out.append([*seen(o), [list(s.get_last_lr()) for s in all]])
    return out
def loaded(build, state):
    o = opt([0.5], "SGD", 0.25)
    s = build(o)
    s.load_state_dict(state)
    o.param_groups[0]["lr"] = state["_last_lr"][0]
    out = []
    for _ in range(5):
        o.step()
        s.step()
        out.append(list(s.get_last_lr()))
    return out
`;

const power: Factor = { js: (e) => 0.9 ** e, py: '0.9 ** e' };
const halves: Factor = { js: (e) => 1 / (1 + e), py: '1 / (1 + e)' };
const linear: Spec = ['LinearLR', { startFactor: 0.1, totalIters: 6 }];
const cyclic: Spec = ['CyclicLR', { baseLr: 0.01, maxLr: 0.2, stepSizeUp: 4, cycleMomentum: false }];
const exponential: Spec = ['ExponentialLR', { gamma: 0.9 }];
const step: Spec = ['StepLR', { stepSize: 2, gamma: 0.5 }];
const cosine: Spec = ['CosineAnnealingLR', { tMax: 5, etaMin: 0.01 }];
const warm: Spec = ['CosineAnnealingWarmRestarts', { t0: 4 }];
const constant: Spec = ['ConstantLR', { factor: 0.5, totalIters: 3 }];
const oneCycle: Spec = ['OneCycleLR', { maxLr: 1, totalSteps: 20 }];
const polynomial: Spec = ['PolynomialLR', { totalIters: 6, power: 2 }];
const sequence = (milestones: readonly number[], ...schedulers: Spec[]): Spec => ['SequentialLR', { schedulers, milestones }];
const chain = (...schedulers: Spec[]): Spec => ['ChainedScheduler', { schedulers }];
const LOOSE: Partial<Row> = { tolerance: [1e-9, 1e-12] };

function resumed(spec: Spec, at: number, o: On): unknown {
  const a = optimizer(o);
  const s = build(a, spec);
  for (let i = 0; i < at; i++) {
    a.step();
    s.step();
  }
  const b = optimizer({ ...o, lrs: (o.lrs ?? [0.5]).map(() => 0.3) });
  const r = build(b, spec);
  b.loadStateDict(a.stateDict());
  r.loadStateDict(s.stateDict());
  const out: unknown[] = [seen(b)];
  for (let i = 0; i < 8; i++) {
    b.step();
    r.step();
    out.push([...seen(b), r.getLastLr()]);
  }
  return out;
}
const resume = (spec: Spec, at: number, o: On = {}, more: Partial<Row> = {}): Row => ({
  name: `${text(spec).replaceAll('S.', '').replaceAll('(o, ', '(')} resumed at ${at}${Object.keys(o).length ? ` on ${on(o)}` : ''}`,
  js: () => resumed(spec, at, o),
  py: `resumed(lambda o: ${text(spec)}, ${at}${Object.keys(o).length ? `, ${on(o)}` : ''})`,
  ...LOOSE,
  ...more,
});

function beside(specs: readonly Spec[], steps = 8): unknown {
  const o = optimizer({});
  const all = specs.map((s) => build(o, s));
  const out: unknown[] = [seen(o)];
  for (let i = 0; i < steps; i++) {
    o.step();
    for (const s of all) s.step();
    out.push([...seen(o), all.map((s) => s.getLastLr())]);
  }
  return out;
}
const side = (...specs: Spec[]): Row => ({
  name: `side by side: ${specs.map((s) => text(s).replace('S.', '')).join(', ')}`,
  js: () => beside(specs),
  py: `beside([${specs.map((s) => `lambda o: ${text(s)}`).join(', ')}])`,
  ...LOOSE,
});

/** A state in PyTorch's names. */
const load = (spec: Spec, count: number, rate: number): Row => {
  const state = { last_epoch: count, base_lrs: [0.5], _last_lr: [rate], _step_count: count + 1, _is_initial: false, _get_lr_called_within_step: false, T_cur: count % 4 };
  return {
    name: `${text(spec).replace('S.', '')} from PyTorch’s state at ${count}`,
    js: () => {
      const o = optimizer({});
      const s = build(o, spec);
      s.loadStateDict(state as never);
      return Array.from({ length: 5 }, () => {
        o.step();
        s.step();
        return s.getLastLr();
      });
    },
    py: `loaded(lambda o: ${text(spec)}, ${JSON.stringify(state).replaceAll('false', 'False')})`,
    tolerance: EXACT,
  };
};

export const rows: readonly Row[] = [
  // A cycle behind another scheduler starts from its own base.
  follow(sequence([5], ['LinearLR', { startFactor: 0.1, totalIters: 5 }], cyclic), { steps: 20 }, LOOSE),
  follow(
    sequence([3], ['ConstantLR', { factor: 0.2, totalIters: 3 }], ['CyclicLR', { baseLr: 0.05, maxLr: 0.4, stepSizeUp: 2, mode: 'triangular2' }]),
    { lrs: [0.5, 0.1], steps: 16 },
    LOOSE,
  ),
  follow(sequence([4], cyclic, exponential), {}, LOOSE),
  follow(chain(cyclic, exponential), {}, LOOSE),
  follow(chain(exponential, cyclic), { lrs: [0.5, 0.02] }, LOOSE),
  follow(chain(step, ['CyclicLR', { baseLr: 0.1, maxLr: 0.3, stepSizeUp: 3 }]), {}, LOOSE),
  // Chains of members that are no pure factors.
  follow(chain(linear, ['LambdaLR', { lrLambda: power }]), {}, LOOSE),
  follow(chain(['LambdaLR', { lrLambda: halves }], linear), {}, LOOSE),
  follow(chain(['ExponentialLR', { gamma: 0.5 }], warm), {}, LOOSE),
  follow(chain(warm, ['ExponentialLR', { gamma: 0.5 }]), {}, LOOSE),
  follow(chain(['CosineAnnealingWarmRestarts', { t0: 3, tMult: 2, etaMin: 0.05 }], step), { lrs: [0.5, 0.1] }, LOOSE),
  follow(chain(['CosineAnnealingLR', { tMax: 50, etaMin: 0.01 }], ['ExponentialLR', { gamma: 0.95 }]), { steps: 50 }, LOOSE),
  follow(chain(['CosineAnnealingLR', { tMax: 20, etaMin: 0.1 }], ['ExponentialLR', { gamma: 0.9 }]), { steps: 10, lrs: [0.5, 0.3] }, LOOSE),
  follow(chain(step, ['MultiStepLR', { milestones: [3, 4], gamma: 0.1 }]), {}, LOOSE),
  follow(chain(constant, polynomial), {}, LOOSE),
  follow(chain(exponential), {}, LOOSE),
  follow(chain(chain(exponential, step), constant), {}, LOOSE),
  // Sequences.
  follow(sequence([3], exponential, ['MultiplicativeLR', { lrLambda: { js: () => 0.8, py: '0.8' } }]), {}, LOOSE),
  follow(sequence([2], step, ['MultiplicativeLR', { lrLambda: halves }]), { lrs: [0.5, 0.1] }, LOOSE),
  follow(sequence([4], ['ConstantLR', { factor: 0.1, totalIters: 4 }], exponential), {}, LOOSE),
  follow(sequence([2, 5], linear, step, cosine), {}, LOOSE),
  follow(sequence([3, 6, 9], constant, warm, polynomial, exponential), { lrs: [0.5, 0.1] }, LOOSE),
  follow(sequence([3], ['LambdaLR', { lrLambda: power }], ['LambdaLR', { lrLambda: halves }]), {}, LOOSE),
  follow(sequence([4], warm, cosine), { steps: 16 }, LOOSE),
  follow(sequence([3], ['MultiStepLR', { milestones: [1, 2], gamma: 0.5 }], ['MultiStepLR', { milestones: [0, 2], gamma: 0.5 }]), {}, LOOSE),
  follow(sequence([2], constant, oneCycle), {}, LOOSE),
  follow(sequence([], exponential), {}, LOOSE),
  follow(sequence([4], sequence([2], constant, step), exponential), {}, { differs: 'a sequence in a sequence counts from its own step 0; PyTorch’s is a step ahead' }),
  follow(sequence([4], chain(constant, exponential), step), {}, { differs: 'a chain in a sequence begins with step 0 of its members; PyTorch’s makes their first step' }),
  follow(sequence([4], step, chain(constant, exponential)), {}, { differs: 'a chain may follow in a sequence; PyTorch’s fails at the milestone' }),
  follow(chain(sequence([3], constant, step), exponential), {}, LOOSE),
  side(exponential, step),
  side(constant, ['MultiStepLR', { milestones: [3], gamma: 0.1 }]),
  side(linear, cosine),
  side(warm, ['ExponentialLR', { gamma: 0.5 }]),
  side(oneCycle, exponential),
  resume(step, 3),
  resume(['MultiStepLR', { milestones: [2, 6], gamma: 0.1 }], 4, { lrs: [0.5, 0.1] }),
  resume(['LambdaLR', { lrLambda: power }], 3),
  resume(['MultiplicativeLR', { lrLambda: halves }], 3),
  resume(constant, 1),
  resume(linear, 2, { lrs: [0.5, 0.1] }),
  resume(exponential, 5),
  resume(polynomial, 3),
  resume(cosine, 4),
  resume(warm, 6),
  resume(['CosineAnnealingWarmRestarts', { t0: 2, tMult: 2 }], 5),
  resume(['CyclicLR', { baseLr: 0.01, maxLr: 0.2, stepSizeUp: 4, mode: 'exp_range', gamma: 0.9 }], 6),
  resume(oneCycle, 7),
  resume(oneCycle, 3, { kind: 'Adam' }),
  resume(sequence([3], constant, step), 2),
  resume(sequence([3], linear, exponential), 5),
  resume(chain(constant, exponential), 2),
  resume(chain(warm, exponential), 5),
  load(step, 3, 0.25),
  load(exponential, 4, 0.5 * 0.9 ** 4),
  load(cosine, 2, 0.33070916362186215),
  load(warm, 5, 0.42677669529663687),
  load(['LinearLR', { startFactor: 0.5, totalIters: 4 }], 2, 0.375),
];
