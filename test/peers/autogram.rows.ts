// TorchJD's tests of autogram: the Gramian of one loss per example, for models of many shapes. Here `multiloss.gramian`, by default over all parameters.
import { multiloss as M, nn, noGrad, type Tensor } from 'gradloom';
import { L, type Row, t } from './row.ts';

const F = nn.functional;

/** Numbers of eighths, so that both sides start from the same bits. */
const eighths = (n: number, from: number): number[] => Array.from({ length: n }, (_, k) => (((k + from) * 7) % 11) / 8 - 0.625);
const filled = (shape: readonly number[], from: number): Tensor => t(eighths(shape.reduce((a, b) => a * b, 1), from)).reshape([...shape]); // biome-ignore format: one line

function fill<T extends nn.Module>(model: T): T {
  noGrad(() => model.parameters().forEach((p, i) => void p.copy_(filled(p.shape, i))));
  return model;
}

const HELPERS = `
from torchjd.autogram import Engine
def filled(shape, start):
    n = math.prod(shape)
    return t([(((k + start) * 7) % 11) / 8 - 0.625 for k in range(n)]).reshape(shape)
def fill(model):
    with torch.no_grad():
        for i, p in enumerate(model.parameters()): p.copy_(filled(p.shape, i))
    return model
def engine(model): return Engine(model, batch_dim=None)
class Jac:
    def __init__(self, model): self.model = model
    def compute_gramian(self, y):
        j = torch.cat([x.flatten(1) for x in autojac.jac([y], list(self.model.parameters()))], 1)
        return j @ j.T
`;

interface Case {
  name: string;
  model: () => nn.Module;
  /** The same in Python: an expression, or lines that end in `model = …`. */
  py: string;
  input: readonly number[];
  /** From the model and its input to one loss per example, [n]. */
  losses?: (model: never, x: Tensor) => Tensor;
  pyLosses?: string;
  params?: (model: never) => Tensor[];
  pyModules?: string;
  /** Its engine refuses this model, or it has another Gramian by design: TorchJD's rows are multiplied out. */
  byJac?: true;
}

/** One loss per example: the mean square of what the model gives. */
const perExample = (y: Tensor): Tensor => y.square().reshape([y.size === 0 ? 0 : (y.shape[0] as number), -1]).mean(1); // biome-ignore format: one line

const list = (y: Tensor): Tensor[] => Array.from({ length: y.size }, (_, i) => y.reshape([-1]).select(0, i));

class Reused extends nn.Module {
  layer = new nn.Linear(3, 3);
  forward(x: Tensor): Tensor {
    return this.layer.forward(this.layer.forward(x).tanh());
  }
}
class Shared extends nn.Module {
  a = new nn.Linear(3, 3);
  b = new nn.Linear(3, 3);
  constructor() {
    super();
    Object.assign(this.b, { weight: this.a.weight });
  }
  forward(x: Tensor): Tensor {
    return this.b.forward(this.a.forward(x).tanh());
  }
}
class Branches extends nn.Module {
  a = new nn.Linear(3, 2);
  b = new nn.Linear(3, 2);
  idle = new nn.Linear(3, 2);
  forward(x: Tensor): Tensor {
    return this.a.forward(x).mul(this.b.forward(x).sigmoid());
  }
}
class Residual extends nn.Module {
  a = new nn.Linear(4, 4);
  b = new nn.Linear(4, 4);
  norm = new nn.LayerNorm(4);
  forward(x: Tensor): Tensor {
    const h = x.add(this.a.forward(x).relu());
    return h.add(this.b.forward(this.norm.forward(h)));
  }
}
class Free extends nn.Module {
  matrix = new nn.Parameter(filled([3, 2], 0));
  scale = new nn.Parameter(filled([2], 1));
  forward(x: Tensor): Tensor {
    return x.matmul(this.matrix).mul(this.scale);
  }
}
class Attention extends nn.Module {
  q = new nn.Linear(4, 4);
  k = new nn.Linear(4, 4, { bias: false });
  v = new nn.Linear(4, 4);
  out = new nn.Linear(4, 2);
  forward(x: Tensor): Tensor {
    return this.out.forward(F.scaledDotProductAttention(this.q.forward(x), this.k.forward(x), this.v.forward(x)));
  }
}
const module_ = (init: string, forward: string): string => `class Model(nn.Module):
    def __init__(self):
        super().__init__()
        ${init}
    def forward(self, x): return ${forward}
model = Model()`;

