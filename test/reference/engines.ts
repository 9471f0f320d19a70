// The engines that programs run on: the reference in float64, and the library.
import { autograd, GradloomError, multiloss, noGrad, optim, type Tensor, tensor } from 'gradloom';
import { backward, grad, retain, severalLosses } from './backward.ts';
import type { Engine } from './program.ts';
import * as r from './tensor.ts';
import { type Ref, Refusal } from './tensor.ts';

/** Which element of x (by its place row by row) each element of a view shows. */
export function viewOf(f: string, shape: readonly number[], args: readonly number[]): { shape: number[]; map: number[] } {
  const [a = 0, b = 0, c = 0] = args;
  const flat = Array.from({ length: r.sizeOf(shape) }, (_, i) => i);
  const inner = shape.slice(a + 1).reduce((n, d) => n * d, 1);
  const along = (i: number): number => Math.floor(i / inner) % (shape[a] as number);
  switch (f) {
    case 'reshape':
      return { shape: [...args], map: flat };
    case 'transpose': {
      const [n, m] = shape as [number, number];
      return { shape: [m, n], map: flat.map((i) => (i % n) * m + Math.floor(i / n)) };
    }
    case 'slice':
      return { shape: shape.map((d, i) => (i === a ? c - b : d)), map: flat.filter((i) => along(i) >= b && along(i) < c) };
    case 'select':
      return { shape: shape.filter((_, i) => i !== a), map: flat.filter((i) => along(i) === b) };
    case 'unsqueeze':
      return { shape: shape.toSpliced(a, 0, 1), map: flat };
    case 'expand':
      return { shape: [...args], map: r.broadcastMap(shape, args) };
    default:
      throw new Error(f);
  }
}

const binaries: Record<string, (a: Ref, b: Ref) => Ref> = { add: r.add, sub: r.sub, mul: r.mul, div: r.div };
const unaries: Record<string, (x: Ref, c: number) => Ref> = {
  neg: r.neg,
  exp: r.exp,
  sin: r.sin,
  tanh: r.tanh,
  sigmoid: r.sigmoid,
  square: r.square,
  scale: r.scale,
  shift: r.shift,
};

export const reference: Engine<Ref> = {
  leaf(shape, data, requiresGrad) {
    const y = r.fresh(shape, data);
    y.wants = requiresGrad;
    return y;
  },
  unary: (f, x, c) => (unaries[f] as (x: Ref, c: number) => Ref)(x, c),
  binary: (f, x, y) => (binaries[f] as (a: Ref, b: Ref) => Ref)(x, y),
  matmul: r.matmul,
  sum(x, dim, keepdim) {
    const kept = x.shape.map((d, i) => (dim === null || i === dim ? 1 : d));
    const shape = keepdim ? kept : x.shape.filter((_, i) => dim !== null && i !== dim);
    return r.sumInto(x, r.broadcastMap(kept, x.shape), shape);
  },
  view(f, x, args) {
    const { map, shape } = viewOf(f, x.shape, args);
    return r.view(x, map, shape);
  },
  clone: r.clone,
  detach: r.detach,
  write(f, x, y) {
    const [name, over] = [f.slice(0, -1), f === 'copy_' || f === 'fill_' || f === 'zero_'];
    r.write(
      x,
      (old) => (over ? (typeof y === 'number' ? r.full(x.shape, y) : r.clone(y)) : (binaries[name] as (a: Ref, b: Ref) => Ref)(old, typeof y === 'number' ? r.full([], y) : y)),
      over,
    );
  },
  noGrad: (fn) => r.withMode(false, fn),
  requiresGrad: r.requires,
  setRequiresGrad(x, on) {
    if (!r.isLeaf(x)) {
      if (on) return;
      throw new Refusal('GRAPH', 'only leaves');
    }
    x.wants = on;
  },
  isLeaf: r.isLeaf,
  retain(x) {
    if (!r.requires(x)) throw new Refusal('GRAPH', 'does not require a gradient');
    retain(x);
  },
  hook(x, run) {
    const place = r.nodeOf(x) ?? (x.wants ? x : null);
    if (!place) throw new Refusal('GRAPH', 'does not require a gradient');
    const hook = { id: 0, run };
    place.hooks.push(hook);
    return () => {
      place.hooks = place.hooks.filter((h) => h !== hook);
    };
  },
  postHook(x, run) {
    if (!r.isLeaf(x) || !x.wants) throw new Refusal('GRAPH', 'only leaves');
    const hook = { id: 0, run };
    x.postHooks.push(hook);
    return () => {
      x.postHooks = x.postHooks.filter((h) => h !== hook);
    };
  },
  backward: (roots, seeds, inputs, retainGraph, createGraph) => backward(roots, seeds, { retainGraph, createGraph, ...(inputs && { inputs }) }),
  grad: (root, inputs, retainGraph, createGraph) => grad(root, inputs, { retainGraph, createGraph }).map((g) => g && r.withMode(createGraph, () => r.clone(g))),
  losses(losses, weights, needs, retainGraph) {
    if (needs === 'losses')
      backward(
        losses,
        weights.map((w, i) => r.full(losses[i]?.shape ?? [], w)),
        { retainGraph },
      );
    else severalLosses(losses, weights, { retainGraph });
  },
  gradOf: (x) => x.grad,
  setGrad(x, g) {
    x.grad = g;
  },
  zeroGrad(x) {
    const g = x.grad;
    if (!g) return;
    // A view cannot be taken off a graph; zeros take its place.
    if (g.base && r.nodeOf(g)) {
      x.grad = r.full(g.shape, 0);
      return;
    }
    g.node = null;
    g.wants = false;
    r.withMode(false, () => r.write(g, () => r.full(g.shape, 0), true));
  },
  shape: (x) => x.shape,
  values: (x) => x.values,
  code: (e) => (e instanceof Refusal ? e.code : `${(e as Error).stack}`),
};

