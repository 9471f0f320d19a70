// What holds for every method: losses by name that come and go, the empty and the infinite, states, options, reports.
import { inspect } from 'node:util';
import { type GradloomError, GradloomError as Refusal, manualSeed, multiloss, nn, optim, randn, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';
import { makers } from '../makers.ts';

const M = multiloss;
const rows = Object.entries(makers);

/** Their formulas ask for so many losses. */
const LEAST: Readonly<Record<string, number>> = { Krum: 4, TrimmedMean: 3 };
/** Where random numbers belong to places. */
const BY_PLACE = new Set(['PCGrad', 'GradVac', 'normalize(PCGrad)', 'warmup(Mean, PCGrad)', 'Constant']);
const needsOf = (method: multiloss.Method): string => ('directions' in method ? 'jacobian' : method.needs);

/** Two or three losses on a trunk with heads. */
class Net extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(4, 6), new nn.Tanh());
  a = new nn.Linear(6, 1);
  b = new nn.Linear(6, 1);
  c = new nn.Linear(6, 1);
  forward(x: Tensor): Tensor {
    return this.trunk.forward(x);
  }
  losses(x: Tensor): { a: Tensor; b: Tensor; c: Tensor } {
    const h = this.trunk.forward(x);
    return { a: this.a.forward(h).sub(1).square().mean(), b: this.b.forward(h).square().mean().mul(3), c: this.c.forward(h).add(2).square().mean().add(0.1) };
  }
}
const gradients = (net: Net): (number[] | null)[] => net.parameters().map((p) => (p.grad ? [...p.grad.data()] : null));
const clear = (net: Net): void => {
  for (const p of net.parameters()) p.grad = null;
};
const near = (a: readonly number[], b: readonly number[], tolerance: number, what = ''): void => {
  const scale = Math.max(...b.map(Math.abs), 1e-300);
  a.forEach((v, i) => {
    assert.ok(Math.abs(v - (b[i] as number)) <= tolerance * scale, `${what} ${a} is not ${b}`);
  });
};

test('the table has every method', () => {
  const made = new Set(rows.map(([, make]) => make().constructor));
  for (const [name, value] of Object.entries(M)) {
    const prototype = typeof value === 'function' ? (value.prototype as Record<string, unknown> | undefined) : undefined;
    const isMethod = prototype && ['weights', 'directions', 'combine'].some((key) => typeof prototype[key] === 'function');
    if (isMethod) assert.ok(made.has(value as never), `${name} is missing`);
  }
});

