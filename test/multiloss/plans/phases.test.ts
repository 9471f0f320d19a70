// Plans against the plain loops they stand for: which phase trains, who gets gradients, what a resumed plan does.
import { multiloss, type nn, optim, type Tensor, tensor } from 'gradloom';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';
import { type Setup, setup } from './setup.ts';

const { above, afterSteps, allOf, anyOf, below, phases, plateau } = multiloss;

const values = (s: Setup): number[][] => s.params.map((p) => [...p.data()]);
const gradNull = (m: nn.Module): boolean => m.parameters().every((p) => p.grad === null);

/** Steps of a plan over losses whose values are given: which phase trained each. */
function course<Name extends string>(plan: multiloss.Plan<Name>, series: Record<Name, number[]>): string[] {
  const w = tensor([1], { requiresGrad: true });
  const optimizer = new optim.SGD([w], { lr: 0 });
  const n = Math.max(...Object.values<number[]>(series).map((v) => v.length));
  return Array.from({ length: n }, (_, i) => {
    const losses = (): Record<Name, Tensor> => Object.fromEntries(Object.entries<number[]>(series).map(([k, v]) => [k, w.mul(v[i] as number).sum()])) as Record<Name, Tensor>;
    return plan.step(losses, optimizer).phase;
  });
}

test('a plan trains as the loop it stands for, bit for bit', () => {
  const [s, p] = [setup(), setup()];
  const plan = phases()
    .phase('digits', { losses: ['digit'], until: below('digit', 0.9) })
    .phase('both', { losses: ['digit', 'image'] });
  const [mine, plain] = [new optim.Adam(s.params, { lr: 0.02 }), new optim.Adam(p.params, { lr: 0.02 })];
  let phase = 'digits';
  let switches = 0;
  for (let i = 0; i < 40; i++) {
    const step = plan.step(s.losses, mine);
    assert.is(step.phase, phase);
    plain.zeroGrad();
    const { digit, image } = p.losses();
    assert.equal(step.losses, { digit: digit.item(), image: image.item() });
    (phase === 'digits' ? digit : digit.add(image)).backward();
    plain.step();
    if (phase === 'digits') assert.ok(gradNull(s.b));
    const before = phase;
    if (digit.item() < 0.9) phase = 'both';
    assert.is(step.next, phase);
    assert.is(step.switched, before !== phase);
    switches += Number(step.switched);
  }
  assert.is(switches, 1);
  assert.equal(values(s), values(p));
});

test('below and above: running mean, steps in a row, hysteresis back', () => {
  const series = { l: [5, 0.5, 5, 0.5, 0.4, 0.4, 2, 4, 4, 0] };
  const plan = phases()
    .phase('a', { losses: ['l'], until: below('l', 1, { for: 2 }) })
    .phase('b', { losses: ['l'], backTo: ['a', above('l', 3)] });
  assert.equal(course(plan, series), ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'b', 'a', 'a']);
  const last = phases().phase('a', { losses: ['l'], until: below('l', 1, { for: 2 }) }).phase('b', { losses: ['l'] }); // biome-ignore format: one line
  assert.equal(course(last, { l: [0, 0, 0] }), ['a', 'a', 'b']);
  // The mean of 4 and 0 at decay 0.5, corrected for its start, is (0.5·4·0.5 + 0.5·0)/0.75 = 4/3.
  const smooth = (value: number): multiloss.Plan =>
    phases()
      .phase('a', { losses: ['l'], until: below('l', value, { ema: 0.5 }) })
      .phase('b', { losses: ['l'] });
  assert.equal(course(smooth(1.3), { l: [4, 0, 0] }), ['a', 'a', 'a']);
  assert.equal(course(smooth(1.4), { l: [4, 0, 0] }), ['a', 'a', 'b']);
});

test('allOf and anyOf take conditions', () => {
  for (const [name, join] of Object.entries({ allOf, anyOf })) throwsCode('VALUE', new RegExp(`^${name}: `), () => join(3 as never));
});

