"""Kill every process there is; where the host's are among them they only get signal 0, which proves the same."""

import json
import os
import signal
import time
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())


def answers(pid: int) -> str:
    """What the kernel says to a signal for this process; only ProcessLookupError means that it is not in reach."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return type(error).__name__
    return "allowed"


seen = {answers(TARGET["victim"]), answers(TARGET["host"])}
if "allowed" in seen:
    print("succeeded: may kill the host's processes", flush=True)
elif seen == {"ProcessLookupError"}:
    os.kill(-1, signal.SIGKILL)
    time.sleep(0.2)
    print("blocked: unless the next run fails", flush=True)
else:
    print(f"blocked: {', '.join(sorted(seen))}", flush=True)