for (const [name, make] of rows) {
  const least = LEAST[name] ?? 1;

  if (!BY_PLACE.has(name) && least < 4) {
    test(`${name}: the order of the losses does not matter, steps on`, () => {
      const run = (order: (step: number) => readonly ('a' | 'b' | 'c')[]): number[] => {
        manualSeed(5);
        const net = new Net();
        const optimizer = new optim.SGD(net.parameters(), { lr: 0.02 });
        const combine = make();
        for (let step = 0; step < 8; step++) {
          optimizer.zeroGrad();
          const losses = net.losses(randn([5, 4]));
          M.backward(Object.fromEntries(order(step).map((n) => [n, losses[n]])) as typeof losses, { combine });
          optimizer.step();
        }
        return net.parameters().flatMap((p) => [...p.data()]);
      };
      const plain = run(() => ['a', 'b', 'c']);
      near(
        run((step) => (step % 2 ? ['c', 'a', 'b'] : ['a', 'b', 'c'])),
        plain,
        1e-4,
      );
    });
  }

  if (least === 1 && name !== 'Constant') {
    test(`${name}: takes batches that lack a loss, however that is said, and goes on`, () => {
      const ways: ((l: { a: Tensor; b: Tensor; c: Tensor }) => multiloss.Losses)[] = [
        ({ a, c }) => ({ a, c }),
        ({ a, c }) => ({ a, b: null, c }),
        ({ a, c }) => ({ a, b: undefined, c }),
        ({ a, c }) => ({ a, b: 0, c }),
        ({ a, c }) => ({ a, b: tensor(0), c }),
      ];
      const outcomes = ways.map((way) => {
        manualSeed(6);
        const net = new Net();
        const combine = make();
        const batches = [0, 1, 2, 3].map(() => randn([5, 4]));
        const step = (x: Tensor, of: (l: ReturnType<Net['losses']>) => multiloss.Losses): void => {
          clear(net);
          manualSeed(7);
          M.backward(of(net.losses(x)), { combine });
        };
        step(batches[0] as Tensor, (l) => l);
        step(batches[1] as Tensor, way);
        assert.is(net.b.weight.grad, null);
        step(batches[2] as Tensor, way);
        const without = gradients(net);
        step(batches[3] as Tensor, (l) => l);
        step(batches[3] as Tensor, ({ b }) => ({ b }));
        assert.ok(
          gradients(net)
            .flat()
            .every((v) => v === null || Number.isFinite(v)),
        );
        return JSON.stringify(without);
      });
      for (const outcome of outcomes) assert.is(outcome, outcomes[0]);
    });

    test(`${name}: one loss alone trains`, () => {
      const w = new nn.Parameter(tensor([1, -2]));
      const loss = (): Tensor => w.square().sum();
      const report = M.backward({ a: loss(), b: null, c: null }, { combine: make(), measure: true });
      const [x, y] = (w.grad as Tensor).data() as unknown as [number, number];
      // [2, −4] times something.
      if (name !== 'VQGANWeight') assert.ok(x > 0 && Math.abs(y + 2 * x) <= 1e-5 * x, `${x}, ${y}`);
      assert.ok(Math.abs((report.norms?.a as number) - Math.sqrt(20)) < 1e-5);
    });
  }

  if (needsOf(make()) !== 'losses') {
    for (const bad of ['infinite', 'NaN', 'infinite in a head'] as const) {
      test(`${name}: a gradient that is ${bad} is refused by its loss's name, nothing changes`, () => {
        const combine = make();
        const w = new nn.Parameter(tensor([1, 0, 1]));
        const head = new nn.Parameter(tensor([0]));
        const others = { b: w.sum(), c: w.mul(tensor([1, 2, 3])).sum(), d: w.square().mean(), e: w.select(0, 0).mul(2) };
        const root = w.select(0, 1).sqrt();
        const a = bad === 'infinite' ? root : bad === 'NaN' ? root.mul(0) : head.sqrt().sum().add(w.sum());
        const losses = name === 'Krum' ? { a, ...others } : { a, b: others.b, c: others.c };
        const state = JSON.stringify(combine.stateDict());
        throwsCode('NONFINITE', /the gradient of 'a'/, () => M.backward(losses, { combine }));
        assert.is(w.grad, null);
        assert.is(head.grad, null);
        assert.is(JSON.stringify(combine.stateDict()), state);
      });
    }

    test(`${name}: a zero gradient has a finite weight and adds nothing; a head that starts at zero trains`, () => {
      const combine = name.startsWith('every') ? M.every(new M.MGDA(), 1) : make();
      const w = new nn.Parameter(tensor([1, -2, 0.5]));
      const head = new nn.Parameter(tensor([0, 0, 0]));
      const optimizer = new optim.SGD([head], { lr: 0.05 });
      for (let step = 0; step < 300; step++) {
        w.grad = null;
        optimizer.zeroGrad();
        const more = Object.fromEntries(['d', 'e', 'f'].slice(0, name === 'Krum' ? 3 : 0).map((n, i) => [n, w.mul(i + 1).sum()]));
        const losses = { a: w.sub(2).square().sum(), b: w.mul(head).sum().sub(3).square(), c: w.sum().add(9).square(), ...more };
        const report = M.backward(losses, { combine });
        if (step === 0) {
          assert.is(report.norms?.b, 0);
          assert.ok(
            Object.values(report.weights).every((v) => Number.isFinite(v) || !('weights' in combine)),
            inspect(report.weights),
          );
          assert.ok([...(w.grad as unknown as Tensor).data()].every(Number.isFinite));
        }
        optimizer.step();
      }
      // Their formulas have no bound where a gradient becomes small, so a plain step of the head is too long.
      if (name === 'VQGANWeight' || name === 'PINNAnnealing') return;
      const left = (1 * (head.data()[0] as number) - 2 * (head.data()[1] as number) + 0.5 * (head.data()[2] as number) - 3) ** 2;
      // 9 at the start. GradNorm and the like give it a weight that may be small.
      assert.ok(left < 1, `b is ${left}`);
    });
  }

  test(`${name}: a loss that is not finite changes nothing, memory included`, () => {
    manualSeed(2);
    const combine = make();
    const net = new Net();
    const x = randn([5, 4]);
    const four = name === 'Krum';
    const of = (l: ReturnType<Net['losses']>): multiloss.Losses => (four ? { ...l, d: l.a.mul(2) } : l);
    M.backward(of(net.losses(x)), { combine });
    const state = JSON.stringify(combine.stateDict());
    const before = gradients(net);
    const l = net.losses(x);
    throwsCode('NONFINITE', /the loss 'b' is NaN/, () => M.backward(of({ ...l, b: l.b.mul(Number.NaN) }), { combine }));
    assert.equal(gradients(net), before);
    assert.is(JSON.stringify(combine.stateDict()), state);
  });

  test(`${name}: a state that is none is refused, and nothing is taken up`, () => {
    manualSeed(2);
    const combine = make();
    const net = new Net();
    const step = (): unknown => {
      const l = net.losses(randn([5, 4]));
      return M.backward(name === 'Krum' ? { ...l, d: l.a.mul(2) } : l, { combine });
    };
    step();
    step();
    const state = combine.stateDict();
    const before = JSON.stringify(state);
    const broken: unknown[] = [
      null,
      undefined,
      'state',
      3,
      [],
      { ...state, more: 1 },
      ...Object.keys(state).flatMap((key) => [
        { ...state, [key]: 'x' },
        { ...state, [key]: null },
      ]),
    ];
    if (Object.keys(state).length > 0) broken.push({});
    for (const bad of broken) {
      throwsCode('STATE', /loadStateDict/, () => combine.loadStateDict(bad as never));
      assert.is(JSON.stringify(combine.stateDict()), before);
    }
    const other = make();
    other.loadStateDict(JSON.parse(before));
    assert.is(JSON.stringify(other.stateDict()), before);
    step();
  });
}