const fixed = (needs: 'losses' | 'gramian', weights: number[]): multiloss.Method => ({
  name: 'fixed',
  needs,
  weights: () => Float64Array.from(weights),
  stateDict: () => ({}),
  loadStateDict: () => {},
  reset: () => {},
});

export const library: Engine<Tensor> = {
  leaf: (shape, data, requiresGrad) => tensor(Float32Array.from(data), { shape, requiresGrad }),
  unary(f, x, c) {
    if (f === 'scale') return x.mul(c);
    if (f === 'shift') return x.add(c);
    return x[f as 'exp']();
  },
  binary: (f, x, y) => x[f as 'add'](y),
  matmul: (x, y) => x.matmul(y),
  sum: (x, dim, keepdim) => x.sum(dim === null ? { keepdim } : { dim, keepdim }),
  view(f, x, args) {
    const [a = 0, b = 0, c = 0] = args;
    if (f === 'reshape') return x.reshape(args);
    if (f === 'expand') return x.expand(args);
    if (f === 'transpose') return x.transpose(0, 1);
    if (f === 'slice') return x.slice(a, b, c);
    return f === 'select' ? x.select(a, b) : x.unsqueeze(a);
  },
  clone: (x) => x.clone(),
  detach: (x) => x.detach(),
  write(f, x, y) {
    if (f === 'zero_') x.zero_();
    else if (f === 'copy_') x.copy_(y as Tensor);
    else if (f === 'fill_') x.fill_(y as number);
    else x[f as 'add_'](y);
  },
  noGrad,
  requiresGrad: (x) => x.requiresGrad,
  setRequiresGrad(x, on) {
    x.requiresGrad = on;
  },
  isLeaf: (x) => x.isLeaf,
  retain: (x) => void x.retainGrad(),
  hook(x, fn) {
    const handle = x.registerHook((g) => fn(g));
    return () => handle.remove();
  },
  postHook(x, fn) {
    const handle = x.registerPostAccumulateGradHook((leaf) => fn(leaf));
    return () => handle.remove();
  },
  backward: (roots, gradient, inputs, retainGraph, createGraph) => autograd.backward(roots, { gradient, retainGraph, createGraph, ...(inputs && { inputs }) }),
  // As in PyTorch, a gradient may be an expanded view, or what a hook has kept: copied, since programs write to it.
  grad: (root, inputs, retainGraph, createGraph) =>
    autograd.grad(root, inputs, { retainGraph, createGraph, allowUnused: true }).map((g) => (g ? (createGraph ? g.clone() : noGrad(() => g.clone())) : null)),
  losses(losses, weights, needs, retainGraph) {
    multiloss.backward(Object.fromEntries(losses.map((l, i) => [`l${i}`, l])), { combine: fixed(needs, weights), retainGraph });
  },
  gradOf: (x) => x.grad,
  setGrad(x, g) {
    x.grad = g;
  },
  zeroGrad: (x) => new optim.SGD([x], { lr: 1 }).zeroGrad({ setToNull: false }),
  shape: (x) => x.shape,
  values: (x) => [...x.data()],
  code: (e) => (e instanceof GradloomError ? e.code : `${(e as Error).stack}`),
};
