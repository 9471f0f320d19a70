// PyTorch's test_autograd: where backward starts, and which inputs it fills.
import { autograd, tensor } from 'gradloom';
import { differing, I, L, type Row, row, t } from './row.ts';

const { backward, grad } = autograd;
const [x3, p3] = [() => L([1, 2, 3]), 'x = L([1, 2, 3]); '];

export const rows: readonly Row[] = [
  // Where backward starts
  row('gradients of two passes add up', `${p3}y = x.exp().sum(); y.backward(retain_graph=True); y.backward(); x.grad`, () => {
    const x = x3();
    const y = x.exp().sum();
    y.backward({ retainGraph: true });
    y.backward();
    return x.grad;
  }),
  row('a second pass over freed values is refused', `${p3}y = x.exp().sum(); y.backward(); y.backward()`, () => {
    const y = x3().exp().sum();
    y.backward();
    y.backward();
  }),
  row('the pass that was refused changed nothing', `${p3}y = x.exp().sum(); y.backward()\ntry: y.backward()\nexcept RuntimeError: pass\nx.grad`, () => {
    const x = x3();
    const y = x.exp().sum();
    y.backward();
    try {
      y.backward();
    } catch {}
    return x.grad;
  }),
  row('an op that saves nothing is gone through again', `${p3}y = (x + 1).sum(); y.backward(); y.backward(); x.grad`, () => {
    const x = x3();
    const y = x.add(1).sum();
    y.backward();
    y.backward();
    return x.grad;
  }),
  row('two losses over one part need retain_graph', `${p3}h = x.tanh(); a = h.sum(); b = (h * 2).sum(); a.backward(); b.backward()`, () => {
    const h = x3().tanh();
    const [a, b] = [h.sum(), h.mul(2).sum()];
    a.backward();
    b.backward();
  }),
  row('a gradient is implied for one element only', `${p3}(x * 2).backward()`, () => x3().mul(2).backward()),
  row('one element of rank 2 will do', 'x = L([[3]]); (x * x).backward(); x.grad', () => {
    const x = L([[3]]);
    x.mul(x).backward();
    return x.grad;
  }),
  row('the start gradient weighs elements', `${p3}(x * x).backward(t([1, 10, 100])); x.grad`, () => {
    const x = x3();
    x.mul(x).backward(t([1, 10, 100]));
    return x.grad;
  }),
  row('a start gradient of another shape is refused', `${p3}(x * x).backward(t([1, 10]))`, () =>
    x3()
      .square()
      .backward(t([1, 10])),
  ),
  row('one that would broadcast too', `${p3}(x * x).backward(t([1]))`, () =>
    x3()
      .square()
      .backward(t([1])),
  ),
  differing('gradients are float32', 'an int32 start gradient is taken', `${p3}(x * x).backward(I([1, 2, 3]))`, () =>
    x3()
      .square()
      .backward(I([1, 2, 3])),
  ),
  differing('gradients are float32', 'a bool one for grad too', `${p3}torch.autograd.grad(x * x, x, B([True, False, True]))`, () =>
    grad(x3().square(), x3(), tensor([true, false, true])),
  ),
  row('a tensor without a graph is refused', 't([1, 2]).sum().backward()', () => t([1, 2]).sum().backward()),
  row('a leaf is its own root', 'x = L(3); x.backward(); x.grad', () => {
    const x = L(3);
    x.backward();
    return x.grad;
  }),
  row('a root of no elements', 'x = L([]); x.backward(t([])); x.grad', () => {
    const x = L([]);
    x.backward(t([]));
    return x.grad;
  }),
  row('several roots are one pass of their sum', `${p3}h = x * 2; torch.autograd.backward([h.sum(), h.exp().sum()]); x.grad`, () => {
    const x = x3();
    const h = x.mul(2);
    backward([h.sum(), h.exp().sum()]);
    return x.grad;
  }),
  row('a root named twice counts twice', `${p3}y = x.sin().sum(); torch.autograd.backward([y, y]); x.grad`, () => {
    const x = x3();
    const y = x.sin().sum();
    backward([y, y]);
    return x.grad;
  }),
  row('a start gradient for each root, None where 1 is meant', `${p3}torch.autograd.backward([(x * x).sum(), x * 5], [None, t([1, 0, 2])]); x.grad`, () => {
    const x = x3();
    backward([x.mul(x).sum(), x.mul(5)], { gradient: [null, t([1, 0, 2])] });
    return x.grad;
  }),
  row('fewer start gradients than roots are refused', `${p3}torch.autograd.backward([x * x, x * 5], [t([1, 0, 2])])`, () => {
    const x = x3();
    backward([x.mul(x), x.mul(5)], { gradient: [t([1, 0, 2])] });
  }),
  row('a root behind another root', `${p3}a = x * 2; b = a.exp(); torch.autograd.backward([b.sum(), a.sum()]); x.grad`, () => {
    const x = x3();
    const a = x.mul(2);
    backward([a.exp().sum(), a.sum()]);
    return x.grad;
  }),
  // inputs
  row('inputs: only those are filled', 'a, b = L(2), L(3); (a * b).backward(inputs=[a]); [a.grad, b.grad]', () => {
    const [a, b] = [L(2), L(3)];
    a.mul(b).backward({ inputs: [a] });
    return [a.grad, b.grad];
  }),
  row('inputs: a single tensor', 'a, b = L(2), L(3); (a * b).backward(inputs=b); [a.grad, b.grad]', () => {
    const [a, b] = [L(2), L(3)];
    a.mul(b).backward({ inputs: b });
    return [a.grad, b.grad];
  }),
  row('inputs: an empty list is refused', 'L(2).exp().backward(inputs=[])', () => L(2).exp().backward({ inputs: [] })),
  row('inputs: one without requires_grad is refused', 'L(2).exp().backward(inputs=[t(1)])', () =>
    L(2)
      .exp()
      .backward({ inputs: [t(1)] }),
  ),
  row('inputs: one that is not used stays without', 'a, b = L(2), L(3); a.exp().backward(inputs=[a, b]); [a.grad, b.grad]', () => {
    const [a, b] = [L(2), L(3)];
    a.exp().backward({ inputs: [a, b] });
    return [a.grad, b.grad];
  }),
  row('inputs: one between keeps its gradient', 'x = L(2); h = x * 3; (h * h).backward(inputs=[h]); [h.grad, x.grad]', () => {
    const x = L(2);
    const h = x.mul(3);
    h.mul(h).backward({ inputs: [h] });
    return [h.grad, x.grad];
  }),
  row('inputs with retain_grad count once', 'x = L([1]); y = x * 2; y.retain_grad(); (y * 3).sum().backward(inputs=[y, x]); [y.grad, x.grad]', () => {
    const x = L([1]);
    const y = x.mul(2).retainGrad();
    y.mul(3)
      .sum()
      .backward({ inputs: [y, x] });
    return [y.grad, x.grad];
  }),
  row('inputs in another order too', 'x = L([4]); y = x.sin(); y.retain_grad(); z = y * y; z.retain_grad(); z.sum().backward(inputs=[x, z, y]); [x.grad, y.grad, z.grad]', () => {
    const x = L([4]);
    const y = x.sin().retainGrad();
    const z = y.mul(y).retainGrad();
    z.sum().backward({ inputs: [x, z, y] });
    return [x.grad, y.grad, z.grad];
  }),
  row('a pass for one input leaves the rest of the graph', 'a, c = L(2), L(3); l = a.sin() + c.exp(); G = torch.autograd.grad; [G(l, a), G(l, c)]', () => {
    const [a, c] = [L(2), L(3)];
    const l = a.sin().add(c.exp());
    return [grad(l, a), grad(l, c)];
  }),
  row('backward with inputs too', 'a, c = L(2), L(3); l = a.tanh() * 2 + c.log() + a.detach(); l.backward(inputs=[a]); l.backward(inputs=[c]); [a.grad, c.grad]', () => {
    const [a, c] = [L(2), L(3)];
    const l = a.tanh().mul(2).add(c.log()).add(a.detach());
    l.backward({ inputs: [a] });
    l.backward({ inputs: [c] });
    return [a.grad, c.grad];
  }),
  row('what both need is freed', 'a, c = L(2), L(3); l = (a * c).sin(); torch.autograd.grad(l, a); torch.autograd.grad(l, c)', () => {
    const [a, c] = [L(2), L(3)];
    const l = a.mul(c).sin();
    grad(l, a);
    grad(l, c);
  }),
];
