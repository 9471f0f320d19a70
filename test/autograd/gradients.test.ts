// `.grad` as a value: whose memory it is, how long it lives, and what it can be set to.
import { autograd, keep, memory, multiloss as M, nn, noGrad, ones, optim, randn, scope, steps, type Tensor, tensor, zeros, zerosLike } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const leaf = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });
const list = (t: Tensor | null | undefined): unknown => t?.toArray() ?? null;

// Letting go
test('letting go of a gradient frees no memory that others own', () => {
  const [p, q] = [leaf(1, 2), tensor([3, 4])];
  const rows = tensor([
    [1, 2],
    [5, 6],
  ]);
  const flat = zeros([4]);
  const s = leaf(0, 0);
  for (const _ of steps(1)) {
    p.grad = q.detach();
    p.grad = null;
    p.grad = rows.select(0, 1);
    p.grad = null;
    p.grad = flat.narrow(0, 2, 2);
    p.mul(2).sum().backward();
    p.grad = null;
    p.mul(3).sum().backward();
    s.grad = p.grad;
    p.grad = null;
  }
  zeros([2]).fill_(-1);
  assert.equal(list(q), [3, 4]);
  assert.equal(list(rows), [
    [1, 2],
    [5, 6],
  ]);
  assert.equal(list(flat), [0, 0, 2, 2]);
  assert.equal(list(s.grad), [3, 3], 'one gradient of two leaves');
});

test('what keep() or scope() was told of lives on when the leaf lets go', () => {
  const p = leaf(1, 2);
  const optimizer = new optim.SGD([p], { lr: 1 });
  let kept: Tensor | undefined;
  for (const _ of steps(1)) {
    p.mul(2).sum().backward();
    kept = keep(p.grad as Tensor);
    optimizer.zeroGrad();
  }
  const returned = scope(() => {
    p.mul(5).sum().backward();
    return p.grad as Tensor;
  });
  for (const _ of steps(1)) p.grad = null;
  zeros([2]).fill_(-1);
  assert.equal(list(kept), [2, 2]);
  assert.equal(list(returned), [5, 5]);
});

test('a gradient that was let go of lives to the end of the turn; one from an outer scope as long as that', () => {
  const p = leaf(1, 2);
  scope(() => {
    const buffer = ones([4]);
    scope(() => {
      p.grad = buffer.narrow(0, 0, 2);
      p.grad = null;
      p.mul(2).sum().backward();
      const g = p.grad as Tensor | null;
      p.grad = null;
      assert.equal(list(g), [2, 2]);
    });
    assert.equal(list(buffer), [1, 1, 1, 1]);
  });
});

test('the gradient of a leaf of an outer scope outlives the scope that made it', () => {
  scope(() => {
    const x = leaf(1, 2);
    scope(() => {
      x.grad = ones([2]);
    });
    assert.equal(list(x.grad), [1, 1]);
    scope(() => x.mul(2).sum().backward());
    assert.equal(list(x.grad), [3, 3]);
    const h = x.mul(2).retainGrad();
    scope(() => h.sum().backward());
    assert.equal(list(h.grad), [1, 1]);
  });
});

const grows: Record<string, (p: Tensor, optimizer: optim.SGD) => void> = {
  'is clipped out of place': (p) => {
    p.sum().backward();
    p.grad = (p.grad as Tensor).clamp({ min: -1, max: 1 });
  },
  'is replaced by zeros': (p) => {
    p.sum().backward();
    p.grad = zerosLike(p);
  },
  'is made twice with createGraph': (p) => {
    p.square().sum().backward({ createGraph: true });
    p.square().sum().backward({ createGraph: true });
  },
  'is a column': (p) => {
    p.grad = zeros([100, 2]).select(1, 0);
    p.sum().backward();
  },
  'is handed on to another leaf': (p) => {
    p.sum().backward();
    other.grad = p.grad;
    p.grad = null;
  },
  'is kept between': (p) => {
    hidden.mul(p.sum()).sum().backward({ retainGraph: true });
  },
  'is expanded': (p) => {
    p.grad = ones([1]).expand([100]);
    p.sum().backward();
  },
};
const other = zeros([100], { requiresGrad: true });
const hidden = zeros([100], { requiresGrad: true }).mul(1).retainGrad();
for (const [name, use] of Object.entries(grows)) {
  test(`a loop does not grow where a gradient ${name}`, () => {
    const p = zeros([100], { requiresGrad: true });
    const optimizer = new optim.SGD([p], { lr: 0.1 });
    const live: number[] = [];
    for (const i of steps(40)) {
      optimizer.zeroGrad();
      use(p, optimizer);
      optimizer.step();
      if (i > 5) live.push(memory().live);
    }
    // The sum over an expanded gradient replaces it, which the collector gives back.
    if (name !== 'is expanded') assert.ok(Math.max(...live) === Math.min(...live), `${live}`);
  });
}

