"""Leave a changed process for the next experiment: umask, nice value, name, signals, variables, folder."""

import ctypes
import json
import os
import signal
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
NAME = f"m{TARGET['mark'][-10:]}"
COMM = Path("/proc/self/comm")
PR_SET_NAME = 15

here = os.getcwd()
umask = os.umask(0o421)
found = {
    "umask": umask == 0o421,
    "nice value": os.nice(0) == 7,
    "name": COMM.read_text().strip() == NAME,
    "signal": signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN,
    "variable": NAME in os.environ,
    "folder": here == "/",
}
os.nice(7)
ctypes.CDLL(None).prctl(PR_SET_NAME, NAME.encode(), 0, 0, 0)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
os.environ[NAME] = "1"
os.chdir("/")
left = [name for name, still in found.items() if still]
print(f"succeeded: the last one left {left}" if left else "blocked: nothing was left", flush=True)
