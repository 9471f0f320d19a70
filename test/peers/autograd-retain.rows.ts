// PyTorch's test_autograd: retain_grad and requires_grad.
import { multiloss, nn, noGrad, tensor } from 'gradloom';
import { B, I, L, type Row, row, t } from './row.ts';

export const rows: readonly Row[] = [
  // retain_grad
  row('a tensor between has no .grad', 'x = L([2]); y = x * 3; y.sum().backward(); y.grad', () => {
    const y = L([2]).mul(3);
    y.sum().backward();
    return y.grad;
  }),
  row('retain_grad keeps it, and adds up', 'x = L([2]); y = x * 3; y.retain_grad(); z = (y * y).sum(); z.backward(retain_graph=True); z.backward(); [y.grad, x.grad]', () => {
    const x = L([2]);
    const y = x.mul(3).retainGrad();
    const z = y.mul(y).sum();
    z.backward({ retainGraph: true });
    z.backward();
    return [y.grad, x.grad];
  }),
  row(
    'kept gradients share no memory',
    'x = L([1, 2]); y = x * 2; z = y + 1; y.retain_grad(); z.retain_grad(); (z * t([3, 4])).sum().backward(); y.grad.mul_(10); [y.grad, z.grad, x.grad]',
    () => {
      const x = L([1, 2]);
      const y = x.mul(2).retainGrad();
      const z = y.add(1).retainGrad();
      z.mul(t([3, 4]))
        .sum()
        .backward();
      noGrad(() => y.grad?.mul_(10));
      return [y.grad, z.grad, x.grad];
    },
  ),
  row(
    'nor after a pass of several losses',
    'x = L([1, 2]); y = x * 2; z = y + 1; y.retain_grad(); z.retain_grad(); (z * t([3, 4])).sum().backward(); y.grad.mul_(10); [y.grad, z.grad]',
    () => {
      const x = L([1, 2]);
      const y = x.mul(2).retainGrad();
      const z = y.add(1).retainGrad();
      multiloss.backward({ a: z.mul(t([3, 4])).sum() }, { combine: new multiloss.Sum() });
      noGrad(() => y.grad?.mul_(10));
      return [y.grad, z.grad];
    },
  ),
  row('nor with the start gradient', 'y, s = L([1, 2]), t([5, 6]); y.backward(s); y.grad.zero_(); [s, y.grad]', () => {
    const [y, s] = [L([1, 2]), t([5, 6])];
    y.backward(s);
    y.grad?.zero_();
    return [s, y.grad];
  }),
  row('nor leaves of one sum with one another', 'a, b = L([1, 2]), L([3, 4]); (a + b).backward(t([1, 2])); a.grad.zero_(); b.grad', () => {
    const [a, b] = [L([1, 2]), L([3, 4])];
    a.add(b).backward(t([1, 2]));
    a.grad?.zero_();
    return b.grad;
  }),
  row('retain_grad of a leaf does nothing', 'x = L([2]); x.retain_grad(); (x * x).sum().backward(); x.grad', () => {
    const x = L([2]).retainGrad();
    x.square().sum().backward();
    return x.grad;
  }),
  row('retain_grad without requires_grad is refused', 't([2]).retain_grad()', () => t([2]).retainGrad()),
  row('retain_grad of an output keeps its start gradient', 'y = L([2]) * 3; y.retain_grad(); y.backward(t([7])); y.grad', () => {
    const y = L([2]).mul(3).retainGrad();
    y.backward(t([7]));
    return y.grad;
  }),
  row('of a view', 'x = L([1, 2, 3]); v = x[1:]; v.retain_grad(); (v * v).sum().backward(); [v.grad, x.grad]', () => {
    const x = L([1, 2, 3]);
    const v = x.slice(0, 1).retainGrad();
    v.square().sum().backward();
    return [v.grad, x.grad];
  }),
  // requires_grad
  row(
    'requires_grad of results',
    'x, c = L([1]), t([1]); [(x + c).requires_grad, (c + c).requires_grad, x.gt(0).requires_grad, x.argmax().requires_grad, x.detach().requires_grad]',
    () => {
      const [x, c] = [L([1]), t([1])];
      return [x.add(c), c.add(c), x.gt(0), x.argmax(), x.detach()].map((r) => r.requiresGrad);
    },
  ),
  row('is_leaf of results', 'x, c = L([1]), t([1]); [r.is_leaf for r in [x, c, x + c, c + c, x.detach(), x.gt(0), x.view(1)]]', () => {
    const [x, c] = [L([1]), t([1])];
    return [x, c, x.add(c), c.add(c), x.detach(), x.gt(0), x.view(1)].map((r) => r.isLeaf);
  }),
  row('a result cannot give up its graph', '(L([1]) * 2).requires_grad_(False)', () => L([1]).mul(2).requiresGrad_(false)),
  row('that it requires a gradient may be said', '(L([1]) * 2).requires_grad_().requires_grad', () => L([1]).mul(2).requiresGrad_().requiresGrad),
  row('int32 cannot require a gradient', 'I([1]).requires_grad_()', () => I([1]).requiresGrad_()),
  row('nor bool when it is made', 'torch.tensor([True], requires_grad=True)', () => tensor([true], { requiresGrad: true })),
  row('nor may bool be set', 'B([True]).requires_grad = True', () => {
    B([true]).requiresGrad = true;
  }),
  row('a leaf that is frozen before backward gets none', 'a, b = L([1]), L([2]); y = a * b; a.requires_grad = False; y.sum().backward(); [a.grad, b.grad]', () => {
    const [a, b] = [L([1]), L([2])];
    const y = a.mul(b);
    a.requiresGrad = false;
    y.sum().backward();
    return [a.grad, b.grad];
  }),
  row('one that is thawed after the forward gets none', 'a, b = t([1]), L([2]); y = a * b; a.requires_grad = True; y.sum().backward(); [a.grad, b.grad]', () => {
    const [a, b] = [t([1]), L([2])];
    const y = a.mul(b);
    a.requiresGrad = true;
    y.sum().backward();
    return [a.grad, b.grad];
  }),
  row('a gradient is row-major like its leaf', 'x = L([[1, 2], [3, 4]]); (x.t() * t([[1, 2], [3, 4]])).sum().backward(); [x.grad, x.grad.is_contiguous()]', () => {
    const x = L([[1, 2], [3, 4]]); // biome-ignore format: a matrix
    x.t().mul(t([[1, 2], [3, 4]])).sum().backward(); // biome-ignore format: a matrix
    return [x.grad, x.grad?.isContiguous()];
  }),
  row(
    'a parameter requires a gradient, also from a tensor that does not',
    'p = nn.Parameter(t([1, 2])); [p.requires_grad, p.is_leaf, nn.Parameter(L([1]) * 2).is_leaf, nn.Parameter(t([1]), requires_grad=False).requires_grad]',
    () => {
      const p = new nn.Parameter(t([1, 2]));
      return [p.requiresGrad, p.isLeaf, new nn.Parameter(L([1]).mul(2)).isLeaf, new nn.Parameter(t([1]), { requiresGrad: false }).requiresGrad];
    },
  ),
];
