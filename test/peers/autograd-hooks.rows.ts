// PyTorch's test_autograd: hooks on gradients.
import { autograd, type Tensor } from 'gradloom';
import { differing, I, L, type Row, row, t } from './row.ts';

const { grad } = autograd;

export const rows: readonly Row[] = [
  row('a hook sees the gradient and may return nothing', 'x = L([1, 2]); s = []; x.register_hook(lambda g: s.append(g.clone())); (x * 3).sum().backward(); [s, x.grad]', () => {
    const x = L([1, 2]);
    const s: Tensor[] = [];
    x.registerHook((g) => void s.push(g.clone()));
    x.mul(3).sum().backward();
    return [s, x.grad];
  }),
  row('a hook that returns None leaves the gradient', 'x = L([1, 2]); x.register_hook(lambda g: None); (x * 3).sum().backward(); x.grad', () => {
    const x = L([1, 2]);
    x.registerHook(() => null);
    x.mul(3).sum().backward();
    return x.grad;
  }),
  row('what a hook returns goes on', 'x = L([1, 2]); y = x * 3; y.register_hook(lambda g: g * 10); y.retain_grad(); (y * y).sum().backward(); [y.grad, x.grad]', () => {
    const x = L([1, 2]);
    const y = x.mul(3);
    y.registerHook((g) => g.mul(10));
    y.retainGrad();
    y.mul(y).sum().backward();
    return [y.grad, x.grad];
  }),
  row(
    'retain_grad before the hook keeps what the hook left',
    'x = L([1, 2]); y = x * 3; y.retain_grad(); y.register_hook(lambda g: g * 10); (y * y).sum().backward(); [y.grad, x.grad]',
    () => {
      const x = L([1, 2]);
      const y = x.mul(3).retainGrad();
      y.registerHook((g) => g.mul(10));
      y.mul(y).sum().backward();
      return [y.grad, x.grad];
    },
  ),
  row('hooks run in order of registration', 'x = L([1, 2]); x.register_hook(lambda g: g + 1); x.register_hook(lambda g: g * 10); (x * 3).sum().backward(); x.grad', () => {
    const x = L([1, 2]);
    x.registerHook((g) => g.add(1));
    x.registerHook((g) => g.mul(10));
    x.mul(3).sum().backward();
    return x.grad;
  }),
  row('one registered twice runs twice', 'x = L([1, 2]); f = lambda g: g * 2; x.register_hook(f); x.register_hook(f); x.sum().backward(); x.grad', () => {
    const x = L([1, 2]);
    const f = (g: Tensor): Tensor => g.mul(2);
    x.registerHook(f);
    x.registerHook(f);
    x.sum().backward();
    return x.grad;
  }),
  row('removing one handle leaves the other', 'x = L([1, 2]); f = lambda g: g * 2; h = x.register_hook(f); x.register_hook(f); h.remove(); x.sum().backward(); x.grad', () => {
    const x = L([1, 2]);
    const f = (g: Tensor): Tensor => g.mul(2);
    const h = x.registerHook(f);
    x.registerHook(f);
    h.remove();
    x.sum().backward();
    return x.grad;
  }),
  row(
    'a handle is removed twice without harm',
    'x = L([1]); f = lambda g: g * 2; h = x.register_hook(f); x.register_hook(f); h.remove(); h.remove(); x.sum().backward(); x.grad',
    () => {
      const x = L([1]);
      const f = (g: Tensor): Tensor => g.mul(2);
      const h = x.registerHook(f);
      x.registerHook(f);
      h.remove();
      h.remove();
      x.sum().backward();
      return x.grad;
    },
  ),
  row(
    'one removed before the pass does not run, one removed after a pass no more',
    'x = L([1]); h = x.register_hook(lambda g: g * 2); x.sum().backward(); h.remove(); x.sum().backward(); x.grad',
    () => {
      const x = L([1]);
      const h = x.registerHook((g) => g.mul(2));
      x.sum().backward();
      h.remove();
      x.sum().backward();
      return x.grad;
    },
  ),
  row(
    'a hook that removes itself runs once',
    'x = L([1]); n = []; h = x.register_hook(lambda g: (n.append(1), h.remove())[1]); x.sum().backward(); x.sum().backward(); [len(n), x.grad]',
    () => {
      const x = L([1]);
      let n = 0;
      const h = x.registerHook(() => {
        n++;
        h.remove();
      });
      x.sum().backward();
      x.sum().backward();
      return [n, x.grad];
    },
  ),
  row('a hook that is removed between forward and backward', 'x = L([1]); y = x * 2; h = y.register_hook(lambda g: g * 5); z = y.sum(); h.remove(); z.backward(); x.grad', () => {
    const x = L([1]);
    const y = x.mul(2);
    const h = y.registerHook((g) => g.mul(5));
    const z = y.sum();
    h.remove();
    z.backward();
    return x.grad;
  }),
  row('a hook of another shape is refused', 'x = L([1, 2]); x.register_hook(lambda g: g.sum()); x.sum().backward()', () => {
    const x = L([1, 2]);
    x.registerHook((g) => g.sum());
    x.sum().backward();
  }),
  row('a number is refused', 'x = L([1, 2]); x.register_hook(lambda g: 3); x.sum().backward()', () => {
    const x = L([1, 2]);
    x.registerHook((() => 3) as never);
    x.sum().backward();
  }),
  row('an int32 gradient from a hook is refused', 'x = L([1, 2]); x.register_hook(lambda g: I([1, 2])); x.sum().backward()', () => {
    const x = L([1, 2]);
    x.registerHook(() => I([1, 2]));
    x.sum().backward();
  }),
  row('a bool one between too', 'x = L([1, 2]); y = x * 2; y.register_hook(lambda g: g > 0); y.sum().backward()', () => {
    const y = L([1, 2]).mul(2);
    y.registerHook((g) => g.gt(0));
    y.sum().backward();
  }),
  row('a hook needs a tensor that requires a gradient', 't([1]).register_hook(lambda g: g)', () => t([1]).registerHook((g) => g)),
  row(
    'a hook runs once with the whole gradient',
    'x = L([1, 2]); n = []; y = x * 2; y.register_hook(lambda g: n.append(g.clone())); (y + y * y + y.sin()).sum().backward(); n',
    () => {
      const y = L([1, 2]).mul(2);
      const n: Tensor[] = [];
      y.registerHook((g) => void n.push(g.clone()));
      y.add(y.mul(y)).add(y.sin()).sum().backward();
      return n;
    },
  ),
  row(
    'hooks run from the output to the leaves',
    'x = L([1.]); n = []; a = x * 2; b = a.sin(); [v.register_hook(lambda g, k=k: n.append(k)) for k, v in [("x", x), ("a", a), ("b", b)]]; b.sum().backward(); n',
    () => {
      const n: string[] = [];
      const x = L([1]);
      const a = x.mul(2);
      const b = a.sin();
      for (const [k, v] of [['x', x], ['a', a], ['b', b]] as const) v.registerHook(() => void n.push(k)); // biome-ignore format: pairs
      b.sum().backward();
      return n;
    },
  ),
  differing(
    'a gradient is taken after its hooks, also where those behind it are asked for',
    'grad runs hooks too, of inputs and between',
    'x = L([1, 2]); y = x * 3; y.register_hook(lambda g: g * 2); x.register_hook(lambda g: g + 1); torch.autograd.grad((y * y).sum(), [y, x])',
    () => {
      const x = L([1, 2]);
      const y = x.mul(3);
      y.registerHook((g) => g.mul(2));
      x.registerHook((g) => g.add(1));
      return grad(y.mul(y).sum(), [y, x]);
    },
  ),
  row('grad runs the hooks of its only input', 'x = L([1, 2]); y = x * 3; y.register_hook(lambda g: g * 2); torch.autograd.grad((y * y).sum(), y)', () => {
    const y = L([1, 2]).mul(3);
    y.registerHook((g) => g.mul(2));
    return grad(y.mul(y).sum(), y);
  }),
  row('no hook runs where no gradient arrives', 'a, b = L([1]), L([2]); n = []; b.register_hook(lambda g: n.append(1)); (a * 2).sum().backward(); len(n)', () => {
    const [a, b] = [L([1]), L([2])];
    let n = 0;
    b.registerHook(() => void n++);
    a.mul(2).sum().backward();
    return n;
  }),
  row(
    'a hook on an overwritten tensor stays with the old value',
    'x = L([1, 2]); y = x * 2; n = []; y.register_hook(lambda g: n.append(g.clone())); y.mul_(3); y.sum().backward(); [n, x.grad]',
    () => {
      const x = L([1, 2]);
      const y = x.mul(2);
      const n: Tensor[] = [];
      y.registerHook((g) => void n.push(g.clone()));
      y.mul_(3);
      y.sum().backward();
      return [n, x.grad];
    },
  ),
  row('retain_grad goes with the tensor to its new value', 'x = L([1, 2]); y = x * 2; y.retain_grad(); y.mul_(3); (y * y).sum().backward(); [y.grad, x.grad]', () => {
    const x = L([1, 2]);
    const y = x.mul(2).retainGrad();
    y.mul_(3);
    y.mul(y).sum().backward();
    return [y.grad, x.grad];
  }),
  row(
    'a hook of create_graph is differentiated',
    'x = L([2]); x.register_hook(lambda g: g * g); g, = torch.autograd.grad((x ** 3).sum(), x, create_graph=True); torch.autograd.grad(g.sum(), x)',
    () => {
      const x = L([2]);
      x.registerHook((g) => g.mul(g));
      const [g] = grad(x.pow(3).sum(), x, { createGraph: true }) as [Tensor];
      return grad(g.sum(), x);
    },
  ),
  row(
    'inside a hook gradients are off',
    'x = L([2]); n = []; x.register_hook(lambda g: n.append([torch.is_grad_enabled(), (x * 2).requires_grad])); (x * 3).sum().backward(); n',
    () => {
      const x = L([2]);
      const n: unknown[] = [];
      x.registerHook((g) => void n.push([g.requiresGrad, x.mul(2).requiresGrad]));
      x.mul(3).sum().backward();
      return n;
    },
  ),
  row(
    'with create_graph they are on',
    'x = L([2]); n = []; x.register_hook(lambda g: n.append([g.requires_grad, (x * 2).requires_grad])); (x ** 3).sum().backward(create_graph=True); n',
    () => {
      const x = L([2]);
      const n: unknown[] = [];
      x.registerHook((g) => void n.push([g.requiresGrad, x.mul(2).requiresGrad]));
      x.pow(3).sum().backward({ createGraph: true });
      return n;
    },
  ),
  row(
    'an error in a hook comes through, and the next pass is whole',
    'x = L([2]); b = [True]\ndef f(g):\n  if b[0]: raise RuntimeError("x")\nx.register_hook(f)\ntry: (x * 3).sum().backward()\nexcept RuntimeError: pass\nb[0] = False; (x * 3).sum().backward(); x.grad',
    () => {
      const x = L([2]);
      let bad = true;
      x.registerHook(() => {
        if (bad) throw new Error('x');
      });
      try {
        x.mul(3).sum().backward();
      } catch {}
      bad = false;
      x.mul(3).sum().backward();
      return x.grad;
    },
  ),
];