const cases: readonly Case[] = [
  { name: 'one linear layer', model: () => new nn.Linear(3, 2), py: 'model = nn.Linear(3, 2)', input: [4, 3] },
  { name: 'linear without a bias', model: () => new nn.Linear(3, 2, { bias: false }), py: 'model = nn.Linear(3, 2, bias=False)', input: [4, 3] },
  { name: 'one example', model: () => new nn.Linear(3, 2), py: 'model = nn.Linear(3, 2)', input: [1, 3] },
  { name: 'more examples than parameters', model: () => new nn.Linear(2, 1), py: 'model = nn.Linear(2, 1)', input: [9, 2] },
  {
    name: 'two layers',
    model: () => new nn.Sequential(new nn.Linear(3, 5), new nn.Tanh(), new nn.Linear(5, 2)),
    py: 'model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))',
    input: [4, 3],
  },
  {
    name: 'linear layers on sequences',
    model: () => new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 2)),
    py: 'model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))',
    input: [3, 2, 3],
  },
  {
    name: 'convolutions',
    model: () => new nn.Sequential(new nn.Conv2d(2, 3, 3), new nn.ReLU(), new nn.Conv2d(3, 2, 2), new nn.Flatten(), new nn.Linear(8, 2)),
    py: 'model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 2), nn.Flatten(), nn.Linear(8, 2))',
    input: [3, 2, 5, 5],
  },
  {
    name: 'strided, padded, grouped convolutions',
    model: () => new nn.Sequential(new nn.Conv1d(4, 4, 3, { stride: 2, padding: 1, groups: 2 }), new nn.Tanh(), new nn.Conv1d(4, 2, 1, { bias: false })),
    py: 'model = nn.Sequential(nn.Conv1d(4, 4, 3, stride=2, padding=1, groups=2), nn.Tanh(), nn.Conv1d(4, 2, 1, bias=False))',
    input: [3, 4, 7],
  },
  {
    name: 'pooling',
    model: () => new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.MaxPool2d(2), new nn.Flatten(), new nn.Linear(8, 1)),
    py: 'model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 1))',
    input: [3, 1, 6, 6],
  },
  { name: 'a layer norm', model: () => new nn.Sequential(new nn.Linear(3, 4), new nn.LayerNorm(4)), py: 'model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))', input: [4, 3], losses: (m: nn.Module, x) => perExample((m as nn.Linear).forward(x).sub(1)), pyLosses: 'y = (model(x) - 1).square().flatten(1).mean(1)' }, // biome-ignore format: one line
  {
    name: 'a batch norm in training mode',
    model: () => new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4), new nn.Linear(4, 1)),
    py: 'model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))',
    input: [5, 3],
    byJac: true,
  },
  {
    name: 'a group norm',
    model: () => new nn.Sequential(new nn.Conv1d(2, 4, 1), new nn.GroupNorm(2, 4), new nn.Flatten(), new nn.Linear(12, 1)),
    py: 'model = nn.Sequential(nn.Conv1d(2, 4, 1), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(12, 1))',
    input: [3, 2, 3],
  },
  { name: 'a layer that is used twice', model: () => new Reused(), py: module_('self.layer = nn.Linear(3, 3)', 'self.layer(self.layer(x).tanh())'), input: [4, 3], byJac: true },
  {
    name: 'two layers that share their weight',
    model: () => new Shared(),
    py: module_('self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3); self.b.weight = self.a.weight', 'self.b(self.a(x).tanh())'),
    input: [4, 3],
    byJac: true,
  },
  {
    name: 'branches that meet, and a layer that is not used',
    model: () => new Branches(),
    py: module_('self.a, self.b, self.idle = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(3, 2)', 'self.a(x) * self.b(x).sigmoid()'),
    input: [4, 3],
  },
  {
    name: 'residual connections',
    model: () => new Residual(),
    py: `class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm = nn.Linear(4, 4), nn.Linear(4, 4), nn.LayerNorm(4)
    def forward(self, x):
        h = x + self.a(x).relu()
        return h + self.b(self.norm(h))
model = Model()`,
    input: [4, 4],
  },
  {
    name: 'parameters of no layer',
    model: () => new Free(),
    py: module_('self.matrix, self.scale = nn.Parameter(torch.zeros(3, 2)), nn.Parameter(torch.zeros(2))', 'x @ self.matrix * self.scale'),
    input: [4, 3],
  },
  {
    name: 'PReLU and a scale',
    model: () => new nn.Sequential(new nn.Linear(3, 3), new nn.PReLU(3), new nn.Linear(3, 1)),
    py: 'model = nn.Sequential(nn.Linear(3, 3), nn.PReLU(3), nn.Linear(3, 1))',
    input: [5, 3],
  },
  {
    name: 'cross entropy for each example',
    model: () => new nn.Linear(3, 4),
    py: 'model = nn.Linear(3, 4)',
    input: [3, 3],
    losses: (m: nn.Linear, x) => F.crossEntropy(m.forward(x), t([0, 3, 1]).int(), { reduction: 'none' }),
    pyLosses: 'y = F.cross_entropy(model(x), torch.tensor([0, 3, 1]), reduction="none")',
  },
  {
    name: 'losses that a scalar head makes of all examples',
    model: () => new nn.Linear(3, 2),
    py: 'model = nn.Linear(3, 2)',
    input: [4, 3],
    losses: (m: nn.Linear, x) => m.forward(x).square().mean(0),
    pyLosses: 'y = model(x).square().mean(0)',
  },
  {
    name: 'an output of two dimensions, its elements the losses',
    model: () => new nn.Sequential(new nn.Linear(3, 3), new nn.Tanh(), new nn.Linear(3, 2)),
    py: 'model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))',
    input: [3, 3],
    losses: (m: nn.Sequential, x) => (m.forward(x) as Tensor).reshape([-1]),
    pyLosses: 'y = model(x).reshape(-1)',
  },
  {
    name: 'the layers of one module only',
    model: () => new nn.Sequential(new nn.Linear(3, 3), new nn.Tanh(), new nn.Linear(3, 2)),
    py: 'model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))',
    input: [4, 3],
    params: (m: nn.Sequential) => m.parameters().slice(0, 2),
    pyModules: 'model[0]',
  },
  {
    name: 'frozen parameters count as constants',
    model: () => {
      const m = new nn.Sequential(new nn.Linear(3, 3), new nn.Tanh(), new nn.Linear(3, 2));
      for (const p of m.parameters().slice(0, 2)) p.requiresGrad = false;
      return m;
    },
    py: 'model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))\nfor p in model[0].parameters(): p.requires_grad_(False)',
    input: [4, 3],
    params: (m: nn.Sequential) => m.parameters().slice(2),
  },
  {
    name: 'an embedding',
    model: () => new nn.Sequential(new nn.Embedding(5, 3), new nn.Flatten(), new nn.Linear(6, 1)),
    py: 'model = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 1))',
    input: [4, 2],
    losses: (m: nn.Sequential, x) => perExample(m.forward(x.mul(8).abs().floor().clamp({ max: 4 }).int()) as Tensor),
    pyLosses: 'y = model((x * 8).abs().floor().clamp(max=4).long()).square().flatten(1).mean(1)',
  },
  {
    name: 'self-attention',
    model: () => new Attention(),
    py: module_(
      'self.q, self.k, self.v, self.out = nn.Linear(4, 4), nn.Linear(4, 4, bias=False), nn.Linear(4, 4), nn.Linear(4, 2)',
      'self.out(F.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x)))',
    ),
    input: [3, 2, 4],
  },
];

