"""Leave a POSIX message queue for the next experiment, and look for the last one's."""

import ctypes
import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
NAME = f"/{TARGET['mark']}".encode()

libc = ctypes.CDLL("librt.so.1", use_errno=True)
found = libc.mq_open(NAME, os.O_RDWR) != -1
if not found and libc.mq_open(NAME, os.O_RDWR | os.O_CREAT, 0o600, None) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: the last one's queue is there" if found else "blocked: nothing was left", flush=True)