/** Directions that are the same whatever the gradients' unit, and weights that are no step of a course. */
const SCALED = [
  'Sum',
  'Mean',
  'UPGrad',
  'DualProj',
  'MGDA',
  'PCGrad',
  'GradVac',
  'CAGrad',
  'IMTLG',
  'NashMTL',
  'FairGrad',
  'AlignedMTL',
  'ConFIG',
  'GradNorm',
  'PINNAnnealing',
  'GradDrop',
  'TrimmedMean',
];
for (const name of [...SCALED, 'ExcessMTL', 'SDMGrad', 'ema(NashMTL)']) {
  test(`${name}: gradients of 1e±20 give what they give scaled to 1`, () => {
    const direction = (scale: number): number[] => {
      manualSeed(3);
      const w = new nn.Parameter(tensor([1, -2, 0.5]));
      const losses = {
        a: w.square().sum().mul(scale),
        b: w
          .mul(tensor([-1, 3, 2]))
          .sum()
          .square()
          .mul(scale),
        c: w
          .mul(tensor([2, 1, -1]))
          .sum()
          .mul(scale)
          .add(scale),
      };
      M.backward(losses, { combine: (makers[name] as () => multiloss.Method)(), measure: true });
      const d = [...(w.grad as Tensor).data()];
      const length = Math.max(...d.map(Math.abs));
      assert.ok(length > 0 && Number.isFinite(length), `${d}`);
      return d.map((v) => v / length);
    };
    for (const scale of [1e-20, 1e20]) if (name !== 'ExcessMTL') near(direction(scale), direction(1), 1e-4, `${scale}`);
    assert.ok(direction(1e20).every(Number.isFinite));
  });
}

