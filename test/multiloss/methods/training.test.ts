// Every method in a training loop: finite, remembered by its state, and the same bits when the step is captured.
import { capture, GradloomError, manualSeed, multiloss, nn, optim, randn, steps, tensor, type Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makers } from '../makers.ts';

const M = multiloss;

/** What a captured step cannot hold, and says so: a warm-up that is not over. */
const REFUSED = new Set(['STCH with a warm-up']);
/** What takes more losses than these three. */
const MORE = new Set(['Krum']);

const COUNT = 10;

/** A net with three heads, trained by a method; resumed: half way a new one takes up its state. */
function train(make: () => multiloss.Method & multiloss.Stateful, way: 'eager' | 'captured' | 'resumed'): { finals: number[][]; states: string } {
  manualSeed(3);
  const trunk = new nn.Sequential(new nn.Linear(5, 8), new nn.Tanh(), new nn.Linear(8, 6), new nn.ReLU());
  const heads = [new nn.Linear(6, 3), new nn.Linear(6, 2), new nn.Linear(6, 1)] as const;
  let method = make();
  const learnt = 'parameters' in method ? method.parameters() : [];
  const parameters = [trunk, ...heads].flatMap((m) => m.parameters() as Tensor[]);
  const optimizer = new optim.Adam([...parameters, ...learnt], { lr: 1e-2 });
  const [y, v, u] = [tensor([0, 1, 2, 1, 0, 2], { dtype: 'int32' }), randn([6, 2]), randn([6, 1])];
  const step = (x: Tensor): void => {
    optimizer.zeroGrad();
    const h = trunk.forward(x);
    const [a, b, c] = [
      nn.functional.crossEntropy(heads[0].forward(h), y),
      nn.functional.mseLoss(heads[1].forward(h), v).add(0.1),
      nn.functional.mseLoss(heads[2].forward(h), u).add(0.1),
    ] as const;
    M.backward({ a, b, c }, { combine: method });
    optimizer.step();
  };
  const run = way === 'captured' ? capture(step) : step;
  manualSeed(4);
  for (const i of steps(COUNT)) {
    if (way === 'resumed' && i === COUNT / 2 && learnt.length === 0) {
      const state = JSON.parse(JSON.stringify(method.stateDict()));
      method = make();
      method.loadStateDict(state);
    }
    run(randn([6, 5]));
  }
  return { finals: [...parameters, ...learnt].map((p) => [...p.data()]), states: JSON.stringify(method.stateDict()) };
}

for (const [name, make] of Object.entries(makers)) {
  if (MORE.has(name)) continue;
  test(`${name} trains; its state resumes it; captured it has the same bits`, () => {
    const eager = train(make, 'eager');
    assert.ok(eager.finals.flat().every(Number.isFinite));
    assert.equal(train(make, 'resumed'), eager);
    if (!REFUSED.has(name)) return assert.equal(train(make, 'captured'), eager);
    try {
      train(make, 'captured');
      assert.unreachable('a captured step took it');
    } catch (error) {
      assert.instance(error, GradloomError, String(error));
      assert.is((error as GradloomError).code, 'CAPTURE', String(error));
    }
  });
}

test('UPGrad where losses depend on one another: captured it has the same bits', () => {
  const run = (captured: boolean): number[] => {
    manualSeed(5);
    const layer = new nn.Linear(6, 2);
    const optimizer = new optim.SGD(layer.parameters(), { lr: 0.1 });
    const combine = new M.UPGrad();
    const step = (x: Tensor): void => {
      optimizer.zeroGrad();
      const [a, b] = layer.forward(x).unbind(1) as [Tensor, Tensor];
      M.backward({ a: a.mean(), again: a.mean(), b: b.square().mean(), against: b.square().mean().neg().sub(a.mean()) }, { combine });
      optimizer.step();
    };
    const go = captured ? capture(step) : step;
    for (const _ of steps(12)) go(randn([8, 6]));
    return layer.parameters().flatMap((p) => [...p.data()]);
  };
  assert.equal(run(true), run(false));
});

for (const [name, make] of Object.entries(makers)) {
  if (MORE.has(name) || REFUSED.has(name)) continue;
  test(`${name}: reset and a state loaded count in a captured step`, () => {
    const run = (captured: boolean): number[][] => {
      manualSeed(3);
      const net = [new nn.Linear(5, 4), new nn.Linear(4, 1), new nn.Linear(4, 1), new nn.Linear(4, 1)] as const;
      const method = make();
      const parameters = net.flatMap((m) => m.parameters() as Tensor[]);
      const step = (x: Tensor): void => {
        for (const p of parameters) p.grad = null;
        const h = net[0].forward(x).tanh();
        const [a, b, c] = [1, 2, 3].map((i) => (net[i] as nn.Linear).forward(h).sub(i).square().mean()) as [Tensor, Tensor, Tensor];
        M.backward({ a, b, c }, { combine: method });
      };
      const one = captured ? capture(step) : step;
      const seen: number[][] = [];
      let state: Record<string, unknown> = {};
      for (const i of steps(12)) {
        if (i === 4) state = JSON.parse(JSON.stringify(method.stateDict()));
        if (i === 6) method.reset();
        if (i === 9) method.loadStateDict(state);
        one(randn([3, 5]));
        seen.push(parameters.flatMap((p) => [...(p.grad as Tensor).data()]));
      }
      return seen;
    };
    assert.equal(run(true), run(false));
  });
}

test.run();
