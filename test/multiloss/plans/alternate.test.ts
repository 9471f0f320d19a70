// Players in turn against the loop they stand for.
import { manualSeed, multiloss, nn, optim, randn, type Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';

interface Game {
  critic: nn.Linear;
  maker: nn.Linear;
  d: optim.Adam;
  g: optim.SGD;
}

function game(): Game {
  manualSeed(5);
  const [critic, maker] = [new nn.Linear(3, 1), new nn.Linear(2, 3)];
  return { critic, maker, d: new optim.Adam(critic.parameters(), { lr: 0.1 }), g: new optim.SGD(maker.parameters(), { lr: 0.1 }) };
}

const softplus = (x: Tensor): Tensor => nn.functional.softplus(x).mean();
const values = ({ critic, maker }: Game): number[][] => [...critic.parameters(), ...maker.parameters()].map((p) => [...p.data()]);

test('each player trains its own parameters, as the plain loop with detach does', () => {
  const [s, p] = [game(), game()];
  const seen: boolean[][] = [];
  const play = multiloss.alternate({
    d: {
      losses: (x: Tensor, z: Tensor) => {
        seen.push([s.critic.weight.requiresGrad, s.maker.weight.requiresGrad]);
        return { real: softplus(s.critic.forward(x).neg()), fake: softplus(s.critic.forward(s.maker.forward(z))) };
      },
      optimizer: s.d,
    },
    g: {
      losses: (_x: Tensor, z: Tensor) => {
        seen.push([s.critic.weight.requiresGrad, s.maker.weight.requiresGrad]);
        return { fool: softplus(s.critic.forward(s.maker.forward(z)).neg()) };
      },
      optimizer: s.g,
      every: 2,
    },
  });
  manualSeed(9);
  const turns = Array.from({ length: 6 }, () => [randn([8, 3]), randn([8, 2])] as const);
  for (const [i, [x, z]] of turns.entries()) {
    const step = play.step(x, z);
    assert.is(step.g === null, i % 2 === 1);
    p.d.zeroGrad();
    const fake = p.maker.forward(z);
    const [real, forged] = [softplus(p.critic.forward(x).neg()), softplus(p.critic.forward(fake.detach()))];
    assert.equal(step.d?.losses, { real: real.item(), fake: forged.item() });
    real.add(forged).backward();
    p.d.step();
    if (i % 2 === 0) {
      p.g.zeroGrad();
      softplus(p.critic.forward(p.maker.forward(z)).neg()).backward();
      p.g.step();
    }
  }
  assert.equal(values(s), values(p));
  assert.equal(seen.slice(0, 2), [
    [true, false],
    [false, true],
  ]);
  assert.ok([...s.critic.parameters(), ...s.maker.parameters()].every((t) => t.requiresGrad));
  const again = multiloss.alternate({ d: { losses: () => ({}), optimizer: s.d } });
  again.loadStateDict(JSON.parse(JSON.stringify(play.stateDict())));
  assert.is(again.steps, 6);
});

test('an error restores what asked for gradients, and names player and loss', () => {
  const s = game();
  const before = values(s);
  const play = multiloss.alternate({
    d: { losses: (x: Tensor) => ({ real: softplus(s.critic.forward(x)).mul(Number.NaN) }), optimizer: s.d },
    g: { losses: () => ({}), optimizer: s.g },
  });
  throwsCode('NONFINITE', /player 'd': the loss 'real' is NaN/, () => play.step(randn([2, 3])));
  assert.equal(values(s), before);
  assert.ok(s.maker.weight.requiresGrad);
  const detached = multiloss.alternate({ g: { losses: () => ({ fool: softplus(s.critic.forward(randn([2, 3]))) }), optimizer: s.g }, d: { losses: () => ({}), optimizer: s.d } });
  throwsCode('GRAPH', /'fool' reaches no parameter that is not frozen/, () => detached.step());
});

test('a game that cannot be played is refused', () => {
  const s = game();
  const losses = (): Record<string, Tensor> => ({});
  throwsCode('VALUE', /no players/, () => multiloss.alternate({}));
  throwsCode('VALUE', /player 'd': every/, () => multiloss.alternate({ d: { losses, optimizer: s.d, every: 0 } }));
  throwsCode('VALUE', /player 'd': it shares its optimizer with 'g'/, () => multiloss.alternate({ d: { losses, optimizer: s.d }, g: { losses, optimizer: s.d } }));
  throwsCode('VALUE', /player 'd': it freezes .*which its own optimizer steps/, () => multiloss.alternate({ d: { losses, optimizer: s.d, freeze: [s.critic] } }));
});

test('turns go on from a state, with what methods remember; every player plays in every step by default', () => {
  const make = (): { s: Game; play: multiloss.Alternate<[Tensor], 'd' | 'g'> } => {
    const s = game();
    const hooked: string[] = [];
    const play = multiloss.alternate({
      d: {
        losses: (x: Tensor) => ({ real: softplus(s.critic.forward(x)) }),
        optimizer: s.d,
        every: 3,
        combine: multiloss.weighted({ real: multiloss.anneal.linear(0, 1, { steps: 4 }) }),
      },
      g: { losses: (_x: Tensor) => ({ up: s.maker.weight.square().sum() }), optimizer: s.g, every: 1, backward: { measure: true }, beforeStep: () => hooked.push('g') },
    });
    return { s, play };
  };
  const x = randn([4, 3]);
  const { play } = make();
  const weights = (p: typeof play): (number | undefined)[] => Array.from({ length: 4 }, () => p.step(x).d?.report.weights.real);
  assert.equal(weights(play), [0, undefined, undefined, 0.25]);
  assert.ok(play.step(x).g?.report.norms);
  const state = JSON.parse(JSON.stringify(play.stateDict()));
  assert.equal([state.steps, Object.keys(state.methods)], [5, ['d']]);
  const { play: again } = make();
  again.loadStateDict(again.stateDict());
  again.loadStateDict(state);
  assert.equal(weights(again), [undefined, 0.5, undefined, undefined]);
  for (const bad of [{ steps: -1 }, { methods: 5 }, { methods: { d: {} } }, { methods: {} }]) throwsCode('STATE', /./, () => again.loadStateDict({ ...state, ...bad } as never));
  assert.is(again.steps, 9);
  throwsCode('VALUE', /argument/, () => (again.loadStateDict as (...given: unknown[]) => unknown).call(again, state, 1));
});

test('what no player is', () => {
  const s = game();
  const losses = (): Record<string, Tensor> => ({});
  const make =
    (...given: unknown[]) =>
    () =>
      (multiloss.alternate as (...given: unknown[]) => unknown)(...given);
  throwsCode('VALUE', /players must be/, make(5));
  throwsCode('VALUE', /argument/, make({ d: { losses, optimizer: s.d } }, 1));
  for (const [text, player] of [
    [/losses must be a function/, { optimizer: s.d }],
    [/optimizer must be an optimizer/, { losses }],
    [/combine/, { losses, optimizer: s.d, backward: { combine: new multiloss.Sum() } }],
    [/freeze must be a list/, { losses, optimizer: s.d, freeze: 5 }],
    [/beforeStep must be/, { losses, optimizer: s.d, beforeStep: 5 }],
  ] as const)
    throwsCode('VALUE', text, make({ d: player }));
});

test.run();
