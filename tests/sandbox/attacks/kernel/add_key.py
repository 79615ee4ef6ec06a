"""Put a key into the kernel's key store."""

import ctypes
import json
import os
from pathlib import Path

TARGET = json.loads(Path("target.json").read_bytes())
ADD_KEY = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
PROCESS_KEYRING = ctypes.c_long(-2)

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(ADD_KEY, b"user", TARGET["mark"].encode(), b"x", ctypes.c_size_t(1), PROCESS_KEYRING) == -1:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("succeeded: the kernel holds the key", flush=True)
