"""Leave changed modules in memory for the next experiment, and look for what the last one left."""

import builtins
import json
import random
import sys
from pathlib import Path
from types import ModuleType

import numpy

TARGET = json.loads(Path("target.json").read_bytes())
MARK = TARGET["mark"].replace("-", "_")

places = (builtins, json, random, numpy, numpy.random)
found = [place.__name__ for place in places if hasattr(place, MARK)]
found += [MARK] if MARK in sys.modules else []
found += ["numpy's options"] if numpy.get_printoptions()["precision"] == 3 else []
for place in places:
    setattr(place, MARK, True)
sys.modules[MARK] = ModuleType(MARK)
numpy.set_printoptions(precision=3)
print(f"succeeded: the last one left {found}" if found else "blocked: nothing was left", flush=True)
