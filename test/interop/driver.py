"""Runs train.py of several folders in one process: python driver.py '[["folder", "--steps", "5"], ...]'."""
import json
import runpy
import sys

for folder, *arguments in json.loads(sys.argv[1]):
    for name in ("model", "method", "optimizer"):
        sys.modules.pop(name, None)
    sys.path.insert(0, folder)
    sys.argv = [f"{folder}/train.py", *arguments]
    runpy.run_path(f"{folder}/train.py", run_name="__main__")
    sys.path.remove(folder)
