"""Leave a System V shared memory segment for the next experiment, and look for the last one's."""

import ctypes
import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
IPC_CREAT, SIZE = 0o1000, 4096

libc = ctypes.CDLL(None, use_errno=True)
found = libc.shmget(TARGET["key"], SIZE, 0) != -1
if not found and libc.shmget(TARGET["key"], SIZE, IPC_CREAT | 0o600) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: the last one's segment is there" if found else "blocked: nothing was left", flush=True)
