# Runs the Python side of the rows (JSON on standard input: a prelude, and name to code) and prints what each gives, as JSON.
import ast, json, math, sys, textwrap, warnings
from math import inf, nan
import numpy as np
import torch
from torch import nn, optim
try:
    import torchjd
    from torchjd import aggregation, autojac
except ImportError:
    torchjd = None

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
F = nn.functional
DTYPES = {torch.float32: "float32", torch.float64: "float32", torch.int64: "int32", torch.int32: "int32", torch.bool: "bool"}

def t(data): return torch.tensor(data, dtype=torch.float32)
def L(data): return torch.tensor(data, dtype=torch.float32, requires_grad=True)
def I(data): return torch.tensor(data, dtype=torch.int64)
def B(data): return torch.tensor(data, dtype=torch.bool)

def fill(module):
    n = 0
    for p in module.parameters():
        values = [math.sin(n + i + 1) / 2 for i in range(p.numel())]
        n += p.numel()
        with torch.no_grad(): p.copy_(torch.tensor(values, dtype=torch.float32).reshape(p.shape))
    return module

# The same as D and DD in row.ts.
def D(f, *data):
    xs = [L(d) for d in data]
    y = f(*xs)
    y.backward(torch.arange(1, y.numel() + 1, dtype=torch.float32).reshape(y.shape))
    return [y] + [x.grad for x in xs]

def DD(f, data):
    x = L(data)
    dx, = torch.autograd.grad(f(x).sum(), x, create_graph=True)
    return torch.autograd.grad(dx.sum(), x, allow_unused=True, materialize_grads=True) if dx.requires_grad else [dx * 0]

def plain(v):
    if isinstance(v, torch.Tensor) and v._is_zerotensor(): v = torch.zeros(v.shape, dtype=v.dtype)
    if isinstance(v, torch.Tensor): return {"t": plain(v.detach().tolist()), "d": DTYPES[v.dtype]}
    if isinstance(v, bool) or v is None or isinstance(v, str): return v
    if isinstance(v, (int, float)): return "nan" if math.isnan(v) else "inf" if v == math.inf else "-inf" if v == -math.inf else v
    if isinstance(v, dict): return {str(k): plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple, torch.Size)) or hasattr(v, "__iter__"): return [plain(x) for x in v]
    raise TypeError(f"no plain form of {type(v)}")

def run(name, code):
    space = dict(globals())
    try:
        tree = ast.parse("def row():\n" + textwrap.indent(textwrap.dedent(code).strip("\n"), "    "))
        last = tree.body[0].body[-1]
        if isinstance(last, ast.Expr): tree.body[0].body[-1] = ast.copy_location(ast.Return(last.value), last)
        exec(compile(tree, name, "exec"), space)
    except SyntaxError as e:
        sys.exit(f"{name}: {e}\n{code}")
    torch.manual_seed(0)
    torch.set_grad_enabled(True)
    try:
        value = space["row"]()
    except (NameError, SyntaxError, AttributeError, ImportError) as e:
        sys.exit(f"{name}: a slip in the row: {e}\n{code}")
    except Exception as e:
        return {"error": True}
    return plain(value)

given = json.load(sys.stdin)
exec(given["prelude"], globals())
print(json.dumps({name: run(name, code) for name, code in given["rows"].items()}))