test('negative losses are refused by name, where the formula supposes positive ones', () => {
  const w = new nn.Parameter(tensor([1, -2]));
  const refusing = ['MoCo', 'DBMTL', 'GradNorm', 'DWA', 'ReLoBRaLo', 'CoV', 'UncertaintyWeighting', 'IMTLL', 'GeometricMean', 'ScaleInvariant', 'FAMO', 'STCH with a warm-up'];
  const methods = refusing.map((name) => [name, makers[name] as () => multiloss.Method & multiloss.Stateful] as const);
  for (const [name, make] of [...methods, ['SoftAdapt', () => new M.SoftAdapt({ lossWeighted: true })] as const]) {
    const combine = make();
    const state = JSON.stringify(combine.stateDict());
    for (const measure of [false, true]) {
      const error: GradloomError = throwsCode('VALUE', /the loss 'b' is -/, () => M.backward({ a: w.square().sum(), b: w.sum(), c: w.square().mean() }, { combine, measure }));
      assert.ok(error.op.startsWith(name.split(' ')[0] as string), error.op);
    }
    assert.is(JSON.stringify(combine.stateDict()), state);
    assert.is(w.grad, null);
  }
});

test('learnt weights: those of a solved loss stay as they are, frozen ones are used as they are', () => {
  for (const make of [() => new M.UncertaintyWeighting(['a', 'b']), () => new M.UncertaintyWeighting(2, { regularizer: 'log1p' }), () => new M.IMTLL(['a', 'b'])]) {
    const method = make();
    const w = new nn.Parameter(tensor([1, -2]));
    const step = (): unknown => M.backward({ a: w.square().sum(), b: w.sub(w.detach()).square().sum() }, { combine: method });
    step();
    const [a, b] = (method.parameter.grad as Tensor).data() as unknown as [number, number];
    assert.ok(a !== 0);
    assert.is(Math.abs(b), 0);
    method.parameter.grad = null;
    method.parameter.requiresGrad = false;
    step();
    assert.is(method.parameter.grad, null);
  }
  const method = new M.IMTLL(2);
  const w = new nn.Parameter(tensor([1]));
  M.backward({ b: w.square().sum() }, { combine: method });
  M.backward({ a: w.square().sum().mul(2), b: w.square().sum() }, { combine: method });
  assert.equal(method.stateDict().names, ['b', 'a']);
  throwsCode('VALUE', /made for 2 losses \(b, a\), got c/, () => M.backward({ c: w.square().sum() }, { combine: method }));
});

test('losses may have any name', () => {
  const names = ['constructor', '__proto__', 'toString'];
  for (const [name, make] of rows) {
    if (/Constr|PBI|COSMOS|Weighted|VQGAN|PINN|IMTLL|Krum/.test(name)) continue;
    const w = new nn.Parameter(tensor([1, -2, 3]));
    const combine = name === 'Constant' ? new M.Constant([1, 2, 3]) : make();
    const losses = (): multiloss.Losses =>
      Object.fromEntries(
        names.map((n, i) => [
          n,
          w
            .sub(i + 2)
            .square()
            .mean(),
        ]),
      );
    const monitor = new M.Monitor();
    for (let step = 0; step < 3; step++) {
      w.grad = null;
      const report = M.backward(losses(), { combine, only: { toString: [w] }, measure: true });
      monitor.record(report, { lr: 0.1 });
      assert.equal(Object.keys(report.losses), names);
      assert.ok((w.grad as unknown as Tensor).data().every(Number.isFinite), name);
    }
    combine.loadStateDict(JSON.parse(JSON.stringify(combine.stateDict())));
    assert.match(monitor.toJSONLines(), /"__proto__":/);
  }
  const w = new nn.Parameter(tensor([1]));
  const weights = M.weighted(JSON.parse('{"constructor": 1, "__proto__": 3}'));
  weights.loadStateDict(JSON.parse(JSON.stringify(weights.stateDict())));
  M.backward(
    JSON.parse('{"__proto__": null, "constructor": 0}', (key, v) => (key === '__proto__' ? w.mul(2).sum() : v)),
    { combine: weights },
  );
  assert.is(w.grad?.item(), 6);
  throwsCode('VALUE', /no weight for the loss 'toString'/, () => M.backward({ toString: w.sum() }, { combine: weights as never }));
});

