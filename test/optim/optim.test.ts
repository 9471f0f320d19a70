// Optimizers: groups, state, errors. Numbers against PyTorch run in conformance.test.ts.
import { full, nn, ones, optim, scope, steps, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode, warnings } from '../helpers.ts';

const leaf = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });
const push = (p: Tensor): void => p.square().sum().backward();

test('SGD by hand', () => {
  const p = leaf(1);
  const optimizer = new optim.SGD([p], { lr: 0.1, momentum: 0.9 });
  push(p); // 2
  optimizer.step();
  assert.ok(Math.abs(p.item() - 0.8) < 1e-6);
  optimizer.zeroGrad();
  push(p); // 1.6, buffer 0.9·2 + 1.6
  optimizer.step();
  assert.ok(Math.abs(p.item() - (0.8 - 0.1 * 3.4)) < 1e-6);
});

test('Adam finds a minimum', () => {
  const p = leaf(3, -2);
  const optimizer = new optim.Adam([p], { lr: 0.1 });
  for (let i = 0; i < 300; i++) {
    scope(() => {
      optimizer.zeroGrad();
      push(p);
      optimizer.step();
    });
  }
  assert.ok(p.abs().max().item() < 1e-2);
});

test('groups have options of their own, and they can change between steps', () => {
  const [a, b] = [leaf(1), leaf(1)];
  const optimizer = new optim.SGD([{ params: [a], lr: 0.5 }, { params: [b] }], { lr: 0.1 });
  const step = (): void => {
    optimizer.zeroGrad();
    push(a);
    push(b);
    optimizer.step();
  };
  step();
  assert.equal([a.item(), Math.fround(b.item())], [0, Math.fround(0.8)]);
  (optimizer.paramGroups[1] as { lr: number }).lr = 0;
  step();
  assert.is(Math.fround(b.item()), Math.fround(0.8));
  const c = leaf(1);
  optimizer.addParamGroup({ params: [c] });
  assert.is(optimizer.paramGroups[2]?.lr, 0.1);
});

test('bad lists and options are errors before anything is built', () => {
  throwsCode('VALUE', /Adam: got an empty parameter list/, () => new optim.Adam([]));
  throwsCode('VALUE', /empty parameter list in a group/, () => new optim.SGD([{ params: [] }]));
  throwsCode('GRAPH', /non-leaf/, () => new optim.SGD([leaf(1).mul(2)]));
  const p = leaf(1);
  throwsCode('VALUE', /more than one group/, () => new optim.SGD([{ params: [p] }, { params: [p] }]));
  assert.match(warnings(() => assert.is(new optim.SGD([p, p]).paramGroups[0]?.params.length, 1)).join(), /twice/);
  throwsCode('VALUE', /lr must lie in \[0, ∞\), got -1/, () => new optim.SGD([p], { lr: -1 }));
  throwsCode('VALUE', /beta2 must lie in \[0, 1\), got 1/, () => new optim.AdamW([p], { betas: [0.9, 1] }));
  throwsCode('VALUE', /Nesterov/, () => new optim.SGD([p], { nesterov: true }));
  throwsCode('VALUE', /lr/, () => new optim.Adam([p], { lr: Number.NaN }));
});

test('a state dict resumes training to the bit', () => {
  const build = (): { p: Tensor; optimizer: optim.AdamW } => {
    const p = leaf(1, 2, 3);
    return { p, optimizer: new optim.AdamW([p], { lr: 0.1, amsgrad: true }) };
  };
  const step = ({ p, optimizer }: ReturnType<typeof build>): void => {
    optimizer.zeroGrad();
    push(p);
    optimizer.step();
  };
  const [a, b] = [build(), build()];
  for (let i = 0; i < 5; i++) step(a);
  b.p.detach().copy_(a.p.detach());
  b.optimizer.loadStateDict(a.optimizer.stateDict());
  for (let i = 0; i < 5; i++) {
    step(a);
    step(b);
  }
  assert.equal(b.p.toArray(), a.p.toArray());
  assert.equal(Object.keys(a.optimizer.stateDict().state[0] ?? {}).sort(), ['expAvg', 'expAvgSq', 'maxExpAvgSq', 'step']);
  throwsCode('STATE', /groups of \[2\].*\[1\]/s, () => new optim.AdamW([leaf(1)]).loadStateDict(new optim.AdamW([leaf(1), leaf(2)]).stateDict()));
  throwsCode('STATE', /expAvg.*\[3\].*\[1\]/s, () => new optim.AdamW([leaf(1)]).loadStateDict(a.optimizer.stateDict()));
});

test('a closure runs first, with gradients on, and its value is returned', () => {
  const p = leaf(2);
  const optimizer = new optim.SGD([p], { lr: 0.25 });
  const loss = optimizer.step(() => {
    optimizer.zeroGrad();
    const l = p.square().sum();
    l.backward();
    return l;
  });
  assert.is(loss.item(), 4);
  assert.is(p.item(), 1);
});

test('odd sizes and gradients that are not row-major', () => {
  for (const n of [1, 3, 5, 17]) {
    const p = ones([2, n], { requiresGrad: true });
    p.grad = ones([n, 2]).t();
    new optim.Adam([p], { lr: 0.5 }).step();
    for (const v of p.detach().data()) assert.ok(Math.abs(v - 0.5) < 1e-5);
  }
});

test('maximize climbs; coupled decay shrinks what has a zero gradient', () => {
  const p = new nn.Parameter(ones([1]));
  p.grad = ones([1]);
  new optim.SGD([p], { lr: 0.5, maximize: true }).step();
  assert.is(p.item(), 1.5);
  p.grad = tensor([0]);
  new optim.SGD([p], { lr: 0.5, weightDecay: 1 }).step();
  assert.is(p.item(), 0.75);
});

test('what a gradient of 0 leaves of moments ends at 0, not among numbers that processors are slow with', () => {
  const made: Record<string, (p: nn.Parameter) => { step(): unknown; stateDict(): { state: Record<number, unknown> } }> = {
    SGD: (p) => new optim.SGD([p], { lr: 0.1, momentum: 0.9 }),
    Adam: (p) => new optim.Adam([p], { betas: [0.9, 0.9] }),
    AdamW: (p) => new optim.AdamW([p], { betas: [0.9, 0.9] }),
    NAdam: (p) => new optim.NAdam([p], { betas: [0.9, 0.9] }),
    RAdam: (p) => new optim.RAdam([p], { betas: [0.9, 0.9] }),
    RMSprop: (p) => new optim.RMSprop([p], { alpha: 0.9, momentum: 0.9, centered: true }),
    Adadelta: (p) => new optim.Adadelta([p]),
  };
  for (const [name, make] of Object.entries(made)) {
    const p = new nn.Parameter(ones([7]));
    const optimizer = make(p);
    for (const turn of steps(1500)) {
      p.grad = full([7], turn === 0 ? -0.01 : 0);
      optimizer.step();
    }
    const moments = Object.entries(optimizer.stateDict().state[0] as Record<string, Tensor>).filter(([, t]) => t.size === 7);
    assert.ok(moments.length > 0, name);
    for (const [moment, t] of moments) for (const x of t.toArray() as number[]) assert.ok(x === 0 || Math.abs(x) >= 2 ** -126, `${name} ${moment}: ${x}`);
  }
});

test.run();
