// PyTorch's test_autograd: writing in place, and views.
import { autograd, cat, nn, noGrad, optim, type Tensor, zeros } from 'gradloom';
import { I, L, type Row, row, t } from './row.ts';

const { grad } = autograd;

export const rows: readonly Row[] = [
  row('a leaf that requires a gradient is not written to', 'L([1]).add_(1)', () => L([1]).add_(1)),
  row('nor a view of one', 'L([1, 2])[0].add_(1)', () => L([1, 2]).select(0, 0).add_(1)),
  row('nor one taken before it asked', 'x = t([1, 2]); v = x[1:]; x.requires_grad_(); v.zero_()', () => {
    const x = t([1, 2]);
    const v = x.slice(0, 1);
    x.requiresGrad_();
    v.zero_();
  }),
  row('under no_grad it is', 'x = L([1, 2])\nwith torch.no_grad(): x.add_(1); x[0].mul_(5)\n[x, x.requires_grad, x.is_leaf]', () => {
    const x = L([1, 2]);
    noGrad(() => {
      x.add_(1);
      x.select(0, 0).mul_(5);
    });
    return [x, x.requiresGrad, x.isLeaf];
  }),
  row('a leaf written under no_grad between forward and backward', 'x = L([1, 2]); y = x * x\nwith torch.no_grad(): x.add_(1)\ny.sum().backward()', () => {
    const x = L([1, 2]);
    const y = x.mul(x);
    noGrad(() => x.add_(1));
    y.sum().backward();
  }),
  row(
    'a step between two passes over one graph is refused',
    'w = L([1, 2]); o = optim.SGD([w], lr=0.1); y = (w * w).sum(); y.backward(retain_graph=True); o.step(); y.backward()',
    () => {
      const w = L([1, 2]);
      const o = new optim.SGD([w], { lr: 0.1 });
      const y = w.mul(w).sum();
      y.backward({ retainGraph: true });
      o.step();
      y.backward();
    },
  ),
  row(
    'but not where nothing reads the weight',
    'w = L([1, 2]); o = optim.SGD([w], lr=0.1); y = (w * 3).sum(); y.backward(retain_graph=True); o.step(); y.backward(); [w, w.grad]',
    () => {
      const w = L([1, 2]);
      const o = new optim.SGD([w], { lr: 0.1 });
      const y = w.mul(3).sum();
      y.backward({ retainGraph: true });
      o.step();
      y.backward();
      return [w, w.grad];
    },
  ),
  row('a write through detach is noticed', 'x = L([1, 2]); h = x * 1; y = h * h; h.detach().zero_(); y.sum().backward()', () => {
    const h = L([1, 2]).mul(1);
    const y = h.mul(h);
    h.detach().zero_();
    y.sum().backward();
  }),
  row(
    'versions are counted, and shared by views',
    'x = t([1, 2, 3]); v = x[1:]; a = x._version; v.add_(1); x.zero_(); [x._version - a, v._version - a, x.clone()._version]',
    () => {
      const x = t([1, 2, 3]);
      const v = x.slice(0, 1);
      const a = x.version;
      v.add_(1);
      x.zero_();
      return [x.version - a, v.version - a, x.clone().version];
    },
  ),
  // Views that are written to
  row('a write through a view reaches the base', 'l = L([1, 2, 3]); b = l * 2; b[1:].mul_(t([10, 100])); (b * b).sum().backward(); [b, l.grad]', () => {
    const l = L([1, 2, 3]);
    const b = l.mul(2);
    b.slice(0, 1).mul_(t([10, 100]));
    b.mul(b).sum().backward();
    return [b, l.grad];
  }),
  row('a write to the base reaches a view taken before', 'l = L([1, 2, 3]); b = l * 2; v = b[1:]; b.mul_(5); (v * v).sum().backward(); [v, l.grad]', () => {
    const l = L([1, 2, 3]);
    const b = l.mul(2);
    const v = b.slice(0, 1);
    b.mul_(5);
    v.mul(v).sum().backward();
    return [v, l.grad];
  }),
  row('a write to one view reaches another', 'l = L([1, 2, 3]); b = l * 2; v, w = b[:2], b[1:]; v.mul_(5); (w * w).sum().backward(); [w, l.grad]', () => {
    const l = L([1, 2, 3]);
    const b = l.mul(2);
    const [v, w] = [b.slice(0, 0, 2), b.slice(0, 1)];
    v.mul_(5);
    w.mul(w).sum().backward();
    return [w, l.grad];
  }),
  row('a view of a view of a transposed one', 'l = L([[1, 2, 3], [4, 5, 6]]); b = l * 1; v = b.t()[1:][:, 0]; v.mul_(7); (b * b).sum().backward(); [b, l.grad]', () => {
    const l = L([[1, 2, 3], [4, 5, 6]]); // biome-ignore format: a matrix
    const b = l.mul(1);
    b.t().slice(0, 1).select(1, 0).mul_(7);
    b.mul(b).sum().backward();
    return [b, l.grad];
  }),
  row('a diagonal is written to', 'l = L([[1, 2], [3, 4]]); b = l * 1; b.diagonal().copy_(l[0] * 10); (b * b).sum().backward(); [b, l.grad]', () => {
    const l = L([[1, 2], [3, 4]]); // biome-ignore format: a matrix
    const b = l.mul(1);
    b.diagonal().copy_(l.select(0, 0).mul(10));
    b.mul(b).sum().backward();
    return [b, l.grad];
  }),
  row(
    'a constant becomes part of a graph by a write to its view',
    'l, b = L([5, 6]), torch.zeros(2, 2); b[1].copy_(l); (b * b).sum().backward(); [b, b.requires_grad, l.grad]',
    () => {
      const [l, b] = [L([5, 6]), zeros(2, 2)];
      b.select(0, 1).copy_(l);
      b.mul(b).sum().backward();
      return [b, b.requiresGrad, l.grad];
    },
  ),
  row(
    'a write of one row after another',
    'l, b = L([1, 2, 3]), torch.zeros(3, 3)\nfor i in range(3): b[i].copy_(l * (i + 1)); b[i, 0].mul_(2)\n(b * b).sum().backward(); [b, l.grad]',
    () => {
      const [l, b] = [L([1, 2, 3]), zeros(3, 3)];
      for (let i = 0; i < 3; i++) {
        b.select(0, i).copy_(l.mul(i + 1));
        b.select(0, i).select(0, 0).mul_(2);
      }
      b.mul(b).sum().backward();
      return [b, l.grad];
    },
  ),
  row('a leaf that asks for no gradient and is written with one joins the graph', 'a, l = t([1, 2]), L([3, 4]); a.mul_(l); a.sum().backward(); [a.is_leaf, l.grad]', () => {
    const [a, l] = [t([1, 2]), L([3, 4])];
    a.mul_(l);
    a.sum().backward();
    return [a.isLeaf, l.grad];
  }),
  row('a part of unbind is not written to', 'b = L([[1, 2], [3, 4]]) * 1; b.unbind(0)[0].zero_()', () => L([[1, 2], [3, 4]]).mul(1).unbind(0)[0]?.zero_()), // biome-ignore format: short
  row('nor of split', 'b = L([1, 2, 3, 4]) * 1; b.split(2)[1].mul_(2)', () => L([1, 2, 3, 4]).mul(1).split(2)[1]?.mul_(2)),
  row('nor of chunk', 'b = L([1, 2, 3, 4]) * 1; b.chunk(2)[1].add_(2)', () => L([1, 2, 3, 4]).mul(1).chunk(2)[1]?.add_(2)),
  row('without gradients they are', 'b = t([1, 2, 3, 4]); b.split(2)[1].mul_(2); b', () => {
    const b = t([1, 2, 3, 4]);
    b.split(2)[1]?.mul_(2);
    return b;
  }),
  row('a view made in no_grad is not written to outside', 'b = L([1, 2]) * 1\nwith torch.no_grad(): v = b[:1]\nv.mul_(2)', () => {
    const b = L([1, 2]).mul(1);
    noGrad(() => b.slice(0, 0, 1)).mul_(2);
  }),
  row('nor a transposed one', 'b = L([[1, 2]]) * 1\nwith torch.no_grad(): v = b.t()\nv.copy_(t([[1], [2]]))', () => {
    const b = L([[1, 2]]).mul(1);
    noGrad(() => b.t()).copy_(t([[1], [2]]));
  }),
  row('an expanded view is not added to', 't([1]).expand(3).add_(1)', () => t([1]).expand(3).add_(1)),
  row('but filled', 'x = t([1, 2]); x.unsqueeze(1).expand(2, 3).zero_(); x', () => {
    const x = t([1, 2]);
    x.unsqueeze(1).expand(2, 3).zero_();
    return x;
  }),
  row('with one number too', 'x = t([1]); x.expand(3).fill_(7); x', () => {
    const x = t([1]);
    x.expand(3).fill_(7);
    return x;
  }),
  row('a write that would broadcast the target is refused', 't([1, 2]).add_(t([[1, 2], [3, 4]]))', () => t([1, 2]).add_(t([[1, 2], [3, 4]]))), // biome-ignore format: short
  row('a write of another type is refused', 'I([1, 2]).add_(t([0.5, 1]))', () => I([1, 2]).add_(t([0.5, 1]))),
  row('so is one that would require a gradient', 'I([1, 2]).add_(L([1, 1]))', () => I([1, 2]).add_(L([1, 1]))),
  row('and a fraction', 'I([1, 2]).add_(0.5)', () => I([1, 2]).add_(0.5)),
  row('a product with a fraction too', 'I([1, 2]).mul_(1.5)', () => I([1, 2]).mul_(1.5)),
  row('and a quotient', 'I([4, 2]).div_(2)', () => I([4, 2]).div_(2)),
  row('a float takes int32', 't([1, 2]).add_(I([3, 4]))', () => t([1, 2]).add_(I([3, 4]))),
  row('copy_ converts', '[I([0, 0]).copy_(t([1.7, -1.7])), t([0, 0]).copy_(B([True, False]))]', () => [I([0, 0]).copy_(t([1.7, -1.7])), t([0, 0]).copy_(t([1, 0]).bool())]),
  row('copy_ broadcasts', 'torch.zeros(2, 3).copy_(t([[1], [2]]))', () => zeros(2, 3).copy_(t([[1], [2]]))),
  row('copy_ gives the source its gradient, summed', 's = L([[1], [2]]); b = torch.zeros(2, 3); b.copy_(s); (b * t([[1, 2, 3], [4, 5, 6]])).sum().backward(); s.grad', () => {
    const s = L([[1], [2]]);
    const b = zeros(2, 3).copy_(s);
    b.mul(t([[1, 2, 3], [4, 5, 6]])).sum().backward(); // biome-ignore format: a matrix
    return s.grad;
  }),
  row('a tensor added to itself in place', 'l = L([1, 2]); b = l * 1; b.add_(b); b.sub_(b * 3); b.sum().backward(); [b, l.grad]', () => {
    const l = L([1, 2]);
    const b = l.mul(1);
    b.add_(b);
    b.sub_(b.mul(3));
    b.sum().backward();
    return [b, l.grad];
  }),
  row('a tensor multiplied by itself in place is refused, since backward reads it', 'l = L([1, 2]); b = l * 1; b.mul_(b); b.sum().backward()', () => {
    const b = L([1, 2]).mul(1);
    b.mul_(b);
    b.sum().backward();
  }),
  row('zero_ on what exp saved is refused', 'b = L([1, 2]).exp(); b.zero_(); b.sum().backward()', () => {
    const b = L([1, 2]).exp();
    b.zero_();
    b.sum().backward();
  }),
  row('logits are written to after cross entropy', 'l = L([[1, 2, 3]]); x = l * 1; y = F.cross_entropy(x, I([2])); x.zero_(); y.backward(); l.grad', () => {
    const l = L([[1, 2, 3]]);
    const x = l.mul(1);
    const y = nn.functional.crossEntropy(x, I([2]));
    x.zero_();
    y.backward();
    return l.grad;
  }),
  row('the weight of a product is written to where only x needs a gradient', 'x, w = L([1, 2]), t([3, 4]); y = x * w; w.zero_(); y.sum().backward()', () => {
    const [x, w] = [L([1, 2]), t([3, 4])];
    const y = x.mul(w);
    w.zero_();
    y.sum().backward();
  }),
  row('x may be written to where only the weight does not', 'x, w = t([1, 2]), L([3, 4]); y = x + w; x.zero_(); y.sum().backward(); w.grad', () => {
    const [x, w] = [t([1, 2]), L([3, 4])];
    const y = x.add(w);
    x.zero_();
    y.sum().backward();
    return w.grad;
  }),
  row('what cat joined may be written to', 'l = L([1, 2]); a = l * 1; y = torch.cat([a, a]); a.zero_(); (y * y).sum().backward(); l.grad', () => {
    const l = L([1, 2]);
    const a = l.mul(1);
    const y = cat([a, a]);
    a.zero_();
    y.mul(y).sum().backward();
    return l.grad;
  }),
  row('what zero_ overwrites has gradient 0, a later write joins', 'l = L([1, 2]); b = l * 2; b.zero_(); b.add_(l * 3); b.sum().backward(); l.grad', () => {
    const l = L([1, 2]);
    const b = l.mul(2).zero_();
    b.add_(l.mul(3));
    b.sum().backward();
    return l.grad;
  }),
  row('grad of a tensor after a write is of its new value', 'l = L([1, 2]); b = l * 2; b.mul_(3); torch.autograd.grad((b * b).sum(), [b, l])', () => {
    const l = L([1, 2]);
    const b = l.mul(2);
    b.mul_(3);
    return grad(b.mul(b).sum(), [b, l]);
  }),
  row(
    'second derivatives through writes',
    'x = L([2]); b = x * 1; b.mul_(x); b.mul_(x); g, = torch.autograd.grad(b.sum(), x, create_graph=True); [g, torch.autograd.grad(g.sum(), x)]',
    () => {
      const x = L([2]);
      const b = x.mul(1);
      b.mul_(x);
      b.mul_(x);
      const [g] = grad(b.sum(), x, { createGraph: true }) as [Tensor];
      return [g, grad(g.sum(), x)];
    },
  ),
  row('clamp_ passes gradients inside', 'l = L([-2, 0.5, 3]); b = l * 1; b.clamp_(-1, 1); (b * t([1, 2, 3])).sum().backward(); [b, l.grad]', () => {
    const l = L([-2, 0.5, 3]);
    const b = l.mul(1).clamp_(-1, 1);
    b.mul(t([1, 2, 3]))
      .sum()
      .backward();
    return [b, l.grad];
  }),
];
