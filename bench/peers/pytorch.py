"""Native PyTorch on one thread. Same questions and answers as worker.mjs. `best`: with fused Adam and torch.compile instead of its defaults."""
import json
import os
import re
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import torch  # noqa: E402  reads the variables above
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
BEST = sys.argv[1:] == ["best"]
WARM_UP = {"step": 1, "kernel": 0.3}


def say(answer):
    print(json.dumps(answer), flush=True)


def digest(values):
    flat = values.detach().flatten()
    n = flat.numel()
    return [flat.double().abs().mean().item()] + [flat[i].item() for i in (0, n // 3, 2 * n // 3, n - 1)]


def read(file, entries):
    with open(file, "rb") as f:
        data = bytearray(f.read())
    types = {"int32": torch.int32, "float32": torch.float32}
    inputs = {}
    for e in entries:
        count = 1
        for size in e["shape"]:
            count *= size
        part = torch.frombuffer(data, dtype=types[e["dtype"]], count=count, offset=e["offset"]).reshape(e["shape"]).clone()
        inputs[e["name"]] = part.long() if e["dtype"] == "int32" else part
    return inputs


def repeat(run, seconds):
    start = now = time.perf_counter()
    end = start + seconds
    runs, batch = 0, 1
    while now < end:
        for _ in range(batch):
            run()
        runs += batch
        before, now = now, time.perf_counter()
        if now - before < 0.0005:
            batch *= 2
    return runs / (now - start)


def cross_entropy_gradient(logits, labels):
    loss = F.cross_entropy(logits, labels)
    return (loss, *torch.autograd.grad(loss, logits))


KERNELS = {
    "matmul": lambda a, b: a @ b,
    "matmulA": lambda a, b: a.t() @ b,
    "matmulB": lambda a, b: a @ b.t(),
    "add": lambda a, b: a + b,
    "relu": torch.relu,
    "sum": torch.sum,
    "exp": torch.exp,
    "log": torch.log,
    "tanh": torch.tanh,
    "softmax": lambda a: torch.softmax(a, 1),
    "crossEntropy": cross_entropy_gradient,
}


def kernel(work, data):
    operation = KERNELS[work["operation"]]
    inputs = [data[i["name"]] for i in work["inputs"]]
    if work["operation"] == "crossEntropy":
        inputs[0].requires_grad_()
    results = operation(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    return [v for r in reversed(results) for v in digest(r)], lambda: operation(*inputs)


class Recurrent(nn.Module):
    """Tokens [time, batch] to features of each."""

    def __init__(self, data):
        super().__init__()
        self.embedding = nn.Embedding(*data["trunk.embedding.weight"].shape)
        self.lstm = nn.LSTM(self.embedding.embedding_dim, data["trunk.lstm.weight_hh_l0"].shape[1])

    def forward(self, x):
        return self.lstm(self.embedding(x))[0]

    def last(self, h):
        return h[-1]


class Attentive(nn.Module):
    """Tokens [batch, time] to features of each, which see those before; heads of 16 features."""

    def __init__(self, data):
        super().__init__()
        self.embedding = nn.Embedding(*data["trunk.embedding.weight"].shape)
        width = self.embedding.embedding_dim
        layer = nn.TransformerEncoderLayer(width, width // 16, 4 * width, dropout=0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.mask = nn.Transformer.generate_square_subsequent_mask(data["x"].shape[1])

    def forward(self, x):
        return self.encoder(self.embedding(x), mask=self.mask, is_causal=True)

    def last(self, h):
        return h[:, -1]


READERS = {"lstm": Recurrent, "lstm-128": Recurrent, "attention": Attentive, "attention-64": Attentive}


def conv(inputs, outputs, kernel, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)


def active(inputs, outputs, stride=1):
    return nn.Sequential(conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.middle = active(1, 8), active(8, 16), active(16, 32)
        self.up2, self.join2 = nn.ConvTranspose2d(32, 16, 2, stride=2), active(32, 16)
        self.up1, self.join1 = nn.ConvTranspose2d(16, 8, 2, stride=2), active(16, 8)
        self.head, self.pool = nn.Conv2d(8, 1, 1), nn.MaxPool2d(2)

    def losses(self, x, mask, _):
        fine = self.down1(x)
        coarse = self.down2(self.pool(fine))
        middle = self.middle(self.pool(coarse))
        up = self.join2(torch.cat([self.up2(middle), coarse], 1))
        logits = self.head(self.join1(torch.cat([self.up1(up), fine], 1)))
        p = torch.sigmoid(logits)
        dice = ((p * mask).sum() * 2 + 1) / (p.sum() + mask.sum() + 1)
        return F.binary_cross_entropy_with_logits(logits, mask), 1 - dice


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = active(inputs, outputs, stride)
        self.second = nn.Sequential(conv(outputs, outputs, 3), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity() if inputs == outputs else nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = active(3, 16)
        self.blocks = nn.Sequential(Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2))
        self.first, self.second = nn.Linear(64, 10), nn.Linear(64, 4)

    def losses(self, x, labels, values):
        h = self.blocks(self.stem(x)).mean((2, 3))
        return F.cross_entropy(self.first(h), labels), F.smooth_l1_loss(self.second(h), values)


def derivative(y, x):
    return torch.autograd.grad(y.sum(), x, create_graph=True)[0]


class Informed(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(inputs, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def losses(self, x, edge, start):
        left = self.residual(x.detach().requires_grad_())
        return left.square().mean(), self.trunk(edge).square().mean(), (self.trunk(start[:, :-1]) - start[:, -1:]).square().mean()


class Burgers(Informed):
    def residual(self, x):
        u = self.trunk(x)
        ux, ut = derivative(u, x).unbind(1)
        return ut + u[:, 0] * ux - 0.01 * derivative(ux, x)[:, 0]


class Oscillation(Informed):
    def residual(self, x):
        u = self.trunk(x)
        return derivative(derivative(u, x), x) + 4 * u


KNOWING = {"unet": UNet, "resnet": ResNet, "pinn": lambda: Burgers(2), "pinn-50": lambda: Oscillation(1)}
TRUNKS = {
    "tiny": lambda: nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh()),
    "mlp": lambda: nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU()),
    "cnn": lambda: nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    ),
}


class TwoHeads(nn.Module):
    def __init__(self, work, data):
        super().__init__()
        operation = work["operation"]
        self.trunk = READERS[operation](data) if operation in READERS else TRUNKS[operation]()
        self.first = nn.Linear(*reversed(data["first.weight"].shape))
        self.second = nn.Linear(*reversed(data["second.weight"].shape))
        self.load_state_dict({name: t for name, t in data.items() if re.match(r"trunk|first|second", name)})

    def forward(self, x):
        h = self.trunk(x)
        if hasattr(self.trunk, "last"):
            return self.first(h).flatten(0, 1), self.second(self.trunk.last(h))
        return self.first(h), self.second(h)

    def losses(self, x, labels, values):
        logits, output = self(x)
        return F.cross_entropy(logits, labels), F.mse_loss(output, values)


def knowing(operation, data):
    """A model that knows its losses."""
    model = KNOWING[operation]()
    model.load_state_dict({name: data.get(name, t) for name, t in model.state_dict().items()})
    return model


def step(work, data):
    model = knowing(work["operation"], data) if work["operation"] in KNOWING else TwoHeads(work, data)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True if BEST else None)
    # What is compiled cannot be differentiated twice.
    losses_of = torch.compile(model.losses) if BEST and not isinstance(model, Informed) else model.losses
    batch = data["x"], data["labels"], data.get("values")

    def run():
        optimizer.zero_grad(set_to_none=True)
        losses = losses_of(*batch)
        if work["passes"] == 1:
            sum(losses[1:], losses[0]).backward()
        else:
            for i, loss in enumerate(losses):
                loss.backward(retain_graph=i < len(losses) - 1)
        optimizer.step()
        return [loss.item() for loss in losses]

    return [loss for _ in range(3) for loss in run()], run


say({"ready": f"PyTorch {torch.__version__}" + (", fused Adam, torch.compile" if BEST else "")})
jobs = {}
for line in sys.stdin:
    question = json.loads(line)
    try:
        if question["ask"] == "prepare":
            work, data = question["work"], read(question["file"], question["entries"])
            checks, job = step(work, data) if work["kind"] == "step" else kernel(work, data)
            repeat(job, WARM_UP[work["kind"]])
            jobs[work["name"]] = job
            say({"checks": checks})
        elif question["ask"] == "forget":
            jobs.clear()
            say({})
        else:
            say({"rate": repeat(jobs[question["work"]], question["seconds"])})
    except Exception as error:
        say({"error": repr(error)})
