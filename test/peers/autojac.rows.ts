// TorchJD's tests of autojac: backward, mtl_backward, jac, jac_to_grad. Here a pass over several losses combines at once, and `jacobian` returns the rows.
import { multiloss as M, type Tensor } from 'gradloom';
import { L, type Row, t } from './row.ts';

const REGULARIZED = { normEps: 1e-4, regEps: 1e-4 };

/** Methods by TorchJD's name; the same numbers by both. */
const methods: readonly (readonly [py: string, make: () => M.Method])[] = [
  ['Mean()', () => new M.Mean()],
  ['Sum()', () => new M.Sum()],
  ['Constant(t([1, 2]))', () => new M.Constant([1, 2])],
  ['UPGrad()', () => new M.UPGrad(REGULARIZED)],
  ['UPGrad(t([1, 2]))', () => new M.UPGrad({ ...REGULARIZED, preference: [1, 2] })],
  ['DualProj()', () => new M.DualProj(REGULARIZED)],
  ['MGDA(1e-9, 100000)', () => new M.MGDA()],
  ['CAGrad(c=0.5)', () => new M.CAGrad({ c: 0.5 })],
  ['IMTLG()', () => new M.IMTLG()],
  ['ConFIG()', () => new M.ConFIG()],
  ['AlignedMTL()', () => new M.AlignedMTL()],
  ['PCGrad()', () => new M.PCGrad()],
  ['GradVac()', () => new M.GradVac()],
];

/** Two losses of two parameters that share all. */
const two = (): { a: Tensor; b: Tensor; p: Tensor; q: Tensor } => {
  const [p, q] = [L([1, -2]), L([[3], [0.5]])];
  return { a: p.mul(t([-1, 1])).sum().add(q.square().sum()), b: p.square().sum().add(q.sum()).add(p.mul(q.sum()).sum()), p, q }; // biome-ignore format: one line
};
const TWO = 'p, q = L([1, -2]), L([[3], [0.5]]); a, b = (p * t([-1, 1])).sum() + q.square().sum(), p.square().sum() + q.sum() + (p * q.sum()).sum()';

/** A trunk of two parameters, features, and a head for each of three tasks. */
interface Tasks {
  shared: Tensor[];
  heads: Tensor[];
  features: Tensor;
  losses: { a: Tensor; b: Tensor; c: Tensor };
}
function tasks(): Tasks {
  const [u, v] = [L([1, -1]), L([[2, 0.5], [-1, 1]])]; // biome-ignore format: a matrix
  const heads = [L([1, 2]), L([-3, 1]), L([0.5])];
  const [h, k, l] = heads as [Tensor, Tensor, Tensor];
  const features = v.matmul(u.reshape([2, 1])).reshape([2]).square(); // biome-ignore format: one line
  return { shared: [u, v], heads, features, losses: { a: features.mul(h).sum(), b: features.add(k).square().sum(), c: features.sum().neg().mul(l).sum() } };
}
const TASKS = `u, v = L([1, -1]), L([[2, 0.5], [-1, 1]])
h, k, l = L([1, 2]), L([-3, 1]), L([0.5])
f = (v @ u).square()
a, b, c = (f * h).sum(), (f + k).square().sum(), (-f.sum() * l).sum()
`;
const grads = (list: readonly Tensor[]): unknown => list.map((p) => p.grad);
const toGrad = (list: string, method: string): string => `autojac.jac_to_grad([${list}], aggregation.${method})`;

// Clarabel solves CAGrad's cone program to about 1e-5.
const near = (py: string): Pick<Row, 'tolerance'> => (py.startsWith('CAGrad') ? { tolerance: [1e-4, 1e-5] } : {});

const ofMethods = methods.flatMap(([py, make]): Row[] => [
  {
    name: `backward, then jac_to_grad: ${py}`,
    js: () => {
      const { a, b, p, q } = two();
      M.backward({ a, b }, { combine: make() });
      return grads([p, q]);
    },
    py: `${TWO}; autojac.backward([a, b]); ${toGrad('p, q', py)}; return [p.grad, q.grad]`,
    ...near(py),
  },
  {
    name: `mtl_backward of two tasks: ${py}`,
    js: () => {
      const { losses, shared, heads } = tasks();
      M.backward({ a: losses.a, b: losses.b }, { combine: make(), heads: 'unweighted' });
      return grads([...shared, ...heads]);
    },
    py: `${TASKS}\nautojac.mtl_backward([a, b], features=f); ${toGrad('u, v', py)}\nreturn [p.grad for p in (u, v, h, k, l)]`,
    ...near(py),
  },
]);

