// `train.py`, whole: what does not depend on the model.

/** Trains on in one process, or several under torchrun. */
export const TRAIN = `"""Trains on from what gradloom left, and writes what gradloom reads.

One process:  python train.py --data data.safetensors --batch-size 32 --steps 50
Several:      torchrun --nproc_per_node 2 train.py --data data.safetensors --batch-size 32 --steps 50
Check only:   python train.py --check

The data file has the batch's tensors under "0", "1", ... with a row per sample; --batch-size counts all processes together. Written by gradloom's toPyTorch.
"""
import argparse
import json
import os
import pathlib

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch.nn.parallel import DistributedDataParallel

import method
from model import EVALUATING, build_model, losses
from optimizer import build_optimizer, build_scheduler, load_optimizer, save_optimizer

HERE = pathlib.Path(__file__).parent


class Losses(torch.nn.Module):
    """The losses as one module, so that DistributedDataParallel can stand around them."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *batch):
        return losses(self.model, *batch)


def load_batch(path):
    """Tensors in the order of their numbers; whole numbers as PyTorch wants classes and indices."""
    tensors = load_file(path)
    return [t.long() if t.dtype == torch.int32 else t for _, t in sorted((int(k), t) for k, t in tensors.items() if k.isdigit())]


def batches(data, size, rank, world):
    """This process's share of each batch, over and over. Replace it by a DataLoader (with a DistributedSampler) of your own."""
    n = len(data[0])
    step = 0
    while True:
        rows = (torch.arange(size // world) + step * size + rank * (size // world)) % n
        yield [t[rows] for t in data]
        step += 1


def averaged(t, world):
    """The mean over all processes."""
    if world > 1:
        t = t.clone()
        dist.all_reduce(t)
        t = t / world
    return t


def gathered(rows, world):
    """Each loss's gradient [m, P], averaged over all processes: what a method must see. A Gramian of averages is no average of Gramians."""
    if world == 1:
        return rows
    parts = [torch.empty_like(rows) for _ in range(world)]
    dist.all_gather(parts, rows)
    return torch.stack(parts).mean(0)


def resolve(rows, values, world):
    """The step's direction [P], and the losses' weights."""
    rows = gathered(rows, world)
    if method.NEEDS == "jacobian":
        return method.direction(rows), None
    gramian = rows.double() @ rows.double().T
    weights = method.weights(gramian, values).to(rows.dtype)
    return weights @ rows, weights


def backward(module, batch, world):
    """Fills .grad from several losses, which it returns as the mean over all processes."""
    named = module(*batch)
    stacked = torch.stack(list(named.values()))
    values = averaged(stacked.detach(), world)
    if method.NEEDS == "losses":
        # What each loss counts follows from the averaged losses, so that it is the same on every rank.
        leaf = values.clone().requires_grad_()
        method.combine(leaf).backward()
        (leaf.grad * stacked).sum().backward()
        return dict(zip(named, values.tolist(), strict=True))
    params = [p for p in module.parameters() if p.requires_grad]
    grads = [torch.autograd.grad(loss, params, retain_graph=True, allow_unused=True) for loss in named.values()]
    reached = [[g[i] is not None for g in grads] for i in range(len(params))]
    shared = [i for i, by in enumerate(reached) if sum(by) > 1]
    heads = [i for i, by in enumerate(reached) if sum(by) == 1]
    rows = torch.stack([torch.cat([(torch.zeros_like(params[i]) if g[i] is None else g[i]).reshape(-1) for i in shared]) for g in grads])
    direction, _ = resolve(rows, values, world)
    for p, g in zip([params[i] for i in shared], direction.split([params[i].numel() for i in shared]), strict=True):
        p.grad = g.reshape(p.shape).clone()
    # A parameter of one loss gets that loss's own gradient.
    for i in heads:
        params[i].grad = averaged(next(g[i] for g in grads if g[i] is not None), world)
    return dict(zip(named, values.tolist(), strict=True))


def check(model):
    """Whether the losses of the example batch are those that gradloom computed."""
    expected = json.loads((HERE / "expected.json").read_text())
    found = {name: loss.item() for name, loss in losses(model, *load_batch(HERE / "example.safetensors")).items()}
    for name, value in expected.items():
        print(f"{name}: {found[name]:.7g} here, {value:.7g} in gradloom")
        assert abs(found[name] - value) <= 1e-4 * max(abs(value), 1e-6), f"{name} differs"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=str(HERE / "example.safetensors"))
    parser.add_argument("--batch-size", type=int, default=None, help="of all processes together; default all of the data")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="the batch to begin with")
    parser.add_argument("--out", default=str(HERE / "result"))
    parser.add_argument("--check", action="store_true", help="compare the example batch's losses and end")
    args = parser.parse_args()

    world = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    model = build_model()
    model.load_state_dict(load_file(HERE / "weights.safetensors"))
    model.train()
    for path in EVALUATING:
        model.get_submodule(path).eval()
    if args.check:
        check(model)
        return
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("gloo")
    learned = getattr(method, "learned", None)
    optimizer = build_optimizer(model, learned)
    scheduler = build_scheduler(optimizer)
    load_optimizer(HERE / "optimizer.safetensors", optimizer, scheduler)
    if learned is not None:
        learned.data.copy_(load_file(HERE / "method.safetensors")["learned"])
    module = Losses(model)
    if world > 1 and method.NEEDS == "losses":
        module = DistributedDataParallel(module, find_unused_parameters=True)

    data = load_batch(args.data)
    size = args.batch_size or len(data[0])
    if size % world:
        raise SystemExit(f"a batch of {size} does not split among {world} processes")
    log = []
    source = batches(data, size, rank, world)
    for step, batch in zip(range(-args.first, args.steps), source):
        if step < 0:
            continue
        optimizer.zero_grad(set_to_none=True)
        log.append(backward(module, batch, world))
        optimizer.step()
        if scheduler is not None:
            scheduler.step()  # once a step; move it where an epoch ends if that is how the program had it
        if rank == 0 and (step + 1) % 10 == 0:
            print(f"step {step + 1}: " + ", ".join(f"{name} {value:.6g}" for name, value in log[-1].items()))
    if rank == 0:
        out = pathlib.Path(args.out)
        out.mkdir(parents=True, exist_ok=True)
        save_file({key: value.detach().contiguous().clone() for key, value in model.state_dict().items()}, out / "weights.safetensors")
        save_optimizer(out / "optimizer.safetensors", optimizer, scheduler)
        if learned is not None:
            save_file({"learned": learned.detach().clone()}, out / "method.safetensors")
        (out / "losses.json").write_text(json.dumps(log))


if __name__ == "__main__":
    main()
    if dist.is_initialized():
        dist.destroy_process_group()
`;
