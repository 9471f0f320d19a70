"""Writes the model that the federation starts from, start.npz, as gradloom's Linear draws it."""

import numpy as np

rng = np.random.default_rng(1)
sizes = {"trunk": (168, 784), "digit": (10, 168), "image": (784, 168)}
arrays = {}
for name, (out, inside) in sizes.items():
    limit = 1 / np.sqrt(inside)
    arrays[f"{name}.weight"] = rng.uniform(-limit, limit, (out, inside)).astype(np.float32)
    arrays[f"{name}.bias"] = rng.uniform(-limit, limit, out).astype(np.float32)
np.savez("start.npz", **arrays)