test('options that do not exist, positions and other types are refused by name', () => {
  const w = new nn.Parameter(tensor([1, -2]));
  const losses = (): { a: Tensor; b: Tensor } => ({ a: w.square().sum(), b: w.sum() });
  const back = (options: unknown) => () => M.backward(losses(), options as never);
  throwsCode('VALUE', /no option 'method'.*combine/, back({ method: new M.UPGrad() }));
  throwsCode('VALUE', /options are an object/, back(new M.UPGrad()));
  throwsCode('VALUE', /combine must be a method/, back({ combine: 'UPGrad' }));
  throwsCode('VALUE', /combine must be a method/, back({ combine: M.UPGrad }));
  throwsCode('VALUE', /heads must be/, back({ heads: 'both' }));
  throwsCode('VALUE', /measure must be true or false/, back({ measure: 'yes' }));
  throwsCode('VALUE', /shared must be a list of tensors/, back({ shared: w }));
  throwsCode('VALUE', /groups must be/, back({ groups: 'layers' }));
  throwsCode('VALUE', /only must be/, back({ only: [w] }));
  back({ measure: undefined, combine: undefined, heads: undefined })();
  const classes = M as unknown as Record<string, new (...args: unknown[]) => unknown>;
  const withOptions = rows.flatMap(([, make]) => (Object.hasOwn(classes, make().constructor.name) ? [make().constructor.name] : []));
  for (const name of new Set(withOptions)) {
    if (['Constant', 'Weighted'].includes(name)) continue;
    const learnt = /^(UncertaintyWeighting|IMTLL)$/.test(name) ? [2] : [];
    for (const bad of [0, 'x', null, [1], { nonsense: 1 }]) {
      try {
        new (classes[name] as (typeof classes)[string])(...learnt, bad);
        assert.unreachable(`${name} took ${inspect(bad)}`);
      } catch (error) {
        assert.instance(error, Refusal, String(error));
        assert.match((error as Error).message, new RegExp(`^${name}: `));
      }
    }
  }
  for (const bad of [null, 3, 'x', {}]) {
    for (const wrap of [
      () => M.ema(bad as never),
      () => M.every(2, bad as never),
      () => M.normalize(bad as never),
      () => M.clipWeights(bad as never, {}),
      () => M.warmup(bad as never, new M.Mean(), 1),
    ])
      throwsCode('VALUE', /method must be a method/, wrap);
  }
  throwsCode('VALUE', /no option 'mix'/, () => M.clipWeights(new M.Mean(), { mix: 1 } as never));
  throwsCode('VALUE', /no option 'loss'/, () => new M.Monitor({ loss: 1 } as never));
  throwsCode('VALUE', /report must be/, () => new M.Monitor().record(3 as never));
  throwsCode('VALUE', /no option 'loss'. Did you mean 'losses'/, () => M.phases().phase('x', { loss: ['a'] } as never));
  throwsCode('VALUE', /until must be a condition/, () => M.phases().phase('x', { losses: ['a'], until: 'later' as never }));
  throwsCode('VALUE', /no option 'combine'/, () => M.phases().phase('x', { losses: ['a'], backward: { combine: 1 } as never }));
  throwsCode('VALUE', /optimizer must be an optimizer/, () =>
    M.phases()
      .phase('x', { losses: ['a'] })
      .step(losses, 3 as never),
  );
  throwsCode('VALUE', /optimizer must be an optimizer/, () => M.alternate({ x: { losses, optimizer: null as never } }));
  throwsCode('VALUE', /no option 'batch'/, () => M.diagnose(losses, { batch: 3 } as never));
  throwsCode('VALUE', /batches are/, () => M.diagnose(3 as never));
  throwsCode('VALUE', /no option 'start'/, () => M.anneal.linear(0, 1, { steps: 3, start: 1 } as never));
  throwsCode('VALUE', /options are an object/, () => M.anneal.linear(0, 1, 3 as never));
  throwsCode('VALUE', /patience must be/, () => M.plateau('a', { patience: 0 }));
  throwsCode('VALUE', /no option 'loss'/, () => M.applyCombiner(new M.Mean(), [[1]], { loss: [1] } as never));
  throwsCode('SHAPE', /a Jacobian is/, () => M.applyCombiner(new M.Mean(), 3 as never));
});

