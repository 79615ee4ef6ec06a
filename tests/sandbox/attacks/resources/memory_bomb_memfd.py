"""Take twice the memory limit as anonymous files, which no process maps."""

import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
PIECE = 24 * 2**20
COUNT = 2 * TARGET["memory_bytes"] // PIECE + 1

for _ in range(COUNT):
    handle = os.memfd_create("hoard")
    if os.write(handle, b"x" * PIECE) < PIECE:
        raise OSError("the write was cut short")
print(f"succeeded: {COUNT * PIECE} bytes are held", flush=True)
