// Steps with several losses whose right result follows from the formula, each with other numbers beside it.
import { capture, manualSeed, multiloss as M, nn, optim, randn, scope, steps, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';

const leaf = (data: readonly number[]): nn.Parameter => new nn.Parameter(tensor([...data]));
const gradOf = (t: Tensor): number[] => [...(t.grad as Tensor).data()];
const near = (actual: readonly number[], right: readonly number[], tolerance = 1e-5): void => {
  assert.is(actual.length, right.length);
  const size = Math.max(...right.map(Math.abs), 1e-30);
  right.forEach((v, k) => {
    assert.ok(Math.abs((actual[k] as number) - v) <= tolerance * size, `${actual}, right ${right}`);
  });
};
const hypot = (v: readonly number[]): number => Math.hypot(...v);

for (const start of [
  [1, 2],
  [3, -4],
  [-0.5, 1e-3],
]) {
  // biome-ignore format: a table
  const slope = start.map((v) => 2 * v);
  const unit = slope.map((v) => v / hypot(slope));
  const alone = (combine: M.Method): { grad: number[]; report: M.BackwardReport } => {
    const w = leaf(start);
    const report = M.backward({ a: w.square().sum() }, { combine });
    return { grad: gradOf(w), report };
  };
  test(`a single loss shares all that it reaches: from ${start}`, () => {
    near(alone(M.normalize(new M.Mean())).grad, unit);
    near(alone(new M.EnCodecBalancer()).grad, unit);
    near(alone(M.ema(M.normalize(new M.Mean()))).grad, unit);
    for (const [combine, weight] of [
      [new M.IMTLG(), 1],
      [new M.MGDA(), 1],
      [new M.ConFIG(), 1],
      [new M.UPGrad(), 1],
      [new M.NashMTL(), 1 / hypot(slope)],
      [new M.FairGrad(), 1 / hypot(slope)],
      [new M.CAGrad({ c: 0.5 }), 1.5],
    ] as const) {
      const { grad, report } = alone(combine);
      near([report.weights.a as number], [weight]);
      near(grad, slope.map((v) => v * weight)); // biome-ignore format: one line
      near([report.norms?.a as number], [hypot(slope)]);
      assert.ok((report.layers?.length ?? 0) > 0);
    }
  });

  test(`a phase of one loss under normalize(Mean) moves, and no alarm says that it is dead: from ${start}`, () => {
    const w = leaf(start);
    const plan = M.phases().phase('one', { losses: ['a'], combine: M.normalize(new M.Mean()) });
    const monitor = new M.Monitor();
    const optimizer = new optim.SGD([w], { lr: 0.001 });
    for (const _ of steps(60)) {
      const { report } = plan.step(() => ({ a: w.square().sum().add(1) }), optimizer);
      assert.not(monitor.record(report as M.BackwardReport, { lr: 0.001 }).some((alarm) => alarm.kind === 'dead'));
    }
    near([...w.data()], start.map((v, k) => v - 0.06 * (unit[k] as number)), 1e-4); // biome-ignore format: one line
  });
}

for (const scale of [1, 30]) {
  test(`a head that starts at zero trains, though its loss has no shared gradient yet: at ${scale}`, () => {
    for (const combine of [M.normalize(new M.Mean()), M.ema(M.normalize(new M.Mean())), new M.EnCodecBalancer(), M.normalize(new M.UPGrad())]) {
      const [w, head] = [leaf([1, -2]), leaf([0, 0])];
      const optimizer = new optim.SGD(
        [
          { params: [w], lr: 0.002 },
          { params: [head], lr: 0.02 / scale },
        ],
        { lr: 0.01 },
      );
      const losses = (): { a: Tensor; b: Tensor } => ({ a: w.sub(1).square().sum().mul(scale), b: w.mul(head).sum().sub(2).square().mul(scale) });
      const [first] = [losses().b.item()];
      for (const i of steps(15)) {
        optimizer.zeroGrad();
        M.backward(losses(), { combine });
        // Its own gradient: d b/d head = 2·(−2)·w·scale.
        if (i === 0) near(gradOf(head), [-4 * scale, 8 * scale]);
        optimizer.step();
      }
      assert.ok(losses().b.item() < 0.05 * first, `${losses().b.item()} of ${first}`);
    }
  });
}

for (const [name, combine, right] of [
  ['every(3, MGDA)', () => M.every(new M.MGDA(), 3), 1],
  ['every(2, UPGrad)', () => M.every(new M.UPGrad(), 2), 1],
  ['every(4, IMTLG)', () => M.every(new M.IMTLG(), 4), 1],
  ['every(3, Mean)', () => M.every(new M.Mean(), 3), 0.5],
] as const) {
  test(`${name}: heads get the same at every step`, () => {
    const [w, head] = [leaf([1, -2]), leaf([3])];
    const method = combine();
    for (let step = 0; step < 9; step++) {
      w.grad = head.grad = null;
      M.backward({ a: w.square().sum(), b: w.sum().mul(2).add(8).add(head.sum()) }, { combine: method });
      near(gradOf(head), [right]);
    }
  });
}

for (const [at, make, sum] of [
  ['f = w', (w: Tensor) => w.mul(1), [3, 5]],
  ['f = 3w', (w: Tensor) => w.mul(3), [3, 5]],
] as const) {
  test(`at ${at}: what hooks return counts once, and a kept gradient is the whole`, () => {
    const slope = at === 'f = w' ? 1 : 3;
    const run = (prepare: (f: Tensor) => void): { f: Tensor; w: Tensor } => {
      const w = leaf([1, 2]);
      const f = make(w);
      prepare(f);
      M.backward({ a: f.mul(tensor([1, 2])).sum(), b: f.mul(tensor([2, 3])).sum() }, { at: f, combine: new M.Sum() });
      return { f, w };
    };
    const { w } = run((f) => f.registerHook((g) => g.mul(2)));
    near(gradOf(w), sum.map((v) => 2 * slope * v)); // biome-ignore format: one line
    near(gradOf(run((f) => f.retainGrad()).f), sum);
  });
}

for (const [name, options] of [
  ['UPGrad', () => ({ combine: new M.UPGrad() })],
  ['GradDrop', () => ({ combine: new M.GradDrop() })],
  ['measured', () => ({ measure: true })],
  ['normalize(Mean)', () => ({ combine: M.normalize(new M.Mean()) })],
] as const) {
  test(`${name}: an optimizer in a post-accumulate hook trains`, () => {
    manualSeed(3);
    const [w, head] = [leaf([1, -2]), leaf([0.5, 1])];
    const before = [...w.data(), ...head.data()];
    let calls = 0;
    for (const p of [w, head]) {
      const optimizer = new optim.SGD([p], { lr: 0.1 });
      p.registerPostAccumulateGradHook(() => {
        calls++;
        optimizer.step();
      });
    }
    M.backward({ a: w.square().sum(), b: w.mul(head).sum().add(9) }, options());
    assert.is(calls, 2);
    near([...w.data(), ...head.data()], before.map((v, k) => v - 0.1 * ([...gradOf(w), ...gradOf(head)][k] as number))); // biome-ignore format: one line
  });
}

for (const depth of [-0.3, -4]) {
  test(`losses that end below 0, at ${depth}: gradients decide, or the loss is refused by name`, () => {
    const run = (combine: M.Method): number => {
      const w = leaf([2, -1]);
      const optimizer = new optim.SGD([w], { lr: 0.05 });
      const losses = (): { a: Tensor; b: Tensor } => ({
        a: w.sub(1).square().sum().add(depth),
        b: w
          .sub(1)
          .square()
          .mean()
          .add(depth / 2),
      });
      for (const _ of steps(300)) {
        optimizer.zeroGrad();
        M.backward(losses(), { combine });
        optimizer.step();
      }
      return losses().a.item();
    };
    for (const combine of [new M.Mean(), new M.UPGrad(), new M.MGDA(), new M.IMTLG(), new M.ExcessMTL(), new M.SoftAdapt(), M.ema(new M.ConFIG())])
      near([run(combine)], [depth], 2e-2);
    for (const combine of [new M.MoCo(), new M.DBMTL(), new M.CoV(), new M.DWA(), new M.ReLoBRaLo(), new M.SoftAdapt({ lossWeighted: true }), new M.UncertaintyWeighting(2), new M.GradNorm(), new M.FAMO()])
      throwsCode('VALUE', /the loss '[ab]' is -/, () => run(combine)); // biome-ignore format: one line
  });
}

for (const other of [1, 30]) {
  test(`a loss of exactly 0 beside one of ${other} under a learnt weight: nothing ends in NaN`, () => {
    for (const method of [new M.UncertaintyWeighting(2), new M.IMTLL(2)]) {
      const w = leaf([1]);
      const optimizer = new optim.Adam([...method.parameters()], { lr: 0.05 });
      for (const _ of steps(1500)) {
        w.grad = null;
        optimizer.zeroGrad();
        M.backward({ a: w.sub(w.detach()).square().sum(), b: w.mul(other).sum() }, { combine: method });
        optimizer.step();
      }
      const s = method.stateDict().s as number[];
      assert.is(s[0], 0); // as it was
      near([s[1] as number], [method.name === 'IMTLL' ? -Math.log(other) : Math.log(other)], other === 1 ? 1 : 0.05);
      assert.ok(s.every(Number.isFinite) && gradOf(w).every(Number.isFinite));
    }
  });
}

for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
  test(`a batch with a loss of ${bad} is refused, and nothing of it is remembered`, () => {
    for (const make of [
      () => new M.STCH({ mu: 0.5, warmupSteps: 2 }),
      () => M.weighted({ a: 1, b: M.anneal.linear(0, 1, { steps: 4 }) }),
      () => new M.COSMOS({ weights: [1, 1] }),
    ]) {
      const run = (refused: boolean): number[][] => {
        const w = leaf([1, 2]);
        const method = make();
        const seen: number[][] = [];
        for (let i = 0; i < 5; i++) {
          const losses = (): { a: Tensor; b: Tensor } => ({
            a: w
              .square()
              .sum()
              .mul(i + 1),
            b: w.sum(),
          });
          w.grad = null;
          if (refused && i < 3) throwsCode('NONFINITE', /the loss 'b' is/, () => M.backward({ ...losses(), b: w.sum().mul(bad) }, { combine: method }));
          assert.is(w.grad, null);
          M.backward(losses(), { combine: method });
          seen.push(gradOf(w));
        }
        return seen;
      };
      assert.equal(run(true), run(false));
      assert.ok(run(true).flat().every(Number.isFinite)); // biome-ignore format: one line
    }
  });
}