/** The weights that jac_to_grad returns. */
const weights = methods
  .filter(([py]) => py !== 'ConFIG()')
  .map(
    ([py, make]): Row => ({
      name: `jac_to_grad returns the weights: ${py}`,
      js: () => {
        const { a, b } = two();
        return Object.values(M.backward({ a, b }, { combine: make() }).weights);
      },
      py: `${TWO}; autojac.backward([a, b]); return ${toGrad('p, q', py)}.tolist()`,
      ...near(py),
    }),
  );

/** A task's own gradient, or none. */
const mtl = (name: string, options: (of: Tasks) => M.MultiBackwardOptions<'a' | 'b' | 'c'>, call: string, aggregated = 'u, v', differs?: string): Row => ({
  name: `mtl_backward: ${name}`,
  js: () => {
    const all = tasks();
    M.backward(all.losses, { combine: new M.UPGrad(REGULARIZED), ...options(all) });
    return grads([...all.shared, ...all.heads]);
  },
  py: `${TASKS}\n${call}; ${toGrad(aggregated, 'UPGrad()')}\nreturn [p.grad for p in (u, v, h, k, l)]`,
  ...(differs ? { differs } : {}),
});

const pair = (combine: M.Method = new M.Mean()) => ({ combine });

export const rows: readonly Row[] = [
  ...ofMethods,
  ...weights,
  {
    name: 'backward of one tensor: its elements are the losses',
    js: () => {
      const a = L([[1, 2], [3, 4]]); // biome-ignore format: a matrix
      const y = a.matmul(t([1, -1]).reshape([2, 1])).square().reshape([2]); // biome-ignore format: one line
      M.backward({ a: y.select(0, 0), b: y.select(0, 1) }, { combine: new M.Constant([1, 3]), shared: [a] });
      return a.grad;
    },
    py: `a = L([[1, 2], [3, 4]]); y = (a @ t([1, -1])).square(); autojac.backward(y); ${toGrad('a', 'Constant(t([1, 3]))')}; return a.grad`,
  },
  {
    name: 'backward of several tensors of other shapes: their elements one after the other',
    js: () => {
      const a = L([1, 2, -3]);
      const y = a.square();
      M.backward({ s: a.sum().mul(2), x: y.select(0, 0), y: y.select(0, 1), z: y.select(0, 2) }, { combine: new M.Constant([1, 2, 3, 4]), shared: [a] });
      return a.grad;
    },
    py: `a = L([1, 2, -3]); autojac.backward([a.sum() * 2, a.square()]); ${toGrad('a', 'Constant(t([1, 2, 3, 4]))')}; return a.grad`,
  },
  {
    name: 'backward of one scalar is backward',
    js: () => {
      const p = L([1, -2]);
      M.backward({ a: p.square().sum() }, pair(new M.UPGrad()));
      return p.grad;
    },
    py: `p = L([1, -2]); autojac.backward([p.square().sum()]); ${toGrad('p', 'UPGrad()')}; return p.grad`,
    tolerance: [2e-4, 0], // TorchJD adds 1e-4 to the diagonal.
  },
  {
    name: 'backward to some inputs only',
    js: () => {
      const { a, b, p, q } = two();
      M.backward({ a, b }, { combine: new M.UPGrad(REGULARIZED), only: { a: [p], b: [p] } });
      return grads([p, q]);
    },
    py: `${TWO}; autojac.backward([a, b], inputs=[p]); ${toGrad('p', 'UPGrad()')}; return [p.grad, q.grad]`,
  },
  {
    name: 'a tensor that is used several times',
    js: () => {
      const p = L([3]);
      const y = p.mul(p).mul(p);
      M.backward({ a: y.sum(), b: y.mul(p).add(p).sum() }, pair());
      return p.grad;
    },
    py: `p = L([3]); y = p * p * p; autojac.backward([y.sum(), (y * p + p).sum()]); ${toGrad('p', 'Mean()')}; return p.grad`,
  },
  {
    name: 'gradients are added to those that are there',
    js: () => {
      const { a, b, p, q } = two();
      p.grad = t([10, 20]);
      M.backward({ a, b }, pair());
      return grads([p, q]);
    },
    py: `${TWO}; p.grad = t([10, 20]); autojac.backward([a, b]); ${toGrad('p, q', 'Mean()')}; return [p.grad, q.grad]`,
  },
  {
    name: 'two passes add up',
    js: () => {
      const { a, b, p, q } = two();
      M.backward({ a, b }, { ...pair(), retainGraph: true });
      M.backward({ a, b }, pair(new M.Sum()));
      return grads([p, q]);
    },
    py: `${TWO}; autojac.backward([a, b], retain_graph=True); ${toGrad('p, q', 'Mean()')}; autojac.backward([a, b]); ${toGrad('p, q', 'Sum()')}; return [p.grad, q.grad]`,
  },
  {
    name: 'without retaining, the graph is gone',
    js: () => {
      const { a, b } = two();
      M.backward({ a, b }, pair());
      return M.backward({ a, b }, pair());
    },
    py: `${TWO}; autojac.backward([a, b]); return autojac.backward([a, b])`,
  },
  { name: 'no losses are refused', js: () => M.backward({}, pair()), py: 'autojac.backward([])' },
  {
    name: 'a loss without a graph is refused',
    js: () => M.backward({ a: t([1]).sum(), b: L([1]).sum() }, pair()),
    py: 'a = L([1]); autojac.backward([t([1]).sum(), a.sum()], inputs=[a]); return a.jac',
  },
  {
    name: 'the same loss twice',
    js: () => {
      const p = L([1, -2]);
      const a = p.square().sum();
      M.backward({ a, b: a }, pair(new M.Sum()));
      return p.grad;
    },
    py: 'p = L([1, -2]); a = p.square().sum(); autojac.backward([a, a]); return p.jac',
    differs: 'losses go by name, so one under two names counts twice',
  },
  {
    name: 'a parameter that no loss reaches',
    js: () => {
      const [p, q] = [L([1, 2]), L([3])];
      M.backward({ a: p.sum(), b: p.square().sum() }, { ...pair(), shared: [p, q] });
      return grads([p, q]);
    },
    py: `p, q = L([1, 2]), L([3]); autojac.backward([p.sum(), p.square().sum()], inputs=[p, q]); ${toGrad('p, q', 'Mean()')}; return [p.grad, q.grad]`,
    differs: 'TorchJD gives zeros; here it keeps a null gradient, so that an optimizer leaves it alone',
  },
  {
    name: 'parameters one by one: each resolved by its own Jacobian',
    js: () => {
      const { a, b, p, q } = two();
      M.backward({ a, b }, { combine: new M.UPGrad(REGULARIZED), groups: 'param' });
      return grads([p, q]);
    },
    py: `${TWO}; autojac.backward([a, b]); ${toGrad('p', 'UPGrad()')}; ${toGrad('q', 'UPGrad()')}; return [p.grad, q.grad]`,
  },
  {
    name: 'parameters in groups',
    js: () => {
      const { losses, shared, heads } = tasks();
      const [u, v] = shared as [Tensor, Tensor];
      M.backward(losses, { combine: new M.UPGrad(REGULARIZED), groups: [[v], [u]] });
      return grads([...shared, ...heads]);
    },
    py: `${TASKS}\nautojac.mtl_backward([a, b, c], features=f); ${toGrad('v', 'UPGrad()')}; ${toGrad('u', 'UPGrad()')}\nreturn [p.grad for p in (u, v, h, k, l)]`,
  },
  mtl('heads get their own loss\'s gradient', () => ({}), 'autojac.mtl_backward([a, b, c], features=f)'), // biome-ignore format: one line
  mtl('shared parameters said', ({ shared }) => ({ shared }), 'autojac.mtl_backward([a, b, c], features=f, shared_params=[u, v])'),
  mtl('the same one said twice', ({ shared }) => ({ shared: [...shared, ...shared] }), 'autojac.mtl_backward([a, b, c], features=f, shared_params=[u, v, u, v])'),
  mtl(
    'one shared parameter of two; the other is trained by none',
    ({ shared: [, v], heads: [h, k, l] }) => ({ shared: [v as Tensor], only: { a: [v, h], b: [v, k], c: [v, l] } as never }),
    'autojac.mtl_backward([a, b, c], features=f, shared_params=[v])',
    'v',
  ),
  mtl(
    'a head that is left out',
    ({ shared, heads: [h, , l] }) => ({ only: { a: [...shared, h as Tensor], b: shared, c: [...shared, l as Tensor] } }),
    'autojac.mtl_backward([a, b, c], features=f, tasks_params=[[h], [], [l]])',
  ),
  mtl(
    'heads weighted',
    () => ({ heads: 'weighted' }),
    'autojac.mtl_backward([a, b, c], features=f)',
    'u, v',
    "an option of its own: TorchJD's heads are never weighted by mtl_backward",
  ),
  {
    name: 'mtl_backward of one task',
    js: () => {
      const { losses, shared, heads } = tasks();
      M.backward({ a: losses.a }, pair());
      return grads([...shared, ...heads]);
    },
    py: `${TASKS}\nautojac.mtl_backward([a], features=f); ${toGrad('u, v', 'Mean()')}\nreturn [p.grad for p in (u, v, h, k, l)]`,
  },
  {
    name: 'mtl_backward: tasks with a parameter in common get the sum of its gradients',
    js: () => {
      const [p, h] = [L([1, 2]), L([3, -1])];
      const f = p.square();
      M.backward({ a: f.mul(h).sum(), b: f.sub(h).square().sum() }, { ...pair(new M.UPGrad(REGULARIZED)), shared: [p] });
      return grads([p, h]);
    },
    py: `p, h = L([1, 2]), L([3, -1]); f = p.square(); autojac.mtl_backward([(f * h).sum(), (f - h).square().sum()], features=f); ${toGrad('p', 'UPGrad()')}; return [p.grad, h.grad]`,
  },
  {
    name: 'mtl_backward: a task with a parameter more than another',
    js: () => {
      const [p, h, k] = [L([1, 2]), L([3, -1]), L([0.5])];
      const f = p.square();
      M.backward({ a: f.mul(h).sum(), b: f.sub(h).square().sum().mul(k).sum() }, { ...pair(new M.Mean()), shared: [p], heads: 'unweighted' });
      return grads([p, h, k]);
    },
    py: `p, h, k = L([1, 2]), L([3, -1]), L([0.5]); f = p.square(); autojac.mtl_backward([(f * h).sum(), ((f - h).square().sum() * k).sum()], features=f); ${toGrad('p', 'Mean()')}; return [p.grad, h.grad, k.grad]`,
  },
  {
    name: 'mtl_backward: several features',
    js: () => {
      const [p, h] = [L([1, 2]), L([3, -1])];
      const [f, e] = [p.square(), p.mul(3)];
      M.backward({ a: f.mul(h).sum(), b: f.sub(e).square().sum() }, pair(new M.UPGrad(REGULARIZED)));
      return grads([p, h]);
    },
    py: `p, h = L([1, 2]), L([3, -1]); f, e = p.square(), p * 3; autojac.mtl_backward([(f * h).sum(), (f - e).square().sum()], features=[f, e]); ${toGrad('p', 'UPGrad()')}; return [p.grad, h.grad]`,
  },
  {
    name: 'mtl_backward: a loss that is no scalar is refused',
    js: () => {
      const { losses } = tasks();
      return M.backward({ a: losses.a, b: L([1, 2]).mul(2) }, pair());
    },
    py: `${TASKS}\nreturn autojac.mtl_backward([a, f * 2], features=f)`,
  },
  { name: 'mtl_backward of no tasks is refused', js: () => M.backward({ a: null }, pair()), py: `${TASKS}\nreturn autojac.mtl_backward([], features=f)` },
  {
    name: 'mtl_backward: no shared parameters are refused',
    js: () => M.backward(tasks().losses, { ...pair(), shared: [] }),
    py: `${TASKS}\nreturn autojac.mtl_backward([a, b, c], features=[])`,
  },
  {
    name: 'jac: of two losses',
    js: () => {
      const { a, b, p, q } = two();
      return M.jacobian([a, b], [p, q]);
    },
    py: `${TWO}; return autojac.jac([a, b], [p, q])`,
  },
  {
    name: 'jac: as documented, and its Gramian',
    js: () => {
      const [w, b] = [L([[1, 2], [3, 4]]), L([0.5, -0.5])]; // biome-ignore format: a matrix
      const y = w.matmul(t([1, -1]).reshape([2, 1])).reshape([2]).add(b); // biome-ignore format: one line
      const losses = [y.select(0, 0), y.select(0, 1), w.square().sum().add(b.square().sum())];
      return [...M.jacobian(losses, [w, b], { retainGraph: true }), M.gramian(losses, [w, b])];
    },
    py: `w, b = L([[1, 2], [3, 4]]), L([0.5, -0.5]); y = w @ t([1, -1]) + b; j = autojac.jac([y, w.square().sum() + b.square().sum()], [w, b]); m = torch.cat([x.flatten(1) for x in j], 1); return [*j, m @ m.T]`,
  },
  {
    name: 'jac: zeros where a loss does not reach',
    js: () => {
      const [p, q] = [L([1, 2]), L([3])];
      return M.jacobian([p.sum(), q.square().sum()], [p, q]);
    },
    py: 'p, q = L([1, 2]), L([3]); return autojac.jac([p.sum(), q.square().sum()], [p, q])',
  },
  {
    name: 'jac: with respect to what was computed on the way',
    js: () => {
      const p = L([1, 2]);
      const h = p.square();
      return M.jacobian([h.sum(), h.select(0, 0).sub(h.select(0, 1))], [h, p]);
    },
    py: 'p = L([1, 2]); h = p.square(); return autojac.jac([h.sum(), h[0] - h[1]], [h, p])',
  },
  {
    name: 'jac: the same input twice',
    js: () => {
      const p = L([1, 2]);
      return M.jacobian([p.square().sum()], [p, p]);
    },
    py: 'p = L([1, 2]); return autojac.jac([p.square().sum()], [p, p])',
  },
  {
    name: 'jac touches no gradients, and can be asked again where the graph is retained',
    js: () => {
      const { a, b, p } = two();
      M.jacobian([a, b], [p], { retainGraph: true });
      return [...M.jacobian([a, b], [p]), p.grad];
    },
    py: `${TWO}; autojac.jac([a, b], [p], retain_graph=True); return [*autojac.jac([a, b], [p]), p.grad]`,
  },
  { name: 'jac of no losses is refused', js: () => M.jacobian([], [L([1])]), py: 'autojac.jac([], [L([1])])' },
  {
    name: 'jac to nothing',
    js: () => M.jacobian([L([1]).sum()], []),
    py: 'return list(autojac.jac([L([1]).sum()], []))',
    differs: 'TorchJD returns nothing; an empty list of parameters is nearly always a slip, and is refused',
  },
  {
    name: 'jac of a loss that requires no gradient is refused',
    js: () => M.jacobian([t([1]).sum()], [L([1])]),
    py: 'autojac.jac([t([1]).sum()], [L([1])])',
  },
  { name: 'jac to what requires no gradient is refused', js: () => M.jacobian([L([1]).sum()], [t([1])]), py: 'autojac.jac([L([1]).sum()], [t([1])])' },
  { name: 'jac_to_grad of nothing', js: null, py: `return 'error' if False else [${toGrad('', 'Mean()')}]` },
  { name: 'backward leaves the rows in .jac', js: null, py: 'p = L([1, 2]); autojac.backward([p.sum(), p.square().sum()]); return p.jac' },
  { name: 'backward from given jac_tensors', js: null, py: 'p = L([1, 2]); autojac.backward([p.square()], jac_tensors=[t([[1, 0], [1, 1]])]); return p.jac' },
];
