"""FedJD without a server: UPGrad's problem against every active set, the same result in any order, and replies that are dropped."""

import importlib.util
import itertools
import sys

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.supercore.task_identity import TaskIdentity

spec = importlib.util.spec_from_file_location("strategies", sys.argv[1])
strategies = importlib.util.module_from_spec(spec)
spec.loader.exec_module(strategies)

rng = np.random.default_rng(7)
TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 1  # as in a ServerApp


def by_hand(gramian, u):
    """The least v' G v over v >= u: of every set of entries that may leave their bound, the best that stays above it."""
    best, least = u, u @ gramian @ u
    for size in range(1, len(u) + 1):
        for free in map(list, itertools.combinations(range(len(u)), size)):
            bound = [i for i in range(len(u)) if i not in free]
            v = u.copy()
            v[free] = np.linalg.lstsq(gramian[np.ix_(free, free)], -gramian[np.ix_(free, bound)] @ u[bound], rcond=None)[0]
            if (v >= u - 1e-12).all() and v @ gramian @ v < least:
                best, least = v, v @ gramian @ v
    return best, least


for m in (1, 2, 3, 5):
    for trial in range(200):
        rows = rng.normal(size=(m, rng.integers(1, 8))) * 10.0 ** rng.uniform(-3, 3, size=(m, 1))
        gramian = rows @ rows.T
        lengths = np.sqrt(np.diag(gramian))
        cosines = gramian / np.outer(lengths, lengths)
        for i in range(m):
            u = np.eye(m)[i]
            v = strategies.least_above(cosines, u)
            _, least = by_hand(cosines, u)
            assert (v >= u - 1e-12).all() and v @ cosines @ v <= least + 1e-9, (m, trial, v, least)
        direction = strategies.upgrad(gramian) @ rows
        # Nothing rises: <g_i, d> >= 0 for every loss.
        assert (rows @ direction >= -1e-9 * lengths * lengths.max()).all(), (m, trial)
assert (strategies.upgrad(np.zeros((2, 2))) == 0).all()
two = np.array([[1.0, -0.5], [-0.5, 1.0]])
assert np.allclose(strategies.upgrad(two), [0.75, 0.75]), strategies.upgrad(two)  # each projected: g1 + 0.5 g2, g2 + 0.5 g1; their mean
assert np.allclose(strategies.upgrad(np.diag([1.0, 4.0])), [0.5, 0.5])


class Grid:
    def get_node_ids(self):
        return [2, 3, 4, 5]


def reply(to, rows, n=1.0, **metrics):
    record = ArrayRecord({name: Array(value) for name, value in rows.items()})
    return Message(RecordDict({"arrays": record, "metrics": MetricRecord({"num-examples": n, **metrics})}), reply_to=to)


def strategy():
    made = strategies.FedJD(["a", "b"], 0.1, fraction_evaluate=0.0, max_norm=1e6)
    own = ArrayRecord({"w": Array(np.ones((3, 2), np.float32)), "b": Array(np.zeros((), np.float32))})
    messages = list(made.configure_train(1, own, ConfigRecord(), Grid()))
    for message in messages:  # as pulled by a client: it has a run and a number
        message.metadata.__dict__["_message_id"] = message.object_id
        message.metadata.__dict__["_run_id"] = 1
    return made, sorted(messages, key=lambda message: message.metadata.dst_node_id)


made, messages = strategy()
good = [{"w": rng.normal(size=(2, 3, 2)).astype(np.float32), "b": rng.normal(size=2).astype(np.float32)} for _ in range(4)]
replies = [reply(m, rows, n) for m, rows, n in zip(messages, good, (1.0, 2.0, 3.0, 0.1), strict=True)]
results = set()
for order in itertools.permutations(range(4)):
    arrays, metrics = made.aggregate_train(1, [replies[i] for i in order])
    results.add(arrays["w"].numpy().tobytes() + arrays["b"].numpy().tobytes())
assert len(results) == 1, "another order gave other bits"
weights = np.array([1.0, 2.0, 3.0, 0.1]) / 6.1
mean = sum(c * np.concatenate([g["w"].reshape(2, -1), g["b"].reshape(2, 1)], 1).astype(np.float64) for c, g in zip(weights, good))
assert np.allclose(made.gramian, mean @ mean.T, rtol=1e-12)
wanted = np.concatenate([np.ones(6), [0.0]]) - 0.1 * strategies.upgrad(mean @ mean.T) @ mean
assert np.allclose(np.concatenate([arrays["w"].numpy().ravel(), [arrays["b"].numpy()]]), wanted, atol=1e-7)

made, messages = strategy()
like = good[0]
bad = [
    {**like, "w": np.full((2, 3, 2), np.nan, np.float32)},
    {**like, "w": like["w"][0]},
    {**like, "v": like["w"]},
    {"w": like["w"]},
    {**like, "w": like["w"].astype(np.int64)},
    {**like, "b": np.array([np.inf, 0], np.float32)},
    {**like, "w": 1e7 * like["w"]},
]
arrays, _ = made.aggregate_train(1, [reply(messages[1], good[1]), *(reply(messages[0], rows) for rows in bad), reply(messages[0], like, float("nan")), reply(messages[0], like, -1.0), reply(messages[2], like, extra=[1.0, 2.0])])
only = strategies.FedJD.aggregate_train(strategy()[0], 1, [reply(messages[1], good[1])])[0]
assert arrays["w"].numpy().tobytes() == only["w"].numpy().tobytes(), made.dropped
assert len(made.dropped) == len(bad) + 3, made.dropped
made, messages = strategy()
assert made.aggregate_train(1, [reply(messages[0], bad[0])]) == (None, None)
print("800 problems, 24 orders, 11 replies dropped")
