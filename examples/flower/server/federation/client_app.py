"""The same client in NumPy, for a stock SuperNode: `flower-supernode --insecure --node-config 'data="shard.npz"'`."""

import numpy as np
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()
BATCH = 4


def gradients(w, x, y):
    """Of both losses, by hand: cross-entropy of the digit, mean squared error of the image."""
    h = np.maximum(x @ w["trunk.weight"].T + w["trunk.bias"], 0)
    z = h @ w["digit.weight"].T + w["digit.bias"]
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    dz = p / len(y)
    dv = 2 * (h @ w["image.weight"].T + w["image.bias"] - x) / x.size
    dh = (dz @ w["digit.weight"] + dv @ w["image.weight"]) * (h > 0)
    pairs = {"trunk": (dh, x), "digit": (dz, h), "image": (dv, h)}
    return {f"{name}.{part}": g for name, (d, a) in pairs.items() for part, g in (("weight", d.T @ a), ("bias", d.sum(0)))}


@app.train()
def train(message, context):
    data = np.load(context.node_config["data"])
    w = {name: array.numpy().astype(np.float32) for name, array in message.content["arrays"].items()}
    config = message.content["config"]
    lr = config["lr"] * 0.85 ** (config["server-round"] - 1)
    for i in range(0, len(data["y"]), BATCH):
        for name, g in gradients(w, data["x"][i : i + BATCH], data["y"][i : i + BATCH]).items():
            w[name] -= np.float32(lr) * g
    arrays = ArrayRecord({name: Array(value) for name, value in w.items()})
    metrics = MetricRecord({"num-examples": float(len(data["y"]))})
    return Message(RecordDict({"arrays": arrays, "metrics": metrics}), reply_to=message)
