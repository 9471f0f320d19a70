"""What a server of gradloom clients needs beside Flower's own strategies: replies that are checked, FedJD for several losses,
polls that are faster than every 3 s, and the hash by which clients know the model. Copy this file into your app."""

import hashlib
import time
from logging import WARNING

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord
from flwr.common.logger import log
from flwr.serverapp.strategy import FedAvg


def model_hash(arrays, program=""):
    """The hash of a model's names and sizes, and of a word for the rest: modelHash in gradloom. Send it as config["model-hash"]."""
    lines = [f"{name} {'x'.join(str(n) for n in arrays[name].shape)}" for name in sorted(arrays)]
    return hashlib.sha256("\n".join([program, *lines]).encode()).hexdigest()


def poll_every(grid, seconds):
    """Looks for replies every so many seconds; Flower's own loop sleeps 3 s between two looks."""

    def send_and_receive(messages, *, timeout=None):
        waiting = set(grid.push_messages(messages)) - {None}
        end = None if timeout is None else time.monotonic() + timeout
        replies = []
        while waiting and (end is None or time.monotonic() < end):
            new = list(grid.pull_messages(waiting))
            replies += new
            waiting -= {reply.metadata.reply_to_message_id for reply in new}
            if waiting:
                time.sleep(seconds)
        return replies

    grid.send_and_receive = send_and_receive
    return grid


class Checked:
    """Drops replies that do not fit, each with a word in the log, before a strategy of Flower sees them, and sorts the rest by
    client: an average is then the same whatever the order of replies, and one bad client fails no run.
    `class CheckedFedAvg(Checked, FedAvg): pass`. `max_norm`: the longest change of the model that is believed."""

    def __init__(self, *args, max_norm=float("inf"), **kwargs):
        super().__init__(*args, **kwargs)
        self.max_norm = max_norm
        self.dropped = []

    def configure_train(self, server_round, arrays, config, grid):
        self.arrays = {name: array.numpy().astype(np.float64) for name, array in arrays.items()}
        self.metric_keys = None
        return super().configure_train(server_round, arrays, config, grid)

    def shape_of(self, own):
        """The shape that a reply's array must have where the model's is `own`."""
        return own.shape

    def check(self, content):
        """What is wrong with a reply's content, or None."""
        if len(content.array_records) != 1 or len(content.metric_records) != 1:
            return "it needs one record of arrays and one of metrics"
        arrays = next(iter(content.array_records.values()))
        metrics = next(iter(content.metric_records.values()))
        if set(arrays) != set(self.arrays):
            return f"its arrays are {sorted(arrays)}"
        length = 0.0
        for name, own in self.arrays.items():
            # The shape that is told is looked at before the bytes are.
            if tuple(arrays[name].shape) != self.shape_of(own) or arrays[name].dtype not in ("float32", "float64"):
                return f"'{name}' is {arrays[name].dtype} {tuple(arrays[name].shape)}"
            try:
                value = arrays[name].numpy()
            except Exception as error:  # pylint: disable=broad-exception-caught
                return f"'{name}' cannot be read: {error}"
            if value.shape != self.shape_of(own) or value.dtype.name != arrays[name].dtype:
                return f"'{name}' is not what it says"
            if not np.isfinite(value).all():
                return f"'{name}' is not finite"
            length += self.length_of(value, own)
        if length**0.5 > self.max_norm:
            return f"its norm is {length**0.5:.3g}, more than {self.max_norm:.3g}"
        weight = metrics.get(self.weighted_by_key)
        if not isinstance(weight, (int, float)) or not 0 < weight < float("inf"):
            return f"its {self.weighted_by_key} is {weight}"
        if any(not np.isfinite(np.asarray(v, dtype=np.float64)).all() for v in metrics.values()):
            return "its metrics are not finite"
        return None

    def length_of(self, value, own):
        """The squared length of what a reply changes."""
        return float(((value - own) ** 2).sum())

    def good(self, replies):
        """The replies that fit, sorted by client; errors stay for the strategy to count."""
        kept, errors = [], []
        for reply in replies:
            if reply.has_error():
                errors.append(reply)
                continue
            wrong = self.check(reply.content)
            if wrong is None:
                metrics = next(iter(reply.content.metric_records.values()))
                keys = {key: isinstance(value, list) and len(value) for key, value in metrics.items()}
                self.metric_keys = self.metric_keys or keys
                if keys != self.metric_keys:
                    wrong = f"its metrics are {sorted(metrics)}"
            if wrong is None:
                kept.append(reply)
            else:
                self.dropped.append((reply.metadata.src_node_id, wrong))
                log(WARNING, "reply of node %d dropped: %s", reply.metadata.src_node_id, wrong)
        return sorted(kept, key=lambda reply: reply.metadata.src_node_id), errors

    def aggregate_train(self, server_round, replies):
        kept, errors = self.good(replies)
        return super().aggregate_train(server_round, [*kept, *errors])


