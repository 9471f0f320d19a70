"""Writes ONNX's own tests of operators as files: python operators.py OUT, with the package onnx."""
import os
import sys

import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

for case in collect_testcases(None):
    if case.model is None or case.name.endswith("_expanded") or "_expanded_" in case.name:
        continue  # the same by smaller operators
    inputs, outputs = case.data_sets[0]
    folder = os.path.join(sys.argv[1], case.name)
    try:
        os.makedirs(folder, exist_ok=True)
        graph = case.model.graph
        for what, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for i, value in enumerate(values):
                proto = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value, infos[i].name)
                with open(f"{folder}/{what}_{i}.pb", "wb") as file:
                    file.write(proto.SerializeToString())
        with open(f"{folder}/model.onnx", "wb") as file:
            file.write(case.model.SerializeToString())
    except (TypeError, ValueError, AttributeError):
        pass  # sequences, optionals, text: no tensors
