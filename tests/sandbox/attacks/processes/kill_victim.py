"""Kill a process of the host's, planted for this."""

import json
import os
import signal
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())

os.kill(TARGET["victim"], signal.SIGKILL)
print("succeeded: the kernel took the signal", flush=True)
