// Memory: nobody writes dispose(), and nothing grows.
import { autograd, DataLoader, keep, manualSeed, memory, nn, ones, optim, rand, scope, steps, type Tensor, TensorDataset, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const live = (): number => memory().live;

test('a scope gives back what it made, but for what it returns', () => {
  const before = live();
  const kept = scope(() => {
    zeros([1000]);
    return { a: ones([10]), list: [ones([5])] };
  });
  assert.is(live() - before, 60);
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

test('a scope is synchronous', () => {
  throwsCode('SCOPE', /async/, () => scope(async () => 1));
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

test.run();
