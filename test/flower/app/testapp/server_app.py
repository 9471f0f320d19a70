"""Leads the tests' rounds with a strategy as Flower ships it (or ours) and writes what happened as JSON, a failure too."""

import json
import os
import time
import traceback

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAdam, FedAvg, Krum

from .strategies import Checked, FedJD, poll_every

app = ServerApp()


class CheckedFedAvg(Checked, FedAvg):
    pass


def watch(grid, rounds):
    """Notes each exchange: seconds, replies, errors."""
    inner = grid.send_and_receive

    def send_and_receive(messages, *, timeout=None):
        messages, start = list(messages), time.monotonic()
        if not messages:
            return []
        replies = list(inner(messages, timeout=timeout))
        errors = [[reply.error.code, reply.error.reason] for reply in replies if reply.has_error()]
        rounds.append({"type": messages[0].metadata.message_type, "sent": len(messages), "seconds": time.monotonic() - start, "results": len(replies) - len(errors), "errors": errors})
        return replies

    grid.send_and_receive = send_and_receive


@app.main()
def main(grid, context):
    config = context.run_config
    rounds, values = [], []
    if config["poll"] > 0:
        poll_every(grid, config["poll"])
    watch(grid, rounds)
    n = config["min-nodes"]
    nodes = {"min_train_nodes": n, "min_available_nodes": n, "min_evaluate_nodes": n, "fraction_evaluate": 1.0 if config["evaluate"] else 0.0}
    limit = {"max_norm": config["max-norm"]} if config["max-norm"] > 0 else {}
    make = {
        "FedAvg": lambda: FedAvg(**nodes),
        "CheckedFedAvg": lambda: CheckedFedAvg(**nodes, **limit),
        "FedAdam": lambda: FedAdam(**nodes, eta=0.1),
        "Krum": lambda: Krum(**nodes, num_malicious_nodes=1),
        "FedJD": lambda: FedJD(["a", "b"], 0.5, **nodes, **limit, send_direction=True),
    }
    out = {}

    def seen(server_round, arrays):
        values.append({name: [float(a.numpy().flat[i]) for i in (0, -1)] + [float(a.numpy().astype(np.float64).mean())] for name, a in arrays.items()})
        with open(f"{config['out']}.{server_round}", "w", encoding="utf8") as file:
            file.write("")
        if server_round > 0 and config["pause"] > 0:
            time.sleep(config["pause"])

    try:
        strategy = make[config["strategy"]]()
        told = {"half": 0.5, **({"model-hash": config["hash"]} if config["hash"] else {})}
        # Two arrays; with FedAvg also a scalar, as buffers are.
        start = {"w": np.zeros(config["size"], np.float32), "deep/β": np.zeros((2, 3), np.float32)}
        result = strategy.start(grid, ArrayRecord({k: Array(v) for k, v in start.items()}), config["rounds"], config["timeout"], ConfigRecord(told), evaluate_fn=seen)
        out = {"metrics": {r: dict(m) for r, m in result.evaluate_metrics_clientapp.items()}, "dropped": getattr(strategy, "dropped", [])}
        if config["strategy"] == "FedJD":
            out |= {"weights": strategy.weights.tolist(), "gramian": strategy.gramian.tolist()}
    except BaseException:
        out = {"failed": traceback.format_exc()}
        raise
    finally:
        with open(f"{config['out']}.tmp", "w", encoding="utf8") as file:
            json.dump({**out, "rounds": rounds, "values": values}, file)
        os.rename(f"{config['out']}.tmp", config["out"])