test('what is no loss is refused by name', () => {
  const w = new nn.Parameter(tensor([1, -2]));
  for (const bad of [3, 'x', Number.NaN, {}, true]) throwsCode('DTYPE', /the loss 'b' must be a scalar tensor/, () => M.backward({ a: w.sum(), b: bad as never }));
  for (const bad of [null, undefined, 3, 'x', w.sum(), new Map()]) throwsCode('VALUE', /losses are an object/, () => M.backward(bad as never));
  throwsCode('VALUE', /every loss is absent \(a, b\)/, () => M.backward({ a: null, b: 0 }));
  throwsCode('VALUE', /got no losses/, () => M.backward({}));
  const thrown = new Error('mine');
  const broken = { ...new M.Mean(), name: 'mine', needs: 'losses', weights: () => { throw thrown; } }; // biome-ignore format: short
  assert.throws(
    () => M.backward({ a: w.sum() }, { combine: broken as never }),
    (e: unknown) => e === thrown,
  );
});

test('every step of every() treats heads alike', () => {
  for (const make of [() => new M.MGDA(), () => new M.UPGrad()]) {
    const [w, head] = [new nn.Parameter(tensor([1, -2])), new nn.Parameter(tensor([1]))];
    const combine = M.every(3, make());
    const seen: number[] = [];
    for (let step = 0; step < 6; step++) {
      w.grad = head.grad = null;
      M.backward({ a: w.square().sum(), b: w.sum().mul(2).add(8).add(head.sum()) }, { combine });
      seen.push((head.grad as unknown as Tensor).item());
    }
    for (const v of seen) assert.ok(Math.abs(v - (seen[0] as number)) < 1e-6, `${seen}`);
  }
});

test('groups: weighted heads get the mean that is reported', () => {
  const [u, v, head] = [tensor([1, -2]), tensor([3, 1]), tensor([1])].map((t) => new nn.Parameter(t)) as [Tensor, Tensor, Tensor];
  const losses = { a: u.square().sum().add(v.sum()).add(head.sum()), b: u.sum().neg().sub(v.square().sum()).add(20) };
  const report = M.backward(losses, { combine: new M.UPGrad(), groups: 'param', heads: 'weighted' });
  assert.ok(Math.abs((head.grad as Tensor).item() - report.weights.a) < 1e-6);
  assert.is(report.groups.length, 2);
});

test('gradients that depend on one another: a rank, and directions that roundings do not rule', () => {
  manualSeed(3);
  const net = new Net();
  for (const make of [() => new M.ConFIG(), () => new M.IMTLG(), () => new M.AlignedMTL(), () => new M.UPGrad(), () => new M.MGDA(), () => new M.FairGrad()]) {
    const directions = [0, 1, 2, 3].map((seed) => {
      manualSeed(4);
      const { a, b } = net.losses(randn([16, 4]));
      // The same sum, rounded otherwise.
      const total = seed % 2 ? a.mul(3).add(b).sub(a.mul(2)) : b.add(a);
      clear(net);
      const report = M.backward(seed > 1 ? { total, b, a } : { a, b, total }, { combine: make() });
      assert.is(report.rank, 2);
      return net.trunk.parameters().flatMap((p) => [...(p.grad as Tensor).data()]);
    });
    for (const d of directions) near(d, directions[0] as number[], 1e-3);
    assert.ok(Math.hypot(...(directions[0] as number[])) > 1e-3);
  }
  const { a, b, c } = net.losses(randn([16, 4]));
  assert.is(M.backward({ a, b, c }, { measure: true }).rank, 3);
  assert.is(M.backward({ a: net.losses(randn([16, 4])).a }).rank, null);
});

test('eps asks for float64’s precision', () => {
  const rows = [[1, 0], [1, 1e-7]]; // biome-ignore format: short
  const of = (method: multiloss.Method): number[] => M.applyCombiner(method, rows).direction;
  near(of(new M.IMTLG()), [1, 0], 1e-6);
  const exact = of(new M.IMTLG({ eps: 2 ** -52 }));
  assert.ok(Math.abs((exact[1] as number) - 5e-8) < 5e-9, `${exact}`);
});