for (const [name, make, plain] of [
  ['ExcessMTL', () => new M.ExcessMTL(), 0],
  ['MoCo', () => new M.MoCo(), 0],
  ['DBMTL', () => new M.DBMTL(), 0],
  ['normalize(GradDrop)', () => M.normalize(new M.GradDrop()), 0],
  ['STCH after its warm-up', () => new M.STCH({ mu: 0.5, warmupSteps: 3 }), 3],
] as const) {
  for (const at of [5, 8]) {
    test(`${name}: what loadStateDict brings at step ${at} counts in a captured step`, () => {
      const run = (captured: boolean): number[][] => {
        manualSeed(4);
        const layer = new nn.Linear(3, 2);
        const method = make();
        const step = (x: Tensor): void => {
          for (const p of layer.parameters()) p.grad = null;
          const [a, b] = layer.forward(x).unbind(1) as [Tensor, Tensor];
          M.backward({ a: a.square().mean(), b: b.sub(2).square().mean() }, { combine: method });
        };
        const one = captured ? capture(step) : step;
        let state = {};
        const seen: number[][] = [];
        for (let i = 0; i < 12; i++) {
          if (i === plain) state = JSON.parse(JSON.stringify(method.stateDict()));
          if (i === at) method.loadStateDict(state);
          scope(() => (i < plain ? step : one)(randn([4, 3])));
          seen.push(layer.parameters().flatMap((p) => gradOf(p)));
        }
        return seen;
      };
      assert.equal(run(true), run(false));
    });
  }
}

