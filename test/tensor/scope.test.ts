// Memory: nobody writes dispose(), and nothing grows.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  autograd,
  capture,
  DataLoader,
  enableGrad,
  Generator,
  inference,
  isGradEnabled,
  isInferenceMode,
  keep,
  manualSeed,
  memory,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  scope,
  steps,
  type Tensor,
  TensorDataset,
  tensor,
  zeros,
} from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const live = (): number => memory().live;

test('a scope gives back what it made, but for what it returns', () => {
  const before = live();
  const kept = scope(() => {
    zeros([1000]);
    return { a: ones([10]), list: [ones([3])], set: new Set([ones([1])]), map: new Map([['m', ones([1])]]) };
  });
  assert.is(live() - before, 60);
  assert.is(
    [...kept.set, ...kept.map.values()].reduce((sum, t) => sum + t.item(), 0),
    2,
  );
  assert.is(kept.a.sum().item(), 10);
});

test('a returned loss keeps the graph behind it', () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const loss = scope(() => w.exp().mul(2).sum());
  loss.backward();
  assert.equal(w.grad?.toArray(), w.exp().mul(2).toArray());
});

test('a tensor used after its scope says which, and what to do', () => {
  let lost: Tensor | undefined;
  scope(() => {
    lost = ones([2, 2]);
  });
  const error = throwsCode('SCOPE', /float32 \[2, 2\].*scope.*item\(\).*keep/s, () => lost?.add(1));
  assert.is(error.op, 'add');
  throwsCode('SCOPE', /./, () => lost?.toArray());
  for (const i of steps(3)) if (i === 1) lost = ones([1]);
  throwsCode('SCOPE', /turn 1 of the steps\(3\) loop/, () => lost?.item());
  const loader = new DataLoader(new TensorDataset(ones([4, 1])), { batchSize: 2 });
  for (const [x] of loader) lost = x;
  throwsCode('SCOPE', /turn 1 of the DataLoader loop/, () => lost?.item());
});

test('keep pins; nested scopes hand outwards one by one', () => {
  const [kept, inner] = scope(() => {
    const k = keep(ones([1]));
    const i = scope(() => ones([1]));
    return [k, i] as const;
  });
  assert.is(kept.item() + inner.item(), 2);
});

test('break and throw end the turn too', () => {
  const before = live();
  for (const _ of steps(5)) {
    zeros([100]);
    break;
  }
  try {
    for (const _ of steps(5)) {
      zeros([100]);
      throw new Error('out');
    }
  } catch {}
  assert.is(live(), before);
});

test('scopes and modes are synchronous: async functions and generators are refused before they run', () => {
  const modes: Record<string, (fn: () => unknown) => unknown> = { scope, noGrad, inference, enableGrad };
  for (const [name, mode] of Object.entries(modes)) {
    let ran = 0;
    const refused = new RegExp(`^${name}: the function is (async|a generator), but .* ends when it returns\\. Await outside of it`);
    throwsCode('SCOPE', refused, () => mode(async () => ran++));
    throwsCode('SCOPE', refused, () =>
      mode(function* () {
        yield ran++;
      }),
    );
    assert.is(ran, 0, name);
    throwsCode('SCOPE', refused, () => mode(() => Promise.reject(new Error('told by the refusal'))));
    throwsCode('VALUE', new RegExp(`^${name}: fn must be a function, got undefined`), () => mode(undefined as never));
    assert.ok(isGradEnabled() && !isInferenceMode());
    assert.is(
      mode(() => 3),
      3,
    );
  }
});

test('arguments of scopes are checked', () => {
  throwsCode('DTYPE', /keep: input must be a tensor, got 3/, () => keep(3 as never));
  throwsCode('VALUE', /scope: what must be text/, () => scope(() => 1, 3 as never));
  throwsCode('VALUE', /memory: there is no option 'reset_peak'. Did you mean 'resetPeak'/, () => memory({ reset_peak: true } as object));
  throwsCode('VALUE', /memory: resetPeak must be true or false, got 1/, () => memory({ resetPeak: 1 } as object));
  throwsCode('VALUE', /memory: options are an object/, () => memory(true as never));
  throwsCode('VALUE', /setState/, () => new Generator(1).setState([1, 2, 3, -4]));
  throwsCode('VALUE', /setState/, () => new Generator(1).setState(null as never));
  throwsCode('VALUE', /the seed must be a whole number/, () => new Generator('7' as never));
});

test('dispose gives memory back at once, with views and gradient, and says so afterwards', () => {
  const before = live();
  const x = keep(ones([1000], { requiresGrad: true }));
  scope(() => x.square().sum().backward());
  const v = x.view([10, 100]);
  x.dispose();
  assert.is(live(), before);
  throwsCode('SCOPE', /float32 \[1000\] ended with dispose\(\)/, () => x.add(1));
  throwsCode('SCOPE', /dispose\(\)/, () => v.sum());
  assert.is(x.grad, null);
  x.dispose();
  assert.is(live(), before);
});

