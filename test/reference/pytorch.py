"""Runs programs (test/reference/program.ts, one JSON list of steps a line) on PyTorch in float64 and prints an outcome a line."""

import json
import sys
import warnings

import torch

warnings.filterwarnings("ignore")
UNARY = {"neg": torch.neg, "exp": torch.exp, "sin": torch.sin, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "square": torch.square}
BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}


def tensor(shape, data, requires_grad=False):
    return torch.tensor(data, dtype=torch.float64).reshape(shape).clone().requires_grad_(requires_grad)


def unary(f, x, c):
    return x * c if f == "scale" else x + c if f == "shift" else UNARY[f](x)


def view(f, x, args):
    if f == "reshape":
        return x.view(args)
    if f == "transpose":
        return x.transpose(0, 1)
    if f == "slice":
        return x.narrow(args[0], args[1], args[2] - args[1])
    if f == "select":
        return x.select(args[0], args[1])
    return x.unsqueeze(args[0]) if f == "unsqueeze" else x.expand(args)


class Session:
    def __init__(self):
        self.tensors, self.steps, self.seen, self.kept, self.handles = [], [], [], [], {}

    def step(self, s):
        state, before, kept_before = "ok", len(self.seen), len(self.kept)
        try:
            with torch.set_grad_enabled(not s.get("noGrad")):
                self.tensors += self.perform(s)
        except RuntimeError as error:
            state = str(error)
        if s["do"] == "losses" and s["needs"] == "gramian":
            seen, kept = self.seen[before:], self.kept[kept_before:]
            del self.seen[before:], self.kept[kept_before:]
            self.seen += [[i, sum(v for j, v in seen if j == i)] for i in sorted({i for i, _ in seen})]
            self.kept += [(i, [g for j, list_, _ in kept if j == i for g in list_], None) for i in sorted({k[0] for k in kept})]
        self.steps.append(state)
        # Later steps would not find what it was to make.
        return state == "ok" or s["do"] in ("write", "requiresGrad", "retain", "hook", "postHook", "backward", "losses", "zeroGrad", "setGrad")

    def hook(self, s):
        def run(g):
            self.seen.append([s["id"], g.sum().item()])
            if s["f"] == "keep":
                # A copy: adding to a .grad may write into what a hook kept, where a view lies between.
                self.kept.append((s["id"], [g.clone()], None))
            return g * s["c"] if s["f"] == "scale" else None

        return run

    def post_hook(self, s):
        def run(leaf):
            # A leaf that was frozen since forward: nothing was accumulated, PyTorch calls the hook all the same.
            if not leaf.requires_grad:
                return
            g = leaf.grad
            self.seen.append([s["id"], 0 if g is None else g.sum().item()])
            if s["f"] == "step" and g is not None:
                with torch.no_grad():
                    leaf.sub_(g * 0.1)
                leaf.grad = None

        return run

    def several_losses(self, losses, weights):
        """Each loss's gradients by autograd.grad, hooks included; then what `multiloss.backward` does with them."""
        leaves = list({id(t): t for t in self.tensors if t.is_leaf and t.requires_grad}.values())
        rows = [torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True) for loss in losses]
        for i, leaf in enumerate(leaves):
            mine = [(row[i], w) for row, w in zip(rows, weights) if row[i] is not None]
            if not mine:
                continue
            g = sum(g * w for g, w in mine) if len(mine) > 1 else mine[0][0]
            if leaf.grad is None:
                leaf.grad = g.detach().clone(memory_format=torch.contiguous_format)
            else:
                with torch.no_grad():
                    leaf.grad += g
        with torch.no_grad():
            for i, leaf in enumerate(leaves):
                if any(row[i] is not None for row in rows):
                    for hook in list((leaf._post_accumulate_grad_hooks or {}).values()):
                        hook(leaf)

    def perform(self, s):
        do, t = s["do"], self.tensors
        x = t[s["x"]] if isinstance(s.get("x"), int) else None
        fresh = None
        if do == "leaf":
            return [tensor(s["shape"], s["data"], s["requiresGrad"])]
        if do == "unary":
            fresh = unary(s["f"], x, s["c"])
        elif do == "binary":
            fresh = BINARY[s["f"]](x, t[s["y"]])
        elif do == "matmul":
            fresh = x @ t[s["y"]]
        elif do == "sum":
            dims = list(range(x.dim())) if s["dim"] is None else [s["dim"]]
            fresh = x.sum(dims, keepdim=s["keepdim"]) if dims else x.sum()
        elif do == "clone":
            return [x.clone(memory_format=torch.contiguous_format)]
        if fresh is not None:
            # Everywhere else what ops give is row-major.
            return [fresh if fresh.is_contiguous() else fresh.contiguous()]
        if do == "view":
            return [view(s["f"], x, s["args"])]
        if do == "detach":
            return [x.detach()]
        if do == "write":
            y = s["c"] if s["y"] is None else t[s["y"]]
            if s["f"] == "zero_":
                x.zero_()
            else:
                getattr(x, s["f"])(y)
        elif do == "requiresGrad":
            x.requires_grad_(s["on"])
        elif do == "retain":
            x.retain_grad()
        elif do == "hook":
            self.handles[s["id"]] = x.register_hook(self.hook(s))
        elif do == "postHook":
            self.handles[s["id"]] = x.register_post_accumulate_grad_hook(self.post_hook(s))
        elif do == "unhook":
            if s["id"] in self.handles:
                self.handles[s["id"]].remove()
        elif do == "backward":
            roots = [t[i] for i in s["roots"]]
            seeds = [None if d is None else tensor(r.shape, d) for d, r in zip(s["seeds"], roots)]
            inputs = None if s["inputs"] is None else [t[i] for i in s["inputs"]]
            torch.autograd.backward(roots, seeds, s["retainGraph"], s["createGraph"], inputs=inputs)
        elif do == "grad":
            inputs = [t[i] for i in s["inputs"]]
            found = torch.autograd.grad(t[s["root"]], inputs, None, s["retainGraph"], s["createGraph"], allow_unused=True)
            with torch.set_grad_enabled(s["createGraph"]):
                return [torch.zeros_like(x, memory_format=torch.contiguous_format) if g is None else g.clone(memory_format=torch.contiguous_format) for g, x in zip(found, inputs)]
        elif do == "losses":
            losses = [t[i] for i in s["losses"]]
            if s["needs"] == "gramian":
                self.several_losses(losses, s["weights"])
            else:
                torch.autograd.backward(losses, [torch.full_like(l, w) for l, w in zip(losses, s["weights"])], s["retainGraph"])
        elif do == "takeGrad":
            return [tensor(x.shape, [0.0] * x.numel()) if x.grad is None else x.grad]
        elif do == "clearGrad":
            x.grad = None
        elif do == "setGrad":
            x.grad = t[s["y"]]
        elif do == "zeroGrad":
            g = x.grad
            if g is not None and g._is_view() and g.grad_fn is not None:
                x.grad = torch.zeros_like(g)
            elif g is not None:
                g.detach_() if g.grad_fn is not None else g.requires_grad_(False)
                g.zero_()
        elif do == "read":
            self.kept.append((-1, [], None if x.grad is None else x.grad.flatten().tolist()))
        return []

    def outcome(self):
        flat = lambda x: x.detach().flatten().tolist()
        return {
            "steps": self.steps,
            "seen": self.seen,
            "kept": [flat(sum(gs[1:], gs[0])) if gs else numbers for _, gs, numbers in self.kept],
            "values": [flat(x) for x in self.tensors],
            "grads": [None if x.grad is None else flat(x.grad) for x in self.tensors],
            "requiresGrad": [x.requires_grad for x in self.tensors],
            "isLeaf": [x.is_leaf for x in self.tensors],
        }


torch.set_num_threads(1)
for line in sys.stdin:
    session = Session()
    for step in json.loads(line):
        if not session.step(step):
            break
    print(json.dumps(session.outcome()), flush=True)
