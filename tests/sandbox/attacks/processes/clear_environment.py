"""Outlive the run as a daemon that has cleared its environment before anyone looks."""
# ruff: noqa: S606

import json
import os
import sys
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 256)
            os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(30)", TARGET["mark"]], {})
        os._exit(0)
    os.wait()
print("blocked: unless a daemon is found alive", flush=True)
