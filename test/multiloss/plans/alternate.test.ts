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

test.run();
