"""Kill the whole process group; if the host is in it, that is only said."""

import json
import os
import signal
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

try:
    shared = os.getpgid(TARGET["host"]) == os.getpgrp()
except OSError:
    shared = False
if shared:
    print("succeeded: the host is in the group", flush=True)
else:
    print("blocked: unless the next run fails", flush=True)
    os.kill(0, signal.SIGKILL)
