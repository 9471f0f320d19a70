"""Runs train.py of several folders in one process, or in each of several: python driver.py '[["folder", "--steps", "5"], ...]'."""
import json
import runpy
import sys

import torch.distributed as dist

for folder, *arguments in json.loads(sys.argv[1]):
    for name in ("model", "method", "optimizer"):
        sys.modules.pop(name, None)
    sys.path.insert(0, folder)
    sys.argv = [f"{folder}/train.py", *arguments]
    runpy.run_path(f"{folder}/train.py", run_name="train")["main"]()
    sys.path.remove(folder)
if dist.is_initialized():
    dist.destroy_process_group()