for (const [name, make] of [
  ['UPGrad', () => new M.UPGrad()],
  ['MGDA', () => new M.MGDA()],
  ['IMTLG', () => new M.IMTLG()],
] as const) {
  // biome-ignore format: a table
  test(`${name} in groups: weighted heads get the mean of the groups' weights`, () => {
    const [u, v, head] = [leaf([1, -2]), leaf([3, 1]), leaf([1])];
    const losses = { a: u.square().sum().add(v.sum()).add(head.sum()), b: u.sum().neg().sub(v.square().sum()).add(20).add(head.sum().mul(3)) }; // biome-ignore format: one line
    const report = M.backward(losses, { combine: make(), groups: [[u], [v]], shared: [u, v], heads: 'weighted' });
    const mean = (of: 'a' | 'b'): number => report.groups.reduce((sum, g) => sum + g.weights[of] / report.groups.length, 0);
    near([report.weights.a, report.weights.b], [mean('a'), mean('b')]);
    near(gradOf(head), [mean('a') + 3 * mean('b')]);
  });
}

for (const weights of [
  [1, 2],
  [0.25, 4],
]) {
  // biome-ignore format: a table
  test(`measuring changes no parameter's gradient; one that is kept on the way is the losses' sum then: weights ${weights}`, () => {
    const run = (measure: boolean): number[][] => {
      const w = leaf([1, -2]);
      const h = w.mul(3);
      h.retainGrad();
      M.backward({ a: h.square().sum(), b: h.sum() }, { combine: new M.Constant(weights), measure });
      return [gradOf(h), gradOf(w)];
    };
    const [a, b] = weights as [number, number];
    const of = (x: number, y: number): number[] => [3, -6].map((v) => 2 * v * x + y);
    const right = of(a, b);
    for (const measure of [false, true]) {
      const [h, w] = run(measure) as [number[], number[]];
      near(h, measure ? of(1, 1) : right);
      near(w, right.map((v) => 3 * v)); // biome-ignore format: one line
    }
  });
}

for (const s of [
  [0.5, -1],
  [-2, 3],
]) {
  // biome-ignore format: a table
  test(`frozen weights are used as they are: ${s}`, () => {
    for (const [method, factor] of [[new M.UncertaintyWeighting(2), (v: number) => Math.exp(-v) / 2], [new M.IMTLL(2), (v: number) => Math.exp(v)]] as const) { // biome-ignore format: a table
      const w = leaf([1, -2]);
      method.loadStateDict({ s });
      method.parameter.requiresGrad = false;
      const report = M.backward({ a: w.square().sum(), b: w.sum().add(3) }, { combine: method });
      near([report.weights.a as number, report.weights.b as number], s.map(factor));
      assert.is(method.parameter.grad, null);
    }
  });
}

test.run();