const gramians = cases.map(
  ({ name, model, py, input, losses, pyLosses = 'y = model(x).square().flatten(1).mean(1)', params, pyModules = 'model', byJac }): Row => ({
    name: `the Gramian: ${name}`,
    js: () => {
      const m = fill(model());
      const x = filled(input, 3);
      const y = losses ? losses(m as never, x) : perExample((m as nn.Linear).forward(x));
      return M.gramian(list(y), params ? params(m as never) : m.parameters());
    },
    py: `${HELPERS}${py}\nfill(model); x = filled(${JSON.stringify(input)}, 3)\ne = ${byJac ? 'Jac' : 'engine'}(${pyModules})\n${pyLosses}\nreturn e.compute_gramian(y)`,
    // Sums of products of float32 numbers, in another order.
    tolerance: [2e-5, 1e-5],
  }),
);

/** A network, its input, and one loss per example. */
const small = (): { model: nn.Sequential; losses: Tensor[] } => {
  const model = fill(new nn.Sequential(new nn.Linear(3, 3), new nn.Tanh(), new nn.Linear(3, 2)));
  return { model, losses: list(perExample(model.forward(filled([4, 3], 3)) as Tensor)) };
};
const SMALL = `${HELPERS}
model = fill(nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2)))
e = engine(model)
y = model(filled([4, 3], 3)).square().flatten(1).mean(1)
`;
const named = (losses: readonly Tensor[]): Record<string, Tensor> => Object.fromEntries(losses.map((l, i) => [`l${i}`, l]));
const everyGrad = (model: nn.Module): unknown => model.parameters().map((p) => p.grad);