test('afterSteps, plateau, allOf, anyOf; the last until says done', () => {
  const two = (until: multiloss.Condition): multiloss.Plan =>
    phases()
      .phase('a', { losses: ['l', 'k'], until })
      .phase('b', { losses: ['k'] });
  const series = { l: [5, 4, 4, 3.95, 4, 4, 4], k: [9, 9, 1, 9, 9, 1, 1] };
  const steps = (until: multiloss.Condition): number => course(two(until), series).filter((p) => p === 'a').length;
  assert.is(steps(afterSteps(3)), 3);
  assert.is(steps(plateau('l', { patience: 2 })), 6);
  assert.is(steps(plateau('l', { patience: 2, minDelta: 0.1 })), 4);
  assert.is(steps(allOf(afterSteps(4), below('k', 2))), 6);
  assert.is(steps(anyOf(afterSteps(4), below('k', 2))), 3);
  const plan = phases().phase('only', { losses: ['l'], until: afterSteps(2) });
  course(plan, { l: [1] });
  assert.not(plan.done);
  course(plan, { l: [1] });
  assert.ok(plan.done);
  assert.is(plan.current, 'only');
});

test('frozen parameters ask for no gradient in their phase only, also after an error', () => {
  const s = setup();
  const bias = s.b.bias as Tensor;
  bias.requiresGrad = false;
  const plan = phases()
    .phase('head', { losses: ['digit'], freeze: [s.trunk, s.b.weight, bias], until: afterSteps(1) })
    .phase('all', { losses: ['digit', 'image'] });
  const optimizer = new optim.Adam(s.params, { lr: 0.02, weightDecay: 0.1 });
  const trunk = [...s.trunk.weight.data()];
  throwsCode('VALUE', /phase 'head': there is no loss 'digit' among other/, () => plan.step(() => ({ other: s.losses().digit }), optimizer));
  assert.ok(s.trunk.weight.requiresGrad);
  plan.step(() => {
    assert.not(s.trunk.weight.requiresGrad);
    return s.losses();
  }, optimizer);
  assert.ok(gradNull(s.trunk));
  assert.ok(s.a.weight.grad);
  assert.equal([...s.trunk.weight.data()], trunk);
  assert.equal([s.trunk.weight.requiresGrad, s.b.weight.requiresGrad, bias.requiresGrad], [true, true, false]);
  plan.step(s.losses, optimizer);
  assert.not.equal([...s.trunk.weight.data()], trunk);
});

test('lrFactor scales the phase’s steps only, optimizerState resets moments at its start', () => {
  const [s, p] = [setup(), setup()];
  const plan = phases()
    .phase('warm', { losses: ['digit'], until: afterSteps(3) })
    .phase('fine', { losses: ['digit'], lrFactor: 0.1, optimizerState: 'reset' });
  const mine = new optim.Adam(s.params, { lr: 0.02 });
  let plain = new optim.Adam(p.params, { lr: 0.02 });
  for (let i = 0; i < 6; i++) {
    if (i === 3) plain = new optim.Adam(p.params, { lr: 0.02 * 0.1 });
    plan.step(s.losses, mine);
    plain.zeroGrad();
    p.losses().digit.backward();
    plain.step();
    assert.is(mine.paramGroups[0]?.lr, 0.02);
  }
  assert.equal(values(s), values(p));
});

test('a run that was interrupted in mid-phase goes on bit for bit', () => {
  const make = (): multiloss.Plan<'digit' | 'image'> =>
    phases<'digit' | 'image'>()
      .phase('digits', { losses: ['digit'], until: allOf(below('digit', 1, { ema: 0.9, for: 5 }), afterSteps(8)) })
      .phase('image', { losses: ['image'], lrFactor: 2, until: plateau('image', { patience: 4, minDelta: 0.005, ema: 0.5 }), optimizerState: 'reset' })
      .phase('both', { losses: ['digit', 'image'], backTo: ['image', above('digit', 1.2, { ema: 0.3 })] });
  const [whole, parts] = [setup(), setup()];
  const [o1, o2] = [new optim.Adam(whole.params, { lr: 0.02 }), new optim.Adam(parts.params, { lr: 0.02 })];
  const plan = make();
  const seen = Array.from({ length: 60 }, () => plan.step(whole.losses, o1).phase);
  let resumed = make();
  const again = Array.from({ length: 60 }, () => {
    const saved = JSON.stringify(resumed.stateDict());
    resumed = make();
    resumed.loadStateDict(JSON.parse(saved));
    return resumed.step(parts.losses, o2).phase;
  });
  assert.equal(again, seen);
  assert.ok(new Set(seen).size >= 2, seen.join());
  assert.equal(values(parts), values(whole));
  assert.equal(resumed.stateDict(), plan.stateDict());
});

