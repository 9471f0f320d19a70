// The strategies against the plain code they stand for. PyTorch's traces run in conformance.test.ts.
import { capture, multiloss, nn, ones, optim, randn, scope, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode, warnings } from '../../helpers.ts';
import { type Setup, setup } from './setup.ts';

const grads = ({ trunk, a, b }: Setup): (number[] | null)[] => [trunk, a, b].flatMap((m) => m.parameters()).map((p) => (p.grad ? [...p.grad.data()] : null));

/** The strategy's gradients and those of plain code from the same start. */
function same(strategy: multiloss.Strategy<'digit' | 'image'>, plain: (losses: { digit: Tensor; image: Tensor }) => void): multiloss.Report {
  const [s, p] = [setup(), setup()];
  const report = strategy.backward(s.losses());
  plain(p.losses());
  assert.equal(grads(s), grads(p));
  return report;
}

test('Weighted is λ1·loss1 + λ2·loss2', () => {
  const report = same(new multiloss.Weighted({ digit: 0.7, image: 0.3 }), ({ digit, image }) => digit.mul(0.7).add(image.mul(0.3)).backward());
  assert.equal(report, { branch: 'weighted', weights: { digit: 0.7, image: 0.3 } });
});

test('Sum is loss1 + loss2', () => {
  assert.is(same(new multiloss.Sum(), ({ digit, image }) => digit.add(image).backward()).branch, 'sum');
});

test('Independent is a retained backward and one that frees', () => {
  const report = same(new multiloss.Independent(), ({ digit, image }) => {
    digit.backward({ retainGraph: true });
    image.backward();
  });
  assert.is(report.branch, 'independent');
  const s = setup();
  const losses = s.losses();
  new multiloss.Independent().backward(losses);
  throwsCode('GRAPH', /second time/, () => losses.digit.backward());
});

test('Phased trains one loss, by the first one’s value; the other head keeps null', () => {
  const high = same(new multiloss.Phased({ first: 'digit', second: 'image', threshold: 0.01 }), ({ digit }) => digit.backward());
  assert.equal(high, { branch: 'digit', weights: { digit: 1, image: 0 } });
  const low = same(new multiloss.Phased({ first: 'digit', second: 'image', threshold: 100 }), ({ image }) => image.backward());
  assert.is(low.branch, 'image');
  const s = setup();
  new multiloss.Phased({ first: 'digit', second: 'image', threshold: 100 }).backward(s.losses());
  assert.is(s.a.weight.grad, null);
  assert.ok(s.trunk.weight.grad);
});

test('Hybrid takes turns and resumes from its state', () => {
  const make = (): multiloss.Hybrid<'digit' | 'image'> =>
    new multiloss.Hybrid<'digit' | 'image'>([new multiloss.Weighted({ digit: 0.5, image: 0.5 }), new multiloss.Independent()], { every: 2 });
  const hybrid = make();
  const s = setup();
  const branches = Array.from({ length: 5 }, () => hybrid.backward(s.losses()).branch);
  assert.equal(branches, ['weighted', 'weighted', 'independent', 'independent', 'weighted']);
  const resumed = make();
  resumed.loadStateDict(JSON.parse(JSON.stringify(hybrid.stateDict())));
  assert.equal([resumed.backward(s.losses()).branch, resumed.backward(s.losses()).branch], ['weighted', 'independent']);
});

test('a loss that is not finite is named in the warning', () => {
  const s = setup();
  const { digit, image } = s.losses();
  const said = warnings(() => new multiloss.Sum().backward({ digit, broken: image.mul(Number.POSITIVE_INFINITY) }));
  assert.match(said.join(), /the loss 'broken' is Infinity/);
});

test('weights may change while training', () => {
  const strategy = new multiloss.Weighted({ digit: 1, image: 1 });
  strategy.weights.image = 0;
  const s = setup();
  assert.is(strategy.backward(s.losses()).weights.image, 0);
});

test('both losses on the same output', () => {
  const layer = new nn.Linear(2, 3);
  const optimizer = new optim.Adam(layer.parameters(), { lr: 0.05 });
  const x = randn([6, 2]);
  const y = tensor([0, 1, 2, 0, 1, 2], { dtype: 'int32' });
  const target = nn.functional.oneHot(y, 3);
  const strategy = new multiloss.Independent();
  const step = (): number =>
    scope(() => {
      optimizer.zeroGrad();
      const out = layer.forward(x);
      const losses = { classes: nn.functional.crossEntropy(out, y), values: nn.functional.mseLoss(out, target) };
      strategy.backward(losses);
      optimizer.step();
      return losses.classes.item() + losses.values.item();
    });
  const first = step();
  for (let i = 0; i < 100; i++) step();
  assert.ok(step() < first);
});

