// An actor-critic (A2C, Mnih et al. 2016, arXiv 1602.01783) that balances a pole on a cart (Barto et al. 1983). Three losses on one trunk: policy, value, entropy.
// Many carts run side by side, as tensors. npx tsx examples/recipes/actor-critic.ts
import { capture, cat, manualSeed, multiloss, nn, noGrad, ones, optim, rand, stack, steps, type Tensor, where } from 'gradloom';
import { measured } from './drawings.ts';
import { compare, stepsOf } from './runs.ts';

const [STEPS, CARTS, HORIZON, DISCOUNT, LIMIT] = [stepsOf(300), 16, 16, 0.98, 200];

/** Carts at the start: place, speed, angle, turn, near 0. */
const fresh = (n: number): Tensor => rand([n, 4]).sub(0.5).mul(0.1);
/** A step of 0.02 s under a push of 10 N to the left (0) or right (1), [n, 1]; and who fell or left the track. */
function move(state: Tensor, right: Tensor): { state: Tensor; fell: Tensor } {
  const [x, v, angle, turn] = state.split(1, 1) as [Tensor, Tensor, Tensor, Tensor];
  const [sin, cos] = [angle.sin(), angle.cos()];
  const push = right.mul(20).sub(10).add(turn.square().mul(sin).mul(0.05)).div(1.1);
  const bend = sin
    .mul(9.8)
    .sub(cos.mul(push))
    .div(
      cos
        .square()
        .mul(-0.1 / 1.1)
        .add(4 / 3)
        .mul(0.5),
    );
  const speed = push.sub(bend.mul(cos).mul(0.05 / 1.1));
  const next = [x.add(v.mul(0.02)), v.add(speed.mul(0.02)), angle.add(turn.mul(0.02)), turn.add(bend.mul(0.02))] as const;
  return { state: cat([...next], 1), fell: next[0].abs().gt(2.4).logicalOr(next[2].abs().gt(0.2095)).float() };
}

class ActorCritic extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(4, 64), new nn.Tanh());
  policy = new nn.Linear(64, 1);
  value = new nn.Linear(64, 1);

  /** A logit of pushing to the right, and the worth of a state. */
  forward(state: Tensor): { logit: Tensor; value: Tensor } {
    const h = this.trunk.forward(state);
    return { logit: this.policy.forward(h), value: this.value.forward(h) };
  }
}

function train(combine: multiloss.Method, seed: number): { lasted: number } {
  manualSeed(seed);
  const model = new ActorCritic();
  const optimizer = new optim.Adam(model.parameters(), { lr: 5e-3 });
  const carts = fresh(CARTS);
  const step = capture(() => {
    const seen: Tensor[] = [];
    const pushed: Tensor[] = [];
    const fallen: Tensor[] = [];
    noGrad(() => {
      for (let t = 0; t < HORIZON; t++) {
        const state = carts.clone();
        const right = rand([CARTS, 1]).lt(model.forward(state).logit.sigmoid()).float();
        const moved = move(state, right);
        seen.push(state);
        pushed.push(right);
        fallen.push(moved.fell);
        carts.copy_(where(moved.fell.bool(), fresh(CARTS), moved.state));
      }
    });
    const { logit, value } = model.forward(stack(seen)); // [HORIZON, CARTS, 1]
    const returns = noGrad(() => {
      const found: Tensor[] = [];
      let ahead = model.forward(carts).value;
      for (let t = HORIZON - 1; t >= 0; t--) {
        ahead = ahead
          .mul((fallen[t] as Tensor).neg().add(1))
          .mul(DISCOUNT)
          .add(1);
        found.unshift(ahead);
      }
      return stack(found);
    });
    optimizer.zeroGrad();
    // #region losses
    const better = returns.sub(value).detach();
    const surprise = nn.functional.binaryCrossEntropyWithLogits(logit, stack(pushed), { reduction: 'none' }); // −ln of what was done
    const entropy = nn.functional.binaryCrossEntropyWithLogits(logit, logit.sigmoid());
    multiloss.backward({ policy: surprise.mul(better).mean(), value: value.sub(returns).square().mean(), entropy: entropy.neg() }, { combine });
    // #endregion
    optimizer.step();
  });
  for (const _ of steps(STEPS)) step();
  return measured(() => {
    let state = fresh(200);
    let [up, lasted] = [ones([200, 1]), 0];
    for (let t = 0; t < LIMIT; t++) {
      const moved = move(state, rand([200, 1]).lt(model.forward(state).logit.sigmoid()).float());
      up = up.mul(moved.fell.neg().add(1));
      lasted += up.mean().item();
      state = moved.state;
    }
    return { lasted };
  });
}

const weighted = (value: number, entropy: number) => () => multiloss.weighted({ policy: 1, value, entropy });
const ways: Record<string, () => multiloss.Method> = {
  'equal weights': () => new multiloss.Sum(),
  'value × 0.5, entropy × 0.01': weighted(0.5, 0.01),
  'value × 0.01, entropy × 0.01': weighted(0.01, 0.01),
  'normalized gradients': () => multiloss.normalize(new multiloss.Mean()),
  UPGrad: () => new multiloss.UPGrad(),
};
await compare(ways, (way, seed) => train(way(), seed), { lasted: [`steps upright, of ${LIMIT}`, 1] });
console.log(`
The squared error of the value is far louder than the rest: equal weights last shorter than the usual half, and a hundredth is best here.
Methods know nothing of what the losses are for: normalizing makes entropy as loud as the policy, and UPGrad will not lower it. Both stay near chance.`);
