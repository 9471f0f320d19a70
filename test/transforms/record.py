"""Writes recorded.json: small pictures and what torchvision makes of them. PYTHON test/transforms/record.py"""
import json
from pathlib import Path

import torch
import torchvision
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

torch.manual_seed(3)
B, N, C = InterpolationMode.BILINEAR, InterpolationMode.NEAREST, InterpolationMode.BICUBIC
rows = []


def row(name, args, x, y):
    rows.append({"name": name, "args": args, "shape": list(x.shape), "x": x.flatten().tolist(), "outShape": list(y.shape), "y": y.flatten().tolist()})


for shape in [(2, 3, 5, 7), (1, 3, 8, 8), (2, 1, 6, 5)]:
    x = torch.rand(shape)
    x[0, :, 0, 0] = 0.5  # grey
    for f in [0.0, 0.4, 1.0, 1.7]:
        row("adjustBrightness", [f], x, F.adjust_brightness(x, f))
        row("adjustContrast", [f], x, F.adjust_contrast(x, f))
        row("adjustSaturation", [f], x, F.adjust_saturation(x, f))
    for f in [-0.5, -0.2, 0.0, 0.1, 0.35, 0.5]:
        row("adjustHue", [f], x, F.adjust_hue(x, f))
    row("hflip", [], x, F.hflip(x))
    row("vflip", [], x, F.vflip(x))
    row("crop", [1, 2, 3, 2], x, F.crop(x, 1, 2, 3, 2))
    for size in [[3, 4], [4, 4], [9, 3], [12, 12]]:
        row("centerCrop", [size], x, F.center_crop(x, size))
    for size, how in [([4, 9], B), ([3, 3], B), (3, B), ([10, 12], C), ([3, 5], N)]:
        name = {B: "bilinear", N: "nearest", C: "bicubic"}[how]
        row("resize", [size, {"interpolation": name}], x, F.resize(x, size, how, antialias=how != N))
    row("resize", [[3, 3], {"antialias": False}], x, F.resize(x, [3, 3], B, antialias=False))
    for angle in [0, 30, -75.5, 90, 180]:
        for how in ["bilinear", "nearest"]:
            if how == "nearest" and angle in (90, 180):
                continue  # pixel centres on edges: a matter of rounding
            row("rotate", [angle, {"interpolation": how}], x, F.rotate(x, angle, {"bilinear": B, "nearest": N}[how]))
    if shape[1] == 3:
        row("Normalize", [[0.4, 0.5, 0.6], [0.2, 0.25, 0.3]], x, F.normalize(x, [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]))
round_all = lambda v: [round(e, 7) for e in v]
for r in rows:
    r["x"], r["y"] = round_all(r["x"]), round_all(r["y"])
Path(__file__).with_name("recorded.json").write_text(json.dumps({"torchvision": torchvision.__version__, "rows": rows}) + "\n")
print(len(rows), "rows")
