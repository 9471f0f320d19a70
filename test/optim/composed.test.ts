// Optimizers written in ops or on the host: Adafactor, Muon, LBFGS. Numbers against PyTorch run in conformance.test.ts and states.test.ts.
import { capture, checkpoint, manualSeed, memory, nn, optim, randn, scope, steps, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const makers: [string, (ps: Tensor[], options?: object) => optim.Adafactor | optim.Muon][] = [
  ['Adafactor', (ps, options) => new optim.Adafactor(ps, { lr: 0.05, ...options })],
  ['Muon', (ps, options) => new optim.Muon(ps, { lr: 0.05, ...options })],
];
const matrix = (rows: number, columns: number, seed = 3): Tensor => {
  manualSeed(seed);
  return new nn.Parameter(randn(rows, columns));
};

for (const [name, make] of makers) {
  test(`${name}: captured steps are the plain ones to the bit, with rates that change`, () => {
    const run = (captured: boolean): number[] => {
      const ps = [matrix(5, 3), matrix(2, 7, 4)];
      const o = make(ps, { weightDecay: 0.1 });
      const body = (x: Tensor): Tensor => {
        o.zeroGrad();
        const loss = (ps as [Tensor, Tensor]).reduce((sum, p) => sum.add(p.sub(x).square().sum()), zeros([]));
        loss.backward();
        o.step();
        return loss;
      };
      const step = captured ? capture(body) : body;
      const losses: number[] = [];
      for (const i of steps(6)) {
        if (i === 4) (o.paramGroups[0] as { lr: number }).lr = 0.01;
        losses.push(step(tensor(i / 10)).item());
      }
      return [...losses, ...ps.flatMap((p) => [...p.data()])];
    };
    assert.equal(run(true), run(false));
  });

  test(`${name}: finds a minimum, grows nothing, skips what has no gradient, climbs with maximize`, () => {
    const [p, q] = [matrix(4, 3), matrix(3, 3)];
    const before = q.toArray();
    const o = make([p, q], { weightDecay: 0 });
    const loss = (): Tensor => {
      o.zeroGrad();
      const l = p.square().sum();
      l.backward();
      return l;
    };
    const start = p.square().sum().item();
    scope(() => void o.step(loss));
    const { live } = memory();
    for (let i = 0; i < 200; i++) scope(() => void o.step(loss));
    assert.is(memory().live, live);
    assert.ok(p.square().sum().item() < 0.1 * start, `${p.toArray()}`);
    assert.equal(q.toArray(), before);
    const [a, b] = [matrix(4, 3), matrix(4, 3)];
    for (const [t, maximize] of [
      [a, true],
      [b, false],
    ] as const) {
      const optimizer = make([t], { maximize });
      const l = t.square().sum();
      (maximize ? l.neg() : l).backward();
      optimizer.step();
    }
    assert.equal(a.toArray(), b.toArray());
  });
}

test('Adafactor: weights of any rank; strided ones; none at all', () => {
  for (const shape of [[], [0], [4], [0, 3], [3, 0], [1, 1], [2, 3, 4], [2, 1, 3, 3]]) {
    const p = new nn.Parameter(randn(shape));
    const o = new optim.Adafactor([p], { lr: 0.1 });
    p.square().sum().backward();
    o.step();
    assert.ok([...p.data()].every(Number.isFinite), `${shape}`);
    const kept = Object.keys(o.stateDict().state[0] ?? {});
    assert.equal(kept, shape.length < 2 ? ['step', 'variance'] : ['step', 'rowVar', 'colVar']);
  }
  const whole = randn([3, 4]);
  const [p, q] = [new nn.Parameter(whole), whole.clone().t().detach().requiresGrad_()];
  for (const t of [p, q]) {
    t.square().sum().backward();
    new optim.Adafactor([t]).step();
  }
  assert.ok(q.detach().t().sub(p.detach()).abs().max().item() < 1e-6);
  throwsCode('VALUE', /Adafactor: eps must be a list of two numbers, the first of them or null/, () => new optim.Adafactor([p], { eps: [1, null] as never }));
  for (const bad of [{ d: 0.5 }, { beta2Decay: 0.1 }, { eps: [-1, 0] as const }, { lr: -1 }]) throwsCode('VALUE', /^Adafactor: /, () => new optim.Adafactor([p], bad));
});

test('Muon: matrices only, options as PyTorch’s, every way to adjust the rate', () => {
  const p = matrix(2, 8);
  throwsCode('SHAPE', /Muon: takes matrices only: \[3\]/, () => new optim.Muon([p, new nn.Parameter(zeros([3]))]));
  const o = new optim.Muon([p]);
  o.paramGroups[0]?.params.push(new nn.Parameter(zeros([3])));
  o.zeroGrad();
  (o.paramGroups[0]?.params[1] as Tensor).grad = zeros([3]);
  throwsCode('SHAPE', /Muon: takes matrices only/, () => o.step());
  for (const bad of [{ nsSteps: 100 }, { nsSteps: 1.5 }, { adjustLrFn: 'x' as never }, { nsCoefficients: [1, 2] as never }, { momentum: -1 }])
    throwsCode('VALUE', /^Muon: /, () => new optim.Muon([p], bad));
  const moved = ([undefined, 'original', 'match_rms_adamw', 'spectral_unclamped'] as const).map((adjustLrFn) => {
    const q = matrix(2, 8);
    const start = q.clone().detach();
    q.square().sum().backward();
    new optim.Muon([q], { lr: 1, weightDecay: 0, ...(adjustLrFn && { adjustLrFn }) }).step();
    return q.detach().sub(start).norm().item();
  });
  const [one, same, rms, spectral] = moved.map((m) => m / (moved[0] as number)) as [number, number, number, number];
  assert.ok(Math.abs(same - one) + Math.abs(rms - 0.2 * Math.sqrt(8)) + Math.abs(spectral - 0.5) < 1e-5, `${moved}`);
});

/** Rosenbrock's valley in n dimensions; the least is 0 at ones. */
const valley = (x: Tensor): Tensor => {
  const [a, b] = [x.slice(0, 0, -1), x.slice(0, 1)];
  return b.sub(a.square()).square().mul(100).add(a.sub(1).square()).sum();
};

function closureFor(o: optim.LBFGS, x: Tensor, sign = 1): () => Tensor {
  return () => {
    o.zeroGrad();
    const loss = valley(x).mul(sign);
    loss.backward();
    return loss;
  };
}

test('LBFGS goes through Rosenbrock’s valley; maximize climbs; what is kept does not grow', () => {
  for (const sign of [1, -1]) {
    const x = new nn.Parameter(tensor([-1.2, 1, 0.5]));
    const o = new optim.LBFGS([x], { lineSearchFn: 'strong_wolfe', historySize: 5, maximize: sign < 0 });
    for (let i = 0; i < 10; i++) scope(() => void o.step(closureFor(o, x, sign)));
    assert.ok(x.sub(1).abs().max().item() < 1e-3, `${x.toArray()}`);
    const { live } = memory();
    for (let i = 0; i < 5; i++) scope(() => void o.step(closureFor(o, x, sign)));
    assert.is(memory().live, live);
    assert.ok((o.stateDict().state[0] as unknown as { oldDirs: unknown[] }).oldDirs.length <= 5);
  }
});

test('LBFGS: a state resumes to the bit, through a file too; a bad one is STATE', () => {
  const build = (values: number[], lineSearchFn: 'strong_wolfe' | null): { x: Tensor; o: optim.LBFGS } => {
    const x = new nn.Parameter(tensor(values));
    return { x, o: new optim.LBFGS([x], { lr: lineSearchFn ? 1 : 1e-3, maxIter: 3, lineSearchFn }) };
  };
  for (const search of ['strong_wolfe', null] as const) {
    const a = build([-1.2, 1], search);
    for (let i = 0; i < 3; i++) a.o.step(closureFor(a.o, a.x));
    const b = build(a.x.toArray() as number[], search);
    const saved = checkpoint.save({ o: a.o.stateDict() });
    b.o.loadStateDict(checkpoint.load(saved).o as optim.OptimizerState);
    assert.equal(checkpoint.save({ o: b.o.stateDict() }), saved);
    for (let i = 0; i < 3; i++) for (const { x, o } of [a, b]) o.step(closureFor(o, x));
    assert.equal(b.x.toArray(), a.x.toArray());
    const good = a.o.stateDict();
    const memory = good.state[0] as unknown as Record<string, unknown>;
    const wrong = { d: [zeros([3]), 5, null], t: [null, 'x'], oldDirs: [3, [zeros([3])], []], ro: [[], ['a']], nIter: [-1, 1.5], funcEvals: [null], HDiag: [{}], other: [1] };
    for (const [key, values] of Object.entries(wrong))
      for (const value of values) throwsCode('STATE', /LBFGS.loadStateDict: /, () => a.o.loadStateDict({ ...good, state: { 0: { ...memory, [key]: value } } }));
    for (const state of [null, 5, { 1: memory }, { 0: memory, 1: memory }, { 0: null }]) throwsCode('STATE', /LBFGS.loadStateDict: /, () => a.o.loadStateDict({ ...good, state }));
    throwsCode('STATE', /LBFGS.loadStateDict: /, () => a.o.loadStateDict({ ...good, paramGroups: [{ ...good.paramGroups[0], lr: -1 }] }));
    for (const bad of [null, 3, {}]) throwsCode('STATE', /LBFGS.loadStateDict: /, () => a.o.loadStateDict(bad as never));
    const [x] = [a.x.toArray()];
    a.o.loadStateDict({ ...good, state: {} });
    assert.equal([a.o.stateDict().state, a.x.toArray()], [{}, x]);
  }
});

test('LBFGS: several parameters, one without a gradient, a loss as number; what it refuses', () => {
  const [a, b, c] = [new nn.Parameter(tensor([[3], [4]])), new nn.Parameter(tensor(2)), new nn.Parameter(tensor([1]))];
  const o = new optim.LBFGS([a, b, c], { lr: 0.5 });
  assert.is(o.paramGroups[0]?.maxEval, 25);
  const closure = (): number => {
    o.zeroGrad();
    const loss = a.square().sum().add(b.sub(1).square());
    loss.backward();
    return loss.item();
  };
  assert.is(o.step(closure), 26);
  assert.ok(Math.abs(b.item() - 1) < 1e-3 && a.abs().max().item() < 1e-3 && c.item() === 1, `${b.item()} ${a.toArray()}`);
  const step = o.step.bind(o) as (closure?: unknown) => unknown;
  for (const bad of [undefined, null, 3]) throwsCode('VALUE', /LBFGS.step: the closure must be a function that computes the loss/, () => step(bad));
  throwsCode('SCOPE', /LBFGS.step: the function is async/, () => step(async () => 1));
  for (const bad of [undefined, null, zeros([2]), 'x']) throwsCode('VALUE', /LBFGS.step: the closure must return the loss/, () => step(() => bad));
  throwsCode('VALUE', /LBFGS: takes one group/, () => new optim.LBFGS([{ params: [a] }, { params: [b] }]));
  throwsCode('VALUE', /LBFGS: takes one group/, () => o.addParamGroup({ params: [b] }));
  for (const bad of [{ maxIter: 0 }, { historySize: 0 }, { lineSearchFn: 'armijo' as never }, { lr: -1 }, { toleranceGrad: Number.NaN }, { weightDecay: 0.1 } as never])
    throwsCode('VALUE', /^LBFGS: /, () => new optim.LBFGS([a], bad));
  const captured = capture(() => o.step(closure));
  captured();
  assert.throws(captured, /LBFGS.step: LBFGS calls its closure as often as the losses ask for/);
  o.dispose();
  throwsCode('SCOPE', /LBFGS.step: the optimizer's state was given back/, () => step(closure));
});

test.run();
