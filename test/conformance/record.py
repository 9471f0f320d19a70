"""Records PyTorch's own sample inputs with its answers, in the format of the conformance folder (test/conformance/decode.ts):

    python test/conformance/record.py DIR nn.functional.avg_pool3d nn.Conv3d …
    npx tsx test/conformance/main.ts DIR ops modules

A name that begins with `nn.` and a capital letter is a module. Answers are computed in float64 from float32 inputs. Needs torch and expecttest.
SEED chooses other numbers.
"""
import base64
import json
import math
import os
import pathlib
import sys

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

TYPES = {torch.float32: "f32", torch.int64: "i64", torch.int32: "i32", torch.bool: "bool"}
SEED = int(os.environ.get("SEED", "20262"))


class Left(Exception):
    """A case that the format does not hold."""


def encode(v):
    if isinstance(v, torch.Tensor):
        wants = v.requires_grad
        t = v.detach()
        t = t.float() if t.dtype == torch.float64 else t
        if t.dtype not in TYPES:
            raise Left(str(t.dtype))
        name = TYPES[t.dtype]
        t = t.to(torch.int32) if name == "i64" else t
        data = base64.b64encode(t.contiguous().numpy().tobytes()).decode()
        return {"tensor": name, "shape": list(t.shape), "data": data, **({"requiresGrad": True} if wants else {})}
    if isinstance(v, (list, tuple)):
        return [encode(x) for x in v]
    if isinstance(v, dict):
        return {k: encode(x) for k, x in v.items()}
    if isinstance(v, float) and not math.isfinite(v):
        return {"float": str(v)}
    if v is None or isinstance(v, (bool, int, float, str)):
        return v
    raise Left(str(type(v)))


def wide(v, leaves):
    """The value in float64; leaves are collected."""
    if isinstance(v, torch.Tensor):
        t = v.detach().double() if v.is_floating_point() else v.detach()
        if v.requires_grad:
            leaves.append(t.requires_grad_())
        return t
    if isinstance(v, (list, tuple)):
        return type(v)(wide(x, leaves) for x in v)
    if isinstance(v, dict):
        return {k: wide(x, leaves) for k, x in v.items()}
    return v


def narrow(v):
    """Floats as float32 holds them."""
    if isinstance(v, torch.Tensor):
        return (v.detach().float().requires_grad_(v.requires_grad)) if v.is_floating_point() else v
    if isinstance(v, (list, tuple)):
        return type(v)(narrow(x) for x in v)
    if isinstance(v, dict):
        return {k: narrow(x) for k, x in v.items()}
    return v


def tensors(v):
    if isinstance(v, torch.Tensor):
        return [v]
    return [t for x in v for t in tensors(x)] if isinstance(v, (list, tuple)) else []


def answered(case, run, leaves, generator, extra=()):
    out = run()
    outs = tensors(out)
    roots = [(o, torch.randn(o.shape, generator=generator).double()) for o in outs if o.requires_grad]
    chosen = {id(o): c for o, c in roots}
    case["out"] = encode(out)
    case["cotangents"] = [encode(chosen[id(o)]) if id(o) in chosen else None for o in outs]
    wanted = [*leaves, *extra]
    grads = torch.autograd.grad([o for o, _ in roots], wanted, [c for _, c in roots], allow_unused=True) if roots and wanted else [None] * len(wanted)
    case["grads"] = [None if g is None else encode(g) for g in grads[: len(leaves)]]
    return grads[len(leaves):]


def operator(name):
    cases = []
    for op in (o for o in op_db if o.name == name):
        for sample in op.sample_inputs("cpu", torch.float32, requires_grad=op.supports_autograd):
            args, kwargs = narrow([sample.input, *sample.args]), narrow(sample.kwargs)
            leaves, generator = [], torch.Generator().manual_seed(SEED)
            try:
                case = {"args": encode(args), "kwargs": encode(kwargs), "variant": op.variant_test_name}
                w = wide(args, leaves)
                k = wide(kwargs, leaves)
                answered(case, lambda: op(*w, **k), leaves, generator)
            except Left as why:
                print(f"{name}: left out a case of {why}", file=sys.stderr)
                continue
            cases.append(case)
    return cases


def module(name):
    cases = []
    for info in (m for m in module_db if m.name == name):
        for training in (True, False):
            for sample in info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=True, training=training):
                made, called = sample.constructor_input, sample.forward_input
                generator = torch.Generator().manual_seed(SEED)
                try:
                    case = {"ctorArgs": encode(list(made.args)), "ctorKwargs": encode(made.kwargs), "training": training, "args": encode(narrow(list(called.args)))}
                    case["kwargs"] = encode(narrow(called.kwargs))
                    m = info.module_cls(*made.args, **made.kwargs).train(training)
                    case["state"] = {k: encode(v) for k, v in m.state_dict().items()}
                    m.double()
                    leaves = []
                    args = wide(narrow(list(called.args)), leaves)
                    kwargs = wide(narrow(called.kwargs), leaves)
                    named = dict(m.named_parameters())
                    grads = answered(case, lambda: m(*args, **kwargs), leaves, generator, named.values())
                    case["paramGrads"] = {k: None if g is None else encode(g) for k, g in zip(named, grads)}
                    case["buffersAfter"] = {k: encode(v) for k, v in m.named_buffers()}
                except Left as why:
                    print(f"{name}: left out a case of {why}", file=sys.stderr)
                    continue
                cases.append(case)
    return cases


folder, *names = sys.argv[1:]
for name in names:
    kind = "modules" if name.startswith("nn.") and name[3].isupper() else "ops"
    torch.manual_seed(SEED)
    cases = (module if kind == "modules" else operator)(name)
    target = pathlib.Path(folder, kind)
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{name}.json").write_text(json.dumps({"name": name, "torch": torch.__version__, "seed": SEED, "cases": cases}))
    print(f"{name}: {len(cases)} cases")
