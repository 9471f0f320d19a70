// A Cloudflare worker that trains a model of 16 MB (parameters, gradients, Adam's moments) in every request; requests interleave at tick().
import { memory, nn, optim, rand, scope, steps, tick } from 'gradloom';
import './app.mjs';

class Net extends nn.Module {
  only = new nn.Linear(1024, 1023);
  forward(x) {
    return this.only.forward(x);
  }
}

function train(model, optimizer) {
  let last = 0;
  for (const _ of steps(1)) {
    optimizer.zeroGrad();
    const loss = model
      .forward(rand([2, 1024]))
      .square()
      .mean();
    loss.backward();
    optimizer.step();
    last = loss.item();
  }
  return last;
}

let held = 0;
async function request(way) {
  if (way === 'scope') {
    scope(() => {
      const model = new Net();
      train(model, new optim.Adam(model.parameters()));
      held = Math.max(held, memory().live);
    });
    await tick();
    return;
  }
  using model = new Net();
  const optimizer = new optim.Adam(model.parameters());
  train(model, optimizer);
  held = Math.max(held, memory().live);
  await tick(); // another request's turn
  train(model, optimizer);
}

export default {
  async fetch({ url }) {
    try {
      const way = new URL(url).searchParams.get('way');
      if (way === 'smoke') return Response.json(await globalThis.gradloomSmoke());
      await request(way);
      return Response.json({ ...memory(), held, registry: typeof FinalizationRegistry });
    } catch (error) {
      return Response.json({ error: String(error.stack) });
    }
  },
};
