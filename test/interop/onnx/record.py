"""Exports small models from PyTorch by both of its exporters, with what PyTorch gives: test/fixtures/onnx.

python record.py OUT, with torch, onnx and onnxscript. Inputs follow a formula that the test has too, so only outputs are kept."""
import json, os, sys, warnings
import onnx
import torch
from torch import nn
import torch.nn.functional as F

warnings.filterwarnings("ignore")
torch.backends.mha.set_fastpath_enabled(False)


def numbers(*shape):
    n = torch.Size(shape).numel()
    return ((torch.arange(n) * 37 % 101).float() / 50 - 1).reshape(shape)


def tokens(*shape):
    return (torch.arange(torch.Size(shape).numel()) * 5 % 11).reshape(shape)


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.down = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if a != b else nn.Identity()

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.down(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.layers = nn.Sequential(Block(4, 4, 1), Block(4, 8, 2))

    def forward(self, x):
        return F.adaptive_avg_pool2d(self.layers(self.stem(x)), 1).flatten(1)


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.position = nn.Embedding(11, 8), nn.Parameter(torch.randn(1, 6, 8) * 0.1)
        layer = nn.TransformerEncoderLayer(8, 2, 12, 0.1, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x):
        return self.encoder(self.embed(x) + self.position).mean(1)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.gru = nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True), nn.GRU(6, 3, batch_first=True)

    def forward(self, x):
        y, (h, c) = self.lstm(x)
        return self.gru(y)[0][:, -1], h, c


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.middle, self.up = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.ConvTranspose2d(4, 4, 2, 2)
        self.norm, self.out, self.slope = nn.GroupNorm(2, 4), nn.Conv2d(8, 1, 1), nn.PReLU(4)

    def forward(self, x):
        a = self.slope(self.norm(self.down(x)))
        b = F.silu(self.middle(F.avg_pool2d(a, 2)))
        wide = F.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)
        return self.out(torch.cat([a, F.pad(self.up(b) + wide, (1, 1, 0, 0), mode="reflect")[..., 1:-1]], 1))


class Two(nn.Module):
    """Two inputs, two outputs, and arithmetic of shapes."""

    def __init__(self):
        super().__init__()
        self.query = nn.Linear(6, 6)

    def forward(self, x, mask):
        n, t, _ = x.shape
        q = self.query(x).view(n, t, 2, 3).transpose(1, 2)
        scores = (q @ q.transpose(-1, -2)).masked_fill(mask[:, None, None, :], -1e9).softmax(-1)
        return (scores @ q).transpose(1, 2).reshape(n, t, 6), scores.amax(-1)


CASES = {
    "resnet": (ResNet, lambda n: (numbers(n, 3, 16, 16),), ["x"], ["features"]),
    "text": (Text, lambda n: (tokens(n, 6),), ["ids"], ["features"]),
    "recurrent": (Recurrent, lambda n: (numbers(n, 5, 4),), ["x"], ["y", "h", "c"]),
    "unet": (UNet, lambda n: (numbers(n, 2, 8, 8),), ["x"], ["y"]),
    "two": (Two, lambda n: (numbers(n, 4, 6), tokens(n, 4) > 8), ["x", "mask"], ["y", "scores"]),
}


def strip(model):
    """What exporters say about where a node comes from takes more room than the weights."""
    del model.metadata_props[:]
    model.graph.doc_string = ""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for item in [*model.graph.initializer, *model.graph.input, *model.graph.output]:
        del item.metadata_props[:]
    return model


def main(out):
    os.makedirs(out, exist_ok=True)
    answers = {}
    for name, (make, inputs, ins, outs) in CASES.items():
        torch.manual_seed(3)
        model = make()
        for m in model.modules():  # statistics that are not 0 and 1
            if isinstance(m, nn.BatchNorm2d):
                m.running_mean.normal_(0, 0.3), m.running_var.uniform_(0.5, 1.5)
        model.eval()
        for how in ("legacy", "dynamo"):
            path = f"{out}/{name}.{how}.onnx"
            common = dict(input_names=ins, output_names=outs, opset_version=18)
            if how == "legacy":
                states = {o: {1: "batch"} if o in "hc" else {0: "batch"} for o in outs}
                torch.onnx.export(model, inputs(2), path, dynamo=False, dynamic_axes={**{i: {0: "batch"} for i in ins}, **states}, **common)
            else:
                batch = torch.export.Dim("batch")
                torch.onnx.export(model, inputs(2), path, dynamo=True, dynamic_shapes=tuple({0: batch} for _ in ins), external_data=False, **common)
            onnx.save_model(strip(onnx.load(path)), path)
        with torch.no_grad():
            results = model(*inputs(3))
        results = results if isinstance(results, tuple) else (results,)
        answers[name] = [{"shape": list(r.shape), "values": [float(f"{v:.9g}") for v in r.flatten().tolist()]} for r in results]
    with open(f"{out}/answers.json", "w") as file:
        json.dump({"torch": torch.__version__, "onnx": onnx.__version__, "answers": answers}, file, separators=(",", ":"))
        file.write("\n")


main(sys.argv[1])