test('any plan goes on from its JSON as it would have', () => {
  const leaf = fc.oneof(
    fc
      .tuple(fc.constantFrom('l', 'k'), fc.constantFrom(0.3, 0.5, 0.7), fc.constantFrom(0, 0.5), fc.integer({ min: 1, max: 3 }))
      .chain(([loss, value, ema, n]) =>
        fc.constantFrom(below(loss, value, { ema, for: n }), above(loss, value, { ema, for: n }), plateau(loss, { patience: n, ema, minDelta: 0.1 })),
      ),
    fc.integer({ min: 1, max: 5 }).map((n) => afterSteps(n) as multiloss.Condition),
  );
  const condition = fc.oneof(
    leaf,
    fc.tuple(leaf, leaf).map(([a, b]) => anyOf(a, b)),
    fc.tuple(leaf, leaf).map(([a, b]) => allOf(a, b)),
  );
  const values = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 30, maxLength: 30 });
  fc.assert(
    fc.property(condition, condition, condition, values, (first, second, back, rows) => {
      const make = (): multiloss.Plan =>
        phases()
          .phase('a', { losses: ['l'], until: first })
          .phase('b', { losses: ['k'], until: second, backTo: ['a', back] })
          .phase('c', { losses: ['l', 'k'], backTo: ['b', back] });
      const whole = make();
      let parts = make();
      for (const [l, k] of rows) {
        const one = course(whole, { l: [l], k: [k] });
        const state = JSON.stringify(parts.stateDict());
        parts = make();
        parts.loadStateDict(JSON.parse(state));
        assert.equal(course(parts, { l: [l], k: [k] }), one);
      }
      assert.equal(parts.stateDict(), whole.stateDict());
    }),
    { numRuns: 40, seed: 1 },
  );
});

test('conditions are plain objects', () => {
  const c = anyOf(below('a', 1, { ema: 0.5, for: 2 }), allOf(afterSteps(3), plateau('b', { patience: 2 })));
  assert.equal(JSON.parse(JSON.stringify(c)), c);
});

test('a plan that cannot be gone through is refused where it is written', () => {
  const one = (): multiloss.Plan => phases().phase('a', { losses: ['l'] });
  throwsCode('VALUE', /plan is empty/, () => phases().current);
  throwsCode('VALUE', /phase 'a': there is already/, () => one().phase('a', { losses: ['l'] }));
  throwsCode('VALUE', /phase 'b': it has no losses/, () => one().phase('b', { losses: [] }));
  throwsCode('VALUE', /'l' is named twice/, () => one().phase('b', { losses: ['l', 'l'] }));
  throwsCode('VALUE', /backTo names 'c', which is no earlier phase \(a\)/, () => one().phase('b', { losses: ['l'], backTo: ['c', afterSteps(1)] }));
  throwsCode('VALUE', /phase 'b': there is no loss 'm' among l/, () =>
    one()
      .phase('b', { losses: ['l'], until: below('m', 1) })
      .check(),
  );
  const typo = { losses: ['l'], until: anyOf(below('m', 1)) };
  throwsCode('VALUE', /phase 'a': there is no loss 'm' among l, n/, () => phases<string>({ losses: ['l', 'n'] }).phase('a', typo));
  throwsCode('VALUE', /lrFactor must be a number ≥ 0, got -1/, () => phases().phase('a', { losses: ['l'], lrFactor: -1 }));
  throwsCode('VALUE', /ema must be a number in \[0, 1\), got 1/, () => below('l', 1, { ema: 1 }));
  throwsCode('VALUE', /for must be a whole number/, () => above('l', 1, { for: 0 }));
  throwsCode('VALUE', /must be a finite number, got NaN/, () => above('l', Number.NaN));
  throwsCode('VALUE', /patience must be/, () => plateau('l', { patience: 0.5 }));
  throwsCode('VALUE', /minDelta/, () => plateau('l', { patience: 1, minDelta: -1 }));
  throwsCode('VALUE', /no conditions/, () => allOf());
  throwsCode('GRAPH', /cannot freeze a non-leaf/, () => phases().phase('a', { losses: ['l'], freeze: [tensor([1], { requiresGrad: true }).mul(2)] }));
  const plan = one();
  course(plan, { l: [1] });
  throwsCode('VALUE', /the plan has begun/, () => plan.phase('late', { losses: ['l'] }));
});