// Whose memory
test('kept gradients share no memory with one another, nor with the start', () => {
  for (const way of ['backward', 'multiloss']) {
    const x = leaf(1, 2);
    const y = x.mul(2).retainGrad();
    const z = y.add(1).retainGrad();
    const loss = z.mul(tensor([3, 4])).sum();
    if (way === 'backward') loss.backward();
    else M.backward({ loss, other: y.sum() }, { combine: new M.UPGrad() });
    noGrad(() => y.grad?.mul_(10));
    assert.equal(list(z.grad), [3, 4], way);
  }
  const x = leaf(1, 2);
  const y = x.mul(2).retainGrad();
  const start = ones([2]);
  y.backward({ gradient: start });
  y.grad?.zero_();
  x.grad?.zero_();
  assert.equal(list(start), [1, 1]);
});

test('what grad and jacobian return shares no memory either', () => {
  const [a, b] = [leaf(1, 2), leaf(3, 4)];
  const start = tensor([1, 10]);
  const h = a.add(b);
  const found = autograd.grad(h, [h, a, b], { gradOutputs: start });
  for (const g of found) {
    assert.equal(list(g), [1, 10]);
    g.zero_();
  }
  assert.equal(list(start), [1, 10]);
  const y = a.add(b);
  const rows = autograd.jacobian([y.sum(), y.mul(2).sum()], [a, b]);
  rows[0]?.zero_();
  assert.equal(list(rows[1]), [
    [1, 1],
    [2, 2],
  ]);
});

test('retainGrad with inputs counts once, and inputs keep their gradient from then on', () => {
  const x = leaf(1);
  const y = x.mul(2).retainGrad();
  y.mul(3)
    .sum()
    .backward({ inputs: [y, x, y], retainGraph: true });
  assert.equal([list(y.grad), list(x.grad)], [[3], [6]]);
  const z = x.mul(2);
  z.mul(3).sum().backward({ inputs: z, retainGraph: true });
  z.mul(3).sum().backward();
  assert.equal(list(z.grad), [6]);
});

test('adding to a gradient writes into it, whatever its strides', () => {
  const x = leaf(1, 2, 3);
  const buffer = zeros([3, 2]);
  x.grad = buffer.select(1, 1);
  const taken = x.grad;
  x.mul(2).sum().backward();
  x.mul(2).sum().backward();
  assert.equal(list(buffer), [
    [0, 4],
    [0, 4],
    [0, 4],
  ]);
  assert.is(x.grad, taken);
  x.grad = ones([1]).expand([3]);
  x.mul(2).sum().backward();
  assert.equal(list(x.grad), [3, 3, 3], 'one place for three elements cannot be added to: replaced');
});

test('a gradient that was taken is added to in place, and replaced under createGraph', () => {
  const x = leaf(1);
  x.mul(2).sum().backward();
  const taken = x.grad;
  x.mul(2).sum().backward();
  assert.equal(list(taken), [4]);
  x.square().sum().backward({ createGraph: true });
  assert.equal([list(taken), list(x.grad)], [[4], [6]]);
});

// Setting
test('what is no gradient is refused, and nothing changes', () => {
  const x = leaf(1, 2);
  x.grad = ones([2]);
  for (const bad of [0, '', false, Number.NaN, [1, 2], {}]) {
    throwsCode('DTYPE', /grad: the gradient is /, () => {
      x.grad = bad as never;
    });
  }
  throwsCode('DTYPE', /int32/, () => {
    x.grad = tensor([1, 2], { dtype: 'int32' });
  });
  throwsCode('SHAPE', /\[1\].*\[2\]/s, () => {
    x.grad = ones([1]);
  });
  throwsCode('VALUE', /its own gradient/, () => {
    x.grad = x;
  });
  throwsCode('DTYPE', /int32/, () => {
    tensor([1], { dtype: 'int32' }).grad = ones([1]);
  });
  let ended: Tensor | undefined;
  scope(() => {
    ended = ones([2]);
  });
  throwsCode('SCOPE', /ended/, () => {
    x.grad = ended as Tensor;
  });
  assert.equal(list(x.grad), [1, 1]);
  x.grad = undefined as never;
  assert.is(x.grad, null);
});

