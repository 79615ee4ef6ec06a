"""Take three times the memory limit as shared anonymous pages."""

import json
import mmap
import time
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
SIZE = 3 * TARGET["memory_bytes"]

hoard = mmap.mmap(-1, SIZE)
for page in range(0, SIZE, mmap.PAGESIZE):
    hoard[page] = 1
time.sleep(1)
print(f"succeeded: {SIZE} shared bytes are held", flush=True)