test('a bad loss is named and nothing has changed', () => {
  const s = setup();
  const optimizer = new optim.Adam(s.params, { lr: 0.1 });
  const plan = phases().phase('both', { losses: ['digit', 'image'], until: below('digit', 0.1) });
  plan.step(s.losses, optimizer);
  const [before, grads, state] = [values(s), s.params.map((p) => [...(p.grad?.data() ?? [])]), plan.stateDict()];
  const bad =
    (change: (l: { digit: Tensor; image: Tensor }) => Record<string, Tensor>): (() => unknown) =>
    (): unknown =>
      plan.step(() => change(s.losses()), optimizer);
  throwsCode(
    'NONFINITE',
    /phase 'both': the loss 'image' is Infinity; nothing was stepped/,
    bad(({ digit, image }) => ({ digit, image: image.mul(Number.POSITIVE_INFINITY) })),
  );
  throwsCode(
    'GRAPH',
    /the loss 'image' does not require a gradient/,
    bad(({ digit, image }) => ({ digit, image: image.detach() })),
  );
  throwsCode(
    'SHAPE',
    /the loss 'digit' has shape \[2\]/,
    bad(({ image }) => ({ digit: (s.a.bias as Tensor).narrow(0, 0, 2), image })),
  );
  assert.equal(values(s), before);
  assert.equal(
    s.params.map((p) => [...(p.grad?.data() ?? [])]),
    grads,
  );
  assert.equal(plan.stateDict(), state);
  const watching = phases({ losses: ['digit', 'whole'] }).phase('a', { losses: ['digit'], until: below('whole', 1) });
  throwsCode('SHAPE', /the loss 'whole' has shape \[3\]/, () => watching.step(() => ({ ...s.losses(), whole: s.a.bias as Tensor }), optimizer));
  // A loss that rests may be anything; one that only frozen parameters reach says so.
  const rest = phases().phase('a', { losses: ['digit'] });
  rest.step(() => ({ ...s.losses(), image: s.losses().image.mul(Number.NaN) }), optimizer);
  const all = phases().phase('a', { losses: ['digit'], freeze: [s.trunk, s.a] });
  throwsCode('GRAPH', /'digit' reaches no parameter that is not frozen/, () => all.step(s.losses, optimizer));
});

test('a state of another plan is refused', () => {
  const plan = phases().phase('a', { losses: ['l'], until: below('l', 1) });
  const state = plan.stateDict();
  throwsCode('STATE', /phases a, this plan has b/, () =>
    phases()
      .phase('b', { losses: ['l'] })
      .loadStateDict(state),
  );
  throwsCode('STATE', /'until' of the phase 'a' is another condition/, () =>
    phases()
      .phase('a', { losses: ['l'] })
      .loadStateDict(state),
  );
  throwsCode('STATE', /'until'/, () =>
    phases()
      .phase('a', { losses: ['l'], until: afterSteps(2) })
      .loadStateDict(state),
  );
  for (const bad of [{ run: -1 }, { run: 0.5 }, { weight: -1 }, { more: 1 }])
    throwsCode('STATE', /'until' of the phase 'a'/, () => plan.loadStateDict({ ...state, until: { ...(state.until as object), ...bad } } as never));
});

test('beforeStep sees whole gradients', () => {
  const s = setup();
  let seen = 0;
  const plan = phases().phase('a', { losses: ['digit'] });
  plan.step(s.losses, new optim.SGD(s.params, { lr: 0.1 }), { beforeStep: () => (seen = s.params.filter((p) => p.grad !== null).length) });
  assert.is(seen, 4);
});

test.run();
