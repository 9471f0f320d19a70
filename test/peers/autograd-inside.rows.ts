// PyTorch's test_autograd: passes inside hooks, hooks after accumulation, a part that is computed again in backward.
import { autograd, enableGrad, noGrad, optim, type Tensor } from 'gradloom';
import { L, type Row, row, t } from './row.ts';

const { grad } = autograd;

export const rows: readonly Row[] = [
  // Passes inside hooks
  row(
    'a pass in a hook leaves the pass around it whole',
    'x = L([2]); a = 3 * x; c, d, e = 5 * a, 7 * a, 11 * a; n = []; c.register_hook(lambda g: n.append(torch.autograd.grad(e, x, retain_graph=True)[0])); (c + d).sum().backward(); [n, x.grad]',
    () => {
      const x = L([2]);
      const a = x.mul(3);
      const [c, d, e] = [a.mul(5), a.mul(7), a.mul(11)];
      const n: Tensor[] = [];
      c.registerHook(() => void n.push(grad(e, x, { retainGraph: true })[0] as Tensor));
      c.add(d).sum().backward();
      return [n, x.grad];
    },
  ),
  row(
    'also where it fills .grad',
    'x = L([2]); a = x.sin(); c, d, e = a * 5, a.exp(), (a * a).sum(); c.register_hook(lambda g: e.backward(retain_graph=True)); (c + d).sum().backward(); x.grad',
    () => {
      const x = L([2]);
      const a = x.sin();
      const [c, d, e] = [a.mul(5), a.exp(), a.mul(a).sum()];
      c.registerHook(() => e.backward({ retainGraph: true }));
      c.add(d).sum().backward();
      return x.grad;
    },
  ),
  row(
    'a hook that goes backward through its own graph at three levels',
    'x = L([1.5]); n = [0]\ndef f(g):\n  n[0] += 1\n  if n[0] < 3:\n    with torch.enable_grad(): y = (x * x); y.register_hook(f); y.sum().backward()\ny = x * 2; y.register_hook(f); y.sum().backward(); [n, x.grad]',
    () => {
      const x = L([1.5]);
      let n = 0;
      const f = (): void => {
        n++;
        if (n >= 3) return;
        const y = enableGrad(() => x.mul(x));
        y.registerHook(f);
        enableGrad(() => y.sum().backward());
      };
      const y = x.mul(2);
      y.registerHook(f);
      y.sum().backward();
      return [[n], x.grad];
    },
  ),
  // After accumulation
  row(
    'a hook after accumulation sees .grad',
    'p = L([1, 2]); n = []; p.register_post_accumulate_grad_hook(lambda q: n.append(q.grad.clone())); (p * 3).sum().backward(); (p * 3).sum().backward(); n',
    () => {
      const p = L([1, 2]);
      const n: Tensor[] = [];
      p.registerPostAccumulateGradHook((q) => void n.push((q.grad as Tensor).clone()));
      p.mul(3).sum().backward();
      p.mul(3).sum().backward();
      return n;
    },
  ),
  row(
    'it may step and clear',
    'p = L([1, 2]); o = optim.SGD([p], lr=0.1); p.register_post_accumulate_grad_hook(lambda q: (o.step(), o.zero_grad())[1]); (p * p).sum().backward(); [p, p.grad]',
    () => {
      const p = L([1, 2]);
      const o = new optim.SGD([p], { lr: 0.1 });
      p.registerPostAccumulateGradHook(() => {
        o.step();
        o.zeroGrad();
      });
      p.mul(p).sum().backward();
      return [p, p.grad];
    },
  ),
  row(
    'two run in order, one registered twice runs twice, one removed not',
    'p = L([1]); n = []; f = lambda q: n.append("f"); h = lambda q: n.append("h"); A = p.register_post_accumulate_grad_hook; A(f); A(h); A(f); k = A(h); k.remove(); p.sum().backward(); n',
    () => {
      const p = L([1]);
      const n: string[] = [];
      const f = (): void => void n.push('f');
      const h = (): void => void n.push('h');
      p.registerPostAccumulateGradHook(f);
      p.registerPostAccumulateGradHook(h);
      p.registerPostAccumulateGradHook(f);
      p.registerPostAccumulateGradHook(h).remove();
      p.sum().backward();
      return n;
    },
  ),
  row(
    'it runs after the hooks on the gradient',
    'p = L([1]); n = []; p.register_post_accumulate_grad_hook(lambda q: n.append(["after", q.grad.clone()])); p.register_hook(lambda g: (n.append("hook"), g * 4)[1]); p.sum().backward(); n',
    () => {
      const p = L([1]);
      const n: unknown[] = [];
      p.registerPostAccumulateGradHook((q) => void n.push(['after', q.grad?.clone()]));
      p.registerHook((g) => {
        n.push('hook');
        return g.mul(4);
      });
      p.sum().backward();
      return n;
    },
  ),
  row('grad does not run it', 'p = L([1]); n = []; p.register_post_accumulate_grad_hook(lambda q: n.append(1)); torch.autograd.grad((p * 2).sum(), p); len(n)', () => {
    const p = L([1]);
    let n = 0;
    p.registerPostAccumulateGradHook(() => void n++);
    grad(p.mul(2).sum(), p);
    return n;
  }),
  row(
    'backward with inputs that leave it out does not either',
    'p, q = L([1]), L([2]); n = []; p.register_post_accumulate_grad_hook(lambda q: n.append(1)); (p * q).sum().backward(inputs=[q]); [len(n), p.grad, q.grad]',
    () => {
      const [p, q] = [L([1]), L([2])];
      let n = 0;
      p.registerPostAccumulateGradHook(() => void n++);
      p.mul(q)
        .sum()
        .backward({ inputs: [q] });
      return [n, p.grad, q.grad];
    },
  ),
  row(
    'it runs once for a leaf used often',
    'p = L([1]); n = []; p.register_post_accumulate_grad_hook(lambda q: n.append(q.grad.clone())); (p * p + p.exp() + p).sum().backward(); n',
    () => {
      const p = L([1]);
      const n: Tensor[] = [];
      p.registerPostAccumulateGradHook((q) => void n.push((q.grad as Tensor).clone()));
      p.mul(p).add(p.exp()).add(p).sum().backward();
      return n;
    },
  ),
  row('only leaves have it', '(L([1]) * 2).register_post_accumulate_grad_hook(lambda q: None)', () =>
    L([1])
      .mul(2)
      .registerPostAccumulateGradHook(() => {}),
  ),
  row('and only those that require a gradient', 't([1]).register_post_accumulate_grad_hook(lambda q: None)', () => t([1]).registerPostAccumulateGradHook(() => {})),
  // A part that is computed again in backward (checkpoint), by a hook
  row(
    'a part that is recomputed in a hook',
    'w, x = L([.2, .3]), L([4, 5]); f = lambda w, x: (w * x).tanh() * x\nwith torch.no_grad(): y = f(w, x)\ny.requires_grad_()\ndef again(g):\n  with torch.enable_grad(): torch.autograd.backward(f(w, x), g)\ny.register_hook(again); (y * y).sum().backward(); [w.grad, x.grad]',
    () => {
      const [w, x] = [L([0.2, 0.3]), L([4, 5])];
      const f = (): Tensor => w.mul(x).tanh().mul(x);
      const y = noGrad(f).requiresGrad_();
      y.registerHook((g) => enableGrad(() => autograd.backward(f(), g)));
      y.mul(y).sum().backward();
      return [w.grad, x.grad];
    },
  ),
];
