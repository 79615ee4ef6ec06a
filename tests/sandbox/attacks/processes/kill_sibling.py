"""Kill another job that runs in the same sandbox at the same time."""

import contextlib
import hashlib
import json
import os
import signal
import time
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

killed: list[str] = []
end = time.monotonic() + 1.5
while not killed and time.monotonic() < end:
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if hashlib.sha256((entry / "cwd/secret.txt").read_bytes()).hexdigest() == TARGET["sha256"]:
                os.kill(int(entry.name), signal.SIGKILL)
                killed.append(entry.name)
    time.sleep(0.02)
print(f"succeeded: killed {killed}" if killed else "blocked: the sibling is not to be seen", flush=True)
