// PyTorch's TestAutogradFunctional and torch.func.functional_call: derivatives of functions, returned.
import { autograd, functionalCall, nn, type Tensor } from 'gradloom';
import { fill, I, L, type Row, row, t } from './row.ts';

export const prelude = `
AF = torch.autograd.functional
from torch.func import functional_call
def cube(x): return (x ** 3).sum(-1)
def two(x, y): return x * y.sum(), x.sum() * y ** 2
def one(x, y): return ((x ** 2) * y.sum()).sum() + (y ** 3).sum()
`;

const F = autograd.functional;
const cube = (x: Tensor): Tensor => x.pow(3).sum(-1);
const two = (x: Tensor, y: Tensor): [Tensor, Tensor] => [x.mul(y.sum()), x.sum().mul(y.pow(2))];
const one = (x: Tensor, y: Tensor): Tensor => x.square().mul(y.sum()).sum().add(y.pow(3).sum());
const X = [
  [1, 2, 3],
  [0.5, -1, 2],
];
const [A, B] = [
  [1, -2],
  [0.5, 3, 2],
];
const [VA, VB] = [
  [0.25, 1],
  [1, -1, 2],
];
const linear = (): nn.Linear => fill(new nn.Linear(3, 2));
const LINEAR = 'm = fill(nn.Linear(3, 2))';

class Tied extends nn.Module {
  first = fill(new nn.Linear(2, 2, { bias: false }));
  second = this.first;
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}
const TIED = `
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = fill(nn.Linear(2, 2, bias=False))
        self.second = self.first
    def forward(self, x): return self.second(self.first(x))
`;