class FedJD(Checked, FedAvg):
    """Jacobian descent over clients. A reply holds a row for each loss (its gradient, or what a local run on it changed, negated):
    every array with a first dimension of the losses. The server averages the rows, weighted by num-examples, in float64 and sorted
    by client; resolves the averaged Jacobian with UPGrad; and sends weights that went `lr` along its direction. The order is what
    makes it descent for all: Gramians of clients do not average. `send_direction` sends the last direction too."""

    def __init__(self, losses, lr, *args, send_direction=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.losses, self.lr, self.send_direction = losses, lr, send_direction
        self.direction, self.weights, self.gramian = None, None, None

    def configure_train(self, server_round, arrays, config, grid):
        messages = list(super().configure_train(server_round, arrays, config, grid))
        if self.send_direction and self.direction is not None:
            for message in messages:
                message.content["direction"] = as_record(self.direction)
        return messages

    def shape_of(self, own):
        return (len(self.losses), *own.shape)

    def length_of(self, value, own):
        return float((value**2).sum())

    def aggregate_train(self, server_round, replies):
        kept, errors = self.good(replies)
        self._check_and_log_replies([*kept, *errors], is_train=True, validate=False)
        if not kept:
            return None, None
        contents = [reply.content for reply in kept]
        weights = [float(next(iter(content.metric_records.values()))[self.weighted_by_key]) for content in contents]
        rows = {name: np.zeros(self.shape_of(own)) for name, own in self.arrays.items()}
        for content, weight in zip(contents, weights, strict=True):
            for name, array in next(iter(content.array_records.values())).items():
                rows[name] += weight / sum(weights) * array.numpy().astype(np.float64)
        m = len(self.losses)
        self.gramian = sum(row.reshape(m, -1) @ row.reshape(m, -1).T for row in rows.values())
        self.weights = upgrad(self.gramian)
        self.direction = {name: np.tensordot(self.weights, row, 1) for name, row in rows.items()}
        arrays = as_record({name: own - self.lr * self.direction[name] for name, own in self.arrays.items()})
        return arrays, self.train_metrics_aggr_fn(contents, self.weighted_by_key)


def as_record(arrays):
    return ArrayRecord({name: Array(np.asarray(array, dtype=np.float32)) for name, array in arrays.items()})


def upgrad(gramian):
    """UPGrad's weights (Quinton and Rey 2024, arXiv 2406.16232): each row projected onto the cone in which no loss rises, averaged.
    Rows of no length count as if they were not there."""
    m = len(gramian)
    lengths = np.sqrt(np.maximum(np.diag(gramian), 0))
    alive = lengths > 1e-12 * max(lengths.max(), 1e-300)
    weights = np.zeros(m)
    if not alive.any():
        return weights
    scale = lengths[alive]
    cosines = gramian[np.ix_(alive, alive)] / np.outer(scale, scale)
    for i in range(len(scale)):
        weights[alive] += least_above(cosines, scale[i] * np.eye(len(scale))[i]) / scale / m
    return weights


def least_above(gramian, u):
    """The v >= u with the least v' G v: Lawson and Hanson's active set, as a non-negative least-squares problem in z = v - u."""
    z, active = np.zeros(len(u)), np.zeros(len(u), dtype=bool)
    size = max(1.0, np.abs(u).max())
    for _ in range(10 * len(u) ** 2 + 10):
        slope = -(gramian @ (u + z))
        slope[active] = -np.inf
        j = int(np.argmax(slope))
        if slope[j] <= 1e-12 * size:
            break
        active[j] = True
        while True:
            trial = np.zeros(len(u))
            trial[active] = np.linalg.lstsq(gramian[np.ix_(active, active)], -(gramian @ u)[active], rcond=1e-10)[0]
            low = active & (trial <= 0)
            if not low.any():
                break
            step = (z[low] / np.maximum(z[low] - trial[low], 1e-300)).min()
            z = z + step * (trial - z)
            active &= z > 1e-14 * size
            z[~active] = 0.0
        z = trial
    return u + z


def train_config(arrays, lr, program=""):
    """What each round tells a client: the rate, and whose model it is."""
    return ConfigRecord({"lr": lr, "model-hash": model_hash({name: array.numpy() for name, array in arrays.items()}, program)})