export const rows: readonly Row[] = [
  ...gramians,
  {
    name: 'weights from the Gramian, then one backward pass with them',
    js: () => {
      const { model, losses } = small();
      M.backward(named(losses), { combine: new M.UPGrad({ normEps: 1e-4, regEps: 1e-4 }) });
      return everyGrad(model);
    },
    py: `${SMALL}\nG = e.compute_gramian(y); y.backward(aggregation.UPGradWeighting()(G))\nreturn [p.grad for p in model.parameters()]`,
    tolerance: [1e-4, 1e-5], // quadprog on a Gramian that float32 rounded
  },
  {
    name: 'the report has the same Gramian',
    js: () => {
      const { losses } = small();
      return t(M.backward(named(losses), { measure: true }).gramian as number[][]);
    },
    py: `${SMALL}\nreturn e.compute_gramian(y)`,
  },
  {
    name: 'the order of losses permutes rows and columns',
    js: () => {
      const { model, losses } = small();
      return M.gramian(losses.toReversed(), model.parameters());
    },
    py: `${SMALL}\nreturn e.compute_gramian(y).flip(0, 1)`,
  },
  {
    name: 'a batched engine gives the same',
    js: () => {
      const { model, losses } = small();
      return M.gramian(losses, model.parameters());
    },
    py: `${SMALL}\ne = Engine(model, batch_dim=0)\nreturn e.compute_gramian(model(filled([4, 3], 3)).square().flatten(1).mean(1))`,
  },
  {
    name: 'gradients stay as they are',
    js: () => {
      const { model, losses } = small();
      M.gramian(losses, model.parameters());
      return everyGrad(model);
    },
    py: `${SMALL}\ne.compute_gramian(y); return [p.grad for p in model.parameters()]`,
  },
  {
    name: 'of one loss: the square of its gradient',
    js: () => {
      const { model, losses } = small();
      return M.gramian(losses.slice(0, 1), model.parameters());
    },
    py: `${SMALL}\nreturn e.compute_gramian(y[:1])`,
  },
  {
    name: 'of a leaf that is squared',
    js: () => {
      const p = L([1, 2, 3]);
      return M.gramian(list(p.square()), [p]);
    },
    py: `j = autojac.jac([(p := L([1, 2, 3])).square()], [p])[0]; return j @ j.T`,
  },
];