export const rows: readonly Row[] = [
  row('vjp', `AF.vjp(cube, t(${JSON.stringify(X)}), t([1, -1]))`, () => F.vjp(cube, t(X), t([1, -1]))),
  row('vjp of several', `AF.vjp(two, (t([1, -2]), t([0.5, 3, 2])), (t([0.25, 1]), t([1, -1, 2])))`, () => F.vjp(two, [t(A), t(B)], [t(VA), t(VB)])),
  row('vjp of one element needs no v', 'AF.vjp(lambda x: (x ** 2).sum(), t([1, -2]))', () => F.vjp((x) => x.square().sum(), t(A))),
  row('vjp without v of several elements is refused', 'AF.vjp(lambda x: x ** 2, t([1, -2]))', () => F.vjp((x) => x.square(), t(A))),
  row('vjp with v of another shape is refused', 'AF.vjp(lambda x: x ** 2, t([1, -2]), t([1]))', () => F.vjp((x) => x.square(), t(A), t([1]))),
  row('jvp', `AF.jvp(cube, t(${JSON.stringify(X)}), t([[1, 0, -1], [2, 1, 0.5]]))`, () =>
    F.jvp(
      cube,
      t(X),
      t([
        [1, 0, -1],
        [2, 1, 0.5],
      ]),
    ),
  ),
  row('jvp of several', 'AF.jvp(two, (t([1, -2]), t([0.5, 3, 2])), (t([0.25, 1]), t([1, -1, 2])))', () => F.jvp(two, [t(A), t(B)], [t(VA), t(VB)])),
  row('jvp of a linear function', 'AF.jvp(lambda x: x * 3, t([1, -2]), t([0.25, 1]))', () => F.jvp((x) => x.mul(3), t(A), t(VA))),
  row('jacobian', `AF.jacobian(cube, t(${JSON.stringify(X)}))`, () => F.jacobian(cube, t(X))),
  row('jacobian of several', 'AF.jacobian(two, (t([1, -2]), t([0.5, 3, 2])))', () => F.jacobian(two, [t(A), t(B)])),
  row('jacobian of a list of one', 'AF.jacobian(lambda x: (x.sum(),), (t([1, -2]),))', () => F.jacobian((x) => [x.sum()], [t(A)])),
  row('jacobian of what an output does not depend on', 'AF.jacobian(lambda x, y: x * 2, (t([1, -2]), t([3])))', () => F.jacobian((x, _y) => x.mul(2), [t(A), t([3])])),
  row('the same, strict: refused', 'AF.jacobian(lambda x, y: x * 2, (t([1, -2]), t([3])), strict=True)', () => F.jacobian((x, _y) => x.mul(2), [t(A), t([3])], { strict: true })),
  row('jacobian of a constant', 'AF.jacobian(lambda x: torch.ones(2), t([1, -2]))', () => F.jacobian(() => t([1, 1]), t(A))),
  row('jacobian goes on with createGraph', 'x = L([1, -2])\nAF.jacobian(lambda x: x ** 3, x, create_graph=True).sum().backward()\nx.grad', () => {
    const x = L(A);
    F.jacobian((y) => y.pow(3), x, { createGraph: true })
      .sum()
      .backward();
    return x.grad;
  }),
  row('without it results are detached', 'x = L([1, -2])\n[AF.jacobian(lambda x: x ** 3, x).requires_grad, AF.vjp(lambda x: x.sum(), x)[0].requires_grad]', () => {
    const x = L(A);
    return [F.jacobian((y) => y.pow(3), x).requiresGrad, F.vjp((y) => y.sum(), x)[0].requiresGrad];
  }),
  row('hessian', 'AF.hessian(lambda x: (x ** 3).sum(), t([1, -2]))', () => F.hessian((x) => x.pow(3).sum(), t(A))),
  row('hessian of several', 'AF.hessian(one, (t([1, -2]), t([0.5, 3, 2])))', () => F.hessian(one, [t(A), t(B)])),
  row('hessian of a linear function', 'AF.hessian(lambda x: x.sum() * 2, t([1, -2]))', () => F.hessian((x) => x.sum().mul(2), t(A))),
  row('hessian of several elements is refused', 'AF.hessian(lambda x: x ** 2, t([1, -2]))', () => F.hessian((x) => x.square(), t(A))),
  row('hessian goes on with createGraph', 'x = L([1, -2])\nAF.hessian(lambda x: (x ** 4).sum(), x, create_graph=True).sum().backward()\nx.grad', () => {
    const x = L(A);
    F.hessian((y) => y.pow(4).sum(), x, { createGraph: true })
      .sum()
      .backward();
    return x.grad;
  }),
  row('vhp', 'AF.vhp(one, (t([1, -2]), t([0.5, 3, 2])), (t([0.25, 1]), t([1, -1, 2])))', () => F.vhp(one, [t(A), t(B)], [t(VA), t(VB)])),
  row('hvp', 'AF.hvp(one, (t([1, -2]), t([0.5, 3, 2])), (t([0.25, 1]), t([1, -1, 2])))', () => F.hvp(one, [t(A), t(B)], [t(VA), t(VB)])),
  row('hvp of a single input', 'AF.hvp(lambda x: (x ** 3).sum(), t([1, -2]), t([0.25, 1]))', () => F.hvp((x) => x.pow(3).sum(), t(A), t(VA))),
  row('hvp of a linear function', 'AF.hvp(lambda x: x.sum(), t([1, -2]), t([0.25, 1]))', () => F.hvp((x) => x.sum(), t(A), t(VA))),

  row(
    'functionalCall',
    `${LINEAR}\nw = L([[1, 2, 3], [0, 1, 0]])\ny = functional_call(m, {'weight': w}, (t([[1, 1, 2]]),))\ny.sum().backward()\n[y, w.grad, m.weight.grad, m.bias.grad, m(t([[1, 1, 2]]))]`,
    () => {
      const [m, w] = [
        linear(),
        L([
          [1, 2, 3],
          [0, 1, 0],
        ]),
      ];
      const y = functionalCall(m, { weight: w }, [t([[1, 1, 2]])]);
      y.sum().backward();
      return [y, w.grad, m.weight.grad, m.bias?.grad, m.forward(t([[1, 1, 2]]))];
    },
  ),
  row('functionalCall of a single argument', `${LINEAR}\nfunctional_call(m, {'bias': t([1, 2])}, t([[1, 1, 2]]))`, () =>
    functionalCall(linear(), { bias: t([1, 2]) }, t([[1, 1, 2]])),
  ),
  row('functionalCall of parameters inside', `m = nn.Sequential(fill(nn.Linear(2, 2)), nn.Tanh())\nfunctional_call(m, {'0.weight': t([[1, 2], [3, 4]])}, t([1, 1]))`, () =>
    functionalCall(
      new nn.Sequential(fill(new nn.Linear(2, 2)), new nn.Tanh()),
      {
        '0.weight': t([
          [1, 2],
          [3, 4],
        ]),
      },
      t([1, 1]),
    ),
  ),
  row(
    'functionalCall of tied weights',
    `${TIED}\nm = Tied()\n[functional_call(m, {'first.weight': t([[1, 2], [3, 4]])}, t([1, 1])), functional_call(m, {'first.weight': t([[1, 2], [3, 4]])}, t([1, 1]), tie_weights=False)]`,
    () => {
      const m = new Tied();
      const given = {
        'first.weight': t([
          [1, 2],
          [3, 4],
        ]),
      };
      return [functionalCall(m, given, t([1, 1])), functionalCall(m, given, t([1, 1]), { tieWeights: false })];
    },
  ),
  row('functionalCall, strict: all must be given, else refused', `${LINEAR}\nfunctional_call(m, {'weight': m.weight}, t([1, 1, 2]), strict=True)`, () => {
    const m = linear();
    return functionalCall(m, { weight: m.weight }, t([1, 1, 2]), { strict: true });
  }),
  row('functionalCall of buffers', `m = nn.BatchNorm1d(2).eval()\nfunctional_call(m, [{'weight': t([1, 2])}, {'running_mean': t([1, -1])}], t([[1, 2], [3, 5]]))`, () =>
    functionalCall(
      new nn.BatchNorm1d(2).eval(),
      [{ weight: t([1, 2]) }, { runningMean: t([1, -1]) }],
      t([
        [1, 2],
        [3, 5],
      ]),
    ),
  ),
  row(
    'functionalCall: what is made of buffers stays with the tensor that was given',
    `m = nn.BatchNorm1d(2)\nmean = t([0, 0])\nfunctional_call(m, {'running_mean': mean}, t([[1, 2], [3, 5]]))\n[mean, m.running_mean, m.num_batches_tracked]`,
    () => {
      const [m, mean] = [new nn.BatchNorm1d(2), t([0, 0])];
      functionalCall(
        m,
        { running_mean: mean },
        t([
          [1, 2],
          [3, 5],
        ]),
      );
      return [mean, m.runningMean, m.numBatchesTracked];
    },
  ),
  row(
    'an error in forward leaves the module as it was',
    `${LINEAR}\ntry: functional_call(m, {'weight': t([[1, 2]])}, t([1, 1, 2]))\nexcept RuntimeError: pass\nm(t([1, 1, 2]))`,
    () => {
      const m = linear();
      try {
        functionalCall(m, { weight: t([[1, 2]]) }, t([1, 1, 2]));
      } catch {}
      return m.forward(t([1, 1, 2]));
    },
  ),
  row(
    'what an optimizer does to the module is seen',
    `${LINEAR}\nL1 = lambda w: functional_call(m, {'weight': w}, t([1, 1, 2])).square().sum()\n[AF.hvp(L1, m.weight, torch.ones(2, 3))[1], AF.hessian(lambda b: functional_call(m, {'bias': b}, t([1, 1, 2])).pow(3).sum(), m.bias)]`,
    () => {
      const m = linear();
      const loss = (weight: Tensor): Tensor =>
        functionalCall(m, { weight }, t([1, 1, 2]))
          .square()
          .sum();
      return [
        F.hvp(
          loss,
          m.weight,
          t([
            [1, 1, 1],
            [1, 1, 1],
          ]),
        )[1],
        F.hessian(
          (bias) =>
            functionalCall(m, { bias }, t([1, 1, 2]))
              .pow(3)
              .sum(),
          m.bias as Tensor,
        ),
      ];
    },
  ),
  { name: 'functionalCall of a name that the module has not is refused', py: 'raise RuntimeError()', js: () => functionalCall(linear(), { weights: t([1]) }, t([1, 1, 2])) },
  { name: 'int inputs are refused', py: `AF.jacobian(lambda x: x * 2, I([1, 2]))`, js: () => F.jacobian((x) => x.mul(2), I([1, 2])) },
];