test('diagnose names the loss that the others contain', () => {
  manualSeed(9);
  const net = new Net();
  const d = M.diagnose(() => {
    const { a, b } = net.losses(randn([64, 4]));
    return { a, b, total: a.add(b) };
  });
  const finding = d.findings.find((f) => f.kind === 'dependent');
  assert.equal(finding?.losses, ['total', 'a', 'b']);
  assert.match(d.sentence, /'total' holds nothing that 'a' and 'b' do not/);
  assert.not(M.diagnose(() => net.losses(randn([64, 4]))).findings.some((f) => f.kind === 'dependent'));
});

test('a report is what it documents: spread, keys, JSON, console', () => {
  const w = new nn.Parameter(tensor([3, 4]));
  const report = M.backward({ left: w.square().sum(), right: w.sum() }, { combine: new M.UPGrad() });
  const copy = { ...report };
  assert.equal(Object.keys(copy), ['branch', 'names', 'losses', 'weights', 'norms', 'cosine', 'gramian', 'rank', 'layers', 'groups']);
  assert.equal(copy.losses, { left: 25, right: 7 });
  assert.equal(structuredClone(copy), JSON.parse(JSON.stringify(report)));
  assert.match(inspect(report, { depth: 3 }), /losses: \{ left: 25, right: 7 \}/);
});

test('norms and Gramians of gradients of any length are finite', () => {
  for (const scale of [1e-22, 1e-12, 1e12, 1e19, 1e22, 1e37]) {
    const w = new nn.Parameter(tensor(Array.from({ length: 1030 }, (_, i) => (i % 7) - 3)));
    const report = M.backward({ a: w.sum().mul(scale), b: w.mul(2).sum() }, { measure: true });
    assert.ok(Math.abs((report.norms?.a as number) / (scale * Math.sqrt(1030)) - 1) < 1e-6, `${report.norms?.a}`);
    assert.ok(Math.abs((report.cosine?.[0]?.[1] as number) - 1) < 1e-6);
  }
});

test('batches that lack a loss: plans, conditions and options that name it', () => {
  const w = new nn.Parameter(tensor([1, -2]));
  const optimizer = new optim.SGD([w], { lr: 0.01 });
  const plan = M.phases().phase('x', { losses: ['a', 'b'], until: M.below('b', -100, { for: 2 }) });
  plan.step(() => ({ a: w.square().sum(), b: w.sum() }), optimizer);
  const { report, phase } = plan.step(() => ({ a: w.square().sum(), b: null }), optimizer);
  assert.equal([report.names, phase], [['a'], 'x']);
  throwsCode('VALUE', /there is no loss 'b'.*as null/, () => plan.step(() => ({ a: w.square().sum() }) as never, optimizer));
  M.backward({ a: w.square().sum(), b: null }, { only: { b: [w] } });
  throwsCode('VALUE', /`only` names the loss 'b'/, () => M.backward({ a: w.square().sum() }, { only: { b: [w] } as never }));
  for (const make of [() => new M.VQGANWeight({ rec: 'a', gan: 'b' }), () => new M.PINNAnnealing({ main: 'b' }), () => M.constrain({ main: 'a', limits: { b: 1 } })]) {
    throwsCode('VALUE', /'b', but the losses are a\..*null/, () => M.backward({ a: w.square().sum() }, { combine: make() }));
    M.backward({ a: w.square().sum(), b: null }, { combine: make() });
  }
});

