"""Send the parent every signal there is; the host itself only gets signal 0, which proves the same."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

parent = os.getppid()
if parent == 0:
    raise ProcessLookupError("the parent is not to be seen")
os.kill(parent, 0)
if parent == TARGET["host"]:
    print("succeeded: may kill the host", flush=True)
else:
    print("blocked: unless the next run fails", flush=True)
    for number in signal.valid_signals():
        with contextlib.suppress(OSError):
            os.kill(parent, number)
    time.sleep(0.2)