test('bad losses are errors that name the loss, and no gradient has changed', () => {
  const s = setup();
  const { digit, image } = s.losses();
  throwsCode('GRAPH', /loss 'image' does not require a gradient/, () => new multiloss.Sum().backward({ digit, image: image.detach() }));
  throwsCode('SHAPE', /loss 'image' has shape \[2\]/, () => new multiloss.Sum().backward({ digit, image: ones([2], { requiresGrad: true }) }));
  throwsCode('VALUE', /no losses/, () => new multiloss.Sum().backward({}));
  throwsCode('VALUE', /no weight for the loss 'image'.*digit/s, () => new multiloss.Weighted({ digit: 1 } as Record<string, number>).backward({ digit, image }));
  throwsCode('VALUE', /no loss 'other'/, () => new multiloss.Phased<string>({ first: 'other', second: 'digit', threshold: 1 }).backward({ digit, image }));
  throwsCode('VALUE', /weight of 'digit'/, () => new multiloss.Weighted({ digit: Number.NaN }));
  throwsCode('VALUE', /every/, () => new multiloss.Hybrid([new multiloss.Sum()], { every: 0 }));
  assert.ok(grads(s).every((g) => g === null));
});

test('Phased and Hybrid: at the threshold, states, resets and refusals', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const losses = (): { a: Tensor; b: Tensor } => ({ a: x.sum(), b: x.square().sum() });
  assert.is(new multiloss.Phased({ first: 'a', second: 'b', threshold: 3 }).backward(losses()).branch, 'a');
  const hybrid = (): multiloss.Hybrid<'a' | 'b'> =>
    new multiloss.Hybrid<'a' | 'b'>([multiloss.weighted({ a: multiloss.anneal.linear(0, 1, { steps: 4 }), b: 1 }), new multiloss.Sum()], { every: 1 });
  const method = hybrid();
  const seen = (m: typeof method): [number, number] => [m.phase, m.backward(losses()).weights.a];
  assert.equal([seen(method), seen(method), seen(method)], [[0, 0], [1, 1], [0, 0.25]]); // biome-ignore format: one line
  const state = JSON.parse(JSON.stringify(method.stateDict()));
  assert.equal([state.step, state.phases.length], [3, 2]);
  const resumed = hybrid();
  resumed.loadStateDict(state);
  assert.equal([seen(resumed), seen(resumed)], [[1, 1], [0, 0.5]]); // biome-ignore format: one line
  throwsCode('STATE', /'phases' must be the states of 2 strategies/, () => resumed.loadStateDict({ ...state, phases: [state.phases[0]] }));
  throwsCode('STATE', /'step' must be/, () => resumed.loadStateDict({ ...state, step: -1 }));
  resumed.reset();
  assert.equal([seen(resumed), seen(resumed), seen(resumed)], [[0, 0], [1, 1], [0, 0.25]]); // biome-ignore format: one line
  const captured = capture(() => resumed.backward({ a: x.sum(), b: x.square().sum() }).branch);
  throwsCode('CAPTURE', /strategies change/, () => [captured(), captured(), captured()]);
  const make =
    (of: unknown, ...given: unknown[]) =>
    () =>
      new (of as new (...given: unknown[]) => object)(...given);
  for (const lacking of [{ second: 'b', threshold: 1 }, { first: 'a', threshold: 1 }, { first: 'a', second: 'b' }, undefined])
    throwsCode('VALUE', /Phased.*must be/s, make(multiloss.Phased, lacking));
  throwsCode('VALUE', /strategies must be a list/, make(multiloss.Hybrid, [{}], { every: 1 }));
  throwsCode('VALUE', /strategies must be a list/, make(multiloss.Hybrid, [null], { every: 1 }));
  throwsCode('VALUE', /got no strategies/, make(multiloss.Hybrid, [], { every: 1 }));
  throwsCode('VALUE', /every must be/, make(multiloss.Hybrid, [new multiloss.Sum()], {}));
  throwsCode('VALUE', /argument/, make(multiloss.Hybrid, [new multiloss.Sum()], { every: 1 }, 1));
});

test.run();