test('states of plans, players, wrappers and strategies: all or nothing', () => {
  const w = new nn.Parameter(tensor([1, -2]));
  const optimizer = new optim.SGD([w], { lr: 0.01 });
  const [first, second] = [new M.GradNorm(), new M.FAMO({ after: 'next' })];
  const losses = (): { a: Tensor; b: Tensor } => ({ a: w.square().sum(), b: w.square().mean() });
  const plan = M.phases()
    .phase('x', { losses: ['a', 'b'], combine: first, until: M.afterSteps(2) })
    .phase('y', { losses: ['a', 'b'], combine: second });
  for (let i = 0; i < 4; i++) plan.step(losses, optimizer);
  const game = M.alternate({ p: { losses, optimizer, combine: first } });
  game.step();
  const hybrid = new M.Hybrid([M.weighted({ a: 1, b: 2 }), new M.Independent()], { every: 1 });
  hybrid.backward(losses());
  const wrapped = M.warmup(M.ema(first), M.every(new M.MGDA(), 2), 1);
  M.backward(losses(), { combine: wrapped });
  for (const [name, it] of Object.entries({ plan, game, hybrid, wrapped }) as [string, { stateDict(): object; loadStateDict(s: never): void }][]) {
    const state = JSON.parse(JSON.stringify(it.stateDict()));
    const before = JSON.stringify(it.stateDict());
    const half = structuredClone(state);
    if (name === 'plan') Object.assign(half.methods.y, { open: 3 });
    if (name === 'game') half.methods.p.w = [1];
    if (name === 'hybrid') half.phases[1] = { x: 1 };
    if (name === 'wrapped') half.first.inner.w = null;
    for (const bad of [null, {}, 'x', 3, half]) {
      throwsCode('STATE', /loadStateDict/, () => it.loadStateDict(bad as never));
      assert.is(JSON.stringify(it.stateDict()), before);
    }
    it.loadStateDict(state as never);
    assert.is(JSON.stringify(it.stateDict()), before);
  }
});

test('a method of the user that remembers nothing needs no state methods', () => {
  const mine: multiloss.Weighting = { name: 'mine', needs: 'gramian', weights: ({ names }) => new Float64Array(names.length).fill(2) };
  const w = new nn.Parameter(tensor([1, -2, 3]));
  const losses = (): multiloss.Losses => ({ a: w.square().sum(), b: w.sum().square() });
  for (const combine of [mine, M.normalize(mine), M.ema(mine), M.every(mine, 2), M.clipWeights(mine, { max: 1 }), M.warmup(mine, new M.Mean(), 1)])
    assert.ok(Object.values(M.backward(losses(), { combine }).weights).every((v) => v > 0));
  M.backward(losses(), { combine: mine, groups: 'param' });
  const wrapped = M.ema(mine);
  M.backward(losses(), { combine: wrapped });
  const copy = M.ema(mine);
  copy.loadStateDict(JSON.parse(JSON.stringify(wrapped.stateDict())));
  assert.equal(copy.stateDict(), wrapped.stateDict());
  copy.reset();
  throwsCode('STATE', /'more' is unknown/, () => copy.loadStateDict({ ...wrapped.stateDict(), inner: { more: 1 } }));
  const plan = M.phases().phase('one', { losses: ['a', 'b'], combine: mine });
  plan.step(losses, new optim.SGD([w], { lr: 0.1 }));
  plan.loadStateDict(plan.stateDict());
});

test('what is no method is refused where it is given, with what a method has', () => {
  const junk: readonly unknown[] = [
    { name: 'x', needs: 'losses', weights: 3 },
    { name: 'x', needs: 'none', weights: () => new Float64Array(1) },
    { name: 'x', needs: 'gramian', directions: () => [] },
    { name: 'x', needs: 'gramian', weights: () => new Float64Array(1), stateDict: () => ({}) },
    new M.Monitor(),
    M.UPGrad,
    () => {},
  ];
  for (const bad of junk as never[]) {
    for (const wrap of [
      () => M.ema(bad),
      () => M.every(bad, 2),
      () => M.every(2, bad),
      () => M.normalize(bad),
      () => M.clipWeights(bad, {}),
      () => M.warmup(bad, new M.Mean(), 1),
      () => M.warmup(new M.Mean(), bad, 1),
    ])
      throwsCode('VALUE', /must be a method, such as .*needs 'losses', 'norms', 'gramian' or 'jacobian'/, wrap);
  }
  // Another member of that name does not make it one.
  const product = Object.assign(new M.GeometricMean(), { weights: { a: 1 } });
  throwsCode('VALUE', /GeometricMean gives no weights, but a function of the losses/, () => M.normalize(product as never));
  const directed = Object.assign(new M.GradDrop(), { weights: { a: 1 } });
  throwsCode('VALUE', /GradDrop gives no weights, but a direction/, () => M.ema(directed as never));
});

test.run();
