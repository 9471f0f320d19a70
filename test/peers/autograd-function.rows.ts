// PyTorch's test_autograd: functions with a gradient of the user's own.
import { autograd, noGrad, type Tensor, tensor } from 'gradloom';
import { L, type Row, row, t } from './row.ts';

type Context = autograd.FunctionContext;

class Cube extends autograd.Function {
  static forward(ctx: Context, x: Tensor): Tensor {
    ctx.saveForBackward(x);
    return x.pow(3);
  }
  static backward(ctx: Context, dy: Tensor): Tensor {
    const [x] = ctx.savedTensors as [Tensor];
    return dy.mul(x.square()).mul(3);
  }
}
class Scale extends autograd.Function {
  static forward(ctx: Context, x: Tensor, factor: number): Tensor {
    ctx.factor = factor;
    return x.mul(factor);
  }
  static backward(ctx: Context, dy: Tensor): (Tensor | null)[] {
    return [dy.mul(ctx.factor as number), null];
  }
}
class Through extends autograd.Function {
  static forward(_: Context, x: Tensor): Tensor {
    return x;
  }
  static backward(_: Context, dy: Tensor): Tensor {
    return dy.mul(-1);
  }
}
class Pair extends autograd.Function {
  static forward(ctx: Context, x: Tensor, y: Tensor): Tensor {
    ctx.saveForBackward(x, y);
    return x.mul(y);
  }
  static backward(ctx: Context, dy: Tensor): (Tensor | null)[] {
    const [x, y] = ctx.savedTensors as [Tensor, Tensor];
    return [ctx.needsInputGrad[0] ? dy.mul(y) : null, ctx.needsInputGrad[1] ? dy.mul(x) : null];
  }
}
class Wrong extends autograd.Function {
  static forward(_: Context, x: Tensor): Tensor {
    return x.sum();
  }
  static backward(_: Context, dy: Tensor): (Tensor | null)[] {
    return [dy, dy];
  }
}

export const prelude = `
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3
    @staticmethod
    def backward(ctx, dy):
        x, = ctx.saved_tensors
        return dy * x ** 2 * 3
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor
    @staticmethod
    def backward(ctx, dy): return dy * ctx.factor, None
class Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x.view_as(x)
    @staticmethod
    def backward(ctx, dy): return dy * -1
class Pair(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y
    @staticmethod
    def backward(ctx, dy):
        x, y = ctx.saved_tensors
        return dy * y if ctx.needs_input_grad[0] else None, dy * x if ctx.needs_input_grad[1] else None
class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x.sum()
    @staticmethod
    def backward(ctx, dy): return dy, dy
`;

const gradientOf = (f: (x: Tensor) => Tensor): Tensor | null => {
  const x = L([1, -2, 3]);
  f(x).sum().backward();
  return x.grad;
};

export const rows: readonly Row[] = [
  row('value', 'Cube.apply(t([1, -2, 3]))', () => Cube.apply(t([1, -2, 3]))),
  row('gradient', 'x = L([1, -2, 3]); Cube.apply(x).sum().backward(); x.grad', () => gradientOf((x) => Cube.apply(x))),
  row('twice through', 'x = L([1, -2, 3]); Cube.apply(Cube.apply(x)).sum().backward(); x.grad', () => gradientOf((x) => Cube.apply(Cube.apply(x)))),
  row('second gradient', 'x = L([1, -2, 3]); g, = torch.autograd.grad(Cube.apply(x).sum(), x, create_graph=True); torch.autograd.grad(g.sum(), x)', () => {
    const x = L([1, -2, 3]);
    const [g] = autograd.grad(Cube.apply(x).sum(), [x], { createGraph: true });
    return autograd.grad(g.sum(), [x]);
  }),
  row('a number among the arguments', 'x = L([1, -2, 3]); Scale.apply(x, 2.5).sum().backward(); x.grad', () => gradientOf((x) => Scale.apply(x, 2.5))),
  row('the rule counts where the value is the input', 'x = L([1, -2, 3]); Through.apply(x).sum().backward(); x.grad', () => gradientOf((x) => Through.apply(x))),
  row('one input frozen', 'x, y = L([1, 2]), t([3, 4]); Pair.apply(x, y).sum().backward(); [x.grad, y.grad]', () => {
    const [x, y] = [L([1, 2]), t([3, 4])];
    Pair.apply(x, y).sum().backward();
    return [x.grad, y.grad];
  }),
  row('the same input twice', 'x = L([1, -2, 3]); Pair.apply(x, x).sum().backward(); x.grad', () => gradientOf((x) => Pair.apply(x, x))),
  row('without gradients no graph', 'with torch.no_grad(): y = Cube.apply(L([1, 2]))\ny.requires_grad', () => noGrad(() => Cube.apply(L([1, 2]))).requiresGrad),
  row('of no leaf that asks no graph', 'Cube.apply(t([1, 2])).requires_grad', () => Cube.apply(t([1, 2])).requiresGrad),
  row('too many gradients are refused', 'Wrong.apply(L([1, 2])).backward()', () => Wrong.apply(L([1, 2])).backward()),
  row('written to in place after it was saved is refused', 'x = L([1, 2]); h = x * 1; y = Cube.apply(h); h.add_(1); y.sum().backward()', () => {
    const h = L([1, 2]).mul(1);
    const y = Cube.apply(h);
    h.add_(1);
    return y.sum().backward();
  }),
  row('a hook on its output', 'x = L([1, 2]); y = Cube.apply(x); y.register_hook(lambda g: g * 10); y.sum().backward(); x.grad', () => {
    const x = L([1, 2]);
    const y = Cube.apply(x);
    y.registerHook((g) => g.mul(10));
    y.sum().backward();
    return x.grad;
  }),
  row('gradcheck', 'torch.autograd.gradcheck(Cube.apply, torch.tensor([1., -2.], dtype=torch.float64, requires_grad=True))', () =>
    autograd.gradcheck((x) => Cube.apply(x), [tensor([1, -2], { requiresGrad: true })]),
  ),
];