test('zeroGrad({ setToNull: false }) takes a gradient off its graph, for who holds it too', () => {
  const p = new nn.Parameter(tensor([3]));
  p.square().sum().backward({ createGraph: true });
  const taken = p.grad as Tensor;
  assert.ok(taken.requiresGrad);
  new optim.SGD([p], { lr: 1 }).zeroGrad({ setToNull: false });
  assert.is(p.grad, taken);
  assert.is(taken.requiresGrad, false);
  assert.equal(list(taken), [0]);
  const q = leaf(1, 2);
  const buffer = zeros([2, 2]);
  q.grad = buffer.select(1, 0);
  noGrad(() => q.grad?.fill_(5));
  new optim.SGD([q], { lr: 1 }).zeroGrad({ setToNull: false });
  assert.equal(list(buffer), [
    [0, 0],
    [0, 0],
  ]);
});

// Starting
test('start gradients are float32 tensors of their shape', () => {
  const x = leaf(1, 2);
  const y = x.mul(2);
  for (const dtype of ['int32', 'bool'] as const) {
    throwsCode('DTYPE', /backward: the gradient/, () => y.backward({ gradient: tensor([1, 1], { dtype }) }));
    throwsCode('DTYPE', /grad: the gradient/, () => autograd.grad(y, x, { gradOutputs: tensor([1, 1], { dtype }) }));
  }
  throwsCode('SHAPE', /grad: .*\[3\].*\[2\]/s, () => autograd.grad(y, x, { gradOutputs: ones([3]) }));
  assert.is(x.grad, null);
  y.backward(tensor([1, 10]));
  assert.equal(list(x.grad), [2, 20]);
});

// Freeing
test('a pass that does not retain frees what it went through, and nothing else', () => {
  const [a, c] = [leaf(1), leaf(2)];
  const l = a.sin().add(c.exp());
  autograd.grad(l, a);
  autograd.grad(l, c);
  throwsCode('GRAPH', /exp a second time/, () => autograd.grad(l, c));
  const m = a.sin().add(c.exp()).sum();
  m.backward({ inputs: [a] });
  m.backward({ inputs: [c] });
  const [n, o] = [a.sin().add(c.exp()).sum(), c.square().sum()];
  autograd.jacobian([n, o], [a]);
  autograd.jacobian([n], [c]);
});

// Zeros
test('what is overwritten is reached with the gradient 0', () => {
  for (const v of [tensor([5, 6]), leaf(5, 6)]) {
    const x = leaf(1, 2);
    const k = x.mul(1);
    k.copy_(v);
    assert.equal(list(autograd.grad(k.sum(), x, { retainGraph: true })[0]), [0, 0]);
    if (v.requiresGrad) assert.equal(list(autograd.grad(k.sum(), v)[0]), [1, 1]);
  }
  const z = zeros([2]);
  const w = leaf(1, 2);
  z.copy_(w.mul(2));
  z.sum().backward();
  assert.equal(list(w.grad), [2, 2]);
});

test('the number of nonzero elements is a loss that moves nothing', () => {
  const x = leaf(1, 0, -3);
  const n = x.norm({ p: 0 });
  n.add(x.sum()).backward();
  assert.is(n.item(), 2);
  assert.equal(list(x.grad), [1, 1, 1]);
  x.grad = null;
  x.norm({ p: 0 }).backward();
  assert.is(x.grad, null);
  assert.equal(list(autograd.grad(x.norm({ p: 0 }), x, { materializeGrads: true })[0]), [0, 0, 0]);
  assert.equal(list(tensor([Number.NaN, 0]).norm({ p: 0 })), 1 as never);
});

// Checks by differences
test('gradcheck takes NaN for no agreement', () => {
  throwsCode('VALUE', /gradcheck.*differences give NaN.*domain/s, () => autograd.gradcheck((x) => x.log(), [leaf(0.01)]));
  assert.is(
    autograd.gradcheck((x) => x.log(), [leaf(0.01)], { raise: false }),
    false,
  );
  assert.is(
    autograd.gradcheck((x) => x.log(), [leaf(1)]),
    true,
  );
  const x = randn([2], { requiresGrad: true });
  assert.ok(autograd.gradgradcheck((y) => y.pow(3), [x]));
});

test.run();
