"""Fill the disk with files that have no name, so that nobody who walks the folder counts them."""

import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
PIECE = TARGET["disk_bytes"] // 2
COUNT = 8

for number in range(COUNT):
    handle = os.open(f"junk-{number}", os.O_CREAT | os.O_WRONLY)
    os.unlink(f"junk-{number}")
    if os.write(handle, b"x" * PIECE) < PIECE:
        raise OSError("the write was cut short")
print(f"succeeded: {COUNT * PIECE} bytes without a name", flush=True)
