// PyTorch's test_autograd: .grad, what it is and who owns it.
import { clone, keep, memory, ones, optim, scope, stack, steps, type Tensor, zeros, zerosLike } from 'gradloom';
import { differing, I, L, type Row, row, t } from './row.ts';

const put = (p: Tensor, g: Tensor | null): void => {
  p.grad = g;
};

export const rows: readonly Row[] = [
  row('a second pass adds into the same tensor', 'x = L([1, 2]); x.exp().sum().backward(); g = x.grad; (x * 3).sum().backward(); [g, g is x.grad]', () => {
    const x = L([1, 2]);
    x.exp().sum().backward();
    const g = x.grad;
    x.mul(3).sum().backward();
    return [g, g === x.grad];
  }),
  row('with create_graph into another', 'x = L([1, 2]); (x * 3).sum().backward(); g = x.grad; (x ** 2).sum().backward(create_graph=True); [g, x.grad, g is x.grad]', () => {
    const x = L([1, 2]);
    x.mul(3).sum().backward();
    const g = x.grad;
    x.pow(2).sum().backward({ createGraph: true });
    return [g, x.grad, g === x.grad];
  }),
  row('a .grad that was set is added to', 'x = L([1, 2]); b = t([10, 20]); x.grad = b; (x * 3).sum().backward(); [b, x.grad is b]', () => {
    const x = L([1, 2]);
    const b = t([10, 20]);
    x.grad = b;
    x.mul(3).sum().backward();
    return [b, x.grad === b];
  }),
  row(
    'a .grad that is a column of a buffer is written to',
    'x = L([1, 2]); b = torch.zeros(2, 2); x.grad = b[:, 0]; (x * 3).sum().backward(); (x * x).sum().backward(); [b, x.grad]',
    () => {
      const x = L([1, 2]);
      const b = zeros(2, 2);
      x.grad = b.select(1, 0);
      x.mul(3).sum().backward();
      x.square().sum().backward();
      return [b, x.grad];
    },
  ),
  row('a transposed one too', 'w = L([[1, 2, 3], [4, 5, 6]]); b = torch.ones(3, 2); w.grad = b.t(); (w * w).sum().backward(); b', () => {
    const w = L([[1, 2, 3], [4, 5, 6]]); // biome-ignore format: a matrix
    const b = ones(3, 2);
    w.grad = b.t();
    w.mul(w).sum().backward();
    return b;
  }),
  row('a part of a flat buffer too', 'a, c = L([1, 2]), L([3]); b = torch.zeros(3); a.grad = b[:2]; c.grad = b[2:]; (a.sum() * c).sum().backward(); b', () => {
    const [a, c, b] = [L([1, 2]), L([3]), zeros(3)];
    a.grad = b.slice(0, 0, 2);
    c.grad = b.slice(0, 2);
    a.sum().mul(c).sum().backward();
    return b;
  }),
  row('one shared by two leaves gets both', 'a, b = L([1, 2]), L([3, 4]); g = torch.zeros(2); a.grad = g; b.grad = g; (a * 3 + b * 5).sum().backward(); g', () => {
    const [a, b, g] = [L([1, 2]), L([3, 4]), zeros(2)];
    a.grad = g;
    b.grad = g;
    a.mul(3).add(b.mul(5)).sum().backward();
    return g;
  }),
  differing(
    'the gradient is replaced by one with elements of its own',
    'an expanded .grad is refused when it is added to',
    'x = L([1, 2]); x.grad = torch.zeros(1).expand(2); (x * 3).sum().backward(); x.grad',
    () => {
      const x = L([1, 2]);
      x.grad = zeros(1).expand(2);
      x.mul(3).sum().backward();
      return x.grad;
    },
  ),
  row('a gradient that came expanded has elements of its own', 'x = L([1, 2]); x.sum().backward(); x.grad[0] = 5; x.grad', () => {
    const x = L([1, 2]);
    x.sum().backward();
    x.grad?.slice(0, 0, 1).fill_(5);
    return x.grad;
  }),
  row('a .grad of another shape is refused', 'L([1, 2]).grad = t([1])', () => {
    L([1, 2]).grad = t([1]);
  }),
  row('a .grad of another type is refused', 'L([1, 2]).grad = I([1, 2])', () => {
    L([1, 2]).grad = I([1, 2]);
  }),
  row('0 is no .grad', 'L([1, 2]).grad = 0', () => {
    L([1, 2]).grad = 0 as never;
  }),
  row('nor is text', 'L([1, 2]).grad = "a"', () => {
    L([1, 2]).grad = 'a' as never;
  }),
  row('a tensor is not its own .grad', 'x = L([1]); x.grad = x', () => {
    const x = L([1]);
    x.grad = x;
  }),
  row('None lets go, the next pass starts anew', 'x = L([1, 2]); x.exp().sum().backward(); g = x.grad; x.grad = None; (x * 3).sum().backward(); [x.grad, g is x.grad]', () => {
    const x = L([1, 2]);
    x.exp().sum().backward();
    const g = x.grad;
    x.grad = null;
    x.mul(3).sum().backward();
    return [x.grad, g === x.grad];
  }),
  row('a .grad replaced between passes', 'x = L([3, -4])\nfor _ in range(3): (x * x).sum().backward(); x.grad = x.grad.clamp(-5, 5)\nx.grad', () => {
    const x = L([3, -4]);
    for (const _ of steps(3)) {
      x.square().sum().backward();
      x.grad = (x.grad as Tensor).clamp(-5, 5);
    }
    return x.grad;
  }),
  row('a .grad on a tensor without requires_grad stands', 'x = t([1, 2]); x.grad = t([3, 4]); [x.grad, x.requires_grad]', () => {
    const x = t([1, 2]);
    x.grad = t([3, 4]);
    return [x.grad, x.requiresGrad];
  }),
  row('detach shares no .grad', 'x = L([1, 2]); x.sum().backward(); [x.detach().grad, x.clone().detach().grad]', () => {
    const x = L([1, 2]);
    x.sum().backward();
    return [x.detach().grad, x.clone().detach().grad];
  }),
  row('.grad is no part of the value: clone has none', 'x = L([1, 2]); x.sum().backward(); x.clone().grad', () => {
    const x = L([1, 2]);
    x.sum().backward();
    return clone(x).grad;
  }),
  // Memory: what a turn ends and what it does not
  row('letting go of a .grad leaves its owner alone', 'p, q = L([1, 2]), t([3, 4])\nfor _ in range(1): p.grad = q.detach(); p.grad = None\nq', () => {
    const [p, q] = [L([1, 2]), t([3, 4])];
    for (const _ of steps(1)) {
      p.grad = q.detach();
      p.grad = null;
    }
    return q;
  }),
  row('a flat buffer survives zero_grad', 'p, b = L([1, 2]), t([3, 4, 5]); o = optim.SGD([p], lr=0.1)\nfor _ in range(2): p.grad = b[:2]; o.zero_grad()\nb', () => {
    const [p, b] = [L([1, 2]), t([3, 4, 5])];
    const o = new optim.SGD([p], { lr: 0.1 });
    for (const _ of steps(2)) {
      p.grad = b.narrow(0, 0, 2);
      o.zeroGrad();
    }
    return b;
  }),
  row('a gradient that two share survives one letting go', 'p, q = L([1]), L([2])\nfor _ in range(1): p.sum().backward(); q.grad = p.grad; p.grad = None\nq.grad', () => {
    const [p, q] = [L([1]), L([2])];
    for (const _ of steps(1)) {
      p.sum().backward();
      q.grad = p.grad;
      p.grad = null;
    }
    return q.grad;
  }),
  row('one that was kept survives zero_grad', 'p = L([1, 2]); o = optim.SGD([p], lr=0.1)\nfor _ in range(2): (p * 3).sum().backward(); s = p.grad; o.zero_grad()\ns', () => {
    const p = L([1, 2]);
    const o = new optim.SGD([p], { lr: 0.1 });
    let s: Tensor = p;
    for (const _ of steps(2)) {
      p.mul(3).sum().backward();
      s = keep(p.grad as Tensor);
      o.zeroGrad();
    }
    return s;
  }),
  row('a row of a dataset survives being a gradient', 'p, d = L([1, 2]), t([[1, 2], [3, 4]])\nfor i in range(2): p.grad = d[i]; p.grad = None\nd', () => {
    const [p, d] = [L([1, 2]), t([[1, 2], [3, 4]])]; // biome-ignore format: a matrix
    for (const i of steps(2)) {
      p.grad = d.select(0, i);
      p.grad = null;
    }
    return d;
  }),
  row('2000 gradients replaced in a loop', 'p = L([1, 2])\nfor _ in range(2000): p.grad = None; p.sum().backward(); p.grad = p.grad.clamp(-1, 1)\np.grad', () => {
    const p = L([1, 2]);
    for (const _ of steps(2000)) {
      p.grad = null;
      p.sum().backward();
      const g = (): Tensor | null => p.grad;
      p.grad = (g() as Tensor).clamp(-1, 1);
    }
    return p.grad;
  }),
  row('zeros put over an old gradient', 'p = L([1, 2])\nfor _ in range(50): p.grad = torch.zeros_like(p); (p * 2).sum().backward(create_graph=True)\np.grad', () => {
    const p = L([1, 2]);
    for (const _ of steps(50)) {
      p.grad = zerosLike(p);
      p.mul(2).sum().backward({ createGraph: true });
    }
    return p.grad;
  }),
  ...(
    [
      ['gradients that are replaced', (p) => put(p, (p.grad as Tensor).clamp(-1, 1))],
      ['zeros over an old one', (p) => put(p, zerosLike(p))],
      ['a second pass with a graph', (p) => p.mul(2).sum().backward({ createGraph: true })],
      ['a gradient that is not row-major', (p) => [put(p, zeros(2, 2).t()), p.sum().backward()]],
      ['null', (p) => put(p, null)],
    ] as const satisfies readonly (readonly [string, (p: Tensor) => unknown])[]
  ).map(([name, change]) =>
    row(`no memory is lost over 200 turns: ${name}`, '0', () => {
      const p = L([[1, 2], [3, 4]]); // biome-ignore format: a matrix
      let live = 0;
      for (const i of steps(200)) {
        p.sum().backward();
        change(p);
        if (i === 20) live = memory().live;
        else if (i === 199) live -= memory().live;
      }
      return live;
    }),
  ),
  row('a list of 130 000 tensors is stacked', 'x = torch.stack([t(i % 7) for i in range(130000)]); [x.sum(), list(x.shape)]', () => {
    const x = scope(() => stack(Array.from({ length: 130_000 }, (_, i) => t(i % 7))));
    return [x.sum(), x.shape];
  }),
  row('a gradient flows to each of 20 000', 'x = L(2); s = torch.stack([x] * 20000).sum(); s.backward(); x.grad', () => {
    const x = L(2);
    scope(() => stack(new Array<Tensor>(20_000).fill(x)).sum().backward());
    return x.grad;
  }),
];
