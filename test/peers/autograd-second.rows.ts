// PyTorch's test_autograd: grad, derivatives of derivatives, graphs of any form, gradcheck.
import { autograd, cat, eye, fullLike, noGrad, norm, onesLike, optim, pow, stack, type Tensor, zeros } from 'gradloom';
import { L, type Row, row, t } from './row.ts';

const { grad, gradcheck, gradgradcheck } = autograd;
const [x3, p3] = [() => L([1, 2, 3]), 'x = L([1, 2, 3]); '];

export const rows: readonly Row[] = [
  // grad
  row('grad gives gradients in the order of inputs', 'a, b = L(2), L(3); torch.autograd.grad(a * a * b, [b, a])', () => {
    const [a, b] = [L(2), L(3)];
    return grad(a.mul(a).mul(b), [b, a]);
  }),
  row('grad leaves .grad alone', 'a = L(2); torch.autograd.grad(a.exp(), a); a.grad', () => {
    const a = L(2);
    grad(a.exp(), a);
    return a.grad;
  }),
  row('grad of an input named twice', `${p3}return torch.autograd.grad((x * x).sum(), [x, x])`, () => {
    const x = x3();
    return grad(x.mul(x).sum(), [x, x]);
  }),
  row('grad of a tensor between and of the leaf', `${p3}h = x.sin(); torch.autograd.grad((h * h).sum(), [h, x])`, () => {
    const x = x3();
    const h = x.sin();
    return grad(h.mul(h).sum(), [h, x]);
  }),
  row('grad of an output by itself', 'x = L(2); y = x * 3; [torch.autograd.grad(y, y, retain_graph=True), torch.autograd.grad(x, x)]', () => {
    const x = L(2);
    const y = x.mul(3);
    return [grad(y, y, { retainGraph: true }), grad(x, x)];
  }),
  row('grad refuses an input that is not used', 'torch.autograd.grad(L(2).exp(), L(3))', () => grad(L(2).exp(), L(3))),
  row('allow_unused gives None for it', 'a = L(2); torch.autograd.grad(a.exp(), [L(3), a], allow_unused=True)', () => {
    const a = L(2);
    return grad(a.exp(), [L(3), a], { allowUnused: true });
  }),
  row('materialize_grads gives zeros', 'a = L(2); torch.autograd.grad(a.exp(), [L([[3, 4]]), a], materialize_grads=True)', () => {
    const a = L(2);
    return grad(a.exp(), [L([[3, 4]]), a], { materializeGrads: true });
  }),
  row('materialize_grads with allow_unused=False is refused', 'a = L(2); torch.autograd.grad(a.exp(), a, materialize_grads=True, allow_unused=False)', () => {
    const a = L(2);
    return grad(a.exp(), a, { materializeGrads: true, allowUnused: false });
  }),
  row('grad of several outputs with start gradients', `${p3}return torch.autograd.grad([x * x, x.sum()], x, [t([1, 2, 3]), t(10)])`, () => {
    const x = x3();
    return grad([x.mul(x), x.sum()], x, { gradOutputs: [t([1, 2, 3]), t(10)] });
  }),
  row('batched start gradients give a Jacobian', `${p3}y = x * x.sum(); torch.autograd.grad(y, x, torch.eye(3), is_grads_batched=True)`, () => {
    const x = x3();
    return grad(x.mul(x.sum()), x, { gradOutputs: eye(3), isGradsBatched: true });
  }),
  row('an output without a graph is refused', 'torch.autograd.grad(t(2).exp(), L(1))', () => grad(t(2).exp(), L(1))),
  row('an input that is no longer in the graph is refused', 'x = L([2.]); y = x * 1; z = y * y; y.detach_(); torch.autograd.grad(z, y)', null),
  // createGraph
  row('third derivatives', 'x = L(2); y = x ** 4; G = lambda y: torch.autograd.grad(y, x, create_graph=True)[0]; [G(y), G(G(y)), G(G(G(y)))]', () => {
    const x = L(2);
    const G = (y: Tensor): Tensor => grad(y, x, { createGraph: true })[0] as Tensor;
    const y = x.pow(4);
    return [G(y), G(G(y)), G(G(G(y)))];
  }),
  row('a mixed second derivative', 'a, b = L(2), L(3); g, = torch.autograd.grad(a * a * b.sin(), a, create_graph=True); torch.autograd.grad(g, [a, b])', () => {
    const [a, b] = [L(2), L(3)];
    const [g] = grad(a.mul(a).mul(b.sin()), a, { createGraph: true }) as [Tensor];
    return grad(g, [a, b]);
  }),
  row(
    'a gradient penalty',
    'w, x = L([1, -2]), L([3, 4]); g, = torch.autograd.grad((w * x).sum().tanh(), x, create_graph=True); (g.norm() - 1).square().backward(); [w.grad, x.grad]',
    () => {
      const [w, x] = [L([1, -2]), L([3, 4])];
      const [g] = grad(w.mul(x).sum().tanh(), x, { createGraph: true }) as [Tensor];
      g.norm().sub(1).square().backward();
      return [w.grad, x.grad];
    },
  ),
  row('a product of the Hessian and a vector', `${p3}g, = torch.autograd.grad((x ** 3).prod(), x, create_graph=True); torch.autograd.grad(g, x, t([1, 0, -1]))`, () => {
    const x = x3();
    const [g] = grad(x.pow(3).prod(), x, { createGraph: true }) as [Tensor];
    return grad(g, x, t([1, 0, -1]));
  }),
  row('create_graph in backward gives .grad a graph', 'x = L(3); (x ** 3).backward(create_graph=True); g = x.grad; [g.requires_grad, torch.autograd.grad(g, x)]', () => {
    const x = L(3);
    x.pow(3).backward({ createGraph: true });
    const g = x.grad as Tensor;
    return [g.requiresGrad, grad(g, x)];
  }),
  row('otherwise it has none', 'x = L(3); (x ** 3).backward(); [x.grad.requires_grad, x.grad.is_leaf]', () => {
    const x = L(3);
    x.pow(3).backward();
    return [x.grad?.requiresGrad, x.grad?.isLeaf];
  }),
  row('create_graph keeps the graph', 'x = L(3); y = x ** 3; torch.autograd.grad(y, x, create_graph=True); torch.autograd.grad(y, x)', () => {
    const x = L(3);
    const y = x.pow(3);
    grad(y, x, { createGraph: true });
    return grad(y, x);
  }),
  row('unless retain_graph says no', 'x = L(3); y = x ** 3; torch.autograd.grad(y, x, create_graph=True, retain_graph=False); torch.autograd.grad(y, x)', () => {
    const x = L(3);
    const y = x.pow(3);
    grad(y, x, { createGraph: true, retainGraph: false });
    return grad(y, x);
  }),
  row('the gradient of a linear function has no graph', 'x = L(3); g, = torch.autograd.grad(x * 2, x, create_graph=True); g.requires_grad', () =>
    ((x: Tensor) => (grad(x.mul(2), x, { createGraph: true })[0] as Tensor).requiresGrad)(L(3)),
  ),
  row(
    'second gradients reach the start gradient',
    'x, s = L([2, 3]), L([1, 1]); g, = torch.autograd.grad(x * x, x, s, create_graph=True); torch.autograd.grad(g.sum(), [s, x])',
    () => {
      const [x, s] = [L([2, 3]), L([1, 1])];
      const [g] = grad(x.mul(x), x, { gradOutputs: s, createGraph: true }) as [Tensor];
      return grad(g.sum(), [s, x]);
    },
  ),
  row(
    'under no_grad create_graph records',
    'x = L(3); y = x ** 3\nwith torch.no_grad(): g, = torch.autograd.grad(y, x, create_graph=True)\n[g.requires_grad, torch.autograd.grad(g, x)]',
    () => {
      const x = L(3);
      const y = x.pow(3);
      const [g] = noGrad(() => grad(y, x, { createGraph: true })) as [Tensor];
      return [g.requiresGrad, grad(g, x)];
    },
  ),
  // Zero is not absent
  row('what copy_ overwrites has gradient 0', 'x, v = L([1, 2]), t([3, 4]); k = x * 1; k.copy_(v); torch.autograd.grad(k.sum(), x)', () => {
    const x = L([1, 2]);
    const k = x.mul(1);
    k.copy_(t([3, 4]));
    return grad(k.sum(), x);
  }),
  row('what fill_ overwrites too', 'x = L([1, 2]); k = x + 1; k.fill_(5); (k * x).sum().backward(); x.grad', () => {
    const x = L([1, 2]);
    const k = x.add(1).fill_(5);
    k.mul(x).sum().backward();
    return x.grad;
  }),
  row('the norm of p = 0 has gradient 0', 'x = L([1, 0, 2]); y = x.norm(0); y.backward(); [y, x.grad]', () => {
    const x = L([1, 0, 2]);
    const y = x.norm(0);
    y.backward();
    return [y, x.grad];
  }),
  row('along a dimension too', 'x = L([[1, 0, 2], [0, 0, 3]]); y = x.norm(0, 1); y.sum().backward(); [y, x.grad]', () => {
    const x = L([
      [1, 0, 2],
      [0, 0, 3],
    ]);
    const y = norm(x, { p: 0, dim: 1 });
    y.sum().backward();
    return [y, x.grad];
  }),
  // Graphs of any form
  row('a tensor used in many places', 'x = L([2, 3]); (x * x + x.exp() * x - x / 2).sum().backward(); x.grad', () => {
    const x = L([2, 3]);
    x.mul(x).add(x.exp().mul(x)).sub(x.div(2)).sum().backward();
    return x.grad;
  }),
  row('a diamond of diamonds', 'x = L(1.01)\ny = x\nfor _ in range(20): y = y * 0.5 + y * 0.5\ny.backward(); x.grad', () => {
    const x = L(1.01);
    let y = x;
    for (let i = 0; i < 20; i++) y = y.mul(0.5).add(y.mul(0.5));
    y.backward();
    return x.grad;
  }),
  row('a chain of 20 000 ops', 'x = L(1)\ny = x\nfor _ in range(20000): y = y + 1\ny.backward(); [y, x.grad]', () => {
    const x = L(1);
    let y = x;
    for (let i = 0; i < 20_000; i++) y = y.add(1);
    y.backward();
    return [y, x.grad];
  }),
  row('only one of several outputs is used', 'x = L([[1, 2], [3, 4]]); a, b = x.unbind(0); (b * b).sum().backward(); x.grad', () => {
    const x = L([
      [1, 2],
      [3, 4],
    ]);
    const b = x.unbind(0)[1] as Tensor;
    b.mul(b).sum().backward();
    return x.grad;
  }),
  row('a leaf twice in cat and stack', `${p3}(torch.cat([x, x * 2, x]) ** 2).sum().backward(); torch.stack([x, x]).sum().backward(); x.grad`, () => {
    const x = x3();
    cat([x, x.mul(2), x])
      .pow(2)
      .sum()
      .backward();
    stack([x, x]).sum().backward();
    return x.grad;
  }),
  row('a part that needs no gradient is left out', 'x, c = L(2), t(5); h = c.exp(); y = x * h; y.backward(); [h.requires_grad, x.grad, c.grad]', () => {
    const [x, c] = [L(2), t(5)];
    const h = c.exp();
    x.mul(h).backward();
    return [h.requiresGrad, x.grad, c.grad];
  }),
  row(
    'a pass is not seen by what it does not reach',
    'a, b = L(1), L(1); c = a * b; d = c.sin(); e = c.cos(); d.backward(retain_graph=True); [torch.autograd.grad(e, b), a.grad]',
    () => {
      const [a, b] = [L(1), L(1)];
      const c = a.mul(b);
      const [d, e] = [c.sin(), c.cos()];
      d.backward({ retainGraph: true });
      return [grad(e, b), a.grad];
    },
  ),
  row('broadcasting is summed back', 'x, b = L([[1, 2, 3], [4, 5, 6]]), L([[1], [2]]); (x * b + b).sum().backward(); [x.grad, b.grad]', () => {
    const [x, b] = [L([[1, 2, 3], [4, 5, 6]]), L([[1], [2]])]; // biome-ignore format: a matrix
    x.mul(b).add(b).sum().backward();
    return [x.grad, b.grad];
  }),
  row('a scalar stretched over nothing has gradient 0', 'x = L(2); (x * torch.zeros(0, 3)).sum().backward(); x.grad', () => {
    const x = L(2);
    x.mul(zeros(0, 3)).sum().backward();
    return x.grad;
  }),
  // zero_grad, gradcheck
  row(
    'zero_grad(set_to_none=False) cuts the graph of a taken gradient',
    'p = L([2]); o = optim.SGD([p], lr=0.1); (p ** 3).sum().backward(create_graph=True); g = p.grad; o.zero_grad(set_to_none=False); [p.grad, p.grad.requires_grad, g.requires_grad]',
    () => {
      const p = L([2]);
      const o = new optim.SGD([p], { lr: 0.1 });
      p.pow(3).sum().backward({ createGraph: true });
      const g = p.grad as Tensor;
      o.zeroGrad({ setToNull: false });
      return [p.grad, p.grad?.requiresGrad, g.requiresGrad];
    },
  ),
  row(
    'zero_grad(set_to_none=False) writes into the gradient',
    'p = L([2, 3]); o = optim.SGD([p], lr=0.1); p.exp().sum().backward(); g = p.grad; o.zero_grad(set_to_none=False); [g, p.grad]',
    () => {
      const p = L([2, 3]);
      const o = new optim.SGD([p], { lr: 0.1 });
      p.exp().sum().backward();
      const g = p.grad;
      o.zeroGrad({ setToNull: false });
      return [g, p.grad];
    },
  ),
  row(
    'gradcheck agrees with a right rule',
    'return [torch.autograd.gradcheck(lambda x: x.sin() * x, (torch.tensor([.5, 1.5, -2], dtype=torch.float64, requires_grad=True),))]',
    () => [gradcheck((x) => x.sin().mul(x), [L([0.5, 1.5, -2])])],
  ),
  row(
    'gradcheck finds a wrong one',
    'return torch.autograd.gradcheck(lambda x: x * x.detach(), (torch.tensor([.5, 1.5], dtype=torch.float64, requires_grad=True),), raise_exception=False)',
    () => gradcheck((x) => x.mul(x.detach()), [L([0.5, 1.5])], { raise: false }),
  ),
  row(
    'gradcheck does not pass where differences are NaN',
    'return torch.autograd.gradcheck(torch.log, (torch.tensor([.01], dtype=torch.float64, requires_grad=True),), eps=0.1, raise_exception=False)',
    () => gradcheck((x) => x.log(), [L([0.01])], { eps: 0.1, raise: false }),
  ),
  row('nor for a root', 'return torch.autograd.gradcheck(torch.sqrt, (torch.tensor([.02, 1], dtype=torch.float64, requires_grad=True),), eps=0.1, raise_exception=False)', () =>
    gradcheck((x) => x.sqrt(), [L([0.02, 1])], { eps: 0.1, raise: false }),
  ),
  row('gradcheck without an input that requires a gradient is refused', 'torch.autograd.gradcheck(torch.sin, (t([1]),))', () => gradcheck((x) => x.sin(), [t([1])])),
  row('gradgradcheck', 'return torch.autograd.gradgradcheck(lambda x: x ** 3, (torch.tensor([.5, 1.5], dtype=torch.float64, requires_grad=True),))', () =>
    gradgradcheck((x) => pow(x, 3), [L([0.5, 1.5])]),
  ),
  row('gradients of likes', `${p3}y = x * torch.full_like(x, 2) + torch.ones_like(x); y.sum().backward(); [x.grad, torch.ones_like(x).requires_grad]`, () => {
    const x = x3();
    x.mul(fullLike(x, 2)).add(onesLike(x)).sum().backward();
    return [x.grad, onesLike(x).requiresGrad];
  }),
];