test('backward through what was disposed is an error, and changes nothing', () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const h = w.mul(3);
  const loss = h.square().sum();
  h.dispose();
  throwsCode('SCOPE', /dispose\(\)/, () => loss.backward());
  assert.is(w.grad, null);
});

test('using ends tensors, modules and optimizers with their block', () => {
  const x = ones([4, 64]);
  const one = (): number => {
    using model = new nn.Sequential(new nn.Linear(64, 64), new nn.BatchNorm1d(64));
    using optimizer = new optim.Adam(model.parameters());
    let last = 0;
    for (const _ of steps(2)) {
      optimizer.zeroGrad();
      const loss = model.forward(x).square().mean();
      loss.backward();
      optimizer.step();
      last = loss.item();
    }
    using twice = keep(x.mul(2));
    return last + twice.size;
  };
  one();
  const before = live();
  for (let i = 0; i < 10; i++) one();
  assert.ok(live() - before < 5000, `${live() - before} bytes: tables of 40 bytes a parameter wait for the collector, 60 kB went back`);
});

test('an optimizer steps no more once disposed; its parameters stay', () => {
  const p = new nn.Parameter(ones([2]));
  const optimizer = new optim.Adam([p]);
  p.sum().backward();
  optimizer.step();
  optimizer.dispose();
  throwsCode('SCOPE', /step: the optimizer's state was given back by dispose\(\)\. Make a new one/, () => optimizer.step());
  assert.is(p.size, 2);
  assert.ok(Number.isFinite(p.sum().item()));
});

test('inside a captured step, dispose takes what the step made and refuses the rest', () => {
  const w = new nn.Parameter(ones([3]));
  const outside = ones([3]);
  const run = (wrong: boolean): number => {
    const step = capture((x: Tensor) => {
      const h = x.mul(w);
      const y = h.sum();
      h.dispose();
      if (wrong) outside.dispose();
      return y;
    });
    for (let i = 0; i < 2; i++) step(ones([3])).item();
    const value = step(ones([3]).mul(2)).item();
    step.release();
    return value;
  };
  assert.is(run(false), 6);
  const late = capture((x: Tensor) => {
    if (outside.storage.address !== 0 && calls++ > 0) outside.dispose();
    return x.sum();
  });
  let calls = 0;
  late(ones([3]));
  throwsCode('CAPTURE', /dispose: a tensor from outside is given back inside a captured step/, () => late(ones([3])));
  assert.is(outside.sum().item(), 3);
});

test('the gradient that a captured step wrote is the step’s: disposing of its leaf leaves the step alone', () => {
  const w = new nn.Parameter(ones([3]));
  const other = new nn.Parameter(ones([3]));
  const step = capture((x: Tensor) => {
    w.grad = null;
    other.grad = null;
    const loss = x.mul(w).mul(other).sum();
    loss.backward();
    return loss;
  });
  for (let i = 0; i < 3; i++) step(ones([3]));
  (w.grad as Tensor).dispose();
  assert.is(step(ones([3]).mul(4)).item(), 12);
  assert.equal(other.grad?.toArray(), [4, 4, 4]);
});

test('a plain loop is told of scopes once, at 256 MB that nobody said shall last', async () => {
  const { stderr } = spawnSync(
    process.execPath,
    [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      `import { keep, ones, randn, steps, TensorDataset, zeros } from 'gradloom';
      const say = (w) => console.error(w);
      const mb = 2 ** 18;
      new TensorDataset(...Array.from({ length: 7 }, () => zeros([40 * mb]))); // a data set lasts
      const kept = Array.from({ length: 9 }, () => keep(zeros([30 * mb])));
      for (const _ of steps(3)) for (let i = 0; i < 10; i++) zeros([30 * mb]);
      const large = [zeros([200 * mb]), zeros([200 * mb])];
      for (const t of large) t.dispose();
      say('quiet so far');
      for (let i = 0; i < 300; i++) zeros([mb]);
      for (let i = 0; i < 300; i++) zeros([mb]);`,
    ],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8' },
  );
  assert.match(stderr, /^quiet so far\ngradloom: tensors made outside of any scope hold 256 MB: a plain loop.*steps\(n\).*scope\(.*keep\(tensor\)[^\n]*\n$/);
});

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const collected = async (): Promise<void> => {
  for (let i = 0; i < 4; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

test('an abandoned iterator’s scope dissolves: a batch in hand lives on, the rest goes to the collector', async () => {
  const loader = new DataLoader(new TensorDataset(ones([64, 8])), { batchSize: 8 });
  const hand: Tensor[] = [];
  const takes: Record<string, () => void> = {
    'a loader': () => void hand.push((loader[Symbol.iterator]().next().value as readonly [Tensor])[0]),
    steps: () => void steps(3).next(),
  };
  for (const [name, take] of Object.entries(takes)) {
    await collected();
    const before = live();
    take();
    for (let i = 0; i < 20; i++) ones([10_000]);
    await collected();
    await collected();
    assert.ok(live() - before < 5000, `${name}: ${live() - before} bytes`);
  }
  assert.is(hand[0]?.sum().item(), 64);
});

test('scopes left open by an abandoned iterator end with the scope around them', () => {
  const before = live();
  scope(() => {
    steps(3)[Symbol.iterator]().next();
    zeros([100]);
  });
  assert.is(live(), before);
});

test('two loaders side by side do not end one another', () => {
  const a = new DataLoader(new TensorDataset(ones([6, 1])), { batchSize: 2 });
  const b = new DataLoader(new TensorDataset(ones([6, 1]).mul(2)), { batchSize: 2 })[Symbol.iterator]();
  for (const [x] of a) {
    const [y] = b.next().value as readonly [Tensor];
    assert.is(x.add(y).sum().item(), 6);
  }
  b.return?.();
});

/** Trains and reports live bytes after warm-up and at the end. */
function train(count: number, step: (model: nn.Sequential, optimizer: optim.Adam, x: Tensor, y: Tensor) => void): [warm: number, end: number, reserved: number] {
  manualSeed(1);
  const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2));
  const optimizer = new optim.Adam(model.parameters());
  const loader = new DataLoader(new TensorDataset(rand([64, 2]), rand([64, 2])), { batchSize: 16, shuffle: true });
  let done = 0;
  let warm = 0;
  let reserved = 0;
  while (done < count) {
    for (const [x, y] of loader) {
      step(model, optimizer, x, y);
      done++;
    }
    if (done === 200) {
      warm = live();
      reserved = memory().reserved;
    }
  }
  return [warm, live(), memory().reserved - reserved];
}

test('10 000 steps with two independent backwards: memory is flat to the byte', () => {
  const [warm, end, grown] = train(10_000, (model, optimizer, x, y) => {
    optimizer.zeroGrad();
    const out = model.forward(x);
    const [loss1, loss2] = [nn.functional.mseLoss(out, y), out.abs().mean()];
    loss1.backward({ retainGraph: true });
    loss2.backward();
    optimizer.step();
    loss1.item();
  });
  assert.is(end, warm);
  assert.is(grown, 0);
});

test('hooks, retained gradients, createGraph and in-place writes do not leak either', () => {
  const [warm, end] = train(600, (model, optimizer, x, y) => {
    optimizer.zeroGrad();
    const h = model.forward(x).retainGrad();
    h.registerHook((g) => g.mul(0.5));
    const loss = nn.functional.mseLoss(h, y);
    const [g] = autograd.grad(loss, model.parameters()[0] as Tensor, { createGraph: true });
    loss.add((g as Tensor).square().sum()).backward({ retainGraph: true });
    nn.clipGradNorm_(model.parameters(), 1);
    optimizer.step();
    y.add_(1);
  });
  assert.is(end, warm);
});

test('gradients end with their turn once let go of, not before', () => {
  const p = new nn.Parameter(ones([2]));
  let held: Tensor | null = null;
  for (const _ of steps(1)) {
    p.mul(2).sum().backward();
    held = p.grad;
    p.grad = null;
    assert.equal(held?.toArray(), [2, 2]);
  }
  throwsCode('SCOPE', /steps\(1\)/, () => held?.toArray());
});

test('a leaf that is a window on older memory takes its gradient with its scope, unless it is returned or kept', () => {
  const points = keep(rand([64, 2]));
  const windows: Record<string, () => Tensor> = { detach: () => points.detach(), narrow: () => points.narrow(0, 1, 9), view: () => noGrad(() => points.view(32, 4)) };
  for (const [name, make] of Object.entries(windows)) {
    const leaf = (): Tensor => {
      const x = make().requiresGrad_();
      x.square().sum().backward({ retainGraph: true });
      return x;
    };
    const before = memory().live;
    for (const _ of steps(5)) leaf();
    scope(() => void leaf());
    assert.is(memory().live, before, name);
    const returned = scope(leaf);
    assert.equal(returned.grad?.tolist(), returned.mul(2).tolist(), name);
    let kept: Tensor | undefined;
    scope(() => {
      kept = keep(make().requiresGrad_());
      kept.square().sum().backward();
    });
    assert.equal(kept?.grad?.tolist(), kept?.mul(2).tolist(), name);
  }
});

test('backward frees its intermediates: the peak of a deep chain stays near its activations', () => {
  const n = 10_000;
  const depth = 50;
  scope(() => {
    const x = ones([n], { requiresGrad: true });
    let y: Tensor = x;
    for (let i = 0; i < depth; i++) y = y.tanh();
    const loss = y.sum();
    const activations = live();
    memory({ resetPeak: true });
    loss.backward();
    assert.ok(memory().peak - activations < 6 * n * 4, `${memory().peak - activations} bytes above the activations`);
  });
});

test('out of memory is an error, and work goes on', () => {
  throwsCode('MEMORY', /MB.*DataLoader/s, () => zeros([2 ** 31]));
  assert.is(ones([3]).sum().item(), 3);
});

test('steps tell how many there are, for a bar', () => {
  assert.is(steps(7).length, 7);
});

test.run();
