"""Records what flwr makes of every kind of record, for test/flower/records.test.ts. Argument: the file to write."""

import base64
import json
import sys

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects
from flwr.supercore.task_identity import TaskIdentity

TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 3, 2, 1
grid = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
kinds = {
    "scalar": np.array(2.5, np.float32),
    "empty": np.zeros((0, 3), np.float32),
    "grid": grid,
    "columns": np.asfortranarray(grid),
    "deep": np.asfortranarray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)),
    "вес": np.array([1.0, np.inf, -0.0], np.float64),
    "same": grid,
    "flags": np.array([True, False]),
    **{name: np.array([0, 1, 127], name) for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
}
config = {
    "yes": True, "whole": -7, "large": 2**63 + 1, "real": 0.1, "text": "ß\"\n", "bytes": b"\x00\xff",
    "flags": [True, False], "wholes": [1, -2], "larges": [2**64 - 1, 1], "reals": [0.5, -1.0], "texts": ["a", "б"], "blobs": [b"", b"x"],
}  # fmt: skip
records = {
    "every kind of array": RecordDict({"arrays": ArrayRecord({k: Array(v) for k, v in kinds.items()})}),
    "metrics and configuration": RecordDict({"metrics": MetricRecord({"loss": 0.25, "num-examples": 12, "list": [1.5, 2.0], "ints": [3, 4]}), "config": ConfigRecord(config)}),
    "nothing": RecordDict({}),
    "the same record twice": RecordDict({"a": ArrayRecord({"w": Array(grid)}), "b": ArrayRecord({"w": Array(grid)})}),
    "chunks, the middle ones equal": RecordDict({"arrays": ArrayRecord({"w": Array(np.zeros(4_000_000, np.float32))})}),
}
out = {}
for name, record in records.items():
    message = Message(record, dst_node_id=5, message_type="train")
    objects = get_all_nested_objects(message)
    contents = {key: value.deflate() for key, value in objects.items()}
    kept = {key: base64.b64encode(value).decode() for key, value in contents.items() if len(value) < 100_000}
    out[name] = {"message": message.object_id, "record": record.object_id, "objects": kept, "left out": sorted(set(contents) - set(kept))}
with open(sys.argv[1], "w", encoding="utf8") as file:
    json.dump(out, file, indent=1)
