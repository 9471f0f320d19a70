// Plans against the plain loops they stand for: which phase trains, who gets gradients, what a resumed plan does. Long, since most rows share the loops at the top.
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

/** Steps until the condition holds, of losses l (which trains) and k (which is watched; null where a step lacks it); what it remembers then. */
function until(condition: multiloss.Condition, k: readonly (number | null)[]): { steps: number; states: unknown[] } {
  const w = tensor([1], { requiresGrad: true });
  const optimizer = new optim.SGD([w], { lr: 0 });
  const plan = phases<string>({ losses: ['l', 'k'] }).phase('a', { losses: ['l'], until: condition });
  const states: unknown[] = [];
  for (const value of k) {
    if (plan.done) break;
    plan.step(() => ({ l: w.sum(), k: value === null ? null : w.mul(value).sum() }), optimizer);
    states.push(plan.stateDict().until);
  }
  return { steps: plan.done ? states.length : Number.POSITIVE_INFINITY, states };
}

test('conditions to the step: at equal values, where a loss is lacking, where one is not finite', () => {
  const [never, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
  const rows: [multiloss.Condition, (number | null)[], steps: number][] = [
    [below('k', 1, { ema: 0, for: 1 }), [1, 0.75], 2],
    [above('k', 1), [1, 1.25], 2],
    [below('k', 1), [2, 2, 2], never],
    [plateau('k', { patience: 1 }), [3, 3, 0], 2],
    [plateau('k', { patience: 1, minDelta: 0.5 }), [3, 2.25, 1.75, 0], 3],
    [plateau('k', { patience: 2 }), [3, 2, 2, 1, 1, 1], 6],
    [plateau('k', { patience: 1, ema: 0.5 }), [4, 0, 1.5, 0], 3],
    // What held goes on holding in steps that lack the loss.
    [allOf(below('k', 1), afterSteps(3)), [0.5, null, null], 3],
    [allOf(below('k', 1), afterSteps(3)), [0.5, null, 2, 2], never],
    [below('k', 1, { for: 2 }), [0.5, null, 0.5], 3],
    [allOf(plateau('k', { patience: 1 }), afterSteps(4)), [1, 1, null, null], 4],
    [plateau('k', { patience: 2 }), [1, 1, null, 1], 4],
    [below('k', 1, { for: 2 }), [0.5, nan, 0.5, 0.5], 4],
    [plateau('k', { patience: 2 }), [1, 1, nan, 1], 4],
    [anyOf(afterSteps(1), below('k', 1)), [nan], 1],
  ];
  for (const [condition, k, steps] of rows) assert.is(until(condition, k).steps, steps, JSON.stringify([condition, k]));
  // The running mean of 4 and 2 at decay ¼, corrected for its start: 3, then (0.75 + 1.5)/0.9375.
  assert.equal(until(below('k', 0, { ema: 0.25, for: 3 }), [4, 2, nan]).states, [
    { kind: 'below', sum: 3, weight: 0.75, run: 0 },
    { kind: 'below', sum: 2.25, weight: 0.9375, run: 0 },
    { kind: 'below', sum: 2.25, weight: 0.9375, run: 0 },
  ]);
  assert.equal(until(plateau('k', { patience: 3, ema: 0.5 }), [4, 8]).states, [
    { kind: 'plateau', sum: 2, weight: 0.5, best: 4, run: 0 },
    { kind: 'plateau', sum: 5, weight: 0.75, best: 4, run: 1 },
  ]);
  assert.equal([below('k', 1), plateau('k', { patience: 2 })], [{ kind: 'below', loss: 'k', value: 1, ema: 0, for: 1 }, { kind: 'plateau', loss: 'k', patience: 2, minDelta: 0, ema: 0 }]); // biome-ignore format: one line
});

test('what no condition, no phase and no step takes', () => {
  const s = setup();
  const sgd = new optim.SGD(s.params, { lr: 0.1 });
  const plan = phases().phase('a', { losses: ['digit'] });
  const call =
    (f: unknown, ...given: unknown[]) =>
    () =>
      (f as (...given: unknown[]) => unknown)(...given);
  const phase =
    (...given: unknown[]) =>
    () =>
      (phases() as unknown as { phase(...given: unknown[]): unknown }).phase(...given);
  const step =
    (...given: unknown[]) =>
    () =>
      (plan as unknown as { step(...given: unknown[]): unknown }).step(...given);
  const refused: [Parameters<typeof throwsCode>[0], RegExp, () => unknown][] = [
    ['VALUE', /below.*loss must be/s, call(below, 5, 1)],
    ['VALUE', /plateau.*loss must be/s, call(plateau, undefined, { patience: 1 })],
    ['VALUE', /plateau.*patience must be/s, call(plateau, 'l', {})],
    ['VALUE', /ema must be/, call(below, 'l', 1, { ema: -0.1 })],
    ['VALUE', /afterSteps.*steps must be/s, call(afterSteps, 0)],
    ['VALUE', /argument/, call(below, 'l', 1, {}, 1)],
    ['VALUE', /argument/, call(above, 'l', 1, {}, 1)],
    ['VALUE', /argument/, call(afterSteps, 1, 1)],
    ['VALUE', /argument/, call(plateau, 'l', { patience: 1 }, 1)],
    ['VALUE', /argument/, call(phases, {}, 1)],
    ['VALUE', /argument 1 must be a condition/, call(allOf, afterSteps(1), { kind: 'never' })],
    ['VALUE', /argument 0 must be a condition/, call(anyOf, { kind: 'allOf', of: [{ kind: 'never' }] })],
    ['VALUE', /argument 0 must be a condition/, call(anyOf, { kind: 'allOf' })],
    ['VALUE', /argument 0 must be a condition/, call(anyOf, [])],
    ['VALUE', /name must be/, phase(5, { losses: ['l'] })],
    ['VALUE', /losses must be/, phase('a', {})],
    ['VALUE', /losses must be/, phase('a', { losses: [5] })],
    ['VALUE', /until must be/, phase('a', { losses: ['l'], until: { kind: 'never' } })],
    ['VALUE', /backTo must be a list \[phase, condition\]/, phase('a', { losses: ['l'], backTo: ['a'] })],
    ['VALUE', /backTo must be/, phase('a', { losses: ['l'], backTo: ['a', afterSteps(1), 1] })],
    ['VALUE', /backTo must be/, phase('a', { losses: ['l'], backTo: [1, afterSteps(1)] })],
    ['VALUE', /backTo must be/, phase('a', { losses: ['l'], backTo: ['a', 1] })],
    ['VALUE', /which is no earlier phase \(there is none\)/, phase('a', { losses: ['l'], backTo: ['a', afterSteps(1)] })],
    ['VALUE', /freeze must be a list/, phase('a', { losses: ['l'], freeze: 5 })],
    ['VALUE', /freeze/, phase('a', { losses: ['l'], freeze: null })],
    ['VALUE', /freeze takes a list of parameters and modules, got/, phase('a', { losses: ['l'], freeze: {} })],
    ['VALUE', /freeze takes a list of parameters and modules, got 5/, phase('a', { losses: ['l'], freeze: [5] })],
    ['VALUE', /freeze takes a list of parameters and modules, got/, phase('a', { losses: ['l'], freeze: [{ parameters: () => 5 }] })],
    ['VALUE', /combine/, phase('a', { losses: ['l'], backward: { combine: new multiloss.Sum() } })],
    ['VALUE', /optimizerState must be/, phase('a', { losses: ['l'], optimizerState: 'new' })],
    ['VALUE', /argument/, phase('a', { losses: ['l'] }, 1)],
    ['VALUE', /losses must be a function/, step(5, sgd)],
    ['VALUE', /optimizer must be an optimizer/, step(s.losses, {})],
    ['VALUE', /optimizer must be an optimizer/, step(s.losses, null)],
    ['VALUE', /optimizer must be an optimizer/, step(s.losses, { paramGroups: [], zeroGrad: () => {} })],
    ['VALUE', /optimizer must be an optimizer/, step(s.losses, { paramGroups: [], step: () => {} })],
    ['VALUE', /optimizer must be an optimizer/, step(s.losses, { zeroGrad: () => {}, step: () => {} })],
    ['VALUE', /beforeStep must be/, step(s.losses, sgd, { beforeStep: 5 })],
    ['VALUE', /argument/, step(s.losses, sgd, {}, 1)],
    ['VALUE', /the function of the step returns its losses/, step(() => null, sgd)],
    ['VALUE', /the function of the step returns its losses/, step(() => s.losses().digit, sgd)],
    ['VALUE', /the function of the step returns its losses/, step(() => 5, sgd)],
    ['VALUE', /no loss 'digit' among no losses at all/, step(() => ({}), sgd)],
  ];
  for (const [code, text, run] of refused) throwsCode(code, text, run);
  assert.equal([plan.stateDict().steps, s.params.every((p) => p.grad === null)], [0, true]);
});

test('rates come back after an error of the optimizer, resets need its state, methods and options reach the pass', () => {
  const s = setup();
  const sgd = new optim.SGD(s.params, { lr: 0.5 });
  const plan = phases().phase('a', { losses: ['digit', 'image'], lrFactor: 0.5, combine: multiloss.weighted({ digit: 2, image: 0 }), backward: { measure: true } });
  const [steps, seen] = [sgd.step.bind(sgd), [] as number[]];
  sgd.step = () => {
    seen.push(sgd.paramGroups[0]?.lr as number);
    throw new Error('no step');
  };
  assert.throws(() => plan.step(s.losses, sgd), /no step/);
  assert.equal([seen, sgd.paramGroups[0]?.lr, plan.stateDict().steps], [[0.25], 0.5, 0]);
  sgd.step = steps;
  const { report } = plan.step(s.losses, sgd);
  assert.equal(report.weights, { digit: 2, image: 0 });
  assert.ok(report.norms);
  const anew = phases().phase('a', { losses: ['digit'], optimizerState: 'reset' });
  const bare = (more: object): multiloss.Steppable => ({ paramGroups: [], zeroGrad: () => {}, step: () => {}, ...more });
  for (const more of [{}, { stateDict: () => ({ state: {} }) }, { loadStateDict: () => {} }])
    throwsCode('VALUE', /needs an optimizer with stateDict and loadStateDict/, () => anew.step(s.losses, bare(more)));
  let given: unknown;
  anew.step(s.losses, bare({ stateDict: () => ({ state: { 0: 1 }, paramGroups: 7 }), loadStateDict: (state: unknown) => { given = state; } })); // biome-ignore format: one line
  assert.equal(given, { state: {}, paramGroups: 7 });
  given = null;
  anew.step(s.losses, bare({ stateDict: () => ({ state: {} }), loadStateDict: (state: unknown) => { given = state; } })); // biome-ignore format: one line
  assert.is(given, null);
});

test('a plan as data, and what of a state is another plan’s', () => {
  const s = setup();
  s.trunk.weight.label = 'w';
  const make = (): multiloss.Plan =>
    phases()
      .phase('a', { losses: ['l'], until: allOf(below('l', 1), plateau('l', { patience: 2 })), freeze: [s.trunk.weight, s.trunk], lrFactor: 2 })
      .phase('b', { losses: ['l'], backTo: ['a', above('l', 3)], combine: multiloss.weighted({ l: 2 }), optimizerState: 'reset' });
  const plan = make();
  assert.is(plan.check(), plan);
  const [a, b] = JSON.parse(JSON.stringify(plan));
  assert.equal(a, {
    name: 'a',
    losses: ['l'],
    until: allOf(below('l', 1), plateau('l', { patience: 2 })),
    freeze: ['w', (s.trunk.bias as Tensor).label || (s.trunk.bias as Tensor).describe()],
    lrFactor: 2,
  });
  assert.equal(b, { name: 'b', losses: ['l'], combine: 'weighted', backTo: ['a', above('l', 3)], freeze: [], optimizerState: 'reset' });
  course(plan, { l: [0.5, 0.25, 0.5] });
  assert.equal(plan.active, ['l']);
  const state = plan.stateDict();
  assert.equal([state.phase, state.steps, state.done], ['a', 3, false]);
  course(plan, { l: [0.5, 5] });
  assert.equal(plan.current, 'a');
  const inner = (state.until as unknown as { of: object[] }).of;
  const bad: [RegExp, object][] = [
    [/there is no phase 'c' among a, b/, { phase: 'c' }],
    [/'until' of the phase 'a'/, { until: null }],
    [/'until' of the phase 'a'/, { until: { ...state.until, kind: 'anyOf' } }],
    [/'until' of the phase 'a'/, { until: { kind: 'allOf', of: [inner[0]] } }],
    [/'until' of the phase 'a'/, { until: { kind: 'allOf', of: 5 } }],
    [/'until' of the phase 'a'/, { until: { kind: 'allOf', of: [...inner].reverse() } }],
    [/'until' of the phase 'a'/, { until: { kind: 'allOf', of: [null, inner[1]] } }],
    [/'until' of the phase 'a'/, { until: { kind: 'allOf', of: [{ ...inner[0], sum: 'x' }, inner[1]] } }],
    [/'until' of the phase 'a'/, { until: { kind: 'allOf', of: [{ ...inner[0], sum: null }, inner[1]] } }],
    [/'until' of the phase 'a'/, { until: { kind: 'allOf', of: [inner[0], { ...inner[1], best: 'x' }] } }],
    [/'backTo' of the phase 'a'/, { backTo: { kind: 'above', sum: 0, weight: 0, run: 0 } }],
    [/'backTo' of the phase 'b'/, { phase: 'b', until: null }],
    [/'steps' must be/, { steps: -1 }],
    [/'done' must be/, { done: 0 }],
    [/weighted/, { methods: { b: {} } }],
  ];
  const fresh = make();
  for (const [text, change] of bad) throwsCode('STATE', text, () => fresh.loadStateDict({ ...state, ...change } as never));
  assert.equal(fresh.stateDict(), make().stateDict());
  fresh.loadStateDict(state);
  assert.equal(fresh.stateDict(), state);
  throwsCode('VALUE', /argument/, () => (fresh.loadStateDict as (...given: unknown[]) => unknown).call(fresh, state, 1));
});

test('beforeStep sees whole gradients', () => {
  const s = setup();
  let seen = 0;
  const plan = phases().phase('a', { losses: ['digit'] });
  plan.step(s.losses, new optim.SGD(s.params, { lr: 0.1 }), { beforeStep: () => (seen = s.params.filter((p) => p.grad !== null).length) });
  assert.is(seen, 4);
});

test.run();
