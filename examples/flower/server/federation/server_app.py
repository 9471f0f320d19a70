"""The server's side: starts from the model in a .npz file, leads the rounds, and writes the model that came out of them."""

import numpy as np
from flwr.app import Array, ArrayRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

from .strategies import Checked, FedJD, poll_every, train_config

app = ServerApp()


class CheckedFedAvg(Checked, FedAvg):
    """Flower's average of replies that were checked."""


@app.main()
def main(grid, context):
    config = context.run_config
    if config["poll"] > 0:
        poll_every(grid, config["poll"])
    start = np.load(config["model"])
    arrays = ArrayRecord({name: Array(start[name]) for name in start.files})
    nodes = {name: config["min-nodes"] for name in ("min_train_nodes", "min_available_nodes")}
    if config["strategy"] == "FedJD":
        strategy = FedJD(["digit", "image"], config["lr"], fraction_evaluate=0.0, **nodes)
    else:
        strategy = {"FedAvg": FedAvg, "CheckedFedAvg": CheckedFedAvg}[config["strategy"]](fraction_evaluate=0.0, **nodes)
    told = train_config(arrays, config["lr"], "digits: which, and again")
    result = strategy.start(grid, arrays, config["num-server-rounds"], config["timeout"], told)
    np.savez(config["out"], **{name: array.numpy() for name, array in result.arrays.items()})
